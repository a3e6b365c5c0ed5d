// How urgent a message is, and for how long anybody wants it.

import { message, u32, type PublishOptions } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Job = message('jobs', { n: u32 })
const ORDER = ['critical', 'high', 'normal', 'low', 'batch'] as const

/** A promise, and what resolves it. */
function makeGate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

describe.each(VARIANTS)('$name', ({ addon }) => {
  const expiredOn = (engine: Awaited<ReturnType<typeof engineFor>>, thread: number): number =>
    engine.stats().threads[thread]?.dropped.expired ?? -1

  test('what waits for a busy handler goes by priority, and info says which', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const { open, opened } = makeGate()
    const got: unknown[] = []
    await engine.subscribe('jobs', async ({ n }, info) => {
      got.push([n, info.priority])
      await opened
    })
    engine.publish(Job, { n: 0 })
    for (const [n, priority] of [...ORDER].reverse().entries()) {
      engine.publish(Job, { n: n * 2 + 1 }, { priority })
      engine.tryPublish(Job, { n: n * 2 + 2 }, { priority })
    }
    // What lies behind these in the link has been passed once this has its turn.
    const seen = makeGate()
    await engine.subscribe('last', () => seen.open())
    engine.publish('last')
    await seen.opened
    expect(got).toEqual([[0, 'normal']])
    open()
    await until(() => got.length === 11)
    const wanted = ORDER.flatMap((priority, rank) => [
      [9 - rank * 2, priority],
      [10 - rank * 2, priority],
    ])
    expect(got.slice(1)).toEqual(wanted)
  })

  test('requests have a priority too', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const { open, opened } = makeGate()
    const order: unknown[] = []
    await engine.handle('ask', async (n: number, info) => {
      order.push(n)
      await opened
      return info.priority
    })
    const replies = [
      engine.request('ask', 0),
      engine.request('ask', 1, { priority: 'batch' }),
      engine.request('ask', 2, { priority: 'critical' }),
    ]
    const seen = makeGate()
    await engine.subscribe('last', () => seen.open())
    engine.publish('last')
    await seen.opened
    open()
    expect(await Promise.all(replies)).toEqual(['normal', 'batch', 'critical'])
    expect(order).toEqual([0, 2, 1])
  })

  test('what waits for room at the sender goes by priority, in order within each', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384 })
    const { open, opened } = makeGate()
    const got: number[] = []
    await engine.subscribe(
      Job,
      async ({ n }) => {
        await opened
        got.push(n)
      },
      { mailbox: 1 },
    )
    // The mailbox takes these two, and says that it is full.
    engine.publish(Job, { n: 0 })
    engine.publish(Job, { n: 1 })
    await until(() => engine.tryPublish(Job, { n: 999 }) === 'full')
    const isTaken = got.length
    for (const [n, priority] of (['low', 'critical', 'low', 'critical'] as const).entries()) {
      expect(engine.publish(Job, { n: n + 10 }, { priority })).toBe(false)
    }
    const sent = engine.send(Job, { n: 20 }, { priority: 'high' })
    open()
    await sent
    await until(() => got.includes(12))
    expect(isTaken).toBe(0)
    expect(got.filter((n) => n >= 10 && n < 999)).toEqual([11, 13, 20, 10, 12])
  })

  test('a message that expires in line is counted, and its handler never sees it', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const { open, opened } = makeGate()
    const got: number[] = []
    await engine.subscribe('jobs', async ({ n }) => {
      got.push(n)
      await opened
    })
    engine.publish(Job, { n: 0 })
    engine.publish(Job, { n: 1 }, { ttlMs: 0.001 })
    engine.publish(Job, { n: 2 }, { ttlMs: 60_000 })
    engine.publish(Job, { n: 3 })
    open()
    await until(() => got.length === 3)
    expect(got).toEqual([0, 2, 3])
    expect(expiredOn(engine, 0)).toBe(1)
  })

  test('a message that expires while its receiver is stuck is never handled', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    const options: PublishOptions = { ttlMs: 1 }
    for (let n = 0; n < 100; n++) engine.publish('stuck.in', { n }, options)
    await hung
    engine.publish('stuck.in', { n: 0 })
    const seen = await engine.request<{ count: number; wrong: string | null }>('stuck.seen')
    expect(seen).toMatchObject({ count: 1, wrong: null })
    expect(expiredOn(engine, 1)).toBe(100)
  })

  test('a message that finds no room in time is never sent, and send() says so', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384 })
    const { open, opened } = makeGate()
    const got: number[] = []
    const wait = async ({ n }: { n: number }) => {
      await opened
      got.push(n)
    }
    await engine.subscribe(Job, wait, { mailbox: 1 })
    let n = 0
    while (engine.tryPublish(Job, { n }) === 'accepted') {
      n++
      if (n % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const frames = n
    engine.publish(Job, { n: 10_000 }, { ttlMs: 0.001 })
    const late = engine.send(Job, { n: 10_001 }, { ttlMs: 0.001 })
    engine.publish(Job, { n: 10_002 }, { ttlMs: 60_000 })
    open()
    await expect(late).rejects.toMatchObject({
      code: 'ERR_EXPIRED',
      data: { subject: 'jobs', wanted: 0.001 },
    })
    await until(() => got.length === frames + 1)
    expect(got.slice(frames)).toEqual([10_002])
    expect(expiredOn(engine, 0)).toBe(2)
  })

  test('send() says so in time, also behind a message that waits for longer', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384 })
    const { open, opened } = makeGate()
    const got: number[] = []
    const wait = async ({ n }: { n: number }) => {
      await opened
      got.push(n)
    }
    await engine.subscribe(Job, wait, { mailbox: 1 })
    let n = 0
    while (engine.tryPublish(Job, { n }) === 'accepted') {
      n++
      if (n % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const patient = engine.send(Job, { n: 10_000 })
    const late = engine.send(Job, { n: 10_001 }, { ttlMs: 0.001 })
    await expect(late).rejects.toMatchObject({ code: 'ERR_EXPIRED' })
    open()
    await patient
    await until(() => got.length === n + 1)
    expect(got.at(-1)).toBe(10_000)
    expect(expiredOn(engine, 0)).toBe(1)
  })

  test('options that make no sense are refused', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const wrong = [
      { ttlMs: 0 },
      { ttlMs: -1 },
      { ttlMs: Infinity },
      { ttlMs: '5' },
      { priority: 1 },
      { priority: 'urgent' },
      { priority: null },
    ] as unknown as PublishOptions[]
    const invalid = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    for (const options of wrong) {
      expect(() => engine.publish('things', 1, options)).toThrow(invalid)
      expect(() => engine.tryPublish('things', 1, options)).toThrow(invalid)
      await expect(engine.send('things', 1, options)).rejects.toEqual(invalid)
    }
    // A request has its timeout.
    const request = engine.request('things', 1, { ttlMs: 5 } as object)
    await expect(request).rejects.toEqual(invalid)
  })
})
