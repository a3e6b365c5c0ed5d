// What the counters say now: read from the region by whoever asks, without a word to their owners.
//
// Each figure is one that was true a moment ago; figures of one snapshot may be of different
// moments.

import { BEAT_MS } from '../base/limits.js'
import {
  ACTIVITY_BITS,
  Activity,
  COUNTER_BYTES,
  INBOX_BEAT,
  INBOX_DELIVERY_MAX,
  INBOX_FULL,
  INBOX_LAG,
  INBOX_LAG_MAX,
  INBOX_LIVENESS,
  LINK_HEAD,
  LINK_OVERFLOW_BYTES,
  LINK_RECEIVED,
  LINK_SENT,
  LINK_TAIL,
  Lane,
  ReceivedCounter,
  SentCounter,
  ThreadCounter,
} from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { readCount } from './counter.js'
import { ThreadCounters } from './thread-counters.js'

/** One direction between two threads, one lane of it. All counts are since the engine started. */
export interface LinkStats {
  /** Index of the sending thread. */
  readonly from: number
  /** Index of the receiving thread. */
  readonly to: number
  /** `bulk` carries publishes and requests; `urgent` replies, and what the engine itself says. */
  readonly lane: 'urgent' | 'bulk'
  /** Frames that the receiver has taken. One publish is one frame for each receiving thread. */
  readonly frames: number
  /** Bytes that the receiver has taken: whole frames, padding included. */
  readonly bytes: number
  /** Batches that the sender has made visible. */
  readonly batches: number
  /** Bytes that lie in the ring now and wait for the receiver. */
  readonly backlogBytes: number
  /** Size of the ring. */
  readonly ringBytes: number
  /** How many times the ring ran full; again only after half was free and nothing waited. */
  readonly full: number
  /** Messages that found no room and went to the overflow buffer in the sender's heap. */
  readonly overflow: number
  /** Bytes that wait in that buffer now. */
  readonly overflowBytes: number
  /** Messages that lossy receivers there went without; those of queue groups are not among them. */
  readonly skipped: number
  /** Messages for this link that the rule of their subject dropped, the newest or the oldest. */
  readonly dropped: number
  /** Messages for this link that were refused with ERR_BACKPRESSURE. */
  readonly rejected: number
  /** How many times the sender asked the receiver to tell it of room. */
  readonly waits: number
  /** How many times the sender rang the receiver out of its sleep. */
  readonly wakes: number
}

/** The counters of one thread, since it started; one that dies and is replaced begins anew. */
export interface ThreadCounts {
  /** Time spent handling what arrived, ms; spinning is not in it. */
  readonly busyMs: number
  /** The longest single delivery, ms: handlers that block show here. */
  readonly busyMaxMs: number
  /** Deliveries: turns in which the inbox was looked at. */
  readonly deliveries: number
  /** Time spent waiting on the core for the next message before going to sleep, ms. */
  readonly spinMs: number
  /** Spins that ended because something came, and spins for nothing. */
  readonly spins: { readonly hits: number; readonly misses: number }
  /** How many times the thread lay down to sleep. */
  readonly parks: number
  /** How many times its doorbell rang. */
  readonly wakes: number
  /** How late its timer of one second was, ms: the last time, and the worst. */
  readonly loopLagMs: number
  readonly loopLagMaxMs: number
  /** Since that timer last ran, ms; much more than 1000 means that the loop is blocked. */
  readonly beatAgeMs: number
  /** Subscriptions whose mailbox is full now. */
  readonly mailboxesFull: number
  readonly dropped: {
    /** Messages that this thread sent and a lossy subscription had no room for. */
    readonly lossy: number
    /** Messages that arrived here for a lossy subscription whose mailbox was full. */
    readonly mailbox: number
    /** Replies that found no room, or whose requester had ended. */
    readonly replies: number
    /** Messages whose `ttlMs` had passed: not handled here, or never sent from here. */
    readonly expired: number
    /** Requests whose turn came when nobody waited for their replies any more: not handled. */
    readonly requests: number
  }
  /** Replies of handlers here that were streams; those under way have not ended. */
  readonly streams: { readonly begun: number; readonly ended: number }
}

export interface ThreadReading extends ThreadCounts {
  readonly isSleeping: boolean
  /** How long it has been doing what it does, ms. */
  readonly sinceMs: number
}

/** `nowMs` is the monotonic clock's. */
export function readThread(region: Region, thread: number, nowMs: number): ThreadReading {
  const { u32 } = region.views
  const inbox = region.layout.inbox(thread)
  // SYNC liveness: pairs with liveness in LoopMeter.put. Words of different moments do no harm.
  const wordAt = (offset: number): number => Atomics.load(u32, (inbox + offset) >>> 2)
  const counters = new ThreadCounters(region, thread)
  const countOf = (counter: ThreadCounter): number => counters.read(counter)
  const liveness = wordAt(INBOX_LIVENESS)
  const activity = liveness & (2 ** ACTIVITY_BITS - 1)
  const sinceMs = ageOf(liveness >>> ACTIVITY_BITS, nowMs, ACTIVITY_BITS)
  return {
    // Asleep it wakes for each beat. If it does not, its loop is busy with other things.
    isSleeping: activity === Activity.Sleeping && sinceMs < 2 * BEAT_MS,
    sinceMs,
    busyMs: countOf(ThreadCounter.BusyUs) / 1000,
    busyMaxMs: wordAt(INBOX_DELIVERY_MAX) / 1000,
    deliveries: countOf(ThreadCounter.Deliveries),
    spinMs: countOf(ThreadCounter.SpinUs) / 1000,
    spins: {
      hits: countOf(ThreadCounter.SpinHits),
      misses: countOf(ThreadCounter.SpinMisses),
    },
    parks: countOf(ThreadCounter.Parks),
    wakes: countOf(ThreadCounter.Wakes),
    loopLagMs: wordAt(INBOX_LAG) / 1000,
    loopLagMaxMs: wordAt(INBOX_LAG_MAX) / 1000,
    beatAgeMs: ageOf(wordAt(INBOX_BEAT), nowMs, 0),
    mailboxesFull: wordAt(INBOX_FULL),
    dropped: {
      lossy: countOf(ThreadCounter.LossyDropped),
      mailbox: countOf(ThreadCounter.MailboxDropped),
      replies: countOf(ThreadCounter.RepliesDropped),
      expired: countOf(ThreadCounter.Expired),
      requests: countOf(ThreadCounter.RequestsExpired),
    },
    streams: {
      begun: countOf(ThreadCounter.StreamsBegun),
      ended: countOf(ThreadCounter.StreamsEnded),
    },
  }
}

/** Null for a lane that nobody ever used. */
export function readLink(region: Region, from: number, to: number, lane: Lane): LinkStats | null {
  const { layout, views } = region
  const { i32 } = views
  const words = layout.laneWords(from, to, lane)
  const sent = (counter: number): number =>
    readCount(i32, (words + LINK_SENT + counter * COUNTER_BYTES) >>> 2)
  const received = (counter: number): number =>
    readCount(i32, (words + LINK_RECEIVED + counter * COUNTER_BYTES) >>> 2)
  const batches = sent(SentCounter.Batches)
  if (batches === 0) return null
  // The head first: a tail that was read later is never behind it.
  const head = Atomics.load(i32, (words + LINK_HEAD) >>> 2)
  const backlog = (Atomics.load(i32, (words + LINK_TAIL) >>> 2) - head) | 0
  const ringBytes = layout.ringBytes(lane)
  return {
    from,
    to,
    lane: lane === Lane.Urgent ? 'urgent' : 'bulk',
    frames: received(ReceivedCounter.Frames),
    bytes: received(ReceivedCounter.Units) * 8,
    batches,
    backlogBytes: Math.min(ringBytes, backlog * 8),
    ringBytes,
    full: sent(SentCounter.Full),
    overflow: sent(SentCounter.Overflow),
    overflowBytes: Atomics.load(i32, (words + LINK_OVERFLOW_BYTES) >>> 2),
    skipped: sent(SentCounter.Skipped),
    dropped: sent(SentCounter.Dropped),
    rejected: sent(SentCounter.Rejected),
    waits: sent(SentCounter.Waits),
    wakes: sent(SentCounter.Wakes),
  }
}

/** Ms since a time of which only the low 32 - `cut` bits are known. Clocks differ by a little. */
function ageOf(timeMs: number, nowMs: number, cut: number): number {
  return Math.max(0, ((Math.trunc(nowMs) << cut) - (timeMs << cut)) >> cut)
}
