// The records of all blocks of shared memory for large messages: what every thread may do with
// them.
//
// A block is free; or owned by one thread, which fills it; or shared: sent, and nobody's any more.
// That stands in one word, together with the owner and a generation, and moves by compare-and-swap:
//
//   state word   31              8 7     2 1 0
//                ┌────────────────┬───────┬───┐    the generation counts how often the block was
//                │ generation  24 │ owner │ s │    taken, so that an old reference is told from a
//                └────────────────┴───────┴───┘    new one
//
// Whom a shared block is for stands in two pairs of words, with a bit for each thread. `due`: a
// frame that names the block is under way to that thread. `held`: that thread reads it in place. A
// bit is set in `held` before the same bit is cleared in `due`, and no bit of `due` is ever set
// once the block is shared; so whoever finds `due` empty, and then `held`, knows that it stays so,
// and the compare-and-swap of the state decides who of several frees the block. The sender holds
// it as well until all frames are out, for it may have to take somebody off the list. Nothing is
// linked and nothing is counted in shared memory, so a thread may end between any two steps: what
// it owned or held is found in these words (`chunk-reclaim.ts`).
//
// A block that holds a job of a work queue is shared as well, but with no thread: it names a slot,
// and which of the slot's lives. As long as the slot is in that life, the block is its; afterwards
// anybody may free it, and the compare-and-swap of the state decides who does.

import {
  CHUNK_RECORD_BYTES,
  ChunkWord,
  chunkLayoutOf,
  type ChunkClass,
  type ChunkLayout,
} from '../memory/chunk-layout.js'
import type { Region } from '../memory/region.js'
import { GENERATION_MASK, JobKind, kindOf } from '../ring/queue-layout.js'

/** `Examined`: shared, and nobody may free it until whoever cleans up has looked. */
export const ChunkState = { Free: 0, Owned: 1, Shared: 2, Examined: 3 } as const

export const CHUNK_STATE_MASK = 3
export const CHUNK_OWNER_SHIFT = 2
export const CHUNK_OWNER_MASK = 63
export const CHUNK_GENERATION_SHIFT = 8
const RECORD_WORDS = CHUNK_RECORD_BYTES >>> 2
const { DueLow, DueHigh, HeldLow, HeldHigh, Bytes, SinceMs, Subject, Agent } = ChunkWord
const { Slot, SlotLife } = ChunkWord

/** What a record says of a block in use. */
export interface ChunkRecord {
  readonly block: number
  readonly classBytes: number
  readonly bytes: number
  readonly isShared: boolean
  /** Thread that took the block. */
  readonly owner: number
  /** Threads to which a frame is under way, and threads that read it in place. */
  readonly due: readonly number[]
  readonly held: readonly number[]
  /** When it was taken or sent, low 32 bits of the monotonic clock's ms. */
  readonly sinceMs: number
  /** In the owner's dictionary; 0 for none. */
  readonly subject: number
  readonly agent: number
  /** Index of the state word of the job's slot that has it; 0 for none. */
  readonly slot: number
}

export class ChunkTable {
  readonly layout: ChunkLayout
  /** Name of the engine, for events. */
  readonly engine: string
  protected readonly i32: Int32Array
  readonly #records: number
  readonly #wake: (thread: number) => void

  /** `wake` has a thread look again that waited for a block. */
  constructor(region: Region, wake: (thread: number) => void) {
    const { layout, views, engine } = region
    this.engine = engine
    this.layout = chunkLayoutOf(layout.chunks, layout.chunkBytes)
    this.i32 = views.i32
    this.#records = this.layout.records >>> 2
    this.#wake = wake
  }

  /** First byte of a block in the region: a multiple of a page. */
  offsetOf(block: number): number {
    const { data, bytes, first } = this.#classOf(block)
    return data + (block - first) * bytes
  }

  capacityOf(block: number): number {
    return this.#classOf(block).bytes
  }

  /** Which taking of the block this is. */
  generationOf(block: number): number {
    return (this.i32[this.record(block)] as number) >>> CHUNK_GENERATION_SHIFT
  }

  /** How many leases and loans were never released by whoever had them. */
  get forgotten(): number {
    return this.layout.blocks === 0 ? 0 : Atomics.load(this.i32, this.layout.forgotten >>> 2)
  }

  countForgotten(): void {
    Atomics.add(this.i32, this.layout.forgotten >>> 2, 1)
  }

  /** Every block in use. Threads go on meanwhile: a picture, not a promise. */
  records(): ChunkRecord[] {
    const found: ChunkRecord[] = []
    const { i32 } = this
    for (let block = 0; block < this.layout.blocks; block++) {
      const record = this.record(block)
      const word = Atomics.load(i32, record)
      const state = word & CHUNK_STATE_MASK
      if (state === ChunkState.Free) continue
      const isShared = state >= ChunkState.Shared
      found.push({
        block,
        classBytes: this.capacityOf(block),
        bytes: i32[record + Bytes] as number,
        isShared,
        owner: ownerIn(word),
        due: isShared ? this.threadsIn(record + DueLow) : [],
        held: isShared ? this.threadsIn(record + HeldLow) : [],
        sinceMs: (i32[record + SinceMs] as number) >>> 0,
        subject: i32[record + Subject] as number,
        agent: i32[record + Agent] as number,
        slot: isShared ? (i32[record + Slot] as number) : 0,
      })
    }
    return found
  }

  /**
   * Frees a block that a job's slot had. To be called by whoever has ended the job, after the
   * slot's word says so.
   */
  freeOfSlot(block: number, generation: number): void {
    if (block < 0 || block >= this.layout.blocks) return // Written over by a peer.
    const record = this.record(block)
    const word = Atomics.load(this.i32, record)
    if ((word & CHUNK_STATE_MASK) !== ChunkState.Shared) return
    if (word >>> CHUNK_GENERATION_SHIFT !== generation) return
    // STEP chunk-free: of several that know the job to be over, one frees it.
    if (this.tryFree(record, word)) this.wakeWaiters()
  }

  /** Frees every block whose job is over, and was not freed by whoever ended it. */
  sweepSlots(): void {
    for (let block = 0; block < this.layout.blocks; block++) {
      const record = this.record(block)
      const word = Atomics.load(this.i32, record)
      if ((word & CHUNK_STATE_MASK) !== ChunkState.Shared || !this.isOfSlot(record)) continue
      if (this.isSlotOver(record)) this.tryFree(record, word)
    }
    this.wakeWaiters()
  }

  /** Of a shared block: whether a job's slot has it, or had. */
  protected isOfSlot(record: number): boolean {
    // SYNC chunk-job: pairs with chunk-job in giveToSlot. It is there before the block is shared.
    return Atomics.load(this.i32, record + Slot) !== 0
  }

  /**
   * Whether the slot that has a block is past the life in which it got it. With `deadOwner`, the
   * thread that took the block has ended: then a slot that is free will not be anything else in
   * that life, and its job was never there.
   */
  protected isSlotOver(record: number, deadOwner = false): boolean {
    const index = this.i32[record + Slot] as number
    // Written over by a peer: it names nothing.
    if (index <= 0 || index >= this.i32.length) return true
    const word = Atomics.load(this.i32, index)
    if ((word & GENERATION_MASK) !== this.i32[record + SlotLife]) return true
    return deadOwner && kindOf(word) === JobKind.Free
  }

  protected record(block: number): number {
    return this.#records + block * RECORD_WORDS
  }

  /** The threads whose bit is set in the pair of words that begins at `low`. */
  protected threadsIn(low: number): number[] {
    const threads: number[] = []
    for (let thread = 0; thread < 64; thread++) {
      const word = this.i32[low + (thread >>> 5)] as number
      if ((word & (1 << (thread & 31))) !== 0) threads.push(thread)
    }
    return threads
  }

  /**
   * Whether no thread is to have it, nor a slot. In this order: a bit is in `held` before it leaves
   * `due`.
   */
  protected isUnused(record: number): boolean {
    const { i32 } = this
    return (
      !this.isOfSlot(record) &&
      (Atomics.load(i32, record + DueLow) | Atomics.load(i32, record + DueHigh)) === 0 &&
      (Atomics.load(i32, record + HeldLow) | Atomics.load(i32, record + HeldHigh)) === 0
    )
  }

  /** `word` is from before we looked: a block that has been taken again since is not ours. */
  protected tryFree(record: number, word: number): boolean {
    const free = (word >>> CHUNK_GENERATION_SHIFT) << CHUNK_GENERATION_SHIFT
    return Atomics.compareExchange(this.i32, record, word, free) === word
  }

  /** To be called after a bit was cleared: frees the block if it was the last one. */
  protected look(record: number): void {
    const word = Atomics.load(this.i32, record)
    this.tellSender(record, word)
    const isFree = (word & CHUNK_STATE_MASK) === ChunkState.Shared && this.isUnused(record)
    // STEP chunk-free: of several that find it unused, one frees it.
    if (isFree && this.tryFree(record, word)) this.wakeWaiters()
  }

  /** Wakes the thread that has sent the block, if it waits for that to be received. */
  protected tellSender(record: number, word: number): void {
    // SYNC chunk-tell: pairs with chunk-tell in awaitReceived. The bit is clear before we look.
    if (Atomics.load(this.i32, record + ChunkWord.Tell) === 0) return
    if (Atomics.exchange(this.i32, record + ChunkWord.Tell, 0) !== 0) this.#wake(ownerIn(word))
  }

  protected wakeWaiters(): void {
    // Without blocks there is no area, and nobody waits.
    if (this.layout.blocks === 0) return
    const low = this.layout.waiters >>> 2
    for (let index = low; index < low + 2; index++) {
      // SYNC chunk-wait: pairs with chunk-wait in awaitFree. The block is free before we look.
      if (Atomics.load(this.i32, index) === 0) continue
      let bits = Atomics.exchange(this.i32, index, 0)
      for (; bits !== 0; bits &= bits - 1) {
        this.#wake((index - low) * 32 + 31 - Math.clz32(bits & -bits))
      }
    }
  }

  #classOf(block: number): ChunkClass {
    const { classes } = this.layout
    let index = classes.length - 1
    while ((classes[index] as ChunkClass).first > block) index--
    return classes[index] as ChunkClass
  }
}

export function ownerIn(word: number): number {
  return (word >>> CHUNK_OWNER_SHIFT) & CHUNK_OWNER_MASK
}
