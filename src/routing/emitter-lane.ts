// What an emitter has to know of the link it writes into, whatever kind of frame it writes.

import { EMITTERS_MAX } from '../base/limits.js'
import type { EmitterLane } from '../codec/struct.js'
import type { LinkWriter } from '../link/outbox.js'
import { HEADER_VERSION } from '../memory/layout.js'
import { FRAME_SOURCE_SHIFT } from '../ring/frame.js'

/** More than V8 keeps on its moving heap: compiled code knows where the words lie. */
const GATE_BYTES = 128

/** What lies beyond is no signed 32-bit number, as the compiled code needs. */
const DATA_END_MAX = 2 ** 31

/** By all engines of this thread. */
let emittersMade = 0

/** Words by which an emitter goes; all 0. What they mean is their maker's. */
export function newGate(): Int32Array {
  return new Int32Array(new ArrayBuffer(GATE_BYTES))
}

/** Whether code for this link may be compiled: it is not given back. */
export function mayCompile({ ring }: LinkWriter): boolean {
  return emittersMade < EMITTERS_MAX && ring.data + ring.ringBytes <= DATA_END_MAX
}

/**
 * Words 0, 1 and 3 are the caller's; they are signed, as the ring's are: V8 boxes what is larger.
 */
export function laneInto(
  link: LinkWriter,
  gate: Int32Array,
  kept: { value: unknown },
  units: number,
): Omit<EmitterLane, 'word0' | 'word1' | 'typeId'> {
  const { ring } = link
  return {
    cursor: ring.cursor,
    gate,
    kept,
    data: ring.data,
    mask: ring.capacity - 1,
    units,
    indexMax: ring.capacity - units,
    reserveUnits: 0,
    number: emittersMade++,
  }
}

/** What emitters of routed messages know besides. */
export function routeOf(link: LinkWriter, subjectId: number) {
  const sourceShift = FRAME_SOURCE_SHIFT
  return { versionIndex: HEADER_VERSION >>> 2, fullIndex: link.fullIndex, sourceShift, subjectId }
}
