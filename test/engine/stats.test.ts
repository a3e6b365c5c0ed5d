// What `engine.stats()` says of all threads, read on the main thread while they do other things.

import { message, u32, type Engine, type LinkStats, type ThreadStats } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Into = message('stuck.in', { n: u32 })
/** Header and one word, to a multiple of 8. */
const INTO_BYTES = 24

const threadOf = (engine: Engine, index: number): ThreadStats =>
  engine.stats().threads.find((thread) => thread.index === index)!

const linkOf = (
  engine: Engine,
  from: number,
  to: number,
  lane: LinkStats['lane'] = 'bulk',
): LinkStats | undefined =>
  engine.stats().links.find((link) => link.from === from && link.to === to && link.lane === lane)

describe.each(VARIANTS)('$name', ({ addon }) => {
  /** A thread that blocks for a while, in a handler of the agent `stuck`. */
  const startStuck = async (config?: unknown) => {
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1, config })
    const hung = engine.request('stuck.block', undefined, { timeoutMs: 60_000 })
    return { engine, hung }
  }

  test('an engine that has carried nothing lists its threads and no bulk link', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const { state, threads, links } = engine.stats()
    expect(state).toBe('open')
    expect(threads.map(({ index, name }) => [index, name])).toEqual([
      [0, 'main'],
      [1, 'flyshuttle 1'],
      [2, 'flyshuttle 2'],
    ])
    expect(links.filter(({ lane }) => lane === 'bulk')).toEqual([])
  })

  test('counts the frames and bytes that a receiver has taken, per link and lane', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    for (let n = 0; n < 1000; n++) engine.publish(Into, { n })
    await until(() => linkOf(engine, 0, 1)?.frames === 1000)
    const link = linkOf(engine, 0, 1)!
    expect(link).toMatchObject({ bytes: 1000 * INTO_BYTES, backlogBytes: 0, full: 0, overflow: 0 })
    expect(link.batches).toBeGreaterThan(1)
    expect(link.batches).toBeLessThan(1000)
    expect(linkOf(engine, 1, 0)).toBeUndefined()
    await engine.request('stuck.seen')
    expect(linkOf(engine, 1, 0, 'urgent')!.frames).toBeGreaterThan(0)
  })

  test('says of each work queue what is in it, and what became of its jobs', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    const nothing = { ready: 0, waiting: 0, inHand: 0, dying: 0 }
    const uncounted = { acked: 0, redelivered: 0, deadLetters: 0 }
    expect(engine.stats().queues).toEqual([])
    const options = { maxDeliver: 2, backoffMs: [0] }
    const jobs = await engine.queue<string>('work', options)
    await engine.queue('other')
    await jobs.addMany(['good', 'bad', 'good'])
    await jobs.add('later', { delayMs: 60_000 })
    expect(engine.stats().queues).toEqual([
      { name: 'work', ...nothing, ready: 3, waiting: 1, ...uncounted },
      { name: 'other', ...nothing, ...uncounted },
    ])
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const handler = async (job: string): Promise<void> => {
      await gate
      if (job === 'bad') throw new Error('no good')
    }
    const consumer = jobs.consume(handler, { concurrency: 3 })
    await until(() => engine.stats().queues[0]?.inHand === 3)
    open()
    const [first] = engine.stats().queues
    expect(first).toMatchObject({ ready: 0, inHand: 3, waiting: 1, acked: 0 })
    await until(() => engine.stats().queues[0]?.deadLetters === 1)
    await until(() => engine.stats().queues[0]?.acked === 2)
    await consumer.stop()
    const config = { queue: 'work' }
    await engine.spawn('queue-worker', fixture('queue-worker.mjs'), { config, thread: 1 })
    await jobs.addMany(['good', 'good'])
    await until(() => engine.stats().queues[0]?.acked === 4)
    const done = { acked: 4, redelivered: 1, deadLetters: 1 }
    expect(engine.stats().queues[0]).toEqual({ name: 'work', ...nothing, waiting: 1, ...done })
    await engine.close()
    expect(engine.stats().queues[0]).toMatchObject(done)
  })

  test('is plain data', async () => {
    const { engine, hung } = await startStuck()
    await hung
    const stats = engine.stats()
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats)
  })

  test('says which thread is busy and with which message, while it is blocked', async () => {
    const { engine, hung } = await startStuck()
    await until(() => threadOf(engine, 1).handling === 'stuck.block')
    expect(threadOf(engine, 1)).toMatchObject({ state: 'running', agents: ['stuck'] })
    await hung
    await until(() => threadOf(engine, 1).state === 'sleeping')
    const { handling, busyMs, busyMaxMs } = threadOf(engine, 1)
    expect(handling).toBeNull()
    // The handler looks at a clock itself: it does not return before 1500 ms have passed.
    expect(busyMaxMs).toBeGreaterThan(1400)
    expect(busyMs).toBeGreaterThanOrEqual(busyMaxMs)
  })

  test('counts the sleep of a thread, and who rang it out of it', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    let published = 0
    // It may just be waking for a beat, and needs no bell then.
    await until(async () => {
      await until(() => threadOf(engine, 1).state === 'sleeping')
      engine.publish(Into, { n: published++ })
      engine.flush()
      await until(() => linkOf(engine, 0, 1)?.frames === published)
      return linkOf(engine, 0, 1)!.wakes > 0
    })
    await until(() => threadOf(engine, 1).wakes > 0)
    expect(threadOf(engine, 1).parks).toBeGreaterThan(0)
    expect(threadOf(engine, 1).deliveries).toBeGreaterThan(0)
  })

  test('counts that a link ran full, once, and what overflowed', async () => {
    const { engine, hung } = await startStuck()
    let accepted = 0
    const publishOn = (): void => {
      for (;;) {
        engine.publish(Into, { n: accepted })
        accepted++
      }
    }
    expect(publishOn).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    const full = linkOf(engine, 0, 1)!
    expect(full).toMatchObject({ full: 1, ringBytes: 16_384 })
    expect(full.backlogBytes).toBeGreaterThan(full.ringBytes / 2)
    expect(full.overflow).toBeGreaterThan(100)
    expect(full.overflowBytes).toBeGreaterThan(100 * 4)
    expect(full.waits).toBeGreaterThan(0)
    await hung
    await engine.drained(Into)
    const request = 1 // `stuck.block`
    await until(() => linkOf(engine, 0, 1)?.frames === accepted + request)
    expect(linkOf(engine, 0, 1)).toMatchObject({ overflowBytes: 0, backlogBytes: 0 })
  })

  test('counts what a sender skipped because a lossy subscription had no room', async () => {
    const { engine, hung } = await startStuck()
    for (let n = 0; n < 20_000; n++) engine.publish('tap.in', n)
    await hung
    const { tapped } = await engine.request<{ tapped: number }>('stuck.seen')
    expect(tapped).toBeLessThan(20_000)
    expect(threadOf(engine, 0).dropped).toMatchObject({ lossy: 20_000 - tapped, mailbox: 0 })
  })

  test('counts what arrived for a lossy mailbox that was full', async () => {
    const engine = await engineFor({ threads: 0, addon })
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    let handled = 0
    const onMessage = async (): Promise<void> => (handled++, gate)
    await engine.subscribe('slow', onMessage, { lossy: true, mailbox: 4 })
    for (let n = 0; n < 20; n++) engine.publish('slow', n)
    await until(() => threadOf(engine, 0).mailboxesFull === 1)
    // One is being handled, four wait.
    expect(threadOf(engine, 0).dropped.mailbox).toBe(15)
    open()
    await until(() => handled === 5)
    expect(threadOf(engine, 0).mailboxesFull).toBe(0)
  })

  test('a thread that died says so; its successor counts from 0, its links go on', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    for (let n = 0; n < 10; n++) engine.publish(Into, { n })
    await engine.request('stuck.block')
    await engine.threads[1]!.terminate()
    expect(threadOf(engine, 1)).toMatchObject({ state: 'dead', handling: null, agents: [] })
    const before = linkOf(engine, 0, 1)!.frames
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    const { incarnation, busyMaxMs } = threadOf(engine, 1)
    expect(incarnation).toBe(2)
    expect(busyMaxMs).toBeLessThan(1500)
    engine.publish(Into, { n: 0 })
    await until(() => linkOf(engine, 0, 1)?.frames === before + 1)
  })

  test('says which message a thread had in hand when it died', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    await engine.spawn('mortal', fixture('mortal.mjs'), { thread: 1 })
    await expect(engine.request('mortal.die')).rejects.toThrow()
    await until(() => threadOf(engine, 1).state === 'dead')
    expect(threadOf(engine, 1).handling).toBe('mortal.die')
  })

  test('can still be looked at when the engine is closed', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('stuck', fixture('stuck.mjs'), { thread: 1 })
    engine.publish(Into, { n: 0 })
    const closed = engine.close()
    expect(engine.stats().state).toBe('closing')
    await closed
    const { state, threads } = engine.stats()
    expect(state).toBe('closed')
    expect(threads.map((thread) => thread.state)).toEqual(['closed', 'closed'])
    expect(linkOf(engine, 0, 1)!.frames).toBe(1)
  })
})
