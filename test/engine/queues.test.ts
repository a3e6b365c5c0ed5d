// Work queues as users meet them: every job is done at least once, by one consumer at a time.

import assert from 'node:assert/strict'
import { message, raw, u32, utf8, type Delivery, type Engine, type QueueOptions } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Numbered = message('numbered', { n: u32, text: utf8(12) })
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe.each(VARIANTS)('$name', ({ addon }) => {
  const errors: unknown[] = []
  const start = (threads = 0, more: object = {}): Promise<Engine> => {
    errors.length = 0
    return engineFor({ threads, addon, onError: (error) => errors.push(error), ...more })
  }
  const worker = (engine: Engine, config: object, thread?: number) =>
    engine.spawn('queue-worker', fixture('queue-worker.mjs'), {
      config: { queue: 'work', ...config },
      ...(thread === undefined ? {} : { thread }),
    })

  test('a job goes to a consumer on another thread, with all that it was given', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<{ n: number }>('work')
    const got: unknown[] = []
    await engine.subscribe('handled', (value) => got.push(value))
    await worker(engine, {})
    expect(await jobs.add({ n: 1 }, { key: 7, id: 'one' })).toBe('accepted')
    await until(() => got.length === 1)
    expect(got).toMatchObject([{ job: { n: 1 }, attempt: 1, thread: 1 }])
    await until(() => jobs.inspect().inHand === 0)
    expect(await engine.request('queue-worker.handled')).toEqual([[{ n: 1 }, 1, '7']])
  })

  test('a struct, bytes and plain values arrive as they were', async () => {
    const engine = await start()
    const structs = await engine.queue(Numbered)
    const bytes = await engine.queue(message('bytes', raw))
    const plain = await engine.queue('plain')
    const got: unknown[] = []
    structs.consume((job) => got.push(job))
    for (const n of [1, 2, 3]) await structs.add({ n, text: `no ${n}` })
    await until(() => got.length === 3)
    bytes.consume((job) => got.push(job))
    await bytes.add(new Uint8Array([1, 2, 3]))
    await until(() => got.length === 4)
    plain.consume((job) => got.push(job))
    for (const value of [undefined, null, 'text', [1, { a: true }], { a: 1, b: 'two' }]) {
      await plain.add(value)
    }
    await until(() => got.length === 9)
    expect(got).toEqual([
      { n: 1, text: 'no 1' },
      { n: 2, text: 'no 2' },
      { n: 3, text: 'no 3' },
      new Uint8Array([1, 2, 3]),
      undefined,
      null,
      'text',
      [1, { a: true }],
      { a: 1, b: 'two' },
    ])
  })

  test('headers, key, id, priority and the time of adding reach the handler', async () => {
    const engine = await start()
    const jobs = await engine.queue('work')
    const got: Delivery[] = []
    jobs.consume((_, delivery) => void got.push(delivery))
    await jobs.add(1, { key: 'k', id: 'über', priority: 'low', headers: { tenant: 'acme' } })
    await until(() => got.length === 1)
    const { key, id, priority, headers, addedMs, attempt } = got[0] as Delivery
    expect({ key, id, priority, headers: { ...headers }, attempt }).toEqual({
      key: 'k',
      id: 'über',
      priority: 'low',
      headers: { tenant: 'acme' },
      attempt: 1,
    })
    expect(addedMs).toBeGreaterThan(0)
  })

  test('a handler that throws gets the job again, and its errors are told', async () => {
    const engine = await start()
    const jobs = await engine.queue('work', { backoffMs: [1, 2], maxDeliver: 5 })
    const attempts: number[] = []
    jobs.consume(async (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt < 4) throw new Error(`attempt ${attempt}`)
    })
    await jobs.add('job')
    await until(() => attempts.length === 4 && jobs.inspect().inHand === 0)
    expect(attempts).toEqual([1, 2, 3, 4])
    expect(errors.map((error) => (error as Error).message)).toEqual([
      'attempt 1',
      'attempt 2',
      'attempt 3',
    ])
    expect(jobs.inspect()).toMatchObject({ ready: 0, waiting: 0, dying: 0 })
  })

  test('a delivery can be settled by hand, once', async () => {
    const engine = await start()
    const jobs = await engine.queue<string>('work', { backoffMs: [60_000] })
    const seen: [string, number][] = []
    const codes: unknown[] = []
    jobs.consume((job, delivery) => {
      seen.push([job, delivery.attempt])
      if (job === 'ack') delivery.ack()
      if (job === 'nak' && delivery.attempt === 1) delivery.nak({ delayMs: 1 })
      if (job === 'term') delivery.term()
      if (job === 'progress') delivery.inProgress()
      for (const again of ['ack', 'nak', 'term', 'inProgress'] as const) {
        if (job === 'progress' || (job === 'nak' && delivery.attempt === 2)) continue
        try {
          delivery[again]()
        } catch (error) {
          codes.push((error as { code: string }).code)
        }
      }
    })
    await jobs.addMany(['ack', 'nak', 'term', 'progress'])
    await until(() => seen.length === 5)
    // On a busy machine the retry is due before the batch is through.
    expect(seen.map((one) => one.join(' ')).sort()).toEqual([
      'ack 1',
      'nak 1',
      'nak 2',
      'progress 1',
      'term 1',
    ])
    expect(codes).toEqual(Array.from({ length: 12 }, () => 'ERR_JOB_SETTLED'))
    await until(() => jobs.inspect().dying === 0)
    expect(jobs.inspect()).toMatchObject({ ready: 0, waiting: 0, inHand: 0 })
  })

  test('a job whose deliveries are spent is dead, and says why', async () => {
    const engine = await start(1)
    const options = { maxDeliver: 2, backoffMs: [0], ackWaitMs: 10 }
    const jobs = await engine.queue<string>('work', options)
    await worker(engine, { fail: true })
    await jobs.add('fails', { key: 'k', id: 'i', headers: { tenant: 'acme' } })
    await until(async () => (await engine.deadLetters.list()).length === 1)
    await engine.agent('queue-worker').stop()
    const [letter] = await engine.deadLetters.list({ subject: 'work' })
    expect(letter).toMatchObject({
      queue: 'work',
      subject: 'work',
      reason: 'max-deliver',
      attempts: 2,
      error: 'no fails',
    })
    await until(() => jobs.inspect().dying === 0)
    expect(jobs.inspect()).toMatchObject({ ready: 0, waiting: 0, inHand: 0 })
    // Replayed, it is a job again, as it was encoded.
    await engine.deadLetters.replay(letter?.id as number)
    const again: unknown[] = []
    jobs.consume((job, { key, attempt, headers }) => {
      again.push([job, key, attempt, headers['tenant']])
    })
    await until(() => again.length === 1)
    expect(again).toEqual([['fails', 'k', 1, 'acme']])
    expect(await engine.deadLetters.list()).toEqual([])
  })

  test('a late acknowledgement is refused, and the job delivered again', async () => {
    const engine = await start()
    const options = { ackWaitMs: 20, backoffMs: [0] }
    const jobs = await engine.queue('work', options)
    const held: Delivery[] = []
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    jobs.consume(
      async (_, delivery) => {
        held.push(delivery)
        if (delivery.attempt === 1) await released
      },
      { concurrency: 2 },
    )
    await jobs.add('job')
    await until(() => held.length === 2)
    expect(() => held[0]?.ack()).toThrow(expect.objectContaining({ code: 'ERR_JOB_LATE' }))
    release()
    await until(() => jobs.inspect().inHand === 0)
    expect(held.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(jobs.inspect()).toMatchObject({ ready: 0, waiting: 0 })
  })

  test('inProgress keeps a job that takes longer than ackWaitMs', async () => {
    const engine = await start()
    const jobs = await engine.queue('work', { ackWaitMs: 1000, backoffMs: [0] })
    const attempts: number[] = []
    let isDone = false
    jobs.consume(
      async (_, delivery) => {
        attempts.push(delivery.attempt)
        const until = performance.now() + 2200
        while (performance.now() < until) {
          delivery.inProgress()
          await turn()
        }
        isDone = true
      },
      { concurrency: 2 },
    )
    await jobs.add('job')
    await until(() => isDone && jobs.inspect().inHand === 0)
    expect(attempts).toEqual([1])
    expect(errors).toEqual([])
  })

  test('a job for later waits its time', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work')
    const got: [number, number][] = []
    jobs.consume((job, { addedMs }) => void got.push([job, addedMs]))
    const begunMs = performance.now()
    let tookMs = 0
    await jobs.add(1, { delayMs: 30 })
    await jobs.add(2)
    await until(() => got.length === 2)
    tookMs = performance.now() - begunMs
    expect(got.map(([job]) => job)).toEqual([2, 1])
    expect(tookMs).toBeGreaterThan(29)
  })

  test('urgent jobs come first', async () => {
    const engine = await start()
    const jobs = await engine.queue<string>('work')
    jobs.pause()
    for (const priority of ['batch', 'low', 'normal', 'high', 'critical'] as const) {
      await jobs.add(priority, { priority })
    }
    const got: string[] = []
    jobs.consume((job) => void got.push(job))
    jobs.resume()
    await until(() => got.length === 5)
    expect(got).toEqual(['critical', 'high', 'normal', 'low', 'batch'])
  })

  test('jobs of one key are handled one after the other, on whichever thread', async () => {
    const engine = await start(2)
    const options: QueueOptions = { ordered: 'key', backoffMs: [1] }
    const jobs = await engine.queue<{ n: number }>('work', options)
    const begun: { job: { n: number }; atUs: number }[] = []
    await engine.subscribe('handled', (value: (typeof begun)[0]) => begun.push(value))
    await engine.spawn('queue-worker', fixture('queue-worker.mjs'), {
      instances: 2,
      config: { queue: 'work', takesMs: 1, consumeOptions: { concurrency: 4 } },
    })
    for (let n = 0; n < 60; n++) await jobs.add({ n }, { key: n % 3 })
    await until(() => begun.length === 60)
    // What two threads publish may reach a third in any order.
    begun.sort((a, b) => a.atUs - b.atUs)
    for (const key of [0, 1, 2]) {
      const order = begun.map(({ job }) => job.n).filter((n) => n % 3 === key)
      expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n * 3 + key))
    }
    await until(() => jobs.inspect().inHand === 0)
  })

  test('an id is added once within the window, whichever thread adds it', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<number>('work', { duplicateWindowMs: 60_000 })
    await worker(engine, { consume: false })
    expect(await jobs.add(1, { id: 'a' })).toBe('accepted')
    expect(await jobs.add(2, { id: 'a' })).toBe('duplicate')
    const again = { job: 3, options: { id: 'a' } }
    expect(await engine.request('queue-worker.add', again)).toBe('duplicate')
    const other = { job: 4, options: { id: 'b' } }
    expect(await engine.request('queue-worker.add', other)).toBe('accepted')
    expect(jobs.tryAdd(5, { id: 'b' })).toBe('duplicate')
    expect(jobs.inspect().ready).toBe(2)
    jobs.purge()
  })

  test('an id may be added again when its window is over', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work', { duplicateWindowMs: 20 })
    expect(await jobs.add(0, { id: 'a' })).toBe('accepted')
    await until(async () => (await jobs.add(1, { id: 'a' })) === 'accepted')
    expect(jobs.purge()).toBe(2)
  })

  test('an id is not used up by a job that was refused, or has to wait', async () => {
    const engine = await start()
    const jobs = await engine.queue<unknown>('work', { capacity: 8, duplicateWindowMs: 60_000 })
    const id = 'once'
    const broken = { toJSON: (): never => assert.fail('on purpose') }
    for (const refused of [broken, () => 1]) {
      await expect(jobs.add(refused, { id })).rejects.toThrow()
    }
    for (let n = 0; n < 8; n++) expect(jobs.tryAdd(n)).toBe('accepted')
    expect(jobs.tryAdd('later', { id })).toBe('full')
    const waiting = [jobs.add('later', { id }), jobs.add('again', { id })]
    const got: unknown[] = []
    jobs.consume((job) => void got.push(job))
    expect(await Promise.all(waiting)).toEqual(['accepted', 'duplicate'])
    await until(() => got.length === 9)
    expect(got.at(-1)).toBe('later')
    await until(() => jobs.inspect().inHand === 0)
  })

  test('a full queue says so, and add waits for room', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work', { capacity: 8 })
    for (let n = 0; n < 8; n++) expect(jobs.tryAdd(n)).toBe('accepted')
    expect(jobs.tryAdd(8)).toBe('full')
    const waiting = [8, 9, 10].map((n) => jobs.add(n))
    expect(jobs.inspect().adding).toBe(3)
    const got: number[] = []
    jobs.consume((job) => void got.push(job))
    expect(await Promise.all(waiting)).toEqual(['accepted', 'accepted', 'accepted'])
    await until(() => got.length === 11)
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('a job that fits no slot is refused, and nothing else', async () => {
    // With blocks it would go there.
    const engine = await start(0, { chunkBytes: 0 })
    const jobs = await engine.queue('work', { jobBytes: 64 })
    const tooLarge = expect.objectContaining({ code: 'ERR_MESSAGE_TOO_LARGE' })
    await expect(jobs.add('x'.repeat(65))).rejects.toEqual(tooLarge)
    await expect(jobs.add('x', { key: 'k'.repeat(64) })).rejects.toEqual(tooLarge)
    await expect(jobs.add(() => 1)).rejects.toMatchObject({ code: 'ERR_PAYLOAD_UNSUPPORTED' })
    expect(await jobs.add('x'.repeat(62))).toBe('accepted')
    expect(jobs.purge()).toBe(1)
  })

  test('what a getter adds while its job is being written comes after it', async () => {
    const engine = await start()
    const jobs = await engine.queue(Numbered)
    let inner: Promise<unknown> | undefined
    const job = {
      get n() {
        expect(jobs.tryAdd({ n: 3, text: '' })).toBe('full')
        inner = jobs.add({ n: 2, text: '' })
        return 1
      },
      text: 'outer',
    }
    await jobs.add({ n: 0, text: '' })
    expect(await jobs.add(job)).toBe('accepted')
    expect(await inner).toBe('accepted')
    const got: number[] = []
    jobs.consume(({ n }) => void got.push(n))
    await until(() => got.length === 3)
    expect(got).toEqual([0, 1, 2])
  })

  test('pause holds all consumers, resume lets them go on, purge drops what waits', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<number>('work')
    await worker(engine, {})
    jobs.pause()
    expect(jobs.inspect().isPaused).toBe(true)
    await jobs.addMany([1, 2, 3])
    expect(await engine.request('queue-worker.handled')).toEqual([])
    expect(jobs.inspect()).toMatchObject({ ready: 3, inHand: 0 })
    expect(jobs.purge()).toBe(3)
    await jobs.add(4)
    jobs.resume()
    await until(async () => (await engine.request<unknown[]>('queue-worker.handled')).length === 1)
    expect(await engine.request('queue-worker.handled')).toEqual([[4, 1, '']])
  })

  test('no more jobs are in hand than maxAckPending', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work', { maxAckPending: 3 })
    const held: Delivery[] = []
    const gates: (() => void)[] = []
    const handler = (_: number, delivery: Delivery) => {
      held.push(delivery)
      return new Promise<void>((resolve) => gates.push(resolve))
    }
    jobs.consume(handler, { concurrency: 2 })
    jobs.consume(handler, { concurrency: 2 })
    await jobs.addMany([1, 2, 3, 4, 5])
    await until(() => held.length === 3)
    for (let n = 0; n < 20; n++) await turn()
    expect(held).toHaveLength(3)
    gates[0]?.()
    await until(() => held.length === 4)
    expect(jobs.inspect().inHand).toBe(3)
    for (const open of gates) open()
    await until(() => held.length === 5)
    gates[4]?.()
  })

  test('a consumer that stops finishes what it has in hand, and takes no more', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work')
    const begun: number[] = []
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const consumer = jobs.consume(async (job) => {
      begun.push(job)
      await released
    })
    await jobs.addMany([1, 2])
    await until(() => begun.length === 1)
    const stopped = consumer.stop()
    release()
    await stopped
    expect(consumer.inHand).toBe(0)
    expect(begun).toEqual([1])
    expect(jobs.inspect()).toMatchObject({ ready: 1, inHand: 0 })
    jobs.purge()
  })

  test('a queue is opened with the settings it has, or not at all', async () => {
    const engine = await start(1)
    const jobs = await engine.queue('work', { maxDeliver: 3, backoffMs: [5, 6] })
    expect(await engine.queue('work')).toBe(jobs)
    expect(await engine.queue('work', { maxDeliver: 3 })).toBe(jobs)
    const differs = (setting: string, found: string, wanted: string) => ({
      code: 'ERR_QUEUE_MISMATCH',
      data: { queue: 'work', setting, found, wanted },
    })
    await expect(engine.queue('work', { maxDeliver: 4 })).rejects.toMatchObject(
      differs('maxDeliver', '3', '4'),
    )
    await worker(engine, {})
    await expect(engine.request('queue-worker.open', { backoffMs: [5, 7] })).rejects.toMatchObject(
      differs('backoffMs', '5,6', '5,7'),
    )
    await expect(engine.queue(message('work', { n: u32 }))).rejects.toMatchObject({
      code: 'ERR_QUEUE_MISMATCH',
    })
  })

  test('wrong options are refused where they are taken', async () => {
    const engine = await start()
    const invalid = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    const wrong: object[] = [
      { maxDeliver: 0 },
      { maxDeliver: 201 },
      { backoffMs: 5 },
      { backoffMs: [-1] },
      { ackWaitMs: 0 },
      { ackWaitMs: 2 ** 40 },
      { ordered: 'yes' },
      { capacity: 100 },
      { capacity: 8192, ordered: 'key' },
      { jobBytes: 1 },
      { maxAckPending: 0 },
      { duplicateWindowMs: -1 },
      { retries: 3 },
    ]
    for (const options of wrong) {
      await expect(engine.queue('wrong', options as QueueOptions)).rejects.toEqual(invalid)
    }
    await expect(engine.queue('a.*')).rejects.toMatchObject({ code: 'ERR_SUBJECT_INVALID' })
    const jobs = await engine.queue('work')
    for (const options of [
      { priority: 'soon' },
      { delayMs: -1 },
      { id: '' },
      { key: {} },
      { x: 1 },
    ]) {
      await expect(jobs.add(1, options as never)).rejects.toEqual(invalid)
      expect(() => jobs.tryAdd(1, options as never)).toThrow(invalid)
    }
    expect(() => jobs.consume('x' as never)).toThrow(invalid)
    expect(() => jobs.consume(() => {}, { concurrency: 0 })).toThrow(invalid)
    expect(() => jobs.consume(() => {}, { batch: 257 })).toThrow(invalid)
    expect(jobs.inspect().ready).toBe(0)
  })

  test('jobs of a consumer whose thread ends go to another, with the next attempt', async () => {
    const engine = await start(2)
    const jobs = await engine.queue<number>('work', { backoffMs: [0], ackWaitMs: 60_000 })
    const got: { job: number; attempt: number; thread: number }[] = []
    await engine.subscribe('handled', (value: (typeof got)[0]) => got.push(value))
    await worker(engine, { hang: true, consumeOptions: { concurrency: 3 } }, 1)
    await jobs.addMany([1, 2, 3])
    await until(() => got.length === 3)
    await engine.spawn('second', fixture('queue-worker.mjs'), {
      config: { queue: 'work' },
      thread: 2,
    })
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    await until(() => got.length === 6)
    expect(got.slice(3).map(({ thread }) => thread)).toEqual([2, 2, 2])
    expect(
      got
        .slice(3)
        .map(({ job, attempt }) => [job, attempt])
        .sort(),
    ).toEqual([
      [1, 2],
      [2, 2],
      [3, 2],
    ])
    await until(() => jobs.inspect().inHand === 0)
  })

  test('what a thread that ends has added is there, and its successor adds on', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<number>('work')
    await worker(engine, { consume: false }, 1)
    await engine.request('queue-worker.add', { job: 1 })
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    await worker(engine, { consume: false }, 1)
    await engine.request('queue-worker.add', { job: 2 })
    const got: number[] = []
    jobs.consume((job) => void got.push(job))
    await until(() => got.length === 2)
    expect(got).toEqual([1, 2])
  })

  test('closing lets what is in hand end, and tells what nobody has done', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work')
    const done: number[] = []
    jobs.consume(async (job) => {
      for (let n = 0; n < 20; n++) await turn()
      done.push(job)
    })
    await jobs.addMany([1, 2, 3])
    await jobs.addMany([4, 5], { delayMs: 60_000 })
    await until(() => jobs.inspect().inHand === 1)
    await engine.close()
    expect(done).toEqual([1, 2, 3])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_CLOSED' })])
    expect((errors[0] as Error).message).toContain('handling 2 jobs of queue work')
    await expect(jobs.add(4)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(() => jobs.tryAdd(4)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(() => jobs.consume(() => {})).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    await expect(engine.queue('other')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('what waits for a slot when the engine closes is refused', async () => {
    const engine = await start()
    const jobs = await engine.queue<number>('work', { capacity: 8 })
    for (let n = 0; n < 8; n++) jobs.tryAdd(n)
    const waiting = expect(jobs.add(8)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await engine.close({ timeoutMs: 200 })
    await waiting
  })

  test('a queue for which the region has no room is an error, and others go on', async () => {
    const engine = await start()
    const options = { capacity: 65_536, jobBytes: 5000 }
    await expect(engine.queue('large', options)).rejects.toMatchObject({
      code: 'ERR_QUEUE_AREA_FULL',
    })
    expect(await (await engine.queue('work')).add(1)).toBe('accepted')
  })
})
