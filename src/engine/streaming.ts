// Requests with several replies, of both sides of one thread: the iterations that its requesters
// hold, and the streams that its handlers produce. The bus of a thread has one.
//
// Here frames of streams meet whoever they are for, and users' options become requests.

import type { RequestTicket } from '../agent/info.js'
import type { RequestWatch } from '../agent/request-watch.js'
import { checkCount, checkKeys, invalid } from '../base/checks.js'
import type { Clock } from '../base/clock.js'
import { INSTANCES_MAX, STREAM_BUFFER_DEFAULT, STREAM_BUFFER_MAX } from '../base/limits.js'
import { fromRecord, type ErrorRecord } from '../codec/error-record.js'
import { checkRpc, type Message, type Rpc } from '../codec/message.js'
import type { Outbox } from '../link/outbox.js'
import { Lane } from '../memory/layout.js'
import { isGone, type Region } from '../memory/region.js'
import { FLOW_STOP, FrameFlag, FrameKind, ReplyNote } from '../ring/frame.js'
import type { Dispatcher } from '../routing/dispatcher.js'
import { MESSAGE_OPTIONS, envelopeOfChecked, type MessageOptions } from '../routing/envelope.js'
import type { Incoming } from '../routing/incoming.js'
import { IncomingMany, type ManyReplies } from '../routing/many-replies.js'
import { IncomingStream, type ReplyStream } from '../routing/reply-stream.js'
import { checkSignal, checkTimeoutMs, type Asked, type ParentOptions } from '../routing/requests.js'
import type { Sender } from '../routing/sender.js'
import { Streams } from '../routing/streams.js'
import { withParent } from './parent.js'
import { Producers } from './producers.js'
import type { Replies } from './replies.js'
import { isStream } from './streamed.js'
import type { Party } from './subscriptions.js'

const COMMON_OPTIONS = ['timeoutMs', 'signal', 'parent', ...MESSAGE_OPTIONS]
const STREAM_OPTIONS = ['buffer', ...COMMON_OPTIONS]
const MANY_OPTIONS = ['max', 'quorum', 'all', ...COMMON_OPTIONS]

export interface StreamOptions extends MessageOptions, ParentOptions {
  /** How long to wait for one part, ms. Default 5000. For the whole: `AbortSignal.timeout(ms)`. */
  readonly timeoutMs?: number
  /** Ends the iteration: it throws ERR_ABORTED, whose cause is the signal's reason. */
  readonly signal?: AbortSignal
  /** Parts that the responder may be ahead of the iteration. Default 1024. */
  readonly buffer?: number
}

export interface ManyOptions extends MessageOptions, ParentOptions {
  /** How long to wait for replies in all, ms. Default 5000. */
  readonly timeoutMs?: number
  /** Ends the iteration: it throws ERR_ABORTED, whose cause is the signal's reason. */
  readonly signal?: AbortSignal
  /** Ends the iteration after so many replies. */
  readonly max?: number
  /** Fewer replies than this are an error, ERR_QUORUM_MISSED. */
  readonly quorum?: number
  /** Asks all members of queue groups, not one of each: all instances of an agent. */
  readonly all?: boolean
}

export interface StreamingParts {
  readonly region: Region
  readonly clock: Clock
  readonly incarnation: number
  readonly outbox: Outbox
  readonly sender: Sender
  readonly replies: Replies
  readonly watch: RequestWatch
  readonly dispatcher: Dispatcher
  /** Keeps the loop alive while it is held; calls pair up. */
  hold(isHeld: boolean): void
  onError(error: unknown, subject: string): void
}

export class Streaming {
  readonly #parts: StreamingParts
  readonly #streams: Streams
  readonly #producers: Producers

  constructor(parts: StreamingParts) {
    this.#parts = parts
    this.#producers = new Producers(parts)
    this.#streams = new Streams(parts.clock, {
      onWaiting: (isWaiting) => parts.hold(isWaiting),
      onFlow: (counter, thread, incarnation, credit) =>
        this.#tellFlow(counter, thread, incarnation, credit, FrameFlag.Stream),
      onEnd: (incoming) => parts.dispatcher.parts.forget(incoming),
    })
  }

  /** @throws ERR_OPTION_INVALID; all else rejects the iteration */
  stream(
    target: Rpc<any, any> | string,
    value: unknown,
    given: StreamOptions,
    { agent }: Party,
  ): ReplyStream<any> {
    checkKeys('requestStream', given, STREAM_OPTIONS)
    const { message, subject } = askedOf(target)
    const options = withParent(given, subject)
    const { buffer = STREAM_BUFFER_DEFAULT } = options
    const credit = checkCount('buffer', buffer, 1, STREAM_BUFFER_MAX)
    const envelope = envelopeOfChecked(options)
    const { sender } = this.#parts
    const send = (incoming: IncomingStream): void =>
      sender.request(message, subject, value, agent, incoming, true, envelope, credit)
    return new IncomingStream(this.#opening(subject, options, send), credit)
  }

  /** @throws ERR_OPTION_INVALID; all else rejects the iteration */
  many(
    target: Rpc<any, any> | string,
    value: unknown,
    given: ManyOptions,
    { agent }: Party,
  ): ManyReplies<any> {
    checkKeys('requestMany', given, MANY_OPTIONS)
    const { message, subject } = askedOf(target)
    const options = withParent(given, subject)
    const { max, quorum, all = false } = options
    if (typeof all !== 'boolean') throw invalid('all', all, 'true or false')
    const limits = {
      all,
      max: max === undefined ? Infinity : checkCount('max', max, 1, INSTANCES_MAX),
      quorum: quorum === undefined ? 0 : checkCount('quorum', quorum, 1, max ?? INSTANCES_MAX),
    }
    const envelope = envelopeOfChecked(options)
    const { sender } = this.#parts
    const send = (incoming: IncomingMany): void =>
      sender.request(message, subject, value, agent, incoming, true, envelope, incoming.credit)
    return new IncomingMany(this.#opening(subject, options, send), limits)
  }

  /** A handler's result: a stream if that was asked for, else one reply. */
  answer(
    ticket: RequestTicket,
    reply: Message<unknown> | null,
    ok: boolean,
    result: unknown,
    owner: number,
  ): void {
    if (ok && ticket.credit > 0 && isStream(result)) {
      this.#producers.start(ticket, reply, result, owner)
    } else this.#parts.replies.write(ticket, reply, ok, result)
  }

  /** One of several replies has come: for whom, unless it is the last. */
  onPart(
    source: number,
    incarnation: number,
    counter: number,
    note: number,
    isFailed: boolean,
  ): Incoming | null {
    if (incarnation !== this.#parts.incarnation) return null
    const incoming = this.#streams.find(counter)
    if (incoming === null) return null
    if (note === ReplyNote.End) {
      incoming.onEnd(source, null)
      return null
    }
    let value: unknown
    try {
      value = this.#parts.dispatcher.decodeReply()
    } catch (error) {
      incoming.onUnreadable(source, error)
      return null
    }
    if (isFailed) {
      incoming.onEnd(source, fromRecord(value as ErrorRecord))
      return null
    }
    incoming.push(value)
    if (note !== ReplyNote.Only) return incoming
    incoming.onEnd(source, null)
    return null
  }

  /** A requester says how much more it takes of what it asked for. */
  onFlow(
    source: number,
    incarnation: number,
    counter: number,
    credit: number,
    isForStream: boolean,
  ): void {
    const { watch } = this.#parts
    if (!isForStream) return watch.cancelPlain(source, incarnation, counter, credit)
    if (this.#producers.onFlow(source, incarnation, counter, credit)) return
    if (credit === FLOW_STOP) watch.cancel(source, incarnation, counter, true)
  }

  /**
   * Tells whoever works on a plain request, and the `more` that were counted after it, that nobody
   * waits for them any more.
   */
  tellAborted({ counter, thread, incarnation }: Asked, more: number): void {
    if (thread >= 0) this.#tellFlow(counter, thread, incarnation, more, 0)
  }

  onDeaths(): void {
    const { region, watch } = this.#parts
    const hasEnded = (thread: number, life: number): boolean => isGone(region, thread, life)
    this.#streams.onDeaths(hasEnded)
    this.#producers.onDeaths(hasEnded)
    watch.onDeaths(hasEnded)
  }

  /** A drain is over: there may be room for more parts, and time has passed. */
  onDrained(): void {
    this.#producers.retry()
    this.#parts.watch.lookAgain()
  }

  /** The subscription with this number is withdrawn. */
  stopOf(owner: number): void {
    this.#producers.stopOf(owner)
  }

  /** Resolves when no stream of the subscription with this number is under way. */
  whenEnded(owner: number): Promise<void> {
    return this.#producers.whenEnded(owner)
  }

  /** The engine begins to close: streams are sources, and sources stop. */
  stopProducing(): void {
    this.#producers.stopAll()
  }

  close(error: Error): void {
    this.#streams.close(error)
    this.#producers.stopAll()
    this.#parts.watch.close()
  }

  #opening<I>(
    subject: string,
    { timeoutMs, signal }: StreamOptions | ManyOptions,
    send: (incoming: I) => void,
  ) {
    return {
      table: this.#streams,
      counter: this.#streams.nextCounter(),
      subject,
      timeoutMs: checkTimeoutMs(timeoutMs),
      signal: checkSignal(signal),
      send,
    }
  }

  #tellFlow(
    counter: number,
    thread: number,
    incarnation: number,
    credit: number,
    flags: number,
  ): void {
    const { region, outbox, sender, onError } = this.#parts
    if (isGone(region, thread, incarnation)) return
    const link = outbox.link(thread, Lane.Urgent)
    const own = this.#parts.incarnation
    try {
      sender.direct.send(link, FrameKind.Flow, flags, null, undefined, own, counter, credit)
    } catch (error) {
      onError(error, '(flow)')
    }
  }
}

function askedOf(target: Rpc<any, any> | string): {
  message: Message<unknown> | null
  subject: string
} {
  const isTyped = typeof target === 'object' && target !== null
  if (!isTyped) return { message: null, subject: target }
  return { message: checkRpc(target).request, subject: target.subject }
}
