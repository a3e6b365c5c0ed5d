// The dead letters of an engine, kept on thread 0: bounded by count and by bytes, oldest first.
//
// It knows nothing of threads or time. Letters that are being replayed are pinned: they are not
// dropped to make room, so that a replay that fails still has its letter.

import { serialize } from 'node:v8'
import { checkCount, checkKeys, invalid } from '../base/checks.js'
import { FlyshuttleError } from '../base/errors.js'
import {
  DEAD_LETTERS_DEFAULT,
  DEAD_LETTERS_MAX,
  DEAD_LETTER_BYTES_DEFAULT,
  DEAD_LETTER_BYTES_MAX,
  LETTER_REPLAYS_DEFAULT,
  LETTER_REPLAYS_MAX,
} from '../base/limits.js'
import type { ErrorRecord } from '../codec/error-record.js'
import { DEAD_REASONS, type DeadLetter, type DeadReason } from './dead-letter.js'
import { checkPattern, subjectMatches } from './subject.js'

/** What a full store does with one more letter. */
export const OVERFLOW_RULES = ['drop-oldest', 'drop-newest', 'reject'] as const
export type OverflowRule = (typeof OVERFLOW_RULES)[number]

/** How many dead letters an engine keeps, and what happens beyond. */
export interface DeadLetterOptions {
  /** Letters kept at one time. Default 10,000. */
  readonly letters?: number
  /** Their bytes in all: payloads, headers, errors and what keeping them costs. Default 64 MiB. */
  readonly bytes?: number
  /**
   * What a full store does: `drop-oldest` makes room; `drop-newest` drops the new letter;
   * `reject` refuses it, so that a work queue keeps the job and counts it as not yet dead. A
   * subscription cannot keep it: the letter is lost and `onError` told. Default `drop-oldest`.
   */
  readonly overflow?: OverflowRule
  /** How often one message may be replayed; `replay` may say otherwise. Default 3. */
  readonly replays?: number
}

export type LetterLimits = Required<DeadLetterOptions>

/** Which letters. All that is given must hold; an empty object means every letter. */
export interface LetterFilter {
  /** A subject, or a pattern with wildcards; a letter of a work queue has that queue's name. */
  readonly subject?: string
  readonly reason?: DeadReason
  /** Name of the agent that had it. */
  readonly agent?: string
}

/** A letter as it is kept. */
export interface KeptLetter extends Omit<DeadLetter, 'error'> {
  /** Counts up from 1; never used twice. */
  readonly id: number
  readonly error: ErrorRecord | null
  /** When it was given up, ms since 1970. */
  readonly deadAtMs: number
  /** The thread that gave it up. */
  readonly thread: number
  /** How often the message had been replayed before it died this time. */
  readonly replays: number
}

/** What a letter costs beside its payload and its texts. */
const LETTER_BYTES = 512

const OPTIONS = ['letters', 'bytes', 'overflow', 'replays']
const FILTER_KEYS = ['subject', 'reason', 'agent']

/** @throws ERR_OPTION_INVALID */
export function checkLetterOptions(options: DeadLetterOptions = {}): LetterLimits {
  checkKeys('deadLetters', options, OPTIONS)
  const { letters = DEAD_LETTERS_DEFAULT, bytes = DEAD_LETTER_BYTES_DEFAULT } = options
  const { overflow = 'drop-oldest', replays = LETTER_REPLAYS_DEFAULT } = options
  if (!OVERFLOW_RULES.includes(overflow)) {
    throw invalid('deadLetters.overflow', overflow, `one of ${OVERFLOW_RULES.join(', ')}`)
  }
  return {
    letters: checkCount('deadLetters.letters', letters, 1, DEAD_LETTERS_MAX),
    bytes: checkCount('deadLetters.bytes', bytes, LETTER_BYTES, DEAD_LETTER_BYTES_MAX),
    overflow,
    replays: checkCount('deadLetters.replays', replays, 0, LETTER_REPLAYS_MAX),
  }
}

/**
 * `more` are keys that the caller checks itself.
 *
 * @throws ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
 */
export function checkFilter(what: string, filter: LetterFilter, more: string[] = []): LetterFilter {
  checkKeys(what, filter, [...FILTER_KEYS, ...more])
  const { subject, reason, agent } = filter
  if (subject !== undefined) checkPattern(subject)
  if (reason !== undefined && !DEAD_REASONS.includes(reason)) {
    throw invalid('reason', reason, `one of ${DEAD_REASONS.join(', ')}`)
  }
  if (agent !== undefined && typeof agent !== 'string') throw invalid('agent', agent, 'a name')
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(reason === undefined ? {} : { reason }),
    ...(agent === undefined ? {} : { agent }),
  }
}

export class LetterStore {
  readonly #limits: LetterLimits
  /** In order of their ids. */
  readonly #letters = new Map<number, { readonly letter: KeptLetter; readonly bytes: number }>()
  readonly #pinned = new Set<number>()
  #bytes = 0
  #lastId = 0
  /** Letters that were there or came, and were dropped for want of room. */
  dropped = 0
  /** Letters that the rule `reject` turned away. */
  rejected = 0
  /** Letters that were taken in. */
  buried = 0

  constructor(limits: LetterLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#letters.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes a letter in and returns its id; 0 when there was no room and it was dropped.
   *
   * @throws ERR_DEAD_LETTERS_FULL when there is no room and the rule is `reject`
   */
  add(letter: Omit<KeptLetter, 'id'>): number {
    const bytes = bytesOf(letter)
    if (!this.#makeRoom(bytes)) {
      if (this.#limits.overflow !== 'reject') {
        this.dropped++
        return 0
      }
      this.rejected++
      throw new FlyshuttleError('ERR_DEAD_LETTERS_FULL', {
        subject: letter.subject,
        found: `${this.size} letters of ${this.#bytes} bytes, and one of ${bytes}`,
        wanted: `${this.#limits.letters} letters of ${this.#limits.bytes} bytes`,
      })
    }
    const id = ++this.#lastId
    this.#letters.set(id, { letter: { ...letter, id }, bytes })
    this.#bytes += bytes
    this.buried++
    return id
  }

  get(id: number): KeptLetter | undefined {
    return this.#letters.get(id)?.letter
  }

  /** False when it is not there. */
  remove(id: number): boolean {
    const kept = this.#letters.get(id)
    if (kept === undefined) return false
    this.#letters.delete(id)
    this.#pinned.delete(id)
    this.#bytes -= kept.bytes
    return true
  }

  /** Keeps a letter from being dropped; false when it is kept so already. */
  pin(id: number): boolean {
    if (this.#pinned.has(id)) return false
    this.#pinned.add(id)
    return true
  }

  unpin(id: number): void {
    this.#pinned.delete(id)
  }

  /** Letters that match, oldest first, from the one after `after` on. */
  *find(filter: LetterFilter, after = 0): Generator<KeptLetter> {
    for (const { letter } of this.#letters.values()) {
      if (letter.id > after && matches(filter, letter)) yield letter
    }
  }

  /** Whether a letter of `bytes` has room now; drops the oldest for it if that is the rule. */
  #makeRoom(bytes: number): boolean {
    const { letters, bytes: bytesMax, overflow } = this.#limits
    const fits = (): boolean => this.size < letters && this.#bytes + bytes <= bytesMax
    if (fits()) return true
    if (overflow !== 'drop-oldest' || !this.#canDropFor(bytes)) return false
    for (const id of this.#letters.keys()) {
      if (this.#pinned.has(id)) continue
      this.remove(id)
      this.dropped++
      if (fits()) return true
    }
    return false
  }

  /** Nothing is dropped for a letter that would not fit even then. */
  #canDropFor(bytes: number): boolean {
    let pinnedBytes = 0
    for (const id of this.#pinned) pinnedBytes += this.#letters.get(id)?.bytes ?? 0
    const { letters, bytes: bytesMax } = this.#limits
    return this.#pinned.size < letters && pinnedBytes + bytes <= bytesMax
  }
}

/** What a letter counts for. */
function bytesOf({ payload, headers, subject, error }: Omit<KeptLetter, 'id'>): number {
  return LETTER_BYTES + payload.length + serialize({ subject, headers, error }).length
}

function matches({ subject, reason, agent }: LetterFilter, letter: KeptLetter): boolean {
  return (
    (reason === undefined || letter.reason === reason) &&
    (agent === undefined || letter.agent === agent) &&
    (subject === undefined || subjectMatches(subject, letter.subject))
  )
}
