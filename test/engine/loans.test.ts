// Loans and leases: what one thread fills and others read, without a copy, and what becomes of it
// when it is used wrongly or forgotten.

import { message, raw, u32, type Lease, type Loan } from 'flyshuttle'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const MIB = 1024 * 1024
const Frame = message('frames', raw)
const withCode = (code: string) => expect.objectContaining({ code })

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = async (options = {}) => {
    const engine = await engineFor({ threads: 0, addon, ...options })
    const inUse = () => engine.chunks().blocksInUse
    const allFree = () => until(() => inUse() === 0)
    return { engine, inUse, allFree }
  }

  test('what is published as a loan is what its receivers read, in one block', async () => {
    const { engine, inUse, allFree } = await start({ threads: 1 })
    await engine.spawn('borrower', fixture('borrower.mjs'))
    const leases: Lease[] = []
    const keep = (lease: Lease) => void leases.push(lease)
    await engine.subscribe('kept.*', keep, { lease: true })
    await engine.subscribe('kept.one', keep, { lease: true, queue: 'g' })
    const copies: Uint8Array[] = []
    await engine.subscribe('kept.>', (copy: Uint8Array) => copies.push(copy))
    const loan = engine.loan(MIB)
    expect(loan).toMatchObject({ length: MIB })
    loan.bytes.fill(3)
    expect(engine.publishLoan('kept.one', loan)).toBe(true)
    const sums = () => engine.request<number[]>('borrower.sums')
    await until(async () => (await sums()).length === 1)
    await until(() => leases.length === 2 && copies.length === 1)
    expect(await sums()).toEqual([3 * MIB])
    for (const { bytes, length } of [
      ...leases,
      ...copies.map((bytes) => ({ bytes, length: MIB })),
    ]) {
      expect(length).toBe(MIB)
      expect(bytes.every((byte) => byte === 3)).toBe(true)
    }
    expect(leases[0]?.bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(copies[0]?.buffer).toBeInstanceOf(ArrayBuffer)
    expect(inUse()).toBe(1)
    for (const lease of leases) lease.release()
    expect(inUse()).toBe(1)
    await engine.request('borrower.release')
    await allFree()
  })

  test('a lease is released by `using`, by release(), and when its handler fails', async () => {
    const errors: unknown[] = []
    const { engine, allFree } = await start({ onError: (error: unknown) => errors.push(error) })
    const ended: Lease[] = []
    await engine.subscribe(
      Frame,
      (lease) => {
        using own = lease
        ended.push(own)
      },
      { lease: true },
    )
    await engine.subscribe(Frame, (lease) => lease.release(), { lease: true })
    const fail = (lease: Lease) => {
      ended.push(lease)
      throw new Error('no')
    }
    await engine.subscribe(Frame, fail, { lease: true })
    await engine.subscribe(Frame, async (lease: Lease) => fail(lease), { lease: true })
    engine.publish(Frame, new Uint8Array(MIB))
    await until(() => ended.length === 3 && errors.length === 2)
    await allFree()
    for (const lease of ended) {
      expect(() => lease.bytes).toThrow(withCode('ERR_LEASE_ENDED'))
      expect(lease.length).toBe(MIB)
      lease.release()
    }
  })

  test('a lease is iterated as any message is', async () => {
    const { engine, allFree } = await start()
    const frames = await engine.subscribe(Frame, { lease: true })
    for (let n = 0; n < 3; n++) engine.publish(Frame, new Uint8Array(MIB).fill(n))
    const got: (number | undefined)[] = []
    for await (const { value } of frames) {
      using lease = value
      got.push(lease.bytes[MIB - 1])
      if (got.length === 2) break
    }
    expect(got).toEqual([0, 1])
    await allFree()
  })

  test('a small message is a lease of its own bytes', async () => {
    const { engine, inUse } = await start()
    const leases: Lease[] = []
    await engine.subscribe('frames', (lease) => void leases.push(lease), { lease: true })
    engine.publish(Frame, Uint8Array.of(1, 2, 3))
    await until(() => leases.length === 1)
    expect(inUse()).toBe(0)
    expect([...(leases[0] as Lease).bytes]).toEqual([1, 2, 3])
    leases[0]?.release()
    expect(() => leases[0]?.bytes).toThrow(withCode('ERR_LEASE_ENDED'))
  })

  test('a lease of anything but raw bytes is an error', async () => {
    const errors: unknown[] = []
    const { engine, allFree } = await start({ onError: (error: unknown) => errors.push(error) })
    await engine.subscribe('frames', () => expect.unreachable(), { lease: true })
    engine.publish('frames', { text: 'x'.repeat(MIB) })
    engine.publish('frames', { n: 1 })
    await until(() => errors.length === 2)
    expect(errors).toEqual([withCode('ERR_TYPE_MISMATCH'), withCode('ERR_TYPE_MISMATCH')])
    await allFree()
    const refused = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    const Struct = message('structs', { n: u32 })
    const lease = { lease: true }
    await expect(engine.subscribe(Struct, () => {}, lease)).rejects.toThrow(refused)
    await expect(engine.handle('frames', () => {}, lease)).rejects.toThrow(refused)
    const both = { lease: true, lazy: true } as const
    await expect(engine.subscribe('frames', () => {}, both)).rejects.toThrow(refused)
  })

  test('a loan ends once: what comes after is an error, and changes nothing', async () => {
    const { engine, inUse, allFree } = await start()
    let got = 0
    await engine.subscribe(Frame, () => void got++)
    const uses: ((loan: Loan) => unknown)[] = [
      (loan) => loan.bytes,
      (loan) => loan.length,
      (loan) => loan.shrink(1),
      (loan) => engine.publishLoan(Frame, loan),
    ]
    const published = engine.loan(1000)
    engine.publishLoan(Frame, published)
    const released = engine.loan(1000)
    released.release()
    released.release()
    for (const use of uses) {
      expect(() => use(published)).toThrow(/after it was published/)
      expect(() => use(released)).toThrow(withCode('ERR_LOAN_ENDED'))
    }
    published.release()
    await until(() => got === 1)
    await allFree()
    {
      using unused = engine.loan(MIB)
      expect(unused.length).toBe(MIB)
      expect(inUse()).toBe(1)
    }
    expect(inUse()).toBe(0)
  })

  test('a loan is refused in silly sizes, and when no block is free', async () => {
    const { engine, allFree } = await start({ chunkBytes: 2 * MIB })
    for (const bytes of [0, -1, 1.5, Number.NaN, '1000', null, undefined, 2 ** 40]) {
      expect(() => engine.loan(bytes as number), String(bytes)).toThrow(
        withCode('ERR_OPTION_INVALID'),
      )
    }
    const largest = engine.capabilities.messageBytesMax
    expect(() => engine.loan(largest + 1)).toThrow(withCode('ERR_OPTION_INVALID'))
    const loans: Loan[] = []
    const takeAll = () => {
      for (let n = 0; n < 1000; n++) loans.push(engine.loan(largest))
    }
    expect(takeAll).toThrow(withCode('ERR_CHUNKS_EXHAUSTED'))
    await expect(engine.loanWhenFree(largest, { timeoutMs: 10 })).rejects.toThrow(
      withCode('ERR_CHUNKS_EXHAUSTED'),
    )
    const waiting = [engine.loanWhenFree(largest), engine.loanWhenFree(largest)]
    expect(() => engine.loan(largest)).toThrow(withCode('ERR_CHUNKS_EXHAUSTED'))
    for (const loan of loans) loan.release()
    for (const loan of waiting) (await loan).release()
    await allFree()
  })

  test('a part of a loan is published by making it shorter', async () => {
    const { engine, allFree } = await start()
    const got: Uint8Array[] = []
    await engine.subscribe(Frame, (bytes) => got.push(bytes))
    const loan = engine.loan(MIB)
    loan.bytes.fill(1)
    expect(() => loan.shrink(MIB + 1)).toThrow(withCode('ERR_OPTION_INVALID'))
    loan.shrink(1000)
    loan.shrink(10)
    expect(loan.length).toBe(10)
    engine.publishLoan(Frame, loan)
    await until(() => got.length === 1)
    expect([...(got[0] as Uint8Array)]).toEqual(new Array(10).fill(1))
    await allFree()
  })

  test('a loan that cannot be published is still its owner’s', async () => {
    const { engine, inUse } = await start()
    const other = await start()
    const loan = engine.loan(1000)
    const Struct = message('structs', { n: u32 })
    expect(() => engine.publishLoan('not..valid', loan)).toThrow(withCode('ERR_SUBJECT_INVALID'))
    expect(() => engine.publishLoan(Struct as never, loan)).toThrow(withCode('ERR_OPTION_INVALID'))
    expect(() => other.engine.publishLoan(Frame, loan)).toThrow(withCode('ERR_OPTION_INVALID'))
    expect(() => engine.publishLoan(Frame, new Uint8Array(3) as never)).toThrow(
      withCode('ERR_OPTION_INVALID'),
    )
    expect(loan.length).toBe(1000)
    expect(inUse()).toBe(1)
    expect(engine.publishLoan('nobody.listens', loan)).toBe(true)
    expect(inUse()).toBe(0)
  })

  test('a loan for nobody who wants it goes back at once', async () => {
    const { engine, inUse } = await start()
    const filter = { headers: { kind: 'good' } }
    await engine.subscribe('frames', () => expect.unreachable(), { filter } as never)
    engine.publishLoan('frames', engine.loan(MIB), { headers: { kind: 'bad' } })
    expect(inUse()).toBe(0)
  })

  test('to a filter bytes have no fields, lent or not, read in place or not', async () => {
    const { engine, allFree } = await start()
    const got: string[] = []
    const watch = async (name: string, filter: unknown, lease: boolean): Promise<void> => {
      const take = (message: Partial<Lease>): void => {
        got.push(name)
        message.release?.()
      }
      await engine.subscribe('frames', take as never, { filter, lease } as never)
    }
    for (const lease of [false, true]) {
      const how = lease ? 'leased' : 'copied'
      await watch(`length ${how}`, { length: 3 }, lease)
      await watch(`first ${how}`, { 0: { exists: true } }, lease)
      await watch(`none ${how}`, { length: { exists: false }, isSent: { exists: false } }, lease)
      await watch(`header ${how}`, { headers: { kind: 'good' } }, lease)
    }
    // Their neighbours see to it that everything is sent, and each has to decide for itself.
    await watch('all', { length: { ne: 'any' } }, false)
    const headers = { kind: 'good' }
    engine.publish('frames', Uint8Array.of(1, 2, 3), { headers })
    await until(() => got.length === 5)
    const published = got.splice(0).sort()
    expect(published).toEqual([
      'all',
      'header copied',
      'header leased',
      'none copied',
      'none leased',
    ])
    engine.publishLoan('frames', engine.loan(3), { headers })
    await until(() => got.length === 5)
    expect(got.sort()).toEqual(published)
    await allFree()
  })

  test('loans wait in line with all other messages of the subject, in order', async () => {
    const { engine, allFree } = await start({ ringBytes: 4096 })
    const got: number[] = []
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    const handle = async (bytes: Uint8Array) => {
      got.push(bytes[0] as number)
      await opened
    }
    await engine.subscribe(Frame, handle, { mailbox: 2 })
    let isBelow = true
    for (let n = 0; n < 100; n++) {
      if (n % 2 === 0) {
        const loan = engine.loan(100)
        loan.bytes[0] = n
        isBelow = engine.publishLoan(Frame, loan) && isBelow
      } else isBelow = engine.publish(Frame, Uint8Array.of(n)) && isBelow
      if (n === 10) await until(() => got.length > 0)
    }
    expect(isBelow).toBe(false)
    open()
    await until(() => got.length === 100)
    expect(got).toEqual(Array.from({ length: 100 }, (_, n) => n))
    await allFree()
  })

  test('what is dropped unhandled is released', async () => {
    const { engine, inUse, allFree } = await start()
    const opened = new Promise<void>(() => {})
    const stuck = async (lease: Lease) => {
      lease.release()
      await opened
    }
    await engine.subscribe(Frame, stuck, { lease: true, mailbox: 2, lossy: true })
    for (let n = 0; n < 4; n++) {
      engine.publishLoan(Frame, engine.loan(MIB))
      await until(() => inUse() === Math.min(n, 2))
    }
    await engine.close({ timeoutMs: 50 })
    await allFree()
  })

  test('what is forgotten comes back, and is told', async () => {
    const { engine, inUse } = await start()
    const told: unknown[] = []
    const listen = (event: unknown) => void told.push(event)
    subscribe('flyshuttle:forgotten', listen)
    await engine.subscribe('frames', () => {}, { lease: true })
    engine.publish(Frame, new Uint8Array(MIB))
    engine.loan(1000)
    await until(() => {
      collectGarbage()
      return inUse() === 0 && told.length === 2
    })
    unsubscribe('flyshuttle:forgotten', listen)
    expect(engine.chunks().forgotten).toBe(2)
    const thread = { engine: engine.name, thread: 0, name: 'main' }
    expect(told).toContainEqual({ what: 'lease', ...thread, subject: 'frames', bytes: MIB })
    expect(told).toContainEqual({ what: 'loan', ...thread, subject: null, bytes: 1000 })
  })

  test('what is forgotten comes back also when its block was used before', async () => {
    const { engine, inUse } = await start()
    const leases: Lease[] = []
    await engine.subscribe('frames', (lease) => void leases.push(lease), { lease: true })
    for (let n = 1; n <= 3; n++) {
      engine.publishLoan(Frame, engine.loan(1000))
      await until(() => leases.length === 1)
      // The last one is forgotten.
      if (n < 3) leases[0]?.release()
      leases.length = 0
    }
    engine.loan(1000).release()
    engine.loan(1000)
    await until(() => {
      collectGarbage()
      return inUse() === 0
    })
    expect(engine.chunks().forgotten).toBe(2)
  })

  test('whoever keeps the bytes of a lease keeps the block', async () => {
    const { engine, inUse, allFree } = await start()
    let kept: Uint8Array | null = null
    await engine.subscribe('frames', ({ bytes }) => void (kept = bytes), { lease: true })
    engine.publish(Frame, new Uint8Array(MIB).fill(5))
    await until(() => kept !== null)
    for (let n = 0; n < 3; n++) {
      collectGarbage()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(inUse()).toBe(1)
    expect((kept as Uint8Array | null)?.[0]).toBe(5)
    kept = null
    await until(() => {
      collectGarbage()
      return inUse() === 0
    })
    await allFree()
  })

  test('the report names who keeps what: loans, leases, and what nobody has read', async () => {
    const { engine, allFree } = await start({ threads: 1 })
    await engine.spawn('borrower', fixture('borrower.mjs'))
    await engine.request('borrower.take', { bytes: 5000, count: 2 })
    engine.publish('kept.it', new Uint8Array(MIB))
    await until(async () => (await engine.request<number[]>('borrower.sums')).length === 1)
    const { holders, sizes, blocks } = engine.chunks()
    const who = { thread: 1, name: 'flyshuttle 1', agents: ['borrower'] }
    expect(holders).toHaveLength(3)
    expect(holders.filter(({ as }) => as === 'loan')).toMatchObject([
      { ...who, subject: null, bytes: 5000, blockBytes: 16 * 1024 },
      { ...who, subject: null, bytes: 5000 },
    ])
    const [lease] = holders.filter(({ as }) => as === 'lease')
    expect(lease).toMatchObject({ ...who, subject: 'kept.it', bytes: MIB, blockBytes: MIB })
    expect(lease?.sinceMs).toBeLessThan(60_000)
    expect(sizes.map(({ inUse }) => inUse)).toEqual([2, 0, 0, 1, 0, 0, 0])
    expect(sizes.reduce((sum, size) => sum + size.blocks, 0)).toBe(blocks)
    await engine.request('borrower.release')
    await allFree()
  })

  test('what a thread kept when it ended is free, whatever it was', async () => {
    const { engine, inUse, allFree } = await start({ threads: 1, onError: () => {} })
    await engine.spawn('borrower', fixture('borrower.mjs'))
    await engine.request('borrower.take', { bytes: MIB, count: 3 })
    for (let n = 0; n < 3; n++) engine.publish('kept.it', new Uint8Array(MIB))
    await until(async () => (await engine.request<number[]>('borrower.sums')).length === 3)
    expect(inUse()).toBe(6)
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    await allFree()
    await engine.spawn('borrower', fixture('borrower.mjs'))
    const got: Uint8Array[] = []
    await engine.subscribe('back', (bytes: Uint8Array) => got.push(bytes))
    await engine.request('borrower.publish', { subject: 'back', bytes: MIB, value: 9 })
    await until(() => got.length === 1)
    expect(got[0]?.every((byte) => byte === 9)).toBe(true)
    await allFree()
  })

  test('a lease of what a thread sent lasts when that thread ends', async () => {
    const { engine, inUse } = await start({ threads: 1, onError: () => {} })
    await engine.spawn('borrower', fixture('borrower.mjs'))
    const leases: Lease[] = []
    await engine.subscribe('back', (lease) => void leases.push(lease), { lease: true })
    await engine.request('borrower.publish', { subject: 'back', bytes: MIB, value: 9 })
    await until(() => leases.length === 1)
    await engine.threads.find(({ index }) => index === 1)?.terminate()
    expect(leases[0]?.bytes.every((byte) => byte === 9)).toBe(true)
    expect(inUse()).toBe(1)
    leases[0]?.release()
    expect(inUse()).toBe(0)
  })

  test('after close, loans and leases have ended, and say so', async () => {
    const { engine } = await start()
    const leases: Lease[] = []
    await engine.subscribe('frames', (lease) => void leases.push(lease), { lease: true })
    engine.publish(Frame, new Uint8Array(MIB))
    await until(() => leases.length === 1)
    const loan = engine.loan(1000)
    await engine.close()
    expect(() => leases[0]?.bytes).toThrow(withCode('ERR_LEASE_ENDED'))
    expect(() => loan.bytes).toThrow(withCode('ERR_LOAN_ENDED'))
    expect(() => engine.publishLoan(Frame, loan)).toThrow(withCode('ERR_LOAN_ENDED'))
    expect(() => engine.loan(1000)).toThrow(withCode('ERR_CLOSED'))
    leases[0]?.release()
    loan.release()
  })
})
