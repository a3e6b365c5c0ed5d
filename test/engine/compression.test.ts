import {
  message,
  raw,
  u32,
  utf8,
  type Algorithm,
  type Engine,
  type EngineOptions,
} from 'flyshuttle'
import { randomBytes } from 'node:crypto'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const HAS_ZSTD = 'zstdCompressSync' in zlib
if (!HAS_ZSTD) console.log(`without zstd: Node ${process.versions.node} has none`)
const ALGORITHMS: Algorithm[] = HAS_ZSTD ? ['lz4', 'zstd'] : ['lz4']

const Note = message('notes.new', { id: u32, text: utf8(2000) })
const Block = message('blocks', raw)
const WORDS = 'all work and no play makes a dull message, '

const code = (wanted: string) => expect.objectContaining({ code: wanted })

/** Bytes that the engine's links have carried. */
const carried = (engine: Engine): number =>
  engine.stats().links.reduce((sum, { bytes, lane }) => sum + (lane === 'bulk' ? bytes : 0), 0)

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = (algorithm: Algorithm, options: EngineOptions = {}): Promise<Engine> =>
    engineFor({
      ...{ threads: 0, addon, compression: { '>': { algorithm, minBytes: 256 } } },
      ...options,
    })

  describe.each(ALGORITHMS)('%s', (algorithm) => {
    test('values of every codec arrive as they were, in fewer bytes', async () => {
      const engine = await start(algorithm)
      const got: unknown[] = []
      const text = WORDS.repeat(20)
      await engine.subscribe(Note, (note) => got.push(note))
      await engine.subscribe(Note, (note) => got.push(note.text), { lazy: true })
      await engine.subscribe('plain.*', (value) => got.push(value))
      const values = [{ text, n: 1 }, { deep: [{ text }, { text }] }, Buffer.from(text), text]
      const before = carried(engine)
      engine.publish(Note, { id: 1, text }, { headers: { a: 'b' }, priority: 'high' })
      for (const value of values) engine.publish('plain.x', value)
      await until(() => got.length === 6)
      const [note, lazy, ...plain] = got
      expect(note).toEqual({ id: 1, text })
      expect(lazy).toBe(text)
      expect(plain.map((v) => (v instanceof Uint8Array ? Buffer.from(v) : v))).toEqual(values)
      expect(carried(engine) - before).toBeLessThan(5 * 400)
    })

    test('what does not shrink, or is small, travels as it is', async () => {
      const engine = await start(algorithm)
      const got: unknown[] = []
      await engine.subscribe('a', (value) => got.push(value))
      const noise = Array.from({ length: 50 }, () => new Uint8Array(randomBytes(1000)))
      for (const bytes of noise) engine.publish('a', bytes)
      engine.publish('a', 'short')
      await until(() => got.length === 51)
      expect(got).toEqual([...noise, 'short'])
      expect(carried(engine)).toBeGreaterThan(50_000)
      // After so many misses few are tried, but one that pays is found soon enough.
      const before = carried(engine)
      for (let n = 0; n < 200; n++) engine.publish('a', WORDS.repeat(25))
      await until(() => got.length === 251)
      expect(carried(engine) - before).toBeLessThan(140 * 1075)
    })

    test('large messages are compressed before it is decided how they travel', async () => {
      const engine = await start(algorithm)
      const got: Uint8Array[] = []
      await engine.subscribe(Block, (bytes) => got.push(bytes))
      const large = Buffer.from(WORDS.repeat(100_000))
      const noisy = Buffer.concat([large, randomBytes(600_000)])
      await engine.send(Block, large)
      await engine.send(Block, noisy)
      await until(() => got.length === 2)
      expect(Buffer.from(got[0] as Uint8Array).equals(large)).toBe(true)
      expect(Buffer.from(got[1] as Uint8Array).equals(noisy)).toBe(true)
    })

    test('messages that had to wait arrive as they were, in order', async () => {
      const engine = await start(algorithm, { ringBytes: 4096 })
      const got: number[] = []
      const handler = async ({ n, text }: { n: number; text: string }): Promise<void> => {
        await Promise.resolve()
        if (text.length === 860) got.push(n)
      }
      await engine.subscribe('a', handler, { mailbox: 2 })
      for (let n = 0; n < 200; n++) engine.publish('a', { n, text: WORDS.repeat(20) })
      await until(() => got.length === 200)
      expect(got).toEqual(got.map((_, n) => n))
    })

    test('requests are compressed, their filters asked, and their replies come back', async () => {
      const engine = await start(algorithm)
      await engine.handle('ask', (value: { text: string }) => value.text.length)
      expect(await engine.request('ask', { text: WORDS.repeat(50) })).toBe(50 * WORDS.length)
      const got: number[] = []
      const filter = { id: { gte: 2 } }
      await engine.subscribe(Note, ({ id }) => got.push(id), { filter })
      await engine.subscribe('notes.*', ({ id }: { id: number }) => got.push(-id))
      for (const id of [1, 2]) engine.publish(Note, { id, text: WORDS.repeat(20) })
      await until(() => got.length === 3)
      expect(got.sort()).toEqual([-1, -2, 2])
    })

    test('what is published or asked is compressed, what answers and jobs are not', async () => {
      const engine = await start(algorithm)
      const text = WORDS.repeat(150)
      const publisher = engine.publisher(message('bound', { text: utf8(8000) }), ['text'])
      const parts = async function* () {
        yield text
      }
      const jobs = await engine.queue('jobs', { jobBytes: 8000 })
      for (const subject of ['one', 'bound']) await engine.subscribe(subject, () => {})
      await engine.handle('ask', () => 1)
      await engine.handle('answer', () => text)
      await engine.handle('parts', parts)
      /** What all links have carried for it, in units of the text. */
      const costOf = async (act: () => unknown): Promise<number> => {
        const sum = (): number =>
          engine.stats().links.reduce((bytes, link) => bytes + link.bytes, 0)
        const before = sum()
        await act()
        // By then the links have been read to here.
        await engine.request('ask')
        return Math.round((sum() - before) / text.length)
      }
      const compressed: (() => unknown)[] = [
        () => engine.publish('one', text),
        () => engine.tryPublish('one', text),
        () => engine.publishMany('one', [text, text]),
        () => engine.broadcast('one', text),
        () => engine.send('one', text),
        () => publisher(text),
        () => engine.request('ask', text),
        async () => {
          for await (const answer of engine.requestMany('ask', text)) expect(answer).toBe(1)
        },
      ]
      for (const act of compressed)
        expect([act.toString(), await costOf(act)]).toEqual([act.toString(), 0])
      const plain: (() => unknown)[] = [
        () => engine.request('answer'),
        () => engine.requestEach('ask', [text]),
        async () => {
          for await (const part of engine.requestStream('parts')) expect(part).toBe(text)
        },
      ]
      for (const act of plain)
        expect([act.toString(), await costOf(act)]).toEqual([act.toString(), 1])
      let job: unknown
      jobs.consume((given) => void (job = given))
      await jobs.add(text)
      await until(() => job !== undefined)
      expect(job).toBe(text)
      const left = await engine.queue('left', { jobBytes: 8000 })
      await left.add(text.repeat(2))
      const [holder] = engine.chunks().holders
      expect(holder?.as).toBe('job')
      expect(holder?.bytes).toBeGreaterThanOrEqual(2 * text.length)
      await left.purge()
    })

    test('a request to many that has to wait for room arrives as it was', async () => {
      const engine = await start(algorithm, { ringBytes: 16_384 })
      const text = WORDS.repeat(150)
      const asked: unknown[] = []
      await engine.subscribe('noise', () => {})
      await engine.handle('ask', (value) => void asked.push(value))
      while (engine.tryPublish('noise', 1) === 'accepted') continue
      for await (const answer of engine.requestMany('ask', text)) expect(answer).toBe(undefined)
      expect(asked).toEqual([text])
    })

    test('workers compress and decompress too', async () => {
      const engine = await start(algorithm, { threads: 1 })
      await engine.spawn('echo', fixture('echo.ts'))
      const text = WORDS.repeat(50)
      expect(await engine.request('echo', { text })).toEqual({ text })
    })

    test('a dead letter of a compressed message is read and replayed as any other', async () => {
      const engine = await start(algorithm, { onError: () => {} })
      let isBroken = true
      const got: unknown[] = []
      const handler = (note: unknown): void => {
        if (isBroken) throw new Error('no')
        got.push(note)
      }
      await engine.subscribe(Note, handler, { deadLetter: true })
      const note = { id: 1, text: WORDS.repeat(20) }
      engine.publish(Note, note)
      await until(async () => (await engine.deadLetters.info()).size === 1)
      const letter = await engine.deadLetters.peek(1)
      expect(letter.value).toEqual(note)
      expect(letter.bytes.length).toBeGreaterThan(2000)
      isBroken = false
      await engine.deadLetters.replay(1)
      await until(() => got.length === 1)
      expect(got).toEqual([note])
    })
  })

  test('the first rule that matches counts; other subjects are left alone', async () => {
    const engine = await engineFor({
      ...{ threads: 0, addon },
      compression: {
        'a.b': { algorithm: 'lz4', minBytes: 100_000 },
        'a.*': { algorithm: 'lz4' },
      },
    })
    const bytesOf = async (subject: string): Promise<number> => {
      let isHere = false
      const subscription = await engine.subscribe(subject, () => (isHere = true))
      const before = carried(engine)
      engine.publish(subject, WORDS.repeat(50))
      await until(() => isHere)
      await subscription.unsubscribe()
      return carried(engine) - before
    }
    expect(await bytesOf('a.b')).toBeGreaterThan(2000)
    expect(await bytesOf('a.c')).toBeLessThan(500)
    expect(await bytesOf('b')).toBeGreaterThan(2000)
  })

  test('rules that cannot hold are refused', async () => {
    const bad = (compression: unknown, wanted = 'ERR_OPTION_INVALID'): Promise<void> =>
      expect(engineFor({ threads: 0, addon, compression: compression as never })).rejects.toThrow(
        code(wanted),
      )
    await bad('lz4')
    await bad({ a: { algorithm: 'gzip' } })
    await bad({ a: { algorithm: 'lz4', minBytes: 1 } })
    await bad({ a: { algorithm: 'lz4', level: 3 } })
    await bad({ 'a..b': { algorithm: 'lz4' } }, 'ERR_SUBJECT_INVALID')
    if (!HAS_ZSTD) await bad({ a: { algorithm: 'zstd' } }, 'ERR_COMPRESSION_UNAVAILABLE')
  })
})
