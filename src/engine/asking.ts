// The ways of asking: one responder for one reply, for many values or for a stream, or all
// responders. The part of an endpoint that makes requests.

import type { Rpc } from '../codec/message.js'
import type { ManyReplies } from '../routing/many-replies.js'
import type { ReplyStream } from '../routing/reply-stream.js'
import { NO_OPTIONS, type RequestOptions } from '../routing/requests.js'
import type { Bus } from './bus.js'
import { Lender } from './lender.js'
import { requestEach } from './request-each.js'
import type { ManyOptions, StreamOptions } from './streaming.js'
import type { Party } from './subscriptions.js'

export class Asking extends Lender {
  readonly #bus: Bus
  readonly #party: Party

  constructor(bus: Bus, party: Party) {
    super(bus, party)
    this.#bus = bus
    this.#party = party
  }

  /**
   * Asks whoever handles the subject, and resolves with the reply.
   *
   * @throws (as rejection) ERR_NO_RESPONDERS at once, ERR_TIMEOUT, ERR_ABORTED, ERR_RESPONDER_DIED,
   * or what the handler threw, with its code, message and cause
   * @example
   * const worst = await engine.request('delays.worst', { top: 10 }, { timeoutMs: 200 })
   */
  request<Q, R>(rpc: Rpc<Q, R>, value: NoInfer<Q>, options?: RequestOptions): Promise<R>
  request<R = unknown>(subject: string, value?: unknown, options?: RequestOptions): Promise<R>
  request(
    target: Rpc<any, any> | string,
    value?: unknown,
    options: RequestOptions = NO_OPTIONS,
  ): Promise<unknown> {
    return this.#bus.request(target, value, options, this.#party)
  }

  /**
   * Asks once for each value, and resolves with all replies in the order of the values: as
   * `Promise.all` over as many calls of `request`, at a fraction of the cost, since there is one
   * promise and one deadline for all of them.
   *
   * The first failure rejects; `error.data.index` says of which value. What else was asked is
   * handled all the same, and its replies are ignored. Values that find no room follow in order
   * when there is some; leave their objects alone until it resolves.
   *
   * @throws (as rejection) what `request` does; ERR_BACKPRESSURE when more than about a million
   * requests wait
   * @example
   * const worst = await engine.requestEach(Worst, [{ top: 1 }, { top: 10 }], { timeoutMs: 500 })
   */
  requestEach<Q, R>(
    rpc: Rpc<Q, R>,
    values: readonly NoInfer<Q>[],
    options?: RequestOptions,
  ): Promise<R[]>
  requestEach<R = unknown>(
    subject: string,
    values: readonly unknown[],
    options?: RequestOptions,
  ): Promise<R[]>
  requestEach(
    target: Rpc<any, any> | string,
    values: readonly unknown[],
    options: RequestOptions = NO_OPTIONS,
  ): Promise<unknown[]> {
    const { blocks, sender } = this.#bus
    return requestEach(blocks, sender, target, values, options, this.#party.agent)
  }

  /**
   * Asks all who handle the subject, one of each queue group, and gives their replies as they come:
   * until `max` are there, all have replied, or `timeoutMs` is over. It is sent when the iteration
   * begins. Handlers that fail do not end it: see `errors`; when nobody else replied either, it
   * throws the first of them.
   *
   * @throws ERR_OPTION_INVALID; when iterated ERR_NO_RESPONDERS at once, ERR_QUORUM_MISSED,
   * ERR_ABORTED, ERR_STREAM_TAKEN the second time
   * @example
   * for await (const quote of engine.requestMany(Quote, isin, { max: 3, timeoutMs: 50 })) { … }
   */
  requestMany<Q, R>(rpc: Rpc<Q, R>, value: NoInfer<Q>, options?: ManyOptions): ManyReplies<R>
  requestMany<R = unknown>(subject: string, value?: unknown, options?: ManyOptions): ManyReplies<R>
  requestMany(
    target: Rpc<any, any> | string,
    value?: unknown,
    options: ManyOptions = {},
  ): ManyReplies<any> {
    return this.#bus.streaming.many(target, value, options, this.#party)
  }

  /**
   * Asks whoever handles the subject, who replies with many parts: a handler that returns a
   * generator or anything else that is async iterable. It is sent when the iteration begins; the
   * responder is never more than `buffer` parts ahead. Leaving the loop ends the responder's
   * generator, and aborts its `info.signal`.
   *
   * @throws ERR_OPTION_INVALID; when iterated what the responder threw, in its place among the
   * parts, ERR_NO_RESPONDERS, ERR_TIMEOUT, ERR_ABORTED, ERR_RESPONDER_DIED, ERR_RESPONDER_STOPPED,
   * ERR_STREAM_TAKEN the second time
   * @example
   * await engine.handle('logs.tail', async function* ({ file }) { yield* linesOf(file) })
   * for await (const line of engine.requestStream<string>('logs.tail', { file })) console.log(line)
   */
  requestStream<Q, R>(rpc: Rpc<Q, R>, value: NoInfer<Q>, options?: StreamOptions): ReplyStream<R>
  requestStream<R = unknown>(
    subject: string,
    value?: unknown,
    options?: StreamOptions,
  ): ReplyStream<R>
  requestStream(
    target: Rpc<any, any> | string,
    value?: unknown,
    options: StreamOptions = {},
  ): ReplyStream<any> {
    return this.#bus.streaming.stream(target, value, options, this.#party)
  }
}
