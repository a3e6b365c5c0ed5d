import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashFor, keyHash, keysOf, NO_KEY, rendezvousScore } from '../../src/routing/key.js'

describe('a key', () => {
  test('is the same as a number and as a text', () => {
    expect(keyHash(42)).toBe(keyHash('42'))
    expect(keyHash(42n)).toBe(keyHash('42'))
    expect(keyHash(42)).not.toBe(keyHash(43))
    expect(keyHash('')).not.toBe(NO_KEY)
  })

  test.each([[undefined], [null], [{}], [[]], [() => 1], [Symbol('k')]])('is not %s', (value) => {
    expect(keyHash(value)).toBe(NO_KEY)
  })

  test('is the field of the value, or what the message says itself', () => {
    const keys = keysOf(['user', 'order', ''], { user: 'ann', order: 7 }, null)
    expect(hashFor(keys, 'user')).toBe(keyHash('ann'))
    expect(hashFor(keys, 'order')).toBe(keyHash(7))
    expect(hashFor(keys, '')).toBe(NO_KEY)
    const said = keysOf(['user', ''], { user: 'ann' }, 'bob')
    expect([hashFor(said, 'user'), hashFor(said, '')]).toEqual([keyHash('bob'), keyHash('bob')])
  })

  test.each([['text'], [7], [null], [undefined], [new Uint8Array(4)]])(
    'is in no field of %s',
    (value) => {
      expect(hashFor(keysOf(['user'], value, null), 'user')).toBe(NO_KEY)
    },
  )

  test('that nobody asked for when the message was sent is none', () => {
    expect(hashFor(keysOf(['user'], { user: 1, age: 2 }, null), 'age')).toBe(NO_KEY)
    expect(hashFor(null, 'user')).toBe(NO_KEY)
  })
})

test('two members never have the same score', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(), fc.nat(), (key, one, other) => {
      fc.pre(one !== other)
      expect(rendezvousScore(one, key)).not.toBe(rendezvousScore(other, key))
    }),
  )
})
