// From a subject to its receivers, where there are very many of both: 100,000 subscriptions, ten
// to each of 10,000 subjects, as one thread of four sees them.
//
//   8 of 10   the subject itself          'concrete': all ten
//   1 of 10   a.*.b.c
//   1 of 10   a.b.c.>
//
// Everything is played on one thread, so a figure is what the code and this machine's memory cost.
// A program that publishes again and again on the subjects it knows has a text for each of them, or
// puts one together for every message. V8 has to join, hash and compare that one anew, for whatever
// it is looked up in; so the same is asked of a `Map` alone, in turn, and the difference is ours.
// Subjects are asked for in an order that has nothing to do with that of the subscriptions.

import {
  ChangeLogWriter,
  createRegion,
  DictionaryWriter,
  Outbox,
  planGeometry,
  RouteTable,
} from 'flyshuttle/testing'
import { spread } from './spread.mjs'

export const SUBSCRIPTIONS = 100_000
export const SUBJECTS = 10_000
const THREADS = 4
/** Look-ups that are timed together. */
const CHUNK = 250
const WARM_PASSES = 3
/** A prime to SUBJECTS. */
const STRIDE = 7919

/** @param {number} subject */
const subjectOf = (subject) => `market.${subject % 100}.desk-${subject}.trades`

function patternOf(subject, copy, isMixed) {
  if (isMixed && copy === 8) return `market.*.desk-${subject}.trades`
  if (isMixed && copy === 9) return `market.${subject % 100}.desk-${subject}.>`
  return subjectOf(subject)
}

/**
 * @param {boolean} isMixed a fifth of the patterns hold a wildcard
 * @param {number} rounds tables that are made anew
 * @param {{ subscriptions: number, subjects: number }} [size]
 */
export async function measureLookup(
  isMixed,
  rounds,
  { subscriptions, subjects } = { subscriptions: SUBSCRIPTIONS, subjects: SUBJECTS },
) {
  const region = createRegion(planGeometry(THREADS))
  const log = new ChangeLogWriter(region)
  const copies = subscriptions / subjects
  const subscribeNs = perItem(subscriptions, () => {
    for (let id = 0; id < subscriptions; id++) {
      const pattern = patternOf(id % subjects, Math.floor(id / subjects), isMixed)
      const thread = (id + Math.floor(id / subjects)) % THREADS
      log.add({ id, generation: id, thread, agent: 0, flags: 0, pattern, queue: '' })
    }
  })
  const logEntryBytes = log.bytes / subscriptions
  const outbox = new Outbox(region, 0)
  const dictionary = new DictionaryWriter(region, 0)
  const order = Array.from({ length: subjects }, (_, index) => (index * STRIDE) % subjects)
  const names = order.map(subjectOf)
  // The number of a subject is written once in the life of a thread: not what is asked here.
  for (const name of names) dictionary.subjectId(name)

  const cold = []
  const warm = []
  const warmCopy = []
  const map = []
  const mapCopy = []
  const after = []
  let catchUpNs = NaN
  let id = subscriptions
  for (let round = 0; round < rounds; round++) {
    const table = new RouteTable(region, outbox, dictionary)
    const ns = perItem(subscriptions, () => table.route('nobody.listens'))
    catchUpNs = Number.isNaN(catchUpNs) ? ns : Math.min(catchUpNs, ns)
    cold.push(...inChunks(names, (name) => table.route(name), copies))
    const routes = new Map(names.map((name) => [name, table.route(name)]))
    for (let pass = 0; pass < WARM_PASSES; pass++) {
      warm.push(...inChunks(names, (name) => table.known(name), copies))
      map.push(...inChunks(names, (name) => routes.get(name), copies))
      // Texts that were put together a moment ago, as a publisher does.
      warmCopy.push(...inChunks(order.map(subjectOf), (name) => table.known(name), copies))
      mapCopy.push(...inChunks(order.map(subjectOf), (name) => routes.get(name), copies))
    }
    const flags = 0
    log.add({ id: id++, generation: 1, thread: 1, agent: 0, flags, pattern: 'other.>', queue: '' })
    after.push(...inChunks(names, (name) => table.known(name), copies))
  }
  const before = await heapBytes()
  const kept = new RouteTable(region, outbox, dictionary)
  kept.route('nobody.listens')
  const caughtUp = await heapBytes()
  for (const name of names) kept.route(name)
  const routes = await heapBytes()
  return {
    subscribeNs,
    catchUpNs,
    coldNs: spread(cold),
    warmNs: spread(warm),
    mapNs: spread(map),
    warmCopyNs: spread(warmCopy),
    mapCopyNs: spread(mapCopy),
    // Chunk by chunk, which met the same moments of the machine.
    beyondMapNs: spread(warmCopy.map((ns, chunk) => ns - mapCopy[chunk])).median,
    afterNs: spread(after),
    logEntryBytes,
    subscriptionBytes: (caughtUp - before) / subscriptions,
    routeBytes: (routes - caughtUp) / subjects,
  }
}

/** ns per look-up of each chunk. Every one must find as many receivers as there are copies. */
function inChunks(names, find, copies) {
  const all = []
  for (let start = 0; start < names.length; start += CHUNK) {
    const end = Math.min(start + CHUNK, names.length)
    const routes = new Array(end - start)
    const begun = process.hrtime.bigint()
    for (let index = start; index < end; index++) routes[index - start] = find(names[index])
    const ns = Number(process.hrtime.bigint() - begun)
    let found = 0
    for (const { destinations } of routes) {
      for (const { requiredRows } of destinations) found += requiredRows.length
    }
    const wanted = (end - start) * copies
    if (found !== wanted) throw new Error(`found ${found} receivers; wanted ${wanted}`)
    all.push(ns / (end - start))
  }
  return all
}

function perItem(items, work) {
  const begun = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - begun) / items
}

/** NaN without `--expose-gc`: what is garbage would count. */
async function heapBytes() {
  if (globalThis.gc === undefined) return NaN
  // From a turn of its own, where no frame on the stack still holds anything.
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
