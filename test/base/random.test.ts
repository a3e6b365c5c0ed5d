import { expect, test } from 'vitest'
import { createRandom } from '../../src/base/random.js'

const drawn = (seed: number, below: number, count: number): number[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random(below))
}

test('one seed gives the same numbers again, another seed others', () => {
  expect(drawn(7, 1000, 20)).toEqual(drawn(7, 1000, 20))
  expect(drawn(7, 1000, 20)).not.toEqual(drawn(8, 1000, 20))
})

test('numbers are whole, from 0 up to and without the limit, and about equally many', () => {
  const counts = new Array<number>(6).fill(0)
  for (const number of drawn(1, 6, 60_000)) counts[number] = (counts[number] ?? NaN) + 1
  expect(counts).toHaveLength(6)
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

test('a limit of one leaves no choice', () => {
  expect(drawn(3, 1, 5)).toEqual([0, 0, 0, 0, 0])
})
