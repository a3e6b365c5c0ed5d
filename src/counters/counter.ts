// One count in shared memory: written by one thread with plain stores, read by any without waiting.
//
// A 32-bit word wraps within the hour, and two words may be read while they change. So the two
// overlap: the first holds the low 32 bits, the second all but the low 21. Whatever moments the two
// were read at, the second says roughly which count it is and the first says exactly, as long as
// less than 2^31 lies between. Counts go to 2^53, as numbers do. `native/core/counters.h` writes
// the same.

import { COUNTER_SHIFT } from '../memory/layout.js'

const OVERLAP_MASK = 2 ** (32 - COUNTER_SHIFT) - 1

/** Adds `by`, 0 to 2^31, to the count at word `index`, which only this thread writes. */
export function count(i32: Int32Array, index: number, by: number): void {
  const before = i32[index] as number
  const after = (before + by) | 0
  // SYNC count: pairs with count in readCount. Plain: nobody acts on it, and each word is whole.
  i32[index] = after
  const carry = ((after >>> COUNTER_SHIFT) - (before >>> COUNTER_SHIFT)) & OVERLAP_MASK
  if (carry !== 0) i32[index + 1] = ((i32[index + 1] as number) + carry) | 0
}

/** The count at word `index`, whoever writes it meanwhile. */
export function readCount(i32: Int32Array, index: number): number {
  // SYNC count: pairs with count in count. Atomic only so that a loop that looks sees it change.
  const low = Atomics.load(i32, index)
  const high = Atomics.load(i32, index + 1)
  return (high >>> 0) * 2 ** COUNTER_SHIFT + ((low - (high << COUNTER_SHIFT)) | 0)
}
