import { message, u32, utf8 } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, until } from './with-engine.js'

const Order = message('orders.new', { id: u32, note: utf8(16) })

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('headers arrive with the message they were given with, and no other', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: unknown[] = []
    await engine.subscribe('orders.*', (value: { id: number }, info) => {
      got.push([value.id, { ...info.headers }])
    })
    engine.publish(Order, { id: 1, note: '' }, { headers: { tenant: 'acme', 'x-trace': 'Zoë' } })
    engine.publish(Order, { id: 2, note: '' })
    engine.publish('orders.plain', { id: 3 }, { headers: { a: 'b' } })
    engine.tryPublish('orders.plain', { id: 4 }, { headers: { a: 'c' } })
    await engine.send('orders.plain', { id: 5 }, { headers: {} })
    await until(() => got.length === 5)
    expect(got).toEqual([
      [1, { tenant: 'acme', 'x-trace': 'Zoë' }],
      [2, {}],
      [3, { a: 'b' }],
      [4, { a: 'c' }],
      [5, {}],
    ])
  })

  test('headers reach responders, queue groups, and messages that had to wait', async () => {
    const engine = await engineFor({ threads: 0, addon })
    await engine.handle('ask', (_value, info) => ({ ...info.headers }))
    expect(await engine.request('ask', null, { headers: { who: 'me' } })).toEqual({ who: 'me' })
    const got: unknown[] = []
    const options = { queue: 'workers', concurrency: 1 }
    const handler = async (value: number, info: { headers: object }): Promise<void> => {
      got.push([value, { ...info.headers }])
      await Promise.resolve()
    }
    await engine.subscribe('jobs', handler, options)
    for (let n = 0; n < 50; n++) engine.publish('jobs', n, { headers: { n: String(n) } })
    await until(() => got.length === 50)
    expect(got).toEqual(Array.from({ length: 50 }, (_, n) => [n, { n: String(n) }]))
  })

  test('options that are not known or not right are refused, and nothing is sent', async () => {
    const engine = await engineFor({ threads: 0, addon })
    let count = 0
    await engine.subscribe('things', () => void count++)
    const wrong = [
      { header: { a: 'b' } },
      { headers: { a: 1 } },
      { key: {} },
      { key: Number.NaN },
    ] as unknown as { headers: Record<string, string> }[]
    const invalid = expect.objectContaining({ code: 'ERR_OPTION_INVALID' })
    for (const options of wrong) {
      expect(() => engine.publish('things', 1, options)).toThrow(invalid)
      expect(() => engine.tryPublish('things', 1, options)).toThrow(invalid)
      await expect(engine.send('things', 1, options)).rejects.toEqual(invalid)
      await expect(engine.request('things', 1, options)).rejects.toEqual(invalid)
    }
    engine.publish('things', 2)
    await until(() => count > 0)
    expect(count).toBe(1)
  })
})
