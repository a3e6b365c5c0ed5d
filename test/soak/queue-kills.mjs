// Two workers add jobs and handle them, as the main thread does; one of them is ended, again and
// again, at random moments, in every way that a worker ends unasked. At the end every job that was
// accepted has been handled, with attempts that count up, in the order of its key, and every slot
// is free again. Run by `queue-kills.test.ts` and by `soak.mjs`:
//
//   node queue-kills.mjs <addon: true|false> <kills> <seed>

import assert from 'node:assert/strict'
import { setEnvironmentData } from 'node:worker_threads'
import { createRandom } from './random.mjs'
import { Watchdog } from './watchdog.mjs'

// Before the words are looked for, here and in each worker.
setEnvironmentData('queue-words', new Int32Array(new SharedArrayBuffer(4 * 1024 * 1024)))
const { createEngine } = await import('flyshuttle')
const { JOBS_MAX, QUEUES, Word, acceptedJobs, addOne, handle, lostJobs, words, wrongText } =
  await import('./queue-words.mjs')

const WAYS = ['terminate', 'exit', 'terminate', 'throw']
const KILLS_PER_ENGINE = 50
const FAILURES_MAX = 10
const VICTIMS = [1, 2]
/** How long a victim lives, in turns of main's loop. */
const TURNS_MAX = 30
/** How long the request that ends a victim may take. */
const DYING_MS = 60_000

const [addon, kills, seed] = process.argv.slice(2).map((text) => JSON.parse(text))
const name = addon ? 'addon' : 'portable'

const random = createRandom(seed)
const turn = () => new Promise((resolve) => setImmediate(resolve))
const watchdog = new Watchdog()

class World {
  kills = 0
  errors = []
  adding = []

  async open() {
    words.fill(0)
    this.engine = await createEngine({
      threads: 0,
      threadsMax: 3,
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

  async kill(way) {
    const thread = VICTIMS[Math.floor(random() * VICTIMS.length)]
    const find = () => this.engine.threads.find(({ index }) => index === thread)
    for (let turns = Math.floor(random() * TURNS_MAX); turns > 0; turns--) await turn()
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
    await Promise.all(this.adding)
    const isEmpty = () =>
      this.queues.every((queue) => {
        const { ready, waiting, inHand, dying } = queue.inspect()
        return ready + waiting + inHand + dying === 0
      })
    while (!isEmpty()) await turn()
    assert.equal(wrongText(), 'None')
    assert.deepEqual(lostJobs(), [], 'accepted and never handled')
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

const ended = { passed: 0, failed: 0, jobs: 0 }
for (let n = 0; n < kills && ended.failed < FAILURES_MAX;) {
  const world = new World()
  const first = n
  try {
    watchdog.watch(`opening, kill ${n}, seed ${seed}`)
    await world.open()
    for (; n < kills && world.kills < KILLS_PER_ENGINE && world.hasRoom(); n++) {
      watchdog.watch(`kill ${n}, ${WAYS[n % WAYS.length]}, seed ${seed}`)
      await world.kill(WAYS[n % WAYS.length])
    }
    watchdog.watch(`settling after kill ${n}, seed ${seed}`)
    ended.jobs += await world.settle()
    ended.passed += n - first
    console.log(`queue kills, ${name}: ${n} of ${kills}`)
  } catch (error) {
    ended.failed++
    console.log(`FAILED: ${watchdog.current}\n${error.stack}`)
    await world.engine?.close({ timeoutMs: 1000 })
    n++
  }
}
watchdog.stop()
console.log(`queue kills, ${name}: ${ended.jobs} jobs, seed ${seed}`)
console.log(`${ended.passed} passed, ${ended.failed} failed`)
process.exitCode = ended.failed === 0 ? 0 : 1
