// Writes the JavaScript source of a bound publisher: a function that takes the fields of one struct
// as arguments and writes the whole frame, so that the program makes no object for it.
//
// For { price: f64, flags: u8 } and the names ['flags', 'price'] it reads, in essence:
//
//   function publisher(v1, v0)
//     const start = claim()                      room, and the header; -1 where the way is shut
//     if (start >= 0 && !(typeof v0 !== 'number' || …)) {
//       f64[start + 2] = v0
//       …
//       return commit()                          moves the tail
//     }
//     return refuses(v1, v0) ? true : publish({ "price": v0, "flags": v1 })
//
// The long way is that of any publish: it checks once more, says what is wrong, waits, finds out
// where the subject leads now, and aims the way. Arguments are plain values, so no foreign code
// runs in between, and what was stored of a message that was then refused lies in free room.
//
// It is kept short: V8 copies a function of up to 460 bytes of bytecode into the loop that calls
// it, and then no number is boxed for the call.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import { fieldSource, keyOf, type FieldSource, type Place } from './field-source.js'
import type { Fields } from './schema.js'
import { declared } from './struct-source.js'

/** Where the frame starts: locals, counted in elements of so many bits. */
const AT_START: Place = { 8: 'byte', 16: 'half', 32: 'word', 64: 'start', isCompact: true }
const SHIFTS = { word: 1, half: 2, byte: 3 }
const VIEWS = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'f64', 'u64', 'i64', 'buffer']

/** What is to be known of a `StructCodec`. */
export interface PublishedStruct {
  readonly fields: Fields
  readonly offsets: readonly number[]
  readonly typeId: number
}

/** The numbers of a lane that stand in the source as they are: that is shortest. */
export interface PublisherNumbers {
  readonly versionIndex: number
  readonly mask: number
  /** Of the whole frame, in units of 8 bytes. */
  readonly units: number
  /** The last index at which a frame fits before the ring's end. */
  readonly indexMax: number
  readonly batchUnits: number
  readonly highWaterUnits: number
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
  const views = VIEWS.map((view) => `${view === 'u8' ? 'bytes' : view}: view_${view}`)
  const claim = numbers === null ? '' : claimSource(numbers, typeId)
  const fast = numbers === null ? '' : fastSource(sources)
  return `'use strict'
const { ${views.join(', ')} } = views
const { isUint8Array, optionIndex } = host
const { isPlainAscii, wordOfAscii, writeAscii, utf8Bytes, writeUtf8, bytesIn } = host
const { cursors: allCursors, way: theWay, publish, settle } = lane
const theLane = lane
${claim}const publishSlowly = (${parameters}) => {
const { refuses } = theLane
return refuses !== null && refuses(${parameters}) ? true : publish({ ${literal} })
}
return function publisher(${parameters}) {
${fast}return publishSlowly(${parameters})
}
//# sourceURL=flyshuttle-publisher-${typeId.toString(16).padStart(8, '0')}-${number}.js`
}

function fastSource(sources: readonly FieldSource[]): string {
  const stores = sources.map(({ store }) => store).join('\n')
  const isUsed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(stores)
  const locals = [
    'start = claim()',
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
  const { versionIndex, mask, units, indexMax, batchUnits, highWaterUnits } = numbers
  return `const claim = () => {
const way = theWay, cursors = allCursors, i32 = view_i32
const cursor = way[1]
const tail = cursors[cursor]
const index = tail & ${mask}
if (i32[${versionIndex}] !== way[0] || i32[way[3]] !== 0 || index > ${indexMax}
|| ((cursors[cursor + 1] - tail) | 0) < ${units}) return -1
const start = way[2] + index
const word = start << 1
i32[word] = ${numbers.word0}
i32[word + 1] = ${numbers.word1}
i32[word + 2] = ${numbers.subjectId}
i32[word + 3] = ${typeId | 0}
return start
}
const commit = () => {
const way = theWay, cursors = allCursors
const cursor = way[1]
const tail = (cursors[cursor] + ${units}) | 0
cursors[cursor] = tail
return ((tail - cursors[cursor + 2]) | 0) < ${batchUnits} && cursors[cursor + 3] !== 0
&& ((cursors[cursor + 1] - tail) | 0) >= ${highWaterUnits} ? true : settle()
}
`
}
