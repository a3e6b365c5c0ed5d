// Writes the JavaScript source of one struct's encoder, decoder and lazy view; `struct.ts` compiles
// and binds it.
//
// For { price: f64, side: oneOf('buy', 'sell') } it reads, in essence:
//
//   encode(value, offset)   const v0 = value["price"], v1 = value["side"]     read everything,
//                           if (typeof v0 !== "number") refuse(0, v0)         check everything,
//                           const x1 = v1 === "buy" ? 0 : v1 === "sell" ? 1 : refuse(1, v1)
//                           f64[(offset >>> 3) + 0] = v0                      then store
//                           u8[offset + 8] = x1
//   decode(offset)          return { ["price"]: f64[(offset >>> 3) + 0],
//                                    ["side"]: readOption(options[1], u8[offset + 8]) }
//
// What must stay true: nothing that a user chose gets into the source but as a JSON string.
// `["__proto__"]` is always a computed key, so that it names a field and not a prototype.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { FieldType, Fields } from './schema.js'

/** One field as pieces of source. `check` comes before every `store`. */
interface FieldSource {
  readonly check: string
  readonly store: string
  /** An expression. */
  readonly load: string
}

/** Above this many options a Map finds the index faster than comparing one by one. */
const COMPARED_OPTIONS_MAX = 8
/** Up to here the characters of an `ascii` field are held in locals between check and store. */
const UNROLLED_ASCII_MAX = 8

/** Source of a function body with the parameters `views` and `host`, returning a `BoundStruct`. */
export function structSource(fields: Fields, offsets: readonly number[], typeId: number): string {
  const names = Object.keys(fields).map((name) => JSON.stringify(name))
  const sources = Object.values(fields).map((type, i) => fieldSource(type, i, offsets[i] as number))
  const lines = (pick: (source: FieldSource, i: number) => string): string =>
    sources.map(pick).join('\n')
  return `'use strict'
const { bytes: u8, i8, u16, i16, u32, i32, f32, f64, u64, i64, buffer } = views
const { refuse, refuseMessage, expired, isUint8Array, options, optionIndex } = host
const { asciiOfWord, isPlainAscii, writeAscii, readAscii } = host
const { utf8Bytes, writeUtf8, readUtf8, bytesIn, readBytes, readOption } = host
const expiredOffset = -8
let viewed = expiredOffset
function encode(value, offset) {
if (typeof value !== 'object' || value === null) refuseMessage(value)
${lines((_, i) => `const v${i} = value[${names[i]}]`)}
${lines((source) => source.check)}
${lines((source) => source.store)}
}
function decode(offset) {
return {
${lines((source, i) => `${keyOf(names[i] as string)}: ${source.load},`)}
}
}
class StructView {
toJSON() {
if (viewed < 0) expired('toJSON')
return decode(viewed)
}
${lines(
  (source, i) => `get [${names[i]}]() {
const offset = viewed
if (offset < 0) expired(${names[i]})
return ${source.load}
}`,
)}
}
const lazy = Object.freeze(new StructView())
return {
encode,
decode,
view(offset) {
viewed = offset
return lazy
},
expire() {
viewed = expiredOffset
},
}
//# sourceURL=flyshuttle-struct-${typeId.toString(16).padStart(8, '0')}.js`
}

/** A key of an object literal. Quoted it names a prototype where computed it names a field. */
function keyOf(name: string): string {
  return name === '"__proto__"' ? `[${name}]` : name
}

/**
 * Source of a function body with the parameters `views`, `host` and `lane`, returning an `Emit`:
 * encodes and commits one frame, header included, in one piece of straight code.
 *
 *   emit(value, agent)      read and check every field as above     user code runs here, if ever
 *                           the gate is shut, or no room? keep what was read; return -1
 *                           store header and fields; move the cursor's tail
 *                           return 0, or 1 when there is more to do than that
 *
 * All it needs of the ring is numbers, handed in once: V8 compiles them in as constants, because
 * the function is the only closure of its source (which `lane.number` makes unique).
 */
export function emitterSource(
  fields: Fields,
  offsets: readonly number[],
  typeId: number,
  number: number,
): string {
  const names = Object.keys(fields).map((name) => JSON.stringify(name))
  const sources = Object.values(fields).map((type, i) => fieldSource(type, i, offsets[i] as number))
  const lines = (pick: (source: FieldSource, i: number) => string): string =>
    sources.map(pick).join('\n')
  return `'use strict'
const { bytes: u8, i8, u16, i16, u32, i32, f32, f64, u64, i64, buffer } = views
const { refuse, refuseMessage, isUint8Array, optionIndex } = host
const { isPlainAscii, writeAscii, utf8Bytes, writeUtf8, bytesIn } = host
const { cursor, gate, kept, versionIndex, fullIndex, data, mask, units, indexMax } = lane
const { batchUnits, highWaterUnits, word0, word1, sourceShift, subjectId, typeId } = lane
return function emit(value, agent) {
if (typeof value !== 'object' || value === null) refuseMessage(value)
${lines((_, i) => `const v${i} = value[${names[i]}]`)}
${lines((source) => source.check)}
const tail = cursor[0]
const index = tail & mask
const next = (tail + units) | 0
const left = (cursor[1] - next) | 0
if (i32[versionIndex] !== gate[0] || i32[fullIndex] !== 0 || left < 0 || index > indexMax) {
kept.value = { ${names.map((name, i) => `${keyOf(name)}: v${i}`).join(', ')} }
return -1
}
const start = data + (index << 3)
const offset = start + ${FRAME_HEADER_BYTES}
${lines((source) => source.store)}
const word = start >>> 2
i32[word] = word0
i32[word + 1] = word1 | (agent << sourceShift)
i32[word + 2] = subjectId
i32[word + 3] = typeId
cursor[0] = next
return ((next - cursor[2]) | 0) < batchUnits && cursor[3] !== 0 && left >= highWaterUnits ? 0 : 1
}
//# sourceURL=flyshuttle-emit-${typeId.toString(16).padStart(8, '0')}-${number}.js`
}

function fieldSource(type: FieldType<unknown>, i: number, at: number): FieldSource {
  const v = `v${i}`
  const byte = at === 0 ? 'offset' : `offset + ${at}`
  const refuse = `refuse(${i}, ${v})`
  switch (type.name) {
    case 'f64':
    case 'f32':
      return simple(`typeof ${v} !== 'number'`, element(type.name, at))
    case 'u32':
      return simple(`typeof ${v} !== 'number' || (${v} >>> 0) !== ${v}`, element('u32', at))
    case 'i32':
      return simple(`typeof ${v} !== 'number' || (${v} | 0) !== ${v}`, element('i32', at))
    case 'i64':
    case 'u64': {
      const narrowed = `BigInt.${type.name === 'i64' ? 'asIntN' : 'asUintN'}(64, ${v})`
      return simple(`typeof ${v} !== 'bigint' || ${narrowed} !== ${v}`, element(type.name, at))
    }
    case 'i8':
    case 'u8':
    case 'i16':
    case 'u16': {
      const bits = Number(type.name.slice(1))
      const narrowed = type.name.startsWith('u')
        ? `(${v} & ${2 ** bits - 1})`
        : `(${v} << ${32 - bits} >> ${32 - bits})`
      return simple(`typeof ${v} !== 'number' || ${narrowed} !== ${v}`, element(type.name, at))
    }
    case 'bool':
      return {
        check: `if (typeof ${v} !== 'boolean') ${refuse}`,
        store: `u8[${byte}] = ${v} ? 1 : 0`,
        load: `u8[${byte}] !== 0`,
      }
    case 'oneOf': {
      const place = element(type.sizeBytes === 1 ? 'u8' : 'u16', at)
      return {
        check: `const x${i} = ${optionIndexSource(type.options, i)}`,
        store: `${place} = x${i}`,
        load: `readOption(options[${i}], ${place})`,
      }
    }
    case 'ascii':
      return type.limit <= UNROLLED_ASCII_MAX
        ? shortAsciiSource(type.limit, i, at)
        : {
            check: [
              `if (typeof ${v} !== 'string' || ${v}.length > ${type.limit}) ${refuse}`,
              `if (!isPlainAscii(${v})) ${refuse}`,
            ].join('\n'),
            store: `writeAscii(u8, ${byte}, ${type.limit}, ${v})`,
            load: `readAscii(u8, buffer, ${byte}, ${type.limit})`,
          }
    case 'utf8': {
      const length = element('u16', at)
      return {
        check: [
          `if (typeof ${v} !== 'string' || ${v}.length > ${type.limit}) ${refuse}`,
          `const n${i} = utf8Bytes(${v})`,
          `if (n${i} > ${type.limit}) ${refuse}`,
        ].join('\n'),
        store: `${length} = n${i}\nwriteUtf8(u8, buffer, offset + ${at + 2}, ${v}, n${i})`,
        load: `readUtf8(u8, buffer, offset + ${at + 2}, ${length}, ${type.limit})`,
      }
    }
    case 'bytes': {
      const length = element('u32', at)
      return {
        check: [
          `if (!isUint8Array(${v})) ${refuse}`,
          `const n${i} = bytesIn(${v})`,
          `if (n${i} > ${type.limit}) ${refuse}`,
        ].join('\n'),
        store: `${length} = n${i}\nu8.set(${v}, offset + ${at + 4})`,
        load: `readBytes(u8, offset + ${at + 4}, ${length}, ${type.limit})`,
      }
    }
  }

  function simple(isWrong: string, place: string): FieldSource {
    return { check: `if (${isWrong}) ${refuse}`, store: `${place} = ${v}`, load: place }
  }
}

type NumberView = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64' | 'u64' | 'i64'

/** The element of a view at a constant distance from the payload's start. */
function element(view: NumberView, at: number): string {
  const shift = Math.log2(Number(view.slice(1)) / 8)
  const base = shift === 0 ? 'offset' : `(offset >>> ${shift})`
  return at === 0 ? `${view}[${base}]` : `${view}[${base} + ${at >>> shift}]`
}

function optionIndexSource(options: readonly string[], i: number): string {
  const v = `v${i}`
  const refuse = `refuse(${i}, ${v})`
  if (options.length > COMPARED_OPTIONS_MAX) return `optionIndex[${i}].get(${v}) ?? ${refuse}`
  const compared = options.map((option, k) => `${v} === ${JSON.stringify(option)} ? ${k} : `)
  return compared.join('') + refuse
}

/** Few characters are read once into locals, zero past the end: storing them needs no branch. */
function shortAsciiSource(limit: number, i: number, at: number): FieldSource {
  const v = `v${i}`
  const places = Array.from({ length: limit }, (_, k) => ({
    char: `c${i}_${k}`,
    byte: at + k === 0 ? 'u8[offset]' : `u8[offset + ${at + k}]`,
    k,
  }))
  const isWrong = [
    `n${i} > ${limit}`,
    `(${places.map(({ char }) => char).join(' | ')}) > 127`,
    ...places.map(({ char, k }) => `(${char} === 0 && n${i} > ${k})`),
  ].join(' || ')
  const word = places.map(({ byte, k }) => (k === 0 ? byte : `${byte} << ${8 * k}`)).join(' | ')
  return {
    check: [
      `if (typeof ${v} !== 'string') refuse(${i}, ${v})`,
      `const n${i} = ${v}.length`,
      ...places.map(({ char, k }) => `const ${char} = n${i} > ${k} ? ${v}.charCodeAt(${k}) : 0`),
      `if (${isWrong}) refuse(${i}, ${v})`,
    ].join('\n'),
    store: places.map(({ char, byte }) => `${byte} = ${char}`).join('\n'),
    load: limit <= 4 ? `asciiOfWord(${word})` : `readAscii(u8, buffer, offset + ${at}, ${limit})`,
  }
}
