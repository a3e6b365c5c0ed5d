import { ascii, f64, i16, message, object, raw, rpc, u16, u32 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Flight = message('flights.departed', {
  date: f64,
  delayMin: i16,
  distanceMi: u16,
  origin: ascii(3),
  destination: ascii(3),
})

const flight = (n: number) => ({
  date: n,
  delayMin: n % 100,
  distanceMi: 740,
  origin: 'ORD',
  destination: 'SFO',
})

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('a typed message arrives as it was published, with its subject and sender', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: unknown[] = []
    await engine.subscribe('flights.*', (value, info) => {
      got.push([value, info.subject, info.thread, info.isRequest])
    })
    expect(engine.publish(Flight, flight(7))).toBe(true)
    await until(() => got.length === 1)
    expect(got).toEqual([[flight(7), 'flights.departed', 0, false]])
  })

  test('any plain value arrives on a bare subject, and bytes as bytes', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: unknown[] = []
    await engine.subscribe('things', (value) => got.push(value))
    const values = [
      { a: [1, 'two', null, { three: true }], when: new Date(5) },
      'text',
      42,
      undefined,
      null,
      new Map([['k', new Set([1])]]),
      12345678901234567n,
      Uint8Array.of(1, 2, 3),
    ]
    for (const value of values) engine.publish('things', value)
    await until(() => got.length === values.length)
    expect(got).toEqual(values)
  })

  test('raw and object messages carry what they declare', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const Raw = message('raw', raw)
    const Note = message('note', object<{ text: string }>())
    const got: unknown[] = []
    await engine.subscribe(Raw, (value) => got.push([...value]))
    await engine.subscribe(Note, (value) => got.push(value.text))
    engine.publish(Raw, Uint8Array.of(9, 8))
    engine.publish(Note, { text: 'hello' })
    await until(() => got.length === 2)
    expect(got).toEqual(expect.arrayContaining([[9, 8], 'hello']))
  })

  test('messages cross threads in order, each handled once', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('counter', fixture('counter.mjs'))
    const Count = message('count.one', { n: u32 })
    const total = 50_000
    for (let n = 1; n <= total; n++) {
      if (!engine.publish(Count, { n })) await engine.drained(Count)
    }
    await until(async () => (await countOf(engine)).count === total)
    expect(await countOf(engine)).toMatchObject({ sum: (total * (total + 1)) / 2, thread: 1 })
  })

  test('subscribers of one thread each get a value of their own', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: { n: number }[] = []
    for (let i = 0; i < 3; i++) {
      await engine.subscribe('own', (value: { n: number }) => {
        value.n += i
        got.push(value)
      })
    }
    engine.publish('own', { n: 1 })
    await until(() => got.length === 3)
    expect(got.map(({ n }) => n)).toEqual([1, 2, 3])
  })

  test('nobody listening is no error', async () => {
    const engine = await engineFor({ threads: 0, addon })
    expect(engine.publish('into.the.void', { n: 1 })).toBe(true)
    expect(engine.tryPublish('into.the.void')).toBe('accepted')
    await engine.send('into.the.void', 1)
    await engine.drained('into.the.void')
  })

  test('what is published between subscribe and unsubscribe is seen, later none', async () => {
    const engine = await engineFor({ threads: 0, addon })
    for (let round = 0; round < 20; round++) {
      const got: number[] = []
      const subscription = await engine.subscribe('round', (value: number) => got.push(value))
      engine.publish('round', round)
      await until(() => got.length === 1)
      await subscription.unsubscribe()
      engine.publish('round', -1)
      expect(got).toEqual([round])
    }
  })

  test('messages published before unsubscribe are still handled', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: number[] = []
    const subscription = await engine.subscribe('last', (value: number) => got.push(value))
    for (let n = 0; n < 100; n++) engine.publish('last', n)
    engine.flush()
    await subscription.unsubscribe()
    expect(got).toHaveLength(100)
  })

  test('a subscription without a handler is iterated, and the loop ends with it', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const subscription = await engine.subscribe(Flight)
    for (let n = 0; n < 5; n++) engine.publish(Flight, flight(n))
    const got: number[] = []
    for await (const { value, subject } of subscription) {
      expect(subject).toBe('flights.departed')
      if (got.push(value.date) === 5) void subscription.unsubscribe()
    }
    expect(got).toEqual([0, 1, 2, 3, 4])
  })

  test('leaving an iteration ends its subscription, and so does closing the engine', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const left = await engine.subscribe('left')
    engine.publish('left', 1)
    for await (const { value } of left) {
      expect(value).toBe(1)
      break
    }
    expect(await left[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
    const open = await engine.subscribe('open')
    const ended = (async () => {
      for await (const { value } of open) expect(value).toBe('never')
      return 'ended'
    })()
    await engine.close()
    expect(await ended).toBe('ended')
  })

  test('a lazy subscription reads fields from the ring and expires with its handler', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: number[] = []
    let kept: { date: number } | null = null
    await engine.subscribe(
      Flight,
      (value) => {
        got.push(value.date)
        kept = value
      },
      { lazy: true },
    )
    engine.publish(Flight, flight(3))
    engine.publish(Flight, flight(4))
    await until(() => got.length === 2)
    expect(got).toEqual([3, 4])
    expect(() => kept?.date).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  })

  test('the info of a publish expires with its handler', async () => {
    const engine = await engineFor({ threads: 0, addon })
    let kept: { subject: string } | null = null
    await engine.subscribe('once', (_, info) => (kept = info))
    engine.publish('once')
    await until(() => kept !== null)
    const read = (): unknown => (kept as unknown as { subject: string }).subject
    expect(read).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
  })

  test('a queue group hands each message to one member, a plain subscriber sees all', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got = [0, 0, 0]
    const all: number[] = []
    for (let i = 0; i < 3; i++) {
      await engine.subscribe('work', () => void got[i]!++, { queue: 'workers' })
    }
    await engine.subscribe('work', (n: number) => all.push(n))
    for (let n = 0; n < 300; n++) engine.publish('work', n)
    await until(() => all.length === 300)
    expect(got).toEqual([100, 100, 100])
  })

  test('the same fields under another subject reach only that subject', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: string[] = []
    await engine.subscribe('flights.>', (_, info) => got.push(info.subject))
    engine.publish(Flight.at('flights.late.ORD'), flight(1))
    await until(() => got.length === 1)
    expect(got).toEqual(['flights.late.ORD'])
  })

  test('subjects beyond what a dictionary holds travel inline', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('counter', fixture('counter.mjs'))
    const subjects = 20_000
    for (let n = 0; n < subjects; n++) {
      const subject = `count.a-rather-long-token-that-fills-the-dictionary.${n}`
      if (!engine.publish(subject, { n: 1 })) await engine.drained(subject)
    }
    await until(async () => (await countOf(engine)).count === subjects)
    expect((await countOf(engine)).subjects).toBe(subjects)
  })

  test('a nested publish from toJSON or a getter arrives beside the outer one', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const Outer = message('nest.outer', { n: u32, m: u32 })
    const got: [string, unknown][] = []
    await engine.subscribe('nest.*', (value, info) => got.push([info.subject, value]))
    const sly = {
      n: 1,
      get m() {
        engine.publish(Outer, { n: 10, m: 20 })
        engine.publish('nest.bare', { from: 'getter' })
        return 2
      },
    }
    engine.publish(Outer, { n: 0, m: 0 })
    engine.publish(Outer, sly)
    engine.publish('nest.json', {
      toJSON() {
        engine.publish('nest.bare', { from: 'toJSON' })
        engine.publish(Outer, { n: 11, m: 21 })
        return { json: true }
      },
    })
    await until(() => got.length === 7)
    const on = (subject: string) => got.filter(([s]) => s === subject).map(([, value]) => value)
    expect(on('nest.outer')).toEqual(
      expect.arrayContaining([
        { n: 0, m: 0 },
        { n: 1, m: 2 },
        { n: 10, m: 20 },
        { n: 11, m: 21 },
      ]),
    )
    expect(on('nest.json')).toEqual([{ json: true }])
    expect(on('nest.bare')).toEqual(
      expect.arrayContaining([{ from: 'getter' }, { from: 'toJSON' }]),
    )
  })

  test('a getter that throws leaves the link as it was', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const Pair = message('pair', { a: u32, b: u32 })
    const got: unknown[] = []
    await engine.subscribe(Pair, (value) => got.push(value))
    const broken = {
      a: 1,
      get b(): number {
        throw new Error('no b')
      },
    }
    engine.publish(Pair, { a: 0, b: 0 })
    expect(() => engine.publish(Pair, broken)).toThrow('no b')
    engine.publish(Pair, { a: 2, b: 2 })
    await until(() => got.length === 2)
    expect(got).toEqual([
      { a: 0, b: 0 },
      { a: 2, b: 2 },
    ])
  })

  test('a frame of exactly a quarter ring arrives, one byte more is refused', async () => {
    const engine = await engineFor({ threads: 1, addon, ringBytes: 65_536, chunkBytes: 0 })
    await engine.spawn('counter', fixture('counter.mjs'))
    const Blob = message('count.blob', raw)
    const header = 16
    const largest = engine.capabilities.frameBytesMax - header
    expect(engine.capabilities.frameBytesMax).toBe(16_384)
    for (let i = 0; i < 20; i++) await engine.send(Blob, new Uint8Array(largest))
    await until(async () => (await countOf(engine)).count === 20)
    expect(() => engine.publish(Blob, new Uint8Array(largest + 1))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_TOO_LARGE' }),
    )
    engine.publish(Blob, new Uint8Array(1))
    await until(async () => (await countOf(engine)).count === 21)
  })

  test('a second message type on a typed subscription is an error that names both', async () => {
    const errors: unknown[] = []
    const engine = await engineFor({ threads: 0, addon, onError: (error) => errors.push(error) })
    const Old = message('versioned', { a: u32 })
    const New = message('versioned', { a: u32, b: f64 })
    const got: unknown[] = []
    await engine.subscribe(Old, (value) => got.push(value))
    engine.publish(New, { a: 1, b: 2 })
    engine.publish(Old, { a: 3 })
    await until(() => got.length === 1 && errors.length === 1)
    expect(errors[0]).toMatchObject({
      code: 'ERR_TYPE_MISMATCH',
      message: expect.stringMatching(/"b","f64".*wanted.*"a","u32"/),
    })
  })

  test('typed requests carry structs both ways', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const Add = rpc('add', { request: { a: f64, b: f64 }, reply: { sum: f64 } })
    await engine.handle(Add, ({ a, b }) => ({ sum: a + b }))
    expect(await engine.request(Add, { a: 1, b: 2.5 })).toEqual({ sum: 3.5 })
  })
})

interface CountState {
  count: number
  sum: number
  subjects: number
  thread: number
}

function countOf(engine: Awaited<ReturnType<typeof engineFor>>): Promise<CountState> {
  return engine.request<CountState>('count-of.counter.0')
}
