// What a subscription can ask for beyond a handler: captured tokens, an end, batches.

import { f64, i16, message, type FlyshuttleError } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Delay = message('flights.ORD.delayed', { id: f64, delayMin: i16 })

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('info says what the wildcards stand for, on every way to the handler', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: (readonly string[])[] = []
    await engine.subscribe('flights.*.>', (_value, info) => got.push(info.tokens))
    // Enough of one struct for the express way.
    for (let id = 0; id < 100; id++) engine.publish(Delay, { id, delayMin: 60 })
    engine.publish('flights.BOS.late.today', 1)
    await until(() => got.length === 101)
    expect(new Set(got.slice(0, 100).map(String))).toEqual(new Set(['ORD,delayed']))
    expect(got[100]).toEqual(['BOS', 'late.today'])
  })

  test('each subscription captures by its own pattern, and a request has tokens, too', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: (readonly string[])[] = []
    await engine.subscribe('a.*.c', (_value, info) => got.push(info.tokens))
    await engine.subscribe('a.>', (_value, info) => got.push(info.tokens))
    await engine.subscribe('a.b.c', (_value, info) => got.push(info.tokens))
    engine.publish('a.b.c', 1)
    await until(() => got.length === 3)
    expect(got).toEqual([[], ['b'], ['b.c']])
    await engine.handle('shops.*.stock', async (_value, info) => {
      await Promise.resolve()
      return info.tokens
    })
    expect(await engine.request('shops.north.stock')).toEqual(['north'])
  })

  test('max ends a subscription after so many messages, all handled', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: number[] = []
    const handle = await engine.subscribe(Delay, ({ id }) => got.push(id), { max: 3 })
    const all: number[] = []
    await engine.subscribe(Delay, ({ id }) => all.push(id))
    for (let id = 0; id < 200; id++) engine.publish(Delay, { id, delayMin: 0 })
    await until(() => all.length === 200)
    expect(got).toEqual([0, 1, 2])
    await handle.unsubscribe()
    // Of several senders' messages, too: what a filter refuses does not count.
    const late: number[] = []
    await engine.subscribe(Delay, async ({ id }) => void late.push(id), {
      max: 2,
      filter: { delayMin: { gte: 60 } },
    })
    for (let id = 0; id < 100; id++) engine.publish(Delay, { id, delayMin: id })
    await until(() => all.length === 300)
    expect(late).toEqual([60, 61])
  })

  test('max ends an iteration, and a responder with it', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const iteration = await engine.subscribe<number>('numbers', { max: 3 })
    for (let n = 0; n < 10; n++) engine.publish('numbers', n)
    const got: number[] = []
    for await (const { value } of iteration) got.push(value)
    expect(got).toEqual([0, 1, 2])
    await engine.handle('once', () => 'yes', { max: 1 })
    const asked = await Promise.allSettled([1, 2, 3].map(() => engine.request('once')))
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    await expect(engine.request('once')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' })
  })

  test('onBatch gets what a drain brought, in order, in arrays that it bounds', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const sizes: number[] = []
    const ids: number[] = []
    const subjects = new Set<string>()
    await engine.subscribe(Delay, {
      batchMax: 64,
      onBatch: (messages) => {
        sizes.push(messages.length)
        for (const { value, subject } of messages) {
          ids.push(value.id)
          subjects.add(subject)
        }
      },
    })
    for (let id = 0; id < 1000; id++) engine.publish(Delay, { id, delayMin: 0 })
    await until(() => ids.length === 1000)
    expect(ids).toEqual(Array.from({ length: 1000 }, (_, id) => id))
    expect(Math.max(...sizes)).toBe(64)
    expect(sizes.length).toBeLessThan(40)
    expect([...subjects]).toEqual([Delay.subject])
    engine.publish(Delay, { id: 7, delayMin: 0 }, { headers: { a: 'b' } })
    await until(() => ids.length === 1001)
    expect(sizes.at(-1)).toBe(1)
  })

  test('an asynchronous onBatch holds its senders back, and closing awaits it', async () => {
    const engine = await engineFor({ threads: 0, addon })
    let running = 0
    let handled = 0
    await engine.subscribe<number>('numbers', {
      batchMax: 10,
      mailbox: 20,
      onBatch: async (messages) => {
        expect(++running).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        handled += messages.length
      },
    })
    for (let n = 0; n < 5000; n++)
      if (!engine.publish('numbers', n)) await engine.drained('numbers')
    await engine.close()
    expect(handled).toBe(5000)
  })

  test('a lossy onBatch that is idle drops nothing, however short its line', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: number[] = []
    const onBatch = (messages: readonly { value: number }[]): void => {
      got.push(...messages.map(({ value }) => value))
    }
    await engine.subscribe<number>('numbers', { onBatch, mailbox: 4, lossy: true })
    for (let n = 0; n < 100; n++) engine.publish('numbers', n)
    await engine.drained('numbers')
    await engine.close()
    expect(got).toEqual([...Array(100).keys()])
  })

  test('what onBatch throws is told, and the next batch comes as usual', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown): void => void errors.push(error)
    const engine = await engineFor({ threads: 0, addon, onError })
    let calls = 0
    await engine.subscribe('numbers', {
      onBatch: ([first]) => {
        const value = first?.value
        calls++
        if (value === 1) throw new Error('one')
        if (value === 2) return Promise.reject(new Error('two'))
      },
    })
    for (const n of [1, 2, 3]) {
      engine.publish('numbers', n)
      await until(() => calls === n)
    }
    await until(() => errors.length === 2)
    expect(errors.map((error) => (error as Error).message)).toEqual(['one', 'two'])
  })

  test('agents take batches, and with queue: false every instance takes all', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('gather', fixture('gather.mjs'), { instances: 2 })
    for (let n = 1; n <= 100; n++) engine.publish('gather.numbers', n)
    const sums: number[][] = []
    await engine.subscribe('gather.sums', (sum) => sums.push(sum))
    await until(async () => {
      sums.length = 0
      engine.publish('gather.report')
      await until(() => sums.length === 2)
      return sums.every(([all]) => all === 5050)
    })
    const shared = sums.map(([, part]) => part ?? 0)
    expect(shared[0]! + shared[1]!).toBe(5050)
    expect(Math.min(...shared)).toBeGreaterThan(0)
  })

  test('publishMany publishes each, and says how many when it fails', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: number[] = []
    await engine.subscribe(Delay, ({ id }) => got.push(id))
    const delays = Array.from({ length: 100 }, (_, id) => ({ id, delayMin: id }))
    expect(engine.publishMany(Delay, delays)).toBe(true)
    expect(engine.publishMany(Delay, new Set(delays), { headers: { a: 'b' } })).toBe(true)
    await until(() => got.length === 200)
    const wrong = [...delays.slice(0, 5), { id: 'x', delayMin: 0 }, ...delays] as typeof delays
    const error = catchError(() => engine.publishMany(Delay, wrong))
    expect(error).toMatchObject({
      code: 'ERR_PAYLOAD_INVALID',
      data: { accepted: 5, field: 'id' },
    })
    await until(() => got.length === 205)
    expect(catchError(() => engine.publishMany('a', 7 as never))).toMatchObject({
      code: 'ERR_OPTION_INVALID',
    })
    expect(catchError(() => engine.publishMany('a.*', [1]))).toMatchObject({
      code: 'ERR_SUBJECT_INVALID',
      data: { accepted: 0 },
    })
  })

  test('publishMany refuses what finds no room, and what it accepted arrives', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 4096 })
    const got: number[] = []
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    await engine.subscribe<{ n: number }>(
      'n',
      async ({ n }) => {
        await gate
        got.push(n)
      },
      { mailbox: 4 },
    )
    const values = Array.from({ length: 100_000 }, (_, n) => ({ n, text: 'x'.repeat(100) }))
    const error = catchError(() => engine.publishMany('n', values))
    expect(error).toMatchObject({ code: 'ERR_BACKPRESSURE' })
    const accepted = (error as FlyshuttleError).data['accepted'] as number
    expect(accepted).toBeGreaterThan(1000)
    open()
    await until(() => got.length === accepted)
    await engine.drained('n')
    expect(got).toEqual(Array.from({ length: accepted }, (_, n) => n))
  })

  test('broadcast reaches every member of every queue group, and every instance', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const got: string[] = []
    for (const name of ['a', 'b', 'c']) {
      await engine.subscribe('config', () => got.push(name), { queue: 'workers' })
    }
    await engine.subscribe('config', () => got.push('plain'))
    await engine.subscribe('config', () => got.push('never'), {
      queue: 'workers',
      filter: { level: 'x' },
    })
    expect(engine.broadcast('config', { level: 'debug' })).toBe(true)
    engine.publish('config', { level: 'debug' })
    await until(() => got.length >= 6)
    expect(got.slice(0, 4).sort()).toEqual(['a', 'b', 'c', 'plain'])
    expect(got.slice(4)).toContain('plain')
    expect(got).toHaveLength(6)
    await engine.spawn('gather', fixture('gather.mjs'), { instances: 3 })
    const sums: number[][] = []
    await engine.subscribe('gather.sums', (sum) => sums.push(sum))
    engine.broadcast('gather.numbers', 1)
    await until(async () => {
      sums.length = 0
      engine.publish('gather.report')
      await until(() => sums.length === 3)
      return sums.every(([all]) => all === 1)
    })
    expect(sums.map(([, shared]) => shared)).toEqual([1, 1, 1])
  })

  test('a tap sees a sample of any subject, of every thread, until it is taken away', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const seen: string[] = []
    const got: unknown[] = []
    await engine.subscribe('orders.>', (value) => got.push(value))
    const tap = await engine.tap('orders.>', (_value, info) => seen.push(...info.tokens), {
      sample: 0.25,
    })
    for (let n = 0; n < 8; n++) engine.publish(`orders.${n}`, n)
    await until(() => got.length === 8)
    await until(() => seen.length === 2)
    expect(seen).toEqual(['0', '4'])
    await tap.unsubscribe()
    for (let n = 0; n < 8; n++) engine.publish(`orders.${n}`, n)
    await until(() => got.length === 16)
    expect(seen).toHaveLength(2)
    for (const sample of [0, 1.5, Number.NaN, '1']) {
      await expect(
        engine.tap('orders.>', () => {}, { sample: sample as number }),
      ).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' })
    }
  })

  test('options that cannot be are refused', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const refused = async (options: object): Promise<string> => {
      const attempt = engine.subscribe('x', options as { onBatch: () => void })
      const error = (await attempt.catch((error: unknown) => error)) as FlyshuttleError
      expect(error.code).toBe('ERR_OPTION_INVALID')
      return error.message
    }
    const onBatch = (): void => {}
    expect(await refused({ onBatch: 7 })).toContain('option onBatch is 7; wanted a function')
    expect(await refused({ onBatch, batchMax: 0 })).toContain('batchMax is 0; wanted an integer')
    expect(await refused({ onBatch, lazy: true })).toContain('option lazy is true')
    expect(await refused({ onBatch, concurrency: 2 })).toContain('option concurrency is 2')
    expect(await refused({ batchMax: 5 })).toContain('option batchMax is 5')
    expect(await refused({ max: 0 })).toContain('option max is 0; wanted an integer from 1')
    expect(await refused({ max: 5, queue: 'q' })).toContain(
      'max is 5; wanted none with the queue q',
    )
  })
})

function catchError(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
