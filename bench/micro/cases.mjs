// What a micro benchmark is: a batch of operations that returns a sum, and what it has to be.
//
// Each batch is some hundreds of operations, so that neither the harness nor the clock is what is
// measured; and since every operation adds to the sum, and the sum is compared, the compiler cannot
// drop any of them. Sums are of small integers and exact.

/** Operations per batch, unless a case says otherwise. */
export const BATCH = 512

/**
 * @typedef {object} Case
 * @property {string} name `group/what`
 * @property {string} what one operation is, in a few words
 * @property {number} operations per batch
 * @property {() => number} run one batch: its sum
 * @property {number} expected what every batch must return
 */

/**
 * A case of `operations` operations, each told its number.
 *
 * @param {string} name
 * @param {string} what
 * @param {(index: number) => number} expectedOf what operation `index` adds
 * @param {() => number} run
 * @param {number} [operations]
 * @returns {Case}
 */
export function caseOf(name, what, expectedOf, run, operations = BATCH) {
  let expected = 0
  for (let index = 0; index < operations; index++) expected += expectedOf(index)
  return { name, what, operations, run, expected }
}

export const identity = (index) => index
