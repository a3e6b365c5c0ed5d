// Objects without a schema that go the short way: what arrives is what went in.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMITTER_AFTER_MESSAGES } from '../../src/base/limits.js'
import { message, object } from '../../src/codec/message.js'
import { World } from './world.js'

const value = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string({ maxLength: 3, unit: 'grapheme' }),
  fc.string({ maxLength: 90 }),
  fc.constantFrom(true, false, null, undefined, '', 'x'.repeat(95), [1, 'two'], new Date(5)),
)
const record = fc.record({ a: value, b: value, c: value, d: value })

/** A world in which objects with the keys a, b, c, d have an emitter. */
function warmWorld() {
  const world = new World(2, { bulkRingBytes: 2048 })
  world.thread(1).subscribe('any')
  const { sender } = world.thread(0)
  const Any = message('any', object<unknown>())
  for (let n = 0; n < EMITTER_AFTER_MESSAGES + 20; n++) {
    sender.publish(Any, { a: n, b: 'x', c: 0.5, d: null }, 0)
    world.settle()
  }
  const { got } = world.thread(1)
  got.length = 0
  const take = (): unknown[] => {
    world.settle()
    return got.splice(0).map((one) => one.value)
  }
  return { world, sender, Any, take }
}

test('any values of the usual keys arrive, wherever the ring ends', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 12 }), (records) => {
      const { world, sender, Any, take } = warmWorld()
      for (let n = 0; n < 60; n++) {
        const one = records[n % records.length] as object
        sender.publish(Any, one, 3)
        const arrived = take()
        // -0 arrives as 0.
        expect(arrived).toEqual([withoutMinusZero(one)])
      }
      expect(world.thread(1).errors).toEqual([])
    }),
    { numRuns: 150 },
  )
})

test('other keys, other prototypes and things that are no objects arrive, too', () => {
  const { sender, Any, take, world } = warmWorld()
  const odd = [
    { a: 1, b: 2, c: 3 },
    { b: 1, a: 2, c: 3, d: 4 },
    { a: 1, b: 2, c: 3, d: 4, e: 5 },
    { a: 1, b: { nested: [1] }, c: 3, d: 4 },
    [1, 2, 3, 4],
    'text',
    7,
    null,
  ]
  for (const one of odd) {
    sender.publish(Any, one, 0)
    sender.publish(Any, { a: 1, b: 2, c: 3, d: 4 }, 0)
    expect(take()).toEqual([one, { a: 1, b: 2, c: 3, d: 4 }])
  }
  class Point {
    a = 1
    b = 2
    c = 3
    d = 4
  }
  sender.publish(Any, new Point(), 0)
  expect(take()).toEqual([{ a: 1, b: 2, c: 3, d: 4 }])
  expect(world.thread(1).errors).toEqual([])
})

test('a getter is read once, and may throw or publish', () => {
  const { sender, Any, take } = warmWorld()
  let reads = 0
  const counting = (n: number): object => ({
    a: 1,
    get b() {
      reads++
      sender.publish(Any, { a: 'inner', b: n, c: 3, d: 4 }, 0)
      return n
    },
    c: 3,
    d: 4,
  })
  sender.publish(Any, counting(5), 0)
  expect(reads).toBe(1)
  expect(take()).toEqual([
    { a: 'inner', b: 5, c: 3, d: 4 },
    { a: 1, b: 5, c: 3, d: 4 },
  ])
  const bad = {
    a: 1,
    get b(): number {
      throw new Error('mine')
    },
    c: 3,
    d: 4,
  }
  const refused = expect.objectContaining({ code: 'ERR_PAYLOAD_UNSUPPORTED' })
  expect(() => sender.publish(Any, bad, 0)).toThrow(refused)
  sender.publish(Any, { a: 1, b: 2, c: 3, d: 4 }, 0)
  expect(take()).toEqual([{ a: 1, b: 2, c: 3, d: 4 }])
})

function withoutMinusZero(one: object): unknown {
  return Object.fromEntries(
    Object.entries(one).map(([key, it]) => [key, Object.is(it, -0) ? 0 : it]),
  )
}
