// Strings and bytes inside structs: what the compiled encoders and decoders of `struct.ts` call.
//
// Short strings stay in JavaScript, because a call into Buffer's native methods costs more than a
// few characters do. Every length that comes out of shared memory is handed over as a number that
// was read once, and is bounded here before it is used: whoever writes garbage gets an error raised
// or a wrong string, never a read outside the field.

import { FlyshuttleError } from '../base/errors.js'

/** Up to here a JavaScript loop beats Buffer's native methods. */
const SHORT_WRITE_MAX = 32
/** Below 13 characters V8 joins two strings by copying; from there on it would leave a rope. */
const SHORT_READ_MAX = 12

/** Buffer's native string methods without the argument juggling of `toString` and `write`. */
export interface StringBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  utf8Write(text: string, at: number, bytesMax: number): number
}

const CACHE_SHIFT = 20 // 2^12 slots
const cacheWords = new Int32Array(4096)
const cacheTexts: string[] = Array.from({ length: 4096 }, () => '')

/**
 * The string of up to four ASCII bytes, lowest byte first. Direct-mapped cache, one for the thread:
 * fields that hold the same codes (origin and destination) share entries. Word 0 is the empty
 * string, as the fresh cache says.
 */
export function asciiOfWord(word: number): string {
  const slot = Math.imul(word, 0x9e3779b1) >>> CACHE_SHIFT
  return cacheWords[slot] === word ? (cacheTexts[slot] as string) : rememberWord(slot, word)
}

function rememberWord(slot: number, word: number): string {
  let text = ''
  for (let rest = word; rest !== 0; rest >>>= 8) {
    // A zero before the end is garbage; it stays in the string, as it does in longer ones.
    text += String.fromCharCode(rest & 0xff)
  }
  cacheWords[slot] = word
  cacheTexts[slot] = text
  return text
}

/**
 * The word of up to four ASCII characters, none of them NUL, lowest byte first; -1 when the value
 * is anything else, or longer than `limit`.
 */
export function wordOfAscii(text: unknown, limit: number): number {
  if (typeof text !== 'string' || text.length > limit) return -1
  let word = 0
  for (let i = text.length; i-- > 0;) {
    const char = text.charCodeAt(i)
    if ((char - 1) >>> 0 >= 127) return -1
    word = (word << 8) | char
  }
  return word
}

/** Whether every character is ASCII and none is NUL. */
export function isPlainAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) - 1) >>> 0 >= 127) return false
  }
  return true
}

/** Writes checked ASCII and fills the rest of the field with zeros. */
export function writeAscii(bytes: Uint8Array, at: number, limit: number, text: string): void {
  const length = text.length
  for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
  for (let i = length; i < limit; i++) bytes[at + i] = 0
}

/** Reads a zero-padded field. */
export function readAscii(
  bytes: Uint8Array,
  buffer: StringBuffer,
  at: number,
  limit: number,
): string {
  let length = limit
  while (length > 0 && bytes[at + length - 1] === 0) length--
  if (length <= SHORT_READ_MAX) return shortText(bytes, at, length)
  return buffer.latin1Slice(at, at + length)
}

/** Bytes that a string takes as UTF-8. Equal to its length exactly when it is all ASCII. */
export function utf8Bytes(text: string): number {
  const length = text.length
  if (length > SHORT_WRITE_MAX) return Buffer.byteLength(text)
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(i) > 127) return Buffer.byteLength(text)
  }
  return length
}

/** Writes a string whose UTF-8 takes `lengthBytes`, as `utf8Bytes` said. */
export function writeUtf8(
  bytes: Uint8Array,
  buffer: StringBuffer,
  at: number,
  text: string,
  lengthBytes: number,
): void {
  if (lengthBytes === text.length && lengthBytes <= SHORT_WRITE_MAX) {
    for (let i = 0; i < lengthBytes; i++) bytes[at + i] = text.charCodeAt(i)
  } else {
    buffer.utf8Write(text, at, lengthBytes)
  }
}

/** Reads `lengthBytes` of UTF-8; what is no UTF-8 becomes U+FFFD. */
export function readUtf8(
  bytes: Uint8Array,
  buffer: StringBuffer,
  at: number,
  lengthBytes: number,
  limit: number,
): string {
  if (lengthBytes > limit) throw tooLong('a string', lengthBytes, limit)
  if (lengthBytes <= SHORT_READ_MAX) {
    let all = 0
    for (let i = 0; i < lengthBytes; i++) all |= bytes[at + i] as number
    if (all < 128) return shortText(bytes, at, lengthBytes)
  }
  return buffer.utf8Slice(at, at + lengthBytes)
}

const byteLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'byteLength',
)?.get as () => number

/**
 * Bytes of a Uint8Array: what `set` will write, whatever a subclass or a property of its own says.
 */
export function bytesIn(bytes: Uint8Array): number {
  return byteLength.call(bytes)
}

/** A private copy of `lengthBytes` bytes; never shared memory. */
export function readBytes(
  bytes: Uint8Array,
  at: number,
  lengthBytes: number,
  limit: number,
): Uint8Array {
  if (lengthBytes > limit) throw tooLong('a block', lengthBytes, limit)
  return bytes.slice(at, at + lengthBytes)
}

/** The option that an index stands for. */
export function readOption(options: readonly string[], index: number): string {
  const option = options[index]
  if (option !== undefined) return option
  throw new FlyshuttleError('ERR_FRAME_CORRUPT', {
    thread: '(sender)',
    found: `option ${index} of a oneOf`,
    wanted: `an index below ${options.length}`,
  })
}

function tooLong(what: string, lengthBytes: number, limit: number): FlyshuttleError {
  return new FlyshuttleError('ERR_FRAME_CORRUPT', {
    thread: '(sender)',
    found: `${what} of ${lengthBytes} bytes`,
    wanted: `at most ${limit}`,
  })
}

/** Up to 12 bytes as a string. */
export function shortText(b: Uint8Array, at: number, length: number): string {
  const code = String.fromCharCode
  switch (length) {
    case 0:
      return ''
    case 1:
      return code(b[at]!)
    case 2:
      return code(b[at]!, b[at + 1]!)
    case 3:
      return code(b[at]!, b[at + 1]!, b[at + 2]!)
    case 4:
      return code(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!)
    case 5:
      return code(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!)
    case 6:
      return code(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!)
    default:
      return shortText(b, at, 6) + shortText(b, at + 6, length - 6)
  }
}
