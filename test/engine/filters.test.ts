// Filters as users meet them: on subscriptions, responders and agents, by field, path and header,
// and what is said of those that cannot hold.

import { FlyshuttleError, ascii, i16, message, raw, rpc } from 'flyshuttle'
import { describe, expect, test } from 'vitest'
import { VARIANTS, engineFor, fixture, until } from './with-engine.js'

const Flight = message('flights.late.ORD', { id: i16, delayMin: i16, origin: ascii(3) })
const flight = (id: number): { id: number; delayMin: number; origin: string } => ({
  id,
  delayMin: id % 100,
  origin: id % 2 === 0 ? 'ORD' : 'SFO',
})

describe.each(VARIANTS)('$name', ({ addon }) => {
  test('a handler gets exactly what its filter lets through, also on the fast ways', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: number[] = []
    const all: number[] = []
    await engine.subscribe('flights.*.ORD', (value) => got.push(value.id), {
      filter: { delayMin: { gte: 90 } },
    })
    for (let id = 0; id < 1000; id++) engine.publish(Flight, flight(id))
    await until(() => got.length === 100)
    await engine.subscribe(Flight, (value) => all.push(value.id))
    for (let id = 0; id < 1000; id++) engine.publish(Flight, flight(id))
    await until(() => all.length === 1000)
    expect(got).toHaveLength(200)
    expect(got.every((id) => id % 100 >= 90)).toBe(true)
  })

  test('an iteration, a lazy handler and one by headers are filtered, too', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const lazy: number[] = []
    const tenants: (string | undefined)[] = []
    const iterated: number[] = []
    const iteration = await engine.subscribe(Flight, { filter: { origin: 'ORD' } })
    await engine.subscribe(Flight, (value) => lazy.push(value.id), {
      lazy: true,
      filter: { not: { origin: 'ORD' } },
    })
    await engine.subscribe(Flight, (_value, info) => tenants.push(info.headers['tenant']), {
      filter: { headers: { tenant: { in: ['acme', 'zeta'] } } },
    })
    for (let id = 0; id < 4; id++) engine.publish(Flight, flight(id))
    engine.publish(Flight, flight(4), { headers: { tenant: 'acme' } })
    engine.publish(Flight, flight(5), { headers: { tenant: 'other' } })
    for await (const { value } of iteration) {
      iterated.push(value.id)
      if (value.id === 4) break
    }
    await until(() => lazy.length === 3)
    expect(iterated).toEqual([0, 2, 4])
    expect(lazy).toEqual([1, 3, 5])
    expect(tenants).toEqual(['acme'])
  })

  test('requests go to responders that want them; without one there is none', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const Price = rpc<{ kind: string }, string>('price')
    await engine.handle(Price, () => 'small', { filter: { kind: 'small' } })
    await engine.handle(Price, () => 'large', { filter: { kind: { ne: 'small' } } })
    expect(await engine.request(Price, { kind: 'small' })).toBe('small')
    expect(await engine.request(Price, { kind: 'x' })).toBe('large')
    const Only = rpc<{ kind: string }, string>('only')
    await engine.handle(Only, () => 'yes', { filter: { kind: 'a' } })
    await expect(engine.request(Only, { kind: 'b' })).rejects.toMatchObject({
      code: 'ERR_NO_RESPONDERS',
    })
  })

  test('agents on other threads filter by their definition', async () => {
    const engine = await engineFor({ threads: 2, addon })
    await engine.spawn('picky', fixture('picky.mjs'), { instances: 2 })
    for (let n = 0; n < 500; n++) engine.publish('picky.numbers', { n, deep: { odd: n % 2 } })
    let sums: number[] = []
    await engine.subscribe('picky.sum', (sum) => sums.push(sum))
    await until(async () => {
      sums = []
      engine.publish('picky.report')
      await until(() => sums.length === 2)
      return sums.reduce((a, b) => a + b) >= 62_500
    })
    expect(sums.reduce((a, b) => a + b)).toBe(62_500)
    expect(Math.min(...sums)).toBeGreaterThan(0)
  })

  test('a filter that cannot hold is refused, and nothing is left of it', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const got: unknown[] = []
    const refusalOf = async (filter: unknown, target: unknown = Flight): Promise<string> => {
      const attempt = engine.subscribe(target as string, (value) => got.push(value), {
        filter: filter as Record<string, unknown>,
      })
      const error: unknown = await attempt.then(
        () => null,
        (error: unknown) => error,
      )
      if (!(error instanceof FlyshuttleError)) throw new Error('it was taken')
      expect(error.code).toBe('ERR_FILTER_INVALID')
      return error.message
    }
    expect(await refusalOf({ delay: 1 })).toBe(
      'filter of flights.late.ORD: delay is no field of the message; wanted one of ' +
        'id, delayMin, origin',
    )
    expect(await refusalOf({ delayMin: { gte: '60' } })).toContain('delayMin is { gte: "60" }')
    expect(await refusalOf({ origin: { like: 'O' } })).toContain('origin is { like }')
    expect(await refusalOf('late')).toContain('the filter is "late"; wanted an object of rules')
    expect(await refusalOf(null, 'any.>')).toContain('filter of any.>: the filter is null')
    engine.publish(Flight, flight(1))
    await engine.subscribe(Flight, () => got.push('later'))
    engine.publish(Flight, flight(2))
    await until(() => got.length > 0)
    expect(got).toEqual(['later'])
  })

  test('bytes pass by their headers alone', async () => {
    const engine = await engineFor({ threads: 0, addon })
    const Frame = message('frames', raw)
    const got: number[] = []
    await engine.subscribe(Frame, (value) => got.push(value.length), {
      filter: { headers: { kind: 'key' } },
    })
    engine.publish(Frame, new Uint8Array(3))
    engine.publish(Frame, new Uint8Array(5), { headers: { kind: 'key' } })
    await until(() => got.length > 0)
    expect(got).toEqual([5])
  })
})
