// Writes the JavaScript source of one struct field: how it is checked, stored and loaded.
//
// `struct-source.ts` and `publisher-source.ts` put the pieces together; see there for what the
// whole looks like. The value is in the local `v0`, `v1` …; what a check works out for the store is
// in locals `n0`, `x1`, `c2_0` …, which whoever puts it together has to declare.

import type { Fields, FieldType } from './schema.js'

/** One field as pieces of source. `wrong` is evaluated before every `store`. */
export interface FieldSource {
  /** Names that `wrong` assigns and `store` uses. */
  readonly locals: readonly string[]
  /** An expression: whether the value has to be refused. */
  readonly wrong: string
  readonly store: string
  /** The store calls what may throw: nothing is left of the stack, or the array is detached. */
  readonly isCall?: true
  /** The same store, of a field that is shorter than a word. */
  readonly part?: Part
  /** An expression. */
  readonly load: string
}

/** So many bytes of a word. */
interface Part {
  readonly at: number
  readonly bytes: number
  /** An expression that is not negative: what to store. */
  readonly value: string
  /** What their bits stand for, given as an expression: with a sign only if they are all four. */
  readonly meaning: (bits: string) => string
}

/** What is to be known of a `StructCodec`: its fields, and their offsets in the payload. */
export interface PlacedFields {
  readonly fields: Fields
  readonly offsets: readonly number[]
}

/** Where a payload is: expressions for its place, counted in elements of so many bits. */
export interface Place {
  readonly 8: string
  readonly 16: string
  readonly 32: string
  readonly 64: string
  /** Few bytes of code matter more than few calls. */
  readonly isCompact: boolean
}

/** A payload at the local `offset`, in bytes. */
export const AT_OFFSET: Place = {
  8: 'offset',
  16: '(offset >>> 1)',
  32: '(offset >>> 2)',
  64: '(offset >>> 3)',
  isCompact: false,
}

/** Above this many options a Map finds the index faster than comparing one by one. */
const COMPARED_OPTIONS_MAX = 8
/** Up to here comparing its number finds an option, and no list is read. */
const READ_OPTIONS_MAX = 4
/** Up to here the characters of an `ascii` field are held in locals between check and store. */
const UNROLLED_ASCII_MAX = 8
/** Up to here, in compact code, they are held in one word. */
const WORD_ASCII_MAX = 4

/**
 * Statements that bind what `load` reads options from, out of a local `options`. They are copies:
 * V8 reads an element of a frozen array by a call.
 */
export function optionsSource(fields: Fields): string {
  return Object.values(fields)
    .flatMap((type, i) => (type.name === 'oneOf' ? [`const options${i} = [...options[${i}]]`] : []))
    .join('\n')
}

/**
 * The stores of all fields. Short ones that fill a word together become one store: that is less
 * code, and less to do.
 */
export function storesSource(sources: readonly FieldSource[], place: Place): string {
  const stores = new Map(sources.map((source) => [source, source.store]))
  for (const [word, together] of partsByWord(sources)) {
    const bytes = together.reduce((sum, { part }) => sum + part.bytes, 0)
    if (together.length === 1 || bytes < 4) continue
    const values = together.map(({ part }) => inWord(part.value, part.at % 4))
    for (const { source } of together) stores.delete(source)
    const element = elementOf('i32', place, word * 4)
    stores.set(
      (together[0] as { source: FieldSource }).source,
      `${element} = ${values.join(' | ')}`,
    )
  }
  return [...stores.values()].join('\n')
}

/**
 * The loads of all fields, in their order. Short ones that share a word read it once: into locals
 * that the statements `words` declare.
 */
export function loadsSource(
  sources: readonly FieldSource[],
  place: Place,
): { words: string; loads: readonly string[] } {
  const loads = new Map(sources.map((source) => [source, source.load]))
  const words: string[] = []
  for (const [word, together] of partsByWord(sources)) {
    if (together.length === 1) continue
    words.push(`const bits${word} = ${elementOf('i32', place, word * 4)}\n`)
    for (const { source, part } of together) {
      loads.set(source, part.meaning(`(${outOfWord(`bits${word}`, part)})`))
    }
  }
  return { words: words.join(''), loads: [...loads.values()] }
}

/** The fields that are parts of a word. */
function partsByWord(sources: readonly FieldSource[]): Map<number, Held[]> {
  const words = new Map<number, Held[]>()
  for (const source of sources) {
    const { part } = source
    if (part === undefined || (part.at + part.bytes - 1) >> 2 !== part.at >> 2) continue
    words.set(part.at >> 2, [...(words.get(part.at >> 2) ?? []), { source, part }])
  }
  return words
}

interface Held {
  readonly source: FieldSource
  readonly part: Part
}

/** Some bytes of a word, as a number without a sign unless they are all four. */
function outOfWord(word: string, { at, bytes }: Part): string {
  const k = at % 4
  if (k + bytes === 4) return k === 0 ? word : `${word} >>> ${8 * k}`
  const shifted = k === 0 ? word : `${word} >> ${8 * k}`
  return `${shifted} & ${2 ** (8 * bytes) - 1}`
}

/** A value of few bits as byte `k` of a word. */
function inWord(value: string, k: number): string {
  return k === 0 ? value : `${value} << ${8 * k}`
}

/**
 * Functions that compact code calls: -1, or the word of a short text. A text of the length that its
 * field has, as codes have it, is read without a loop.
 */
export function wordsSource(fields: Fields): string {
  const limits = Object.values(fields)
    .filter(({ name, limit }) => name === 'ascii' && limit <= WORD_ASCII_MAX)
    .map(({ limit }) => limit)
  return [...new Set(limits)].map(wordSource).join('')
}

function wordSource(limit: number): string {
  const all = (pick: (k: number) => string, between: string): string =>
    Array.from({ length: limit }, (_, k) => pick(k)).join(between)
  return `function wordOf${limit}(text) {
if (typeof text === 'string' && text.length === ${limit}) {
const ${all((k) => `c${k} = text.charCodeAt(${k})`, ', ')}
const less = ${all((k) => `(c${k} - 1)`, ' | ')}
if (less >>> 0 < 127) return ${all((k) => inWord(`c${k}`, k), ' | ')}
}
return wordOfAscii(text, ${limit})
}
`
}

/** A key of an object literal. Quoted it names a prototype where computed it names a field. */
export function keyOf(name: string): string {
  return name === '"__proto__"' ? `[${name}]` : name
}

/** The pieces of all fields of a payload that begins so many bytes after `place`. */
export function fieldSources(
  { fields, offsets }: PlacedFields,
  place: Place,
  bytesBefore = 0,
): readonly FieldSource[] {
  return Object.values(fields).map((type, i) =>
    fieldSource(type, i, bytesBefore + (offsets[i] as number), place),
  )
}

/** The pieces of field number `i`, `at` bytes after `place`. */
function fieldSource(type: FieldType<unknown>, i: number, at: number, place: Place): FieldSource {
  const v = `v${i}`
  const n = `n${i}`
  const byte = (after: number): string => plus(place[8], at + after)
  switch (type.name) {
    case 'f64':
    case 'f32':
      return simple(`typeof ${v} !== 'number'`, type.name)
    case 'u32':
      return simple(`typeof ${v} !== 'number' || ${v} !== (${v} >>> 0)`, 'u32')
    case 'i32':
      return simple(`typeof ${v} !== 'number' || ${v} !== (${v} | 0)`, 'i32')
    case 'i64':
    case 'u64': {
      const narrowed = `BigInt.${type.name === 'i64' ? 'asIntN' : 'asUintN'}(64, ${v})`
      return simple(`typeof ${v} !== 'bigint' || ${v} !== ${narrowed}`, type.name)
    }
    case 'i8':
    case 'u8':
    case 'i16':
    case 'u16': {
      const bits = Number(type.name.slice(1))
      const unsigned = `(${v} & ${2 ** bits - 1})`
      const isUnsigned = type.name.startsWith('u')
      const narrowed = isUnsigned ? unsigned : `(${v} << ${32 - bits} >> ${32 - bits})`
      return {
        ...simple(`typeof ${v} !== 'number' || ${v} !== ${narrowed}`, type.name),
        part: {
          at,
          bytes: bits / 8,
          value: isUnsigned ? v : unsigned,
          meaning: (read) => (isUnsigned ? read : `(${read} << ${32 - bits} >> ${32 - bits})`),
        },
      }
    }
    case 'bool':
      return {
        locals: [],
        wrong: `typeof ${v} !== 'boolean'`,
        store: `u8[${byte(0)}] = ${v} ? 1 : 0`,
        part: { at, bytes: 1, value: `(${v} ? 1 : 0)`, meaning: (read) => `${read} !== 0` },
        load: `u8[${byte(0)}] !== 0`,
      }
    case 'oneOf': {
      const element = elementOf(type.sizeBytes === 1 ? 'u8' : 'u16', place, at)
      const option = (read: string): string => optionSource(type.options, i, read)
      return {
        locals: [`x${i}`],
        wrong: `(x${i} = ${optionIndexSource(type.options, i)}) < 0`,
        store: `${element} = x${i}`,
        part: { at, bytes: type.sizeBytes, value: `x${i}`, meaning: option },
        load: option(element),
      }
    }
    case 'ascii':
      return type.limit <= (place.isCompact ? WORD_ASCII_MAX : UNROLLED_ASCII_MAX)
        ? shortAsciiSource(type.limit, i, place, at)
        : {
            locals: [],
            wrong: `typeof ${v} !== 'string' || ${v}.length > ${type.limit} || !isPlainAscii(${v})`,
            store: `writeAscii(u8, ${byte(0)}, ${type.limit}, ${v})`,
            isCall: true,
            load: `readAscii(u8, buffer, ${byte(0)}, ${type.limit})`,
          }
    case 'utf8': {
      const length = elementOf('u16', place, at)
      return {
        locals: [n],
        wrong: [
          `typeof ${v} !== 'string'`,
          `${v}.length > ${type.limit}`,
          `(${n} = utf8Bytes(${v})) > ${type.limit}`,
        ].join(' || '),
        store: `${length} = ${n}\nwriteUtf8(u8, buffer, ${byte(2)}, ${v}, ${n})`,
        isCall: true,
        load: `readUtf8(u8, buffer, ${byte(2)}, ${length}, ${type.limit})`,
      }
    }
    case 'bytes': {
      const length = elementOf('u32', place, at)
      return {
        locals: [n],
        wrong: `!isUint8Array(${v}) || (${n} = bytesIn(${v})) > ${type.limit}`,
        store: `${length} = ${n}\nu8.set(${v}, ${byte(4)})`,
        isCall: true,
        load: `readBytes(u8, ${byte(4)}, ${length}, ${type.limit})`,
      }
    }
  }

  function simple(wrong: string, view: NumberView): FieldSource {
    const element = elementOf(view, place, at)
    return { locals: [], wrong, store: `${element} = ${v}`, load: element }
  }
}

type NumberView = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64' | 'u64' | 'i64'

/** The element of a view at a constant distance from the payload's start. */
function elementOf(view: NumberView, place: Place, at: number): string {
  const bits = Number(view.slice(1)) as 8 | 16 | 32 | 64
  return `${view}[${plus(place[bits], (at * 8) / bits)}]`
}

function plus(base: string, distance: number): string {
  return distance === 0 ? base : `${base} + ${distance}`
}

/** -1 when the value is none of the options. */
function optionIndexSource(options: readonly string[], i: number): string {
  const v = `v${i}`
  if (options.length > COMPARED_OPTIONS_MAX) return `optionIndex[${i}].get(${v}) ?? -1`
  const compared = options.map((option, k) => `${v} === ${JSON.stringify(option)} ? ${k} : `)
  return `${compared.join('')}-1`
}

/** Throws where the index is that of none. */
function optionSource(options: readonly string[], i: number, index: string): string {
  const otherwise = `readOption(options${i}, ${index})`
  // Here, not in `readOption`, which all structs share: V8 would compile it for none of them.
  if (options.length > READ_OPTIONS_MAX) return `(options${i}[${index}] ?? ${otherwise})`
  const compared = options.map((option, k) => `${index} === ${k} ? ${JSON.stringify(option)} : `)
  return `(${compared.join('')}${otherwise})`
}

/** Few characters are read once into locals, zero past the end: storing them needs no branch. */
function shortAsciiSource(limit: number, i: number, place: Place, at: number): FieldSource {
  const v = `v${i}`
  const n = `n${i}`
  const numbers = Array.from({ length: limit }, (_, k) => k)
  const bytes = numbers.map((k) => `u8[${plus(place[8], at + k)}]`)
  const joined = (all: string[]): string => all.map(inWord).join(' | ')
  const textOf = (word: string): string => `asciiOfWord(${word})`
  const load =
    limit <= 4 ? textOf(joined(bytes)) : `readAscii(u8, buffer, ${plus(place[8], at)}, ${limit})`
  if (place.isCompact) {
    return {
      locals: [n],
      wrong: `(${n} = wordOf${limit}(${v})) < 0`,
      store: bytes.map((byte, k) => `${byte} = ${n} >>> ${8 * k}`).join('\n'),
      part: { at, bytes: limit, value: n, meaning: textOf },
      load,
    }
  }
  const chars = numbers.map((k) => `c${i}_${k}`)
  const reads = chars.map((char, k) => `(${char} = ${n} > ${k} ? ${v}.charCodeAt(${k}) : 0)`)
  return {
    locals: [n, ...chars],
    wrong: [
      `typeof ${v} !== 'string'`,
      `(${n} = ${v}.length) > ${limit}`,
      `(${reads.join(' | ')}) > 127`,
      ...chars.map((char, k) => `(${char} === 0 && ${n} > ${k})`),
    ].join(' || '),
    store: bytes.map((byte, k) => `${byte} = ${chars[k]}`).join('\n'),
    ...(limit <= 4 && { part: { at, bytes: limit, value: `(${joined(chars)})`, meaning: textOf } }),
    load,
  }
}
