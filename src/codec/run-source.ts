// Writes the JavaScript source that hands a run of like frames to their handler; `struct.ts`
// compiles and binds it.
//
//   run(offset, framesLeft, unitsLeft, takenIndex)
//     decode the frame at `offset`; call the handler, if its filter lets the message through
//     is there another, with the same four words, and may it be handled?
//     note in the word `taken` where it ends; from the start
//
// Decoding and the call stand in one loop, and the handler is a constant of it: V8 copies a short
// handler in, sees that the message leaves it nowhere, and makes no object. A lazy one gets the
// struct's view, which ends with its call. Places are 32 bits without a sign: a region may have
// more than 2 GiB.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import {
  AT_OFFSET,
  fieldSources,
  loadsSource,
  optionsSource,
  type PlacedFields,
} from './field-source.js'
import type { Question } from './filter-source.js'

/** What the frames of a run have in common, and their size in units of 8 bytes. */
export interface RunNumbers {
  readonly word0: number
  readonly word1: number
  readonly subjectId: number
  readonly typeId: number
  readonly units: number
}

/**
 * Source of a function body with the parameters `views`, `host` and `lane`, returning a `Run`.
 * `wanted` asks of the local `value`, with the `holds` of the lane, whether it is to be handled.
 */
export function runSource(
  struct: PlacedFields,
  numbers: RunNumbers,
  isLazy: boolean,
  wanted: Question,
  number: number,
): string {
  const { word0, word1, subjectId, typeId, units } = numbers
  const sources = fieldSources(struct, AT_OFFSET)
  const { words, loads } = loadsSource(sources, AT_OFFSET)
  return `'use strict'
const { bytes: u8, i8, u16, i16, i32, u32, f32, f64, u64, i64, buffer } = views
const { Record, options, asciiOfWord, readAscii, readUtf8, readBytes, readOption } = host
${optionsSource(struct.fields)}
const { handler, context, info, mailbox, gate, subject, bound, refuse } = lane
${wanted.bindings}
return function run(first, framesLeft, unitsLeft, takenIndex) {
const open = gate[0]
const last = first + (Math.min(framesLeft, Math.floor(unitsLeft / ${units})) * ${units << 3})
let start = first >>> 0
let taken = i32[takenIndex]
info.renew()
for (;;) {
let value
let isWanted = false
try {
const offset = (start + ${FRAME_HEADER_BYTES}) >>> 0
${isLazy ? 'value = bound.view(offset)' : `${words}value = new Record(${loads.join(',\n')})`}
isWanted = ${wanted.source}
} catch (error) {
refuse(error)
}
if (isWanted) {
try {
const result = handler(value, info, context)
if (result !== undefined) mailbox.returned(result, subject)
} catch (error) {
mailbox.failed(error, subject)
}
}
${isLazy ? 'bound.expire()' : ''}
if (start === last || gate[0] !== open || mailbox.isFree !== true) break
const word = (start >>> 2) + ${units * 2}
if (i32[word] !== ${word0} || i32[word + 1] !== ${word1}) break
if (i32[word + 2] !== ${subjectId} || i32[word + 3] !== ${typeId}) break
start = (start + ${units << 3}) >>> 0
taken = (taken + ${units}) | 0
i32[takenIndex] = taken
}
info.expire()
return (start - first) / ${units << 3}
}
//# sourceURL=flyshuttle-run-${(typeId >>> 0).toString(16).padStart(8, '0')}-${number}.js`
}
