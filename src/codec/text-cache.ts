// Short texts that have been read before. The same ones come again and again (topics, names,
// codes), and making a string costs ten times as much as comparing eight words.
//
// Direct-mapped, one for the thread; the decoder of flat records (`flat.ts`) asks it.

import { shortText, type StringBuffer } from './struct-text.js'

/** Longer text is not kept. */
export const CACHED_CHARS_MAX = 32
const CACHE_SLOTS = 4096
const CACHE_SHIFT = 20 // 2^12 slots
const WORDS_PER_SLOT = CACHED_CHARS_MAX / 4
const cacheBytes = Buffer.alloc(CACHE_SLOTS * CACHED_CHARS_MAX) as unknown as StringBuffer
const cacheWords = new Int32Array(
  cacheBytes.buffer,
  cacheBytes.byteOffset,
  CACHE_SLOTS * WORDS_PER_SLOT,
)
const cacheChars = new Int32Array(CACHE_SLOTS)
const cacheTexts: string[] = Array.from({ length: CACHE_SLOTS }, () => '')

/** The ASCII text of so many characters, at most CACHED_CHARS_MAX, from word `first` on. */
export function cachedText(i32: Int32Array, first: number, chars: number): string {
  const words = (chars + 3) >>> 2
  let hash = chars
  for (let k = 0; k < words; k++) {
    hash = Math.imul(hash ^ (i32[first + k] as number), 0x85eb_ca6b)
    hash ^= hash >>> 13
  }
  const slot = Math.imul(hash, 0x9e37_79b1) >>> CACHE_SHIFT
  const base = slot * WORDS_PER_SLOT
  let isSame = cacheChars[slot] === chars
  for (let k = 0; isSame && k < words; k++) isSame = cacheWords[base + k] === i32[first + k]
  if (isSame) return cacheTexts[slot] as string
  // Made from the copy: the shared bytes may change in between.
  for (let k = 0; k < words; k++) cacheWords[base + k] = i32[first + k] as number
  cacheChars[slot] = chars
  return (cacheTexts[slot] = textOf(base * 4, chars))
}

function textOf(at: number, chars: number): string {
  return chars <= 12 ? shortText(cacheBytes, at, chars) : cacheBytes.latin1Slice(at, at + chars)
}
