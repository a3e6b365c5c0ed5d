// Wrong use gets a clear error with a code, where the caller is; afterwards everything goes on as
// before.

import { ascii, createEngine, defineAgent, message, oneOf, rpc, u16, u32, utf8 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Order = message('orders.new', {
  id: u32,
  qty: u16,
  side: oneOf('buy', 'sell'),
  venue: ascii(4),
  user: utf8(8),
})
const good = { id: 1, qty: 2, side: 'buy', venue: 'XNAS', user: 'zoé' } as const

const withCode = (code: string, data: object = {}) =>
  expect.objectContaining({ code, data: expect.objectContaining(data) })

describe.each(VARIANTS)('$name', ({ addon }) => {
  const listen = async (options = {}) => {
    const engine = await engineFor({ threads: 0, addon, ...options })
    const got: unknown[] = []
    await engine.subscribe('>', (value) => got.push(value))
    const stillWorks = async () => {
      const before = got.length
      engine.publish(Order, good)
      engine.publish('bare.subject', { fine: true })
      await until(() => got.length === before + 2)
      expect(got.slice(before)).toEqual(expect.arrayContaining([good, { fine: true }]))
    }
    return { engine, got, stillWorks }
  }

  test.each([
    ['', /empty/],
    ['a..b', /token 2 is empty/],
    ['.a', /token 1 is empty/],
    ['a.', /token 2 is empty/],
    ['a b', /character/],
    ['a.\u00e9', /character/],
    ['a.\n', /character/],
    ['a.*', /wildcard/],
    ['a.>', /wildcard/],
    ['x'.repeat(300), /characters/],
    [undefined, /undefined/],
    [null, /null/],
    [7, /no string/],
  ])('publish to %j is refused', async (subject, found) => {
    const { engine, got, stillWorks } = await listen()
    for (const call of [
      () => engine.publish(subject as string, 1),
      () => engine.tryPublish(subject as string, 1),
    ]) {
      expect(call).toThrow(withCode('ERR_SUBJECT_INVALID'))
      expect(call).toThrow(found)
    }
    await expect(engine.send(subject as string, 1)).rejects.toThrow(withCode('ERR_SUBJECT_INVALID'))
    await expect(engine.request(subject as string, 1)).rejects.toThrow(
      withCode('ERR_SUBJECT_INVALID'),
    )
    expect(got).toEqual([])
    await stillWorks()
  })

  test.each(['a..b', 'a.>.b', 'foo*', ' ', 'a.**'])(
    'subscribe to %j is refused',
    async (pattern) => {
      const { engine, stillWorks } = await listen()
      await expect(engine.subscribe(pattern, () => {})).rejects.toThrow(
        withCode('ERR_SUBJECT_INVALID'),
      )
      await expect(engine.handle(pattern, () => {})).rejects.toThrow(
        withCode('ERR_SUBJECT_INVALID'),
      )
      await stillWorks()
    },
  )

  test.each([
    ['id', { id: -1 }, /-1; wanted an integer from 0 to 4294967295/],
    ['id', { id: 1.5 }, /1.5/],
    ['id', { id: '1' }, /"1"/],
    ['id', { id: undefined }, /undefined/],
    ['qty', { qty: 65_536 }, /65536; wanted an integer from 0 to 65535/],
    ['side', { side: 'hold' }, /"hold"/],
    ['venue', { venue: 'TOOLONG' }, /"TOOLONG"/],
    ['venue', { venue: 'ä' }, /"ä"/],
    ['user', { user: '123456789' }, /"123456789"/],
  ])('a struct refuses field %s: %j', async (field, wrong, found) => {
    const { engine, got, stillWorks } = await listen()
    const value = { ...good, ...wrong } as unknown as typeof good
    const call = () => engine.publish(Order, value)
    expect(call).toThrow(withCode('ERR_PAYLOAD_INVALID', { field, subject: 'orders.new' }))
    expect(call).toThrow(found)
    expect(got).toEqual([])
    await stillWorks()
  })

  test('a struct refuses what is no object at all', async () => {
    const { engine, stillWorks } = await listen()
    for (const value of [null, undefined, 7, 'text']) {
      expect(() => engine.publish(Order, value as never)).toThrow(withCode('ERR_PAYLOAD_INVALID'))
    }
    await stillWorks()
  })

  test.each([
    ['a function', { handler: () => 1 }, /function.*handler/],
    ['a symbol', { deep: [{ tag: Symbol('x') }] }, /symbol.*deep/],
    ['a function alone', () => 1, /function/],
  ])('%s in a payload is refused, naming where', async (_, value, found) => {
    const { engine, got, stillWorks } = await listen()
    const call = () => engine.publish('bare.subject', value)
    expect(call).toThrow(withCode('ERR_PAYLOAD_UNSUPPORTED', { subject: 'bare.subject' }))
    expect(call).toThrow(found)
    await expect(engine.request('bare.subject', value)).rejects.toThrow()
    expect(got).toEqual([])
    await stillWorks()
  })

  test('a payload that holds itself is refused', async () => {
    const { engine, stillWorks } = await listen()
    const circular: { self?: unknown } = {}
    circular.self = circular
    expect(() => engine.publish('bare.subject', circular)).toThrow(
      withCode('ERR_PAYLOAD_UNSUPPORTED'),
    )
    await stillWorks()
  })

  test('a message over the limit is refused by every way of sending', async () => {
    const { engine, got, stillWorks } = await listen({ chunkBytes: 16 * 1024 * 1024 })
    const huge = { text: 'x'.repeat(10_000_000) }
    expect(() => engine.publish('bare.subject', huge)).toThrow(withCode('ERR_MESSAGE_TOO_LARGE'))
    expect(() => engine.tryPublish('bare.subject', huge)).toThrow(withCode('ERR_MESSAGE_TOO_LARGE'))
    await expect(engine.send('bare.subject', huge)).rejects.toThrow(
      withCode('ERR_MESSAGE_TOO_LARGE'),
    )
    expect(got).toEqual([])
    await stillWorks()
  })

  test.each([
    [{ concurrency: 0 }, 'concurrency'],
    [{ concurrency: 1.5 }, 'concurrency'],
    [{ mailbox: 0 }, 'mailbox'],
    [{ mailbox: NaN }, 'mailbox'],
  ])('subscription options %j are refused', async (options, option) => {
    const { engine, stillWorks } = await listen()
    await expect(engine.subscribe('x', () => {}, options)).rejects.toThrow(
      withCode('ERR_OPTION_INVALID', { option }),
    )
    await stillWorks()
  })

  test('after close nothing is possible, and each call says so', async () => {
    const engine = await engineFor({ threads: 1, addon })
    await engine.spawn('echo', fixture('echo.ts'))
    const pending = engine.request('echo.never', 1, { timeoutMs: 60_000 })
    pending.catch(() => {}) // Looked at below.
    await engine.close({ timeoutMs: 300 })
    await expect(pending).rejects.toThrow(expect.objectContaining({ name: 'FlyshuttleError' }))
    expect(() => engine.publish(Order, good)).toThrow(withCode('ERR_CLOSED'))
    expect(() => engine.publish('bare', 1)).toThrow(withCode('ERR_CLOSED'))
    expect(() => engine.tryPublish('bare', 1)).toThrow(withCode('ERR_CLOSED'))
    for (const call of [
      engine.send('bare', 1),
      engine.drained('bare'),
      engine.request('echo', 1),
      engine.subscribe('bare', () => {}),
      engine.handle('bare', () => {}),
      engine.spawn('other', fixture('echo.ts')),
    ]) {
      await expect(call).rejects.toThrow(withCode('ERR_CLOSED'))
    }
    await engine.close()
  })

  test.each([
    ['missing.mjs', 'ERR_AGENT_LOAD', /no such file/],
    ['throws-on-load.mjs', 'ERR_AGENT_LOAD', /this file never loads/],
    ['no-agent.mjs', 'ERR_AGENT_LOAD', /default export/],
    ['fails-to-start.mjs', 'ERR_AGENT_START', /no database/],
  ])('spawning %s rejects, and the name stays free', async (file, code, found) => {
    const engine = await engineFor({ threads: 1, addon })
    const spawning = engine.spawn('agent', fixture(file))
    await expect(spawning).rejects.toThrow(withCode(code, { agent: 'agent' }))
    await expect(spawning).rejects.toThrow(found)
    expect(engine.threads.flatMap(({ agents }) => agents)).toEqual([])
    await engine.spawn('agent', fixture('echo.ts'))
    expect(await engine.request('echo', 1)).toBe(1)
  })

  test('two agents of one name are refused', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('twin', fixture('echo.ts'))
    await expect(engine.spawn('twin', fixture('echo.ts'))).rejects.toThrow(
      withCode('ERR_AGENT_NAME_TAKEN', { agent: 'twin' }),
    )
    expect(await engine.request('echo', 1)).toBe(1)
  })

  test('what is no agent is refused', async () => {
    const engine = await engineFor({ threads: 0, addon })
    await expect(engine.spawn('x', { name: 'x' })).rejects.toThrow(withCode('ERR_AGENT_INVALID'))
    await expect(engine.spawn('a b', fixture('echo.ts'))).rejects.toThrow(
      withCode('ERR_SUBJECT_INVALID'),
    )
    for (const wrong of [
      null,
      {},
      { name: '' },
      { name: 'x', handler: 1 },
      { name: 'x', handle: {} },
    ]) {
      expect(() => defineAgent(wrong as never)).toThrow(withCode('ERR_AGENT_INVALID'))
    }
  })

  test('more threads than the limit are refused', async () => {
    await expect(createEngine({ threads: 64, addon })).rejects.toThrow(
      withCode('ERR_THREAD_LIMIT', { found: 64, wanted: 63 }),
    )
    const engine = await engineFor({ threads: 1, threadsMax: 2, addon })
    await expect(engine.spawn('own', fixture('echo.ts'), { thread: 'own' })).rejects.toThrow(
      withCode('ERR_THREAD_LIMIT'),
    )
    await engine.spawn('shared', fixture('echo.ts'))
    expect(await engine.request('echo', 1)).toBe(1)
  })

  test.each([
    [{ threads: -1 }, 'threads'],
    [{ threads: 1.5 }, 'threads'],
    [{ threads: '2' }, 'threads'],
    [{ ringBytes: 1000 }, 'ringBytes'],
    [{ ringBytes: 2 ** 40 }, 'ringBytes'],
    [{ spinUs: -1 }, 'spinUs'],
    [{ thread: 2 }, 'thread'],
    [{ onError: 'log' }, 'onError'],
  ])('engine options %j are refused', async (options, option) => {
    await expect(createEngine({ addon, ...options } as object)).rejects.toThrow(
      withCode('ERR_OPTION_INVALID', { option }),
    )
  })

  test('a request payload that the schema refuses rejects where the caller is', async () => {
    const { engine, stillWorks } = await listen()
    const Find = rpc('find', { request: { top: u16 }, reply: { found: u16 } })
    await engine.handle(Find, ({ top }) => ({ found: top * 2 }))
    await expect(engine.request(Find, { top: 70_000 })).rejects.toThrow(
      withCode('ERR_PAYLOAD_INVALID', { field: 'top' }),
    )
    // And a reply that the schema refuses comes back to the requester.
    await expect(engine.request(Find, { top: 40_000 })).rejects.toThrow(
      withCode('ERR_PAYLOAD_INVALID', { field: 'found' }),
    )
    expect(await engine.request(Find, { top: 4 })).toEqual({ found: 8 })
    await stillWorks()
  })
})
