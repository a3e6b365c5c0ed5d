// The subscriptions of one thread: made, announced, withdrawn, and their full bits raised and
// lowered.
//
// A subscription is known to the dispatcher before the change log shows it to anybody, so no
// message can come too early. Its full bit stands in its own row of the region; how many of the
// thread's bits are raised stands in the inbox, so that senders look at rows only when that count
// is not 0.

import type { BatchOptions, SubscribeOptions } from '../agent/agent.js'
import { BatchMailbox } from '../agent/batch-mailbox.js'
import type { RequestTicket } from '../agent/info.js'
import { releasing } from '../agent/lease.js'
import { Mailbox, type Handler, type MailboxEvents } from '../agent/mailbox.js'
import type { FlyshuttleError } from '../base/errors.js'
import { ofThread, tell } from '../base/events.js'
import { CompiledFilter } from '../codec/filter.js'
import { filterText, parseFilter } from '../codec/filter-rule.js'
import type { Message } from '../codec/message.js'
import { INBOX_FULL } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { Allowance } from '../routing/allowance.js'
import { SubscriptionFlag, type Subscription } from '../routing/change-log.js'
import type { Dispatcher } from '../routing/dispatcher.js'
import { isFullRow, rowOf, waitingOf } from '../routing/rows.js'
import type { DeadLetter } from '../routing/dead-letter.js'
import type { Bury, LocalSubscription } from '../routing/target.js'
import {
  ANY_BYTES,
  checkLease,
  checkSubscription,
  type SubscribeTarget,
} from './subscribe-options.js'
import { asksForLoad, rulesOf } from './subscription-rules.js'

/** Who subscribes or publishes: number 0 and name '' for the thread itself. */
export interface Party {
  readonly agent: number
  readonly name: string
  /** What its handlers get as their third argument, if anything. */
  readonly context?: unknown
}

export interface SubscriptionsHost {
  /** More subscription numbers, from the registry. */
  takeIds(): Promise<number[]>
  /** Writes the subscription to the change log; rejects when that has no room. */
  announce(entry: Subscription): Promise<void>
  withdraw(id: number): Promise<void>
  /** Handles all that has arrived by now. */
  drainArrived(): Promise<void>
  /** A mailbox that was full has room again: whoever held back must be woken. */
  onRoom(): void
  /** A lossy mailbox had no place for a message. */
  onDropped(): void
  /** Whether a publish with this deadline comes too late. True is counted. */
  isExpired(deadlineMs: number): boolean
  onError(error: unknown, subject: string, name: string): void
  bury(letter: DeadLetter): void
  /** `id` is the subscription's number. */
  onReply(
    ticket: RequestTicket,
    reply: Message<unknown> | null,
    ok: boolean,
    result: unknown,
    id: number,
  ): void
  /** It handles nothing any more, and neither goes on with what it handled. */
  onForgotten(id: number): void
  /** Resolves when no stream with which it replies is under way. */
  streamsEnded(id: number): Promise<void>
}

export class Subscriptions {
  readonly #i32: Int32Array
  readonly #rowsIndex: number
  readonly #fullIndex: number
  readonly #engine: string
  readonly #thread: number
  readonly #incarnation: number
  readonly #ids: number[]
  readonly #dispatcher: Dispatcher
  readonly #host: SubscriptionsHost
  readonly #batches = new Set<BatchMailbox>()
  #idsUnderWay: Promise<void> | null = null
  #made = 0
  #fullCount = 0

  constructor(
    region: Region,
    thread: number,
    incarnation: number,
    ids: number[],
    dispatcher: Dispatcher,
    host: SubscriptionsHost,
  ) {
    const { layout, views } = region
    this.#i32 = views.i32
    this.#rowsIndex = layout.subscriptionRows >>> 2
    this.#fullIndex = (layout.inbox(thread) + INBOX_FULL) >>> 2
    // An earlier thread on this place may have left it raised.
    Atomics.store(views.i32, this.#fullIndex, 0)
    this.#engine = region.engine
    this.#thread = thread
    this.#incarnation = incarnation
    this.#ids = ids
    this.#dispatcher = dispatcher
    this.#host = host
  }

  /**
   * `handler` is null for batches: then the options have `onBatch`. A `sample` makes it a tap: it
   * sees a part of the messages, and is nobody's receiver.
   */
  async add(
    target: SubscribeTarget,
    handler: Handler | null,
    options: SubscribeOptions | BatchOptions,
    isResponder: boolean,
    party: Party,
    sample: number | null = null,
  ): Promise<LocalSubscription> {
    const { pattern, queue, limits, batchMax, max } = checkSubscription(
      target,
      handler,
      options,
      isResponder,
    )
    const bury = options.deadLetter === true ? this.#buryFor(party.name) : null
    const { message, reply } = typesOf(target, isResponder)
    const isLease = (options as SubscribeOptions).lease === true
    if (isLease) checkLease(options, message, isResponder)
    const filter = filterOf(options, pattern, message)
    const rules = rulesOf(options, message, isResponder || queue !== '', filter)
    const id = await this.#takeId()
    const onWaiting = asksForLoad(rules) ? (waiting: number) => this.#setWaiting(id, waiting) : null
    const events: MailboxEvents = {
      onFull: (isFull) => {
        this.#setFull(id, isFull)
        if (isFull) this.#tellFull('full', pattern, party.name, limits.messagesMax)
      },
      onAlmostFull: () => this.#tellFull('almostFull', pattern, party.name, limits.messagesMax),
      onWaiting,
      onDropped: () => this.#host.onDropped(),
      isExpired: (deadlineMs) => this.#host.isExpired(deadlineMs),
      onError: (error, subject) => this.#host.onError(error, subject, party.name),
      onReply: (ticket, ok, result) => this.#host.onReply(ticket, reply, ok, result, id),
      onDead: (why, error, extras) => bury?.(why, error, extras),
    }
    const mailbox =
      handler === null
        ? new BatchMailbox((options as BatchOptions).onBatch, batchMax, limits, events)
        : new Mailbox(
            isLease ? releasing(handler) : handler,
            { ...limits, context: party.context },
            events,
          )
    const subscription: LocalSubscription = {
      entry: {
        id,
        generation: ((this.#incarnation << 20) | (++this.#made & 0xfffff)) >>> 0,
        thread: this.#thread,
        agent: party.agent,
        flags:
          (isResponder ? SubscriptionFlag.Responder : 0) |
          (options.lossy === true ? SubscriptionFlag.Lossy : 0) |
          (options.deadLetter === true ? SubscriptionFlag.DeadLetter : 0),
        pattern,
        queue,
        rules: sample === null ? rules : { ...rules, sample },
      },
      message: isLease && message === null ? ANY_BYTES : message,
      reply,
      isLazy: options.lazy === true,
      isLease,
      filter,
      name: party.name,
      allowance: max === null ? null : new Allowance(max, () => this.#endSpent(subscription)),
      onEnd: null,
      mailbox,
      bury,
    }
    if (mailbox instanceof BatchMailbox) this.#batches.add(mailbox)
    this.#dispatcher.add(subscription)
    try {
      await this.#host.announce(subscription.entry)
    } catch (error) {
      this.#forget(subscription)
      // Thread 0 may still do what it has not done in time. Nobody else has the number before.
      if (isLate(error)) this.#withdrawLate(subscription)
      else this.#ids.push(id)
      throw error
    }
    return subscription
  }

  async remove(subscription: LocalSubscription, drain: boolean, isClosed: boolean): Promise<void> {
    if (!this.#isLive(subscription)) return
    if (!isClosed) await this.#host.withdraw(subscription.entry.id)
    await this.#end(subscription, drain)
  }

  /** It is withdrawn: nothing more is sent to it. */
  async #end(subscription: LocalSubscription, drain: boolean): Promise<void> {
    if (!this.#isLive(subscription)) return
    if (drain) {
      await this.#host.drainArrived()
      await subscription.mailbox.stop(true)
    } else void subscription.mailbox.stop(false)
    if (!this.#isLive(subscription)) return
    this.#forget(subscription)
    this.#ids.push(subscription.entry.id)
  }

  /** It has taken as many messages as it wanted. */
  #endSpent(subscription: LocalSubscription): void {
    this.#withdraw(subscription)
      .then(() => this.#endWhenDone(subscription))
      .catch((error: unknown) => this.#tellError(error, subscription))
  }

  /** What it took is handled to its end, streams too. Whoever stops it by hand does not wait so. */
  async #endWhenDone(subscription: LocalSubscription): Promise<void> {
    await this.#host.drainArrived()
    await subscription.mailbox.stop(true)
    await this.#host.streamsEnded(subscription.entry.id)
    await this.#end(subscription, false)
  }

  /** It was never made, as far as its owner knows, but thread 0 may have entered it. */
  #withdrawLate(subscription: LocalSubscription): void {
    this.#withdraw(subscription)
      .then(() => void this.#ids.push(subscription.entry.id))
      .catch((error: unknown) => this.#tellError(error, subscription))
  }

  /** Withdraws, however long thread 0 takes: nobody is there who would do it again. */
  async #withdraw({ entry }: LocalSubscription): Promise<void> {
    for (;;) {
      try {
        return await this.#host.withdraw(entry.id)
      } catch (error) {
        if (!isLate(error)) throw error
      }
    }
  }

  /** But that all ends with this thread's part is no news. */
  #tellError(error: unknown, { entry, name }: LocalSubscription): void {
    if ((error as FlyshuttleError).code === 'ERR_CLOSED') return
    this.#host.onError(error, entry.pattern, name)
  }

  /** The end of a drain: what batch handlers gathered is theirs now. */
  deliverBatches(): void {
    for (const mailbox of this.#batches) mailbox.deliver()
  }

  /** Makes letters of what the mailbox and the dispatcher give up. */
  #buryFor(agent: string): Bury {
    return (reason, error, { kept, headers, priority }) => {
      if (kept === null) return
      const { subject, source, codec, typeId, payload, packed, receivedAtMs: firstAtMs } = kept
      const attempts = reason === 'handler-error' ? 1 : 0
      const about = { reason, subject, queue: '', attempts, error, headers, key: null, priority }
      this.#host.bury({ ...about, source, codec, typeId, payload, packed, firstAtMs, agent })
    }
  }

  #isLive(subscription: LocalSubscription): boolean {
    return this.#dispatcher.subscriptions.get(subscription.entry.id) === subscription
  }

  #forget(subscription: LocalSubscription): void {
    const { id } = subscription.entry
    this.#dispatcher.remove(subscription)
    this.#batches.delete(subscription.mailbox as BatchMailbox)
    this.#host.onForgotten(id)
    // What was dropped with the mailbox may have kept its bit raised.
    this.#setFull(id, false)
    this.#i32[this.#rowsIndex + id] = 0
    subscription.onEnd?.()
  }

  async #takeId(): Promise<number> {
    for (;;) {
      const id = this.#ids.pop()
      if (id !== undefined) return id
      this.#idsUnderWay ??= this.#host.takeIds().then((ids) => {
        this.#ids.push(...ids)
      })
      try {
        await this.#idsUnderWay
      } finally {
        this.#idsUnderWay = null
      }
    }
  }

  #setFull(id: number, isFull: boolean): void {
    const rowIndex = this.#rowsIndex + id
    const row = this.#i32[rowIndex] as number
    if (isFullRow(row) === isFull) return
    this.#fullCount += isFull ? 1 : -1
    Atomics.store(this.#i32, rowIndex, rowOf(isFull, waitingOf(row)))
    Atomics.store(this.#i32, this.#fullIndex, this.#fullCount)
    // Senders that hold back for this subscription do not wait on a ring: nobody else tells them.
    if (!isFull) this.#host.onRoom()
  }

  /** For senders that choose by load. Plain: a little late is early enough. */
  #setWaiting(id: number, waiting: number): void {
    const rowIndex = this.#rowsIndex + id
    this.#i32[rowIndex] = rowOf(isFullRow(this.#i32[rowIndex] as number), waiting)
  }

  #tellFull(event: 'full' | 'almostFull', subject: string, agent: string, messages: number): void {
    const of = ofThread(this.#engine, this.#thread)
    tell(event, () => ({ what: 'mailbox', ...of, subject, agent, messages }))
  }
}

/** Whether thread 0 may not have seen yet what it was asked. */
function isLate(error: unknown): boolean {
  return (error as FlyshuttleError).code === 'ERR_TIMEOUT'
}

function typesOf(
  target: SubscribeTarget,
  isResponder: boolean,
): { message: Message<unknown> | null; reply: Message<unknown> | null } {
  if (typeof target === 'string') return { message: null, reply: null }
  if ('request' in target) {
    return { message: target.request, reply: isResponder ? target.reply : null }
  }
  return { message: target, reply: null }
}

function filterOf(
  { filter }: SubscribeOptions,
  pattern: string,
  message: Message<unknown> | null,
): CompiledFilter | null {
  if (filter === undefined) return null
  const fields = message?.struct?.fields ?? null
  return new CompiledFilter(filterText(parseFilter(filter, pattern, fields)))
}
