// Writes the JavaScript source of one struct's encoder, decoder and lazy view; `struct.ts` compiles
// and binds it.
//
// For { price: f64, side: oneOf('buy', 'sell') } it reads, in essence:
//
//   encode(value, offset)   const v0 = value["price"], v1 = value["side"]     read everything,
//                           if (typeof v0 !== "number") refuse(0, v0)         check everything,
//                           if ((x1 = v1 === "buy" ? 0 : … : -1) < 0) refuse(1, v1)
//                           f64[(offset >>> 3) + 0] = v0                      then store
//                           u8[offset + 8] = x1
//   decode(offset)          return { ["price"]: f64[(offset >>> 3) + 0],
//                                    ["side"]: readOption(options[1], u8[offset + 8]) }
//
// What must stay true: nothing that a user chose gets into the source but as a JSON string.
// `["__proto__"]` is always a computed key, so that it names a field and not a prototype.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import { AT_OFFSET, fieldSource, keyOf, type FieldSource } from './field-source.js'
import type { Fields } from './schema.js'

/** Requester's incarnation and counter, as they follow the header of a reply. */
const CORRELATION_BYTES = 8

/** Source of a function body with the parameters `views` and `host`, returning a `BoundStruct`. */
export function structSource(fields: Fields, offsets: readonly number[], typeId: number): string {
  const names = Object.keys(fields).map((name) => JSON.stringify(name))
  const sources = Object.values(fields).map((type, i) =>
    fieldSource(type, i, offsets[i] as number, AT_OFFSET),
  )
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
${declared(sources)}${lines(({ wrong }, i) => `if (${wrong}) refuse(${i}, v${i})`)}
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
//# sourceURL=flyshuttle-struct-${hexOf(typeId)}.js`
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
  return frameSource(fields, offsets, `emit-${hexOf(typeId)}-${number}`, {
    lane: 'gate, versionIndex, fullIndex, highWaterUnits, sourceShift, subjectId',
    parameters: 'value, agent',
    isRefused: 'i32[versionIndex] !== gate[0] || i32[fullIndex] !== 0 || left < 0',
    payloadAt: FRAME_HEADER_BYTES,
    head: `i32[word + 1] = word1 | (agent << sourceShift)
i32[word + 2] = subjectId`,
    isDone: 'left >= highWaterUnits',
  })
}

/**
 * The same, returning an `EmitReply`: one reply frame, in which the correlation follows the header.
 * There is no gate, since a reply goes to one thread whatever the routes are.
 */
export function replyEmitterSource(
  fields: Fields,
  offsets: readonly number[],
  typeId: number,
  number: number,
): string {
  return frameSource(fields, offsets, `reply-${hexOf(typeId)}-${number}`, {
    lane: 'reserveUnits, word2',
    parameters: 'value, incarnation, counter',
    isRefused: 'left < reserveUnits',
    payloadAt: FRAME_HEADER_BYTES + CORRELATION_BYTES,
    head: `i32[word + 1] = word1
i32[word + 2] = word2
i32[word + 4] = incarnation
i32[word + 5] = counter`,
    isDone: 'true',
  })
}

/** What differs from one kind of frame to the other: names and pieces of source. */
interface FrameParts {
  /** What it takes from `lane` beside what all take. */
  readonly lane: string
  readonly parameters: string
  readonly isRefused: string
  readonly payloadAt: number
  /** Stores words 1 and 2, and those between word 3 and the payload. */
  readonly head: string
  /** Whether nothing is to be done, given that the batch is listed and not full. */
  readonly isDone: string
}

function frameSource(
  fields: Fields,
  offsets: readonly number[],
  file: string,
  { lane, parameters, isRefused, payloadAt, head, isDone }: FrameParts,
): string {
  const names = Object.keys(fields).map((name) => JSON.stringify(name))
  const sources = Object.values(fields).map((type, i) =>
    fieldSource(type, i, offsets[i] as number, AT_OFFSET),
  )
  const lines = (pick: (source: FieldSource, i: number) => string): string =>
    sources.map(pick).join('\n')
  return `'use strict'
const { bytes: u8, i8, u16, i16, u32, i32, f32, f64, u64, i64, buffer } = views
const { refuse, refuseMessage, isUint8Array, optionIndex } = host
const { isPlainAscii, writeAscii, utf8Bytes, writeUtf8, bytesIn } = host
const { cursor, kept, data, mask, units, indexMax, batchUnits, word0, word1, typeId } = lane
const { ${lane} } = lane
return function emit(${parameters}) {
if (typeof value !== 'object' || value === null) refuseMessage(value)
${lines((_, i) => `const v${i} = value[${names[i]}]`)}
${declared(sources)}${lines(({ wrong }, i) => `if (${wrong}) refuse(${i}, v${i})`)}
const tail = cursor[0]
const index = tail & mask
const next = (tail + units) | 0
const left = (cursor[1] - next) | 0
if (${isRefused} || index > indexMax) {
kept.value = { ${names.map((name, i) => `${keyOf(name)}: v${i}`).join(', ')} }
return -1
}
const start = data + (index << 3)
const offset = start + ${payloadAt}
${lines((source) => source.store)}
const word = start >>> 2
i32[word] = word0
${head}
i32[word + 3] = typeId
cursor[0] = next
return ((next - cursor[2]) | 0) < batchUnits && cursor[3] !== 0 && ${isDone} ? 0 : 1
}
//# sourceURL=flyshuttle-${file}.js`
}

/** The locals of all fields, as one declaration. */
export function declared(sources: readonly FieldSource[]): string {
  const names = sources.flatMap(({ locals }) => locals)
  return names.length === 0 ? '' : `let ${names.map((name) => `${name} = 0`).join(', ')}\n`
}

function hexOf(typeId: number): string {
  return typeId.toString(16).padStart(8, '0')
}
