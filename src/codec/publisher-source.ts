// Writes the JavaScript source of a bound publisher: a function that takes the fields of one struct
// as arguments and writes the whole frame, so that the program makes no object for it.
//
// For { price: f64, flags: u8 } and the names ['flags', 'price'] it reads, in essence:
//
//   function publisher(v1, v0)
//     const start = claim(0)                     room, and the header; -1 where the way is shut
//     if (start >= 0 && !(typeof v0 !== 'number' || …)) {
//       f64[start + 2] = v0
//       …
//       return commit()                          moves the tail
//     }
//     return otherwise(v1, v0)
//
//   function otherwise(v1, v0)                   open to those alone who ask the filters first?
//     if (version !== way[4]) return publishSlowly(v1, v0)
//     return refuses(v1, v0) ? true : publishWanted(v1, v0)
//
// `publishWanted` is the first function once more, with the gate of those who have asked. The long
// way is that of any publish: it checks once more, says what is wrong, waits, finds out where the
// subject leads now, and aims the way. Arguments are plain values, so no foreign code runs in
// between, and what was stored of a message that was then refused lies in free room.
//
// It is kept short: V8 copies a function of up to 460 bytes of bytecode into the loop that calls
// it, and then no number is boxed for the call. With all that is copied into it, and a fifth as
// much again, it has to fit into the 920 bytes that one loop may take in.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import { fieldSource, keyOf, type FieldSource, type Place } from './field-source.js'
import type { Fields } from './schema.js'
import { declared } from './struct-source.js'

/** Where the frame starts: locals, counted in elements of so many bits. */
const AT_START: Place = { 8: 'byte', 16: 'half', 32: 'word', 64: 'start', isCompact: true }
const SHIFTS = { word: 1, half: 2, byte: 3 }
const VIEWS = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'f64', 'u64', 'i64', 'buffer']
const TEXT = ['isPlainAscii', 'wordOfAscii', 'writeAscii', 'utf8Bytes', 'writeUtf8', 'bytesIn']

/**
 * What the functions go by, and where it is. They are parameters, because V8 makes sure at every
 * use of an outer `const` that it has a value, which is two bytes of bytecode.
 */
const GIVEN: readonly (readonly [name: string, place: string])[] = [
  ...VIEWS.map((view) => [`view_${view}`, `views.${view === 'u8' ? 'bytes' : view}`] as const),
  ...['isUint8Array', 'optionIndex', ...TEXT].map((name) => [name, `host.${name}`] as const),
  ...['cursors', 'way', 'publish', 'settle'].map((name) => [name, `lane.${name}`] as const),
  ['theLane', 'lane'],
]

/** What is to be known of a `StructCodec`. */
export interface PublishedStruct {
  readonly fields: Fields
  readonly offsets: readonly number[]
  readonly typeId: number
}

/**
 * Words of a publisher's way: the shared version for which it is open; where the ring's cursor is
 * among the cursors; where its data is in the region, in units of 8 bytes; the word that counts
 * full mailboxes; the shared version for which it is open to those who ask the filters first.
 */
export const PublisherWay = { Gate: 0, Cursor: 1, Data: 2, Full: 3, AskingGate: 4 } as const

/** The numbers of a lane that stand in the source as they are: that is shortest. */
export interface PublisherNumbers {
  readonly versionIndex: number
  readonly mask: number
  /** Of the whole frame, in units of 8 bytes. */
  readonly units: number
  /** The last index at which a frame fits before the ring's end. */
  readonly indexMax: number
  readonly word0: number
  readonly word1: number
  readonly subjectId: number
}

/**
 * Source of a function body with the parameters `views`, `host` and `lane` (a `PublisherLane`),
 * returning the publisher. `names` has every field once. Without numbers it has the long way only.
 * `number` is different for each publisher: V8 folds constants into the only closure of a source.
 */
export function publisherSource(
  struct: PublishedStruct,
  names: readonly string[],
  numbers: PublisherNumbers | null,
  number: number,
): string {
  const { fields, offsets, typeId } = struct
  const all = Object.keys(fields)
  const parameters = names.map((name) => `v${all.indexOf(name)}`).join(', ')
  const literal = all.map((name, i) => `${keyOf(JSON.stringify(name))}: v${i}`).join(', ')
  const sources = Object.values(fields).map((type, i) =>
    fieldSource(type, i, FRAME_HEADER_BYTES + (offsets[i] as number), AT_START),
  )
  const slowly = `publish({ ${literal} })`
  const functions =
    numbers === null
      ? `return function publisher(${parameters}) { return ${slowly} }`
      : `${claimSource(numbers, typeId)}function publishSlowly(${parameters}) {
return ${slowly}
}
function publishWanted(${parameters}) {
${fastSource(sources, PublisherWay.AskingGate)}return publishSlowly(${parameters})
}
function otherwise(${parameters}) {
if (view_i32[${numbers.versionIndex}] !== way[4]) return publishSlowly(${parameters})
return theLane.refuses(${parameters}) ? true : publishWanted(${parameters})
}
return function publisher(${parameters}) {
${fastSource(sources, PublisherWay.Gate)}return otherwise(${parameters})
}`
  return `'use strict'
return (function (${GIVEN.map(([name]) => name).join(', ')}) {
${functions}
})(${GIVEN.map(([, place]) => place).join(', ')})
//# sourceURL=flyshuttle-publisher-${typeId.toString(16).padStart(8, '0')}-${number}.js`
}

/** Writes the message if the way is open by this word of it. */
function fastSource(sources: readonly FieldSource[], gate: number): string {
  const stores = sources.map(({ store }) => store).join('\n')
  const isUsed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(stores)
  const locals = [
    `start = claim(${gate})`,
    ...VIEWS.filter(isUsed).map((view) => `${view} = view_${view}`),
    ...Object.entries(SHIFTS)
      .filter(([name]) => isUsed(name))
      .map(([name, shift]) => `${name} = start << ${shift}`),
  ]
  return `const ${locals.join(', ')}
${declared(sources)}if (start >= 0 && !(${sources.map(({ wrong }) => wrong).join('\n|| ')})) {
${stores}
return commit()
}
`
}

/** `claim` finds room and writes the header; what is claimed and not committed is forgotten. */
function claimSource(numbers: PublisherNumbers, typeId: number): string {
  const { versionIndex, mask, units, indexMax } = numbers
  return `function claim(gate) {
const ours = way, all = cursors, i32 = view_i32, f64 = view_f64
const cursor = ours[1]
const tail = all[cursor]
const index = tail & ${mask}
if (i32[${versionIndex}] !== ours[gate] || i32[ours[3]] !== 0 || index > ${indexMax}
|| ((all[cursor + 1] - tail) | 0) < ${units}) return -1
const start = ours[2] + index
${pairSource(0, numbers.word0, numbers.word1)}
${pairSource(2, numbers.subjectId, typeId)}
return start
}
function commit() {
const all = cursors
const cursor = way[1]
const tail = (all[cursor] + ${units}) | 0
all[cursor] = tail
return ((tail - all[cursor + 4]) | 0) < 0 ? true : settle()
}
`
}

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

/** Stores two words from `index` on, the first not 0: at once, if together they are a number. */
function pairSource(index: number, first: number, second: number): string {
  halves.set([first, second])
  const value = double[0] as number
  if (!Number.isNaN(value)) return `f64[start + ${index / 2}] = ${value}`
  const word = `(start << 1) + ${index}`
  return `i32[${word}] = ${first | 0}\ni32[${word} + 1] = ${second | 0}`
}
