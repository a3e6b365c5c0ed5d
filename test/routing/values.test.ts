import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VALUES_LISTED_MAX } from '../../src/base/limits.js'
import { addAll, withValue, withoutValue, type Values } from '../../src/routing/values.js'

const listed = <T>(values: Values<T> | null): T[] => {
  const found: T[] = []
  addAll(values, found)
  return found
}

test('any changes leave what a Set would hold, in the order of a Set', () => {
  // Twice as many different ones as are listed, so that some runs grow into a set.
  const value = fc.integer({ min: 0, max: 2 * VALUES_LISTED_MAX })
  const change = fc.record({ isDrop: fc.nat(3).map((n) => n === 0), value })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      let values: Values<number> | null = null
      const model = new Set<number>()
      for (const { isDrop, value } of changes) {
        if (isDrop) {
          const left: Values<number> | null | undefined =
            values === null ? undefined : withoutValue(values, value)
          expect(left !== undefined).toBe(model.delete(value))
          if (left !== undefined) values = left
        } else {
          const more: Values<number> | null = withValue(values, value)
          expect(more !== null).toBe(!model.has(value))
          values = more ?? values
          model.add(value)
        }
        expect(values === null).toBe(model.size === 0)
      }
      expect(listed(values)).toEqual([...model])
    }),
  )
})

test('one alone is itself, few are a list, very many a set', () => {
  expect(withValue(null, 7)).toBe(7)
  let values: Values<number> | null = null
  for (let value = 0; value < VALUES_LISTED_MAX; value++) values = withValue(values, value)
  expect(Array.isArray(values)).toBe(true)
  expect(withValue(values, VALUES_LISTED_MAX)).toBeInstanceOf(Set)
})
