import { FlyshuttleError } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture } from './with-engine.js'

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('echo', fixture('echo.ts'), { config: { colour: 'red' } })
    return engine
  }

  test('a reply is what the handler returned', async () => {
    const engine = await start()
    const values = [{ a: 1, nested: ['x', null] }, 'text', 7, null, [1, 2], Uint8Array.of(1, 2)]
    for (const value of values) expect(await engine.request('echo', value)).toEqual(value)
    expect(await engine.request('echo.nothing', 1)).toBeUndefined()
    expect(await engine.request('echo.later', { ms: 1 })).toEqual({ ms: 1 })
  })

  test('a handler knows who it is and where the request came from', async () => {
    const engine = await start()
    expect(await engine.request('echo.who')).toEqual({
      name: 'echo',
      instance: 0,
      thread: 1,
      config: { colour: 'red' },
      subject: 'echo.who',
      from: 0,
      isRequest: true,
    })
  })

  test('a thousand requests in flight each get their own reply', async () => {
    const engine = await start()
    const ids = Array.from({ length: 1000 }, (_, id) => id)
    const replies = await Promise.all(ids.map((id) => engine.request('echo', { id })))
    expect(replies).toEqual(ids.map((id) => ({ id })))
  })

  test('what a handler throws arrives with code, message and cause', async () => {
    const engine = await start()
    const error = await engine.request('echo.throw').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(FlyshuttleError)
    expect(error).toMatchObject({
      code: 'E_RANGE',
      message: 'out of range',
      cause: { code: 'E_REASON', message: 'the reason' },
    })
  })

  test('a rejection with something that is no error arrives too', async () => {
    const engine = await start()
    await expect(engine.request('echo.reject')).rejects.toMatchObject({
      code: 'ERR_HANDLER',
      message: expect.stringContaining('just a string'),
    })
  })

  test('a reply that cannot be encoded rejects; the responder goes on', async () => {
    const engine = await start()
    await expect(engine.request('echo.function')).rejects.toMatchObject({
      code: 'ERR_PAYLOAD_UNSUPPORTED',
    })
    await expect(engine.request('echo.bytes', 70_000_000)).rejects.toMatchObject({
      code: 'ERR_MESSAGE_TOO_LARGE',
    })
    expect(await engine.request('echo', 'still here')).toBe('still here')
  })

  test('nobody there is known at once', async () => {
    const engine = await start()
    await expect(engine.request('nobody.home', {}, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'ERR_NO_RESPONDERS',
    })
  })

  test('a plain subscriber is no responder, but sees the request', async () => {
    const engine = await start()
    const seen: unknown[] = []
    await engine.subscribe('echo', (value) => seen.push(value))
    expect(await engine.request('echo', 5)).toBe(5)
    expect(seen).toEqual([5])
    await engine.subscribe('only.heard', () => {})
    await expect(engine.request('only.heard')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' })
  })

  test('a reply that does not come in time rejects, and coming late harms nobody', async () => {
    const engine = await start()
    await expect(engine.request('echo.later', { ms: 60 }, { timeoutMs: 5 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'no reply on echo.later within 5 ms',
    })
    // The late reply comes while this one, in the same place of the table, is waiting.
    expect(await engine.request('echo.later', { ms: 80 })).toEqual({ ms: 80 })
  })

  test('a signal ends the wait, before or after it began', async () => {
    const engine = await start()
    const controller = new AbortController()
    const pending = engine.request('echo.never', 1, { signal: controller.signal })
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(pending).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    await expect(
      engine.request('echo', 1, { signal: AbortSignal.abort(reason) }),
    ).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    expect(await engine.request('echo', 2)).toBe(2)
    // The handler that never ends would use up all of the default.
    await engine.close({ timeoutMs: 100 })
  })

  test.each([0, -1, NaN, Infinity, 2 ** 31, '5', null])(
    'a timeout of %s is refused',
    async (timeoutMs) => {
      const engine = await engineFor({ threads: 0, addon })
      await engine.handle('echo', (value) => value)
      await expect(
        engine.request('echo', 1, { timeoutMs: timeoutMs as number }),
      ).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID', data: { option: 'timeoutMs' } })
      expect(await engine.request('echo', 1)).toBe(1)
    },
  )

  test('responders of one subject take turns', async () => {
    const engine = await engineFor({ threads: 0, addon })
    for (const name of ['a', 'b', 'c']) await engine.handle('turn', () => name)
    const replies = []
    for (let i = 0; i < 6; i++) replies.push(await engine.request('turn'))
    expect(replies).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
  })

  test('a request waits its turn behind a busy handler', async () => {
    const engine = await engineFor({ threads: 0, addon })
    let running = 0
    let runningMax = 0
    const handler = async (n: number): Promise<number> => {
      runningMax = Math.max(runningMax, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return n * 2
    }
    await engine.handle('one.by.one', handler)
    await engine.handle('three.at.once', handler, { concurrency: 3 })
    const ask = (subject: string) =>
      Promise.all([1, 2, 3, 4, 5, 6].map((n) => engine.request(subject, n)))
    expect(await ask('one.by.one')).toEqual([2, 4, 6, 8, 10, 12])
    expect(runningMax).toBe(1)
    expect(await ask('three.at.once')).toEqual([2, 4, 6, 8, 10, 12])
    expect(runningMax).toBe(3)
  })

  test('agents ask agents on other threads', async () => {
    const engine = await start()
    await engine.spawn('asker', fixture('asker.mjs'), { thread: 2 })
    expect(await engine.request('ask.echo', { n: 4 })).toEqual({ thread: 2, echoed: { n: 4 } })
  })
})
