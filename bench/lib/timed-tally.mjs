// A tally that times what it takes: order, sum and latency of each message.

import { createTally } from './tally.mjs'
import { createTiming } from './timing.mjs'

/**
 * @template {{ id: number }} T
 * @param {(sum: number, value: T) => number} fold
 */
export function createTimedTally(fold) {
  const tally = createTally({ idOf: ({ id }) => id, fold })
  const timing = createTiming()
  return {
    /** @param {import('./pacer.mjs').PacedJob} job */
    expect(job) {
      tally.expect(job)
      timing.expect(job)
    },
    /** @param {T} value */
    take(value) {
      timing.take(value.id)
      tally.take(value)
    },
    complete: () => tally.complete(),
    report: () => ({ ...tally.report(), latency: timing.report() }),
  }
}
