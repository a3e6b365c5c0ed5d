// What a handler is told about the message it got.
//
// The info of a publish is one object per subscription, filled anew for each message: no allocation
// on the hot path. It is valid until the handler returns or first awaits; later access throws, so a
// stale read never goes unnoticed. Each request has an info of its own that stays valid.

import type { CodecId } from '../base/codec-id.js'
import { FlyshuttleError } from '../base/errors.js'
import { PRIORITIES, type Priority } from '../base/priority.js'
import type { Packed } from '../codec/compression.js'
import { NO_HEADERS, type Headers } from '../codec/headers.js'
import { capturedTokens } from './captured.js'

/** Second argument of every handler. */
export interface MessageInfo {
  /** The concrete subject the message was published on. */
  readonly subject: string
  /** Index of the thread that sent it; 0 is the main thread. */
  readonly thread: number
  /** Number of the agent that sent it; 0 when it was sent by no agent. */
  readonly agent: number
  /**
   * What the wildcards of the subscription's pattern stand for in `subject`, in order: one token
   * for `*`, all the rest for `>`. Empty for a pattern without wildcards.
   */
  readonly tokens: readonly string[]
  /** Whether the sender waits for a reply. */
  readonly isRequest: boolean
  /** Texts that the sender gave with the message; an empty object when there are none. */
  readonly headers: Headers
  /** How urgent the sender said it was; 'normal' when it said nothing. */
  readonly priority: Priority
}

/** A message as it came, for a dead letter: bytes that may be read and sent again. */
export interface KeptMessage {
  readonly subject: string
  /** The thread that encoded it: its dictionary says what the numbers in there mean. */
  readonly source: number
  readonly codec: CodecId
  readonly typeId: number
  readonly payload: Uint8Array
  /** How it is compressed; null: it is not. */
  readonly packed: Packed | null
  /** ms since 1970. */
  readonly receivedAtMs: number
}

/** What only some messages say about themselves. */
export interface Extras {
  readonly headers: Headers
  /** Number of a priority; 0 is normal. */
  readonly priority: number
  /** CLOCK_MONOTONIC, ms: after that a publish is not handled any more. */
  readonly deadlineMs: number
  /** Only for subscriptions that keep dead letters. */
  readonly kept: KeptMessage | null
}

/** What all others share. */
export const NO_EXTRAS: Extras = Object.freeze({
  headers: NO_HEADERS,
  priority: 0,
  deadlineMs: Infinity,
  kept: null,
})

export class PublishInfo implements MessageInfo {
  readonly #pattern: string
  /** The subject that `#tokens` were captured from. */
  #captured = ''
  #tokens: readonly string[] = []
  #subject = ''
  #thread = 0
  #agent = 0
  #extras = NO_EXTRAS
  #isValid = false

  /** `pattern` is that of the subscription; every subject filled in must match it. */
  constructor(pattern: string) {
    this.#pattern = pattern
  }

  fill(subject: string, thread: number, agent: number, extras = NO_EXTRAS): void {
    this.#subject = subject
    this.#thread = thread
    this.#agent = agent
    this.#extras = extras
    this.#isValid = true
  }

  /** The same facts are true of the next message. */
  renew(): void {
    this.#isValid = true
  }

  expire(): void {
    this.#isValid = false
  }

  get subject(): string {
    if (!this.#isValid) throw expired('info.subject')
    return this.#subject
  }

  get thread(): number {
    if (!this.#isValid) throw expired('info.thread')
    return this.#thread
  }

  get agent(): number {
    if (!this.#isValid) throw expired('info.agent')
    return this.#agent
  }

  get headers(): Headers {
    if (!this.#isValid) throw expired('info.headers')
    return this.#extras.headers
  }

  get priority(): Priority {
    if (!this.#isValid) throw expired('info.priority')
    return PRIORITIES[this.#extras.priority] as Priority
  }

  get tokens(): readonly string[] {
    if (!this.#isValid) throw expired('info.tokens')
    if (this.#captured !== this.#subject) {
      this.#tokens = capturedTokens(this.#pattern, this.#subject)
      this.#captured = this.#subject
    }
    return this.#tokens
  }

  get isRequest(): boolean {
    if (!this.#isValid) throw expired('info.isRequest')
    return false
  }
}

/** Second argument of a handler of requests. It stays valid. */
export interface RequestInfo extends MessageInfo {
  /**
   * Aborted when nobody waits for the reply any more: the requester gave up, its deadline passed,
   * its thread ended. Made when it is first read; costs nothing before.
   */
  readonly signal: AbortSignal
  /** How long the requester still waits, ms; 0 when no longer, Infinity for a stream. */
  readonly remainingMs: number
}

/** What a ticket asks about itself. */
export interface TicketOffice {
  signalOf(ticket: RequestTicket): AbortSignal
  /** Whether nobody waits for the reply any more. Looks at the clock. */
  isOver(ticket: RequestTicket): boolean
  nowMs(): number
}

/** Where the reply to a request goes, and what its handler is told. */
export class RequestTicket implements RequestInfo {
  readonly isRequest = true
  /** Of the subscription that handles it, once that is known. */
  pattern: string | null = null
  /** What watches the requester for `signal`, once somebody has asked. For the office. */
  watched: object | null = null
  /** No handler sees it, and it may go to another responder. */
  isRefused = false

  constructor(
    readonly subject: string,
    readonly thread: number,
    readonly agent: number,
    readonly incarnation: number,
    readonly counter: number,
    /** CLOCK_MONOTONIC, ms: when the requester stops waiting. */
    readonly deadlineMs: number,
    readonly extras: Extras = NO_EXTRAS,
    private readonly office: TicketOffice | null = null,
    /** Parts that may be sent: 0 for one reply of several, -1 for the only one. */
    readonly credit: number = -1,
  ) {}

  get headers(): Headers {
    return this.extras.headers
  }

  get priority(): Priority {
    return PRIORITIES[this.extras.priority] as Priority
  }

  get tokens(): readonly string[] {
    return capturedTokens(this.pattern ?? this.subject, this.subject)
  }

  get signal(): AbortSignal {
    return this.office?.signalOf(this) ?? NEVER
  }

  get remainingMs(): number {
    if (this.office === null || this.credit > 0) return Infinity
    return Math.max(0, this.deadlineMs - this.office.nowMs())
  }

  /** Its turn came too late: whoever asked has given up. */
  get isOver(): boolean {
    return this.office?.isOver(this) ?? false
  }
}

/** For what the engine asks itself. */
const NEVER = new AbortController().signal

function expired(found: string): FlyshuttleError {
  return new FlyshuttleError('ERR_INFO_EXPIRED', { found })
}
