// Where the words of a work queue live, and what a slot's state word says.
//
// A queue is one block in the region's queue area: a header that all threads share, and one lane
// for each thread that adds jobs. A lane has a single producer, so adding needs no lock and leaves
// no hole when its thread dies. Thread 0 hands out the blocks; `slot-lane.ts` writes a lane,
// `slot-queue.ts` claims from all of them.
//
//   header  ┌────────┬──────┬──────┬───────┬─────────┬────────┬─────────┬────────┬───────┬─────┐
//           │ paused │ idle │ room │ lanes │ offsets │ opened │ in hand │ counts │ locks │ ids │
//           └────────┴──────┴──────┴───────┴─────────┴────────┴─────────┴────────┴───────┴─────┘
//   lane    ┌─────────────────────────┬─────┬────────┬────────┬────────────┬────────────────┐
//           │ per level: tail, head   │ due │ levels │ states │ rings      │ slots          │
//           │ each alone on its line  │     │        │ C × 4 B│ 5 × C × 4 B│ C × slotBytes  │
//           └─────────────────────────┴─────┴────────┴────────┴────────────┴────────────────┘
//   state   ┌────────┬──────────┬───────────┬──────────────┐   the one truth about a job: rings,
//           │ kind 4 │ thread 6 │ attempt 8 │ generation 14│   heads and the due word are hints
//           └────────┴──────────┴───────────┴──────────────┘   that save looking at every slot
//   slot    ┌──────────────────────────┬─────────┬──────────────────────┐
//           │ header, 56 bytes         │ payload │ id, key, headers     │
//           └──────────────────────────┴─────────┴──────────────────────┘

import { LINE_BYTES } from '../base/limits.js'

/**
 * What a slot's word says first. `Waiting`: for a retry, or for its time. `Held`: taken out of a
 * claim by the thread named, which will put it back. `Dead`: to become a dead letter; `Burying`:
 * becoming one.
 */
export const JobKind = {
  Free: 0,
  Ready: 1,
  Waiting: 2,
  Claimed: 3,
  Held: 4,
  Dead: 5,
  Burying: 6,
} as const
export type JobKind = (typeof JobKind)[keyof typeof JobKind]

export const KIND_SHIFT = 28
export const THREAD_SHIFT = 22
export const THREAD_MASK = 63
export const ATTEMPT_SHIFT = 14
export const ATTEMPT_MASK = 255
export const GENERATION_MASK = 0x3fff

export function stateWord(
  kind: number,
  thread: number,
  attempt: number,
  generation: number,
): number {
  const owner = (thread << THREAD_SHIFT) | (attempt << ATTEMPT_SHIFT)
  return (kind << KIND_SHIFT) | owner | (generation & GENERATION_MASK)
}

export function kindOf(word: number): number {
  return word >>> KIND_SHIFT
}

export function threadOf(word: number): number {
  return (word >>> THREAD_SHIFT) & THREAD_MASK
}

export function attemptOf(word: number): number {
  return (word >>> ATTEMPT_SHIFT) & ATTEMPT_MASK
}

/** An entry of a ring: which slot, and which of its lives is meant. */
export const ENTRY_SLOT_MASK = 0xffff
export const ENTRY_GENERATION_SHIFT = 16

/** Levels of priority, the most urgent first. */
export const LEVELS = 5

/** A slot's header, bytes from its start. The payload follows, then id, key and headers. */
export const SLOT_PAYLOAD_BYTES = 0
/** Codec in the low 4 bits, level in the next 4, why it died in the next 8, then `SLOT_LARGE`. */
export const SLOT_CODEC = 4
/**
 * A bit of the codec's word: the payload lies in a block of the chunk area, and here stand the
 * block's number and its generation.
 */
export const SLOT_LARGE = 1 << 16
export const SLOT_BLOCK_BYTES = 8
/** Where the reason begins in the codec's word. */
export const SLOT_REASON_SHIFT = 8
export const SLOT_LEVEL_SHIFT = 4
export const SLOT_TYPE_ID = 8
/** Hash of the key; 0 without. */
export const SLOT_KEY_HASH = 12
/** f64, CLOCK_MONOTONIC in ms: a waiting job is not claimed before. */
export const SLOT_DUE = 16
/** f64: a claim may be taken back from then on, if the tag is the claim's word. */
export const SLOT_ACK_BY = 24
export const SLOT_TAG = 32
/** Bytes of the id in the low half, of the key in the high half. */
export const SLOT_META = 36
/** f64: when it was added. */
export const SLOT_ADDED = 40
export const SLOT_HEADERS_BYTES = 48
export const SLOT_HEADER_BYTES = 56

/** Locks of keys, of an ordered queue. Keys that share one wait for each other; that is all. */
export const KEY_LOCKS = 4096

/** Ids that are remembered: buckets of a lock, three words, and seven entries of four words. */
export const ID_BUCKET_BYTES = 128
export const IDS_PER_BUCKET = 7

export interface QueueGeometry {
  readonly threads: number
  /** Jobs in one lane, a power of two. */
  readonly capacity: number
  /** A multiple of 8. */
  readonly slotBytes: number
  readonly isOrdered: boolean
  /** Buckets of remembered ids, a power of two. */
  readonly idBuckets: number
}

/** Byte offsets from the start of a queue's header. */
export interface QueueLayout {
  readonly paused: number
  /** Two words: a bit for each thread whose consumers wait for a job. */
  readonly idle: number
  /** Two words: a bit for each thread that waits for a free slot of its own. */
  readonly room: number
  /** How many lanes there are. */
  readonly lanes: number
  /** A word for each thread: where its lane is, in units of 8 bytes; 0 for none. */
  readonly laneOffsets: number
  /** A word for each thread: which of its lives has opened the queue last. */
  readonly opened: number
  /** A word for each thread: how many jobs its consumers have in hand. */
  readonly inHand: number
  /** A line for each thread: what became of jobs in its hands. */
  readonly counts: number
  readonly locks: number
  readonly ids: number
  readonly bytes: number
}

/** Byte offsets from the start of a lane. */
export interface LaneLayout {
  readonly due: number
  readonly levels: number
  readonly states: number
  readonly rings: number
  readonly slots: number
  readonly bytes: number
}

const PAGE_BYTES = 4096

export function queueLayoutOf(geometry: QueueGeometry): QueueLayout {
  const { threads, isOrdered, idBuckets } = geometry
  const tableBytes = alignTo(threads * 4, LINE_BYTES)
  const laneOffsets = 4 * LINE_BYTES
  const opened = laneOffsets + tableBytes
  const inHand = opened + tableBytes
  const counts = inHand + tableBytes
  const locks = counts + threads * LINE_BYTES
  const ids = locks + (isOrdered ? KEY_LOCKS * 4 : 0)
  return {
    paused: 0,
    idle: LINE_BYTES,
    room: 2 * LINE_BYTES,
    lanes: 3 * LINE_BYTES,
    laneOffsets,
    opened,
    inHand,
    counts,
    locks,
    ids,
    bytes: alignTo(ids + idBuckets * ID_BUCKET_BYTES, PAGE_BYTES),
  }
}

export function laneLayoutOf({ capacity, slotBytes }: QueueGeometry): LaneLayout {
  const due = LEVELS * 2 * LINE_BYTES
  const states = due + 2 * LINE_BYTES
  const rings = states + capacity * 4
  const slots = alignTo(rings + LEVELS * capacity * 4, LINE_BYTES)
  return {
    due,
    levels: due + LINE_BYTES,
    states,
    rings,
    slots,
    bytes: alignTo(slots + capacity * slotBytes, PAGE_BYTES),
  }
}

/** Offset of a level's tail in a lane; its head is on the next line. */
export function tailOf(level: number): number {
  return level * 2 * LINE_BYTES
}

function alignTo(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit
}
