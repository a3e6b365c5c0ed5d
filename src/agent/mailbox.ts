// Calls one handler, for at most `concurrency` messages at a time; the rest waits in line, the more
// urgent before the less.
//
// A handler that returns at once is called straight from the drain: nothing is queued, nothing
// allocated. A handler that returns a promise occupies a place until the promise settles. When the
// line is as long as `messagesMax`, the mailbox reports full, and senders hold back for this
// subscription alone. Frames that were already under way still find a place, so the line may grow
// beyond the limit by what the links hold, and by no more.

import { FlyshuttleError } from '../base/errors.js'
import { PriorityLine } from '../base/priority.js'
import { Fullness, type FullnessEvents } from './fullness.js'
import { letGo } from './lease.js'
import { NO_EXTRAS, PublishInfo, RequestTicket, type Extras, type MessageInfo } from './info.js'

export type Handler = (value: never, info: MessageInfo, context: never) => unknown

export interface MailboxOptions {
  /** Of its subscription. */
  readonly pattern: string
  /** How many messages may be handled at one time, when the handler is asynchronous. */
  readonly concurrency: number
  /** Waiting messages at which senders see Full. */
  readonly messagesMax: number
  /** Drop and count what comes while the line is full: its senders do not hold back. */
  readonly isLossy?: boolean
  /** Third argument of the handler; undefined where there is none. */
  readonly context?: unknown
}

/** Why a mailbox gives a message up. */
export type Why = 'handler-error' | 'no-room' | 'stopped' | 'expired'

export interface MailboxEvents extends FullnessEvents {
  /** How many messages wait or are being handled has changed; null: nobody asks. */
  readonly onWaiting?: ((waiting: number) => void) | null
  /** A lossy mailbox had no place for a message. */
  onDropped(): void
  /** Whether a publish with this deadline comes too late. True is counted: nobody handles it. */
  isExpired(deadlineMs: number): boolean
  /** A publish that was to be kept as a dead letter was not handled, or its handler failed. */
  onDead?(why: Why, error: unknown, extras: Extras): void
  /** A handler of a publish threw or rejected; nobody waits for it. */
  onError(error: unknown, subject: string): void
  /** A request was handled: `ok` with its result, or not with what was thrown. */
  onReply(ticket: RequestTicket, ok: boolean, result: unknown): void
}

interface Waiting {
  readonly value: unknown
  readonly subject: string
  readonly thread: number
  readonly agent: number
  readonly extras: Extras
  readonly ticket: RequestTicket | null
}

type AnyHandler = (value: unknown, info: MessageInfo, context: unknown) => unknown

export class Mailbox {
  readonly #handler: AnyHandler
  readonly #options: MailboxOptions
  readonly #events: MailboxEvents
  protected readonly fullness: Fullness
  readonly #info: PublishInfo
  readonly #line = new PriorityLine<Waiting>()
  readonly #onSettled = (): void => this.#settled()
  #running = 0
  #isStopped = false
  #isFree = true
  #idleWaiters: (() => void)[] = []

  constructor(handler: Handler, options: MailboxOptions, events: MailboxEvents) {
    this.#handler = handler as AnyHandler
    this.#options = options
    this.#events = events
    this.fullness = new Fullness(options.messagesMax, events)
    this.#info = new PublishInfo(options.pattern)
  }

  /** Whether a message handed over now would have to wait, and so must own its value. */
  get isBusy(): boolean {
    return this.#running >= this.#options.concurrency || this.#line.length > 0
  }

  /** Messages that wait in line. */
  get waiting(): number {
    return this.#line.length
  }

  /** Whether the line reached its limit, and is not down to half of it. */
  get isFull(): boolean {
    return this.fullness.isFull
  }

  /** For how long the oldest has waited, ms: at least so long, from one look to a later one. */
  lagMs(nowMs: number): number {
    return this.fullness.lagMs(this.waiting, nowMs)
  }

  /** Messages that wait in line or are being handled. */
  get unfinished(): number {
    return this.#line.length + this.#running
  }

  /** Whether a message handed over now is handled at once. Kept, since every message asks. */
  get isFree(): boolean {
    return this.#isFree
  }

  /** Handles a message at once; only while `isFree`. `info` holds the facts of it. */
  hand(value: unknown, info: PublishInfo, subject: string, extras: Extras = NO_EXTRAS): void {
    let promise: Promise<unknown> | null = null
    info.renew()
    try {
      const handler = this.#handler // Not as a method: its `this` is nobody.
      const result = handler(value, info, this.#options.context)
      if (result !== undefined) promise = promiseOf(result)
    } catch (error) {
      this.failed(error, subject, extras)
    }
    info.expire()
    if (promise !== null) this.#await(promise, subject, extras)
  }

  /**
   * For code that calls it itself, while `isFree`, with the value, the info and `context`, and says
   * what came of it: `returned` or `failed`.
   */
  get handler(): AnyHandler {
    return this.#handler
  }

  get context(): unknown {
    return this.#options.context
  }

  /** The handler returned something. */
  returned(result: unknown, subject: string): void {
    const promise = promiseOf(result)
    if (promise !== null) this.#await(promise, subject, NO_EXTRAS)
  }

  /** The handler threw; nobody waits for it. */
  failed(error: unknown, subject: string, extras: Extras = NO_EXTRAS): void {
    try {
      this.#events.onError(error, subject)
    } catch (failure) {
      throwLater(failure)
    }
    this.bury('handler-error', error, extras)
  }

  publish(
    value: unknown,
    subject: string,
    thread: number,
    agent: number,
    extras: Extras = NO_EXTRAS,
  ): void {
    if (this.#isStopped) this.#discard(value, 'stopped', extras)
    else if (this.isBusy) this.#enqueue({ value, subject, thread, agent, extras, ticket: null })
    else this.#handlePublish(value, subject, thread, agent, extras)
  }

  request(value: unknown, ticket: RequestTicket): void {
    if (this.#isFree) return this.#handleRequest(value, ticket)
    if (this.#isStopped) return this.#refuse(ticket)
    const { subject, thread, agent, extras } = ticket
    this.#enqueue({ value, subject, thread, agent, extras, ticket })
  }

  /**
   * Resolves when no handler runs and nothing waits any more; from then on nothing is taken. With
   * `drain`, messages are taken and handled until then. Without, what waits or still comes is
   * dropped at once, and its requesters are told.
   */
  async stop(drain: boolean): Promise<void> {
    if (!drain) this.#drop()
    while (this.#running > 0 || this.#line.length > 0) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
    }
    this.#isStopped = true
    this.#look()
  }

  #handlePublish(
    value: unknown,
    subject: string,
    thread: number,
    agent: number,
    extras: Extras,
  ): void {
    this.#info.fill(subject, thread, agent, extras)
    this.hand(value, this.#info, subject, extras)
  }

  #await(promise: Promise<unknown>, subject: string, extras: Extras): void {
    this.#running++
    this.#look()
    promise.then(this.#onSettled, (error: unknown) => {
      this.failed(error, subject, extras)
      this.#settled()
    })
  }

  #handleRequest(value: unknown, ticket: RequestTicket): void {
    let result: unknown
    let promise: Promise<unknown> | null = null
    try {
      const handler = this.#handler
      result = handler(value, ticket, this.#options.context)
      promise = promiseOf(result)
    } catch (error) {
      this.#reply(ticket, false, error)
      return
    }
    if (promise === null) {
      this.#reply(ticket, true, result)
      return
    }
    this.#running++
    this.#look()
    promise.then(
      (reply) => {
        this.#reply(ticket, true, reply)
        this.#settled()
      },
      (error: unknown) => {
        this.#reply(ticket, false, error)
        this.#settled()
      },
    )
  }

  /** To be called after whatever `isFree` depends on has changed. */
  #look(): void {
    this.#isFree = !this.#isStopped && !this.isBusy
    this.#events.onWaiting?.(this.unfinished)
  }

  /** Nobody handles it: its lease ends here, and what wants a grave gets one. */
  #discard(value: unknown, why: Why, extras: Extras): void {
    letGo(value)
    this.bury(why, null, extras)
  }

  protected bury(why: Why, error: unknown, extras: Extras): void {
    if (extras.kept === null) return
    try {
      this.#events.onDead?.(why, error, extras)
    } catch (failure) {
      throwLater(failure)
    }
  }

  #reply(ticket: RequestTicket, ok: boolean, result: unknown): void {
    try {
      this.#events.onReply(ticket, ok, result)
    } catch (failure) {
      throwLater(failure)
    }
  }

  #drop(): void {
    this.#isStopped = true
    this.#look()
    for (let next = this.#line.shift(); next !== undefined; next = this.#line.shift()) {
      if (next.ticket !== null) this.#refuse(next.ticket)
      else this.#discard(next.value, 'stopped', next.extras)
    }
    this.fullness.shrank(this.#line.length)
  }

  #refuse(ticket: RequestTicket): void {
    const { subject } = ticket
    ticket.isRefused = true
    this.#reply(ticket, false, new FlyshuttleError('ERR_NO_RESPONDERS', { subject }))
  }

  #enqueue(waiting: Waiting): void {
    if (this.isFull && this.#options.isLossy === true && waiting.ticket === null) {
      this.#events.onDropped()
      this.#discard(waiting.value, 'no-room', waiting.extras)
      return
    }
    this.#line.push(waiting, waiting.extras.priority)
    this.#look()
    this.fullness.grew(this.#line.length)
  }

  #settled(): void {
    this.#running--
    while (this.#running < this.#options.concurrency) {
      const next = this.#line.shift()
      if (next === undefined) break
      const { value, subject, thread, agent, extras, ticket } = next
      if (ticket !== null) {
        if (!ticket.isOver) this.#handleRequest(value, ticket)
      } else if (extras.deadlineMs === Infinity || !this.#events.isExpired(extras.deadlineMs)) {
        this.#handlePublish(value, subject, thread, agent, extras)
      } else this.#discard(value, 'expired', extras)
    }
    this.#look()
    this.fullness.shrank(this.#line.length)
    if (this.#running === 0 && this.#line.length === 0 && this.#idleWaiters.length > 0) {
      for (const resolve of this.#idleWaiters.splice(0)) resolve()
    }
  }
}

/**
 * What a handler returned as a promise, or null when it is a plain value. Anything with a `then` is
 * adopted, so that one that answers twice, at once or with a throw does no harm.
 */
export function promiseOf(result: unknown): Promise<unknown> | null {
  if (typeof result !== 'object' || result === null) return null
  if (typeof (result as { then?: unknown }).then !== 'function') return null
  return Promise.resolve(result)
}

/** An event that throws is nobody's to catch here, but it may not leave the line standing. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
