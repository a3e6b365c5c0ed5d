// The streams with which handlers of this thread reply: which are under way, who is told of more
// credit, of room, of deaths and ends. `producer.ts` is one of them.

import type { RequestTicket } from '../agent/info.js'
import type { RequestWatch } from '../agent/request-watch.js'
import { FlyshuttleError } from '../base/errors.js'
import { STREAMS_OPEN_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { Outbox } from '../link/outbox.js'
import { ThreadCounter } from '../memory/layout.js'
import { isGone, type Region } from '../memory/region.js'
import { FLOW_STOP } from '../ring/frame.js'
import type { Sender } from '../routing/sender.js'
import { Producer } from './producer.js'
import type { Replies } from './replies.js'
import { dropStream, partsOf, type Parts } from './streamed.js'

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
  /** Whoever waits for the end of a subscription's streams. */
  #awaited: { readonly owner: number; readonly resolve: () => void }[] = []
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

  /** Resolves when no stream of the subscription with this number is under way. */
  whenEnded(owner: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited.push({ owner, resolve })
      this.#look()
    })
  }

  /** It sends nothing any more. For `Producer`. */
  ended(producer: Producer): void {
    const { ticket } = producer
    this.#open.delete(keyOf(ticket.thread, ticket.counter))
    this.blocked.delete(producer)
    this.parts.outbox.counters.add(ThreadCounter.StreamsEnded, 1)
    if (this.#awaited.length > 0) this.#look()
  }

  #look(): void {
    const owners = new Set<number>()
    for (const { owner } of this.#open.values()) owners.add(owner)
    const awaited = this.#awaited
    this.#awaited = awaited.filter(({ owner }) => owners.has(owner))
    for (const { owner, resolve } of awaited) if (!owners.has(owner)) resolve()
  }
}

/** Counters are each thread's own. */
function keyOf(thread: number, counter: number): number {
  return thread * 2 ** 32 + (counter >>> 0)
}
