import {
  bytes,
  message,
  u32,
  utf8,
  type DeadLetterEvent,
  type Engine,
  type EngineOptions,
} from 'flyshuttle'
import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Order = message('orders.new', { id: u32, note: utf8(16) })
const Blob = message('orders.blob', { data: bytes(8) })
const Job = message('letters.job', { id: u32 })

const code = (wanted: string) => expect.objectContaining({ code: wanted })

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = (options: EngineOptions = {}): Promise<Engine> =>
    engineFor({ threads: 0, addon, onError: () => {}, ...options })
  const sizeOf = async (engine: Engine): Promise<number> => (await engine.deadLetters.info()).size

  test('what a handler fails on is kept whole, however it travelled', async () => {
    const engine = await start()
    const fail = (): never => {
      throw new RangeError('out of ink')
    }
    await engine.subscribe(Order, fail, { deadLetter: true })
    await engine.subscribe(Blob, async () => fail(), { deadLetter: true })
    await engine.subscribe('plain.*', fail, { deadLetter: true })
    const values: [string, unknown][] = [
      ['plain.flat', { id: 1, name: 'a', on: true }],
      ['plain.deep', { id: 1, list: [1, { two: 2n }], when: new Date(5), map: new Map([[1, 2]]) }],
      ['plain.bytes', new Uint8Array([1, 2, 3])],
      ['plain.none', undefined],
      ['plain.text', 'Zoë'],
    ]
    engine.publish(Order, { id: 7, note: 'Zoë' }, { headers: { tenant: 'acme' } })
    engine.publish(Blob, { data: new Uint8Array([9, 8]) })
    for (const [subject, value] of values) engine.publish(subject, value)
    await until(async () => (await sizeOf(engine)) === 7)
    const list = await engine.deadLetters.list()
    const letters = await Promise.all(list.map(({ id }) => engine.deadLetters.peek(id)))
    const found = new Map(letters.map((letter) => [letter.subject, letter]))
    expect(found.get('orders.new')?.value).toEqual({ id: 7, note: 'Zoë' })
    expect(found.get('orders.blob')?.value).toEqual({ data: new Uint8Array([9, 8]) })
    for (const [subject, value] of values) expect(found.get(subject)?.value).toEqual(value)
    const order = found.get('orders.new')
    expect(order).toMatchObject({ reason: 'handler-error', attempts: 1, replays: 0, queue: '' })
    expect(order?.error).toMatchObject({ message: 'out of ink', data: { name: 'RangeError' } })
    expect(order?.headers).toEqual({ tenant: 'acme' })
    expect(order?.deadAtMs).toBeGreaterThanOrEqual(order?.firstAtMs as number)
  })

  test('only subscriptions that ask for it keep letters, and the good ones are none', async () => {
    const engine = await start()
    const errors: unknown[] = []
    await engine.subscribe('a', () => {
      errors.push(1)
      throw new Error('not kept')
    })
    await engine.subscribe('b', () => {}, { deadLetter: true })
    engine.publish('a', 1)
    engine.publish('b', 1)
    await until(() => errors.length === 1)
    expect(await engine.deadLetters.info()).toMatchObject({ size: 0, buried: 0 })
  })

  test('what cannot be decoded for a subscription is kept as it came', async () => {
    const engine = await start()
    await engine.subscribe(Order, () => {}, { deadLetter: true })
    engine.publish('orders.new', { id: 'no number' })
    await until(async () => (await sizeOf(engine)) === 1)
    const letter = await engine.deadLetters.peek(1)
    expect(letter).toMatchObject({ reason: 'unreadable', attempts: 0 })
    expect(letter.error).toMatchObject({ code: 'ERR_TYPE_MISMATCH' })
    expect(letter.value).toEqual({ id: 'no number' })
  })

  test('a replay sends the same again and counts; only then the letter is gone', async () => {
    const engine = await start()
    const got: unknown[] = []
    let isBroken = true
    await engine.subscribe(
      Order,
      (order, { headers }) => {
        if (isBroken) throw new Error('broken')
        got.push([order, { ...headers }])
      },
      { deadLetter: true },
    )
    engine.publish(Order, { id: 1, note: 'x' }, { headers: { tenant: 'acme' } })
    await until(async () => (await sizeOf(engine)) === 1)
    // Fails again: another letter of the same message, which knows that it was replayed.
    expect(await engine.deadLetters.replay(1)).toEqual({ replayed: 1, refused: 0, errors: [] })
    await until(async () => (await engine.deadLetters.info()).buried === 2)
    expect(await engine.deadLetters.list()).toMatchObject([{ id: 2, replays: 1 }])
    isBroken = false
    await engine.deadLetters.replay([2])
    await until(() => got.length === 1)
    const headers = { tenant: 'acme', 'Flyshuttle-Replays': '2' }
    expect(got).toEqual([[{ id: 1, note: 'x' }, headers]])
    expect(engine.stats().deadLetters).toMatchObject({ size: 0, bytes: 0, buried: 2, replayed: 2 })
  })

  test('plain values of every kind survive a replay', async () => {
    const engine = await start()
    const got: unknown[] = []
    let isBroken = true
    const handler = (value: unknown): void => {
      if (isBroken) throw new Error('broken')
      got.push(value)
    }
    await engine.subscribe('plain', handler, { deadLetter: true })
    const values = [{ a: 1, b: 'two' }, { deep: [{ n: 1n }] }, new Uint8Array([1]), null, 'x']
    for (const value of values) engine.publish('plain', value)
    await until(async () => (await sizeOf(engine)) === values.length)
    isBroken = false
    const outcome = await engine.deadLetters.replay({ subject: 'plain' })
    expect(outcome).toMatchObject({ replayed: values.length, refused: 0 })
    await until(() => got.length === values.length)
    expect(got).toEqual(values)
  })

  test('a letter is replayed no more often than allowed, and stays', async () => {
    const engine = await start({ deadLetters: { replays: 1 } })
    const fail = (): never => {
      throw new Error('always')
    }
    await engine.subscribe('a', fail, { deadLetter: true })
    engine.publish('a', 1)
    await until(async () => (await sizeOf(engine)) === 1)
    await engine.deadLetters.replay(1)
    await until(async () => (await engine.deadLetters.info()).buried === 2)
    await expect(engine.deadLetters.replay(2)).rejects.toThrow(code('ERR_REPLAY_REFUSED'))
    expect(await engine.deadLetters.replay({})).toMatchObject({
      replayed: 0,
      refused: 1,
      errors: [{ id: 2, code: 'ERR_REPLAY_REFUSED' }],
    })
    expect(await sizeOf(engine)).toBe(1)
    await engine.deadLetters.replay(2, { max: 5 })
    await until(async () => (await engine.deadLetters.info()).buried === 3)
  })

  test('a replay to nobody is refused, and the letter stays', async () => {
    const engine = await start()
    const fail = (): never => {
      throw new Error('no')
    }
    const subscription = await engine.subscribe('a', fail, { deadLetter: true })
    engine.publish('a', 1)
    await until(async () => (await sizeOf(engine)) === 1)
    await subscription.unsubscribe()
    await expect(engine.deadLetters.replay(1)).rejects.toThrow(/nobody is subscribed/)
    expect(await sizeOf(engine)).toBe(1)
  })

  test('a replay waits for room, once', async () => {
    const engine = await start({ ringBytes: 16_384 })
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    let isBroken = true
    let got = 0
    const handler = async (): Promise<void> => {
      if (isBroken) throw new Error('no')
      await opened
      got++
    }
    await engine.subscribe('a', handler, { deadLetter: true, mailbox: 1 })
    engine.publish('a', 'x')
    await until(async () => (await sizeOf(engine)) === 1)
    isBroken = false
    let filled = 0
    while (engine.tryPublish('a', 'x'.repeat(500)) === 'accepted') {
      filled++
      engine.flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const replay = engine.deadLetters.replay(1)
    await expect(engine.deadLetters.replay(1)).rejects.toThrow(/it is being replayed/)
    expect(await sizeOf(engine)).toBe(1)
    open()
    await replay
    await until(() => got === filled + 1)
    expect(await sizeOf(engine)).toBe(0)
  })

  test('a lossy mailbox without room keeps what it drops, if asked to', async () => {
    const engine = await start()
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    const got: number[] = []
    const handler = async (n: number): Promise<void> => {
      await opened
      got.push(n)
    }
    await engine.subscribe('a', handler, { lossy: true, mailbox: 1, deadLetter: true })
    for (let n = 0; n < 5; n++) engine.publish('a', n)
    await until(async () => (await sizeOf(engine)) === 3)
    open()
    await until(() => got.length === 2)
    const list = await engine.deadLetters.list()
    expect(list.map(({ reason }) => reason)).toEqual(['no-room', 'no-room', 'no-room'])
    expect((await engine.deadLetters.peek(list[0]?.id as number)).value).toBe(2)
  })

  test('a batch that its handler fails on is kept message by message', async () => {
    const engine = await start()
    const onBatch = async (): Promise<never> => {
      throw new Error('no batch')
    }
    await engine.subscribe('a', { onBatch, deadLetter: true })
    for (let n = 0; n < 5; n++) engine.publish('a', n)
    await until(async () => (await sizeOf(engine)) === 5)
    const list = await engine.deadLetters.list({ reason: 'handler-error' })
    const letters = await Promise.all(list.map(({ id }) => engine.deadLetters.peek(id)))
    expect(letters.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4])
    expect(letters.every(({ error }) => error?.message === 'no batch')).toBe(true)
  })

  test('what expires before it is handled is kept, if it was wanted', async () => {
    const engine = await start()
    const options = { deadLetter: true }
    const handled: unknown[] = []
    const handler = (value: unknown) => void handled.push(value)
    await engine.subscribe('a', handler, { ...options, filter: { n: { gt: 1 } } })
    await engine.subscribe('a', handler)
    for (let n = 0; n < 4; n++) engine.publish('a', { n }, { ttlMs: 1 })
    const untilMs = performance.now() + 20
    while (performance.now() < untilMs) continue // Nothing is delivered meanwhile.
    engine.publish('a', { n: 9 })
    await until(async () => handled.length === 2 && (await sizeOf(engine)) === 2)
    const list = await engine.deadLetters.list({ reason: 'expired' })
    const letters = await Promise.all(list.map(({ id }) => engine.deadLetters.peek(id)))
    expect(letters.map(({ value }) => value)).toEqual([{ n: 2 }, { n: 3 }])
    // Sent again it has no time to live: whoever replays wants it handled.
    await engine.deadLetters.replay({})
    await until(() => handled.length === 6)
  })

  test('what expires while it waits for room is kept, if somebody wanted it kept', async () => {
    const engine = await start({ ringBytes: 16_384 })
    const pad = 'x'.repeat(900)
    const handled: unknown[] = []
    const handler = (value: unknown) => void handled.push(value)
    await engine.subscribe('kept', handler, { deadLetter: true })
    await engine.subscribe('some', handler, { deadLetter: true, filter: { n: { lt: 100 } } })
    await engine.subscribe('some', handler, { queue: 'g', filter: { n: { gte: 100 } } })
    await engine.subscribe('lost', handler)
    for (let n = 0; n < 200; n++) {
      for (const subject of ['kept', 'some', 'lost']) {
        engine.publish(subject, { n, pad }, { ttlMs: 1, headers: { n: String(n) } })
      }
    }
    const untilMs = performance.now() + 20
    while (performance.now() < untilMs) continue // Nothing is delivered meanwhile.
    await engine.send('lost', { n: 'last' })
    await until(async () => handled.length === 1 && (await sizeOf(engine)) === 300)
    const list = await engine.deadLetters.list({ reason: 'expired', limit: 1000 })
    const numbers = async (subject: string): Promise<unknown[]> => {
      const ids = list.filter((letter) => letter.subject === subject).map(({ id }) => id)
      const letters = await Promise.all(ids.map((id) => engine.deadLetters.peek(id)))
      expect(letters.every(({ headers }) => 'n' in headers)).toBe(true)
      return letters.map(({ value }) => (value as { n: number }).n).sort((a, b) => a - b)
    }
    expect(await numbers('kept')).toEqual(Array.from({ length: 200 }, (_, n) => n))
    expect(await numbers('some')).toEqual(Array.from({ length: 100 }, (_, n) => n))
    const { subjects } = engine.stats()
    expect(subjects.at(-1)?.expired).toBeGreaterThan(100)
  })

  test('an event tells of each letter', async () => {
    const heard: DeadLetterEvent[] = []
    const listener = (event: unknown): void => void heard.push(event as DeadLetterEvent)
    subscribe('flyshuttle:deadLetter', listener)
    try {
      const engine = await start()
      const fail = (): never => {
        throw new Error('no ink')
      }
      await engine.subscribe('a.b', fail, { deadLetter: true })
      engine.publish('a.b', 1)
      await until(() => heard.length === 1)
      expect(heard).toEqual([
        {
          ...{ engine: engine.name, thread: 0, name: 'main', id: 1, reason: 'handler-error' },
          ...{ subject: 'a.b', queue: '' },
          ...{ agent: '', attempts: 1, error: 'no ink' },
        },
      ])
    } finally {
      unsubscribe('flyshuttle:deadLetter', listener)
    }
  })

  test('letters of a worker come to the main thread, and any thread works with them', async () => {
    const engine = await start({ threads: 1 })
    await engine.spawn('writer', fixture('letter-writer.mjs'))
    engine.publish(Job, { id: 5 }, { headers: { a: 'b' } })
    engine.publish('letters.plain.x', { id: 6, list: [1, { two: 2 }] })
    // Larger than a frame between the threads: it comes in parts, and is read in parts.
    const large = new Uint8Array(100_000).map((_, i) => i * 7)
    engine.publish('letters.raw', large)
    await until(async () => (await sizeOf(engine)) === 3)
    const list = await engine.deadLetters.list()
    expect(list.map(({ thread, agent, error }) => [thread, agent, error])).toEqual([
      [1, 'writer', 'cannot do 5'],
      [1, 'writer', 'cannot do 6'],
      [1, 'writer', 'cannot do 100000'],
    ])
    const raw = await engine.deadLetters.peek(list[2]?.id as number)
    expect(raw.value).toEqual(large)
    expect(await engine.request('letters.list', {})).toEqual(list)
    const page = await engine.request('letters.list', { limit: 1, after: list[0]?.id })
    expect(page).toEqual(list.slice(1, 2))
    expect(await engine.request('letters.peek', list[0]?.id)).toEqual({
      ...{ value: { id: 5 }, subject: 'letters.job', reason: 'handler-error', thread: 1 },
      ...{ error: 'cannot do 5', headers: { a: 'b' } },
    })
    const seen = await engine.request<{ value: unknown }>('letters.peek', list[1]?.id)
    expect(seen.value).toEqual({ id: 6, list: [1, { two: 2 }] })
    const peeked = await engine.request<{ value: string }>('letters.peek', list[2]?.id)
    expect(peeked.value).toBe(createHash('sha1').update(large).digest('hex'))
    expect(await engine.request('letters.replay', list[0]?.id)).toMatchObject({ replayed: 1 })
    await until(async () => (await engine.deadLetters.info()).buried === 4)
    expect(await engine.request('letters.purge', { subject: 'letters.job' })).toBe(1)
    expect(await engine.request('letters.info')).toMatchObject({ size: 2, purged: 1, replayed: 1 })
    await expect(engine.request('letters.peek', 999)).rejects.toThrow(code('ERR_LETTER_UNKNOWN'))
    await expect(engine.request('letters.replay', 999)).rejects.toThrow(code('ERR_LETTER_UNKNOWN'))
  })

  test('letters of a worker are there when the engine has closed', async () => {
    const engine = await start({ threads: 1 })
    await engine.spawn('writer', fixture('letter-writer.mjs'))
    for (let id = 0; id < 500; id++) engine.publish(Job, { id })
    await engine.close()
    expect(engine.stats().deadLetters).toMatchObject({ size: 500, lost: 0 })
    const [first] = await engine.deadLetters.list({ limit: 1 })
    expect((await engine.deadLetters.peek(first?.id as number)).value).toEqual({ id: 0 })
    await expect(engine.deadLetters.replay(1)).rejects.toThrow(code('ERR_CLOSED'))
    expect(engine.stats().deadLetters.size).toBe(500)
  })

  test('letters of a worker stay when it ends', async () => {
    const engine = await start({ threads: 1 })
    await engine.spawn('writer', fixture('letter-writer.mjs'))
    for (let id = 0; id < 50; id++) engine.publish(Job, { id })
    engine.publish('letters.plain.x', { a: [1, { b: 2 }] })
    await until(async () => (await sizeOf(engine)) === 51)
    await engine.threads[1]?.terminate()
    const list = await engine.deadLetters.list()
    expect(list.map(({ id }) => id)).toEqual(list.map((_, index) => index + 1))
    const got: unknown[] = []
    await engine.subscribe(Job, ({ id }) => void got.push(id))
    await engine.subscribe('letters.plain.*', (value) => void got.push(value))
    expect(await engine.deadLetters.replay({})).toMatchObject({ replayed: 51, refused: 0 })
    await until(() => got.length === 51)
    expect(got).toEqual([...Array.from({ length: 50 }, (_, id) => id), { a: [1, { b: 2 }] }])
  })

  test('small rings carry letters too', async () => {
    const engine = await start({ threads: 1, ringBytes: 16_384 })
    await engine.spawn('writer', fixture('letter-writer.mjs'))
    for (let id = 0; id < 20; id++) engine.publish(Job, { id })
    await until(async () => (await sizeOf(engine)) === 20)
    const list = await engine.deadLetters.list()
    expect(list.map(({ error }) => error)).toEqual(list.map((_, id) => `cannot do ${id}`))
    expect(await engine.request('letters.purge', list[19]?.id)).toBe(1)
    expect((await engine.deadLetters.peek(list[3]?.id as number)).value).toEqual({ id: 3 })
  })

  test('a letter that finds no room by the rule reject is told as lost', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown): void => void errors.push((error as { code: string }).code)
    const engine = await start({ deadLetters: { letters: 1, overflow: 'reject' }, onError })
    const fail = (): never => {
      throw new Error('no')
    }
    await engine.subscribe('a', fail, { deadLetter: true })
    for (let n = 0; n < 3; n++) engine.publish('a', n)
    await until(() => errors.length === 5)
    expect(errors.filter((each) => each === 'ERR_DEAD_LETTERS_FULL')).toHaveLength(2)
    expect(await engine.deadLetters.info()).toMatchObject({ size: 1, rejected: 2, dropped: 0 })
  })

  test('bad input is refused with a code, and nothing is lost by it', async () => {
    const engine = await start()
    const { deadLetters } = engine
    const bad = (call: Promise<unknown>, wanted = 'ERR_OPTION_INVALID'): Promise<void> =>
      expect(call).rejects.toThrow(code(wanted))
    await bad(deadLetters.peek(1), 'ERR_LETTER_UNKNOWN')
    await bad(deadLetters.replay(1), 'ERR_LETTER_UNKNOWN')
    expect(await deadLetters.replay([1, 1])).toMatchObject({ replayed: 0, refused: 1 })
    expect(await deadLetters.purge(1)).toBe(0)
    await bad(deadLetters.peek(0))
    await bad(deadLetters.peek('1' as never))
    await bad(deadLetters.list({ topic: 'a' } as never))
    await bad(deadLetters.list({ limit: 0 }))
    await bad(deadLetters.list({ after: -1 }))
    await bad(deadLetters.list({ reason: 'because' as never }))
    await bad(deadLetters.list({ subject: 'a..b' }), 'ERR_SUBJECT_INVALID')
    await bad(deadLetters.replay({ limit: 3 } as never))
    await bad(deadLetters.replay({}, { times: 3 } as never))
    await bad(deadLetters.replay({}, { max: 0 }))
    await bad(deadLetters.purge(undefined as never))
    await bad(deadLetters.replay([1, 'two'] as never))
    await bad(engine.handle('x', () => {}, { deadLetter: true }))
    await bad(engineFor({ addon, threads: 0, deadLetters: { letters: 0 } }))
  })
})
