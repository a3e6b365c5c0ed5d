// All links into one thread: their readers, the ready words that say which of them have something,
// and the order in which they are drained.
//
// Urgent lanes are emptied before any bulk lane is looked at, and again between bulk chunks, so
// overload on the bulk lanes never holds up control frames and replies. A drain stops at its
// budget; lanes that still hold frames stay in a private mask (`leftover`), because their ready
// bits have already been taken.

import type { Clock } from '../base/clock.js'
import {
  DRAIN_FRAMES_MAX,
  DRAIN_TIME_US_MAX,
  LINE_BYTES,
  PRODUCERS_PER_READY_GROUP,
} from '../base/limits.js'
import { count } from '../counters/counter.js'
import { ThreadCounters } from '../counters/thread-counters.js'
import {
  COUNTER_BYTES,
  HEADER_DEATHS,
  INBOX_DEAD,
  INBOX_FULL,
  INBOX_INCARNATION,
  INBOX_READY,
  INBOX_SLEEPING,
  LINK_RECEIVED,
  Lane,
  ReceivedCounter,
  ThreadState,
} from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { RingReader, type FrameHandler } from '../ring/ring.js'

/** Frames taken from one bulk lane before the urgent lanes are looked at again. */
const FIRST_CHUNK_FRAMES = 64
const CHUNK_FRAMES = 256
const URGENT_BITS = 0x5555_5555

/** What an inbox tells the rest of its thread. None of these may throw. */
export interface InboxEvents {
  /** One frame. `offset` is valid until this returns; `inbox.source` names the sending thread. */
  onFrame(
    offset: number,
    word0: number,
    framesLeft: number,
    unitsLeft: number,
    takenIndex: number,
  ): number
  /** A producer waits for room in its link to us: set its ready bit and ring it. */
  onRoom(producer: number): void
  /** Some thread died or was replaced since the last drain. */
  onDeaths(): void
  /** A producer wrote what no producer writes; its link is not read any further. */
  onCorrupt(producer: number, found: string): void
  /** The drain is over: flush what handlers wrote, retry what waited. */
  onDrained(): void
}

export class Inbox {
  readonly thread: number
  readonly i32: Int32Array
  readonly #region: Region
  readonly #clock: Clock
  readonly #events: InboxEvents
  readonly #onFrame: FrameHandler
  readonly #readers: RingReader[] = []
  readonly #readyIndex: number[] = []
  readonly #leftover: number[] = []
  readonly #sleepingIndex: number
  #deathsSeen: number
  #bulkTurn = 0

  /** The thread whose frame is being handled. */
  source = 0
  /** True while frames are being handled: what they publish is flushed when the drain ends. */
  isDraining = false
  /** Frames handed over since the start. */
  framesReceived = 0

  constructor(region: Region, thread: number, clock: Clock, events: InboxEvents) {
    const { layout } = region
    this.#region = region
    this.thread = thread
    this.i32 = region.views.i32
    this.#clock = clock
    this.#events = events
    this.#onFrame = (offset, word0, framesLeft, unitsLeft, takenIndex) =>
      events.onFrame(offset, word0, framesLeft, unitsLeft, takenIndex)
    const inbox = layout.inbox(thread)
    this.#sleepingIndex = (inbox + INBOX_SLEEPING) >>> 2
    for (let group = 0; group < layout.readyGroups; group++) {
      this.#readyIndex.push((inbox + INBOX_READY + group * LINE_BYTES) >>> 2)
      this.#leftover.push(-1) // A new consumer scans every link.
    }
    for (let from = 0; from < layout.threads; from++) {
      for (const lane of [Lane.Urgent, Lane.Bulk] as const) {
        this.#readers.push(
          new RingReader(this.i32, {
            words: layout.laneWords(from, thread, lane),
            data: layout.ring(from, thread, lane),
            ringBytes: layout.ringBytes(lane),
          }),
        )
      }
    }
    this.#deathsSeen = Atomics.load(this.i32, HEADER_DEATHS >>> 2)
  }

  /** Drops what earlier owners of this place left unread. */
  skipAll(): void {
    for (const reader of this.#readers) reader.skipAll()
  }

  /** Announces that this thread now reads its inbox. */
  open(incarnation: number): void {
    const inbox = this.#region.layout.inbox(this.thread)
    new ThreadCounters(this.#region, this.thread).clear()
    // STEP adopt: who we are, before we say that we live.
    Atomics.store(this.i32, (inbox + INBOX_INCARNATION) >>> 2, incarnation)
    Atomics.store(this.i32, this.#sleepingIndex, 0)
    // Full mailboxes of a predecessor ended with it.
    Atomics.store(this.i32, (inbox + INBOX_FULL) >>> 2, 0)
    Atomics.store(this.i32, (inbox + INBOX_DEAD) >>> 2, ThreadState.Alive)
  }

  /**
   * Handles what has arrived, up to the budget. Returns 1 when something is left over, else 0.
   * Never throws. With `framesMax` 0 it only takes the ready bits.
   */
  drain(framesMax = DRAIN_FRAMES_MAX): number {
    if (this.isDraining) return 0
    this.isDraining = true
    try {
      // STEP drain: deaths, then frames, then what the handlers wrote.
      this.#noteDeaths()
      this.#drainWithinBudget(framesMax)
      this.#events.onDrained()
    } finally {
      // Whatever an event threw against its word, an inbox that stayed "draining" would be deaf.
      this.isDraining = false
    }
    return this.#hasLeftover() ? 1 : 0
  }

  /** Says "asleep" and looks once more; false when there is something to drain. */
  tryPark(): boolean {
    // SYNC sleep-check: pairs with sleep-check in Outbox.wake. We say "asleep" before we look
    // again.
    Atomics.store(this.i32, this.#sleepingIndex, 1)
    let isReady = this.#hasLeftover()
    for (const index of this.#readyIndex) isReady ||= Atomics.load(this.i32, index) !== 0
    if (isReady) Atomics.store(this.i32, this.#sleepingIndex, 0)
    return !isReady
  }

  /** Whether any link holds frames that have not been handled. */
  get hasFrames(): boolean {
    return this.#readers.some((reader) => reader.hasFrames)
  }

  /** Handles all that has arrived by now, however many turns of the loop that takes. */
  async drainArrived(): Promise<void> {
    const ends = this.#readers.map((reader) => reader.publishedEnd)
    while (!this.#readers.every((reader, index) => reader.hasPassed(ends[index] as number))) {
      this.drain()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Has the next drain look at every link, whatever the ready bits say: a peer may wipe them. */
  recheck(): void {
    this.#leftover.fill(-1)
  }

  unpark(): void {
    Atomics.store(this.i32, this.#sleepingIndex, 0)
  }

  sleepingIndexOf(thread: number): number {
    return (this.#region.layout.inbox(thread) + INBOX_SLEEPING) >>> 2
  }

  #drainWithinBudget(framesMax: number): void {
    // The clock starts after the first bulk chunk, a short one: most drains are over by then.
    let deadlineMs = 0
    let chunkFrames = FIRST_CHUNK_FRAMES
    let framesLeft = framesMax
    this.#takeReady()
    for (;;) {
      framesLeft -= this.#drainUrgent(framesLeft)
      if (framesLeft <= 0) return
      const bulk = this.#drainBulkLane(Math.min(framesLeft, chunkFrames))
      if (bulk < 0) return
      framesLeft -= bulk
      if (framesLeft <= 0) return
      this.#takeReady()
      if (!this.#hasLeftover()) return
      const nowMs = this.#clock.nowMs()
      chunkFrames = CHUNK_FRAMES
      if (deadlineMs === 0) deadlineMs = nowMs + DRAIN_TIME_US_MAX / 1000
      else if (nowMs >= deadlineMs) return
    }
  }

  /** Bits first, deaths after: whoever announces a death counts it before it sets the bits. */
  #takeReady(): void {
    for (let group = 0; group < this.#readyIndex.length; group++) {
      const index = this.#readyIndex[group] as number
      // A plain look first: an exchange would take the line from a producer that is about to set
      // its bit.
      if (this.i32[index] === 0) continue
      // SYNC ready-set: pairs with ready-set in Outbox.wake. Bits are taken before the tails are
      // read.
      const taken = Atomics.exchange(this.i32, index, 0)
      this.#leftover[group] = (this.#leftover[group] as number) | taken
    }
    this.#noteDeaths()
  }

  #drainUrgent(framesMax: number): number {
    let frames = 0
    for (let group = 0; group < this.#leftover.length; group++) {
      for (;;) {
        const bits = (this.#leftover[group] as number) & URGENT_BITS
        if (bits === 0 || frames >= framesMax) break
        frames += this.#drainLane(group, 31 - Math.clz32(bits & -bits), framesMax - frames)
      }
    }
    return frames
  }

  /** Drains a chunk of the next bulk lane in turn; -1 when no bulk lane has anything. */
  #drainBulkLane(framesMax: number): number {
    const groups = this.#leftover.length
    for (let step = 0; step <= groups; step++) {
      const group = ((this.#bulkTurn >>> 5) + step) % groups
      let bits = (this.#leftover[group] as number) & ~URGENT_BITS
      // In the group whose turn it is, lanes before the turn come last.
      if (step === 0) bits &= -1 << (this.#bulkTurn & 31)
      if (bits === 0) continue
      const bit = 31 - Math.clz32(bits & -bits)
      this.#bulkTurn = bit === 31 ? ((group + 1) % groups) << 5 : (group << 5) + bit + 1
      return this.#drainLane(group, bit, framesMax)
    }
    return -1
  }

  #drainLane(group: number, bit: number, framesMax: number): number {
    const producer = group * PRODUCERS_PER_READY_GROUP + (bit >>> 1)
    const mask = ~(1 << bit)
    const reader = this.#readers[producer * 2 + (bit & 1)]
    if (reader === undefined || reader.corrupt !== null) {
      this.#leftover[group] = (this.#leftover[group] as number) & mask
      return 0
    }
    this.source = producer
    const start = reader.position
    // STEP drain: handled frames are free before a producer that waits for room is rung.
    const frames = reader.poll(this.#onFrame, framesMax)
    this.framesReceived += frames
    this.#count(producer, bit & 1, frames, (reader.position - start) | 0)
    if (reader.corrupt !== null) {
      this.#events.onCorrupt(producer, reader.corrupt)
      // Whatever waits there will never be read, and should hear of it.
      this.#events.onRoom(producer)
    }
    if (frames < framesMax) this.#leftover[group] = (this.#leftover[group] as number) & mask
    if (reader.release()) this.#events.onRoom(producer)
    return frames
  }

  #count(producer: number, lane: number, frames: number, units: number): void {
    if (units === 0) return
    const words = this.#region.layout.laneWords(producer, this.thread, lane as Lane)
    const index = (words + LINK_RECEIVED) >>> 2
    count(this.i32, index + ReceivedCounter.Frames * (COUNTER_BYTES >>> 2), frames)
    count(this.i32, index + ReceivedCounter.Units * (COUNTER_BYTES >>> 2), units)
  }

  #hasLeftover(): boolean {
    for (const bits of this.#leftover) if (bits !== 0) return true
    return false
  }

  #noteDeaths(): void {
    const deaths = this.i32[HEADER_DEATHS >>> 2] as number
    if (deaths === this.#deathsSeen) return
    this.#deathsSeen = deaths
    this.#events.onDeaths()
  }
}
