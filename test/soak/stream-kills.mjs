// Three threads reply with streams and read each other's, all the time; one of two workers is
// ended, again and again, at random instants. Parts are whole and in order, every iteration
// settles, every generator that a requester left runs its `finally`, and nothing stays open. Run by
// `stream-kills.test.ts` and by `soak.mjs`; `kill-worlds.mjs` says how.

import assert from 'node:assert/strict'
import { createEngine } from 'flyshuttle'
import { addon, below, killInWorlds, turn } from './kill-worlds.mjs'
import { Traffic } from './stream-traffic.mjs'

const KILLS_PER_ENGINE = 150
const VICTIMS = 2
/** How long a victim lives, in turns of main's loop. */
const TURNS_MAX = 60

class World {
  #errors = []

  async open() {
    this.engine = await createEngine({
      threads: VICTIMS,
      addon,
      onError: (error) => {
        if (error.code !== 'ERR_THREAD_DIED') this.#errors.push(error)
      },
    })
    const tellWrong = (text) => this.#errors.push(text)
    await this.engine.subscribe('kills.wrong', tellWrong)
    this.traffic = new Traffic(this.engine, below, tellWrong)
    await this.traffic.start()
    for (let thread = 1; thread <= VICTIMS; thread++) await this.#spawn(thread)
  }

  #spawn(thread) {
    const file = new URL('./agents/stream-victim.mjs', import.meta.url)
    const config = { seed: below(1_000_000) }
    return this.engine.spawn(`victim-${thread}`, file, { thread, config })
  }

  async kill() {
    const thread = 1 + below(VICTIMS)
    for (let turns = below(TURNS_MAX); turns > 0; turns--) await turn()
    await this.engine.threads.find(({ index }) => index === thread)?.terminate()
    assert.deepEqual(this.#errors, [])
    await this.#spawn(thread)
  }

  /** With the others gone, main's own streams end, and nothing of any stream is left. */
  async settle() {
    const { traffic } = this
    const before = traffic.parts
    while (traffic.parts === before) await turn()
    for (const { index, terminate } of this.engine.threads) if (index > 0) await terminate()
    await traffic.stop()
    while (traffic.ended < traffic.begun) await turn()
    const { begun, ended } = this.engine.stats().threads[0].streams
    assert.equal(ended, begun)
    await this.engine.close({ timeoutMs: 30_000 })
    assert.deepEqual(this.#errors, [])
    return traffic.parts
  }
}

await killInWorlds('stream kills', 'parts', KILLS_PER_ENGINE, () => new World())
