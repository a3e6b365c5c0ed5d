// Emitters for flat records: compiled for one list of keys and one ring, they read an object and
// write its whole frame, as those of structs do (`struct-source.ts`).
//
// How long the frame gets is known only when it has been written, so it is written into the room
// that lies in one piece before the ring's end, and refused when that might not do. A number takes
// at most three words with its alignment; text is written only as far as that many words stay free
// for each of the values.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { Views } from '../memory/region.js'
import { Tag, createPut, tagWords, type Shape } from './flat.js'
import type { Emit, EmitLane } from './struct.js'

const VALUE_WORDS_MAX = 3

/** A new emitter for objects of `shape`. `lane.units` is the most that a frame may take. */
export function flatEmitter(views: Views, shape: Shape, lane: EmitLane): Emit {
  const { put, setLimit } = createPut(views)
  const source = emitterSource(shape, lane.number)
  return new Function('i32', 'u8', 'f64', 'keys', 'put', 'setLimit', 'lane', source)(
    views.i32,
    views.bytes,
    views.f64,
    shape.keys,
    put,
    setLimit,
    lane,
  ) as Emit
}

function emitterSource({ keys, typeId }: Shape, number: number): string {
  const names = keys.map((key) => JSON.stringify(key))
  const first = (FRAME_HEADER_BYTES >>> 2) + tagWords(keys.length)
  const reserve = VALUE_WORDS_MAX * keys.length
  return `'use strict'
const { cursor, gate, kept, versionIndex, fullIndex, data, mask, units } = lane
const { word0, word1, sourceShift, subjectId, typeId } = lane
const plain = Object.prototype
const prototypeOf = Object.getPrototypeOf
return function emit(value, agent) {
${keys.map((_, k) => `let v${k}`).join('\n')}
read: {
if (typeof value !== 'object' || value === null || prototypeOf(value) !== plain) break read
let i = 0
for (const key in value) if (key !== keys[i++]) break read
if (i !== ${keys.length}) break read
try {
${names.map((name, k) => `v${k} = value[${name}]`).join('\n')}
} catch {
break read
}
const tail = cursor[0]
const index = tail & mask
const free = (cursor[1] - tail) | 0
const toEnd = mask + 1 - index
const room = free < toEnd ? free : toEnd
const word = (data >>> 2) + (index << 1)
const limit = word + ((room < units ? room : units) << 1) - ${reserve}
const byte = (word << 2) + ${FRAME_HEADER_BYTES}
let at = word + ${first}
write: {
if (i32[versionIndex] !== gate[0] || i32[fullIndex] !== 0 || at > limit) break write
setLimit(limit)
${keys.map((_, k) => valueSource(k)).join('\n')}
const next = (tail + ((at - word + 1) >>> 1)) | 0
i32[word] = word0 | ((at - word) << 2)
i32[word + 1] = word1 | (agent << sourceShift)
i32[word + 2] = subjectId
i32[word + 3] = typeId
cursor[0] = next
return ((next - cursor[4]) | 0) < 0 ? 0 : 1
}
kept.value = { ${names.map((name, k) => `${name}: v${k}`).join(', ')} }
return -1
}
kept.value = value
return -1
}
//# sourceURL=flyshuttle-flat-emit-${typeId.toString(16).padStart(8, '0')}-${number}.js`
}

/** Numbers are written here, so that V8 learns for each key by itself what it holds. */
function valueSource(k: number): string {
  return `if (typeof v${k} === 'number') {
if ((v${k} | 0) === v${k}) {
u8[byte + ${k}] = ${Tag.Int}
i32[at++] = v${k}
} else {
u8[byte + ${k}] = ${Tag.Double}
at = (at + 3) & -2
f64[(at >>> 1) - 1] = v${k}
}
} else if ((at = put(byte + ${k}, v${k}, at)) < 0) break write`
}
