// Two workers add jobs and handle them, as the main thread does; one of them is ended, again and
// again, at random moments, in every way that a worker ends unasked. At the end every job that was
// accepted has been handled, with attempts that count up, in the order of its key, and every slot
// and every block is free again. Run by `queue-kills.test.ts` and by `soak.mjs`; `kill-worlds.mjs`
// says how.

import assert from 'node:assert/strict'
import { setEnvironmentData } from 'node:worker_threads'
import { addon, below, killInWorlds, turn } from './kill-worlds.mjs'

// Before the words are looked for, here and in each worker.
setEnvironmentData('queue-words', new Int32Array(new SharedArrayBuffer(4 * 1024 * 1024)))
const { createEngine } = await import('flyshuttle')
const { JOBS_MAX, QUEUES, Word, acceptedJobs, addOne, handle, lostJobs, words, wrongText } =
  await import('./queue-words.mjs')

const WAYS = ['terminate', 'exit', 'terminate', 'throw']
const KILLS_PER_ENGINE = 50
const VICTIMS = [1, 2]
/** How long a victim lives, in turns of main's loop. */
const TURNS_MAX = 30
/** How long the request that ends a victim may take. */
const DYING_MS = 60_000

class World {
  kills = 0
  errors = []
  adding = []

  async open() {
    words.fill(0)
    this.engine = await createEngine({
      threads: 0,
      threadsMax: 3,
      // Few blocks, so that large jobs wait for them.
      chunkBytes: 1024 * 1024,
      addon,
      onError: (error) => {
        if (error.message !== 'on purpose' && error.code !== 'ERR_THREAD_DIED')
          this.errors.push(error)
      },
    })
    this.queues = []
    for (const { name, options } of QUEUES) this.queues.push(await this.engine.queue(name, options))
    this.queues.forEach((queue, q) => {
      queue.consume((job, delivery) => handle(q, job, delivery), { concurrency: 2 })
      this.adding.push(this.#add(q))
    })
    for (const thread of VICTIMS) await this.spawn(thread)
  }

  async #add(q) {
    while (await addOne(q, this.queues[q], 0)) await new Promise((done) => setTimeout(done, 1))
  }

  spawn(thread) {
    const file = new URL('./agents/queue-victim.mjs', import.meta.url)
    return this.engine.spawn(`victim-${thread}`, file, { thread })
  }

  async kill(n) {
    const way = WAYS[n % WAYS.length]
    const thread = VICTIMS[below(VICTIMS.length)]
    const find = () => this.engine.threads.find(({ index }) => index === thread)
    for (let turns = below(TURNS_MAX); turns > 0; turns--) await turn()
    if (way === 'terminate') await find()?.terminate()
    else {
      const asked = this.engine.request('queue-victim.die', way, { timeoutMs: DYING_MS })
      // Either of the two may have been asked.
      await assert.rejects(asked, { code: 'ERR_RESPONDER_DIED' })
    }
    while (VICTIMS.every((index) => this.engine.threads.some((one) => one.index === index))) {
      await turn()
    }
    this.kills++
    for (const index of VICTIMS) {
      if (!this.engine.threads.some((one) => one.index === index)) await this.spawn(index)
    }
  }

  /** Whether enough words are left to note the jobs of a next kill, however slow it is. */
  hasRoom() {
    return Atomics.load(words, Word.Next) < JOBS_MAX / 2
  }

  /** Everything that was accepted is done, and nothing else is left. */
  async settle() {
    Atomics.store(words, Word.Stop, 1)
    const resting = VICTIMS.map((thread) =>
      this.engine.request(`queue-victim.rest.${thread}`, undefined, { timeoutMs: DYING_MS }),
    )
    await Promise.all([...this.adding, ...resting])
    const isEmpty = () =>
      this.queues.every((queue) => {
        const { ready, waiting, inHand, dying } = queue.inspect()
        return ready + waiting + inHand + dying === 0
      })
    while (!isEmpty()) await turn()
    assert.equal(wrongText(), 'None')
    // A victim may have ended the last job, and be about to free its block.
    while (this.engine.chunks().blocksInUse > 0) await turn()
    assert.deepEqual(lostJobs(), [], `accepted and never handled, of ${words[Word.Next]}`)
    const accepted = acceptedJobs()
    assert.ok(accepted > this.kills, `only ${accepted} jobs were accepted`)
    assert.ok(
      Atomics.load(words, Word.Next) < JOBS_MAX,
      'the words were used up: kills without load',
    )
    await this.engine.close({ timeoutMs: 30_000 })
    assert.deepEqual(this.errors, [])
    return accepted
  }
}

await killInWorlds('queue kills', 'jobs', KILLS_PER_ENGINE, () => new World())
