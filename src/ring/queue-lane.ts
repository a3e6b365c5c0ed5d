// One lane of a work queue: where its words are, and its producing side.
//
// Every thread that knows the queue keeps a `Lane` for each lane; only the thread whose lane it is
// has a `LaneWriter`. A job that a writer has put down is visible to nobody before `publish` moves
// the tail of its level, so a batch costs one atomic store; a writer that dies before has added
// nothing, and its successor takes those slots back. What must stay true: only the writer turns a
// free slot into anything else, and nothing else ever touches a free slot.

import { FlyshuttleError } from '../base/errors.js'
import { LINE_BYTES } from '../base/limits.js'
import type { Views } from '../memory/region.js'
import {
  ENTRY_GENERATION_SHIFT,
  ENTRY_SLOT_MASK,
  GENERATION_MASK,
  JobKind,
  KIND_SHIFT,
  LEVELS,
  SLOT_DUE,
  SLOT_HEADER_BYTES,
  laneLayoutOf,
  stateWord,
  tailOf,
  type QueueGeometry,
} from './queue-layout.js'

// Constants of this module, which V8 folds into compiled code; imported ones it does not.
const FREE = JobKind.Free
const READY_BITS = JobKind.Ready << KIND_SHIFT
const WAITING_BITS = JobKind.Waiting << KIND_SHIFT
const KIND = KIND_SHIFT
const GENERATION = GENERATION_MASK
const SLOT = ENTRY_SLOT_MASK
const ENTRY_GENERATION = ENTRY_GENERATION_SHIFT
const HEADER = SLOT_HEADER_BYTES

/** A due word that is never now: looked at again in twelve days. */
export const FAR_MS = 2 ** 30

/** Indexes into the views for one lane, and what any thread may do with it. */
export class Lane {
  readonly thread: number
  readonly capacity: number
  readonly slotBytes: number
  readonly i32: Int32Array
  readonly f64: Float64Array
  /** Index of the first state word. */
  readonly states: number
  readonly rings: number
  readonly dueIndex: number
  readonly levelsIndex: number
  readonly #base: number
  readonly #slots: number

  /** `base` is the byte offset of the lane in the views. */
  constructor(views: Views, geometry: QueueGeometry, base: number, thread: number) {
    const layout = laneLayoutOf(geometry)
    this.thread = thread
    this.capacity = geometry.capacity
    this.slotBytes = geometry.slotBytes
    this.i32 = views.i32
    this.f64 = views.f64
    this.#base = base
    this.#slots = base + layout.slots
    this.states = (base + layout.states) >>> 2
    this.rings = (base + layout.rings) >>> 2
    this.dueIndex = (base + layout.due) >>> 2
    this.levelsIndex = (base + layout.levels) >>> 2
  }

  /** Byte offset of a slot's header. */
  slot(slot: number): number {
    return this.#slots + slot * this.slotBytes
  }

  payload(slot: number): number {
    return this.#slots + slot * this.slotBytes + HEADER
  }

  tailIndex(level: number): number {
    return (this.#base + tailOf(level)) >>> 2
  }

  headIndex(level: number): number {
    return (this.#base + tailOf(level) + LINE_BYTES) >>> 2
  }

  /** Whether a level's ring entry names a job that nobody has claimed yet. */
  isReady(level: number, position: number): boolean {
    const { capacity } = this
    const entry = this.i32[this.rings + level * capacity + (position & (capacity - 1))] as number
    const word = Atomics.load(this.i32, this.states + (entry & SLOT & (capacity - 1)))
    return (
      word >>> KIND === JobKind.Ready &&
      (word & GENERATION) === ((entry >>> ENTRY_GENERATION) & GENERATION)
    )
  }

  /** Something in this lane is to be looked at by then: a retry, a job for later, a claim's end. */
  lowerDue(dueMs: number): void {
    const due = Math.ceil(dueMs) | 0
    for (;;) {
      // SYNC queue-due: pairs with queue-due in SlotQueue. The job is as it will be found before.
      const known = Atomics.load(this.i32, this.dueIndex)
      if (((known - due) | 0) <= 0) return
      if (Atomics.compareExchange(this.i32, this.dueIndex, known, due) === known) return
    }
  }

  /** How long until something is due, in ms; 0 or less: now. */
  dueInMs(nowMs: number): number {
    return (Atomics.load(this.i32, this.dueIndex) - (Math.floor(nowMs) | 0)) | 0
  }
}

export class LaneWriter {
  readonly lane: Lane
  readonly #i32: Int32Array
  readonly #tails = new Int32Array(LEVELS)
  /** Heads as last seen, or how far a ring may be filled without a look. */
  readonly #limits = new Int32Array(LEVELS)
  readonly #mask: number
  #levels: number
  #next = 0
  #dirty = 0

  /** Takes back what a predecessor had put down and not published. */
  constructor(lane: Lane) {
    this.lane = lane
    this.#i32 = lane.i32
    this.#mask = lane.capacity - 1
    this.#levels = Atomics.load(lane.i32, lane.levelsIndex)
    for (let level = 0; level < LEVELS; level++) {
      this.#tails[level] = Atomics.load(lane.i32, lane.tailIndex(level))
      this.#limits[level] = (Atomics.load(lane.i32, lane.headIndex(level)) + lane.capacity) | 0
    }
    dropUnpublished(lane)
  }

  /** A free slot to write a job into, or -1. It stays free until `commit`. */
  take(level: number): number {
    const { lane } = this
    const tail = this.#tails[level] as number
    if (tail === this.#limits[level] && !this.#findRoom(level)) return -1
    let slot = this.#next
    for (let looked = lane.capacity; looked > 0; looked--) {
      // SYNC slot-free: pairs with slot-free in SlotQueue.finish. Whoever had it has read it all.
      const word = Atomics.load(this.#i32, lane.states + slot)
      const next = (slot + 1) & this.#mask
      if (word >>> KIND === FREE) {
        this.#next = next
        return slot
      }
      slot = next
    }
    return -1
  }

  /** The job that was written into `slot` is whole: it leaves with the next `publish`. */
  commit(slot: number, level: number): void {
    const { lane } = this
    const word = this.#i32[lane.states + slot] as number
    const tail = this.#tails[level] as number
    this.#i32[lane.states + slot] = word | READY_BITS
    this.#i32[lane.rings + level * lane.capacity + (tail & this.#mask)] =
      slot | ((word & GENERATION) << ENTRY_GENERATION)
    this.#tails[level] = (tail + 1) | 0
    this.#dirty |= 1 << level
  }

  /** The same for a job that nobody may have before `dueMs`; visible at once. */
  commitLater(slot: number, dueMs: number): void {
    const { lane } = this
    const index = lane.states + slot
    lane.f64[(lane.slot(slot) + SLOT_DUE) >>> 3] = dueMs
    // SYNC slot-wait: pairs with slot-wait in SlotQueue. It is whole before it can be found.
    Atomics.store(this.#i32, index, (this.#i32[index] as number) | WAITING_BITS)
    lane.lowerDue(dueMs)
  }

  /** Makes visible what was committed. False: there was nothing. */
  publish(): boolean {
    const { lane } = this
    if (this.#dirty === 0) return false
    if ((this.#dirty & ~this.#levels) !== 0) {
      this.#levels |= this.#dirty
      // STEP queue-publish: nobody looks at a level that its lane does not name.
      Atomics.store(this.#i32, lane.levelsIndex, this.#levels)
    }
    for (let level = 0; level < LEVELS; level++) {
      if ((this.#dirty & (1 << level)) === 0) continue
      // SYNC queue-tail: pairs with queue-tail in SlotQueue. Jobs are whole before the tail moves.
      Atomics.store(this.#i32, lane.tailIndex(level), this.#tails[level] as number)
    }
    this.#dirty = 0
    return true
  }

  /** Room in a ring, past entries whose jobs are taken: a head may lag behind. */
  #findRoom(level: number): boolean {
    const { lane } = this
    const headIndex = lane.headIndex(level)
    const tail = this.#tails[level] as number
    this.publish()
    // STEP queue-head: a head never passes a job that is ready, whoever moves it.
    const head = Atomics.load(this.#i32, headIndex)
    const distance = (tail - head) | 0
    if (distance < 0 || distance > lane.capacity) throw this.#corrupt(distance)
    let to = head
    while (to !== tail && !lane.isReady(level, to)) to = (to + 1) | 0
    if (to !== head) Atomics.compareExchange(this.#i32, headIndex, head, to)
    this.#limits[level] = (Atomics.load(this.#i32, headIndex) + lane.capacity) | 0
    return this.#limits[level] !== tail
  }

  #corrupt(distance: number): FlyshuttleError {
    return new FlyshuttleError('ERR_FRAME_CORRUPT', {
      thread: '(consumer)',
      found: `a head ${distance} jobs behind the tail`,
      wanted: `0 to ${this.lane.capacity} jobs`,
    })
  }
}

/**
 * Frees what a producer that is dead had put down in its lane and not published. To be called
 * before it has a successor, or by that; others claim and purge meanwhile.
 */
export function dropUnpublished(lane: Lane): void {
  const { i32 } = lane
  const mask = lane.capacity - 1
  const isPublished = new Uint8Array(lane.capacity)
  for (let level = 0; level < LEVELS; level++) {
    const tail = Atomics.load(i32, lane.tailIndex(level))
    const ring = lane.rings + level * lane.capacity
    let at = Atomics.load(i32, lane.headIndex(level))
    for (; at !== tail; at = (at + 1) | 0) {
      if (!lane.isReady(level, at)) continue
      isPublished[(i32[ring + (at & mask)] as number) & SLOT & mask] = 1
    }
  }
  for (let slot = 0; slot < lane.capacity; slot++) {
    const word = Atomics.load(i32, lane.states + slot)
    if (word >>> KIND !== JobKind.Ready || isPublished[slot] === 1) continue
    // STEP queue-adopt: nobody else has seen it, but a purge may be at it.
    const free = stateWord(FREE, 0, 0, word + 1)
    Atomics.compareExchange(i32, lane.states + slot, word, free)
  }
}
