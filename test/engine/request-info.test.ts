// What a handler is told about its requester, and what it hands on: signal, deadline, another try.

import { describe, expect, test } from 'vitest'
import type { RequestInfo } from 'flyshuttle'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

describe.each(VARIANTS)('$name', ({ addon }) => {
  const start = () => engineFor({ threads: 0, addon })
  const untilAborted = (signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))

  test("an aborted request reaches its handler's signal", async () => {
    const engine = await start()
    let info: RequestInfo | undefined
    let reason: unknown
    await engine.handle('wait', async (_, given) => {
      info = given
      reason = await untilAborted(given.signal)
    })
    const controller = new AbortController()
    const asked = engine.request('wait', null, { signal: controller.signal })
    await until(() => info !== undefined)
    expect(info?.signal.aborted).toBe(false)
    expect(info?.signal).toBe(info?.signal)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await until(() => reason !== undefined)
    expect(reason).toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('a signal that is first read after the abort is aborted', async () => {
    const engine = await start()
    let finish = (): void => {}
    let isAborted: boolean | undefined
    await engine.handle('late.look', async (_, info) => {
      await new Promise<void>((resolve) => (finish = resolve))
      isAborted = info.signal.aborted
    })
    const controller = new AbortController()
    const asked = engine.request('late.look', null, { signal: controller.signal })
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    finish()
    await until(() => isAborted !== undefined)
    expect(isAborted).toBe(true)
  })

  test('a request that was given up before its turn is not handled, and counted', async () => {
    const engine = await start()
    let finish = (): void => {}
    const handled: unknown[] = []
    await engine.handle('line', async (value) => {
      handled.push(value)
      if (value === 'first') await new Promise<void>((resolve) => (finish = resolve))
    })
    const controller = new AbortController()
    const first = engine.request('line', 'first')
    const second = engine.request('line', 'second', { signal: controller.signal })
    // Looked at from the start: it may be over before anybody waits for it.
    const third = expect(engine.request('line', 'third', { timeoutMs: 5 })).rejects
    const isThirdOver = third.toMatchObject({ code: 'ERR_TIMEOUT' })
    const fourth = engine.request('line', 'fourth')
    await until(() => handled.length === 1)
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await isThirdOver
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    finish()
    await Promise.all([first, fourth])
    expect(handled).toEqual(['first', 'fourth'])
    expect(engine.stats().threads[0]?.dropped.requests).toBe(2)
  })

  test('a request whose deadline passed in the ring is not handled, and counted', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('blocker', fixture('blocked-responder.mjs'), { thread: 1 })
    engine.publish('block', 300)
    engine.flush()
    await expect(engine.request('blocked', 'late', { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    expect(await engine.request('blocked', 'in time')).toEqual(['in time'])
    expect(engine.stats().threads[1]?.dropped.requests).toBe(1)
  })

  test('the signal fires at the deadline of the request', async () => {
    const engine = await start()
    let reason: unknown
    await engine.handle('deadline', async (_, { signal }) => {
      reason = await untilAborted(signal)
    })
    await expect(engine.request('deadline', null, { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    await until(() => reason !== undefined)
    expect(reason).toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  test('a signal never fires once the reply is given', async () => {
    const engine = await start()
    let signal: AbortSignal | undefined
    await engine.handle('quick', (_, info) => {
      signal = info.signal
      return 'done'
    })
    const controller = new AbortController()
    expect(await engine.request('quick', null, { signal: controller.signal })).toBe('done')
    controller.abort()
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(signal?.aborted).toBe(false)
  })

  test('the death of the requester reaches the signal', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    let reason: unknown
    await engine.handle('asked.by.mortal', async (_, { signal }) => {
      reason = await untilAborted(signal)
    })
    await engine.spawn('asker', fixture('asks-forever.mjs'), { thread: 1 })
    await engine.request('ask', 'asked.by.mortal')
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    await engine.threads[1]?.terminate()
    await until(() => reason !== undefined)
    expect(reason).toMatchObject({ code: 'ERR_THREAD_DIED' })
  })

  test('a nested request ends by the deadline of the one it is made for', async () => {
    const engine = await start()
    const left: number[] = []
    await engine.handle('inner', (_, info) => {
      left.push(info.remainingMs)
      return new Promise(() => {})
    })
    let thrown: unknown
    await engine.handle('outer', async (_, info) => {
      left.push(info.remainingMs)
      thrown = await engine
        .request('inner', null, { parent: info })
        .catch((error: unknown) => error)
    })
    await expect(engine.request('outer', null, { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    })
    await until(() => thrown !== undefined)
    // Whichever is first: both say that the outer one is over.
    expect(thrown).toMatchObject({ code: expect.stringMatching(/^ERR_(TIMEOUT|ABORTED)$/) })
    expect(left[0]).toBeLessThanOrEqual(400)
    expect(left[1]).toBeLessThanOrEqual(left[0] as number)
    await engine.close({ timeoutMs: 100 })
  })

  test('aborting a request aborts what was asked for it', async () => {
    const engine = await start()
    let reason: unknown
    await engine.handle('inner', async (_, { signal }) => {
      reason = await untilAborted(signal)
    })
    await engine.handle('outer', (_, info) => engine.request('inner', null, { parent: info }))
    const controller = new AbortController()
    const asked = engine.request('outer', null, { signal: controller.signal })
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await until(() => reason !== undefined)
  })

  test('an idempotent request moves on when its responder dies', async () => {
    const engine = await engineFor({ threads: 2, addon, onError: () => {} })
    const dying = fixture('dies-on-request.mjs')
    await engine.spawn('dies', dying, { thread: 1 })
    await expect(engine.request('fragile')).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
    await until(() => engine.threads.length === 2)
    await engine.spawn('dies-again', dying, { thread: 1 })
    await engine.spawn('dies-too', dying, { thread: 2 })
    await engine.handle('fragile', () => 'handled')
    expect(await engine.request('fragile', null, { idempotent: true })).toBe('handled')
    expect(await engine.request('fragile', null, { idempotent: true })).toBe('handled')
  })

  test('an idempotent request has nobody to move to', async () => {
    const engine = await engineFor({ threads: 1, addon, onError: () => {} })
    await engine.spawn('dies', fixture('dies-on-request.mjs'), { thread: 1 })
    await expect(
      engine.request('fragile', null, { idempotent: true, timeoutMs: 60_000 }),
    ).rejects.toMatchObject({ code: 'ERR_RESPONDER_DIED' })
  })

  test('what a handler throws moves nothing, whatever its code', async () => {
    const engine = await start()
    let calls = 0
    for (let n = 0; n < 2; n++) {
      await engine.handle('throws', () => {
        calls++
        throw Object.assign(new Error('of its own'), { code: 'ERR_RESPONDER_DIED' })
      })
    }
    await expect(engine.request('throws', null, { idempotent: true })).rejects.toMatchObject({
      message: 'of its own',
    })
    expect(calls).toBe(1)
  })

  test.each([
    [{ idempotent: 'yes' }, 'idempotent'],
    [{ parent: { signal: null } }, 'parent'],
    [{ idempotent: true, timeout: 5 }, 'timeout'],
  ])('options %j are refused', async (options, option) => {
    const engine = await start()
    await engine.handle('x', () => 1)
    await expect(engine.request('x', null, options as never)).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      data: { option },
    })
  })
})
