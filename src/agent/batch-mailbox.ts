// Calls one handler with what a drain brought, as an array, instead of once for each message.
//
// Messages gather until the drain ends or there are `batchMax` of them; while the handler works on
// a batch, the next one gathers, the more urgent before the less. When `messagesMax` wait, senders
// hold back, as with any mailbox. Every value is decoded and kept: nothing of the ring is referred
// to.

import { PriorityLine } from '../base/priority.js'
import type { Headers } from '../codec/headers.js'
import { NO_EXTRAS, type Extras } from './info.js'
import {
  Mailbox,
  promiseOf,
  throwLater,
  type MailboxEvents,
  type MailboxOptions,
  type Why,
} from './mailbox.js'

/** One message of a batch. */
export interface BatchMessage<T> {
  readonly value: T
  /** The concrete subject the message was published on. */
  readonly subject: string
  /** Index of the thread that sent it. */
  readonly thread: number
  readonly headers: Headers
}

export type BatchHandler = (messages: readonly BatchMessage<never>[]) => unknown

export class BatchMailbox extends Mailbox {
  readonly #onBatch: BatchHandler
  readonly #batchMax: number
  readonly #options: MailboxOptions
  readonly #events: MailboxEvents
  readonly #line = new PriorityLine<BatchMessage<never>>()
  /** Of those in the line or in hand that may expire, or become dead letters. */
  readonly #extras = new Map<BatchMessage<never>, Extras>()
  /** Messages of the batch that the handler works on. */
  #handling = 0
  #isStopped = false
  #idleWaiters: (() => void)[] = []

  constructor(
    onBatch: BatchHandler,
    batchMax: number,
    options: MailboxOptions,
    events: MailboxEvents,
  ) {
    super(() => {}, options, events)
    this.#onBatch = onBatch
    this.#batchMax = batchMax
    this.#options = options
    this.#events = events
  }

  /** Always: every message waits, if only for the end of its drain. */
  override get isBusy(): boolean {
    return true
  }

  override get isFree(): boolean {
    return false
  }

  override get waiting(): number {
    return this.#line.length
  }

  override get unfinished(): number {
    return this.#line.length + this.#handling
  }

  override publish(
    value: unknown,
    subject: string,
    thread: number,
    _agent: number,
    extras: Extras = NO_EXTRAS,
  ): void {
    if (this.#isStopped) {
      this.bury('stopped', null, extras)
      return
    }
    if (this.isFull && this.#options.isLossy === true) {
      this.#events.onDropped()
      this.bury('no-room', null, extras)
      return
    }
    const { headers, priority, deadlineMs, kept } = extras
    const message = { value: value as never, subject, thread, headers }
    if (deadlineMs !== Infinity || kept !== null) this.#extras.set(message, extras)
    this.#line.push(message, priority)
    this.#events.onWaiting?.(this.unfinished)
    // Also when the line ends there: a handler that is idle lets nothing run full.
    const enough = Math.min(this.#batchMax, this.#options.messagesMax)
    if (this.#handling === 0 && this.#line.length >= enough) this.deliver()
    this.fullness.grew(this.#line.length)
  }

  /** Hands over what has gathered, unless the handler is at work. To be called after each drain. */
  deliver(): void {
    while (this.#handling === 0 && this.#line.length > 0) this.#handle(this.#take())
    this.#events.onWaiting?.(this.unfinished)
    this.fullness.shrank(this.#line.length)
    if (this.unfinished > 0) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  override async stop(drain: boolean): Promise<void> {
    if (drain) this.deliver()
    else this.#drop()
    this.#isStopped = !drain
    while (this.unfinished > 0) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
    }
    this.#isStopped = true
    this.fullness.shrank(this.#line.length)
  }

  /** The next batch, without what has expired meanwhile. */
  #take(): BatchMessage<never>[] {
    const batch: BatchMessage<never>[] = []
    while (batch.length < this.#batchMax) {
      const message = this.#line.shift()
      if (message === undefined) break
      const extras = this.#extras.size > 0 ? this.#extras.get(message) : undefined
      const deadlineMs = extras?.deadlineMs ?? Infinity
      if (deadlineMs === Infinity || !this.#events.isExpired(deadlineMs)) batch.push(message)
      else this.#end([message], 'expired', null)
    }
    return batch
  }

  #drop(): void {
    for (let next = this.#line.shift(); next !== undefined; next = this.#line.shift()) {
      this.#end([next], 'stopped', null)
    }
  }

  /** Nothing more is done with these messages; `why` they were given up, or null. */
  #end(batch: readonly BatchMessage<never>[], why: Why | null, error: unknown): void {
    if (this.#extras.size === 0) return
    for (const message of batch) {
      const extras = this.#extras.get(message)
      if (extras === undefined) continue
      this.#extras.delete(message)
      if (why !== null) this.bury(why, error, extras)
    }
  }

  #handle(batch: BatchMessage<never>[]): void {
    if (batch.length === 0) return
    let promise: Promise<unknown> | null = null
    try {
      promise = promiseOf(this.#onBatch(batch))
    } catch (error) {
      this.#failed(batch, error)
    }
    if (promise === null) {
      this.#end(batch, null, null)
      return
    }
    this.#handling = batch.length
    promise
      .catch((error: unknown) => this.#failed(batch, error))
      .then(() => {
        this.#end(batch, null, null)
        this.#handling = 0
        this.deliver()
      })
  }

  /** The error is told once, with the subject of the first. */
  #failed(batch: readonly BatchMessage<never>[], error: unknown): void {
    try {
      this.#events.onError(error, batch[0]?.subject ?? '')
    } catch (failure) {
      throwLater(failure)
    }
    this.#end(batch, 'handler-error', error)
  }
}
