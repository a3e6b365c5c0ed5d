// `engine.deadLetters`: what users see of the messages that nobody could handle. The same on every
// thread; input is checked here, before anything is asked of the main thread.

import { deserialize } from 'node:v8'
import { checkCount, checkKeys, invalid } from '../base/checks.js'
import { FlyshuttleError } from '../base/errors.js'
import { LETTERS_LISTED_DEFAULT, LETTERS_LISTED_MAX, LETTER_REPLAYS_MAX } from '../base/limits.js'
import { fromRecord } from '../codec/error-record.js'
import type { Headers } from '../codec/headers.js'
import type { Region } from '../memory/region.js'
import { plainBytes, readPayload } from '../routing/letter-payload.js'
import { checkFilter, type KeptLetter, type LetterFilter } from '../routing/letter-store.js'
import type { DeadReason } from '../routing/dead-letter.js'
import type {
  DeadLetterInfo,
  LetterChoice,
  Letters,
  LetterSummary,
  ReplayOutcome,
} from './letters.js'

export interface ListOptions extends LetterFilter {
  /** At most so many. Default 100, at most 10,000. */
  readonly limit?: number
  /** Only letters after this id: that of the last one of the page before. */
  readonly after?: number
}

export interface ReplayOptions {
  /** Letters that have been replayed so often stay. Default: the engine's `deadLetters.replays`. */
  readonly max?: number
}

/** A dead letter with all that is known of it. */
export class Letter {
  readonly #region: Region
  readonly #kept: KeptLetter
  readonly id: number
  readonly reason: DeadReason
  readonly subject: string
  /** The work queue that it comes from; '' for a publish. */
  readonly queue: string
  /** How often it was delivered. */
  readonly attempts: number
  /** How often it had been replayed before it died this time. */
  readonly replays: number
  /** What went wrong last; null for nothing. */
  readonly error: FlyshuttleError | null
  readonly headers: Headers
  /** When it was first received or accepted, and when it was given up: ms since 1970. */
  readonly firstAtMs: number
  readonly deadAtMs: number
  /** Index of the thread that gave it up. */
  readonly thread: number
  /** Name of the agent that had it; '' for the thread itself. */
  readonly agent: string

  /** Made by `peek`. */
  constructor(region: Region, kept: KeptLetter) {
    this.#region = region
    this.#kept = kept
    this.id = kept.id
    this.reason = kept.reason
    this.subject = kept.subject
    this.queue = kept.queue
    this.attempts = kept.attempts
    this.replays = kept.replays
    this.error = kept.error === null ? null : fromRecord(kept.error)
    this.headers = kept.headers
    this.firstAtMs = kept.firstAtMs
    this.deadAtMs = kept.deadAtMs
    this.thread = kept.thread
    this.agent = kept.agent
  }

  /** The payload as it was encoded. @throws ERR_COMPRESSION_UNAVAILABLE, ERR_FRAME_CORRUPT */
  get bytes(): Uint8Array {
    return plainBytes(this.#kept)
  }

  /**
   * The payload as its handler would have got it, decoded by each access.
   *
   * @throws ERR_FRAME_CORRUPT, ERR_TYPE_UNKNOWN when the bytes cannot be read
   */
  get value(): unknown {
    return readPayload(this.#region, this.#kept)
  }
}

/**
 * The messages that nobody could handle, kept on the main thread and open to every thread.
 *
 * Calls reject with ERR_CLOSED once the engine is closed, but for those of the engine object, which
 * can still be listed and read then.
 */
export class DeadLetters {
  readonly #letters: Letters
  readonly #region: Region

  constructor(letters: Letters, region: Region) {
    this.#letters = letters
    this.#region = region
  }

  /**
   * Letters that match, oldest first, in short.
   *
   * @throws (as rejection) ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
   * @example
   * for (const { id, reason, error } of await engine.deadLetters.list({ subject: 'orders.>' })) …
   */
  async list(options: ListOptions = {}): Promise<LetterSummary[]> {
    const filter = checkFilter('deadLetters.list', options, ['limit', 'after'])
    const { limit = LETTERS_LISTED_DEFAULT, after = 0 } = options
    let left = checkCount('limit', limit, 1, LETTERS_LISTED_MAX)
    let last = checkCount('after', after, 0, Number.MAX_SAFE_INTEGER)
    const list: LetterSummary[] = []
    // To another thread the answer comes in as many pages as its frames need.
    while (left > 0) {
      const page = await this.#letters.ask({ what: 'list', filter, after: last, limit: left })
      const end = page.at(-1)
      if (end === undefined) break
      list.push(...page)
      left -= page.length
      last = end.id
    }
    return list
  }

  /**
   * One letter with its payload, which stays where it is.
   *
   * @throws (as rejection) ERR_LETTER_UNKNOWN, ERR_OPTION_INVALID
   * @example
   * const { value, headers, error } = await engine.deadLetters.peek(id)
   */
  async peek(id: number): Promise<Letter> {
    checkId(id)
    const parts: Uint8Array[] = []
    for (let from = 0, total = 1; from < total;) {
      const part = await this.#letters.ask({ what: 'read', id, from })
      parts.push(part.bytes)
      from += part.bytes.length
      total = part.total
    }
    return new Letter(this.#region, deserialize(Buffer.concat(parts)) as KeptLetter)
  }

  /**
   * Sends letters again, as they were, with a header `Flyshuttle-Replays` that counts: a publish on
   * its subject, a job to its work queue. Waits for room. A letter is removed once that was
   * accepted; all others stay.
   *
   * Everybody who is subscribed to the subject by then gets the message, also those who handled it
   * the first time.
   *
   * @throws (as rejection) for a single id ERR_LETTER_UNKNOWN, or ERR_REPLAY_REFUSED when it has
   * been replayed too often, nobody is subscribed, or another replay of it is under way; for
   * several the result says so. ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
   * @example
   * await engine.deadLetters.replay(id)
   * const { replayed, errors } = await engine.deadLetters.replay({ reason: 'handler-error' })
   */
  async replay(
    letters: number | readonly number[] | LetterFilter,
    options: ReplayOptions = {},
  ): Promise<ReplayOutcome> {
    const choice = checkChoice('deadLetters.replay', letters)
    const max = checkReplayOptions(options)
    const outcome = await this.#letters.ask({ what: 'replay', choice, max })
    const [refusal] = outcome.errors
    if (typeof letters !== 'number' || refusal === undefined) return outcome
    throw FlyshuttleError.revive(refusal.code, refusal.message, { letter: refusal.id })
  }

  /**
   * Removes letters and returns how many; `{}` stands for all.
   *
   * @throws (as rejection) ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
   */
  async purge(letters: number | readonly number[] | LetterFilter): Promise<number> {
    return this.#letters.ask({ what: 'purge', choice: checkChoice('deadLetters.purge', letters) })
  }

  /** How many there are, and what became of those that were. */
  async info(): Promise<DeadLetterInfo> {
    return this.#letters.ask({ what: 'info' })
  }
}

function checkChoice(
  what: string,
  letters: number | readonly number[] | LetterFilter,
): LetterChoice {
  if (typeof letters === 'number') return [checkId(letters)]
  if (!Array.isArray(letters)) return checkFilter(what, letters as LetterFilter)
  if (letters.length > LETTERS_LISTED_MAX) {
    throw invalid('ids', `${letters.length} of them`, `at most ${LETTERS_LISTED_MAX}`)
  }
  return letters.map(checkId)
}

function checkId(id: number): number {
  return checkCount('id', id, 1, Number.MAX_SAFE_INTEGER)
}

function checkReplayOptions(options: ReplayOptions): number | null {
  checkKeys('deadLetters.replay', options, ['max'])
  return options.max === undefined ? null : checkCount('max', options.max, 1, LETTER_REPLAYS_MAX)
}
