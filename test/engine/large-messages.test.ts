// Messages that no ring carries: every codec, every way of sending, every kind of receiver.

import { message, object, raw, rpc, u32, utf8 } from 'flyshuttle'
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const MIB = 1024 * 1024
const Frame = message('frames', raw)

function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff)
}

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = async (options = {}) => {
    const engine = await engineFor({ threads: 1, addon, ...options })
    await engine.spawn('echo', fixture('echo.ts'))
    const allFree = () => until(() => engine.chunks().blocksInUse === 0)
    return { engine, allFree }
  }

  test.each([
    ['a quarter of a ring and one', 131_072 - 15],
    ['a block', 256 * 1024],
    ['a block and one', 256 * 1024 + 1],
    ['a mebibyte', MIB],
    ['twenty mebibytes', 20 * MIB],
  ])('bytes arrive as they were sent, and come back in a reply: %s', async (_, length) => {
    const { engine, allFree } = await start()
    const sent = randomBytes(length)
    const got = (await engine.request('echo', sent)) as Uint8Array
    expect(got).toBeInstanceOf(Uint8Array)
    expect(Buffer.compare(got, sent)).toBe(0)
    expect(got.buffer).toBeInstanceOf(ArrayBuffer)
    await allFree()
  })

  test('the largest message arrives, one byte more is refused however it is sent', async () => {
    const { engine, allFree } = await start({ chunkBytes: 16 * MIB })
    const largest = engine.capabilities.messageBytesMax
    expect(largest).toBe(4 * MIB)
    const sent = randomBytes(largest)
    expect(Buffer.compare((await engine.request('echo', sent)) as Uint8Array, sent)).toBe(0)
    const tooLarge = expect.objectContaining({ code: 'ERR_MESSAGE_TOO_LARGE' })
    const more = new Uint8Array(largest + 1)
    await engine.subscribe('frames', () => {})
    expect(() => engine.publish(Frame, more)).toThrow(tooLarge)
    expect(() => engine.tryPublish(Frame, more)).toThrow(tooLarge)
    await expect(engine.send(Frame, more)).rejects.toThrow(tooLarge)
    await expect(engine.request('echo', more)).rejects.toThrow(tooLarge)
    await expect(engine.request('echo.bytes', largest + 1)).rejects.toThrow(tooLarge)
    await allFree()
  })

  test('objects, texts and structs of any size arrive too', async () => {
    const { engine, allFree } = await start({ ringBytes: 16_384 })
    const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id}` }))
    expect(await engine.request('echo', { rows })).toEqual({ rows })
    const text = 'zwölf '.repeat(200_000)
    expect(await engine.request('echo', text)).toBe(text)
    const Page = rpc('page', { request: { id: u32, text: utf8(20_000) }, reply: object<number>() })
    await engine.handle(Page, (page) => page.id + page.text.length)
    expect(await engine.request(Page, { id: 1, text: 'x'.repeat(19_999) })).toBe(20_000)
    await allFree()
  })

  test('every subscription gets bytes of its own', async () => {
    const { engine, allFree } = await start()
    const got: Uint8Array[] = []
    const keep = (bytes: Uint8Array) => {
      got.push(bytes.slice())
      bytes.fill(0)
    }
    await engine.subscribe(Frame, keep)
    await engine.subscribe('frames', keep)
    await engine.subscribe('frames', keep, { queue: 'g' })
    await engine.subscribe('>', keep)
    const sent = bytesOf(MIB)
    engine.publish(Frame, sent)
    await until(() => got.length === 4)
    for (const bytes of got) expect(Buffer.compare(bytes, sent)).toBe(0)
    await allFree()
  })

  test('headers, and subjects that are in no dictionary, travel with it', async () => {
    const { engine, allFree } = await start()
    const got: unknown[] = []
    await engine.subscribe('s.>', (value: Uint8Array, info) => {
      got.push([info.subject, value.length, info.headers['n']])
    })
    const expected: unknown[] = []
    // Enough to fill the subjects' part of the dictionary.
    for (let n = 0; n < 3000; n++) engine.publish(`s.${n}.${'x'.repeat(200)}`, n)
    engine.publish('s.last', bytesOf(MIB), { headers: { n: '7' } })
    expected.push(['s.last', MIB, '7'])
    await until(() => got.length === 3001)
    expect(got.slice(-1)).toEqual(expected)
    await allFree()
  })

  test('an error that no ring carries arrives whole', async () => {
    const { engine, allFree } = await start({ ringBytes: 4096 })
    const message = 'long '.repeat(390)
    await engine.handle('fail', () => {
      throw new RangeError(message, { cause: new Error(message) })
    })
    await expect(engine.request('fail', 1)).rejects.toMatchObject({ message, cause: { message } })
    await allFree()
  })

  test('a message to nobody takes no block for long', async () => {
    const { engine, allFree } = await start()
    expect(engine.publish(Frame, bytesOf(MIB))).toBe(true)
    expect(engine.tryPublish(Frame, bytesOf(MIB))).toBe('accepted')
    await engine.send(Frame, bytesOf(MIB))
    await allFree()
  })

  test('more than all blocks hold waits, in order, and nothing is lost', async () => {
    const { engine, allFree } = await start({ chunkBytes: 2 * MIB })
    const got: number[] = []
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    await engine.subscribe('frames', async (bytes: Uint8Array) => {
      got.push(bytes[0] as number)
      if (got.length === 1) await opened
    })
    const sending: Promise<void>[] = []
    for (let n = 0; n < 100; n++) {
      const bytes = new Uint8Array(300_000)
      bytes[0] = n
      sending.push(engine.send(Frame, bytes))
    }
    expect(engine.tryPublish(Frame, bytesOf(300_000))).toBe('full')
    open()
    await Promise.all(sending)
    await until(() => got.length === 100)
    expect(got).toEqual(Array.from({ length: 100 }, (_, n) => n))
    await allFree()
  })

  test('a lossy subscription is passed over when no block is free', async () => {
    const { engine, allFree } = await start()
    const lengths: number[] = []
    await engine.subscribe(Frame, ({ length }) => lengths.push(length), { lossy: true })
    const { messageBytesMax } = engine.capabilities
    const loans = [engine.loan(messageBytesMax)]
    expect(() => {
      for (;;) loans.push(engine.loan(messageBytesMax))
    }).toThrow(expect.objectContaining({ code: 'ERR_CHUNKS_EXHAUSTED' }))
    for (let n = 0; n < 10; n++) {
      expect(engine.publish(Frame, new Uint8Array(messageBytesMax))).toBe(true)
    }
    for (const loan of loans) loan.release()
    engine.publish(Frame, new Uint8Array(MIB))
    await until(() => lengths.length > 0)
    await allFree()
    expect(lengths).toEqual([MIB])
  })

  test('publish says false above the mark, and throws when the overflow is full', async () => {
    const { engine, allFree } = await start({ chunkBytes: 16 * MIB })
    await engine.spawn('borrower', fixture('borrower.mjs'), { thread: 'own' })
    const hung = engine.request('borrower.block', 4000, { timeoutMs: 60_000 })
    const Large = message('kept.it', raw)
    const large = new Uint8Array(MIB)
    let isBelow = true
    let accepted = 0
    const publishOn = () => {
      for (; accepted < 1000; accepted++) isBelow = engine.publish(Large, large) && isBelow
    }
    expect(publishOn).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    expect(isBelow).toBe(false)
    expect(accepted).toBeGreaterThan(60)
    // Another thread's senders go on.
    expect(engine.chunks().blocksInUse).toBeLessThan(engine.chunks().blocks)
    expect(await engine.request('echo', bytesOf(100_000))).toHaveLength(100_000)
    await hung
    const release = () => engine.request('borrower.release')
    await until(() => release().then(() => engine.chunks().blocksInUse === 0))
    await engine.drained(Large)
    await allFree()
  })

  test('a thread that ends leaves no block in use', async () => {
    const { engine, allFree } = await start({ onError: () => {} })
    await engine.spawn('borrower', fixture('borrower.mjs'), { thread: 'own' })
    const hung = engine.request('borrower.block', 60_000, { timeoutMs: 60_000 })
    const ended = expect(hung).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
    for (let n = 0; n < 4; n++) engine.publish('kept.it', bytesOf(MIB))
    expect(engine.chunks().holders).toMatchObject(
      Array.from({ length: 4 }, () => ({
        as: 'unread',
        thread: 2,
        name: 'flyshuttle 2',
        agents: ['borrower'],
        subject: 'kept.it',
        bytes: MIB,
      })),
    )
    await engine.threads.find(({ index }) => index === 2)?.terminate()
    await ended
    await allFree()
  })
})
