// The chunk area of a region: blocks of a few sizes, in which large messages travel, and one record
// of sixteen words for each.
//
//   ┌────────┬───────────────┬──────────────┬──────────────┬───┬────────────────┐
//   │ header │ records       │ blocks of    │ blocks of    │ … │ blocks of      │
//   │ 4 KiB  │ 64 B per block│ 16 KiB       │ 64 KiB       │   │ 64 MiB         │
//   └────────┴───────────────┴──────────────┴──────────────┴───┴────────────────┘
//                            ▲ page
//
//   header    line 0: two words, one bit for each thread that waits for a block; line 1: how many
//             leases and loans were never released
//   record    state, due (2 words), held (2), bytes, since, subject, agent, tell, slot, its life;
//             see `ChunkTable`
//
// Pure arithmetic. Blocks are numbered through, the small ones first.

import { CHUNK_CLASSES, CHUNK_SHARES } from '../base/limits.js'

export const CHUNK_HEADER_BYTES = 4096
export const CHUNK_WAITERS = 0
export const CHUNK_FORGOTTEN = 128
export const CHUNK_RECORD_BYTES = 64
const PAGE_BYTES = 4096

/** Words of a block's record. One bit of `Due` and of `Held` for each thread. */
export const ChunkWord = {
  State: 0,
  DueLow: 1,
  DueHigh: 2,
  HeldLow: 3,
  HeldHigh: 4,
  Bytes: 5,
  SinceMs: 6,
  Subject: 7,
  Agent: 8,
  Tell: 9,
  Slot: 10,
  SlotLife: 11,
} as const

/** All blocks of one size. */
export interface ChunkClass {
  readonly bytes: number
  readonly count: number
  /** Number of its first block. */
  readonly first: number
  /** Where its first block lies in the region. */
  readonly data: number
}

export interface ChunkLayout {
  readonly classes: readonly ChunkClass[]
  readonly blocks: number
  readonly waiters: number
  readonly forgotten: number
  readonly records: number
  /** The largest block, and so the largest message; 0 when there is no block. */
  readonly bytesMax: number
}

/** Carves an area of `areaBytes` that begins at `start`, a multiple of a page. */
export function chunkLayoutOf(start: number, areaBytes: number): ChunkLayout {
  const counts = CHUNK_CLASSES.map(({ bytes, share }) =>
    Math.floor((areaBytes * share) / CHUNK_SHARES / bytes),
  )
  const takenBytes = (): number =>
    dataStart(counts) + CHUNK_CLASSES.reduce((sum, { bytes }, i) => sum + bytes * at(counts, i), 0)
  // The records are paid for by the smallest blocks; what is left over makes the largest that fit.
  while (takenBytes() > areaBytes && counts.some((count) => count > 0)) {
    counts[counts.findIndex((count) => count > 0)]!--
  }
  for (let i = counts.length - 1; i >= 0; i--) {
    const { bytes } = CHUNK_CLASSES[i] as { bytes: number }
    while (takenBytes() + bytes + PAGE_BYTES <= areaBytes) counts[i]!++
  }
  const classes: ChunkClass[] = []
  let first = 0
  let data = start + dataStart(counts)
  for (const [i, { bytes }] of CHUNK_CLASSES.entries()) {
    const count = at(counts, i)
    if (count === 0) continue
    classes.push({ bytes, count, first, data })
    first += count
    data += bytes * count
  }
  return {
    classes,
    blocks: first,
    waiters: start + CHUNK_WAITERS,
    forgotten: start + CHUNK_FORGOTTEN,
    records: start + CHUNK_HEADER_BYTES,
    bytesMax: classes.at(-1)?.bytes ?? 0,
  }
}

function dataStart(counts: readonly number[]): number {
  const blocks = counts.reduce((sum, count) => sum + count, 0)
  return Math.ceil((CHUNK_HEADER_BYTES + blocks * CHUNK_RECORD_BYTES) / PAGE_BYTES) * PAGE_BYTES
}

function at(counts: readonly number[], index: number): number {
  return counts[index] as number
}
