// Two threads lend, publish, lease and let go all the time, and the main thread keeps leases of
// theirs for a while; one of the two is ended, again and again, at random instants. What is leased
// stays whole, also when its owner is gone, and at the end no block is in use. Run by
// `loan-kills.test.ts` and by `soak.mjs`; `kill-worlds.mjs` says how.

import assert from 'node:assert/strict'
import { createEngine } from 'flyshuttle'
import { addon, below, killInWorlds, turn } from './kill-worlds.mjs'

const KILLS_PER_ENGINE = 150
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

/** Every byte is the same, as its writer left it. */
function check(bytes) {
  const step = Math.ceil(bytes.length / 16)
  for (let at = 0; at < bytes.length; at += step) {
    assert.equal(bytes[at], bytes[0], `torn at ${at} of ${bytes.length}`)
  }
}

class World {
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

await killInWorlds('loan kills', 'leases', KILLS_PER_ENGINE, () => new World())
