// What one can do with messages, the same for the engine object and for an agent's context.
//
// Types follow from the message: a wrong field is a compile error. Everything is forwarded to the
// thread's bus with the name of the party that speaks.

import type { Answer, BatchOptions, SubscribeOptions } from '../agent/agent.js'
import type { Lease } from '../agent/lease.js'
import type { MessageInfo, RequestInfo } from '../agent/info.js'
import type { Message, Rpc } from '../codec/message.js'
import { PLAIN, envelopeOf, type PublishOptions } from '../routing/envelope.js'
import type { LocalSubscription } from '../routing/target.js'
import { checkTimeoutMs } from '../routing/requests.js'
import type { Sender } from '../routing/sender.js'
import { Asking } from './asking.js'
import type { Bus } from './bus.js'
import { checkSample } from '../routing/taps.js'
import { checkKeys, invalid } from '../base/checks.js'
import { publishMany } from '../routing/publish-many.js'
import type { DeadLetters } from './dead-letters.js'
import type {
  AllFields,
  LeaseOptions,
  Outcome,
  Publisher,
  SubscriptionHandle,
  SubscriptionIterator,
  TapOptions,
} from './handles.js'
import { Pull } from './pull.js'
import type { Party } from './subscriptions.js'

export class Endpoint extends Asking {
  readonly #bus: Bus
  readonly #party: Party
  // At hand, because every message goes through here.
  readonly #sender: Sender
  readonly #agent: number

  constructor(bus: Bus, party: Party) {
    super(bus, party)
    this.#bus = bus
    this.#party = party
    this.#sender = bus.sender
    this.#agent = party.agent
  }

  /**
   * Publishes one message to everybody subscribed to its subject, at most once each.
   *
   * Returns true, or false for "accepted, but above the high-water mark": then `await
   * drained(message)`, as with a stream. A string subject takes any plain value (msgpack), or a
   * Uint8Array as raw bytes.
   *
   * @throws ERR_BACKPRESSURE when the bounded overflow is full (nothing was written),
   * ERR_PAYLOAD_INVALID, ERR_PAYLOAD_UNSUPPORTED, ERR_MESSAGE_TOO_LARGE, ERR_SUBJECT_INVALID,
   * ERR_CLOSED
   * @example
   * if (!engine.publish(Trade, { id: 1, price: 9.5 })) await engine.drained(Trade)
   * engine.publish('orders.new', order, { headers: { tenant: 'acme' } })
   * engine.publish('prices.ACME', price, { ttlMs: 250, priority: 'high' })
   */
  publish<T>(message: Message<T>, value: NoInfer<T>, options?: PublishOptions): boolean
  publish(subject: string, value?: unknown, options?: PublishOptions): boolean
  publish(message: Message<any> | string, value?: unknown, options?: PublishOptions): boolean {
    if (options === undefined) return this.#sender.publish(message, value, this.#agent)
    const envelope = envelopeOf('publish', options, this.#bus.clock)
    return this.#sender.publishWith(message, value, this.#agent, envelope)
  }

  /**
   * Publishes each of the values, in order. Each is accepted or refused by itself; returns false
   * when one of them found a receiver behind.
   *
   * @throws as `publish` does; `error.data.accepted` says how many values were accepted before, so
   * that the rest can follow later
   * @example
   * if (!engine.publishMany(Trade, trades)) await engine.drained(Trade)
   */
  publishMany<T>(
    message: Message<T>,
    values: Iterable<NoInfer<T>>,
    options?: PublishOptions,
  ): boolean
  publishMany(subject: string, values: Iterable<unknown>, options?: PublishOptions): boolean
  publishMany(
    message: Message<any> | string,
    values: Iterable<unknown>,
    options?: PublishOptions,
  ): boolean {
    if (typeof values?.[Symbol.iterator] !== 'function') {
      throw invalid('values', values, 'an array, or anything that can be iterated')
    }
    const envelope = envelopeOf('publishMany', options, this.#bus.clock)
    const [sender, agent] = [this.#sender, this.#agent]
    return publishMany(
      values,
      envelope === PLAIN
        ? (value) => sender.publish(message, value, agent)
        : (value) => sender.publishWith(message, value, agent, envelope),
    )
  }

  /**
   * Publishes one message to everybody, members of queue groups included: each of them gets it, and
   * so does every instance of an agent. Otherwise it is `publish`.
   *
   * @throws as `publish` does; ERR_MESSAGE_TOO_LARGE also when a ring cannot hold the frames of all
   * members on its thread
   * @example
   * engine.broadcast('config.changed', { level: 'debug' })
   */
  broadcast<T>(message: Message<T>, value: NoInfer<T>, options?: PublishOptions): boolean
  broadcast(subject: string, value?: unknown, options?: PublishOptions): boolean
  broadcast(message: Message<any> | string, value?: unknown, options?: PublishOptions): boolean {
    const envelope = { ...envelopeOf('broadcast', options, this.#bus.clock), toAll: true }
    return this.#sender.publishWith(message, value, this.#agent, envelope)
  }

  /**
   * A function that publishes one struct message from its fields, given in the order of `fields`.
   *
   * It is `publish` without an object: the same checks, order and result, at half the cost, for
   * programs that send millions of messages in a second. Make it once and keep it; the same fields
   * give the same function. All fields of the message must be named, each once. V8 copies it into a
   * loop without `await`; in one with it, it is called, which takes half as long again.
   *
   * @throws ERR_OPTION_INVALID when a field is missing, unknown or named twice, or the message has
   * no fields; ERR_CLOSED. The function throws as `publish` does.
   * @example
   * const tick = engine.publisher(Tick, ['id', 'price', 'side'])
   * if (!tick(1, 9.5, 'buy')) await engine.drained(Tick)
   */
  publisher<T, const F extends readonly (keyof T & string)[]>(
    message: Message<T>,
    fields: F & AllFields<T, F>,
  ): Publisher<T, F> {
    return this.#bus.publishers.of(message, fields, this.#agent) as never
  }

  /**
   * Publishes if there is room now, without buffering; else returns `'full'`. Throws as `publish`
   * does.
   */
  tryPublish<T>(message: Message<T>, value: NoInfer<T>, options?: PublishOptions): Outcome
  tryPublish(subject: string, value?: unknown, options?: PublishOptions): Outcome
  tryPublish(message: Message<any> | string, value?: unknown, options?: PublishOptions): Outcome {
    const envelope = envelopeOf('tryPublish', options, this.#bus.clock)
    return this.#sender.tryPublish(message, value, this.#agent, envelope) ? 'accepted' : 'full'
  }

  /**
   * Publishes in order, waiting for room as long as it takes. Resolves once written.
   *
   * @throws (as rejection) as `publish` does, but for ERR_BACKPRESSURE; ERR_EXPIRED when there was
   * no room within `ttlMs`
   */
  send<T>(message: Message<T>, value: NoInfer<T>, options?: PublishOptions): Promise<void>
  send(subject: string, value?: unknown, options?: PublishOptions): Promise<void>
  async send(
    message: Message<any> | string,
    value?: unknown,
    options?: PublishOptions,
  ): Promise<void> {
    const envelope = envelopeOf('send', options, this.#bus.clock)
    await this.#sender.send(message, value, this.#agent, envelope)
  }

  /** Resolves when nothing waits for this subject any more and its links are half empty. */
  async drained(message: Message<any> | string): Promise<void> {
    await this.#sender.drained(message)
  }

  /** Makes everything published so far visible now, instead of at the end of the tick. */
  flush(): void {
    this.#bus.flush()
  }

  /**
   * `flush` for crash handlers: writes what waits for room too, and returns how many messages still
   * wait, 0 as a rule. With `timeoutMs` (default 0) it blocks the thread that long for more room,
   * while others handle what they got.
   *
   * It makes messages visible, no more. They outlive this thread if it is a worker; when the
   * process ends, its workers end with it.
   *
   * @throws ERR_OPTION_INVALID
   * @example
   * process.on('uncaughtExceptionMonitor', () => bus.flushSync({ timeoutMs: 100 }))
   * process.on('exit', () => bus.flushSync())
   */
  flushSync(options: { readonly timeoutMs?: number } = {}): number {
    checkKeys('flushSync', options, ['timeoutMs'])
    const { timeoutMs = 0 } = options
    return this.#bus.flushSync(timeoutMs === 0 ? 0 : checkTimeoutMs(timeoutMs))
  }

  /**
   * The messages that nobody could handle: of subscriptions with `deadLetter`, of work queues, and
   * publishes that could never be written. Kept on the main thread, open to every thread.
   *
   * @example
   * const [oldest] = await engine.deadLetters.list({ subject: 'orders.>' })
   * if (oldest !== undefined) await engine.deadLetters.replay(oldest.id)
   */
  get deadLetters(): DeadLetters {
    return this.#bus.deadLetters
  }

  /**
   * Listens to a subject or pattern (`flights.*`, `flights.>`). Once it resolves, every later
   * publish on any thread is seen. With a handler, it is called for each message; with `onBatch`,
   * for what each look into the rings brought; without either, iterate over the result.
   *
   * @example
   * await engine.subscribe('flights.*', (flight, info) => console.log(info.subject, flight))
   * await engine.subscribe(Flight, { onBatch: (flights) => table.insert(flights) })
   * for await (const { value, subject } of await engine.subscribe(Flight)) { … }
   */
  subscribe(
    target: Message<Uint8Array> | string,
    handler: (lease: Lease, info: MessageInfo) => unknown,
    options: LeaseOptions,
  ): Promise<SubscriptionHandle>
  subscribe(
    target: Message<Uint8Array> | string,
    options: LeaseOptions,
  ): Promise<SubscriptionIterator<Lease>>
  subscribe<T>(
    target: Message<T>,
    handler: (value: T, info: MessageInfo) => unknown,
    options?: SubscribeOptions<NoInfer<T>>,
  ): Promise<SubscriptionHandle>
  subscribe<T>(target: Message<T>, options: BatchOptions<NoInfer<T>>): Promise<SubscriptionHandle>
  subscribe<T>(
    target: Message<T>,
    options?: SubscribeOptions<NoInfer<T>>,
  ): Promise<SubscriptionIterator<T>>
  subscribe<T = any>(
    pattern: string,
    handler: (value: T, info: MessageInfo) => unknown,
    options?: SubscribeOptions,
  ): Promise<SubscriptionHandle>
  subscribe<T = any>(pattern: string, options: BatchOptions<T>): Promise<SubscriptionHandle>
  subscribe<T = any>(pattern: string, options?: SubscribeOptions): Promise<SubscriptionIterator<T>>
  async subscribe(
    target: Message<any> | string,
    handlerOrOptions?:
      ((value: never, info: MessageInfo) => unknown) | SubscribeOptions | BatchOptions,
    options: SubscribeOptions = {},
  ): Promise<SubscriptionHandle> {
    const isPull = typeof handlerOrOptions === 'object' || handlerOrOptions === undefined
    if (!isPull) {
      return this.#handleOf(
        await this.#bus.subscribe(target, handlerOrOptions, options, false, this.#party),
      )
    }
    if (handlerOrOptions !== undefined && 'onBatch' in handlerOrOptions) {
      return this.#handleOf(
        await this.#bus.subscribe(target, null, handlerOrOptions, false, this.#party),
      )
    }
    const pull = new Pull({
      onWaiting: (isWaiting) => this.#bus.hold(isWaiting),
      onReturn: () => handle.unsubscribe(),
    })
    const subscription = await this.#bus.subscribe(
      target,
      (value, info) => pull.push({ value, subject: info.subject, thread: info.thread }),
      { ...handlerOrOptions, concurrency: 1, lazy: false },
      false,
      this.#party,
    )
    const forget = this.#bus.onClose(() => pull.end())
    const end = (): void => {
      forget()
      pull.end()
    }
    subscription.onEnd = end
    const handle = this.#handleOf(subscription, end)
    return Object.assign(handle, { [Symbol.asyncIterator]: () => pull })
  }

  /**
   * Answers requests on a subject: what the handler returns is the reply, what it throws rejects
   * the request.
   *
   * @example
   * await engine.handle(Worst, ({ top }) => table.slice(0, top))
   */
  handle<Q, R>(
    rpc: Rpc<Q, R>,
    handler: (value: Q, info: RequestInfo) => Answer<NoInfer<R>>,
    options?: SubscribeOptions<NoInfer<Q>>,
  ): Promise<SubscriptionHandle>
  handle<Q = any>(
    subject: string,
    handler: (value: Q, info: RequestInfo) => unknown,
    options?: SubscribeOptions,
  ): Promise<SubscriptionHandle>
  async handle(
    target: Rpc<any, any> | string,
    handler: (value: never, info: any) => unknown,
    options: SubscribeOptions = {},
  ): Promise<SubscriptionHandle> {
    return this.#handleOf(await this.#bus.subscribe(target, handler, options, true, this.#party))
  }

  /**
   * Watches a sample of what is published or asked on a subject or pattern, for debugging. With
   * `sample` 0.01 each sending thread shows its first message and then every hundredth; default 1.
   *
   * A tap is no receiver: it never holds anybody back, what finds no room is skipped and counted, a
   * request that nobody else handles still has no responder. Subjects that no tap watches keep
   * their fast ways; on those that one does, a message costs a look at the counter, and one that is
   * shown costs a second frame. What travels in blocks is not shown.
   *
   * @throws (as rejection) ERR_OPTION_INVALID, ERR_SUBJECT_INVALID
   * @example
   * const tap = await engine.tap('orders.>', console.log, { sample: 0.01 })
   */
  async tap<T = any>(
    target: Message<T> | string,
    handler: (value: T, info: MessageInfo) => unknown,
    options: TapOptions = {},
  ): Promise<SubscriptionHandle> {
    checkKeys('tap', options, ['sample'])
    const sample = checkSample(options.sample ?? 1)
    const tap = { lossy: true }
    return this.#handleOf(
      await this.#bus.subscribe(target, handler, tap, false, this.#party, sample),
    )
  }

  #handleOf(subscription: LocalSubscription, onEnd?: () => void): SubscriptionHandle {
    const unsubscribe = async (): Promise<void> => {
      const stopped = this.#bus.unsubscribe(subscription)
      onEnd?.()
      await stopped
    }
    return {
      pattern: subscription.entry.pattern,
      unsubscribe,
      [Symbol.asyncDispose]: unsubscribe,
    }
  }
}
