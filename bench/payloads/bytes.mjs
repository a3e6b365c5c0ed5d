// The Uint8Array of the `bytes` scenarios: a sequence number in front, marks that change with it
// all through, and a pattern in between.
//
//     word  0        1             m                   2m
//         │ id │ pattern(1) │ … │ pattern(m) + id │ … │ pattern(2m) + id │ …   of 32 bits each
//
// The sender has one buffer and writes the marks anew for each message, as a program would that
// fills a buffer, sends it and fills it again. So a contender that kept a reference instead of a
// copy, or mixed the halves of two messages, is found out by the sum. The receiver adds up words by
// their places: all of them up to 1 KiB. Of a longer payload that would take longer than to carry
// it, so there it is one word in each 64 bytes, and all of them in every 64th message.

const PATTERN = 0x9e3779b1 | 0

const WORD_BYTES = 4
const WHOLE_BYTES_MAX = 1024
const SPARSE_WORDS = 16
/** Up to here V8 keeps the bytes of an array on its heap. */
const HEAP_BYTES_MAX = 64
const WHOLE_EVERY = 64

/**
 * Payloads of so many bytes, a power of two from 64 on.
 *
 * @param {number} bytes
 * @returns {import('./payloads.mjs').Payload}
 */
export function createBytes(bytes) {
  const words = bytes / WORD_BYTES
  const markWords = markWordsOf(bytes)
  const sent = new Uint8Array(bytes)
  const view = new DataView(sent.buffer)
  for (let word = 0; word < words; word++) write(view, word, Math.imul(word, PATTERN))

  const valueAt = (id) => {
    for (let word = 0; word < words; word += markWords) {
      write(view, word, (Math.imul(word, PATTERN) + id) | 0)
    }
    return sent
  }
  return {
    valueAt,
    ownValueAt: (id) => valueAt(id).slice(),
    idOf: idOfBytes,
    fold: (sum, value) => (sum + weigh(value, stepOf(bytes, idOfBytes(value)))) | 0,
    expectedSum: (first, count) => expectedBytesSum(bytes, first, count),
    bytes,
  }
}

function write(view, word, value) {
  view.setInt32(word * WORD_BYTES, value, true)
}

/** @param {Uint8Array} value */
function idOfBytes(value) {
  return value[0] | (value[1] << 8) | (value[2] << 16) | (value[3] << 24)
}

/** One word in so many is a mark: 4 marks in 64 bytes, 8 in 1 KiB, 64 in 64 KiB. */
function markWordsOf(bytes) {
  return Math.max(16, bytes / (bytes > WHOLE_BYTES_MAX ? 64 : 8)) / WORD_BYTES
}

/** The receiver looks at one word in so many. */
function stepOf(bytes, id) {
  return bytes <= WHOLE_BYTES_MAX || id % WHOLE_EVERY === 0 ? 1 : SPARSE_WORDS
}

/** Length and words, each with a weight of its own: two words in each other's place are noticed. */
function weigh(value, step) {
  return value.byteLength <= HEAP_BYTES_MAX ? weighSmall(value) : weighLarge(value, step)
}

/**
 * Word by word from its bytes, whoever carried it: to ask for `buffer` would have V8 move a small
 * array off its heap, which costs more than to carry it.
 */
function weighSmall(value) {
  let sum = value.byteLength
  for (let at = 0; at < value.byteLength; at += WORD_BYTES) {
    const word = value[at] | (value[at + 1] << 8) | (value[at + 2] << 16) | (value[at + 3] << 24)
    sum = (sum + Math.imul(word, at / 2 + 1)) | 0
  }
  return sum
}

function weighLarge(value, step) {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  const words = value.byteLength / WORD_BYTES
  let sum = value.byteLength
  for (let word = 0; word < words; word += step) {
    sum = (sum + Math.imul(view.getInt32(word * WORD_BYTES, true), 2 * word + 1)) | 0
  }
  return sum
}

/**
 * The sum over `count` payloads from `first` on, straight from the numbers: no payload is made.
 * With weights 2w + 1, patterns w × PATTERN and w = 0, s, 2s, …, all it takes is sums of j and j².
 *
 * @param {number} bytes
 * @param {number} first
 * @param {number} count
 */
export function expectedBytesSum(bytes, first, count) {
  const words = bytes / WORD_BYTES
  const whole = bytes + patternSum(words, 1)
  const sparse = bytes + patternSum(words, SPARSE_WORDS)
  const isWhole = (id) => bytes <= WHOLE_BYTES_MAX || id % WHOLE_EVERY === 0
  const marks = words / markWordsOf(bytes)
  const markWeight = marks + markWordsOf(bytes) * marks * (marks - 1)
  let sum = 0
  for (let id = first; id < first + count; id++) {
    sum = (sum + (isWhole(id) ? whole : sparse) + Math.imul(id, markWeight)) | 0
  }
  return sum
}

/** Σ (2w + 1) × w × PATTERN modulo 2^32, for w = 0, step, 2 step, … below `words`. */
function patternSum(words, step) {
  const last = BigInt(words / step - 1)
  const sum = (last * (last + 1n)) / 2n
  const squares = (last * (last + 1n) * (2n * last + 1n)) / 6n
  const weights = 2n * BigInt(step * step) * squares + BigInt(step) * sum
  return Number(BigInt.asIntN(32, weights * BigInt(PATTERN)))
}
