// Writes the JavaScript source of a bound publisher: a function that takes the fields of one struct
// as arguments and writes the whole frame, so that the program makes no object for it.
//
// For { price: f64, flags: u8 } and the names ['flags', 'price'] it reads, in essence:
//
//   function publisher(v1, v0)
//     if (way[4] === 1 && refused(v1)) return true            the filters that stand in the source
//     if (way[0] === version) {                               open?
//       if (way[4] === 2 && refuses(v1, v0)) return true      others
//       if (!(typeof v0 !== 'number' || …)) {
//         const start = claim()             room, and the header; -1 where there is none
//         if (start >= 0) {
//           f64[start + 2] = v0
//           …
//           return true
//         }
//       }
//     }
//     return otherwise(v1, v0) === true     known to be a boolean, where V8 sees no further
//
//   function refused(v1)
//     return way[0] === version && !(h0(v1))
//
//   function otherwise(v1, v0)
//     return prepare() ? publisher(v1, v0) : publish({ price: v0, flags: v1 })
//
// `prepare` is for a frame that would reach the cursor's `Quiet`: the batch is full, or nobody has
// been told of it, or the ring ends or fills up. True: it does not reach it any more. The long way
// is that of any publish: it checks once more, says what is wrong, waits, finds out where the
// subject leads now, and aims the way. Arguments are plain values, so no foreign code runs in
// between. `claim` moves the tail, which is shortest, where the stores cannot throw; else that is
// the last thing done, so that half a frame is never part of a batch.
//
// It is kept short: V8 copies a function of up to 460 bytes of bytecode into the loop that calls
// it, and then no number is boxed for the call. With all that is copied into it, and a fifth as
// much again, it has to fit into the 920 bytes that one loop may take in.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import {
  fieldSources,
  keyOf,
  storesSource,
  wordsSource,
  type FieldSource,
  type Place,
  type PlacedFields,
} from './field-source.js'
import type { Question } from './filter-source.js'
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
  ...['cursors', 'way', 'publish', 'prepare'].map((name) => [name, `lane.${name}`] as const),
  ['mask', 'lane.numbers?.mask'],
  ['theLane', 'lane'],
]

/** What is to be known of a `StructCodec`. */
export interface PublishedStruct extends PlacedFields {
  readonly typeId: number
}

/**
 * Words of a publisher's way: the shared version for which it is open; where the ring's cursor is
 * among the cursors; where its data is in the region, in units of 8 bytes; the word that counts
 * full mailboxes; which filters of the only receiver are to be asked, one of `PublisherAsks`.
 */
export const PublisherWay = { Gate: 0, Cursor: 1, Data: 2, Full: 3, Asks: 4 } as const
/** None; those that stand in the source; others, by the lane's `refuses`. */
export const PublisherAsks = { None: 0, Standing: 1, Others: 2 } as const

/** The numbers of a lane. They stand in the source, but for the mask: that is shortest. */
export interface PublisherNumbers {
  readonly versionIndex: number
  readonly mask: number
  /** Of the whole frame, in units of 8 bytes. */
  readonly units: number
  readonly word0: number
  readonly word1: number
  readonly subjectId: number
}

/**
 * Source of a function body with the parameters `views`, `host` and `lane` (a `PublisherLane`),
 * returning the publisher. `names` has every field once. Without numbers it has the long way only.
 * `standing` asks of the locals `v0`, `v1` …, which are the fields as declared.
 * `number` is different for each publisher: V8 folds constants into the only closure of a source.
 */
export function publisherSource(
  struct: PublishedStruct,
  names: readonly string[],
  numbers: PublisherNumbers | null,
  standing: Question | null,
  number: number,
): string {
  const { fields, typeId } = struct
  const all = Object.keys(fields)
  const parameters = names.map((name) => `v${all.indexOf(name)}`).join(', ')
  const literal = all.map((name, i) => `${keyOf(JSON.stringify(name))}: v${i}`).join(', ')
  const sources = fieldSources(struct, AT_START, FRAME_HEADER_BYTES)
  const isLate = sources.some(({ isCall }) => isCall)
  const slowly = `publish({ ${literal} })`
  const asked =
    standing === null ? '' : `ours[4] === ${PublisherAsks.Standing} && ${refusal(standing)}`
  const functions =
    numbers === null
      ? `return function publisher(${parameters}) { return ${slowly} }`
      : `${wordsSource(fields)}${claimSource(numbers, typeId, isLate)}
${standing === null ? '' : refusedSource(standing, numbers)}
function otherwise(${parameters}) {
return prepare() ? publisher(${parameters}) : ${slowly}
}
function publisher(${parameters}) {
const ours = way
${asked && `if (${asked}) return true`}
if (ours[0] === view_i32[${numbers.versionIndex}]) {
if (ours[4] === ${PublisherAsks.Others} && theLane.refuses(${parameters})) return true
${fastSource(sources, isLate)}}
return otherwise(${parameters}) === true
}
return publisher`
  const holds = (standing?.holds ?? []).map(
    (_, i) => [`h${i}`, `lane.standing.holds[${i}]`] as const,
  )
  const given = [...GIVEN, ...holds]
  return `'use strict'
return (function (${given.map(([name]) => name).join(', ')}) {
${functions}
})(${given.map(([, place]) => place).join(', ')})
//# sourceURL=flyshuttle-publisher-${typeId.toString(16).padStart(8, '0')}-${number}.js`
}

/** Whether the filters that stand in the source refuse the message: apart, for the length. */
function refusedSource(standing: Question, { versionIndex }: PublisherNumbers): string {
  return `function ${refusal(standing)} {
return way[0] === view_i32[${versionIndex}] && !(${standing.source})
}`
}

/** The head of that function, and its call. */
function refusal({ source }: Question): string {
  return `refused(${[...new Set(source.match(/\bv\d+\b/g))].join(', ')})`
}

/** Writes the message if there is room. */
function fastSource(sources: readonly FieldSource[], isLate: boolean): string {
  const stores = storesSource(sources, AT_START)
  const isUsed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(stores)
  const locals = [
    'start = claim()',
    ...VIEWS.filter(isUsed).map((view) => `${view} = view_${view}`),
    ...Object.entries(SHIFTS)
      .filter(([name]) => isUsed(name))
      .map(([name, shift]) => `${name} = start << ${shift}`),
  ]
  return `${declared(sources)}if (!(${sources.map(({ wrong }) => wrong).join('\n|| ')})) {
const ${locals.join(', ')}
if (start >= 0) {
${stores}${isLate ? '\ncommit()' : ''}
return true
}
}
`
}

/** `claim` takes room and writes the header; `commit` moves the tail, if `claim` is not to. */
function claimSource(numbers: PublisherNumbers, typeId: number, isLate: boolean): string {
  const { units } = numbers
  const claim = `function claim() {
const ours = way, all = cursors
const cursor = ours[1]
const tail = all[cursor]
const next = (tail + ${units}) | 0
if (((next - all[cursor + 4]) | 0) >= 0 || view_i32[ours[3]] !== 0) return -1
${isLate ? '' : 'all[cursor] = next'}
const start = (ours[2] + (tail & mask)) | 0
const f64 = view_f64
${pairSource(0, numbers.word0, numbers.word1)}
${pairSource(2, numbers.subjectId, typeId)}
return start
}`
  const commit = `function commit() {
const cursor = way[1]
cursors[cursor] = (cursors[cursor] + ${units}) | 0
}`
  return isLate ? `${claim}\n${commit}` : claim
}

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

/** Stores two words from `index` on, the first not 0: at once, if together they are a number. */
function pairSource(index: number, first: number, second: number): string {
  halves.set([first, second])
  const value = double[0] as number
  const place = index === 0 ? 'start' : `start + ${index / 2}`
  if (!Number.isNaN(value)) return `f64[${place}] = ${value}`
  const word = `((${place}) << 1)`
  return `view_i32[${word}] = ${first | 0}\nview_i32[${word} + 1] = ${second | 0}`
}
