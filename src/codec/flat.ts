// Flat records: plain objects whose values are numbers, strings, booleans, null or undefined,
// without a schema. What a subject carries again and again gets compiled code for its list of keys;
// all else goes through msgpack (`msgpack.ts`), which takes anything. Nobody chooses this codec or
// sees it: `object()` messages and bare subjects use it when it fits.
//
//   payload   ┌─────────────────────────┬──────────────────────────────────────────────┐
//             │ one tag per key, 1 byte │ values in the order of the keys, by 4 bytes  │
//             │ padded to 8             │ f64 aligned to 8; text: u32 length and bytes │
//             └─────────────────────────┴──────────────────────────────────────────────┘
//
// The keys travel once for each thread, as a JSON array in its dictionary; their fingerprint is the
// type id of the frame. What must stay true: all values are read before the first is written,
// because a getter may publish; and every length that comes out of shared memory is read once and
// bounded.

import { FlyshuttleError } from '../base/errors.js'
import type { Views } from '../memory/region.js'
import { fingerprint } from './schema.js'
import type { StringBuffer } from './struct-text.js'
import { CACHED_CHARS_MAX, cachedText } from './text-cache.js'

const KEYS_MAX = 32
const CANONICAL_CHARS_MAX = 1024
/** Lists of keys that one thread compiles. */
const SHAPES_MAX = 128
/**
 * Messages of a subject before its keys are compiled, and misfits in a row that end the attempt.
 */
const FLAT_AFTER_MESSAGES = 8
const MISFITS_MAX = 16

export const Tag = {
  Int: 1,
  Double: 2,
  Ascii: 3,
  Utf8: 4,
  True: 5,
  False: 6,
  Null: 7,
  Undefined: 8,
}
const { Int: INT, Double: DOUBLE, Ascii: ASCII, Utf8: UTF8 } = Tag
const { True: TRUE, False: FALSE, Null: NULL, Undefined: UNDEFINED } = Tag

/** Longer text is left to the native methods of Buffer. */
const ASCII_CHARS_MAX = 64

/** Bytes written, or -1: these keys or values are not the shape's. */
type EncodeShape = (value: Record<string, unknown>) => number

/** A list of keys, and the code for it. */
export interface Shape {
  readonly typeId: number
  readonly keys: readonly string[]
  readonly encode: EncodeShape
}

/** What is known of the objects of one subject. */
export interface Slot {
  shape: Shape | null
  messages: number
  misfits: number
}

export class FlatEncoder {
  readonly #wordsMax: number
  readonly #addType: (typeId: number, canonical: string) => boolean
  readonly #shapes = new Map<string, Shape | null>()
  readonly #put: (i: number, value: unknown, at: number) => number
  /** Type id of what was encoded last. */
  typeId = 0

  /**
   * Writes from the start of `views`, at most `bytesMax`. `addType` makes a list of keys known to
   * all threads; false when it cannot.
   */
  constructor(
    views: Views,
    bytesMax: number,
    addType: (typeId: number, canonical: string) => boolean,
  ) {
    this.#wordsMax = bytesMax >>> 2
    this.#addType = addType
    const { put, setLimit } = createPut(views)
    setLimit(this.#wordsMax)
    this.#put = put
  }

  /** Whether objects of the subject go through msgpack from now on. */
  static isGivenUp({ misfits }: Slot): boolean {
    return misfits >= MISFITS_MAX
  }

  static slot(): Slot {
    return { shape: null, messages: 0, misfits: 0 }
  }

  /** Encodes `value` if it is what its subject usually carries: bytes written, or -1. */
  encode(value: object, slot: Slot): number {
    if (slot.misfits >= MISFITS_MAX || Object.getPrototypeOf(value) !== Object.prototype) return -1
    const { shape } = slot
    if (shape === null) {
      if (++slot.messages >= FLAT_AFTER_MESSAGES) this.#learn(value, slot)
      return -1
    }
    let bytes = -1
    try {
      bytes = shape.encode(value as Record<string, unknown>)
    } catch {
      // A getter threw. Msgpack meets that, too, and says so as it does for any object.
    }
    if (bytes < 0) {
      slot.misfits++
      return -1
    }
    slot.misfits = 0
    this.typeId = shape.typeId
    return bytes
  }

  #learn(value: object, slot: Slot): void {
    const keys = Object.keys(value)
    const canonical = JSON.stringify(keys)
    let shape = this.#shapes.get(canonical)
    if (shape === undefined && this.#shapes.size < SHAPES_MAX) {
      shape = this.#compile(keys, canonical)
      this.#shapes.set(canonical, shape)
    }
    if (shape != null) slot.shape = shape
    else slot.misfits = MISFITS_MAX
  }

  #compile(keys: string[], canonical: string): Shape | null {
    const typeId = fingerprint(canonical)
    if (!isShape(keys, canonical) || !this.#addType(typeId, canonical)) return null
    const source = `'use strict'
return function encode(value) {
let i = 0
for (const key in value) if (key !== keys[i++]) return -1
if (i !== ${keys.length}) return -1
${keys.map((key, i) => `const v${i} = value[${JSON.stringify(key)}]`).join('\n')}
let at = ${tagWords(keys.length)}
${keys.map((_, i) => `if ((at = put(${i}, v${i}, at)) < 0) return -1`).join('\n')}
return at > ${this.#wordsMax} ? -1 : at * 4
}
//# sourceURL=flyshuttle-flat-out-${typeId.toString(16).padStart(8, '0')}.js`
    const encode = new Function('keys', 'put', source)(keys, this.#put) as EncodeShape
    return { typeId, keys, encode }
  }
}

/** Writes a value at word `at` and its tag at byte `i`; the word after it, or -1: not flat. */
export type Put = (i: number, value: unknown, at: number) => number

/** `setLimit` says before which word all text has to end. */
export function createPut(views: Views): { put: Put; setLimit: (word: number) => void } {
  const { bytes: u8, i32, f64 } = views
  const buffer = views.buffer as StringBuffer
  let limit = 0

  const putText = (i: number, text: string, at: number): number => {
    const chars = text.length
    const leftBytes = (limit - at - 1) * 4
    // Three bytes per char is the most that UTF-8 takes.
    if (chars * 3 > leftBytes) return -1
    if (chars <= ASCII_CHARS_MAX) {
      let all = 0
      let word = at + 1
      let k = 0
      for (; k + 4 <= chars; k += 4) {
        const a = text.charCodeAt(k)
        const b = text.charCodeAt(k + 1)
        const c = text.charCodeAt(k + 2)
        const d = text.charCodeAt(k + 3)
        all |= a | b | c | d
        i32[word++] = a | (b << 8) | (c << 16) | (d << 24)
      }
      if (k < chars) {
        let rest = 0
        for (let shift = 0; k < chars; k++, shift += 8) {
          const a = text.charCodeAt(k)
          all |= a
          rest |= a << shift
        }
        i32[word++] = rest
      }
      if (all < 128) {
        u8[i] = ASCII
        i32[at] = chars
        return word
      }
    }
    const written = buffer.utf8Write(text, at * 4 + 4, leftBytes)
    u8[i] = UTF8
    i32[at] = written
    return at + 1 + ((written + 3) >>> 2)
  }

  const put: Put = (i, value, at) => {
    if (typeof value === 'number') {
      if ((value | 0) === value) {
        u8[i] = INT
        i32[at] = value
        return at + 1
      }
      const aligned = (at + 1) & -2
      u8[i] = DOUBLE
      f64[aligned >>> 1] = value
      return aligned + 2
    }
    if (typeof value === 'string') return putText(i, value, at)
    if (value === true) u8[i] = TRUE
    else if (value === false) u8[i] = FALSE
    else if (value === null) u8[i] = NULL
    else if (value === undefined) u8[i] = UNDEFINED
    else return -1
    return at
  }
  const setLimit = (word: number): void => {
    limit = word
  }
  return { put, setLimit }
}

type DecodeShape = (offset: number, end: number) => unknown

export class FlatDecoder {
  /** Of each sending thread: two lists of keys may have one fingerprint. */
  readonly #shapes: (Map<number, DecodeShape> | undefined)[] = []
  readonly #compiled = new Map<string, DecodeShape>()
  readonly #reader: Reader
  #lastSource = 0
  #lastTypeId = 0
  #last: DecodeShape | null = null

  constructor(views: Views) {
    this.#reader = createReader(views)
  }

  /**
   * The object that thread `source` wrote at `offset` (a multiple of 8), whose bytes end at `end`.
   * `canonicalOf` finds the keys of a type id of that thread which is new here.
   *
   * @throws ERR_FRAME_CORRUPT when the bytes are no object that an encoder wrote
   */
  decode(
    source: number,
    typeId: number,
    canonicalOf: (typeId: number) => string | undefined,
    offset: number,
    end: number,
  ): unknown {
    if (this.#last === null || this.#lastTypeId !== typeId || this.#lastSource !== source) {
      const shapes = (this.#shapes[source] ??= new Map<number, DecodeShape>())
      let shape = shapes.get(typeId)
      if (shape === undefined) {
        shape = this.#compile(typeId, canonicalOf(typeId))
        shapes.set(typeId, shape)
      }
      this.#last = shape
      this.#lastTypeId = typeId
      this.#lastSource = source
    }
    return this.#last(offset, end)
  }

  #compile(typeId: number, canonical: string | undefined): DecodeShape {
    const known = canonical === undefined ? undefined : this.#compiled.get(canonical)
    if (known !== undefined) return known
    const keys = keysOf(canonical)
    if (keys === null) throw corrupt(`keys ${canonical ?? 'that nobody has told'}`)
    const source = `'use strict'
const { u8, begin, read, finish } = reader
return function decode(offset, end) {
begin(offset, ${tagWords(keys.length)}, end)
${keys.map((_, i) => `const v${i} = read(u8[offset + ${i}])`).join('\n')}
finish()
return { ${keys.map((key, i) => `${JSON.stringify(key)}: v${i}`).join(', ')} }
}
//# sourceURL=flyshuttle-flat-in-${typeId.toString(16).padStart(8, '0')}.js`
    const decode = new Function('reader', source)(this.#reader) as DecodeShape
    this.#compiled.set(canonical as string, decode)
    return decode
  }
}

interface Reader {
  readonly u8: Uint8Array
  readonly begin: (offset: number, tagWords: number, end: number) => void
  readonly read: (tag: number) => unknown
  readonly finish: () => void
}

function createReader(views: Views): Reader {
  const { bytes: u8, i32, f64 } = views
  const buffer = views.buffer as StringBuffer
  let at = 0
  let limit = 0

  const read = (tag: number): unknown => {
    if (tag === INT) return i32[at++]
    if (tag === ASCII) {
      const chars = i32[at] as number
      const first = at + 1
      at = first + ((chars + 3) >>> 2)
      if (chars < 0 || chars > ASCII_CHARS_MAX || at > limit) throw corrupt(`${chars} characters`)
      return chars <= CACHED_CHARS_MAX
        ? cachedText(i32, first, chars)
        : buffer.latin1Slice(first * 4, first * 4 + chars)
    }
    if (tag === DOUBLE) {
      at = (at + 3) & -2
      return f64[(at >>> 1) - 1]
    }
    if (tag === UTF8) {
      const bytes = i32[at] as number
      const first = at + 1
      at = first + ((bytes + 3) >>> 2)
      if (bytes < 0 || at > limit) throw corrupt(`text of ${bytes} bytes`)
      return buffer.utf8Slice(first * 4, first * 4 + bytes)
    }
    if (tag === TRUE || tag === FALSE) return tag === TRUE
    if (tag === NULL) return null
    if (tag === UNDEFINED) return undefined
    throw corrupt(`a value of kind ${tag}`)
  }
  return {
    u8,
    begin: (offset, tags, end) => {
      // Not shifted down from bytes to signed: a region may be larger than 2 GiB.
      at = (offset >>> 2) + tags
      limit = (end + 3) >>> 2
    },
    read,
    finish: () => {
      if (at > limit) throw corrupt('values beyond its end')
    },
  }
}

export function tagWords(keys: number): number {
  return ((keys + 7) & -8) >>> 2
}

function isShape(keys: readonly string[], canonical: string): boolean {
  return (
    keys.length > 0 &&
    keys.length <= KEYS_MAX &&
    canonical.length <= CANONICAL_CHARS_MAX &&
    // An object literal with it would set the prototype.
    !keys.includes('__proto__')
  )
}

/** The keys that a dictionary names, checked: another thread wrote them. */
function keysOf(canonical: string | undefined): string[] | null {
  if (canonical === undefined) return null
  try {
    const keys: unknown = JSON.parse(canonical)
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) return null
    return isShape(keys, canonical) ? keys : null
  } catch {
    return null
  }
}

function corrupt(found: string): FlyshuttleError {
  const wanted = 'an object written by an encoder'
  return new FlyshuttleError('ERR_FRAME_CORRUPT', { thread: '(sender)', found, wanted })
}
