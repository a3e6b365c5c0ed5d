// What the programs of kills share: world after world is opened, threads of it are ended at random
// instants, and at its end it says whether anything is wrong. For `queue-kills.mjs`,
// `loan-kills.mjs` and `stream-kills.mjs`, each of which is started as
//
//   node <program> <addon: true|false> <kills> <seed>

import { createRandom } from './random.mjs'
import { Watchdog } from './watchdog.mjs'

/** As many worlds may fail: the rest would tell no more. */
const FAILURES_MAX = 10

const [isAddon, killsWanted, seed] = process.argv.slice(2).map((text) => JSON.parse(text))

export const addon = isAddon
/** From the seed: from 0, below 1. */
export const random = createRandom(seed)
export const below = (limit) => Math.floor(random() * limit)
export const turn = () => new Promise((resolve) => setImmediate(resolve))

/**
 * Ends threads until there were as many kills as the command line wants, prints what came of it,
 * and sets the exit code.
 *
 * @param {string} what 'queue kills', say
 * @param {string} counted what `settle` counts
 * @param {number} killsMax of one world
 * @param {() => {
 *   engine?: { close(options: object): Promise<void> },
 *   open(): Promise<void>,
 *   kill(n: number): Promise<void>,
 *   hasRoom?(): boolean,
 *   settle(): Promise<number>,
 * }} createWorld `kill` ends a thread, the n-th of all, and replaces it; `hasRoom` says whether it
 *   can stand another; `settle` throws if something is wrong, and closes the engine
 */
export async function killInWorlds(what, counted, killsMax, createWorld) {
  const label = `${what}, ${addon ? 'addon' : 'portable'}`
  const watchdog = new Watchdog()
  let passed = 0
  let failed = 0
  let count = 0
  for (let n = 0; n < killsWanted && failed < FAILURES_MAX;) {
    const world = createWorld()
    const first = n
    try {
      watchdog.watch(`opening, kill ${n}, seed ${seed}`)
      await world.open()
      for (; n < killsWanted && n - first < killsMax && world.hasRoom?.() !== false; n++) {
        watchdog.watch(`kill ${n}, seed ${seed}`)
        await world.kill(n)
      }
      watchdog.watch(`settling after kill ${n}, seed ${seed}`)
      count += await world.settle()
      passed += n - first
      console.log(`${label}: ${n} of ${killsWanted}`)
    } catch (error) {
      failed++
      console.log(`FAILED: ${watchdog.current}\n${error.stack}`)
      await world.engine?.close({ timeoutMs: 1000 })
      n++
    }
  }
  watchdog.stop()
  console.log(`${label}: ${count} ${counted}, seed ${seed}`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
