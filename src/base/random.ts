// Chance from a seed: the same seed gives the same numbers, so a test can repeat what it saw.
//
// Good enough to spread work by, and not a source of secrets. One per thread that needs it.

/** Whole numbers from 0 up to and without `below`. */
export type Random = (below: number) => number

/**
 * A generator with 32 bits of state: mulberry32 by Tommy Ettinger, in the public domain.
 *
 * @example
 * const random = createRandom(7)
 * random(6) // 0 … 5
 */
export function createRandom(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((((mixed ^ (mixed >>> 14)) >>> 0) * below) / 0x1_0000_0000) | 0
  }
}
