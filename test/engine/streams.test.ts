// Streamed replies: parts in order, credit, stopping early from either side, errors in their place.

import { FlyshuttleError, f64, rpc, u32, utf8, type Engine } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Count = rpc('count', { request: { to: u32 }, reply: { n: u32 } })
const numbers = (to: number) => Array.from({ length: to }, (_, n) => n)

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = () => engineFor({ threads: 0, addon })
  const startAgents = async () => {
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    await engine.spawn('streamer', fixture('streamer.mjs'), { thread: 1 })
    return engine
  }

  const collect = async <T>(parts: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = []
    for await (const part of parts) all.push(part)
    return all
  }

  test('parts of a generator arrive in order, whole, once', async () => {
    const engine = await startAgents()
    const parts = await collect(engine.requestStream<number>('stream.count', { to: 5000 }))
    expect(parts).toEqual(numbers(5000))
    const structs = await collect(engine.requestStream(Count.at('stream.structs'), { to: 3000 }))
    expect(structs.map(({ n }) => n)).toEqual(numbers(3000))
    const plain = await collect(engine.requestStream<number>('stream.sync', { to: 3000 }))
    expect(plain).toEqual(numbers(3000))
  })

  test('batches hold all parts, in order, none of them empty', async () => {
    const engine = await startAgents()
    const all: number[] = []
    for await (const batch of engine.requestStream<number>('stream.sync', { to: 4000 }).batches()) {
      expect(batch.length).toBeGreaterThan(0)
      all.push(...batch)
    }
    expect(all).toEqual(numbers(4000))
  })

  test('a stream may be empty, and a plain reply is a stream of one part', async () => {
    const engine = await startAgents()
    expect(await collect(engine.requestStream('stream.count', { to: 0 }))).toEqual([])
    expect(await collect(engine.requestStream('stream.plain', 7))).toEqual([7])
  })

  test('the responder is never more than the buffer ahead', async () => {
    const engine = await start()
    let made = 0
    await engine.handle('ahead', function* () {
      for (;;) yield made++
    })
    const stream = engine.requestStream<number>('ahead', null, { buffer: 8 })
    let taken = 0
    for await (const part of stream) {
      expect(part).toBe(taken++)
      // Whatever the responder does meanwhile, it has no more credit than that.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      expect(made - taken).toBeLessThanOrEqual(8)
      if (taken === 50) break
    }
  })

  test('leaving the loop ends the generator and aborts its signal', async () => {
    const engine = await start()
    const seen: string[] = []
    await engine.handle('endless', async function* (_, { signal }) {
      signal.addEventListener('abort', () => seen.push(`aborted: ${signal.reason.code}`))
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        seen.push('returned')
      }
    })
    for await (const part of engine.requestStream<number>('endless')) if (part === 10) break
    await until(() => seen.length === 2)
    expect(seen).toEqual(['aborted: ERR_ABORTED', 'returned'])
    const { streams } = engine.stats().threads[0]!
    expect(streams).toEqual({ begun: 1, ended: 1 })
  })

  test('what the generator throws comes after the parts before it', async () => {
    const engine = await startAgents()
    const parts: number[] = []
    const failing = (async () => {
      for await (const part of engine.requestStream<number>('stream.fails', { after: 700 })) {
        parts.push(part)
      }
    })()
    await expect(failing).rejects.toMatchObject({ code: 'E_STREAM', message: 'no more' })
    expect(parts).toEqual(numbers(700))
  })

  test('a part that cannot be sent ends the stream with that error', async () => {
    const engine = await start()
    let hasReturned = false
    await engine.handle('mixed', function* () {
      try {
        yield 1
        yield () => 2
      } finally {
        hasReturned = true
      }
    })
    const stream = engine.requestStream('mixed')[Symbol.asyncIterator]()
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_PAYLOAD_UNSUPPORTED' })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    await until(() => hasReturned)
  })

  test('nobody there is known at once', async () => {
    const engine = await start()
    await expect(collect(engine.requestStream('nobody'))).rejects.toMatchObject({
      code: 'ERR_NO_RESPONDERS',
    })
  })

  test('a responder that is silent for too long is an error, and it is told', async () => {
    const engine = await start()
    let reason: unknown
    await engine.handle('silent', async function* (_, { signal }) {
      yield 1
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          reason = signal.reason
          resolve()
        }),
      )
    })
    const stream = engine.requestStream('silent', null, { timeoutMs: 400 })[Symbol.asyncIterator]()
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await until(() => reason !== undefined)
    expect(reason).toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('a signal ends the iteration, before it began and while it waits', async () => {
    const engine = await startAgents()
    const reason = new Error('enough')
    const early = engine.requestStream(
      'stream.count',
      { to: 3 },
      { signal: AbortSignal.abort(reason) },
    )
    await expect(collect(early)).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    const controller = new AbortController()
    const { signal } = controller
    const late = engine.requestStream('stream.endless', null, { signal })[Symbol.asyncIterator]()
    await late.next()
    controller.abort(reason)
    await expect(late.next()).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    await until(() => streamsOpen(engine) === 0)
  })

  test('a plain request for a stream is refused, and its generator ended', async () => {
    const engine = await start()
    const opened: string[] = []
    await engine.handle('stream.only', async function* () {
      opened.push('begun')
      yield 1
    })
    await expect(engine.request('stream.only')).rejects.toMatchObject({
      code: 'ERR_STREAM_UNASKED',
    })
    expect(opened).toEqual([])
  })

  test('one that ends its subscription ends its streams', async () => {
    const engine = await start()
    const handle = await engine.handle('until.stopped', async function* () {
      for (let n = 0; ; n++) yield n
    })
    const stream = engine.requestStream('until.stopped', null, { buffer: 1 })
    const parts = stream[Symbol.asyncIterator]()
    await parts.next()
    await handle.unsubscribe()
    await expect(
      (async () => {
        for (;;) if ((await parts.next()).done) throw new Error('ended without an error')
      })(),
    ).rejects.toMatchObject({ code: 'ERR_RESPONDER_STOPPED' })
    expect(streamsOpen(engine)).toBe(0)
  })

  test('a handler that takes so many requests ends when their streams have ended', async () => {
    const engine = await start()
    await engine.handle(
      'few',
      async function* (to: number) {
        for (let n = 0; n < to; n++) {
          await new Promise((resolve) => setImmediate(resolve))
          yield n
        }
      },
      { max: 2 },
    )
    const options = { buffer: 4 }
    const first = collect(engine.requestStream<number>('few', 100, options))
    const second = collect(engine.requestStream<number>('few', 50, options))
    expect(await first).toEqual(numbers(100))
    expect(await second).toEqual(numbers(50))
    await until(async () => {
      const third = collect(engine.requestStream('few', 1)).catch(({ code }) => code as string)
      return (await third) === 'ERR_NO_RESPONDERS'
    })
  })

  test('such a handler that is stopped by hand ends its streams', async () => {
    const engine = await start()
    const handle = await engine.handle(
      'one',
      function* () {
        for (let n = 0; ; n++) yield n
      },
      { max: 1 },
    )
    const parts = engine.requestStream<number>('one')[Symbol.asyncIterator]()
    expect(await parts.next()).toEqual({ done: false, value: 0 })
    await handle.unsubscribe()
    const rest = (async () => {
      for (;;) await parts.next()
    })()
    await expect(rest).rejects.toMatchObject({ code: 'ERR_RESPONDER_STOPPED' })
    expect(streamsOpen(engine)).toBe(0)
  })

  test('the death of the responder is an error, after what it had sent', async () => {
    const engine = await startAgents()
    const stream = engine.requestStream<number>('stream.endless', null, { buffer: 4 })
    const parts = stream[Symbol.asyncIterator]()
    expect(await parts.next()).toEqual({ done: false, value: 0 })
    await engine.threads[1]?.terminate()
    let next = 1
    const rest = (async () => {
      for (;;) expect((await parts.next()).value).toBe(next++)
    })()
    await expect(rest).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
  })

  test('the death of the requester ends the generator', async () => {
    const engine = await startAgents()
    await engine.spawn('reader', fixture('stream-reader.mjs'), { thread: 2 })
    await engine.request('reader.read', 'stream.endless')
    await until(() => streamsOpen(engine) === 1)
    await engine.threads[2]?.terminate()
    await until(() => streamsOpen(engine) === 0)
    // Its end is counted when it is told to return, which takes a turn or two.
    await until(async () => (await engine.request('stream.returned')) === 1)
  })

  test('closing the engine ends streams of both sides', async () => {
    const engine = await startAgents()
    const stream = engine.requestStream<number>('stream.endless')
    const reading = (async () => {
      for await (const part of stream) void part
    })()
    await until(() => streamsOpen(engine) === 1)
    const closed = engine.close()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await closed
  })

  test('a stream can be iterated once', async () => {
    const engine = await startAgents()
    const stream = engine.requestStream('stream.count', { to: 2 })
    await collect(stream)
    expect(() => stream[Symbol.asyncIterator]()).toThrow(FlyshuttleError)
    await expect(collect(stream)).rejects.toMatchObject({ code: 'ERR_STREAM_TAKEN' })
    expect(() => stream.batches()).toThrow(/once/)
  })

  test.each([
    [{ buffer: 0 }, 'buffer'],
    [{ buffer: 1.5 }, 'buffer'],
    [{ buffer: 1e9 }, 'buffer'],
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ signal: {} }, 'signal'],
    [{ parent: {} }, 'parent'],
    [{ timeout: 5 }, 'timeout'],
    [null, 'options'],
  ])('options %j are refused at once', async (options, option) => {
    const engine = await start()
    expect(() => engine.requestStream('x', null, options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        data: expect.objectContaining({ option }),
      }),
    )
  })

  test('parts as large as a reply may be pass through a small ring', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384 })
    const part = 'x'.repeat(engine.capabilities.frameBytesMax / 2 - 200)
    await engine.handle('large', function* () {
      for (let n = 0; n < 200; n++) yield part
    })
    const parts = await collect(engine.requestStream<string>('large'))
    expect(parts.length).toBe(200)
    expect(parts.every((one) => one === part)).toBe(true)
  })

  test('structs are whole and in order by the thousand, of several streams at once', async () => {
    const engine = await engineFor({ threads: 0, addon, ringBytes: 16_384 })
    const reply = { n: u32, price: f64, name: utf8(20) }
    const Rows = rpc('rows', { request: { first: u32 }, reply })
    const rowAt = (n: number) => ({ n, price: n / 3, name: `row ${n}` })
    const COUNT = 5000
    await engine.handle(Rows, function* ({ first }) {
      for (let n = first; n < first + COUNT; n++) yield rowAt(n)
    })
    const read = async (first: number) => {
      let next = first
      for await (const row of engine.requestStream(Rows, { first })) {
        expect(row).toEqual(rowAt(next++))
      }
      return next - first
    }
    expect(await Promise.all([read(0), read(1e6), read(2e6)])).toEqual([COUNT, COUNT, COUNT])
    expect(streamsOpen(engine)).toBe(0)
  })

  test('a struct that cannot be sent ends the stream after any number of parts', async () => {
    const engine = await start()
    const Rows = rpc('rows', { request: { good: u32 }, reply: { n: u32 } })
    await engine.handle(Rows, async function* ({ good }) {
      for (let n = 0; n < good; n++) yield { n }
      yield { n: -1 }
    })
    for (const good of [0, 10, 200]) {
      const got: number[] = []
      const reading = (async () => {
        for await (const { n } of engine.requestStream(Rows, { good })) got.push(n)
      })()
      await expect(reading).rejects.toMatchObject({
        code: 'ERR_PAYLOAD_INVALID',
        data: { subject: 'rows', field: 'n' },
      })
      expect(got).toEqual(numbers(good))
    }
  })

  test('several streams at once do not mix', async () => {
    const engine = await startAgents()
    const read = async (to: number) =>
      collect(engine.requestStream<number>('stream.count', { to }, { buffer: 7 }))
    const all = await Promise.all(numbers(40).map((n) => read(n * 11)))
    expect(all).toEqual(numbers(40).map((n) => numbers(n * 11)))
    expect(streamsOpen(engine)).toBe(0)
  })
})

function streamsOpen(engine: Engine): number {
  return engine.stats().threads.reduce((sum, { streams }) => sum + streams.begun - streams.ended, 0)
}
