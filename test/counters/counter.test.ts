import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count, readCount } from '../../src/counters/counter.js'

/** A count and the words that hold it. */
function wordsOf(value: number): Int32Array {
  return Int32Array.of(value | 0, Math.floor(value / 2 ** 21) | 0)
}

const COUNT_MAX = 2 ** 53 - 1

describe('a counter', () => {
  test('starts at 0 and adds up', () => {
    const words = new Int32Array(2)
    expect(readCount(words, 0)).toBe(0)
    for (const by of [1, 0, 41, 2 ** 21, 2 ** 31]) count(words, 0, by)
    expect(readCount(words, 0)).toBe(42 + 2 ** 21 + 2 ** 31)
  })

  test.each([2 ** 21, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 52])('passes %d without a jump', (mark) => {
    const words = wordsOf(mark - 2)
    const seen = [0, 1, 2, 3].map(() => (count(words, 0, 1), readCount(words, 0)))
    expect(seen).toEqual([mark - 1, mark, mark + 1, mark + 2])
  })

  test('carries in small steps as in large ones, far beyond what one word holds', () => {
    const words = new Int32Array(2)
    for (let step = 1; step <= 10_000; step++) {
      count(words, 0, 2 ** 21 - 1)
      if (readCount(words, 0) !== step * (2 ** 21 - 1)) expect.fail(`wrong at step ${step}`)
    }
    expect(readCount(words, 0)).toBeGreaterThan(2 ** 32)
  })

  test('adds anything to anything, up to 2^53', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: COUNT_MAX - 2 ** 32 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      (before, by) => {
        const words = wordsOf(before)
        count(words, 0, by)
        expect(readCount(words, 0)).toBe(before + by)
      },
    )
    fc.assert(property)
  })

  test('is never off by more than what was being added, whichever word is read too early', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: COUNT_MAX - 2 ** 31 }),
      fc.integer({ min: 0, max: 2 ** 31 - 2 ** 21 - 1 }),
      fc.boolean(),
      (before, by, isLowOld) => {
        const old = wordsOf(before)
        const now = wordsOf(before + by)
        const torn = isLowOld ? [old[0]!, now[1]!] : [now[0]!, old[1]!]
        const found = readCount(Int32Array.from(torn), 0)
        expect(found).toBe(isLowOld ? before : before + by)
      },
    )
    fc.assert(property)
  })
})
