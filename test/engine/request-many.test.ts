// Requests to many responders: who gets them, and when the iteration ends.

import { rpc, u32 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Quote = rpc('quote', { request: { isin: u32 }, reply: { cents: u32 } })

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = () => engineFor({ threads: 0, addon })
  const collect = async <T>(parts: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = []
    for await (const part of parts) all.push(part)
    return all
  }
  /** Handlers of `subject` that reply with their own number; `delays` says after how many turns. */
  const reply = async (
    engine: Awaited<ReturnType<typeof start>>,
    subject: string,
    count: number,
  ) => {
    for (let n = 0; n < count; n++) await engine.handle(subject, () => n)
  }

  test('each responder replies once, and the iteration ends when all have', async () => {
    const engine = await start()
    await reply(engine, 'who', 5)
    expect((await collect(engine.requestMany<number>('who'))).sort()).toEqual([0, 1, 2, 3, 4])
    await engine.handle(Quote, ({ isin }) => ({ cents: isin + 1 }))
    await engine.handle(Quote, ({ isin }) => ({ cents: isin + 2 }))
    const quotes = await collect(engine.requestMany(Quote, { isin: 10 }))
    expect(quotes.map(({ cents }) => cents).sort()).toEqual([11, 12])
  })

  test('threads and instances: one of each queue group, or with `all` every one', async () => {
    const engine = await engineFor({ threads: 3, addon })
    await engine.spawn('speaker', fixture('speaker.mjs'), { instances: 3 })
    await reply(engine, 'speak', 2)
    await engine.handle('speak', () => 'grouped', { queue: 'g' })
    await engine.handle('speak', () => 'grouped', { queue: 'g' })
    const one = await collect(engine.requestMany('speak'))
    const names = one.map((name) => String(name).replace(/^speaker .$/, 'a speaker'))
    expect(names.sort()).toEqual(['0', '1', 'a speaker', 'grouped'])
    const all = await collect(engine.requestMany('speak', null, { all: true }))
    expect(all.map(String).sort()).toEqual(
      ['0', '1', 'grouped', 'grouped', 'speaker 0', 'speaker 1', 'speaker 2'].sort(),
    )
  })

  test('members of a queue group take turns', async () => {
    const engine = await start()
    for (const name of ['a', 'b']) await engine.handle('turn', () => name, { queue: 'g' })
    const replies = []
    for (let n = 0; n < 4; n++) replies.push(...(await collect(engine.requestMany('turn'))))
    expect(replies).toEqual(['a', 'b', 'a', 'b'])
  })

  test('`max` ends it, and those who have not replied are told', async () => {
    const engine = await start()
    let aborted = 0
    await reply(engine, 'first', 3)
    for (let n = 0; n < 2; n++) {
      await engine.handle('first', async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        aborted++
      })
    }
    // Not by its deadline: that is further away than this test may take.
    const three = { max: 3, timeoutMs: 60_000 }
    expect((await collect(engine.requestMany('first', null, three))).length).toBe(3)
    await until(() => aborted === 2)
  })

  test('those who have not replied are told on whichever thread, whenever they ask', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const heard: string[] = []
    await engine.subscribe('heard', (name: string) => heard.push(name))
    await engine.spawn('waiters', fixture('waiters.mjs'), { thread: 1 })
    let begun = 0
    await engine.subscribe('begun', () => void begun++)
    await engine.handle('wait', async () => {
      await until(() => begun === 3)
      return 'quick'
    })
    const options = { all: true, max: 1, timeoutMs: 60_000 }
    const one = engine.requestMany('wait', null, options)
    expect(await collect(one)).toEqual(['quick'])
    await until(() => heard.length === 3)
    expect(heard.sort()).toEqual(['at once', 'later', 'too'])
  })

  test('the deadline ends it with what has come', async () => {
    const engine = await start()
    await reply(engine, 'some', 2)
    await engine.handle('some', () => new Promise(() => {}))
    const replies = engine.requestMany<number>('some', null, { timeoutMs: 400 })
    expect((await collect(replies)).sort()).toEqual([0, 1])
    expect(replies.errors).toEqual([])
    await engine.close({ timeoutMs: 100 })
  })

  test('closing the engine ends it, with what has come by then', async () => {
    const engine = await start()
    await reply(engine, 'slow', 1)
    await engine.handle('slow', () => new Promise(() => {}))
    const got: unknown[] = []
    const reading = (async () => {
      for await (const value of engine.requestMany('slow', null, { timeoutMs: 60_000 })) {
        got.push(value)
      }
    })()
    const ended = expect(reading).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await until(() => got.length === 1)
    await engine.close({ timeoutMs: 100 })
    await ended
    expect(got).toEqual([0])
  })

  test('a quorum that is met is no error, one that cannot be met is, at once', async () => {
    const engine = await start()
    await reply(engine, 'vote', 2)
    await engine.handle('vote', () => {
      throw Object.assign(new Error('abstains'), { code: 'E_ABSTAINS' })
    })
    const met = engine.requestMany<number>('vote', null, { quorum: 2 })
    expect((await collect(met)).sort()).toEqual([0, 1])
    expect(met.errors).toMatchObject([{ code: 'E_ABSTAINS' }])
    const missed = engine.requestMany('vote', null, { quorum: 3, timeoutMs: 60_000 })
    await expect(collect(missed)).rejects.toMatchObject({
      code: 'ERR_QUORUM_MISSED',
      data: { found: 2, wanted: 3 },
      cause: { code: 'E_ABSTAINS' },
    })
    const few = engine.requestMany('vote', null, { quorum: 9, timeoutMs: 60_000 })
    await expect(collect(few)).rejects.toMatchObject({ code: 'ERR_QUORUM_MISSED' })
  })

  test('a quorum that has not come by the deadline is an error', async () => {
    const engine = await start()
    await reply(engine, 'slow.vote', 1)
    await engine.handle('slow.vote', () => new Promise(() => {}))
    const missed = engine.requestMany('slow.vote', null, { quorum: 2, timeoutMs: 400 })
    await expect(collect(missed)).rejects.toMatchObject({
      code: 'ERR_QUORUM_MISSED',
      data: { found: 1, wanted: 2 },
    })
    await engine.close({ timeoutMs: 100 })
  })

  test('when all fail the first error is thrown, when some do the others count', async () => {
    const engine = await start()
    for (const code of ['E_A', 'E_B']) {
      await engine.handle('fails', () => {
        throw Object.assign(new Error(code), { code })
      })
    }
    const failed = engine.requestMany('fails')
    await expect(collect(failed)).rejects.toMatchObject({ code: 'E_A' })
    expect(failed.errors).toMatchObject([{ code: 'E_A' }, { code: 'E_B' }])
  })

  test('nobody there is known at once', async () => {
    const engine = await start()
    await engine.subscribe('heard', () => {})
    for (const subject of ['nobody', 'heard']) {
      const none = engine.requestMany(subject, null, { timeoutMs: 60_000 })
      await expect(collect(none)).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' })
    }
  })

  test('responders whose filters refuse it are not asked', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const asked: string[] = []
    for (const [name, filter] of [
      ['small', { size: { lt: 10 } }],
      ['large', { size: { gte: 10 } }],
      ['any', undefined],
    ] as const) {
      const answer = (): string => (asked.push(name), name)
      await engine.handle('size', answer, filter === undefined ? {} : { filter })
    }
    const replies = engine.requestMany<string>('size', { size: 3 }, { quorum: 2 })
    expect((await collect(replies)).sort()).toEqual(['any', 'small'])
    expect(asked.sort()).toEqual(['any', 'small'])
    expect(replies.errors).toEqual([])
  })

  test('plain subscribers see nothing of it, and a publish goes on as usual', async () => {
    const engine = await start()
    const heard: unknown[] = []
    await engine.subscribe('asked', (value) => heard.push(value))
    await reply(engine, 'asked', 2)
    expect((await collect(engine.requestMany('asked', 'many'))).length).toBe(2)
    expect(await engine.request('asked', 'one')).toBeTypeOf('number')
    expect(heard).toEqual(['one'])
  })

  test('a thread that dies is one that failed', async () => {
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    await engine.spawn('mute', fixture('speaker.mjs'), { thread: 1, config: 'mute' })
    await reply(engine, 'speak', 2)
    const replies = engine.requestMany<number>('speak', null, { timeoutMs: 60_000 })
    const got: number[] = []
    for await (const one of replies) {
      got.push(one)
      if (got.length === 2) void engine.threads[1]?.terminate()
    }
    expect(got.sort()).toEqual([0, 1])
    expect(replies.errors).toMatchObject([{ code: 'ERR_RESPONDER_DIED' }])
  })

  test('a responder that would reply with a stream is one that failed', async () => {
    const engine = await start()
    await engine.handle('mixed', () => 'plain')
    await engine.handle('mixed', function* () {
      yield 'part'
    })
    const replies = engine.requestMany('mixed')
    expect(await collect(replies)).toEqual(['plain'])
    expect(replies.errors).toMatchObject([{ code: 'ERR_STREAM_UNASKED' }])
  })

  test('a full ring is waited for, by those who are full alone', async () => {
    const engine = await engineFor({ threads: 1, addon, ringBytes: 16_384 })
    await engine.spawn('speaker', fixture('speaker.mjs'), { thread: 1 })
    const question = 'x'.repeat(3000)
    const asked = Array.from({ length: 50 }, () =>
      collect(engine.requestMany('speak', question, { timeoutMs: 60_000 })),
    )
    expect((await Promise.all(asked)).flat()).toEqual(Array(50).fill('speaker 0'))
  })

  test.each([
    [{ max: 0 }, 'max'],
    [{ max: 2.5 }, 'max'],
    [{ quorum: 0 }, 'quorum'],
    [{ max: 2, quorum: 3 }, 'quorum'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ signal: 'no' }, 'signal'],
    [{ first: 3 }, 'first'],
  ])('options %j are refused at once', async (options, option) => {
    const engine = await start()
    expect(() => engine.requestMany('x', null, options as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        data: expect.objectContaining({ option }),
      }),
    )
  })
})
