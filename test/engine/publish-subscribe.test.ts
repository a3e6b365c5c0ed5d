// What a subscription can ask for beyond a handler: captured tokens, an end, batches.

import { f64, i16, message } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, until } from './with-engine.js'

const Delay = message('flights.ORD.delayed', { id: f64, delayMin: i16 })

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('info says what the wildcards stand for, on every way to the handler', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: (readonly string[])[] = []
    await engine.subscribe('flights.*.>', (_value, info) => got.push(info.tokens))
    // Enough of one struct for the express way.
    for (let id = 0; id < 100; id++) engine.publish(Delay, { id, delayMin: 60 })
    engine.publish('flights.BOS.late.today', 1)
    await until(() => got.length === 101)
    expect(new Set(got.slice(0, 100).map(String))).toEqual(new Set(['ORD,delayed']))
    expect(got[100]).toEqual(['BOS', 'late.today'])
  })

  test('each subscription captures by its own pattern, and a request has tokens, too', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: (readonly string[])[] = []
    await engine.subscribe('a.*.c', (_value, info) => got.push(info.tokens))
    await engine.subscribe('a.>', (_value, info) => got.push(info.tokens))
    await engine.subscribe('a.b.c', (_value, info) => got.push(info.tokens))
    engine.publish('a.b.c', 1)
    await until(() => got.length === 3)
    expect(got).toEqual([[], ['b'], ['b.c']])
    await engine.handle('shops.*.stock', async (_value, info) => {
      await Promise.resolve()
      return info.tokens
    })
    expect(await engine.request('shops.north.stock')).toEqual(['north'])
  })
})
