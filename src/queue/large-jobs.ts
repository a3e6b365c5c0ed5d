// Jobs that no slot holds: their payload lies in a block of shared memory, which belongs to the
// slot for as long as the job lives.
//
// The producer fills a block and gives it to its slot before the job can be found. Whoever ends the
// job frees the block after that; if it dies in between, the slot's word says that the job is over,
// and the main thread frees the block then (`chunk-reclaim.ts`). What is read of a block counts
// only if the job is still the reader's afterwards: else another may have had it, done it, and
// freed the block.

import type { ChunkPool } from '../link/chunk-pool.js'
import type { Views } from '../memory/region.js'
import type { Lane } from '../ring/queue-lane.js'
import { SLOT_CODEC, SLOT_LARGE } from '../ring/queue-layout.js'
import type { PayloadStage } from '../routing/payload.js'
import type { BlockName, JobRecord } from './job-record.js'

// A constant of this module, which V8 folds into compiled code; an imported one it does not.
const LARGE = SLOT_LARGE

/** Where a payload lies in the region. */
export interface Extent {
  readonly start: number
  readonly end: number
}

export class LargeJobs {
  readonly #pool: ChunkPool
  readonly #views: Views

  constructor(pool: ChunkPool, views: Views) {
    this.#pool = pool
    this.#views = views
  }

  /** The largest payload; 0 without blocks. */
  get bytesMax(): number {
    return this.#pool.bytesMax
  }

  /**
   * Puts what is staged into a block of its own, and the block's name into a free slot. False: no
   * block is free; this thread is woken when one is.
   */
  write(stage: PayloadStage, lane: Lane, slot: number): boolean {
    const pool = this.#pool
    let block = pool.take(stage.bytes, 0)
    if (block < 0) {
      pool.awaitFree()
      block = pool.take(stage.bytes, 0)
    }
    if (block < 0) return false
    // STEP chunk-fill: ours alone, so far.
    stage.copyTo(this.#views, pool.offsetOf(block))
    const at = lane.payload(slot) >>> 2
    this.#views.i32[at] = block
    this.#views.i32[at + 1] = pool.generationOf(block)
    pool.giveToSlot(block, lane.states + slot)
    return true
  }

  /** Where the payload of a large job lies; null when the slot names no block that is a job's. */
  find(record: JobRecord): Extent | null {
    const { block, generation } = record.block
    const bytes = this.#pool.bytesOfSlot(block, generation)
    if (bytes < 0) return null
    const start = this.#pool.offsetOf(block)
    return { start, end: start + bytes }
  }

  /** What the job in a slot has, or null. A look at one word, for most. */
  blockAt(lane: Lane, slot: number): BlockName | null {
    const { i32 } = this.#views
    const at = lane.slot(slot)
    if (((i32[(at + SLOT_CODEC) >>> 2] as number) & LARGE) === 0) return null
    const name = lane.payload(slot) >>> 2
    return { block: i32[name] as number, generation: i32[name + 1] as number }
  }

  /** The job is over. */
  free({ block, generation }: BlockName): void {
    this.#pool.freeOfSlot(block, generation)
  }

  /** Jobs were dropped, without a look at what they had. */
  sweep(): void {
    this.#pool.sweepSlots()
  }
}
