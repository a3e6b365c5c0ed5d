// What is kept of a message that nobody could handle, and where it is handed in.
//
// Subscriptions, work queues and the sender bury letters here; `engine` brings them to thread 0,
// which keeps them. The payload stays as it travelled. Its numbers (types, record structures) are
// those of the dictionary of the thread that sent it, and dictionaries never forget, so a letter
// can be read and sent again as long as the engine lives.

import type { CodecId } from '../base/codec-id.js'
import type { Packed } from '../codec/compression.js'
import type { Headers } from '../codec/headers.js'
import type { Parcel } from './parcel.js'

/** Why a message ended as a dead letter. */
export const DEAD_REASONS = [
  /** The handler threw, or what it returned rejected. */
  'handler-error',
  /** The payload is not of the type that the subscription was made with, or cannot be read. */
  'unreadable',
  /** A work queue has delivered the job as often as it may. */
  'max-deliver',
  /** The consumer of a work queue gave the job up with `term()`. */
  'term',
  /** Its time to live had passed before it was handled. */
  'expired',
  /** It could never be written, or a lossy mailbox had no room for it. */
  'no-room',
  /** It waited for a handler whose subscription ended without handling what it had. */
  'stopped',
] as const

export type DeadReason = (typeof DEAD_REASONS)[number]

/** A message as whoever gives it up hands it in. */
export interface DeadLetter {
  readonly reason: DeadReason
  readonly subject: string
  /** The work queue that it comes from, and that a replay adds it to; '' for a publish. */
  readonly queue: string
  /** How often it was delivered. */
  readonly attempts: number
  /** What went wrong last, as it was thrown; null for nothing. */
  readonly error: unknown
  readonly headers: Headers
  readonly key: string | number | null
  /** 0 is normal, as in frames. */
  readonly priority: number
  /** The thread that encoded the payload: its dictionary says what the numbers in there mean. */
  readonly source: number
  readonly codec: CodecId
  readonly typeId: number
  /** The bytes; the letter owns them. */
  readonly payload: Uint8Array
  /** How they are compressed; without it, or null: they are not. */
  readonly packed?: Packed | null
  /** When it was first received or accepted, ms since 1970. */
  readonly firstAtMs: number
  /** Name of the agent that had it; '' for the thread itself. */
  readonly agent: string
}

/** Every bus has one, `bus.letters`. */
export interface DeadLetterSink {
  /**
   * Hands a letter in. Resolves when the store has taken it or, by its overflow rule, dropped it:
   * from then on the message is no longer the caller's.
   *
   * @throws (as rejection) ERR_DEAD_LETTERS_FULL when the store is full and its rule is 'reject',
   * or when more letters than may wait here have not reached thread 0; ERR_CLOSED. A work queue
   * keeps the job then; who cannot keep it counts it as lost.
   */
  bury(letter: DeadLetter): Promise<void>
}

/**
 * The letter of a publish that `thread` had accepted: it can never be written, or has expired.
 */
export function lostLetter(
  reason: 'no-room' | 'expired',
  error: unknown,
  subject: string,
  { codec, typeId, payload, packed, envelope }: Parcel,
  thread: number,
): DeadLetter {
  const { headers, key, priority } = envelope
  const about = { reason, subject, queue: '', attempts: 0, error } as const
  const encoded = { source: thread, codec, typeId, payload, packed }
  return { ...about, headers, key, priority, ...encoded, firstAtMs: Date.now(), agent: '' }
}
