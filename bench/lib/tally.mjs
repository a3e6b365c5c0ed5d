// What every consumer does with every message, whichever contender brought it: check the order, add
// to the sum, notice the last one.
//
// The evidence goes to the harness as it is. Whether it will do is decided there (`verdict.mjs`).

import { nowNs } from './clock.mjs'

/**
 * @template {{ id: number }} T
 * @param {(sum: number, value: T) => number} fold
 */
export function createTally(fold) {
  let wanted = 0
  let received = 0
  let disordered = 0
  let nextId = 0
  let sum = 0
  let endNs = 0
  /** @type {((value?: unknown) => void) | null} */
  let onComplete = null

  const report = () => ({ received, disordered, checksum: sum, endNs })

  return {
    /**
     * Begins to count anew. The producer must not start before this has been done: a message that
     * overtook it would be missed.
     *
     * @param {{ first: number, count: number }} job
     */
    expect({ first, count }) {
      wanted = count
      received = disordered = sum = endNs = 0
      nextId = first
    },

    /** Resolves once all that is expected has come. */
    async complete() {
      if (received < wanted) await new Promise((resolve) => (onComplete = resolve))
    },

    /** @param {T} value */
    take(value) {
      const { id } = value
      if (id !== nextId) disordered++
      nextId = id + 1
      sum = fold(sum, value)
      if (++received === wanted) {
        endNs = nowNs()
        onComplete?.()
      }
    },

    /** What has come so far. */
    report,
  }
}
