// Blocks of shared memory for large messages, as one thread uses them: takes and fills them, sends
// them, receives them, and reads them in place for as long as it likes.
//
// `chunk-table.ts` tells what the words mean. Several leases of one block on this thread share the
// thread's one bit; how many there are is counted here, in private memory.

import type { Clock } from '../base/clock.js'
import { ChunkWord, type ChunkClass } from '../memory/chunk-layout.js'
import type { Region } from '../memory/region.js'
import { GENERATION_MASK } from '../ring/queue-layout.js'
import {
  CHUNK_GENERATION_SHIFT,
  CHUNK_OWNER_SHIFT,
  CHUNK_STATE_MASK,
  ChunkState,
  ChunkTable,
} from './chunk-table.js'

const { DueLow, DueHigh, HeldLow, HeldHigh, Bytes, SinceMs, Subject, Agent, Tell } = ChunkWord
const { Slot, SlotLife } = ChunkWord

export class ChunkPool extends ChunkTable {
  readonly thread: number
  readonly #threads: number
  readonly #clock: Clock
  readonly #bit: number
  /** Which word of a pair has our bit. */
  readonly #half: number
  readonly #leases: Uint32Array

  /** `wake` has a thread look again that waited for a block. */
  constructor(region: Region, thread: number, clock: Clock, wake: (thread: number) => void) {
    super(region, wake)
    this.thread = thread
    this.#clock = clock
    this.#threads = region.layout.threads
    this.#bit = 1 << (thread & 31)
    this.#half = thread >>> 5
    this.#leases = new Uint32Array(this.layout.blocks)
  }

  /** The largest message. */
  get bytesMax(): number {
    return this.layout.bytesMax
  }

  /**
   * Takes a block of at least `bytes`, from the smallest size that fits or the next one. Its
   * number, or -1 when none is free.
   */
  take(bytes: number, agent: number): number {
    const { classes } = this.layout
    let fitting = 0
    while (fitting < classes.length && (classes[fitting] as ChunkClass).bytes < bytes) fitting++
    for (let index = fitting; index < Math.min(fitting + 2, classes.length); index++) {
      const block = this.#takeOf(classes[index] as ChunkClass)
      if (block < 0) continue
      const record = this.record(block)
      this.i32[record + Bytes] = bytes
      this.i32[record + SinceMs] = this.#clock.nowMs() | 0
      this.i32[record + Subject] = 0
      this.i32[record + Agent] = agent
      this.i32[record + Slot] = 0
      return block
    }
    return -1
  }

  /** Has this thread woken when a block is freed. Look once more after it. */
  awaitFree(): void {
    if (this.layout.blocks === 0) return
    // SYNC chunk-wait: pairs with chunk-wait in wakeWaiters. The bit is set before we look again.
    Atomics.or(this.i32, (this.layout.waiters >>> 2) + this.#half, this.#bit)
  }

  /** Gives back a block that this thread owns and has not sent. */
  giveBack(block: number): void {
    const record = this.record(block)
    if (this.tryFree(record, this.i32[record] as number)) this.wakeWaiters()
  }

  /**
   * Makes a block of this thread a message of `bytes`: `low` and `high` have a bit for each thread
   * that a frame is going to. To be called before any of these frames is visible. This thread holds
   * the block until `sent`: it stays the one that `withdraw` means, whatever becomes of the others.
   */
  share(block: number, low: number, high: number, bytes: number, subject: number): void {
    const { i32 } = this
    const record = this.record(block)
    i32[record + Bytes] = bytes
    i32[record + SinceMs] = this.#clock.nowMs() | 0
    i32[record + Subject] = subject
    i32[record + HeldLow] = 0
    i32[record + HeldHigh] = 0
    i32[record + HeldLow + this.#half] = this.#bit
    this.#leases[block] = 1
    i32[record + Tell] = 0
    // STEP chunk-share: whom it is for, before it is nobody's; nobody's, before a frame names it.
    Atomics.store(i32, record + DueLow, low)
    Atomics.store(i32, record + DueHigh, high)
    const word = i32[record] as number
    // SYNC chunk-share: pairs with chunk-share in accept. Whom it is for is there before.
    Atomics.store(i32, record, (word & ~CHUNK_STATE_MASK) | ChunkState.Shared)
  }

  /**
   * Gives a block of this thread, filled, to a slot of its own lane: from here on it lives as long
   * as the job does, whoever dies. To be called while the slot is still free; `index` is that of
   * its state word.
   */
  giveToSlot(block: number, index: number): void {
    const { i32 } = this
    const record = this.record(block)
    i32[record + DueLow] = 0
    i32[record + DueHigh] = 0
    i32[record + HeldLow] = 0
    i32[record + HeldHigh] = 0
    i32[record + Tell] = 0
    i32[record + SlotLife] = (i32[index] as number) & GENERATION_MASK
    // SYNC chunk-job: pairs with chunk-job in isOfSlot. Whose it is, before it is nobody's.
    Atomics.store(i32, record + Slot, index)
    const word = i32[record] as number
    // STEP chunk-share: nobody's, before anybody can find its job.
    Atomics.store(i32, record, (word & ~CHUNK_STATE_MASK) | ChunkState.Shared)
  }

  /**
   * How many bytes a job has in a block, or -1 when the block is another's by now, or nonsense.
   * They are read at `offsetOf`, and count only if the job is still ours afterwards.
   */
  bytesOfSlot(block: number, generation: number): number {
    if (block < 0 || block >= this.layout.blocks) return -1
    const record = this.record(block)
    const word = Atomics.load(this.i32, record)
    if ((word & CHUNK_STATE_MASK) !== ChunkState.Shared) return -1
    if (word >>> CHUNK_GENERATION_SHIFT !== generation) return -1
    const bytes = this.i32[record + Bytes] as number
    return bytes > this.capacityOf(block) ? -1 : bytes
  }

  /** All frames of a shared block are out, and nobody is to be taken off any more. */
  sent(block: number): void {
    this.dropLease(block)
  }

  /** Whether a block that was sent has not been received by `thread` yet. */
  isDue(block: number, generation: number, thread: number): boolean {
    const record = this.record(block)
    // In this order, as in `accept`.
    const due = Atomics.load(this.i32, record + DueLow + (thread >>> 5))
    const word = Atomics.load(this.i32, record)
    if (word >>> CHUNK_GENERATION_SHIFT !== generation) return false
    if ((word & CHUNK_STATE_MASK) < ChunkState.Shared) return false
    return (due & (1 << (thread & 31))) !== 0
  }

  /**
   * Has this thread woken when a block that it has sent was received by somebody. False: `thread`
   * has received it already.
   */
  awaitReceived(block: number, generation: number, thread: number): boolean {
    // SYNC chunk-tell: pairs with chunk-tell in tellSender. We ask before we look again.
    Atomics.store(this.i32, this.record(block) + Tell, 1)
    return this.isDue(block, generation, thread)
  }

  /**
   * Takes `thread` off the list of a block's receivers: no frame goes there after all. Between
   * `share` and `sent` only: later the block may be another's.
   */
  withdraw(block: number, thread: number): void {
    const record = this.record(block)
    Atomics.and(this.i32, record + DueLow + (thread >>> 5), ~(1 << (thread & 31)))
    this.look(record)
  }

  /**
   * Where the bytes lie that a frame for this thread names; -1 when the frame has no right to them
   * (any more), or names nonsense. They stay until `finish`.
   */
  accept(block: number, generation: number, bytes: number): number {
    if (block >= this.layout.blocks) return -1
    const record = this.record(block)
    // In this order: the word, seen later, says that the bit was one of this generation. The other
    // way round it may be freed, taken again and be on its way to us once more in between.
    const due = Atomics.load(this.i32, record + DueLow + this.#half)
    // SYNC chunk-share: pairs with chunk-share in share.
    const word = Atomics.load(this.i32, record)
    if ((word & CHUNK_STATE_MASK) < ChunkState.Shared) return -1
    if (word >>> CHUNK_GENERATION_SHIFT !== generation) return -1
    if ((due & this.#bit) === 0 || bytes > this.capacityOf(block)) return -1
    return this.offsetOf(block)
  }

  /** No further frame to this thread names the block. Leases taken meanwhile keep it. */
  finish(block: number): void {
    const record = this.record(block)
    // STEP chunk-received: what leases keep is held already.
    Atomics.and(this.i32, record + DueLow + this.#half, ~this.#bit)
    this.look(record)
  }

  /** One more lease of a block that has been accepted and not finished. */
  addLease(block: number): void {
    const leases = this.#leases[block] as number
    this.#leases[block] = leases + 1
    // STEP chunk-lease: held, before it is due no more.
    if (leases === 0) {
      Atomics.or(this.i32, this.record(block) + HeldLow + this.#half, this.#bit)
    }
  }

  dropLease(block: number): void {
    const leases = (this.#leases[block] as number) - 1
    this.#leases[block] = leases
    if (leases > 0) return
    const record = this.record(block)
    // STEP chunk-release: our bit, and then the block if it was the last one.
    Atomics.and(this.i32, record + HeldLow + this.#half, ~this.#bit)
    this.look(record)
  }

  /** First fit, from a place of our own: a block that was used last is still in the cache. */
  #takeOf({ first, count }: ChunkClass): number {
    const { i32 } = this
    const start = Math.floor((this.thread * count) / this.#threads)
    for (let step = 0; step < count; step++) {
      const index = start + step
      const block = first + (index < count ? index : index - count)
      const record = this.record(block)
      const word = i32[record] as number
      if ((word & CHUNK_STATE_MASK) !== ChunkState.Free) continue
      const next =
        (((word >>> CHUNK_GENERATION_SHIFT) + 1) << CHUNK_GENERATION_SHIFT) |
        (this.thread << CHUNK_OWNER_SHIFT) |
        ChunkState.Owned
      // STEP chunk-take: free, or ours.
      if (Atomics.compareExchange(i32, record, word, next) === word) return block
    }
    return -1
  }
}
