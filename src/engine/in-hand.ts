// Which message a thread is handling: found out from what its drain stores anyway.
//
// `taken` moves past a frame before its handler is called, `head` only when the drain of the lane
// is over. So while the first is ahead of the second, the frame that ends at `taken` is in hand,
// and nobody overwrites what lies between. A thread that has died leaves the two as they were.

import { FRAME_HEADER_BYTES, SUBJECT_BYTES_MAX } from '../base/limits.js'
import { DictionaryReader } from '../memory/dictionary.js'
import { LINK_HEAD, LINK_TAKEN, Lane } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { FRAME_KIND_SHIFT, FRAME_LENGTH_MASK, FrameFlag, FrameKind } from '../ring/frame.js'

/** What may stand before a subject that travels inline; each takes eight bytes. */
const BLOCKS = [FrameFlag.Target, FrameFlag.Correlation, FrameFlag.Deadline, FrameFlag.Stream]

/** Subject of the message that `thread` is handling, or null. */
export function subjectInHand(region: Region, thread: number): string | null {
  for (let from = 0; from < region.layout.threads; from++) {
    for (const lane of [Lane.Urgent, Lane.Bulk]) {
      const subject = subjectOn(region, from, thread, lane)
      if (subject !== null) return subject
    }
  }
  return null
}

function subjectOn(region: Region, from: number, to: number, lane: Lane): string | null {
  const { layout, views } = region
  const { i32 } = views
  const words = layout.laneWords(from, to, lane)
  const head = Atomics.load(i32, (words + LINK_HEAD) >>> 2)
  const taken = Atomics.load(i32, (words + LINK_TAKEN) >>> 2)
  const capacity = layout.ringBytes(lane) >>> 3
  const isInHand = ((taken - head) | 0) > 0 && ((taken - head) | 0) <= capacity
  if (!isInHand) return null
  const data = layout.ring(from, to, lane)
  let position = head
  let offset = 0
  while (((taken - position) | 0) > 0) {
    offset = data + ((position & (capacity - 1)) << 3)
    const units = (((i32[offset >>> 2] as number) & FRAME_LENGTH_MASK) + 7) >>> 3
    if (units === 0) return null
    position = (position + units) | 0
  }
  const subject = position === taken ? subjectAt(region, from, offset) : null
  // If the drain went on meanwhile, what was read may belong to no frame, or to another.
  const isStill = Atomics.load(i32, (words + LINK_TAKEN) >>> 2) === taken
  return isStill && Atomics.load(i32, (words + LINK_HEAD) >>> 2) === head ? subject : null
}

function subjectAt(region: Region, from: number, offset: number): string | null {
  const { i32, buffer } = region.views
  const word = offset >>> 2
  const kind = (i32[word] as number) >>> FRAME_KIND_SHIFT
  if (kind === FrameKind.Reply) return '(reply)'
  if (kind === FrameKind.Control) return '(control)'
  if (kind === FrameKind.Flow) return '(flow)'
  const flags = i32[word + 1] as number
  const subject = i32[word + 2] as number
  if ((flags & FrameFlag.InlineSubject) === 0) {
    return new DictionaryReader(region, from).subject(subject) ?? null
  }
  let start = offset + FRAME_HEADER_BYTES
  for (const flag of BLOCKS) if ((flags & flag) !== 0) start += 8
  // Whatever the frame says: no subject is longer.
  return buffer.toString('latin1', start, start + Math.min(subject >>> 0, SUBJECT_BYTES_MAX))
}
