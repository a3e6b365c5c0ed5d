// The shortest way from a frame to its handler.
//
// Frame after frame of one struct, from one agent, to one subscription are alike but for the
// payload, and for which request it is or answers: the rest of their words is the same. What the
// first one was found to be is kept as an express way, and a frame with the same words takes it
// without a further look. Whoever keeps it knows until when it holds. One that many publishes have
// taken gets compiled code for whole runs of them (`codec/run-source.ts`).

import { NO_EXTRAS, PublishInfo, RequestTicket } from '../agent/info.js'
import type { Mailbox } from '../agent/mailbox.js'
import type { RequestWatch } from '../agent/request-watch.js'
import { FRAME_HEADER_BYTES, RUN_AFTER_MESSAGES, RUNS_MAX } from '../base/limits.js'
import type { Test } from '../codec/filter.js'
import { NO_HEADERS } from '../codec/headers.js'
import type { BoundStruct, Run, StructCodec } from '../codec/struct.js'
import type { Views } from '../memory/region.js'
import {
  FRAME_FLAGS_MASK,
  FRAME_LENGTH_MASK,
  FRAME_SOURCE_SHIFT,
  FrameFlag,
} from '../ring/frame.js'
import type { DispatcherEvents } from './dispatcher-events.js'
import { newGate } from './emitter-lane.js'
import type { LocalSubscription, Struct, Target } from './target.js'

// Constants of this module, which V8 folds; imported ones it does not.
const HEADER_BYTES = FRAME_HEADER_BYTES
const REQUEST_BYTES = FRAME_HEADER_BYTES + 24
const REPLY_BYTES = FRAME_HEADER_BYTES + 8

/** By all engines of this thread. */
let runsMade = 0

/** What is the same for every frame whose words 0, 1 and 3 are these. */
export interface Express {
  readonly word0: number
  readonly word1: number
  readonly typeId: number
  readonly bound: BoundStruct<unknown>
  readonly mailbox: Mailbox
  readonly info: PublishInfo
  /** What the subscription's filter says of a value; null: it has none. */
  readonly isWanted: Test | null
  readonly subscription: LocalSubscription
  readonly codec: StructCodec<unknown>
  /** Messages that took it one by one. */
  messages: number
  /** Takes those that come from now on; null until there were enough of them. */
  run: Run | null
}

/** The same of requests for one subscription. */
export interface ExpressRequest {
  readonly word0: number
  readonly word1: number
  readonly typeId: number
  readonly targetId: number
  /** As the frame's word has it, signed. */
  readonly generation: number
  /** What the dispatcher had of this when it was made: it holds while nothing is taken away. */
  readonly removals: number
  readonly agent: number
  readonly bound: BoundStruct<unknown>
  readonly pattern: string
  readonly mailbox: Mailbox
}

/** The same of replies, whatever they answer. */
export interface ExpressReply {
  readonly word0: number
  readonly word1: number
  readonly typeId: number
  readonly bound: BoundStruct<unknown>
}

/**
 * The express way for frames like the one that was just delivered as `struct`; null where each
 * needs a decision of its own.
 */
export function expressOf(
  target: Target,
  struct: Struct,
  source: number,
  word0: number,
  word1: number,
): Express | null {
  const [only] = target.plain
  if (only === undefined || target.plain.length > 1) return null
  if (only.allowance !== null || only.bury !== null) return null
  if (only.message !== null && only.message.typeId !== struct.typeId) return null
  if ((word0 & FRAME_LENGTH_MASK) < FRAME_HEADER_BYTES + struct.bytes) return null
  const typeId = struct.typeId | 0
  const old = target.express
  if (old?.subscription === only && old.word0 === word0 && old.word1 === word1) {
    if (old.typeId === typeId) return old
  }
  const info = new PublishInfo(only.entry.pattern)
  info.fill(target.subject, source, word1 >>> FRAME_SOURCE_SHIFT, NO_EXTRAS)
  info.expire()
  const { bound, codec } = struct
  const { mailbox, filter } = only
  const isWanted = filter === null ? null : filter.testOf(struct.typeId, struct.fields)
  const way = { word0, word1, typeId, bound, codec, mailbox, info, isWanted, subscription: only }
  return { ...way, messages: 0, run: null }
}

/** The same for requests like the one that was just delivered as `struct`. */
export function expressRequestOf(
  { entry, mailbox, message, allowance }: LocalSubscription,
  struct: Struct,
  word0: number,
  word1: number,
  removals: number,
): ExpressRequest | null {
  if (allowance !== null || (word1 & FRAME_FLAGS_MASK) !== REQUEST_FLAGS) return null
  if (message !== null && message.typeId !== struct.typeId) return null
  if ((word0 & FRAME_LENGTH_MASK) < REQUEST_BYTES + struct.bytes) return null
  return {
    word0,
    word1,
    typeId: struct.typeId | 0,
    targetId: entry.id,
    generation: entry.generation | 0,
    removals,
    agent: word1 >>> FRAME_SOURCE_SHIFT,
    bound: struct.bound,
    pattern: entry.pattern,
    mailbox,
  }
}

/** The same for replies. */
export function expressReplyOf(struct: Struct, word0: number, word1: number): ExpressReply | null {
  if ((word1 & FRAME_FLAGS_MASK) !== FrameFlag.Correlation) return null
  if ((word0 & FRAME_LENGTH_MASK) < REPLY_BYTES + struct.bytes) return null
  return { word0, word1, typeId: struct.typeId | 0, bound: struct.bound }
}

/** Of requests that say nothing about themselves but their deadline. */
const REQUEST_FLAGS = FrameFlag.Target | FrameFlag.Correlation | FrameFlag.Deadline

/** Takes them, for frames that have more to say than what they carry. */
export class ExpressWays {
  readonly #views: Views
  /** Its first word changes with every subscription that comes or goes. */
  readonly gate = newGate()
  readonly #i32: Int32Array
  readonly #f64: Float64Array
  readonly #watch: RequestWatch
  readonly #events: Pick<DispatcherEvents, 'onRefused' | 'onAnswer' | 'onError'>

  constructor(
    views: Views,
    watch: RequestWatch,
    events: Pick<DispatcherEvents, 'onRefused' | 'onAnswer' | 'onError'>,
  ) {
    this.#views = views
    this.#i32 = views.i32
    this.#f64 = views.f64
    this.#watch = watch
    this.#events = events
  }

  /** The struct at `offset`, and some of those behind it; as a `Run` does. */
  publish(
    express: Express,
    { subject, subjectId }: Target,
    offset: number,
    framesLeft: number,
    unitsLeft: number,
    takenIndex: number,
  ): number {
    const { run } = express
    if (run !== null) return run(offset, framesLeft, unitsLeft, takenIndex)
    const { bound, mailbox, info, subscription, isWanted } = express
    let value: unknown
    let isHanded: boolean
    try {
      const payload = offset + HEADER_BYTES
      value = subscription.isLazy ? bound.view(payload) : bound.decode(payload)
      isHanded = isWanted === null || isWanted(value, NO_HEADERS)
    } catch (error) {
      if (subscription.isLazy) bound.expire()
      this.#events.onError(error, subject, subscription)
      return 0
    }
    if (isHanded) mailbox.hand(value, info, subject)
    if (subscription.isLazy) bound.expire()
    if (++express.messages === RUN_AFTER_MESSAGES) this.#compile(express, subject, subjectId)
    return 0
  }

  #compile(express: Express, subject: string, subjectId: number): void {
    if (runsMade >= RUNS_MAX) return
    const { mailbox, info, word0, word1, typeId, subscription, codec, bound } = express
    express.run = codec.runner(this.#views, {
      handler: mailbox.handler,
      context: mailbox.context,
      info,
      mailbox,
      gate: this.gate,
      subject,
      word0,
      word1,
      subjectId,
      typeId,
      units: ((word0 & FRAME_LENGTH_MASK) + 7) >>> 3,
      filter: subscription.filter,
      isLazy: subscription.isLazy,
      bound,
      refuse: (error) => this.#events.onError(error, subject, subscription),
      number: runsMade++,
    })
  }

  /** The request at `offset`, from thread `source`. */
  request(
    { agent, pattern, bound, mailbox }: ExpressRequest,
    subject: string,
    source: number,
    offset: number,
  ): void {
    const word = offset >>> 2
    const ticket = new RequestTicket(
      subject,
      source,
      agent,
      this.#i32[word + 6] as number,
      this.#i32[word + 7] as number,
      this.#f64[(word >>> 1) + 4] as number,
      NO_EXTRAS,
      this.#watch,
    )
    if (this.#watch.isLate(ticket)) return
    ticket.pattern = pattern
    let value: unknown
    try {
      value = bound.decode(offset + REQUEST_BYTES)
    } catch (error) {
      this.#events.onRefused(ticket, error as Error)
      return
    }
    mailbox.request(value, ticket)
  }

  /** The reply at `offset`, from thread `source`. */
  reply({ bound }: ExpressReply, source: number, offset: number): void {
    const word = offset >>> 2
    const incarnation = this.#i32[word + 4] as number
    const counter = this.#i32[word + 5] as number
    let value: unknown
    let failure: unknown = null
    try {
      value = bound.decode(offset + REPLY_BYTES)
    } catch (error) {
      failure = error
    }
    this.#events.onAnswer(source, incarnation, counter, value, failure)
  }
}
