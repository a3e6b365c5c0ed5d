import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ID_BLOCK, Registry } from '../../src/engine/registry.js'
import type { Subscription } from '../../src/routing/change-log.js'
import { smallRegion } from '../link/small-region.js'

const entry = (id: number, thread: number): Subscription => ({
  id,
  generation: id,
  thread,
  agent: 0,
  flags: 0,
  pattern: `p.${id}`,
  queue: '',
})

function make(subscriptions = 128) {
  const region = smallRegion(4, { subscriptions, changeLogBytes: 64 * 1024 })
  return { region, registry: new Registry(region) }
}

describe('the registry', () => {
  test('gives out numbers in blocks, each to one thread', () => {
    const { registry } = make()
    const all = [...registry.takeIds(0), ...registry.takeIds(1)]
    expect(all).toHaveLength(2 * ID_BLOCK)
    expect(new Set(all).size).toBe(2 * ID_BLOCK)
  })

  test('gives out what is left, and refuses when nothing is', () => {
    const { registry } = make(100)
    registry.takeIds(0)
    expect(registry.takeIds(1)).toHaveLength(100 - ID_BLOCK)
    expect(() => registry.takeIds(1)).toThrow(
      expect.objectContaining({ code: 'ERR_SUBSCRIPTION_LIMIT' }),
    )
  })

  test('takes back all that a thread had when it ends, and gives it out again', () => {
    const { registry } = make(100)
    const ids = [...registry.takeIds(1), ...registry.takeIds(1)]
    registry.add(entry(ids[0] as number, 1))
    registry.add(entry(ids[99] as number, 1))
    registry.withdraw(1)
    expect(registry.live.size).toBe(0)
    expect([...registry.takeIds(2), ...registry.takeIds(2)].sort()).toEqual(ids.sort())
    registry.withdraw(1)
    registry.withdraw(3)
  })

  test('takes back more numbers than a call has arguments', () => {
    const { registry } = make(131_072)
    for (let left = 131_072; left > 0; left -= ID_BLOCK) registry.takeIds(1)
    registry.withdraw(1)
    expect(registry.takeIds(2, 131_072)).toHaveLength(131_072)
  })

  test('takes nothing from a thread that has been withdrawn', () => {
    const { registry } = make()
    const [id = -1] = registry.takeIds(1)
    registry.withdraw(1)
    registry.add(entry(id, 1))
    expect(registry.live.size).toBe(0)
  })

  test('withdraws for a thread only what is its own', () => {
    const { registry } = make()
    const [mine = -1] = registry.takeIds(1)
    const [yours = -1] = registry.takeIds(2)
    registry.add(entry(mine, 1))
    registry.add(entry(yours, 2))
    registry.remove([mine, yours], 1)
    expect([...registry.live.keys()]).toEqual([yours])
    registry.remove([yours])
    expect(registry.live.size).toBe(0)
  })

  test('clears the full bits of a thread that ends', () => {
    const { region, registry } = make()
    const [id = -1] = registry.takeIds(1)
    const row = (region.layout.subscriptionRows >>> 2) + id
    region.views.i32[row] = 1
    registry.withdraw(1)
    expect(region.views.i32[row]).toBe(0)
  })

  test('never gives one number to two threads', () => {
    const step = fc.record({
      thread: fc.nat(3),
      end: fc.boolean(),
      count: fc.integer({ min: 1, max: 40 }),
    })
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { registry } = make()
      const owner = new Map<number, number>()
      for (const { thread, end, count } of steps) {
        if (end) {
          registry.withdraw(thread)
          for (const [id, of] of owner) if (of === thread) owner.delete(id)
        } else if (owner.size < 128) {
          for (const id of registry.takeIds(thread, count)) {
            expect(owner.has(id)).toBe(false)
            owner.set(id, thread)
          }
        }
      }
    })
    fc.assert(property, { numRuns: 60 })
  })
})
