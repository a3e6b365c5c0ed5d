// All links out of one thread: their writers, the batch that gathers in each, and the waking of
// whoever reads it.
//
// A batch becomes visible when it holds FLUSH_BYTES or the next frame would fill it, when the drain
// that is under way ends, or in a microtask at the end of the tick. A lone message therefore leaves
// at the end of the tick at the latest.

import { ofThread, tell, type OfThread } from '../base/events.js'
import {
  CHUNK_HIGH_SHARE,
  CHUNK_LOW_SHARE,
  FLUSH_BYTES,
  LINE_BYTES,
  OVERFLOW_BYTES_MAX,
  PRODUCERS_PER_READY_GROUP,
  URGENT_RESERVE_DIVISOR,
} from '../base/limits.js'
import { atTickEnd } from '../base/tick-end.js'
import { count } from '../counters/counter.js'
import { ThreadCounters } from '../counters/thread-counters.js'
import {
  COUNTER_BYTES,
  INBOX_DEAD,
  INBOX_FULL,
  INBOX_INCARNATION,
  INBOX_READY,
  INBOX_SLEEPING,
  LINK_OVERFLOW_BYTES,
  LINK_SENT,
  Lane,
  SentCounter,
  ThreadState,
} from '../memory/layout.js'
import { stateOf, type Region } from '../memory/region.js'
import { CURSOR_WORDS, Cursor, RingWriter, frameBytesMax } from '../ring/ring.js'
import type { ChunkWindow } from './chunk-window.js'
import type { Doorbell } from './doorbell.js'

// Constants of this module, which V8 folds into compiled code; imported ones it does not.
const BATCH_BYTES = FLUSH_BYTES
/** Waiting bytes from which a link's overflow is almost full. */
const OVERFLOW_MARK_BYTES = (OVERFLOW_BYTES_MAX * 3) / 4
const BATCH_UNITS = FLUSH_BYTES >>> 3
const { Tail: TAIL, Limit: LIMIT, Published: PUBLISHED, Listed: LISTED, Quiet: QUIET } = Cursor

/**
 * One lane of one link as its producer sees it. Created once per destination; the hot path keeps it
 * at hand.
 */
export class LinkWriter {
  readonly to: number
  readonly lane: Lane
  readonly ring: RingWriter
  readonly frameBytesMax: number
  /** Room that only control frames may take, in bytes. */
  readonly reserveBytes: number
  /** Free bytes below which `publish` returns false: three quarters of the ring are taken. */
  readonly highWaterFreeBytes: number
  /** Free bytes from which `drained` resolves: half of the ring. */
  readonly lowWaterFreeBytes: number
  readonly readyIndex: number
  readonly readyBit: number
  readonly sleepingIndex: number
  /** Word that counts the receiving thread's subscriptions whose mailbox is full. */
  readonly fullIndex: number
  /** Index of the ring's cursor in `Outbox.cursors`. */
  readonly cursorIndex: number
  readonly incarnationIndex: number
  /** Word that holds the ThreadState of the receiving thread. */
  readonly stateIndex: number
  /** Bytes of parcels that wait in our heap because of this link. */
  overflowBytes = 0
  /** Bytes of the frames that a message under way will put on this link. */
  plannedBytes = 0
  /** Free bytes that the last message that found no room here would have needed. */
  wantedBytes = 0
  /** What this link's ring last was asked to ring for, in bytes; 0 when nothing waits. */
  awaitedBytes = 0
  /** What is under way here in blocks; null when nothing ever was. */
  window: ChunkWindow | null = null
  /** It ran full, and since then it has not been half free with nothing waiting. */
  isFull = false
  /** The same of three quarters of it. */
  isAlmostFull = false
  /** Parcels that wait in our heap because of this link. */
  overflowMessages = 0
  #isOverflowAlmostFull = false
  readonly #i32: Int32Array
  readonly #engine: string
  readonly #from: number
  readonly #sentIndex: number
  readonly #overflowIndex: number

  constructor(
    region: Region,
    from: number,
    to: number,
    lane: Lane,
    cursors: Int32Array<ArrayBuffer>,
  ) {
    const { layout } = region
    const ringBytes = layout.ringBytes(lane)
    const words = layout.laneWords(from, to, lane)
    this.to = to
    this.lane = lane
    this.#engine = region.engine
    this.#from = from
    this.#i32 = region.views.i32
    this.#sentIndex = (words + LINK_SENT) >>> 2
    this.#overflowIndex = (words + LINK_OVERFLOW_BYTES) >>> 2
    // What waited in the heap of a predecessor went with it.
    this.#setOverflow(0)
    this.cursorIndex = cursorIndexOf(to, lane)
    const cursor = cursors.subarray(this.cursorIndex, this.cursorIndex + CURSOR_WORDS)
    const data = layout.ring(from, to, lane)
    this.ring = new RingWriter(region.views.i32, { words, data, ringBytes }, cursor)
    this.frameBytesMax = frameBytesMax(ringBytes)
    this.reserveBytes = lane === Lane.Urgent ? ringBytes / URGENT_RESERVE_DIVISOR : 0
    this.highWaterFreeBytes = ringBytes / 4
    this.lowWaterFreeBytes = ringBytes / 2
    const inbox = layout.inbox(to)
    const group = Math.floor(from / PRODUCERS_PER_READY_GROUP)
    this.readyIndex = (inbox + INBOX_READY + group * LINE_BYTES) >>> 2
    this.readyBit = 1 << ((from % PRODUCERS_PER_READY_GROUP) * 2 + lane)
    this.sleepingIndex = (inbox + INBOX_SLEEPING) >>> 2
    this.fullIndex = (inbox + INBOX_FULL) >>> 2
    this.incarnationIndex = (inbox + INBOX_INCARNATION) >>> 2
    this.stateIndex = (inbox + INBOX_DEAD) >>> 2
  }

  /**
   * Whether less than three quarters of the ring are taken. Looks at the head only if it must.
   * Nobody waits for a ring that is closed because its reader writes nonsense.
   */
  isBelowHighWater(): boolean {
    const { ring, highWaterFreeBytes, window } = this
    if (window !== null && window.isAbove(CHUNK_HIGH_SHARE)) return false
    if (ring.freeBytesSeen >= highWaterFreeBytes || ring.isCorrupt) return true
    if (ring.freeBytes() >= highWaterFreeBytes) {
      this.renewQuiet()
      return true
    }
    this.#noteAlmostFull()
    return false
  }

  /**
   * Finds out how far the tail may move before `Outbox.committed` has to be called, or, by whoever
   * asks nothing else, `Outbox.prepare`: until the batch is full, or three quarters of the ring are
   * taken, or the ring ends; and not at all where nobody flushes it by the end of the tick. To be
   * called whenever it is less far, and with each batch: a place that is left behind would count as
   * ahead after 16 GiB.
   */
  renewQuiet(): void {
    const { cursor } = this.ring
    if (cursor[LISTED] === 0) {
      cursor[QUIET] = cursor[TAIL] as number
      return
    }
    const full = ((cursor[PUBLISHED] as number) + BATCH_UNITS) | 0
    const high = ((cursor[LIMIT] as number) - (this.highWaterFreeBytes >>> 3) + 1) | 0
    const quiet = ((full - high) | 0) < 0 ? full : high
    const end = (this.ring.lapEnd + 1) | 0
    cursor[QUIET] = ((quiet - end) | 0) < 0 ? quiet : end
  }

  /** For whoever looks at the engine. Once per batch at most, or where something had to wait. */
  count(counter: SentCounter): void {
    count(this.#i32, this.#sentIndex + counter * (COUNTER_BYTES >>> 2), 1)
  }

  /** A message of `wantedBytes` found no room here. Counted and told once, until `noteRoom`. */
  noteFull(wantedBytes: number): void {
    if (this.isFull) return
    this.#noteAlmostFull()
    this.isFull = true
    this.count(SentCounter.Full)
    const { freeBytesSeen: freeBytes, ringBytes } = this.ring
    tell('full', () => ({ what: 'link', ...this.#names(), wantedBytes, freeBytes, ringBytes }))
  }

  #noteAlmostFull(): void {
    if (this.isAlmostFull) return
    this.isAlmostFull = true
    const { freeBytesSeen: freeBytes, ringBytes } = this.ring
    tell('almostFull', () => ({ what: 'link', ...this.#names(), freeBytes, ringBytes }))
  }

  /** To be called while `isAlmostFull`, now and then: the next time is another time. */
  noteRoom(): void {
    const hasRoom = this.ring.freeBytesSeen >= this.lowWaterFreeBytes
    if (hasRoom && this.overflowBytes === 0) this.isFull = this.isAlmostFull = false
  }

  /** A message of so many bytes waits in our heap because of this link. */
  charge(bytes: number): void {
    this.count(SentCounter.Overflow)
    this.overflowMessages++
    this.#setOverflow(this.overflowBytes + bytes)
    if (this.overflowBytes < OVERFLOW_MARK_BYTES || this.#isOverflowAlmostFull) return
    this.#isOverflowAlmostFull = true
    const { overflowBytes } = this
    const limitBytes = OVERFLOW_BYTES_MAX
    tell('almostFull', () => ({ what: 'overflow', ...this.#names(), overflowBytes, limitBytes }))
  }

  /** It waits no longer. */
  discharge(bytes: number): void {
    this.overflowMessages--
    this.#setOverflow(this.overflowBytes - bytes)
    if (this.overflowBytes <= OVERFLOW_BYTES_MAX / 2) this.#isOverflowAlmostFull = false
  }

  #names(): OfThread & { to: number; lane: 'urgent' | 'bulk' } {
    const lane = this.lane === Lane.Urgent ? 'urgent' : 'bulk'
    return { ...ofThread(this.#engine, this.#from), to: this.to, lane }
  }

  #setOverflow(bytes: number): void {
    this.overflowBytes = bytes
    this.#i32[this.#overflowIndex] = bytes
  }
}

export class Outbox {
  readonly thread: number
  /** What the thread counts about itself. */
  readonly counters: ThreadCounters
  /** The cursors of all rings, in one array: bound publishers pass from one to another. */
  readonly cursors: Int32Array<ArrayBuffer>
  readonly #region: Region
  readonly #i32: Int32Array
  readonly #links: (LinkWriter | undefined)[] = []
  /** So many of them count: cutting the array would cost more than a flush. */
  readonly #listed: LinkWriter[] = []
  #listedCount = 0
  readonly #flushAll = (): void => this.flushAll()
  #doorbell: Doorbell | null = null
  #isScheduled = false

  constructor(region: Region, thread: number) {
    this.#region = region
    this.#i32 = region.views.i32
    this.thread = thread
    this.counters = new ThreadCounters(region, thread)
    this.cursors = new Int32Array(cursorIndexOf(region.layout.threads, Lane.Urgent))
  }

  /** Joined after construction, because a doorbell needs the inbox and the inbox needs this. */
  attach(doorbell: Doorbell): void {
    this.#doorbell = doorbell
  }

  /** The links that have been used. */
  *opened(): Iterable<LinkWriter> {
    for (const link of this.#links) if (link !== undefined) yield link
  }

  link(to: number, lane: Lane): LinkWriter {
    const index = to * 2 + lane
    return (this.#links[index] ??= new LinkWriter(
      this.#region,
      this.thread,
      to,
      lane,
      this.cursors,
    ))
  }

  /**
   * To be called after each commit that leads to `Quiet` or beyond: flushes a full batch, else
   * makes sure that it leaves by the end of the tick.
   */
  committed(link: LinkWriter): void {
    if (link.ring.pendingBytes >= BATCH_BYTES) this.flush(link)
    else if (link.ring.cursor[LISTED] === 0) this.#list(link)
    link.renewQuiet()
  }

  /**
   * Does all that has to be done before a frame of so many units that would reach `Quiet`, and says
   * whether it ends before it now. False as well where there was nothing to do, and for frames that
   * are as large as a batch.
   */
  prepare(link: LinkWriter, units: number): boolean {
    const { ring } = link
    const { cursor } = ring
    // Above it `Quiet` stays where it is, so that the message's publish finds out as well.
    if (isBeforeQuiet(cursor, units) || !link.isBelowHighWater()) return false
    if (!ring.skipLapEnd(units)) return false
    if ((ring.pendingBytes >>> 3) + units >= BATCH_UNITS) this.flush(link)
    if (cursor[LISTED] === 0) this.#list(link)
    // The head may have moved since somebody looked.
    ring.freeBytes()
    link.renewQuiet()
    return isBeforeQuiet(cursor, units)
  }

  /** Makes the link's batch visible and wakes its reader if that sleeps. */
  flush(link: LinkWriter): void {
    if (link.ring.pendingBytes === 0) return
    // STEP flush: the tail moves, then whoever sleeps is woken.
    link.ring.publish()
    link.renewQuiet()
    link.count(SentCounter.Batches)
    if (link.isAlmostFull) link.noteRoom()
    this.wake(link)
  }

  /** A drain begins: its end flushes what is written meanwhile, so no microtask has to. */
  expectFlush(): void {
    this.#isScheduled = true
  }

  /** Makes every batch visible. */
  flushAll(): void {
    this.#isScheduled = false
    for (let i = 0; i < this.#listedCount; i++) {
      const link = this.#listed[i] as LinkWriter
      link.ring.cursor[LISTED] = 0
      link.renewQuiet()
      this.flush(link)
    }
    this.#listedCount = 0
  }

  /** Sets our ready bit in the reader's inbox and rings it if it sleeps. */
  wake(link: LinkWriter): void {
    const i32 = this.#i32
    // SYNC ready-set: pairs with ready-set in Inbox.takeReady. The tail moved before the bit is
    // looked at.
    if ((Atomics.load(i32, link.readyIndex) & link.readyBit) !== 0) return
    Atomics.or(i32, link.readyIndex, link.readyBit)
    // SYNC sleep-check: pairs with sleep-check in Inbox.tryPark. The bit is set before we look
    // whether it sleeps.
    if (Atomics.load(i32, link.sleepingIndex) === 0) return
    if (Atomics.exchange(i32, link.sleepingIndex, 0) === 0) return
    link.count(SentCounter.Wakes)
    this.#doorbell?.ring(link.to)
  }

  /** Wakes every thread: something changed that no frame tells. */
  wakeAll(): void {
    for (let thread = 0; thread < this.#region.layout.threads; thread++) {
      if (stateOf(this.#region, thread) !== ThreadState.Alive) continue
      this.wake(this.link(thread, Lane.Urgent))
    }
  }

  /** The same, when half of the ring is free and little is under way in blocks. */
  awaitDrained(link: LinkWriter): boolean {
    const { window } = link
    if (window !== null && !window.awaitBelow(CHUNK_LOW_SHARE)) return false
    return this.awaitRoom(link, link.lowWaterFreeBytes)
  }

  /** Asks the reader to wake us when `wantedBytes` are free. True: they are free already. */
  awaitRoom(link: LinkWriter, wantedBytes: number): boolean {
    // STEP full: what is pending leaves first, else the reader may have no reason to move.
    this.flush(link)
    link.awaitedBytes = Math.max(link.awaitedBytes, wantedBytes)
    if (!link.ring.awaitRoom(link.awaitedBytes)) {
      link.count(SentCounter.Waits)
      return false
    }
    link.awaitedBytes = 0
    return true
  }

  #list(link: LinkWriter): void {
    link.ring.cursor[LISTED] = 1
    this.#listed[this.#listedCount++] = link
    if (this.#isScheduled) return
    this.#isScheduled = true
    atTickEnd(this.#flushAll)
  }
}

/** Whether a frame of so many units would end before `Quiet`. */
function isBeforeQuiet(cursor: Int32Array, units: number): boolean {
  return (((cursor[TAIL] as number) + units - (cursor[QUIET] as number)) | 0) < 0
}

/** The first cursor belongs to no ring. It never has room: whoever has nowhere to write uses it. */
export const NO_CURSOR = 0

function cursorIndexOf(to: number, lane: Lane): number {
  return (1 + to * 2 + lane) * CURSOR_WORDS
}
