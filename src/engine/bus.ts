// One thread's part of the engine: its inbox, its links, its routes, its subscriptions and its
// requests, joined.
//
// The main thread and every worker have exactly one. Agents and the engine object are thin faces of
// it. The parts know nothing of each other; this file is where a frame becomes a handler call and a
// result becomes a reply. What goes out is joined in `sending.ts`.

import { RequestWatch } from '../agent/request-watch.js'
import type { Handler } from '../agent/mailbox.js'
import type { BatchOptions, SubscribeOptions } from '../agent/agent.js'
import { createMonotonicClock, type Clock } from '../base/clock.js'
import { FlyshuttleError } from '../base/errors.js'
import { ofThread, tell } from '../base/events.js'
import { checkRpc, type Rpc } from '../codec/message.js'
import { LoopMeter } from '../counters/thread-counters.js'
import { createDoorbell, type Doorbell } from '../link/doorbell.js'
import { Inbox } from '../link/inbox.js'
import type { Outbox } from '../link/outbox.js'
import { Lane, ThreadCounter, geometryList } from '../memory/layout.js'
import type { Queues } from '../queue/queues.js'
import type { DeadLetter } from '../routing/dead-letter.js'
import { Dispatcher } from '../routing/dispatcher.js'
import type { LocalSubscription } from '../routing/target.js'
import { PLAIN, envelopeOfChecked } from '../routing/envelope.js'
import type { Publishers } from '../routing/publishers.js'
import { NO_OPTIONS, type PendingRequest, type RequestOptions } from '../routing/requests.js'
import type { RequestBlocks } from '../routing/request-blocks.js'
import type { Sender } from '../routing/sender.js'
import { Awaiting } from './awaiting.js'
import type { BusHost, BusOptions } from './bus-host.js'
import { ControlPlane } from './control-plane.js'
import { DeadLetters } from './dead-letters.js'
import { flushSync } from './flush-sync.js'
import type { Letters } from './letters.js'
import type { Loans } from './loans.js'
import { createQueues } from './queue-host.js'
import { isSpecial, requestSpecially } from './special-requests.js'
import { Replies } from './replies.js'
import { Sending } from './sending.js'
import { Streaming } from './streaming.js'
import type { SubscribeTarget } from './subscribe-options.js'
import { SlowWatch } from './slow-watch.js'
import { Subscriptions, type Party } from './subscriptions.js'

export class Bus {
  readonly thread: number
  readonly clock: Clock
  readonly #host: BusHost
  readonly #engine: string
  readonly #incarnation: number
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #doorbell: Doorbell
  readonly sender: Sender
  readonly letters: Letters
  readonly deadLetters: DeadLetters
  readonly loans: Loans
  readonly publishers: Publishers
  readonly queues: Queues
  readonly #dispatcher: Dispatcher
  readonly #awaiting: Awaiting
  readonly #replies: Replies
  readonly streaming: Streaming
  readonly #control: ControlPlane
  readonly #subscriptions: Subscriptions
  readonly #onClose = new Set<() => void>()
  #holds = 0
  #isClosed = false

  constructor(options: BusOptions, host: BusHost) {
    const { region, thread, incarnation, binding } = options
    this.#host = host
    this.thread = thread
    this.#incarnation = incarnation
    this.clock = createMonotonicClock()
    const hold = (isWaiting: boolean): void => this.hold(isWaiting)
    const report = (error: unknown, subject: string): void => this.#report(error, subject, '')
    const copyBytes = binding?.copyBytes ?? null
    const sending = new Sending(options, this.clock, {
      hold,
      wake: (to) => this.wake(to),
      bury: (letter) => this.#bury(letter),
      onLost: (error, letter) => {
        this.#report(error, letter.subject, '')
        this.#bury(letter)
      },
    })
    const isExpired = (deadlineMs: number): boolean => sending.isExpired(deadlineMs)
    this.#outbox = sending.outbox
    this.sender = sending.sender
    this.loans = sending.loans
    this.publishers = sending.publishers
    const { pool } = sending.leases
    const parts = { region, incarnation, pool, copyBytes, report }
    this.queues = createQueues(this, host, parts)
    const watch = new RequestWatch(this.clock, this.#outbox.counters)
    this.#replies = new Replies(this.#outbox, this.sender, watch, report)
    const decodeReply = (): unknown => this.#dispatcher.decodeReply()
    this.#awaiting = new Awaiting(region, incarnation, this.clock, decodeReply, {
      onWaiting: hold,
      onAborted: (request, more) => this.streaming.tellAborted(request, more),
    })
    this.#control = new ControlPlane(
      region,
      incarnation,
      this.#outbox,
      this.sender,
      this.#awaiting.requests,
      this.#replies,
      (source, payload) => host.onControl(source, payload),
    )
    this.#dispatcher = new Dispatcher(region, sending.leases, copyBytes, watch, {
      onReply: (from, counter, isFailed, note) =>
        this.#awaiting.onReply(this.#inbox.source, from, counter, isFailed, note),
      onAnswer: (source, from, counter, value, failure) =>
        this.#awaiting.onAnswer(source, from, counter, value, failure),
      onPart: (source, from, counter, note, isFailed) =>
        this.streaming.onPart(source, from, counter, note, isFailed),
      onFlow: (source, from, counter, parts, isStream) =>
        this.streaming.onFlow(source, from, counter, parts, isStream),
      onControl: (source, from, counter, payload) =>
        this.#control.onControl(source, from, counter, payload),
      onRefused: (ticket, error) => this.#replies.write(ticket, null, false, error),
      isExpired,
      onError: (error, subject, of) => this.#report(error, subject, of?.name ?? ''),
    })
    const own = { region, incarnation, clock: this.clock, outbox: this.#outbox, watch, hold }
    const ways = { sender: this.sender, replies: this.#replies, dispatcher: this.#dispatcher }
    this.streaming = new Streaming({ ...own, ...ways, onError: report })
    this.#inbox = new Inbox(region, thread, this.clock, {
      onFrame: (offset, word0, framesLeft, unitsLeft, takenIndex) =>
        this.#onFrame(offset, word0, framesLeft, unitsLeft, takenIndex),
      onRoom: (producer) => this.wake(producer),
      onDeaths: () => {
        this.#awaiting.onDeaths()
        this.queues.onDeaths()
        this.streaming.onDeaths()
      },
      onCorrupt: (thread, found) => {
        const data = { thread, found, wanted: 'a frame within the batch' }
        this.#report(new FlyshuttleError('ERR_FRAME_CORRUPT', data), '(link)', '')
      },
      onDrained: () => this.#onDrained(),
    })
    this.#subscriptions = new Subscriptions(
      region,
      thread,
      incarnation,
      options.ids,
      this.#dispatcher,
      {
        takeIds: () => host.takeIds(),
        announce: (entry) => host.addSubscription(entry),
        withdraw: (id) => host.removeSubscription(id),
        drainArrived: () => this.#inbox.drainArrived(),
        onRoom: () => this.#outbox.wakeAll(),
        onDropped: () => this.#outbox.counters.add(ThreadCounter.MailboxDropped, 1),
        isExpired,
        onError: (error, subject, name) => this.#report(error, subject, name),
        onReply: (ticket, reply, ok, result, id) =>
          this.streaming.answer(ticket, reply, ok, result, id),
        onForgotten: (id) => this.streaming.stopOf(id),
        streamsEnded: (id) => this.streaming.whenEnded(id),
        bury: (letter) => this.#bury(letter),
      },
    )
    this.letters = host.makeLetters(this)
    this.deadLetters = new DeadLetters(this.letters, region)
    // STEP adopt: what lay unread is dropped before the inbox says that it lives.
    if (incarnation > 1) this.#inbox.skipAll()
    this.#inbox.open(incarnation)
    const deliver = (): number => {
      this.#outbox.expectFlush()
      return this.#inbox.drain()
    }
    const slow = new SlowWatch(region, this.clock, this.#outbox, this.#dispatcher.subscriptions)
    const meter = new LoopMeter(region, thread, this.clock, () => slow.look())
    const memory = { region: region.views.bytes, geometry: geometryList(region.layout) }
    this.#doorbell = createDoorbell({ ...options, ...memory }, this.#inbox, meter, deliver)
    this.#outbox.attach(this.#doorbell)
    this.#doorbell.unref()
    const addon = binding !== null
    this.#engine = region.engine
    tell('attach', () => ({ ...ofThread(region.engine, thread), incarnation, addon }))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What `requestEach` waits for. */
  get blocks(): RequestBlocks {
    return this.#awaiting.blocks
  }

  /**
   * Frames handled so far, and whether anything is still under way: for closing in an orderly
   * fashion.
   */
  progress(): { frames: number; isIdle: boolean } {
    let waiting = 0
    for (const { mailbox } of this.#dispatcher.subscriptions.values()) waiting += mailbox.unfinished
    return {
      frames: this.#inbox.framesReceived - this.#control.frames - this.#awaiting.controlFrames,
      isIdle:
        waiting + this.letters.pending === 0 &&
        !this.sender.isWaiting &&
        !this.#inbox.hasFrames &&
        this.queues.isIdle,
    }
  }

  request(
    target: Rpc<any, any> | string,
    value: unknown,
    options: RequestOptions,
    party: Party,
  ): Promise<unknown> {
    if (options !== NO_OPTIONS && isSpecial(options)) {
      const ask = (asked: RequestOptions) => this.request(target, value, asked, party)
      return requestSpecially(ask, target, options, this.clock)
    }
    const isTyped = typeof target === 'object' && target !== null
    const subject = isTyped ? target.subject : target
    const isFirst = this.#awaiting.requests.pending === 0
    let request: PendingRequest
    try {
      request = this.#awaiting.requests.begin(subject, options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    try {
      const message = isTyped ? checkRpc(target).request : null
      const envelope = options === NO_OPTIONS ? PLAIN : envelopeOfChecked(options)
      this.sender.request(message, subject, value, party.agent, request, isFirst, envelope)
    } catch (error) {
      request.fail(error)
    }
    return request.promise
  }

  /** Makes everything published so far visible to its receivers. */
  flush(): void {
    this.#outbox.flushAll()
  }

  /** The same, and blocks up to `timeoutMs` for room; returns how many messages still wait. */
  flushSync(timeoutMs: number): number {
    return flushSync(this.#outbox, this.sender, this.clock, timeoutMs)
  }

  /** Registers a handler; resolves when every later publish on any thread will reach it. */
  async subscribe(
    target: SubscribeTarget,
    handler: Handler | null,
    options: SubscribeOptions | BatchOptions,
    isResponder: boolean,
    party: Party,
    sample: number | null = null,
  ): Promise<LocalSubscription> {
    if (this.#isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: 'subscribe' })
    return this.#subscriptions.add(target, handler, options, isResponder, party, sample)
  }

  /**
   * Withdraws a subscription. Messages already received are handled first when `drain`, else
   * dropped. What other threads have not flushed by then finds no subscription any more.
   */
  unsubscribe(subscription: LocalSubscription, drain = true): Promise<void> {
    return this.#subscriptions.remove(subscription, drain, this.#isClosed)
  }

  /** Withdraws every subscription of this thread; messages already received are handled first. */
  async unsubscribeAll(): Promise<void> {
    const all = [...this.#dispatcher.subscriptions.values()]
    await Promise.all(all.map((subscription) => this.unsubscribe(subscription)))
  }

  /**
   * Asks another thread to do something.
   *
   * @throws (as rejection) ERR_THREAD_DIED when it ends meanwhile
   */
  control(thread: number, payload: { op: string }, timeoutMs: number): Promise<unknown> {
    return this.#control.ask(thread, payload, timeoutMs)
  }

  /** Tells another thread something, without an answer. */
  tell(thread: number, payload: unknown): void {
    this.#control.tell(thread, payload)
  }

  /** Has `listener` called when this thread's part ends; the result takes that back. */
  onClose(listener: () => void): () => void {
    this.#onClose.add(listener)
    return () => void this.#onClose.delete(listener)
  }

  /** Holds the event loop alive while anything is pending; calls pair up. */
  hold(isHeld: boolean): void {
    this.#holds += isHeld ? 1 : -1
    if (this.#isClosed) return
    if (isHeld && this.#holds === 1) this.#doorbell.ref()
    else if (!isHeld && this.#holds === 0) this.#doorbell.unref()
  }

  /** Has one thread look at what waits there. */
  wake(thread: number): void {
    this.#outbox.wake(this.#outbox.link(thread, Lane.Urgent))
  }

  /** Wakes one thread whatever its inbox says: after a death its words may lie. */
  ringAnyway(thread: number): void {
    this.#doorbell.ring(thread)
  }

  /** Orderly end of this thread's part. Requests still pending are rejected. */
  close(): void {
    if (this.#isClosed) return
    const error = new FlyshuttleError('ERR_CLOSED', { found: 'waiting for a reply' })
    // Whoever replies to this thread is told before it goes.
    this.streaming.close(error)
    this.#outbox.flushAll()
    this.#isClosed = true
    let dropped = 0
    try {
      for (const listener of this.#onClose) listener()
      this.publishers.close()
      this.queues.close()
      dropped = this.sender.close()
      if (dropped > 0) {
        const found = `delivering ${dropped} messages that still waited for room`
        this.#report(new FlyshuttleError('ERR_CLOSED', { found }), '(close)', '')
      }
      this.loans.close()
      this.#replies.close()
      this.#awaiting.close(error)
    } finally {
      this.#doorbell.close()
      const of = ofThread(this.#engine, this.thread)
      const incarnation = this.#incarnation
      tell('close', () => ({ ...of, incarnation, dropped }))
    }
  }

  #bury(letter: DeadLetter): void {
    const { subject, agent } = letter
    this.letters.bury(letter).catch((error: unknown) => this.#report(error, subject, agent))
  }

  #onFrame(
    offset: number,
    word0: number,
    framesLeft: number,
    unitsLeft: number,
    takenIndex: number,
  ): number {
    try {
      return this.#dispatcher.onFrame(
        this.#inbox.source,
        offset,
        word0,
        framesLeft,
        unitsLeft,
        takenIndex,
      )
    } catch (error) {
      this.#report(error, '(frame)', '')
      return 0
    }
  }

  #onDrained(): void {
    try {
      // STEP flush: what waited for room goes first, then every batch of this drain.
      this.#subscriptions.deliverBatches()
      this.sender.retry()
      // Somebody may be spinning for it; the rest rarely has anything to do.
      this.#outbox.flushAll()
      this.#outbox.expectFlush()
      this.loans.retry()
      this.queues.onDrained()
      this.streaming.onDrained()
      this.#outbox.flushAll()
    } catch (error) {
      this.#report(error, '(flush)', '')
    }
  }

  #report(error: unknown, subject: string, agent: string): void {
    this.#host.onError(error, { subject, thread: this.thread, agent })
  }
}
