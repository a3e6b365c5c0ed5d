// Two threads lend, publish, lease and let go all the time, and the main thread keeps leases of
// theirs for a while; one of the two is ended, again and again, at random instants. What is leased
// stays whole, also when its owner is gone, and at the end no block is in use. Run by
// `loan-kills.test.ts` and by `soak.mjs`:
//
//   node loan-kills.mjs <addon: true|false> <kills> <seed>

import assert from 'node:assert/strict'
import { createEngine } from 'flyshuttle'
import { createRandom } from './random.mjs'
import { Watchdog } from './watchdog.mjs'

const KILLS_PER_ENGINE = 150
const FAILURES_MAX = 10
const TRADERS = 2
/** How long a trader lives, in turns of main's loop. */
const TURNS_MAX = 60
/** So few bytes that all blocks are in use now and then, and somebody waits. */
const CHUNK_BYTES = 4 * 1024 * 1024
/**
 * How many leases the main thread holds before it lets the eldest go. A block must be left of the
 * four that can hold the largest messages, or nobody ever sends a next one.
 */
const HELD = 3

const [addon, kills, seed] = process.argv.slice(2).map((text) => JSON.parse(text))
const name = addon ? 'addon' : 'portable'

const random = createRandom(seed)
const below = (limit) => Math.floor(random() * limit)
const turn = () => new Promise((resolve) => setImmediate(resolve))
const watchdog = new Watchdog()

/** Every byte is the same, as its writer left it. */
function check(bytes) {
  const step = Math.ceil(bytes.length / 16)
  for (let at = 0; at < bytes.length; at += step) {
    assert.equal(bytes[at], bytes[0], `torn at ${at} of ${bytes.length}`)
  }
}

class World {
  kills = 0
  got = 0
  errors = []
  #held = []

  async open() {
    this.engine = await createEngine({
      threads: TRADERS,
      addon,
      chunkBytes: CHUNK_BYTES,
      onError: (error) => {
        if (error.code !== 'ERR_THREAD_DIED') this.errors.push(error)
      },
    })
    await this.engine.subscribe('trade.>', (lease) => this.#keep(lease), { lease: true })
    for (let thread = 1; thread <= TRADERS; thread++) await this.#spawn(thread)
  }

  #spawn(thread) {
    const file = new URL('../fixtures/agents/trader.mjs', import.meta.url)
    const config = { seed: below(1_000_000) }
    return this.engine.spawn(`trader-${thread}`, file, { thread, config })
  }

  #keep(lease) {
    this.got++
    check(lease.bytes)
    this.#held.push(lease)
    if (this.#held.length > HELD) this.#letGo()
  }

  #letGo() {
    const lease = this.#held.shift()
    check(lease.bytes)
    lease.release()
  }

  async kill() {
    const thread = 1 + below(TRADERS)
    for (let turns = below(TURNS_MAX); turns > 0; turns--) await turn()
    await this.engine.threads.find(({ index }) => index === thread)?.terminate()
    this.kills++
    await this.#spawn(thread)
  }

  /** The last ones still trade; when they are gone too, nothing is left in use. */
  async settle() {
    const before = this.got
    while (this.got === before) await turn()
    for (const { index, terminate } of this.engine.threads) if (index > 0) await terminate()
    // What the dead have sent may still arrive.
    while (this.engine.chunks().blocksInUse > 0) {
      while (this.#held.length > 0) this.#letGo()
      await turn()
    }
    await this.engine.close({ timeoutMs: 30_000 })
    assert.deepEqual(this.errors, [])
    return this.got
  }
}

const ended = { passed: 0, failed: 0, leases: 0 }
for (let n = 0; n < kills && ended.failed < FAILURES_MAX;) {
  const world = new World()
  const first = n
  try {
    watchdog.watch(`opening, kill ${n}, seed ${seed}`)
    await world.open()
    for (; n < kills && world.kills < KILLS_PER_ENGINE; n++) {
      watchdog.watch(`kill ${n}, seed ${seed}`)
      await world.kill()
    }
    watchdog.watch(`settling after kill ${n}, seed ${seed}`)
    ended.leases += await world.settle()
    ended.passed += n - first
    console.log(`loan kills, ${name}: ${n} of ${kills}`)
  } catch (error) {
    ended.failed++
    console.log(`FAILED: ${watchdog.current}\n${error.stack}`)
    await world.engine?.close({ timeoutMs: 1000 })
    n++
  }
}
watchdog.stop()
console.log(`loan kills, ${name}: ${ended.leases} leases, seed ${seed}`)
console.log(`${ended.passed} passed, ${ended.failed} failed`)
process.exitCode = ended.failed === 0 ? 0 : 1
