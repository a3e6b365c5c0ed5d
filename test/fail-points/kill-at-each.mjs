// Has a victim die at each fail-point that the workload passes. Run by `run.mjs`, in an
// instrumented copy of the package.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
// First, because it hands every fail-point its words.
import { World, words } from './world.mjs'
import { How, THREADS, VICTIM, Word } from './pass.mjs'

/** Deaths in one engine: its dictionaries fill up with what victims have named. */
const DEATHS_PER_ENGINE = 12
/** Bursts in which an armed point has to be passed. */
const BURSTS_MAX = 40
/** Bursts that say how often each point is passed. */
const BURSTS_RECORDED = 6
/**
 * Victims that an armed point gets. What a fresh one passes may depend on how far the one before it
 * had come when it died; some steps an old one never takes again, and others only the first one of
 * an engine takes, which is why the last try has an engine of its own.
 */
const TRIES = 4
/** A case takes a tenth of a second. One that takes so long hangs. */
const WATCHDOG_MS = 30_000

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

async function openWorld() {
  const world = new World(addon)
  await world.open()
  return world
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
  if (isFresh && world.hasVictim) await world.endVictim()
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
  const world = await openWorld()
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
      world = await openWorld()
      await world.spawnVictim()
    }
    let isReached = false
    for (let tries = 0; !isReached && tries < TRIES; tries++) {
      if (tries === TRIES - 1) {
        await world.close()
        world = await openWorld()
      }
      isReached = await die(world, { ...one, isFresh: one.isFresh || tries > 0 })
      await world.checkAfterDeath()
      await world.checkSuccessor()
    }
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

// A first passage that recording has seen in an old victim must come again; later ones may depend
// on timing, and those of a fresh victim on the death before it.
for (const one of found.missed) {
  console.log(`not reached: ${textOf(one)}`)
  if (one.passage === 1 && !one.isFresh) found.failed++
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
