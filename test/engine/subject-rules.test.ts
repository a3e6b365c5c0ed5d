// What becomes of a publish that finds no room, by the rule of its subject; and what is counted.

import {
  message,
  u32,
  type Engine,
  type EngineOptions,
  type LinkStats,
  type SubjectTreatment,
} from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

/** A promise, and what resolves it. */
function makeGate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

describe.each(VARIANTS)('$name', ({ addon }) => {
  /**
   * An engine whose only subscriber of `prices.>` handles nothing until `open()`; one message is in
   * its handler, one fills its mailbox, and the sender knows.
   */
  async function startFull(treatment: SubjectTreatment) {
    const subjects = { 'prices.*': treatment }
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384, subjects })
    const { open, opened } = makeGate()
    const got: unknown[] = []
    const handle = async (value: unknown) => {
      await opened
      got.push(value)
    }
    await engine.subscribe('prices.*', handle, { mailbox: 1 })
    let held = 0
    while (engine.tryPublish('prices.a', 'held') === 'accepted') {
      held++
      await new Promise((resolve) => setImmediate(resolve))
    }
    const rest = () => got.slice(held)
    const all = async (count: number) => until(() => got.length === held + count)
    return { engine, open, rest, all }
  }

  const counted = (engine: Engine) => engine.stats().subjects[0]
  const NOTHING = {
    waited: 0,
    rejected: 0,
    droppedNewest: 0,
    droppedOldest: 0,
    expired: 0,
    skipped: 0,
  }
  const link = (engine: Engine) =>
    engine.stats().links.find(({ lane }) => lane === 'bulk') as LinkStats

  test('reject: publish throws at once, and nothing is kept', async () => {
    const { engine, open, rest, all } = await startFull({ overflow: 'reject' })
    const refused = expect.objectContaining({ code: 'ERR_BACKPRESSURE' })
    for (let n = 0; n < 3; n++) expect(() => engine.publish('prices.a', n)).toThrow(refused)
    expect(counted(engine)).toMatchObject({ ...NOTHING, overflow: 'reject', rejected: 3 })
    expect(link(engine)).toMatchObject({ rejected: 3, dropped: 0, overflowBytes: 0 })
    // Who waits is not refused.
    const sent = engine.send('prices.a', 'sent')
    open()
    await sent
    await all(1)
    expect(rest()).toEqual(['sent'])
  })

  test('drop-newest: what finds no room is dropped and counted', async () => {
    const { engine, open, rest, all } = await startFull({ overflow: 'drop-newest' })
    for (let n = 0; n < 5; n++) expect(engine.publish('prices.a', n)).toBe(false)
    expect(counted(engine)).toMatchObject({ ...NOTHING, droppedNewest: 5 })
    expect(link(engine)).toMatchObject({ rejected: 0, dropped: 5, overflowBytes: 0 })
    open()
    await engine.drained('prices.a')
    expect(engine.publish('prices.a', 'later')).toBe(true)
    await all(1)
    expect(rest()).toEqual(['later'])
  })

  test('drop-oldest with one place keeps the last value of each subject', async () => {
    const { engine, open, rest, all } = await startFull({
      overflow: 'drop-oldest',
      maxPerSubject: 1,
    })
    for (let n = 0; n < 1000; n++) {
      expect(engine.publish('prices.a', n)).toBe(false)
      expect(engine.publish('prices.b', -n)).toBe(false)
    }
    expect(counted(engine)).toMatchObject({ ...NOTHING, waited: 2000, droppedOldest: 1998 })
    expect(link(engine)).toMatchObject({ dropped: 1998, overflow: 2000 })
    open()
    await all(2)
    expect(rest()).toEqual([999, -999])
    expect(link(engine)).toMatchObject({ overflowBytes: 0 })
  })

  test('drop-oldest keeps the newest in order, and never drops who waits', async () => {
    const { engine, open, rest, all } = await startFull({
      overflow: 'drop-oldest',
      maxPerSubject: 3,
    })
    const sent = [engine.send('prices.a', 's0'), engine.send('prices.a', 's1')]
    for (let n = 0; n < 10; n++) engine.publish('prices.a', n)
    open()
    await Promise.all(sent)
    await all(3)
    expect(rest()).toEqual(['s0', 's1', 9])
    expect(counted(engine)).toMatchObject({ waited: 12, droppedOldest: 9 })
  })

  test('drop-oldest gives back the blocks of the loans that it drops', async () => {
    const treatment: SubjectTreatment = { overflow: 'drop-oldest', maxPerSubject: 2 }
    const { engine, open, rest, all } = await startFull(treatment)
    for (let n = 0; n < 5; n++) {
      const loan = engine.loan(40_000)
      loan.bytes.fill(n)
      engine.publishLoan('prices.a', loan)
    }
    expect(engine.chunks().blocksInUse).toBe(2)
    expect(counted(engine)).toMatchObject({ ...NOTHING, waited: 5, droppedOldest: 3 })
    open()
    await all(2)
    expect(rest().map((bytes) => (bytes as Uint8Array)[39_999])).toEqual([3, 4])
    await until(() => engine.chunks().blocksInUse === 0)
  })

  test('drop-oldest drops the least urgent first', async () => {
    const { engine, open, rest, all } = await startFull({
      overflow: 'drop-oldest',
      maxPerSubject: 2,
    })
    engine.publish('prices.a', 'c0', { priority: 'critical' })
    engine.publish('prices.a', 'n0')
    engine.publish('prices.a', 'n1')
    engine.publish('prices.a', 'c1', { priority: 'critical' })
    engine.publish('prices.a', 'n2')
    open()
    await all(2)
    expect(rest()).toEqual(['c0', 'c1'])
  })

  test('drop-oldest keeps to the bytes of the overflow buffer, and never throws', async () => {
    const { engine, open, rest, all } = await startFull({ overflow: 'drop-oldest' })
    const bytes = new Uint8Array(3000)
    const many = 1000 // Three times what the buffer holds.
    for (let n = 0; n < many; n++) {
      bytes[0] = n >>> 8
      bytes[1] = n & 255
      engine.publish('prices.a', bytes)
      expect(link(engine).overflowBytes).toBeLessThanOrEqual(1024 * 1024)
    }
    const kept = many - (counted(engine)?.droppedOldest ?? 0)
    expect(kept).toBeGreaterThan(300)
    open()
    await all(kept)
    const numbers = (rest() as Uint8Array[]).map(([high = 0, low = 0]) => high * 256 + low)
    expect(numbers).toEqual(Array.from({ length: kept }, (_, n) => many - kept + n))
  })

  test('a request is never dropped, whatever the rule', async () => {
    const subjects = { ask: { overflow: 'drop-newest' } } as const
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384, subjects })
    const { open, opened } = makeGate()
    const handle = async (n: number) => {
      await opened
      return n
    }
    await engine.handle('ask', handle, { mailbox: 1 })
    const replies = [engine.request('ask', 0), engine.request('ask', 1)]
    while (engine.tryPublish('ask', 9) === 'accepted') {
      await new Promise((resolve) => setImmediate(resolve))
    }
    replies.push(engine.request('ask', 2))
    expect(engine.publish('ask', 9)).toBe(false)
    open()
    expect(await Promise.all(replies)).toEqual([0, 1, 2])
    expect(counted(engine)).toMatchObject({ waited: 1, droppedNewest: 1 })
  })

  test('the first pattern that matches decides, on every thread', async () => {
    const subjects: EngineOptions['subjects'] = {
      'count.out': { overflow: 'reject' },
      'count.*': { overflow: 'drop-newest' },
      'stuck.>': { overflow: 'drop-newest' },
    }
    const engine = await engineFor({ threads: 2, addon, ringBytes: 16_384, subjects })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    await engine.spawn('flood', fixture('flood.mjs'), { thread: 2 })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    const { published } = await engine.request<{ published: number }>('flood.go')
    await hung
    const dropped = () => engine.stats().subjects[2]?.droppedNewest ?? 0
    const seen = () => engine.request<{ count: number }>('stuck.seen')
    await until(async () => (await seen()).count + dropped() === published)
    expect(dropped()).toBeGreaterThan(0)
    const patterns = engine.stats().subjects.map(({ pattern }) => pattern)
    expect(patterns).toEqual(['count.out', 'count.*', 'stuck.>', '>'])
  })

  test('what lossy subscriptions miss is counted by subject and link', async () => {
    const subjects: EngineOptions['subjects'] = { 'tap.*': {} }
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384, subjects })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1, config: { lossy: true } })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    for (let n = 0; n < 5000; n++) expect(engine.publish('tap.in', n)).toBe(true)
    await hung
    const { tapped } = await engine.request<{ tapped: number }>('stuck.seen')
    const skipped = 5000 - tapped
    expect(skipped).toBeGreaterThan(0)
    expect(counted(engine)).toMatchObject({ ...NOTHING, skipped })
    const stats = engine.stats()
    const out = stats.links.find(({ to, lane }) => to === 1 && lane === 'bulk')
    expect(out).toMatchObject({ from: 0, skipped, dropped: 0, rejected: 0 })
  })

  test('rules that make no sense are refused, and no engine is made', async () => {
    const wrong = [
      null,
      [],
      'prices.*',
      { 'a..b': {} },
      { a: { overflow: 'discard' } },
      { a: { overflow: 'drop-oldest', maxPerSubject: 0 } },
      { a: { overflow: 'drop-oldest', maxPerSubject: 1.5 } },
      { a: { overflow: 'drop-newest', maxPerSubject: 1 } },
      { a: { max: 1 } },
      { a: null },
      Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`s.${n}`, {}])),
    ] as never[]
    for (const subjects of wrong) {
      await expect(engineFor({ threads: 0, addon, subjects })).rejects.toMatchObject({
        code: expect.stringMatching(/ERR_OPTION_INVALID|ERR_SUBJECT_INVALID/),
      })
    }
  })
})

test('a struct that goes the shortest way keeps to its rule too', async () => {
  const Price = message('price', { n: u32 })
  const subjects: EngineOptions['subjects'] = { price: { overflow: 'drop-newest' } }
  const engine = await engineFor({ threads: 0, ringBytes: 16_384, subjects, addon: false })
  let seen = 0
  await engine.subscribe(Price, () => void seen++)
  // All in one turn: nobody reads meanwhile.
  let below = 0
  for (let n = 0; n < 10_000; n++) if (engine.publish(Price, { n })) below++
  await engine.drained(Price)
  await until(() => seen + (engine.stats().subjects[0]?.droppedNewest ?? 0) === 10_000)
  expect(seen).toBeGreaterThanOrEqual(below)
  expect(seen).toBeLessThan(10_000)
})
