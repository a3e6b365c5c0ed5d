// Dead letters between the threads of an engine: what each thread's bus has, and what workers ask
// of the main thread, which keeps the letters.
//
// `LetterOffice` is that of the main thread, `LetterPost` that of all others. The face that users
// see, `DeadLetters`, is the same on every thread and asks its own thread's.

import type { Region } from '../memory/region.js'
import { frameBytesMax } from '../ring/ring.js'
import type { DeadLetterSink, DeadReason } from '../routing/dead-letter.js'
import type { LetterFilter } from '../routing/letter-store.js'

/** Which letters: by id, or all that match. */
export type LetterChoice = readonly number[] | LetterFilter

/** What is asked of the letters of an engine: plain data, for a control frame. */
export type LetterCall =
  | {
      readonly what: 'list'
      readonly filter: LetterFilter
      readonly after: number
      readonly limit: number
    }
  /** A letter as bytes, from `from` on. */
  | { readonly what: 'read'; readonly id: number; readonly from: number }
  | { readonly what: 'replay'; readonly choice: LetterChoice; readonly max: number | null }
  | { readonly what: 'purge'; readonly choice: LetterChoice }
  | { readonly what: 'info' }

/** What each call is answered with. */
export interface LetterAnswers {
  list: LetterSummary[]
  read: LetterPart
  replay: ReplayOutcome
  purge: number
  info: DeadLetterInfo
}

/** A part of a letter on its way to the main thread. */
export interface LetterDelivery {
  readonly incarnation: number
  /** Counts the letters of that thread from 1. */
  readonly number: number
  readonly from: number
  readonly total: number
  readonly bytes: Uint8Array
}

export interface LetterPart {
  readonly bytes: Uint8Array
  readonly total: number
}

/** What a list says of a letter; `peek` says the rest. */
export interface LetterSummary {
  readonly id: number
  readonly reason: DeadReason
  readonly subject: string
  /** The work queue that it comes from; '' for a publish. */
  readonly queue: string
  /** How often it was delivered. */
  readonly attempts: number
  /** How often it had been replayed before it died this time. */
  readonly replays: number
  /** Message of the last error, cut to 200 characters; '' for none. */
  readonly error: string
  /** Bytes of the payload. */
  readonly bytes: number
  /** When it was first received or accepted, and when it was given up: ms since 1970. */
  readonly firstAtMs: number
  readonly deadAtMs: number
  /** Index of the thread that gave it up. */
  readonly thread: number
  /** Name of the agent that had it; '' for the thread itself. */
  readonly agent: string
}

/** What a replay has done. Letters that could not be replayed are where they were. */
export interface ReplayOutcome {
  readonly replayed: number
  readonly refused: number
  /** Why, for the first eight of them. */
  readonly errors: readonly {
    readonly id: number
    readonly code: string
    readonly message: string
  }[]
}

/** The state of the store. Counts only grow. */
export interface DeadLetterInfo {
  /** Letters in the store now, and what they take. */
  readonly size: number
  readonly bytes: number
  readonly buried: number
  /** Dropped for want of room, by the overflow rule. */
  readonly dropped: number
  /** Turned away by the rule `reject`. */
  readonly rejected: number
  /** Given up on a worker where too many waited for the main thread already. */
  readonly lost: number
  readonly replayed: number
  readonly purged: number
}

/** One thread's access to the letters of its engine. */
export interface Letters extends DeadLetterSink {
  /** Letters that this thread has given up and the main thread does not have yet. */
  readonly pending: number
  /** Resolves when there are none. */
  settled(): Promise<void>
  ask<C extends LetterCall>(call: C): Promise<LetterAnswers[C['what']]>
}

/** What a control frame has beside a part of a letter, and the least that a part holds. */
const BESIDE_PART_BYTES = 192
const PART_BYTES_MIN = 64

/** How much of a letter fits one frame between the main thread and another. */
export function letterPartBytes({ layout }: Region): number {
  return Math.max(PART_BYTES_MIN, frameBytesMax(layout.urgentRingBytes) - BESIDE_PART_BYTES)
}
