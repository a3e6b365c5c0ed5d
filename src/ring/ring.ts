// The byte ring of one lane of one link: a single producer, a single consumer, frames of any size.
//
// `RingWriter` belongs to the producing thread, `RingReader` to the consuming one; nothing else
// touches their words. Positions count 8-byte units and run freely. They are kept as signed 32-bit
// integers, because V8 stores those without boxing; a distance `(a - b) | 0` is right across the
// wrap. Each side keeps a copy of what the other last said and reads the shared word again only
// when the copy no longer suffices.
//
// The records of a batch become visible all at once, when the tail moves: a producer that dies
// anywhere leaves the last complete batch, so there is nothing to repair. `native/core/ring.h` is
// the same ring in C++; one conformance suite runs over both.

import { FlyshuttleError } from '../base/errors.js'
import { FRAME_HEADER_BYTES, FRAME_RING_DIVISOR } from '../base/limits.js'
import { LINK_HEAD, LINK_TAIL, LINK_TAKEN, LINK_WAITING } from '../memory/layout.js'
import { FRAME_KIND_SHIFT, FRAME_LENGTH_MASK, FrameKind } from './frame.js'

/**
 * Where a ring lives: byte offsets of its words and of its data, and the size of the data (a power
 * of two).
 */
export interface RingPlace {
  readonly words: number
  readonly data: number
  readonly ringBytes: number
}

// Constants of this module, which V8 folds into compiled code; imported ones it does not.
const KIND_SHIFT = FRAME_KIND_SHIFT
const LENGTH_MASK = FRAME_LENGTH_MASK
const HEADER_BYTES = FRAME_HEADER_BYTES
const PAD: number = FrameKind.Pad

/** How far ahead of all frames a head is that says: nothing is read here any more. */
const REFUSED_UNITS = 2 ** 30

/** The largest frame, header included, that a ring of this size carries. */
export function frameBytesMax(ringBytes: number): number {
  return ringBytes / FRAME_RING_DIVISOR
}

/**
 * Words of a writer's cursor: private memory of the producing thread, in which the ring's state is
 * plain integers that compiled emitters (`codec/struct-source.ts`) read and write too.
 *
 * All but `Listed` are positions. `Limit` is how far the tail may move without a look at the head;
 * `Listed` is not 0 while the batch is sure to be flushed by the end of the tick. As long as the
 * tail stays before `Quiet`, there is room, this lap has not ended, and nobody has to be told that
 * it has moved; while nothing is listed it is at the tail. See `LinkWriter.renewQuiet`.
 */
export const Cursor = { Tail: 0, Limit: 1, Published: 2, Listed: 3, Quiet: 4 } as const
/** What a cursor takes of a larger array: a line. Alone it takes more, for the next reason. */
export const CURSOR_WORDS = 16
/** More than V8 keeps on its moving heap: compiled code knows where these words lie. */
const CURSOR_BYTES = 128
const TAIL = Cursor.Tail
const LIMIT = Cursor.Limit
const PUBLISHED = Cursor.Published

export class RingWriter {
  readonly cursor: Int32Array
  /** Where frames start: bytes, and units of 8 bytes that follow. */
  readonly data: number
  readonly capacity: number
  readonly #i32: Int32Array
  readonly #tailIndex: number
  readonly #headIndex: number
  readonly #waitingIndex: number
  readonly #mask: number
  #next: number
  #isCorrupt = false

  constructor(
    i32: Int32Array,
    place: RingPlace,
    cursor = new Int32Array(new ArrayBuffer(CURSOR_BYTES)),
  ) {
    this.#i32 = i32
    this.cursor = cursor
    this.#tailIndex = (place.words + LINK_TAIL) >>> 2
    this.#headIndex = (place.words + LINK_HEAD) >>> 2
    this.#waitingIndex = (place.words + LINK_WAITING) >>> 2
    this.data = place.data
    this.capacity = place.ringBytes >>> 3
    this.#mask = this.capacity - 1
    const tail = Atomics.load(i32, this.#tailIndex)
    this.#next = tail
    this.cursor[TAIL] = tail
    this.cursor[PUBLISHED] = tail
    this.cursor[Cursor.Quiet] = tail
    // As if it were full: the first claim looks at the head, and says so if that cannot be.
    this.cursor[LIMIT] = tail
  }

  /**
   * Room for one frame of `lengthBytes`, contiguous: its byte offset, or -1 when the ring is full.
   *
   * Nothing is promised to the consumer until `commit`; a claim that is not committed is simply
   * forgotten. `reserveBytes` must stay free beyond the frame (room that only other frames may
   * take).
   */
  claim(lengthBytes: number, reserveBytes = 0): number {
    const units = (lengthBytes + 7) >>> 3
    const { cursor, capacity } = this
    const tail = cursor[TAIL] as number
    const index = tail & this.#mask
    const toEnd = capacity - index
    const wanted = (units <= toEnd ? units : units + toEnd) + (reserveBytes >>> 3)
    if (wanted > (((cursor[LIMIT] as number) - tail) | 0)) {
      this.#readHead()
      if (wanted > (((cursor[LIMIT] as number) - tail) | 0)) return -1
    }
    if (units <= toEnd) {
      this.#next = (tail + units) | 0
      return this.data + (index << 3)
    }
    const pad = (PAD << KIND_SHIFT) | (toEnd << 3)
    this.#i32[(this.data + (index << 3)) >>> 2] = pad
    this.#next = (tail + toEnd + units) | 0
    return this.data
  }

  /** Takes the claimed frame into the batch. It is not visible yet: see `publish`. */
  commit(): void {
    this.cursor[TAIL] = this.#next
  }

  /** Where this lap of the ring ends; where the tail is at an end, the next one. */
  get lapEnd(): number {
    return (((this.cursor[TAIL] as number) | this.#mask) + 1) | 0
  }

  /** Begins the next lap if so many units do not fit before this one's end. False: no room. */
  skipLapEnd(units: number): boolean {
    const { cursor } = this
    const tail = cursor[TAIL] as number
    const toEnd = (this.lapEnd - tail) | 0
    if (units <= toEnd) return true
    if (this.claim(units << 3) < 0) return false
    cursor[TAIL] = (tail + toEnd) | 0
    return true
  }

  /** Bytes committed and not yet visible. */
  get pendingBytes(): number {
    const { cursor } = this
    return (((cursor[TAIL] as number) - (cursor[PUBLISHED] as number)) | 0) << 3
  }

  /** Makes the batch visible. The caller then rings whoever sleeps; see `Outbox.flush`. */
  publish(): void {
    const tail = this.cursor[TAIL] as number
    this.cursor[PUBLISHED] = tail
    // SYNC tail-publish: pairs with tail-publish in RingReader.poll. Records are complete before
    // the tail moves.
    Atomics.store(this.#i32, this.#tailIndex, tail)
  }

  /**
   * Asks the consumer to ring when `wantedBytes` are free. True: they are free already, nobody will
   * ring.
   *
   * Ask for twice a frame's size: one that has to wrap needs the rest of the ring's end too.
   * Pending frames must have been published, else the consumer may never have a reason to move.
   */
  awaitRoom(wantedBytes: number): boolean {
    // SYNC room-wait: pairs with room-wait in RingReader.release. We say what we want before we
    // look again.
    Atomics.store(this.#i32, this.#waitingIndex, wantedBytes)
    if (this.#freeNow() < wantedBytes) return false
    Atomics.store(this.#i32, this.#waitingIndex, 0)
    return true
  }

  /** Free bytes, read afresh from the consumer's head. */
  freeBytes(): number {
    return this.#freeNow()
  }

  /**
   * Free bytes as of the last look at the head: never more than there are, and free of any atomic.
   */
  get freeBytesSeen(): number {
    const { cursor } = this
    return (((cursor[LIMIT] as number) - (cursor[TAIL] as number)) | 0) << 3
  }

  get ringBytes(): number {
    return this.capacity << 3
  }

  /**
   * What the consumer has not freed, as of the last look at its head. Walks the frames: not for the
   * hot path.
   */
  unread(): { frames: number; bytes: number } {
    const { cursor, capacity } = this
    const tail = cursor[TAIL] as number
    const head = ((cursor[LIMIT] as number) - capacity) | 0
    let frames = 0
    let position = head
    while (((tail - position) | 0) > 0) {
      const word0 = this.#i32[(this.data + ((position & this.#mask) << 3)) >>> 2] as number
      if (word0 >>> KIND_SHIFT !== PAD) frames++
      // Its bytes lie where the consumer may write too: a length of 0 would never end.
      position = (position + Math.max(1, ((word0 & LENGTH_MASK) + 7) >>> 3)) | 0
    }
    return { frames, bytes: ((tail - head) | 0) << 3 }
  }

  /** The consumer has written what no consumer writes: this ring takes nothing any more. */
  get isCorrupt(): boolean {
    return this.#isCorrupt
  }

  #freeNow(): number {
    this.#readHead()
    return this.freeBytesSeen
  }

  #readHead(): void {
    const { cursor, capacity } = this
    const tail = cursor[TAIL] as number
    // SYNC head-refuse: pairs with head-refuse in RingReader.#refuse.
    const head = Atomics.load(this.#i32, this.#headIndex)
    const used = (tail - head) | 0
    if (used < 0 || used > capacity || this.#isCorrupt) {
      this.#isCorrupt = true
      const found = `a head ${used} units behind the tail`
      // Full from now on: nothing more is written.
      cursor[LIMIT] = cursor[Cursor.Quiet] = tail
      const wanted = `0 to ${capacity} units`
      throw new FlyshuttleError('ERR_FRAME_CORRUPT', { thread: '(consumer)', found, wanted })
    }
    cursor[LIMIT] = (head + capacity) | 0
  }
}

/**
 * Called for each frame: its byte offset in the region, its word 0 (kind and length). It must not
 * keep the offset.
 *
 * It may handle frames right behind it, too, that are as long as this one: `framesLeft` of them at
 * most, and as many as fit into `unitsLeft`. It stores where each ends in the word `takenIndex`
 * before it handles it, and returns how many there were.
 */
export type FrameHandler = (
  offset: number,
  word0: number,
  framesLeft: number,
  unitsLeft: number,
  takenIndex: number,
) => number | void

export class RingReader {
  readonly #i32: Int32Array
  readonly #tailIndex: number
  readonly #headIndex: number
  readonly #takenIndex: number
  readonly #waitingIndex: number
  readonly #data: number
  readonly #capacity: number
  readonly #mask: number
  #head: number
  #corrupt: string | null = null

  /**
   * Continues where the last consumer stopped: after the frame it had taken, even if its head had
   * not moved.
   */
  constructor(i32: Int32Array, place: RingPlace) {
    this.#i32 = i32
    this.#tailIndex = (place.words + LINK_TAIL) >>> 2
    this.#headIndex = (place.words + LINK_HEAD) >>> 2
    this.#takenIndex = (place.words + LINK_TAKEN) >>> 2
    this.#waitingIndex = (place.words + LINK_WAITING) >>> 2
    this.#data = place.data
    this.#capacity = place.ringBytes >>> 3
    this.#mask = this.#capacity - 1
    // STEP adopt: what the last consumer had taken is behind us before anything is read.
    const head = Atomics.load(i32, this.#headIndex)
    const taken = Atomics.load(i32, this.#takenIndex)
    this.#head = ((taken - head) | 0) > 0 ? taken : head
    // A producer that waits for room looks at the head, and there may be nothing left to poll.
    if (this.#head !== head) Atomics.store(i32, this.#headIndex, this.#head)
  }

  /**
   * Hands up to `framesMax` frames to `onFrame` and frees them. Returns how many were handed over;
   * PADs don't count.
   *
   * Before each dispatch `taken` moves past the frame, so that a successor never handles it again.
   * If `onFrame` throws, the frame counts as handled and the error goes on.
   */
  poll(onFrame: FrameHandler, framesMax: number): number {
    const i32 = this.#i32
    const start = this.#head
    // SYNC tail-publish: pairs with tail-publish in RingWriter.publish. What lies before the tail
    // is complete.
    const tail = Atomics.load(i32, this.#tailIndex)
    if (tail === start || this.#corrupt !== null) return 0
    const distance = (tail - start) | 0
    if (distance < 0 || distance > this.#capacity) {
      this.#corrupt = `a tail ${distance} units after the head`
      this.#refuse()
      return 0
    }
    const mask = this.#mask
    const takenIndex = this.#takenIndex
    let head = start
    let frames = 0
    try {
      while (head !== tail && frames < framesMax) {
        const index = head & mask
        const offset = this.#data + (index << 3)
        const word0 = i32[offset >>> 2] as number
        const length = word0 & LENGTH_MASK
        const units = (length + 7) >>> 3
        const isPad = word0 >>> KIND_SHIFT === PAD
        // Until the ring's end, where a frame never goes on.
        const left = Math.min((tail - head) | 0, this.#capacity - index)
        if (units > left || length < (isPad ? 8 : HEADER_BYTES)) {
          this.#corrupt = `a length of ${length} bytes`
          break
        }
        head = (head + units) | 0
        // Plain: only a successor reads it, after our thread has ended.
        i32[takenIndex] = head
        if (!isPad) {
          frames++
          const more = onFrame(offset, word0, framesMax - frames, left - units, takenIndex)
          if ((more as number) > 0) {
            frames += more as number
            head = (head + units * (more as number)) | 0
          }
        }
      }
    } finally {
      this.#head = head
      Atomics.store(i32, this.#headIndex, head)
      if (this.#corrupt !== null) this.#refuse()
    }
    return frames
  }

  /** Nothing is read any further: says so by a head that cannot be, and the producer closes too. */
  #refuse(): void {
    // SYNC head-refuse: pairs with head-refuse in RingWriter.
    Atomics.store(this.#i32, this.#headIndex, (this.#head + REFUSED_UNITS) | 0)
  }

  /**
   * Whether a waiting producer should be rung now: it asked for room, and there is enough, or the
   * ring is empty. True at most once for each request.
   */
  release(): boolean {
    // SYNC room-wait: pairs with room-wait in RingWriter.awaitRoom. Our head moved before we look
    // for a waiter.
    const wantedBytes = Atomics.load(this.#i32, this.#waitingIndex)
    if (wantedBytes === 0) return false
    const used = (Atomics.load(this.#i32, this.#tailIndex) - this.#head) | 0
    const freeBytes = (this.#capacity - used) << 3
    if (used !== 0 && freeBytes < wantedBytes) return false
    return Atomics.exchange(this.#i32, this.#waitingIndex, 0) !== 0
  }

  /** Up to here frames have been handled, in units of 8 bytes; for counting. */
  get position(): number {
    return this.#head
  }

  /** Where the producer's published frames end now; for `hasPassed`. */
  get publishedEnd(): number {
    return Atomics.load(this.#i32, this.#tailIndex)
  }

  /** Whether every frame before `position` has been handled. */
  hasPassed(position: number): boolean {
    return this.#corrupt !== null || ((this.#head - position) | 0) >= 0
  }

  /** Whether frames wait to be polled. */
  get hasFrames(): boolean {
    return this.#corrupt === null && Atomics.load(this.#i32, this.#tailIndex) !== this.#head
  }

  /** Drops every frame that waits: a thread that takes over a vacant place starts clean. */
  skipAll(): void {
    // STEP adopt: taken before head, as in `poll`.
    this.#head = Atomics.load(this.#i32, this.#tailIndex)
    this.#i32[this.#takenIndex] = this.#head
    Atomics.store(this.#i32, this.#headIndex, this.#head)
  }

  /** What the producer wrote that cannot be, or null. A corrupt ring is not read any further. */
  get corrupt(): string | null {
    return this.#corrupt
  }
}
