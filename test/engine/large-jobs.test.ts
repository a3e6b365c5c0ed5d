// Jobs that no slot holds: their payload lies in a block of shared memory until they are done,
// whoever dies, and not longer.

import { message, raw, u32, utf8, type Engine } from 'flyshuttle'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const KIB = 1024
const MIB = 1024 * KIB
const Bytes = message('bytes', raw)
const Wide = message('wide', { n: u32, text: utf8(2000) })
const turn = () => new Promise((resolve) => setImmediate(resolve))
const bytesOf = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, n) => (n * 31 + seed) & 255)
const tooLarge = (found: number, wanted: number) => ({
  code: 'ERR_MESSAGE_TOO_LARGE',
  message: expect.stringMatching(new RegExp(`${found}.*${wanted}`)),
})

describe.each(VARIANTS)('$name', ({ addon }) => {
  const errors: unknown[] = []
  const start = (threads = 0, more: object = {}): Promise<Engine> => {
    errors.length = 0
    return engineFor({ threads, addon, onError: (error) => errors.push(error), ...more })
  }
  const worker = (engine: Engine, config: object, thread: number) =>
    engine.spawn(`worker-${thread}`, fixture('queue-worker.mjs'), {
      config: { queue: 'work', ...config },
      thread,
    })
  const inUse = (engine: Engine) => engine.chunks().blocksInUse

  test('a job larger than its slot arrives as it was, and its block is free then', async () => {
    const engine = await start()
    const jobs = await engine.queue(Bytes)
    const got: [Uint8Array, string, string][] = []
    jobs.consume((job, { key, id }) => void got.push([job, key, id]))
    const sizes = [456, 457, 20 * KIB, MIB]
    for (const size of sizes) await jobs.add(bytesOf(size, size), { key: 'k', id: `${size}` })
    await until(() => got.length === sizes.length && jobs.inspect().inHand === 0)
    for (const [n, size] of sizes.entries()) {
      expect(got[n]?.slice(1)).toEqual(['k', `${size}`])
      // Not toEqual: that takes its time with a MiB.
      expect(Buffer.compare(got[n]?.[0] as Uint8Array, bytesOf(size, size))).toBe(0)
      expect(got[n]?.[0].buffer).toBeInstanceOf(ArrayBuffer)
    }
    expect(inUse(engine)).toBe(0)
  })

  test('texts, objects and structs that no slot holds arrive as they were', async () => {
    const engine = await start()
    const plain = await engine.queue<unknown>('plain', { jobBytes: 64 })
    const wide = await engine.queue(Wide, { jobBytes: 64 })
    const text = 'ü'.repeat(MIB / 2)
    const got: unknown[] = []
    plain.consume((job) => void got.push(job))
    wide.consume((job) => void got.push(job))
    const values = [text, { a: text, b: [1, 2] }, 'small']
    for (const value of values) await plain.add(value)
    await until(() => got.length === 3 && plain.inspect().inHand === 0)
    const structs = [1, 2, 3].map((n) => ({ n, text: `no ${n}` }))
    for (const job of structs) await wide.add(job)
    await until(() => got.length === 6 && wide.inspect().inHand === 0)
    // Not toEqual: nobody wants to see the difference.
    expect(isDeepStrictEqual(got, [...values, ...structs])).toBe(true)
    expect(inUse(engine)).toBe(0)
  })

  test('large and small jobs keep the order in which they were added', async () => {
    const engine = await start()
    const jobs = await engine.queue<Uint8Array>('work', { ordered: 'key' })
    const sizes = [10, 20 * KIB, 11, 12, 30 * KIB, 31 * KIB, 13]
    expect(
      await jobs.addMany(
        sizes.map((size) => new Uint8Array(size)),
        { key: 'k' },
      ),
    ).toBe(7)
    const got: number[] = []
    jobs.consume((job) => void got.push(job.length))
    await until(() => got.length === sizes.length)
    expect(got).toEqual(sizes)
    await until(() => inUse(engine) === 0)
  })

  test('a large job comes again whole, after a failure, a delay and its ackWait', async () => {
    const engine = await start()
    const jobs = await engine.queue<Uint8Array>('work', { backoffMs: [1], ackWaitMs: 30 })
    const job = bytesOf(MIB, 5)
    const attempts: number[] = []
    jobs.consume(
      async (got, delivery) => {
        expect(Buffer.compare(got, job)).toBe(0)
        // What a handler does to its copy is its own business.
        got.fill(0)
        attempts.push(delivery.attempt)
        if (delivery.attempt === 1) throw new Error('again')
        if (delivery.attempt === 2) delivery.nak({ delayMs: 2 })
        if (delivery.attempt === 3) await until(() => attempts.length === 4)
      },
      { concurrency: 2 },
    )
    await jobs.add(job, { delayMs: 2 })
    expect(engine.chunks().holders).toMatchObject([{ as: 'job', thread: 0, subject: 'work' }])
    await until(() => attempts.length === 4 && jobs.inspect().inHand === 0)
    expect(attempts).toEqual([1, 2, 3, 4])
    expect(inUse(engine)).toBe(0)
    // The third delivery was late.
    await until(() => errors.length === 2)
    expect(errors[1]).toMatchObject({ code: 'ERR_JOB_LATE' })
  })

  test('a large job that is given up is a dead letter, and can be replayed', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<Uint8Array>('work', { maxDeliver: 2, backoffMs: [0] })
    await worker(engine, { fail: true }, 1)
    const job = bytesOf(MIB, 7)
    await jobs.add(job, { headers: { tenant: 'acme' } })
    await until(async () => (await engine.deadLetters.list()).length === 1)
    await engine.agent('worker-1').stop()
    await until(() => jobs.inspect().dying === 0)
    await until(() => inUse(engine) === 0)
    const [letter] = await engine.deadLetters.list({ subject: 'work' })
    expect(letter).toMatchObject({ reason: 'max-deliver', attempts: 2 })
    await engine.deadLetters.replay(letter?.id as number)
    const again: [Uint8Array, string | undefined][] = []
    jobs.consume((got, { headers }) => void again.push([got, headers['tenant']]))
    await until(() => again.length === 1 && jobs.inspect().inHand === 0)
    expect(Buffer.compare(again[0]?.[0] as Uint8Array, job)).toBe(0)
    expect(again[0]?.[1]).toBe('acme')
    await until(() => inUse(engine) === 0)
  })

  test.each([1000, 40])(
    'what others have done meanwhile is not handled, nor read: %i bytes',
    async (bytes) => {
      const engine = await start(1)
      const jobs = await engine.queue<Uint8Array>('work', {
        capacity: 64,
        ackWaitMs: 50,
        backoffMs: [0],
      })
      await worker(engine, { takesMs: 2 }, 1)
      const isDone = (): boolean => {
        const { ready, waiting, inHand } = jobs.inspect()
        return ready + waiting + inHand === 0
      }
      let calls = 0
      let callsBefore = 0
      let torn = 0
      jobs.consume((job) => {
        calls++
        if (!job.every((byte) => byte === job[0])) torn++
        // One is in the worker's hands at most, this one and more in ours: others do them all.
        if (callsBefore > 0 || jobs.inspect().inHand < 4) return
        callsBefore = calls
        while (!isDone());
      })
      let n = 0
      while (callsBefore === 0) {
        jobs.tryAdd(new Uint8Array(bytes).fill(n++))
        if (n % 64 === 0) await turn()
      }
      await until(isDone)
      await turn()
      // What was in hand behind it was not handled here.
      expect([torn, calls]).toEqual([0, callsBefore])
      const codes = errors.map((error) => (error as { code: string }).code)
      expect(new Set(codes)).toEqual(new Set(['ERR_JOB_LATE']))
      await until(() => inUse(engine) === 0)
    },
  )

  test('a job of many MiB becomes a dead letter on whichever thread it dies', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<Uint8Array>('work', { maxDeliver: 1 })
    await worker(engine, { fail: true }, 1)
    await jobs.add(new Uint8Array(20 * MIB).fill(3))
    // Nobody but the worker looks at dead jobs here.
    await until(async () => (await engine.deadLetters.info()).size === 1)
    const [letter] = await engine.deadLetters.list({ subject: 'work' })
    const { value } = await engine.deadLetters.peek(letter?.id as number)
    expect(value).toHaveLength(20 * MIB)
    await until(() => inUse(engine) === 0)
  })

  test('term, purge and close leave no block behind', async () => {
    const engine = await start()
    const jobs = await engine.queue<Uint8Array>('work')
    const consumer = jobs.consume((_, delivery) => delivery.term())
    await jobs.add(new Uint8Array(MIB))
    await until(async () => (await engine.deadLetters.info()).size === 1)
    await until(() => inUse(engine) === 0)
    await consumer.stop()
    jobs.pause()
    for (let n = 0; n < 3; n++) await jobs.add(new Uint8Array(20 * KIB))
    await jobs.add(new Uint8Array(20 * KIB), { delayMs: 60_000 })
    // Not published yet.
    jobs.tryAdd(new Uint8Array(20 * KIB))
    expect(inUse(engine)).toBe(5)
    expect(jobs.purge()).toBe(5)
    expect(inUse(engine)).toBe(0)
    jobs.resume()
    await jobs.add(new Uint8Array(20 * KIB))
    await jobs.add(new Uint8Array(MIB), { delayMs: 60_000 })
    await engine.close({ timeoutMs: 1000 })
    expect(inUse(engine)).toBe(0)
  })

  test('a large job in the hands of a thread that ends goes to another, whole', async () => {
    const engine = await start(2)
    const jobs = await engine.queue<Uint8Array>('work', { backoffMs: [0], ackWaitMs: 60_000 })
    const job = bytesOf(MIB, 9)
    let begun = 0
    await engine.subscribe('handled', () => void begun++)
    await worker(engine, { hang: true }, 1)
    await jobs.add(job)
    await until(() => begun === 1)
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    expect(engine.chunks().holders).toMatchObject([{ as: 'job', bytes: MIB }])
    const got: [Uint8Array, number][] = []
    jobs.consume((value, { attempt }) => void got.push([value, attempt]))
    await until(() => got.length === 1 && jobs.inspect().inHand === 0)
    expect(Buffer.compare(got[0]?.[0] as Uint8Array, job)).toBe(0)
    expect(got[0]?.[1]).toBe(2)
    await until(() => inUse(engine) === 0)
  })

  test('large jobs outlive the thread that added them, but only if they had left', async () => {
    const engine = await start(1)
    const jobs = await engine.queue<{ text: string }>('work')
    await worker(engine, { consume: false }, 1)
    const job = { text: 'x'.repeat(MIB) }
    await engine.request('queue-worker.add', { job, options: { key: 'k' } })
    await engine.request('queue-worker.addAndDie', { job }).catch(() => undefined)
    await until(() => engine.threads.every(({ index }) => index !== 1))
    // One was added for good, one put down and never published.
    expect(engine.chunks().holders).toMatchObject([{ as: 'job', thread: 1 }])
    expect(jobs.inspect()).toMatchObject({ ready: 1 })
    await worker(engine, { consume: false }, 1)
    await engine.request('queue-worker.add', { job })
    let got = 0
    jobs.consume((value) => {
      expect(value.text === job.text).toBe(true)
      got++
    })
    await until(() => got === 2 && jobs.inspect().inHand === 0)
    expect(inUse(engine)).toBe(0)
  })

  test('without a free block a job waits as for a slot, in order', async () => {
    // Three blocks of 16 KiB, three of 64 KiB.
    const engine = await start(0, { chunkBytes: 256 * KIB })
    const jobs = await engine.queue<Uint8Array>('work')
    for (let n = 0; n < 3; n++) expect(jobs.tryAdd(bytesOf(60 * KIB, n))).toBe('accepted')
    expect(jobs.tryAdd(bytesOf(60 * KIB, 3))).toBe('full')
    const waiting = [3, 4, 5].map((n) => jobs.add(bytesOf(60 * KIB, n), { id: `${n}` }))
    expect(jobs.inspect().adding).toBe(3)
    const got: number[] = []
    jobs.consume((job) => void got.push(job[0] as number))
    expect(await Promise.all(waiting)).toEqual(['accepted', 'accepted', 'accepted'])
    await until(() => got.length === 6 && jobs.inspect().inHand === 0)
    expect(got).toEqual([0, 1, 2, 3, 4, 5])
    expect(inUse(engine)).toBe(0)
    // A loan in other hands is waited for as well.
    const loans = [1, 2, 3].map(() => engine.loan(60 * KIB))
    const last = jobs.add(bytesOf(60 * KIB, 6))
    for (let turns = 0; turns < 3; turns++) await turn()
    expect(jobs.inspect().adding).toBe(1)
    for (const loan of loans) loan.release()
    expect(await last).toBe('accepted')
    await until(() => got.length === 7)
  })

  test('what no block holds either is refused, and nothing else', async () => {
    const engine = await start(0, { chunkBytes: 256 * KIB })
    const most = engine.capabilities.messageBytesMax
    expect(most).toBe(64 * KIB)
    const jobs = await engine.queue<Uint8Array>('work', { jobBytes: 64 })
    await expect(jobs.add(new Uint8Array(most + 1))).rejects.toMatchObject(tooLarge(most + 1, most))
    const key = { key: 'k'.repeat(64) }
    await expect(jobs.add(new Uint8Array(most), key)).rejects.toMatchObject(tooLarge(72, 64))
    expect(inUse(engine)).toBe(0)
    expect(await jobs.add(new Uint8Array(most))).toBe('accepted')
    expect(jobs.purge()).toBe(1)
  })

  test('without blocks a job is as large as its slot', async () => {
    const engine = await start(0, { chunkBytes: 0 })
    const jobs = await engine.queue<Uint8Array>('work', { jobBytes: 64 })
    await expect(jobs.add(new Uint8Array(65))).rejects.toMatchObject(tooLarge(65, 64))
    expect(await jobs.add(new Uint8Array(64))).toBe('accepted')
    expect(jobs.purge()).toBe(1)
    expect(engine.chunks().blocks).toBe(0)
    const wide = await engine.queue(Wide, { jobBytes: 64 })
    // The second one, too: a struct that is known by then is encoded where it will lie.
    for (const n of [1, 2]) {
      const adding = wide.add({ n, text: 'x' })
      await expect(adding).rejects.toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE' })
    }
  })
})
