// Three threads that talk, one of which is ended, again and again: by the fail-point tests and by
// the soak test.
//
// After each death: every request has settled; what the victim had flushed has arrived whole, once
// and in order; nothing was handled twice; the witness was not harmed; a successor works. At the
// end: `close()` ends in order. With fail-points the beat never comes, so that a thread that
// sleeps through something hangs, and the watchdog of the caller tells.

import assert from 'node:assert/strict'
import { setEnvironmentData } from 'node:worker_threads'

export const words = new Int32Array(new SharedArrayBuffer(65_536 * 4))
// Before the package is loaded, because each fail-point looks for them when it is.
setEnvironmentData('fail-points', words)
const { createEngine } = await import('flyshuttle')
const { How, VICTIM, Word } = await import('./pass.mjs')
const { QUEUES, addJobs, forgetJobs, handleJob, isAllHandled, isEmpty } = await import('./jobs.mjs')
const { Checker, LargeFromVictim, OUTCOMES, ToMain, createTalk, talkToVictim, tornBytes } =
  await import('./streams.mjs')

/** Requests of the test itself. A lost one hangs until then, or until a watchdog. */
const TIMEOUT_MS = 60_000
const WITNESS = 1
/** Each drain handles what one link holds at least, and there are three. */
const LOOKS = 4

export const turn = () => new Promise((resolve) => setImmediate(resolve))
const agent = (name) => new URL(`./agents/${name}.mjs`, import.meta.url)

export class World {
  /** @type {import('flyshuttle').Engine} */
  engine
  errors = []
  checker = new Checker()
  talk = createTalk(0)
  lane = 1
  deaths = 0
  hasVictim = false
  burstsBefore = 0
  bursts = 0

  /** @param {boolean} addon */
  constructor(addon) {
    this.addon = addon
  }

  async open() {
    words.fill(0, 0, Word.Counts)
    words[Word.Armed] = -1
    words.fill(-1, Word.Handled, Word.Handled + 2)
    forgetJobs()
    const onError = (error, { subject }) => {
      if (error.message !== 'on purpose') this.errors.push(`${subject}: ${error}`)
    }
    this.engine = await createEngine({
      threads: 1,
      threadsMax: 3,
      ringBytes: 16_384,
      // Three blocks of 16 KiB, and three of 64 KiB.
      chunkBytes: 256 * 1024,
      addon: this.addon,
      onError,
    })
    this.queues = []
    for (const { name, options } of QUEUES) {
      const queue = await this.engine.queue(name, options)
      queue.consume(handleJob)
      this.queues.push(queue)
    }
    await this.engine.subscribe(ToMain, (value) => this.checker.check(value))
    await this.engine.subscribe(LargeFromVictim, (bytes) => {
      this.checker.wrong ??= tornBytes(bytes)
    })
    await this.engine.handle('main.echo', (value) => value)
    await this.engine.spawn('witness', agent('witness'), { thread: WITNESS })
  }

  async spawnVictim() {
    words[Word.Flushed] = 0
    this.lane++
    this.hasVictim = true
    this.burstsBefore = this.bursts
    await this.engine.spawn('victim', agent('victim'), {
      thread: VICTIM,
      config: { lane: this.lane },
    })
  }

  /** Everyone talks to everyone, until all is settled. */
  async burst() {
    this.bursts++
    this.engine.publish('go', this.bursts)
    await Promise.all([talkToVictim(this.engine, this.talk), addJobs(this.queues)])
  }

  verdict(lane = this.lane) {
    return this.engine.request('witness.verdict', lane, { timeoutMs: TIMEOUT_MS })
  }

  /** Resolves when the armed point has been passed and its thread has ended. */
  async death() {
    while (words[Word.Reached] === 0) await turn()
    await this.endVictim(words[Word.How] === How.Terminate)
  }

  async endVictim(isTerminated = true) {
    const find = () => this.engine.threads.find(({ index }) => index === VICTIM)
    if (isTerminated) await find()?.terminate()
    while (find() !== undefined) await turn()
    this.deaths++
    this.hasVictim = false
  }

  /** What must hold once the victim is dead and every burst of main has ended. */
  async checkAfterDeath() {
    const flushed = words[Word.Flushed]
    // Main learns of the death from its worker. The witness must wake by itself.
    while (Atomics.load(words, Word.WitnessBursts) < this.bursts) await turn()
    while (this.checker.next(this.lane) < flushed) await turn()
    let verdict
    do verdict = await this.verdict()
    while (verdict.next < flushed)
    // What it had in hand is for us now.
    while (!isAllHandled()) await turn()
    assert.equal(verdict.wrong, null, 'the witness')
    assert.equal(this.checker.wrong, null, 'main')
    assert.equal(words[Word.Twice], 0, 'handled twice')
    // Whoever lives has read what it got, and nobody else keeps a block.
    while (!this.hasVictim && this.engine.chunks().blocksInUse > 0) await turn()
    for (const outcome of [...this.talk.outcomes, ...verdict.outcomes]) {
      assert.ok(OUTCOMES.includes(outcome), `a request to the victim ended with ${outcome}`)
    }
  }

  /** The successor hears, answers, asks and sends. */
  async checkSuccessor() {
    const lane = this.lane
    const settled = await this.settled(lane)
    await this.spawnVictim()
    this.talk.outcomes.clear()
    await this.burst()
    assert.deepEqual([...this.talk.outcomes], ['answered'], 'requests to the successor')
    while (words[Word.Flushed] === 0) await turn()
    assert.ok(words[Word.Handled] >= 0, 'the successor heard nothing')
    await this.checkAfterDeath()
    while (!this.queues.every(isEmpty)) await turn()
    assert.deepEqual(await this.settled(lane), settled, 'came only when the successor woke them')
  }

  /** What of a dead victim's messages has arrived, when both have looked at all their links. */
  async settled(lane) {
    for (let n = 0; n < LOOKS; n++) await this.verdict()
    const { next } = await this.verdict(lane)
    return { main: this.checker.next(lane), witness: next }
  }

  async close() {
    // The victim may still add jobs, and some wait for their time; a queue that closes says so.
    const asked = () => this.engine.request('victim.finished', null, { timeoutMs: TIMEOUT_MS })
    if (this.hasVictim) while ((await asked()) < this.bursts - this.burstsBefore) await turn()
    while (!this.queues.every(isEmpty)) await turn()
    await this.engine.close({ timeoutMs: 30_000 })
    const died = this.errors.filter((error) => error.startsWith('(thread): '))
    assert.deepEqual(
      this.errors.filter((error) => !error.startsWith('(thread): ')),
      [],
      'onError heard',
    )
    assert.ok(
      died.every((error) => error.includes(`thread ${VICTIM}`)),
      died.join('\n'),
    )
  }
}
