// Handlers that reply with a stream: an async iterable or a generator, whose parts are sent as the
// requester grants them.
//
// A part is asked for when there is credit for it and half of the link is free, so nothing gathers
// here but the part in hand. Whatever ends a stream early (its requester stops or dies, a part
// cannot be encoded, its subscription is withdrawn, the engine closes) ends the iterator too, by
// `return()`, and aborts `info.signal`.

import type { RequestTicket } from '../agent/info.js'
import type { RequestWatch } from '../agent/request-watch.js'
import { FlyshuttleError } from '../base/errors.js'
import { STREAMS_OPEN_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { Lane, ThreadCounter } from '../memory/layout.js'
import { isGone, type Region } from '../memory/region.js'
import { FLOW_STOP, FrameFlag, FrameKind, ReplyNote } from '../ring/frame.js'
import type { Sender } from '../routing/sender.js'
import type { Replies } from './replies.js'
import { dropStream, isPromise, partsOf, stopParts, type Parts, type Step } from './streamed.js'

export interface ProducersParts {
  readonly region: Region
  readonly outbox: Outbox
  readonly sender: Sender
  readonly replies: Replies
  readonly watch: RequestWatch
  /** What an iterator threw when it was told to stop; nobody waits for it. */
  onError(error: unknown, subject: string): void
}

export class Producers {
  readonly parts: ProducersParts
  readonly #open = new Map<number, Producer>()
  /** Those that have credit and wait for room. */
  readonly blocked = new Set<Producer>()
  #isClosing = false
  #isFlushDue = false
  readonly #flush = (): void => {
    this.#isFlushDue = false
    this.parts.outbox.flushAll()
  }

  constructor(parts: ProducersParts) {
    this.parts = parts
  }

  /** How many streams are under way. */
  get size(): number {
    return this.#open.size
  }

  /** Replies with the parts of `result`, which `isStream`; `owner` is the subscription's number. */
  start(
    ticket: RequestTicket,
    reply: Message<unknown> | null,
    result: object,
    owner: number,
  ): void {
    const { subject } = ticket
    const refuse = (error: unknown): void => {
      dropStream(result, (failure) => this.parts.onError(failure, subject))
      this.parts.replies.write(ticket, null, false, error)
    }
    if (this.#isClosing) {
      return refuse(new FlyshuttleError('ERR_CLOSED', { found: `a stream of ${subject}` }))
    }
    if (this.#open.size >= STREAMS_OPEN_MAX) {
      const data = { subject, found: this.#open.size, wanted: STREAMS_OPEN_MAX }
      return refuse(new FlyshuttleError('ERR_BACKPRESSURE', data))
    }
    let iterator: Parts
    try {
      iterator = partsOf(result)
    } catch (error) {
      return refuse(error)
    }
    const producer = new Producer(this, ticket, reply, iterator, owner)
    this.#open.set(keyOf(ticket.thread, ticket.counter), producer)
    this.parts.outbox.counters.add(ThreadCounter.StreamsBegun, 1)
    const { region, watch } = this.parts
    // The handler took its time, and who asked may have gone meanwhile.
    if (watch.isGivenUp(ticket) || isGone(region, ticket.thread, ticket.incarnation))
      producer.stop()
    else producer.pump()
  }

  /** The requester takes so many parts more, or none; false when no stream of it is under way. */
  onFlow(source: number, incarnation: number, counter: number, parts: number): boolean {
    const producer = this.#open.get(keyOf(source, counter))
    if (producer === undefined || producer.ticket.incarnation !== incarnation) return false
    if (parts === FLOW_STOP) producer.stop()
    else producer.grant(parts)
    return true
  }

  /** Goes on with those for which there is room now. To be called after each drain. */
  retry(): void {
    if (this.blocked.size === 0) return
    const waiting = [...this.blocked]
    this.blocked.clear()
    for (const producer of waiting) producer.pump()
  }

  /** Ends those whose requester's thread has ended. */
  onDeaths(isGone: (thread: number, incarnation: number) => boolean): void {
    for (const producer of [...this.#open.values()]) {
      const { thread, incarnation } = producer.ticket
      if (isGone(thread, incarnation)) producer.stop()
    }
  }

  /** Ends the streams of one subscription: their requesters are told. */
  stopOf(owner: number): void {
    for (const producer of [...this.#open.values()]) {
      if (producer.owner !== owner) continue
      const { subject } = producer.ticket
      producer.stop(new FlyshuttleError('ERR_RESPONDER_STOPPED', { subject }))
    }
  }

  /** Ends all of them, and whatever is begun from now on. */
  stopAll(): void {
    this.#isClosing = true
    for (const producer of [...this.#open.values()]) {
      const found = `a stream of ${producer.ticket.subject}`
      producer.stop(new FlyshuttleError('ERR_CLOSED', { found }))
    }
  }

  /**
   * Parts that are sent in one run of promises leave together, or when a batch is full: else each
   * would be a batch of its own. The next tick comes when no promise is due any more.
   */
  gather(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.parts.outbox.expectFlush()
    process.nextTick(this.#flush)
  }

  /** It sends nothing any more. For `Producer`. */
  ended(producer: Producer): void {
    const { ticket } = producer
    this.#open.delete(keyOf(ticket.thread, ticket.counter))
    this.blocked.delete(producer)
    this.parts.outbox.counters.add(ThreadCounter.StreamsEnded, 1)
  }
}

class Producer {
  readonly #producers: Producers
  readonly ticket: RequestTicket
  readonly owner: number
  readonly #reply: Message<unknown> | null
  readonly #iterator: Parts
  readonly #link: LinkWriter
  readonly #onStep = (step: Step): void => this.#take(step)
  readonly #onThrown = (error: unknown): void => {
    if (!this.#hasEnded) this.#end(error)
  }
  #credit: number
  /** A part is being made: its iterator's promise is pending. */
  #isAsking = false
  #isPumping = false
  #hasEnded = false

  constructor(
    producers: Producers,
    ticket: RequestTicket,
    reply: Message<unknown> | null,
    iterator: Parts,
    owner: number,
  ) {
    this.#producers = producers
    this.ticket = ticket
    this.owner = owner
    this.#reply = reply
    this.#iterator = iterator
    this.#credit = ticket.credit
    this.#link = producers.parts.outbox.link(ticket.thread, Lane.Urgent)
  }

  grant(parts: number): void {
    this.#credit += parts
    this.pump()
  }

  /** Sends parts as far as there is credit and room. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (!this.#hasEnded && !this.#isAsking && this.#credit > 0) {
        if (!this.#producers.parts.sender.direct.hasRoom(this.#link)) {
          this.#producers.blocked.add(this)
          break
        }
        const step = this.#iterator.next()
        if (isPromise(step)) {
          this.#isAsking = true
          step.then(this.#onStep, this.#onThrown)
        } else this.#send(step)
      }
    } catch (error) {
      // Thrown by the iterator, or because the requester wrote nonsense into its words.
      this.stop(error)
    }
    this.#isPumping = false
  }

  /** Nobody wants more of it. `error` is for the requester, if it still listens. */
  stop(error: unknown = null): void {
    if (this.#hasEnded) return
    this.#producers.parts.watch.abandon(this.ticket)
    this.#end(error)
    const { subject } = this.ticket
    stopParts(this.#iterator, (failure) => this.#producers.parts.onError(failure, subject))
  }

  #take(step: Step): void {
    this.#isAsking = false
    if (this.#hasEnded) return
    this.#producers.gather()
    this.#send(step)
    this.pump()
  }

  #send(step: Step): void {
    try {
      if (step.done === true) {
        this.#write(null, undefined, ReplyNote.End)
        this.#end(null)
        return
      }
      this.#credit--
      this.#write(this.#reply, step.value, ReplyNote.None)
    } catch (error) {
      this.stop(error)
    }
  }

  #end(error: unknown): void {
    const { watch, replies } = this.#producers.parts
    this.#hasEnded = true
    this.#credit = 0
    this.#producers.ended(this)
    watch.done(this.ticket)
    if (error !== null) replies.write(this.ticket, null, false, error)
  }

  #write(message: Message<unknown> | null, value: unknown, note: ReplyNote): void {
    const { incarnation, counter } = this.ticket
    const { sender } = this.#producers.parts
    const { Reply } = FrameKind
    sender.direct.send(
      this.#link,
      Reply,
      FrameFlag.Stream,
      message,
      value,
      incarnation,
      counter,
      note,
    )
  }
}

/** Counters are each thread's own. */
function keyOf(thread: number, counter: number): number {
  return thread * 2 ** 32 + (counter >>> 0)
}
