// Piscina, the usual worker pool, with one thread. The pool's own place is the main thread, so here
// the main thread asks; the number of busy threads is the same as for the other contenders.

import { Piscina } from 'piscina'
import { ask } from '../lib/ask.mjs'
import { measure } from '../lib/measure.mjs'
import { passOf } from '../lib/pass.mjs'

/**
 * The main thread asks, the pool's one worker answers.
 *
 * @param {{ inFlight: number, expectedSum: import('../lib/pass.mjs').ExpectedSum }} what
 * @param {import('../lib/measure.mjs').Options} options
 */
export async function requestReply({ inFlight, expectedSum }, options) {
  const pool = new Piscina({
    filename: new URL('../workers/piscina-task.mjs', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: inFlight,
    maxQueue: 2 * inFlight,
  })
  const request = (question) => pool.run(question)
  try {
    return await measure(options, async (job) => {
      const report = await ask(request, { ...job, inFlight })
      return passOf(job, report.startNs, report, expectedSum)
    })
  } finally {
    await pool.destroy()
  }
}
