// What a thread publishes in its last moments.

import type { Engine } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { joinerOf } from './joiner.js'
import { VARIANTS, engineFor, until } from './with-engine.js'

const VALUES = Array.from({ length: 20 }, (_, n) => n)

describe.each(VARIANTS)('flushSync ($name)', ({ addon }) => {
  const open = (ringBytes?: number): Promise<Engine> =>
    engineFor({ threads: 0, threadsMax: 2, addon, ...(ringBytes ? { ringBytes } : {}) })

  test.each([
    ['throw', 'uncaughtExceptionMonitor'],
    ['exit', 'exit'],
  ])('what was published before a thread ends by %s arrives, flushed on %s', async (how, event) => {
    const engine = await open()
    const heard: unknown[] = []
    await engine.subscribe('last', (value) => heard.push(value))
    const joiner = await joinerOf(engine)
    await joiner.ask('flushOn', event)
    await joiner.ask('publishAndEnd', 'last', VALUES, how)
    expect(await joiner.ended).toBe(how === 'throw' ? 1 : 0)
    await until(() => heard.length === VALUES.length)
    expect(heard).toEqual(VALUES)
  })

  test('more than the ring holds arrives too: the dying thread waits for room', async () => {
    const engine = await open(1024)
    const heard: unknown[] = []
    await engine.subscribe('last', (value) => heard.push(value))
    const joiner = await joinerOf(engine)
    await joiner.ask('flushOn', 'uncaughtExceptionMonitor')
    const many = Array.from({ length: 1000 }, (_, n) => n)
    await joiner.ask('publishAndEnd', 'last', many, 'throw')
    await joiner.ended
    await until(() => heard.length === many.length)
    expect(heard).toEqual(many)
  })

  test('without it the unflushed batch of a thread that throws is lost', async () => {
    const engine = await open()
    const heard: unknown[] = []
    await engine.subscribe('last', (value) => heard.push(value))
    const joiner = await joinerOf(engine)
    await joiner.ask('publishAndEnd', 'last', VALUES, 'throw')
    expect(await joiner.ended).toBe(1)
    await until(() => engine.threads.length === 1)
    expect(heard).toEqual([])
  })

  test('it says how many messages still wait, and waits for room if told so', async () => {
    const engine = await open(1024)
    const joiner = await joinerOf(engine)
    await joiner.ask('listen', 'news')
    const words = new Int32Array(new SharedArrayBuffer(4))
    const blocks = new Promise((resolve) =>
      joiner.worker.on('message', (m) => m.blocks && resolve(m)),
    )
    const woken = joiner.ask('block', words)
    await blocks
    for (let n = 0; n < 500; n++) engine.publish('news', n)
    const waiting = engine.flushSync()
    expect(waiting).toBeGreaterThan(0)
    expect(waiting).toBeLessThan(500)
    expect(engine.flushSync({ timeoutMs: 5 })).toBe(waiting)
    Atomics.store(words, 0, 1)
    Atomics.notify(words, 0)
    expect(engine.flushSync({ timeoutMs: 20_000 })).toBe(0)
    await woken
    await until(async () => (await joiner.ask('heard')).length === 500)
    expect(await joiner.ask('heard')).toEqual(Array.from({ length: 500 }, (_, n) => n))
  })

  test('after close nothing waits, and a wrong deadline is refused', async () => {
    const engine = await open()
    const refused = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    expect(() => engine.flushSync({ timeoutMs: -1 })).toThrow(refused)
    expect(() => engine.flushSync({ timeout: 5 } as never)).toThrow(refused)
    await engine.close()
    expect(engine.flushSync()).toBe(0)
  })
})
