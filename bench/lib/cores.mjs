// How many cores' work do two busy threads get done at this moment?
//
// 2 where each has a core of its own. Virtual CPUs are sometimes the two halves of one core, and
// sometimes somebody else's work is on it: then it is 1.1 to 1.5. Threads that compute get half as
// much done on half a core, and threads that only copy lose nothing, since they share its cache;
// so no ratio between the two kinds means anything without this number.

import { startWorker } from './worker-call.mjs'

const WARMUP_MS = 100
const LOOK_MS = 20

/** Two threads that do nothing but measure, and sleep between `measure()` and `measure()`. */
export async function createCoreMeter() {
  const pair = [startWorker('core-load.mjs', {}, []), startWorker('core-load.mjs', {}, [])]
  const work = async (threads, ms) => {
    const done = await Promise.all(threads.map((thread) => thread.call('work', { ms })))
    return done.reduce((sum, { rounds }) => sum + rounds, 0)
  }
  await work(pair, WARMUP_MS)
  return {
    /** @returns {Promise<number>} about 1 to 2 */
    async measure() {
      const [first, second] = pair
      const alone = (await work([first], LOOK_MS)) + (await work([second], LOOK_MS))
      return (2 * (await work(pair, LOOK_MS))) / alone
    },
    close: () => Promise.all(pair.map((thread) => thread.stop())),
  }
}
