// `engine.chunks()`: which blocks of shared memory are in use, by whom and since when.
//
// Read from the records in the region without asking anybody, as the counters are; so a leak shows
// also when whoever holds the block is stuck.

import { threadName } from '../base/events.js'
import type { ChunkReclaim } from '../link/chunk-reclaim.js'
import { DictionaryReader } from '../memory/dictionary.js'
import type { Region } from '../memory/region.js'
import type { QueueDirectory } from '../queue/directory.js'
import type { Fleet } from './fleet.js'
import type { Place } from './threads.js'

/** What `engine.chunks()` returns. Plain data; figures are each a moment old. */
export interface ChunkStats {
  readonly blocks: number
  readonly blocksInUse: number
  /** Bytes of the blocks in use, whether filled or not. */
  readonly bytesInUse: number
  /** Leases and loans that were never released, and came back by the garbage collector. */
  readonly forgotten: number
  /** Every size of block, the smallest first. */
  readonly sizes: readonly ChunkSize[]
  /** Who keeps which block, the longest first. A block that several keep stands here so often. */
  readonly holders: readonly ChunkHolder[]
}

export interface ChunkSize {
  readonly bytes: number
  readonly blocks: number
  readonly inUse: number
}

export interface ChunkHolder {
  /** Number of the block. */
  readonly block: number
  readonly blockBytes: number
  /** What of it is the message. */
  readonly bytes: number
  /**
   * `loan`: taken and not published yet; `unread`: published, and not received by this thread yet;
   * `lease`: received, and read in place; `job`: a job of a work queue that is not done yet.
   */
  readonly as: 'loan' | 'unread' | 'lease' | 'job'
  /** Index and name of the thread; for a job of the one that has added it, dead or not. */
  readonly thread: number
  readonly name: string
  /** For a loan the agent that took it, else those that live on the thread. */
  readonly agents: readonly string[]
  /** Null for a loan, and for replies; the queue of a job. */
  readonly subject: string | null
  /** For how long: since it was taken for a loan, since it was published else. */
  readonly sinceMs: number
}

/** `nowMs` is the monotonic clock's. */
export function chunksOf(
  region: Region,
  table: ChunkReclaim,
  nowMs: number,
  places: readonly Place[],
  fleet: Fleet,
  queues: QueueDirectory,
): ChunkStats {
  const records = table.records()
  const dictionaries = new Map<number, DictionaryReader>()
  const subjectOf = (thread: number, id: number): string | null => {
    if (id === 0) return null
    let dictionary = dictionaries.get(thread)
    if (dictionary === undefined) {
      dictionary = new DictionaryReader(region, thread)
      dictionaries.set(thread, dictionary)
    }
    return dictionary.subject(id) ?? null
  }
  const agentsOn = (thread: number): string[] => {
    const place = places[thread]
    return place === undefined ? [] : fleet.namesOn(place)
  }
  const holders = records.flatMap((record): ChunkHolder[] => {
    const { block, bytes, owner, isShared } = record
    const common = { block, blockBytes: record.classBytes, bytes }
    const sinceMs = ((nowMs | 0) - record.sinceMs) >>> 0
    const holder = (as: ChunkHolder['as'], thread: number): ChunkHolder => ({
      ...common,
      as,
      thread,
      name: threadName(thread),
      agents: agentsOn(thread),
      subject: subjectOf(owner, record.subject),
      sinceMs,
    })
    if (!isShared) {
      const agent = fleet.nameOf(record.agent)
      return [{ ...holder('loan', owner), agents: agent === null ? [] : [agent] }]
    }
    if (record.slot !== 0) {
      return [{ ...holder('job', owner), subject: queues.queueAt(record.slot) }]
    }
    return [
      ...record.due.map((thread) => holder('unread', thread)),
      ...record.held.map((thread) => holder('lease', thread)),
    ]
  })
  return {
    blocks: table.layout.blocks,
    blocksInUse: records.length,
    bytesInUse: records.reduce((sum, { classBytes }) => sum + classBytes, 0),
    forgotten: table.forgotten,
    sizes: table.layout.classes.map(({ bytes, count }) => ({
      bytes,
      blocks: count,
      inUse: records.filter(({ classBytes }) => classBytes === bytes).length,
    })),
    holders: holders.sort((one, other) => other.sinceMs - one.sinceMs),
  }
}
