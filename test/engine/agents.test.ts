import { defineAgent, on } from 'flyshuttle'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('agents spread over the threads and say where they are', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const first = await engine.spawn('first', fixture('counter.mjs'))
    const second = await engine.spawn('second', fixture('counter.mjs'))
    expect([...first.threads, ...second.threads].sort()).toEqual([1, 2])
    expect(engine.threads.map(({ index, agents }) => [index, agents])).toEqual([
      [0, []],
      [1, ['first']],
      [2, ['second']],
    ])
  })

  test('several agents live on one thread', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('first', fixture('counter.mjs'))
    await engine.spawn('second', fixture('counter.mjs'))
    engine.publish('count.both', { n: 1 })
    for (const name of ['first', 'second']) {
      const state = () => engine.request<{ count: number; thread: number }>(`count-of.${name}.0`)
      await until(async () => (await state()).count === 1)
      expect((await state()).thread).toBe(1)
    }
  })

  test('an agent may have a thread of its own, or live on the main thread', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const own = await engine.spawn('own', fixture('counter.mjs'), { thread: 'own' })
    const main = await engine.spawn('main', fixture('counter.mjs'), { thread: 'main' })
    const chosen = await engine.spawn('chosen', fixture('counter.mjs'), { thread: 1 })
    expect([own.threads, main.threads, chosen.threads]).toEqual([[2], [0], [1]])
  })

  test('instances share the messages of their agent', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const handle = await engine.spawn('pool', fixture('counter.mjs'), { instances: 4 })
    expect(handle.threads).toEqual([1, 2, 1, 2])
    for (let n = 0; n < 400; n++) engine.publish('count.shared', { n: 1 })
    const counts = async () =>
      Promise.all(
        [0, 1, 2, 3].map(
          async (i) => (await engine.request<{ count: number }>(`count-of.pool.${i}`)).count,
        ),
      )
    await until(async () => (await counts()).reduce((sum, count) => sum + count) === 400)
    expect(await counts()).toEqual([100, 100, 100, 100])
  })

  test('an agent that was stopped hears nothing more, and its name is free', async () => {
    const engine = await engineFor({ threads: 1, addon })
    const handle = await engine.spawn('echo', fixture('echo.ts'))
    expect(await engine.request('echo', 1)).toBe(1)
    await handle.stop()
    await expect(engine.request('echo', 1)).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' })
    expect(() => engine.agent('echo')).toThrow(
      expect.objectContaining({ code: 'ERR_AGENT_UNKNOWN' }),
    )
    await engine.spawn('echo', fixture('echo.ts'))
    expect(await engine.request('echo', 2)).toBe(2)
  })

  test('hooks run in order around the messages, state is per instance', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const log: unknown[] = []
    const agent = defineAgent({
      name: 'hooked',
      state: () => ({ seen: 0 }),
      subscribe: [
        on('hook.in', (value: number, _, context) => {
          log.push(['message', value, ++context.state.seen])
        }),
      ],
      onStart: (context) => void log.push(['start', context.name, context.state.seen]),
      onStop: (context) => void log.push(['stop', context.state.seen, context.signal.aborted]),
    })
    await engine.spawn('hooked', agent)
    engine.publish('hook.in', 1)
    engine.publish('hook.in', 2)
    await engine.close()
    expect(log).toEqual([
      ['start', 'hooked', 0],
      ['message', 1, 1],
      ['message', 2, 2],
      ['stop', 2, true],
    ])
  })

  test('what a handler of a publish throws reaches onError, with its agent', async () => {
    const errors: unknown[] = []
    const engine = await engineFor({
      threads: 1,
      addon,
      onError: (error, context) => errors.push([(error as Error).message, context]),
    })
    await engine.spawn('fragile', fixture('fragile.mjs'))
    engine.publish('fragile.throw', 1)
    engine.publish('fragile.reject', 2)
    await until(() => errors.length === 2)
    expect(errors).toEqual([
      ['threw on 1', { subject: 'fragile.throw', thread: 1, agent: 'fragile' }],
      ['rejected 2', { subject: 'fragile.reject', thread: 1, agent: 'fragile' }],
    ])
  })

  test('a slow agent is full for its own senders only', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('slow', fixture('slow.mjs'))
    let accepted = 0
    while (engine.tryPublish('slow.in', { n: accepted }) === 'accepted') {
      accepted++
      if (accepted % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(accepted).toBeGreaterThanOrEqual(16)
    for (let n = 0; n < 1000; n++) {
      if (!engine.publish('lively.in', { n })) await engine.drained('lively.in')
    }
    const state = () => engine.request<{ slow: number[]; lively: number }>('slow.state')
    await until(async () => (await state()).lively === 1000)
    expect((await state()).slow).toEqual([])
    // Now it is published beyond the limit: kept, in order, until the agent goes on.
    for (let n = accepted; n < accepted + 50; n++) {
      expect(engine.publish('slow.in', { n })).toBe(false)
    }
    await engine.request('slow.open')
    await engine.drained('slow.in')
    await until(async () => (await state()).slow.length === accepted + 50)
    expect((await state()).slow).toEqual(Array.from({ length: accepted + 50 }, (_, n) => n))
  })

  test('paths, file URLs and TypeScript files all load', async () => {
    const engine = await engineFor({ threads: 2, addon })
    const path = fixture('echo.ts').pathname
    await engine.spawn('by-path', path)
    await engine.spawn('by-url', pathToFileURL(path), { thread: 2 })
    await engine.spawn('by-href', pathToFileURL(path).href)
    expect(await engine.request('echo', 1)).toBe(1)
  })
})
