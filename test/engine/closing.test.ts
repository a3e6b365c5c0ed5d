// Ends of every kind: of the engine, of a subscription, of a thread that never began.

import { defineAgent, message, on, rpc, u32 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const M = message('m', { a: u32 })

describe.each(VARIANTS)('$name', ({ addon }) => {
  const watched = async (threads: number) => {
    const errors: { code?: string }[] = []
    const onError = (error: unknown) => void errors.push(error as { code?: string })
    return { errors, engine: await engineFor({ threads, addon, onError }) }
  }

  test('closing without any worker handles what was published', async () => {
    const { engine } = await watched(0)
    let handled = 0
    await engine.subscribe('x', () => void handled++)
    engine.publish('x', 1)
    await engine.close()
    expect(handled).toBe(1)
  })

  test('unsubscribing handles everything that was received, however much', async () => {
    const { engine } = await watched(0)
    let handled = 0
    const subscription = await engine.subscribe(M, () => void handled++)
    for (let a = 0; a < 8000; a++) engine.publish(M, { a })
    engine.flush()
    await subscription.unsubscribe()
    expect(handled).toBe(8000)
  })

  test('stopping an agent handles everything that was received', async () => {
    const { engine } = await watched(1)
    const got: unknown[] = []
    await engine.subscribe('tally.result', (value) => got.push(value))
    const handle = await engine.spawn('tally', fixture('tally.mjs'))
    for (let n = 0; n < 10_000; n++) {
      if (!engine.publish('tally.in', { n })) await engine.drained('tally.in')
    }
    engine.flush()
    await handle.stop()
    await until(() => got.length === 1)
    expect(got).toEqual([{ count: 10_000 }])
  })

  test('a hook that never ends costs the deadline and no more', async () => {
    const { engine, errors } = await watched(1)
    const stopped: string[] = []
    const forever = defineAgent({ name: 'forever', onStop: () => new Promise(() => {}) })
    const polite = defineAgent({ name: 'polite', onStop: () => stopped.push('polite') })
    await engine.spawn('forever', forever)
    await engine.spawn('polite', polite)
    await engine.close({ timeoutMs: 400 })
    expect(stopped).toEqual(['polite'])
    expect(errors).toMatchObject([{ code: 'ERR_TIMEOUT' }])
  })

  test('one hook that throws keeps no other from running', async () => {
    const { engine, errors } = await watched(2)
    const said: unknown[] = []
    await engine.subscribe('said', (value) => said.push(value))
    await engine.spawn('throws-here', defineAgent({ name: 'x', onStop: () => Promise.reject(7) }))
    await engine.spawn('throws', fixture('stops.mjs'), { thread: 1, config: { fails: true } })
    await engine.spawn('ends', fixture('stops.mjs'), { thread: 2, config: { waitMs: 100 } })
    await engine.close()
    expect(said).toEqual(expect.arrayContaining(['throws is stopping', 'ends has stopped']))
    expect(errors.map(({ code }) => code)).toEqual(['ERR_AGENT_STOP', 'ERR_AGENT_STOP'])
  })

  test('a worker that is blocked is terminated, the others close in order', async () => {
    const { engine, errors } = await watched(2)
    const said: unknown[] = []
    await engine.subscribe('said', (value) => said.push(value))
    await engine.spawn('blocker', fixture('blocker.mjs'), { thread: 1 })
    await engine.spawn('ends', fixture('stops.mjs'), { thread: 2 })
    engine.publish('block.then.publish', { ms: 30_000, subject: 'never' })
    engine.flush()
    await engine.close({ timeoutMs: 2000 })
    expect(said).toEqual(['ends has stopped'])
    expect(errors).toMatchObject([{ code: 'ERR_TIMEOUT' }])
  })

  test.each([0, -1, NaN, Infinity, '5'])('close refuses a timeout of %s', async (timeoutMs) => {
    const { engine } = await watched(0)
    await expect(engine.close({ timeoutMs: timeoutMs as number })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    })
  })

  test('a thread that ends before it takes part leaves nobody deaf', async () => {
    const { engine } = await watched(1)
    await engine.spawn('echo', fixture('echo.ts'), { thread: 1 })
    for (let round = 0; round < 4; round++) {
      const spawning = engine.spawn('own', fixture('counter.mjs'), { thread: 'own' })
      const settled = spawning.then(
        () => 'started',
        (error: { code: string }) => error.code,
      )
      await until(() => engine.threads.length === 3)
      await pause(round)
      await engine.threads.at(-1)?.terminate()
      expect(await settled).toBe('ERR_THREAD_DIED')
      // Without a bell each of these would wait for the beat, a second away.
      const replies = Array.from({ length: 5 }, () => engine.request('echo', round))
      const first = await Promise.race([Promise.all(replies), pause(900).then(() => 'late')])
      expect(first).toEqual([round, round, round, round, round])
    }
  })

  test('two agents may be spawned at once onto a place whose thread has died', async () => {
    const { engine } = await watched(1)
    await engine.threads[1]?.terminate()
    const handles = await Promise.all([
      engine.spawn('a', fixture('counter.mjs')),
      engine.spawn('b', fixture('counter.mjs')),
    ])
    expect(handles.map(({ threads }) => threads)).toEqual([[1], [1]])
    expect(await engine.request('count-of.b.0')).toMatchObject({ count: 0 })
  })

  test('a thread handle from before does not end the successor', async () => {
    const { engine } = await watched(1)
    const before = engine.threads[1]
    await before?.terminate()
    await engine.spawn('echo', fixture('echo.ts'))
    await before?.terminate()
    expect(await engine.request('echo', 'alive')).toBe('alive')
  })

  test('replies that find no room are answered with an error, not with silence', async () => {
    const { engine } = await watched(1)
    await engine.spawn('echo', fixture('echo.ts'))
    const asked = Array.from({ length: 500 }, () => engine.request('echo.bytes', 20_000))
    const codes = await Promise.all(
      asked.map((reply) =>
        reply.then(
          () => 'ok',
          (error: { code: string }) => error.code,
        ),
      ),
    )
    expect(new Set(codes)).toEqual(new Set(['ok', 'ERR_BACKPRESSURE']))
    expect(await engine.request('echo', 1)).toBe(1)
  })

  test('next() asked twice gives two messages', async () => {
    const { engine } = await watched(0)
    const iterator = (await engine.subscribe('it'))[Symbol.asyncIterator]()
    const both = [iterator.next(), iterator.next()]
    engine.publish('it', 1)
    engine.publish('it', 2)
    const values = (await Promise.all(both)).map(({ value }) => value?.value)
    expect(values).toEqual([1, 2])
  })

  test('what is no message, rpc, handler, signal or option is refused with a code', async () => {
    const { engine } = await watched(0)
    const Ask = rpc('ask', { request: { a: u32 }, reply: { a: u32 } })
    await engine.handle(Ask, (value) => value)
    const invalid = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    expect(() => engine.publish(Ask as never, { a: 1 })).toThrow(invalid)
    expect(() => engine.publish({ subject: 'q' } as never, 1)).toThrow(invalid)
    for (const call of [
      () => engine.request(M as never, { a: 1 }),
      () => engine.request(Ask, { a: 1 }, { signal: {} as AbortSignal }),
      () => engine.request(Ask, { a: 1 }, null as never),
      () => engine.handle('h', undefined as never),
      () => engine.subscribe('h', 5 as never),
      () => engine.subscribe('h', () => {}, { concurency: 2 } as never),
      () => engine.subscribe('h', () => {}, null as never),
      () => engine.spawn('s', fixture('echo.ts'), { instnces: 3 } as never),
      () => engine.spawn('s', fixture('echo.ts'), null as never),
      () => engine.close(null as never),
    ]) {
      await expect(call()).rejects.toThrow(invalid)
    }
    expect(await engine.request(Ask, { a: 1 })).toEqual({ a: 1 })
  })

  test('one signal aborts many requests and warns of nothing', async () => {
    const { engine } = await watched(0)
    await engine.handle('never', () => new Promise(() => {}), { concurrency: 100 })
    const warnings: unknown[] = []
    const onWarning = (warning: unknown) => void warnings.push(warning)
    process.on('warning', onWarning)
    const controller = new AbortController()
    const { signal } = controller
    const asked = Array.from({ length: 50 }, () => engine.request('never', 1, { signal }))
    controller.abort()
    for (const reply of asked) await expect(reply).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await pause(1)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
    await engine.close({ timeoutMs: 100 })
  })

  test('respawning under a name that is being given up keeps the new one', async () => {
    const { engine } = await watched(2)
    const first = engine.spawn('a', fixture('starts-never.mjs'), { thread: 1 })
    const failed = first.catch((error: { code: string }) => error.code)
    await until(() => engine.threads[1]?.agents.includes('a') === true)
    await pause(20)
    await engine.threads[1]?.terminate()
    expect(await failed).toBe('ERR_THREAD_DIED')
    const handle = await engine.spawn('a', fixture('echo.ts'), { thread: 2 })
    expect(engine.agent('a').threads).toEqual([2])
    await handle.stop()
    expect(() => engine.agent('a')).toThrow(expect.objectContaining({ code: 'ERR_AGENT_UNKNOWN' }))
  })

  test('a message type made again and again costs no memory of its own', async () => {
    const { engine } = await watched(0)
    let handled = 0
    await engine.subscribe('m.*', () => void handled++)
    for (let n = 0; n < 20_000; n++) {
      const one = M.at(`m.${n % 10}`)
      if (!engine.publish(one, { a: n })) await engine.drained(one)
    }
    await until(() => handled === 20_000)
  })

  test('a custom agent hears of the end through its signal', async () => {
    const { engine } = await watched(0)
    const log: string[] = []
    const agent = defineAgent({
      name: 'source',
      onStart: ({ signal }) => signal.addEventListener('abort', () => log.push('told')),
      onStop: () => log.push('stopped'),
      subscribe: [on('anything', () => {})],
    })
    await engine.spawn('source', agent)
    await engine.close()
    expect(log).toEqual(['told', 'stopped'])
  })
})
