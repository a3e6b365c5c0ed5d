// A worker under load is ended, again and again, in all four ways that a worker ends unasked: by
// `terminate()`, `process.exit`, an uncaught throw and an exhausted heap.
// `../fail-points/world.mjs` says what is checked after each. Run by `soak.mjs`, with a heap that
// is soon exhausted:
//
//   node --max-old-space-size=64 kills.mjs <addon: true|false> <kills> <seed>

import assert from 'node:assert/strict'
import { World, turn } from '../fail-points/world.mjs'
import { createRandom } from './random.mjs'
import { Watchdog } from './watchdog.mjs'

const WAYS = ['terminate', 'exit', 'throw', 'memory']
const KILLS_PER_ENGINE = 24
const FAILURES_MAX = 10
/** How long a victim lives, in turns of main's loop. */
const TURNS_MAX = 400
/** How long the request that ends a victim may take. */
const DYING_MS = 60_000

const [addon, kills, seed] = process.argv.slice(2).map((text) => JSON.parse(text))
const name = addon ? 'addon' : 'portable'

const random = createRandom(seed)
const watchdog = new Watchdog()

/** Ends the victim in the middle of bursts; resolves when those bursts have ended too. */
async function kill(world, way) {
  let isDead = false
  const bursts = [world.burst()]
  const keepTalking = async () => {
    while (!isDead) {
      await bursts.at(-1)
      // With the victim dead, a burst ends at once.
      await turn()
      if (!isDead) bursts.push(world.burst())
    }
  }
  const talking = keepTalking()
  for (let turns = Math.floor(random() * TURNS_MAX); turns > 0; turns--) await turn()
  if (way === 'terminate') await world.endVictim()
  else {
    const asked = world.engine.request('victim.die', way, { timeoutMs: DYING_MS })
    await assert.rejects(asked, { code: 'ERR_RESPONDER_DIED' })
    await world.endVictim(false)
  }
  isDead = true
  await Promise.all([talking, ...bursts])
}

const ended = { passed: 0, failed: 0 }
let world = null
for (let n = 0; n < kills && ended.failed < FAILURES_MAX; n++) {
  const way = WAYS[n % WAYS.length]
  watchdog.watch(`kill ${n}, ${way}, seed ${seed}`)
  try {
    if (world === null) {
      world = new World(addon)
      await world.open()
      await world.spawnVictim()
    }
    await kill(world, way)
    await world.checkAfterDeath()
    await world.checkSuccessor()
    if (world.deaths >= KILLS_PER_ENGINE || n === kills - 1) {
      await world.close()
      world = null
    }
    ended.passed++
  } catch (error) {
    ended.failed++
    console.log(`FAILED: ${watchdog.current}\n${error.stack}`)
    await world?.engine?.close({ timeoutMs: 1000 })
    world = null
  }
  if ((n + 1) % 100 === 0) console.log(`kills, ${name}: ${n + 1} of ${kills}`)
}
watchdog.stop()
const rssMb = Math.round(process.memoryUsage.rss() / 2 ** 20)
console.log(`kills, ${name}: RSS ${rssMb} MiB at the end`)
console.log(`${ended.passed} passed, ${ended.failed} failed`)
process.exitCode = ended.failed === 0 ? 0 : 1
