// Where every shared word lives. The same numbers stand in `native/core/layout.h`; a test holds the
// two equal.
//
//   region
//   ┌────────┬───────────┬─────────────┬──────────────┬──────────────┬────────────┬───────────────┐
//   │ header │ inboxes   │ link words  │ subscription │ dictionaries │ change log │ rings         │
//   │ 4 KiB  │ T × 2 KiB │ T·T × 1½ KiB│ rows, 4 B    │ T × d        │ 2 halves   │ T·T × (u + b) │
//   ├────────┼───────────┴─────────────┴──────────────┴──────────────┴────────────┴───────────────┘
//   │ queues │ chunks │   work queues and large messages: areas with a layout of their own
//   └────────┴────────┘
//
//   header    geometry in the first line (written once, copied out once, never trusted again), then
//             one word per 128-byte line: version, log generation, log tails, deaths, state
//   inbox     one word per line: sleeping, dead, full, incarnation, dictionary tail; a line of
//             liveness; four ready groups; four lines of the thread's counters
//   link      from × T + to; per lane (urgent, bulk) four words, one per line: tail, head, taken,
//             waiting; a line of counters for the producer, and one for the consumer
//
// Positions (tail, head, taken) count 8-byte units, run freely as u32 and wrap at 2^32. They are
// never reset. All constants below are bytes unless their name says otherwise. Views index by
// bytes >>> 2.

import { FlyshuttleError } from '../base/errors.js'
import {
  BULK_RING_BYTES_MAX_AUTO,
  CHANGE_LOG_BYTES,
  CHUNK_AREA_BYTES,
  DICTIONARY_BYTES,
  LINE_BYTES,
  QUEUE_AREA_BYTES,
  RING_BUDGET_BYTES,
  RING_BYTES_MAX,
  RING_BYTES_MIN,
  SUBSCRIPTIONS_MAX,
  THREADS_MAX,
  URGENT_RING_DIVISOR,
} from '../base/limits.js'

export const LAYOUT_MAGIC = 0x53594c46 // "FLYS", little endian
export const LAYOUT_VERSION = 3

/** Header: geometry, in the order of `Geometry`. */
export const HEADER_BYTES = 4096
export const HEADER_MAGIC = 0
export const HEADER_LAYOUT_VERSION = 4
export const HEADER_THREADS = 8
export const HEADER_BULK_RING_BYTES = 12
export const HEADER_URGENT_RING_BYTES = 16
export const HEADER_DICTIONARY_BYTES = 20
export const HEADER_CHANGE_LOG_BYTES = 24
export const HEADER_SUBSCRIPTIONS = 28
export const HEADER_QUEUE_BYTES = 32
export const HEADER_CHUNK_BYTES = 36

/** Header: shared words, each alone on its line. */
export const HEADER_VERSION = 1 * LINE_BYTES
export const HEADER_LOG_GENERATION = 2 * LINE_BYTES
export const HEADER_LOG_TAIL_EVEN = 3 * LINE_BYTES
export const HEADER_LOG_TAIL_ODD = 4 * LINE_BYTES
export const HEADER_DEATHS = 5 * LINE_BYTES
/** An EngineState: whether threads may still join, and for whoever looks. */
export const HEADER_STATE = 6 * LINE_BYTES

/** Inbox of one thread. */
export const INBOX_BYTES = 16 * LINE_BYTES
export const INBOX_SLEEPING = 0 * LINE_BYTES
export const INBOX_DEAD = 1 * LINE_BYTES
export const INBOX_FULL = 2 * LINE_BYTES
export const INBOX_INCARNATION = 3 * LINE_BYTES
export const INBOX_DICTIONARY_TAIL = 4 * LINE_BYTES
/**
 * A line that the thread alone writes, by plain stores. Word 0: its `Activity` in the low bits, and
 * since when above them, in ms. Then the ms of its last beat, how late that was and the latest
 * ever, the longest delivery (µs all three).
 */
export const INBOX_LIVENESS = 5 * LINE_BYTES
export const INBOX_BEAT = INBOX_LIVENESS + 4
export const INBOX_LAG = INBOX_LIVENESS + 8
export const INBOX_LAG_MAX = INBOX_LIVENESS + 12
export const INBOX_DELIVERY_MAX = INBOX_LIVENESS + 16
export const INBOX_READY = 8 * LINE_BYTES
export const READY_GROUPS_MAX = 4
/** Counters that the thread alone writes, in the order of `ThreadCounter`. */
export const INBOX_COUNTERS = 12 * LINE_BYTES

/** Words and counters of one lane of one link. */
export const LINK_TAIL = 0 * LINE_BYTES
export const LINK_HEAD = 1 * LINE_BYTES
export const LINK_TAKEN = 2 * LINE_BYTES
export const LINK_WAITING = 3 * LINE_BYTES
/** Counters of the producer, in the order of `SentCounter`, then the bytes that overflowed. */
export const LINK_SENT = 4 * LINE_BYTES
export const LINK_OVERFLOW_BYTES = LINK_SENT + 64
/** Counters of the consumer, in the order of `ReceivedCounter`. */
export const LINK_RECEIVED = 5 * LINE_BYTES
export const LANE_WORDS_BYTES = 6 * LINE_BYTES
export const LINK_WORDS_BYTES = 2 * LANE_WORDS_BYTES

export const Lane = { Urgent: 0, Bulk: 1 } as const
export type Lane = (typeof Lane)[keyof typeof Lane]

/** Values of INBOX_DEAD. */
export const ThreadState = { Vacant: 0, Alive: 1, Dead: 2 } as const

/** Values of HEADER_STATE. */
export const EngineState = { Open: 0, Closing: 1, Closed: 2 } as const

/** What a thread does, in the low bits of INBOX_LIVENESS. Running: something, since then. */
export const Activity = { Unknown: 0, Running: 1, Sleeping: 2 } as const
export const ACTIVITY_BITS = 2

/**
 * A counter takes two words: its low 32 bits, and what remains when the low COUNTER_SHIFT bits are
 * cut off. The words overlap, so any two that were read nearly together make one count: see
 * `src/counters/counter.ts`.
 */
export const COUNTER_BYTES = 8
export const COUNTER_SHIFT = 21

export const ThreadCounter = {
  Deliveries: 0,
  BusyUs: 1,
  SpinUs: 2,
  Wakes: 3,
  Parks: 4,
  SpinHits: 5,
  SpinMisses: 6,
  LossyDropped: 7,
  MailboxDropped: 8,
  RepliesDropped: 9,
  Expired: 10,
  RequestsExpired: 11,
  StreamsBegun: 12,
  StreamsEnded: 13,
} as const
export type ThreadCounter = (typeof ThreadCounter)[keyof typeof ThreadCounter]

export const SentCounter = {
  Batches: 0,
  Full: 1,
  Overflow: 2,
  Waits: 3,
  Wakes: 4,
  Skipped: 5,
  Dropped: 6,
  Rejected: 7,
} as const
export type SentCounter = (typeof SentCounter)[keyof typeof SentCounter]

/** `Units` are of 8 bytes, as positions are. */
export const ReceivedCounter = { Frames: 0, Units: 1 } as const

const PAGE_BYTES = 4096

/**
 * The sizes that fix a region. All in bytes but `threads` and `subscriptions`, which are counts.
 */
export interface Geometry {
  readonly threads: number
  readonly bulkRingBytes: number
  readonly urgentRingBytes: number
  readonly dictionaryBytes: number
  readonly changeLogBytes: number
  readonly subscriptions: number
  readonly queueBytes: number
  readonly chunkBytes: number
}

/** A geometry as the addon takes it. */
export function geometryList(geometry: Geometry): number[] {
  return [
    geometry.threads,
    geometry.bulkRingBytes,
    geometry.urgentRingBytes,
    geometry.dictionaryBytes,
    geometry.changeLogBytes,
    geometry.subscriptions,
    geometry.queueBytes,
    geometry.chunkBytes,
  ]
}

/** Byte offsets of a region of one geometry. Cold: hot code keeps the numbers it needs. */
export interface Layout extends Geometry {
  readonly readyGroups: number
  readonly inboxes: number
  readonly links: number
  readonly subscriptionRows: number
  readonly dictionaries: number
  readonly changeLog: number
  readonly rings: number
  readonly queues: number
  readonly chunks: number
  readonly regionBytes: number
  inbox(thread: number): number
  /** Start of the words of one lane of the link `from` → `to`. */
  laneWords(from: number, to: number, lane: Lane): number
  /** Start of the ring of one lane of the link `from` → `to`. */
  ring(from: number, to: number, lane: Lane): number
  ringBytes(lane: Lane): number
  dictionary(thread: number): number
}

/**
 * The geometry for `threads` threads, with defaults for what is not given.
 *
 * @throws ERR_OPTION_INVALID for a ring size that is no power of two within the limits
 * @throws ERR_THREAD_LIMIT for more threads than the limit
 */
export function planGeometry(
  threads: number,
  options: Partial<Omit<Geometry, 'threads'>> = {},
): Geometry {
  if (!Number.isInteger(threads) || threads < 1 || threads > THREADS_MAX) {
    throw new FlyshuttleError('ERR_THREAD_LIMIT', { found: threads, wanted: THREADS_MAX })
  }
  const share = 2 ** Math.floor(Math.log2(RING_BUDGET_BYTES / (threads * threads)))
  const bulkRingBytes = options.bulkRingBytes ?? Math.min(share, BULK_RING_BYTES_MAX_AUTO)
  const urgentRingBytes =
    options.urgentRingBytes ?? Math.max(RING_BYTES_MIN, bulkRingBytes / URGENT_RING_DIVISOR)
  const geometry: Geometry = {
    threads,
    bulkRingBytes: checkRingBytes('ringBytes', bulkRingBytes),
    urgentRingBytes: checkRingBytes('urgentRingBytes', urgentRingBytes),
    dictionaryBytes: options.dictionaryBytes ?? DICTIONARY_BYTES,
    changeLogBytes: options.changeLogBytes ?? CHANGE_LOG_BYTES,
    subscriptions: options.subscriptions ?? SUBSCRIPTIONS_MAX,
    queueBytes: options.queueBytes ?? QUEUE_AREA_BYTES,
    chunkBytes: options.chunkBytes ?? CHUNK_AREA_BYTES,
  }
  const { regionBytes } = layoutOf(geometry)
  if (regionBytes >= 2 ** 32) {
    throw new FlyshuttleError('ERR_OPTION_INVALID', {
      option: 'ringBytes',
      found: `${bulkRingBytes} for ${threads} threads, a region of ${regionBytes} bytes`,
      wanted: 'a region below 4 GiB',
    })
  }
  return geometry
}

function checkRingBytes(option: string, bytes: number): number {
  const isPowerOfTwo =
    Number.isInteger(bytes) && bytes > 0 && 2 ** Math.round(Math.log2(bytes)) === bytes
  if (!isPowerOfTwo || bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX) {
    throw new FlyshuttleError('ERR_OPTION_INVALID', {
      option,
      found: bytes,
      wanted: `a power of two from ${RING_BYTES_MIN} to ${RING_BYTES_MAX}`,
    })
  }
  return bytes
}

/** Lays out a region. Pure arithmetic; the drawing is at the top of this file. */
export function layoutOf(geometry: Geometry): Layout {
  const { threads, bulkRingBytes, urgentRingBytes } = geometry
  const inboxes = HEADER_BYTES
  const links = inboxes + threads * INBOX_BYTES
  const subscriptionRows = links + threads * threads * LINK_WORDS_BYTES
  const dictionaries = alignToPage(subscriptionRows + geometry.subscriptions * 4)
  const changeLog = alignToPage(dictionaries + threads * geometry.dictionaryBytes)
  const rings = alignToPage(changeLog + 2 * geometry.changeLogBytes)
  const linkRingBytes = urgentRingBytes + bulkRingBytes
  const queues = alignToPage(rings + threads * threads * linkRingBytes)
  const chunks = alignToPage(queues + geometry.queueBytes)
  return {
    ...geometry,
    readyGroups: Math.ceil(threads / 16),
    inboxes,
    links,
    subscriptionRows,
    dictionaries,
    changeLog,
    rings,
    queues,
    chunks,
    regionBytes: alignToPage(chunks + geometry.chunkBytes),
    inbox: (thread) => inboxes + thread * INBOX_BYTES,
    laneWords: (from, to, lane) =>
      links + (from * threads + to) * LINK_WORDS_BYTES + lane * LANE_WORDS_BYTES,
    ring: (from, to, lane) =>
      rings + (from * threads + to) * linkRingBytes + (lane === Lane.Urgent ? 0 : urgentRingBytes),
    ringBytes: (lane) => (lane === Lane.Urgent ? urgentRingBytes : bulkRingBytes),
    dictionary: (thread) => dictionaries + thread * geometry.dictionaryBytes,
  }
}

function alignToPage(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
}
