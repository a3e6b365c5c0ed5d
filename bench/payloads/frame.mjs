// The frame of a camera, as the `loan` scenario sends it: so many bytes, of which the sender writes
// and the receiver reads 64 words, all over it.
//
//     │ id │ … │ pattern(1) + id │ … │ pattern(2) + id │ …   of 32 bits, evenly spread
//
// What is measured is the carrying, so neither side touches more than it takes to know that these
// are the bytes of this message and no other: a contender that kept a reference instead of a copy,
// or gave memory back too early, is found out by the sum.

const MARKS = 64
const PATTERN = 0x9e3779b1 | 0

/**
 * Writes the marks of one message into memory of any content.
 *
 * @param {Uint8Array} into
 * @param {number} id
 */
export function mark(into, id) {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength)
  const step = into.byteLength / MARKS
  for (let n = 0; n < MARKS; n++) view.setInt32(n * step, (Math.imul(n, PATTERN) + id) | 0, true)
  return into
}

/**
 * Payloads of so many bytes, a power of two.
 *
 * @param {number} bytes
 * @returns {import('./payloads.mjs').Payload}
 */
export function createFrame(bytes) {
  const sent = new Uint8Array(bytes)
  return {
    valueAt: (id) => mark(sent, id),
    ownValueAt: (id, spare) => mark(spare ?? new Uint8Array(bytes), id),
    idOf: (value) => value[0] | (value[1] << 8) | (value[2] << 16) | (value[3] << 24),
    fold: (sum, value) => (sum + weigh(value)) | 0,
    expectedSum: (first, count) => expectedFrameSum(bytes, first, count),
    bytes,
  }
}

/** Length and marks, each with a weight of its own. */
function weigh(value) {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  const step = value.byteLength / MARKS
  let sum = value.byteLength
  for (let n = 0; n < MARKS; n++)
    sum = (sum + Math.imul(view.getInt32(n * step, true), 2 * n + 1)) | 0
  return sum
}

/** The sum over `count` payloads from `first` on, from the numbers alone. */
export function expectedFrameSum(bytes, first, count) {
  let patterns = bytes
  for (let n = 0; n < MARKS; n++) {
    patterns = (patterns + Math.imul(Math.imul(n, PATTERN), 2 * n + 1)) | 0
  }
  let sum = 0
  // The weights 1, 3, 5, … of 64 marks add up to 64².
  for (let id = first; id < first + count; id++)
    sum = (sum + patterns + Math.imul(id, MARKS ** 2)) | 0
  return sum
}
