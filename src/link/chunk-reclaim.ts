// What becomes of the blocks of a thread that has ended, done by the main thread once that is
// proven, and before the place has a successor.
//
// What it owned is free: nobody else has heard of it. What it was to receive or held is not for it
// any more; a frame that it had not read says so to whoever reads on. What it had sent stays for
// those whose frame was published before it ended; the others will never get one, and are taken
// off. The rings tell which is which: nobody writes to those of a dead producer, so all that lies
// between head and tail can be read, also while its receiver does. What holds a job is its slot's,
// and stays; unless the job is over, or had not been put into its slot yet.

import { ChunkWord } from '../memory/chunk-layout.js'
import { LINK_HEAD, LINK_TAIL, Lane } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { FRAME_LENGTH_MASK, FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../ring/frame.js'
import {
  CHUNK_GENERATION_SHIFT,
  CHUNK_STATE_MASK,
  ChunkState,
  ChunkTable,
  ownerIn,
} from './chunk-table.js'
import { DESCRIPTOR_BYTES, Descriptor } from './descriptor.js'

const { DueLow, HeldLow } = ChunkWord

export class ChunkReclaim extends ChunkTable {
  readonly #region: Region

  constructor(region: Region, wake: (thread: number) => void) {
    super(region, wake)
    this.#region = region
  }

  /** Frees what `thread` leaves behind; returns how many blocks that were. */
  reclaim(thread: number): number {
    let freed = 0
    const published: (Set<string> | undefined)[] = []
    const isPublished = (name: string, to: number): boolean =>
      (published[to] ??= this.#publishedTo(thread, to)).has(name)
    for (let block = 0; block < this.layout.blocks; block++) {
      if (this.#reclaimBlock(block, thread, isPublished)) freed++
    }
    this.wakeWaiters()
    return freed
  }

  /** The engine is at its end: frees what jobs have that nobody has done. */
  freeSlots(): void {
    for (let block = 0; block < this.layout.blocks; block++) {
      const record = this.record(block)
      const word = Atomics.load(this.i32, record)
      const isShared = (word & CHUNK_STATE_MASK) === ChunkState.Shared
      if (isShared && this.isOfSlot(record)) this.tryFree(record, word)
    }
  }

  #reclaimBlock(
    block: number,
    thread: number,
    isPublished: (name: string, to: number) => boolean,
  ): boolean {
    const { i32 } = this
    const record = this.record(block)
    const word = Atomics.load(i32, record)
    const state = word & CHUNK_STATE_MASK
    const isOwner = ownerIn(word) === thread
    if (state === ChunkState.Owned) return isOwner && this.tryFree(record, word)
    if (state !== ChunkState.Shared) return false
    if (this.isOfSlot(record)) return this.isSlotOver(record, isOwner) && this.tryFree(record, word)
    const half = thread >>> 5
    const bit = 1 << (thread & 31)
    const bits = (i32[record + DueLow + half] as number) | (i32[record + HeldLow + half] as number)
    // It may have ended between clearing the last bit and freeing the block.
    if (!isOwner && (bits & bit) === 0) return this.isUnused(record) && this.tryFree(record, word)
    const examined = (word & ~CHUNK_STATE_MASK) | ChunkState.Examined
    // From here on nobody frees it, and so nobody takes it.
    if (Atomics.compareExchange(i32, record, word, examined) !== word) return false
    Atomics.and(i32, record + DueLow + half, ~bit)
    Atomics.and(i32, record + HeldLow + half, ~bit)
    if (isOwner) {
      for (const to of this.threadsIn(record + DueLow)) {
        // Not there when we looked: received by now, and its bit is clear; or never published.
        if (isPublished(nameOf(block, word >>> CHUNK_GENERATION_SHIFT), to)) continue
        Atomics.and(i32, record + DueLow + (to >>> 5), ~(1 << (to & 31)))
      }
    }
    this.tellSender(record, word)
    Atomics.store(i32, record, word)
    // What others wanted to free meanwhile, we look at.
    return this.isUnused(record) && this.tryFree(record, word)
  }

  /** The blocks that the last of their frames names, among all that a dead thread left for `to`. */
  #publishedTo(from: number, to: number): Set<string> {
    const { i32 } = this
    const { layout } = this.#region
    const names = new Set<string>()
    for (const lane of [Lane.Urgent, Lane.Bulk]) {
      const words = layout.laneWords(from, to, lane)
      const data = layout.ring(from, to, lane)
      const capacity = layout.ringBytes(lane) >>> 3
      let position = Atomics.load(i32, (words + LINK_HEAD) >>> 2)
      const tail = Atomics.load(i32, (words + LINK_TAIL) >>> 2)
      if (((tail - position) | 0) > capacity) continue // Written over by a peer: nobody reads it.
      while (((tail - position) | 0) > 0) {
        const offset = data + ((position & (capacity - 1)) << 3)
        const word0 = i32[offset >>> 2] as number
        const length = word0 & FRAME_LENGTH_MASK
        if (length === 0) break
        position = (position + ((length + 7) >>> 3)) | 0
        if (word0 >>> FRAME_KIND_SHIFT === FrameKind.Pad) continue
        if (((i32[(offset >>> 2) + 1] as number) & FrameFlag.Chunk) === 0) continue
        const at = (offset + length - DESCRIPTOR_BYTES) >>> 2
        if (i32[at + Descriptor.More] !== 0) continue
        names.add(
          nameOf(i32[at + Descriptor.Block] as number, i32[at + Descriptor.Generation] as number),
        )
      }
    }
    return names
  }
}

function nameOf(block: number, generation: number): string {
  return `${block}:${generation}`
}
