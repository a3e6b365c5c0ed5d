// Three threads that talk, one of which dies at a fail-point, again and again. Run by `run.mjs` in
// an instrumented copy of the package.
//
// After each death: every request has settled; what the victim had flushed has arrived whole, once
// and in order; nothing was handled twice; the witness was not harmed; a successor works. At the
// end: `close()` ends in order. A thread that sleeps through something hangs, since the beat that
// would wake it never comes here, and the watchdog tells.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { setEnvironmentData } from 'node:worker_threads'

const words = new Int32Array(new SharedArrayBuffer(65_536 * 4))
// Before the package is loaded, because each fail-point looks for them when it is.
setEnvironmentData('fail-points', words)
const { createEngine } = await import('flyshuttle')
const { How, THREADS, VICTIM, Word } = await import('./pass.mjs')
const { Checker, OUTCOMES, ToMain, createTalk, talkToVictim } = await import('./streams.mjs')

/** Deaths in one engine: its dictionaries fill up with what victims have named. */
const DEATHS_PER_ENGINE = 12
/** Bursts in which an armed point has to be passed. */
const BURSTS_MAX = 40
/** Bursts that say how often each point is passed. */
const BURSTS_RECORDED = 6
/** A case takes a tenth of a second. One that takes so long hangs. */
const WATCHDOG_MS = 30_000
const WITNESS = 1
/** Each drain handles what one link holds at least, and there are three. */
const LOOKS = 4

const { values } = parseArgs({
  options: {
    variant: { type: 'string' },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const addon = values.variant === 'addon'
const points = JSON.parse(readFileSync(new URL('../../points.json', import.meta.url), 'utf8'))

const turn = () => new Promise((resolve) => setImmediate(resolve))
const agent = (name) => new URL(`./agents/${name}.mjs`, import.meta.url)

class World {
  /** @type {import('flyshuttle').Engine} */
  engine
  errors = []
  checker = new Checker()
  talk = createTalk(0)
  lane = 1
  deaths = 0
  bursts = 0

  async open() {
    words.fill(0, 0, Word.Counts)
    words[Word.Armed] = -1
    words.fill(-1, Word.Handled, Word.Handled + 2)
    const onError = (error, { subject }) => this.errors.push(`${subject}: ${error}`)
    this.engine = await createEngine({
      threads: 1,
      threadsMax: 3,
      ringBytes: 16_384,
      addon,
      onError,
    })
    await this.engine.subscribe(ToMain, (value) => this.checker.check(value))
    await this.engine.handle('main.echo', (value) => value)
    await this.engine.spawn('witness', agent('witness'), { thread: WITNESS })
  }

  async spawnVictim() {
    words[Word.Flushed] = 0
    this.lane++
    await this.engine.spawn('victim', agent('victim'), {
      thread: VICTIM,
      config: { lane: this.lane },
    })
  }

  /** Everyone talks to everyone, until all is settled. */
  async burst() {
    this.bursts++
    this.engine.publish('go', this.bursts)
    await talkToVictim(this.engine, this.talk)
  }

  verdict(lane = this.lane) {
    return this.engine.request('witness.verdict', lane, { timeoutMs: WATCHDOG_MS })
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
    assert.equal(verdict.wrong, null, 'the witness')
    assert.equal(this.checker.wrong, null, 'main')
    assert.equal(words[Word.Twice], 0, 'handled twice')
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
    assert.deepEqual(await this.settled(lane), settled, 'came only when the successor woke them')
  }

  /** What of a dead victim's messages has arrived, when both have looked at all their links. */
  async settled(lane) {
    for (let n = 0; n < LOOKS; n++) await this.verdict()
    const { next } = await this.verdict(lane)
    return { main: this.checker.next(lane), witness: next }
  }

  async close() {
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

function arm(id, passage, how) {
  words[Word.Reached] = 0
  words[Word.Countdown] = passage
  words[Word.How] = how
  Atomics.store(words, Word.Armed, id)
}

/**
 * Has the victim die at its point: a fresh one, which takes over its place first, or one that has
 * talked before. False: the point was not passed so often.
 */
async function die(world, { id, passage, how, isFresh }) {
  if (isFresh) await world.endVictim()
  arm(id, passage, how)
  let isDead = false
  const death = world.death().then(() => (isDead = true))
  const work = []
  if (isFresh) work.push(world.spawnVictim().catch((error) => checkDied(error)))
  for (let n = 0; n < BURSTS_MAX && !isDead; n++) {
    await Promise.race([death, work.at(-1)])
    if (!isDead) work.push(world.burst())
  }
  const isReached = isDead || Atomics.exchange(words, Word.Armed, -1) !== id
  if (!isReached) {
    // Nobody comes past it any more: ended from outside.
    words[Word.How] = How.Terminate
    words[Word.Reached] = 1
  }
  await Promise.all([death, ...work])
  return isReached
}

function checkDied({ code, message }) {
  assert.equal(code, 'ERR_THREAD_DIED', `spawn ended with: ${message}`)
}

/** How often the victim passes each point: a fresh one until its first burst is over, and later. */
async function record() {
  const world = new World()
  await world.open()
  await world.spawnVictim()
  await world.burst()
  await world.endVictim()
  const count = (thread) => points.map(({ id }) => words[Word.Counts + id * THREADS + thread])
  const before = count(VICTIM)
  await world.spawnVictim()
  await world.burst()
  const begun = count(VICTIM)
  for (let n = 0; n < BURSTS_RECORDED; n++) await world.burst()
  const talked = count(VICTIM)
  await world.close()
  const others = [count(0), count(1)]
  return points.map(({ id }) => ({
    fresh: begun[id] - before[id],
    later: talked[id] - begun[id],
    others: others[0][id] + others[1][id],
  }))
}

/** Every death to die: by point, age of the victim, passage and way. */
function plan(counts) {
  const cases = []
  const ways = Object.entries(How)
  for (const point of points) {
    const name = nameOf(point)
    if (!name.includes(values.only)) continue
    if (values.quick && !isQuick(point)) continue
    const { fresh, later } = counts[point.id]
    const ages = [
      { isFresh: false, count: later },
      { isFresh: true, count: fresh },
    ].filter(({ count }) => count > 0)
    for (const { isFresh, count } of values.full ? ages : ages.slice(0, 1)) {
      const middle = Math.ceil(count / 2)
      const passages = values.full ? new Set([1, Math.min(2, count), middle]) : [1]
      for (const passage of passages) {
        const chosen = values.full ? ways : [ways[point.id % ways.length]]
        for (const [way, how] of chosen) {
          cases.push({ id: point.id, name, isFresh, passage, way, how })
        }
      }
    }
  }
  return cases
}

/** A quarter of each function's points, one at least; another quarter for the other variant. */
function isQuick({ id, file, function: name }) {
  const own = points.filter((point) => point.file === file && point.function === name)
  const index = own.findIndex((point) => point.id === id)
  return index % 4 === Math.min(addon ? 0 : 1, own.length - 1)
}

function nameOf({ file, function: name, labels, step }) {
  return `${file} ${name} [${labels.join(', ')}] before: ${step}`
}

function textOf({ name, isFresh, passage, way }) {
  return `${name}; ${isFresh ? 'a fresh victim' : 'an old victim'}, passage ${passage}, by ${way}`
}

let current = 'recording'
const watchdog = () => {
  console.log(`FAILED: hangs for ${WATCHDOG_MS} ms: ${current}`)
  process.exit(1)
}
let timer = setTimeout(watchdog, WATCHDOG_MS)

function startCase(text) {
  current = text
  clearTimeout(timer)
  timer = setTimeout(watchdog, WATCHDOG_MS)
}

const startedMs = performance.now()
const counts = await record()
const cases = plan(counts)
const found = { passed: 0, failed: 0, missed: [], failures: [] }
let world = null
for (const [n, one] of cases.entries()) {
  const text = textOf(one)
  startCase(text)
  try {
    if (world === null) {
      world = new World()
      await world.open()
      await world.spawnVictim()
    }
    const isReached = await die(world, one)
    await world.checkAfterDeath()
    await world.checkSuccessor()
    if (isReached) found.passed++
    else found.missed.push(one)
    if (world.deaths >= DEATHS_PER_ENGINE || n === cases.length - 1) {
      await world.close()
      world = null
    }
  } catch (error) {
    found.failed++
    found.failures.push(text)
    console.log(`FAILED: ${text}\n${error.stack}`)
    await world?.engine?.close({ timeoutMs: 1000 })
    world = null
  }
  if ((n + 1) % 50 === 0) {
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    console.log(`${values.variant}: ${n + 1} of ${cases.length} deaths, ${seconds} s`)
  }
}
clearTimeout(timer)

// A first passage that recording has seen must come again; later ones may depend on timing.
for (const one of found.missed) {
  console.log(`not reached: ${textOf(one)}`)
  if (one.passage === 1) found.failed++
}
const killed = new Set(cases.map(({ id }) => id))
const isPassed = ({ id }) => counts[id].fresh + counts[id].later > 0
const notPassed = points.filter((point) => !isPassed(point))
const byOthers = notPassed.filter(({ id }) => counts[id].others > 0).length
console.log(
  `${values.variant}: ${points.length} points, ${killed.size} of them killed at, ` +
    `${points.length - notPassed.length - killed.size} left out, ${byOthers} passed ` +
    `by survivors alone, ${notPassed.length - byOthers} by nobody`,
)
if (values.json !== undefined) {
  const report = points.map((point) => ({
    ...point,
    ...counts[point.id],
    isKilled: killed.has(point.id),
  }))
  writeFileSync(values.json, JSON.stringify({ ...found, points: report }))
}
console.log(`${found.passed} passed, ${found.failed} failed`)
process.exitCode = found.failed === 0 ? 0 : 1
