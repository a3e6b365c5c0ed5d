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
//   decode(offset)          return new Record(f64[(offset >>> 3) + 0],
//                                             u8[offset + 8] === 0 ? "buy" : … : readOption(…))
//
// Short fields that share a word are stored and loaded by it, at once.
//
// What must stay true: nothing that a user chose gets into the source but as a JSON string.
// `["__proto__"]` is always a computed key, so that it names a field and not a prototype.

import {
  AT_OFFSET,
  fieldSources,
  keyOf,
  loadsSource,
  optionsSource,
  storesSource,
  type FieldSource,
} from './field-source.js'
import type { FrameSource } from './frame-source.js'
import type { Fields } from './schema.js'

/** Source of a function body with the parameters `views` and `host`, returning a `BoundStruct`. */
export function structSource(fields: Fields, offsets: readonly number[], typeId: number): string {
  const names = Object.keys(fields).map((name) => JSON.stringify(name))
  const sources = fieldSources({ fields, offsets }, AT_OFFSET)
  const { words, loads } = loadsSource(sources, AT_OFFSET)
  const lines = (pick: (source: FieldSource, i: number) => string): string =>
    sources.map(pick).join('\n')
  return `'use strict'
const { bytes: u8, i8, u16, i16, u32, i32, f32, f64, u64, i64, buffer } = views
const { refuse, refuseMessage, expired, isUint8Array, options, optionIndex } = host
const { Record, asciiOfWord, isPlainAscii, writeAscii, readAscii } = host
const { utf8Bytes, writeUtf8, readUtf8, bytesIn, readBytes, readOption } = host
${optionsSource(fields)}
const expiredOffset = -8
let viewed = expiredOffset
function encode(value, offset) {
if (typeof value !== 'object' || value === null) refuseMessage(value)
${lines((_, i) => `const v${i} = value[${names[i]}]`)}
${declared(sources)}${lines(({ wrong }, i) => `if (${wrong}) refuse(${i}, v${i})`)}
${storesSource(sources, AT_OFFSET)}
}
function decode(offset) {
${words}return new Record(${loads.join(',\n')})
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

/**
 * Source of a function body that returns a constructor: a plain object of the fields' values, given
 * in their order.
 *
 * An object literal would have the hidden class of the schema, which a program writes with the same
 * keys and other values: objects, for which V8 keeps every field in a form that holds anything. A
 * number that is no small integer then takes an allocation of its own.
 */
export function recordSource(fields: Fields): string {
  const names = Object.keys(fields)
  const parameters = names.map((_, i) => `v${i}`)
  const keys = names.map((name) => JSON.stringify(name))
  // An assignment would find what a prototype says of this name. Who puts an accessor of that name
  // on it later than this gets what is assigned.
  const isInherited = names.some((name) => name in Object.prototype)
  const body = isInherited
    ? `return { ${keys.map((key, i) => `${keyOf(key)}: v${i}`).join(', ')} }`
    : keys.map((key, i) => `this[${key}] = v${i}`).join('\n')
  return `'use strict'
function Record(${parameters.join(', ')}) {
${body}
}
Record.prototype = Object.prototype
return Record`
}

/**
 * Source of a function body with the parameters `views`, `host` and `lane`, returning an emitter:
 * encodes and commits one frame, header included, in one piece of straight code.
 *
 *   emit(value, …)          read and check every field as above     user code runs here, if ever
 *                           the gate is shut, or no room? keep what was read; return -1
 *                           store header and fields; move the cursor's tail
 *                           return 0, or 1 when there is more to do than that
 *
 * All it needs of the ring is numbers, handed in once: V8 compiles them in as constants, because
 * the function is the only closure of its source (which `number` makes unique).
 */
export function emitterSource(
  fields: Fields,
  offsets: readonly number[],
  typeId: number,
  number: number,
  frame: FrameSource,
): string {
  const names = Object.keys(fields).map((name) => JSON.stringify(name))
  const sources = fieldSources({ fields, offsets }, AT_OFFSET)
  const lines = (pick: (source: FieldSource, i: number) => string): string =>
    sources.map(pick).join('\n')
  return `'use strict'
const { bytes: u8, i8, u16, i16, u32, i32, f32, f64, u64, i64, buffer } = views
const { refuse, refuseMessage, isUint8Array, optionIndex } = host
const { isPlainAscii, writeAscii, utf8Bytes, writeUtf8, bytesIn } = host
const { cursor, gate, kept, data, mask, units, indexMax } = lane
const { reserveUnits, word0, word1, typeId } = lane
const { ${frame.lane} } = lane
return function ${frame.name}(${frame.parameters}) {
if (typeof value !== 'object' || value === null) refuseMessage(value)
${lines((_, i) => `const v${i} = value[${names[i]}]`)}
${declared(sources)}${lines(({ wrong }, i) => `if (${wrong}) refuse(${i}, v${i})`)}
const tail = cursor[0]
const index = tail & mask
const next = (tail + units) | 0
if (${frame.obstacle} || ((cursor[1] - next) | 0) < reserveUnits || index > indexMax) {
kept.value = { ${names.map((name, i) => `${keyOf(name)}: v${i}`).join(', ')} }
return -1
}
const start = data + (index << 3)
const offset = start + ${frame.bytesBefore}
${storesSource(sources, AT_OFFSET)}
const word = start >>> 2
i32[word] = word0
i32[word + 3] = typeId
${frame.stores}
cursor[0] = next
return ((next - cursor[4]) | 0) < 0 ? 0 : 1
}
//# sourceURL=flyshuttle-${frame.name}-${typeId.toString(16).padStart(8, '0')}-${number}.js`
}

/** The locals of all fields, as one declaration. */
export function declared(sources: readonly FieldSource[]): string {
  const names = sources.flatMap(({ locals }) => locals)
  return names.length === 0 ? '' : `let ${names.map((name) => `${name} = 0`).join(', ')}\n`
}
