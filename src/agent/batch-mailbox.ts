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
  /** Of those in the line that have one. */
  readonly #deadlines = new Map<BatchMessage<never>, number>()
  /** Messages of the batch that the handler works on. */
  #handling = 0
  #isFull = false
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
    if (this.#isStopped) return
    if (this.#isFull && this.#options.isLossy === true) {
      this.#events.onDropped()
      return
    }
    const { headers, priority, deadlineMs } = extras
    const message = { value: value as never, subject, thread, headers }
    if (deadlineMs !== Infinity) this.#deadlines.set(message, deadlineMs)
    this.#line.push(message, priority)
    this.#events.onWaiting?.(this.unfinished)
    if (this.#handling === 0 && this.#line.length >= this.#batchMax) this.deliver()
    if (this.#isFull || this.#line.length < this.#options.messagesMax) return
    this.#isFull = true
    this.#events.onFull(true)
  }

  /** Hands over what has gathered, unless the handler is at work. To be called after each drain. */
  deliver(): void {
    while (this.#handling === 0 && this.#line.length > 0) this.#handle(this.#take())
    this.#events.onWaiting?.(this.unfinished)
    this.#lowerFull()
    if (this.unfinished > 0) return
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  override async stop(drain: boolean): Promise<void> {
    if (drain) this.deliver()
    else while (this.#line.shift() !== undefined) continue
    this.#isStopped = !drain
    while (this.unfinished > 0) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
    }
    this.#isStopped = true
    this.#lowerFull()
  }

  /** The next batch, without what has expired meanwhile. */
  #take(): BatchMessage<never>[] {
    const batch: BatchMessage<never>[] = []
    while (batch.length < this.#batchMax) {
      const message = this.#line.shift()
      if (message === undefined) break
      const deadlineMs = this.#deadlines.size > 0 ? this.#deadlines.get(message) : undefined
      if (deadlineMs !== undefined) this.#deadlines.delete(message)
      if (deadlineMs === undefined || !this.#events.isExpired(deadlineMs)) batch.push(message)
    }
    return batch
  }

  #handle(batch: BatchMessage<never>[]): void {
    const [first] = batch
    if (first === undefined) return
    let promise: Promise<unknown> | null = null
    try {
      promise = promiseOf(this.#onBatch(batch))
    } catch (error) {
      this.#report(error, first.subject)
    }
    if (promise === null) return
    this.#handling = batch.length
    promise
      .catch((error: unknown) => this.#report(error, first.subject))
      .then(() => {
        this.#handling = 0
        this.deliver()
      })
  }

  #report(error: unknown, subject: string): void {
    try {
      this.#events.onError(error, subject)
    } catch (failure) {
      throwLater(failure)
    }
  }

  #lowerFull(): void {
    if (!this.#isFull || this.#line.length > this.#options.messagesMax / 2) return
    this.#isFull = false
    this.#events.onFull(false)
  }
}
