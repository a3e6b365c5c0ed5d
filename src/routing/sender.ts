// Everything that leaves a thread: publishes and requests here, replies and control in `direct.ts`.
//
// A message is either written to all of its destinations or to none: this thread is the sole
// producer of its links, so it looks for room in all of them first (`plan.ts`). What finds no room
// is parked, per subject, and follows in order (`parking.ts`). The fast path (a struct message
// whose subject has one destination thread) touches nothing but the ring.

import { FlyshuttleError } from '../base/errors.js'
import { FRAME_HEADER_BYTES } from '../base/limits.js'
import { checkMessage, type Message } from '../codec/message.js'
import type { ChunkPool } from '../link/chunk-pool.js'
import type { SubjectCounters } from '../counters/subject-counters.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { Lane } from '../memory/layout.js'
import type { Region, Views } from '../memory/region.js'
import type { CopyBytes } from '../native/copying.js'
import { frameBytesMax } from '../ring/ring.js'
import { BlockSender } from './block-sender.js'
import { DirectSender } from './direct.js'
import { Drains } from './drains.js'
import { PLAIN, type Envelope } from './envelope.js'
import { keysOf, type MessageKeys } from './key.js'
import { LargeSender } from './large.js'
import type { Outlet } from './outlet.js'
import { Outlets } from './outlets.js'
import { Overflow } from './overflow.js'
import { emptyParcel, type AwaitedRequest, type Parcel } from './parcel.js'
import { noResponders } from './requests.js'
import type { RequestBlock } from './request-blocks.js'
import { Parking } from './parking.js'
import { PayloadStage } from './payload.js'
import type { Route, RouteTable } from './route-table.js'
import type { SenderEvents } from './sender-events.js'
import { checkSubject } from './subject.js'
import type { ScatteredRequest } from './scatter.js'
import { Transmitter } from './transmitter.js'
import { NONE_ASKED, ask, type Passed } from './wanted.js'

export class Sender {
  readonly #routes: RouteTable
  readonly #outbox: Outbox
  readonly #views: Views
  readonly #dictionary: DictionaryWriter
  readonly stage: PayloadStage
  readonly #transmitter: Transmitter
  readonly #parking: Parking
  readonly #overflow: Overflow
  /** Replies, failures, control and flow frames. */
  readonly direct: DirectSender
  readonly #drains: Drains
  readonly #blocks: BlockSender
  readonly #events: SenderEvents
  readonly #outlets: Outlets
  /** The one that was used last; most programs publish in runs. */
  #lastOutlet: Outlet | null = null
  readonly #staged = emptyParcel()
  #isClosed = false

  /** `copyBytes` is the addon's, or null without. */
  constructor(
    region: Region,
    outbox: Outbox,
    routes: RouteTable,
    dictionary: DictionaryWriter,
    incarnation: number,
    pool: ChunkPool,
    subjects: SubjectCounters,
    copyBytes: CopyBytes | null,
    events: SenderEvents,
  ) {
    this.#routes = routes
    this.#outbox = outbox
    this.#views = region.views
    this.#dictionary = dictionary
    this.#events = events
    this.#outlets = new Outlets(routes, region.views, outbox, incarnation)
    const bytesMax = frameBytesMax(region.layout.bulkRingBytes)
    const inlineMax = bytesMax - FRAME_HEADER_BYTES
    const stage = new PayloadStage(inlineMax, pool.bytesMax, dictionary, copyBytes)
    this.stage = stage
    const large = new LargeSender(pool, this.#views, outbox, stage)
    this.#transmitter = new Transmitter(
      region,
      outbox,
      stage,
      large,
      subjects,
      bytesMax,
      incarnation,
    )
    this.direct = new DirectSender(this.#views, outbox, stage, large, () => events.onWaiting(true))
    this.#drains = new Drains(region.views.i32, outbox, routes)
    const transmitter = this.#transmitter
    this.#overflow = new Overflow(routes, stage, transmitter, large, pool, subjects, events)
    this.#parking = this.#overflow.parking
    this.#blocks = new BlockSender(region, routes, stage, this.#transmitter, this.#parking)
  }

  /** Whether parcels wait for room. */
  get isWaiting(): boolean {
    const { scatter } = this.#transmitter
    const isIdle = this.#parking.isEmpty && this.#drains.isEmpty && !scatter.isWaiting
    return !isIdle || this.direct.isWaiting
  }

  /** How many messages and replies wait for room. */
  get waiting(): number {
    return this.#parking.count + this.direct.count
  }

  /**
   * Publishes one message. True: accepted. False: accepted, but above the high-water mark; await
   * `drained`.
   *
   * @throws ERR_BACKPRESSURE when it had to wait and the overflow buffer is full; nothing was
   * written anywhere
   */
  publish(message: Message<unknown> | string, value: unknown, agent: number): boolean {
    let outlet = this.#lastOutlet
    if (outlet === null || outlet.message !== message) {
      if (typeof message !== 'object' || message === null) {
        return this.publishWith(message, value, agent, PLAIN)
      }
      outlet = this.#outlets.known(message)
      if (outlet === null) return this.publishWith(message, value, agent, PLAIN)
      this.#lastOutlet = outlet
    }
    const { emit } = outlet
    if (emit === null) return this.publishWith(message, value, agent, PLAIN)
    const outcome = emit(value, agent)
    if (outcome === 0) return true
    if (outcome > 0) return this.#settle(outlet.link as LinkWriter)
    return this.publishWith(message, outlet.takeKept(), agent, PLAIN)
  }

  /** Publishes if there is room now; nothing is buffered beside the link. */
  tryPublish(
    message: Message<unknown> | string,
    value: unknown,
    agent: number,
    envelope: Envelope = PLAIN,
  ): boolean {
    const route = this.#prepare(message, value, agent, envelope)
    if (route === null) return true
    return mayWrite(route) && this.#transmitter.all(route, this.#staged, false)
  }

  /** Publishes in order, waiting for room as long as it takes. */
  send(
    message: Message<unknown> | string,
    value: unknown,
    agent: number,
    envelope: Envelope = PLAIN,
  ): Promise<void> {
    const route = this.#prepare(message, value, agent, envelope)
    return route === null ? Promise.resolve() : this.#sendStaged(route)
  }

  /** Sends `value`, which `stage` puts on the stage as it was encoded. Null: nobody wants it. */
  resend(
    subject: string,
    value: unknown,
    envelope: Envelope,
    stage: (stage: PayloadStage) => void,
  ): Promise<void> | null {
    this.#assertOpen('replay')
    const route = this.#routeOf(null, subject)
    const passed = ask(route, null, value, envelope.headers, this.#views.i32)
    if (passed === null || !route.hasReceivers) return null
    const keys = keysOf(route.keyFields, value, envelope.key)
    stage(this.stage)
    if (route.packer !== null) this.stage.pack(route.packer)
    this.#transmitter.check(route, this.#fill(0, null, envelope, passed, keys))
    return this.#sendStaged(route)
  }

  async #sendStaged(route: Route): Promise<void> {
    if (mayWrite(route) && this.#transmitter.all(route, this.#staged, true)) return
    await new Promise<void>((resolve, reject) => {
      this.#staged.settle = (error) => (error === null ? resolve() : reject(error))
      this.#overflow.send(route, this.#staged)
    })
  }

  /** Resolves when nothing waits for the subject and its links are below the low-water mark. */
  drained(message: Message<unknown> | string): Promise<void> {
    this.#assertOpen('drained')
    const subject = typeof message === 'object' ? message?.subject : message
    const route = this.#routes.route(checkSubject(subject))
    this.#outbox.flushAll()
    return new Promise((resolve, reject) => {
      this.#drains.wait(route, (error) => (error === null ? resolve() : reject(error)))
      if (!this.#drains.isEmpty) this.#events.onWaiting(true)
    })
  }

  /**
   * Sends a request to one responder, and a copy to each plain subscriber. `credit` is how many
   * parts may come in reply, -1 for one reply; with 0 it is for many responders, of one reply each.
   *
   * @throws ERR_NO_RESPONDERS at once when nobody handles the subject
   */
  request(
    message: Message<unknown> | null,
    subject: string,
    value: unknown,
    agent: number,
    request: AwaitedRequest,
    flushNow: boolean,
    envelope: Envelope = PLAIN,
    credit = -1,
  ): void {
    const outlet = credit < 0 ? this.#outlets.requests(message, envelope) : null
    if (outlet !== null && outlet.isOpen) {
      if (outlet.send(value, agent, request, flushNow)) return
      value = outlet.takeKept()
    }
    this.#assertOpen('request')
    const route = this.#routeOf(message, subject)
    // Before the payload is staged: what is read here may run code that publishes.
    const passed = ask(route, message, value, envelope.headers, this.#views.i32)
    const transmitter = this.#transmitter
    if (passed === null || transmitter.isUnanswered(route, passed)) throw noResponders(subject)
    const keys = keysOf(route.keyFields, value, envelope.key)
    this.stage.stage(message, subject, value, route.packer)
    const parcel = this.#fill(agent, request, envelope, passed, keys)
    parcel.credit = credit
    transmitter.check(route, parcel)
    transmitter.tap(route, parcel)
    if (credit === 0) {
      transmitter.scatter.send(route, parcel, request as ScatteredRequest)
      if (transmitter.scatter.isWaiting) this.#events.onWaiting(true)
      return
    }
    const isWritten =
      mayWrite(route) &&
      (transmitter.solo(route, parcel, flushNow) || transmitter.all(route, parcel, true))
    if (isWritten) {
      if (flushNow && request.thread >= 0) {
        this.#outbox.flush(this.#outbox.link(request.thread, Lane.Bulk))
      }
      outlet?.learn()
    } else if (transmitter.isDeserted(route, parcel)) throw noResponders(subject)
    else this.#overflow.request(route, parcel)
  }

  /** Sends a request for each value of the block; throws as `request` does. */
  requestEach(
    message: Message<unknown> | null,
    subject: string,
    agent: number,
    block: RequestBlock,
    envelope: Envelope,
  ): void {
    this.#assertOpen('requestEach')
    const route = this.#routeOf(message, subject)
    const outlet = this.#outlets.requests(message, envelope)
    const isSent = this.#blocks.send(route, message, agent, block, envelope, outlet)
    if (!isSent) this.#events.onWaiting(true)
  }

  /** Writes what waited, as far as there is room now. Called after each drain and each beat. */
  retry(): void {
    if (!this.isWaiting) return
    this.direct.retry()
    this.#parking.retry()
    this.#transmitter.scatter.retry()
    this.#drains.retry()
    if (!this.isWaiting) this.#events.onWaiting(false)
  }

  /**
   * Refuses everything from now on; what still waits is dropped and its waiters are told. Returns
   * how much.
   */
  close(): number {
    this.#isClosed = true
    this.#outlets.close()
    this.#lastOutlet = null
    const error = new FlyshuttleError('ERR_CLOSED', { found: 'sending' })
    const dropped = this.#parking.close(error)
    this.#drains.close(error)
    this.direct.close()
    this.#transmitter.scatter.close()
    return dropped
  }

  /** After an emitter's frame: the batch may be full, or stand in no list yet. */
  #settle(link: LinkWriter): boolean {
    this.#outbox.committed(link)
    return link.isBelowHighWater()
  }

  /** The same for a message that says more about itself, and for any that takes the long way. */
  publishWith(
    message: Message<unknown> | string,
    value: unknown,
    agent: number,
    envelope: Envelope,
  ): boolean {
    const route = this.#prepare(message, value, agent, envelope)
    if (route === null) {
      this.#learn(message)
      return true
    }
    const parcel = this.#staged
    if (mayWrite(route) && this.#transmitter.solo(route, parcel)) {
      this.#learn(message)
      return route.solo === null || route.solo.isBelowHighWater()
    }
    if (!mayWrite(route) || !this.#transmitter.all(route, parcel, true)) {
      this.#overflow.publish(route, parcel)
      return false
    }
    return this.#transmitter.isBelowHighWater(route, parcel)
  }

  /** A message took the long way: it may be time for a shorter one. */
  #learn(message: Message<unknown> | string): void {
    if (typeof message !== 'object') return
    this.#outlets.known(message)?.learn(this.#views, this.#dictionary, this.stage)
  }

  /** Checks subject and payload, stages it, and fills its parcel. Null: no filter lets it pass. */
  #prepare(
    message: Message<unknown> | string,
    value: unknown,
    agent: number,
    envelope: Envelope,
  ): Route | null {
    this.#assertOpen('publish')
    const isTyped = typeof message === 'object' && message !== null
    const typed = isTyped ? checkMessage(message) : null
    const subject = isTyped ? message.subject : message
    const route = this.#routeOf(typed, subject)
    // Before the payload is staged: what is read here may run code that publishes.
    const passed = ask(route, typed, value, envelope.headers, this.#views.i32)
    if (passed === null && route.taps.length === 0) return null
    const keys = keysOf(route.keyFields, value, envelope.key)
    this.stage.stage(typed, subject, value, route.packer)
    const parcel = this.#fill(agent, null, envelope, passed ?? NONE_ASKED, keys)
    this.#transmitter.check(route, parcel)
    this.#transmitter.tap(route, parcel)
    return passed === null ? null : route
  }

  /** The current route; of a message from its outlet, without a look-up. */
  #routeOf(message: Message<unknown> | null, subject: string): Route {
    if (message === null) {
      return this.#routes.known(subject) ?? this.#routes.route(checkSubject(subject))
    }
    const { route } = this.#outlets.of(message)
    this.#routes.refresh(route)
    return route
  }

  /** The parcel of what is staged: one object for all messages, copied when it has to wait. */
  #fill(
    agent: number,
    request: AwaitedRequest | null,
    envelope: Envelope,
    passed: Passed,
    keys: MessageKeys | null,
  ): Parcel {
    const parcel = this.#staged
    parcel.codec = this.stage.codec
    parcel.typeId = this.stage.typeId
    parcel.packed = this.stage.packed
    parcel.agent = agent
    parcel.envelope = envelope
    parcel.passed = passed
    parcel.keys = keys
    parcel.request = request
    parcel.credit = -1
    parcel.settle = null
    return parcel
  }

  #assertOpen(what: string): void {
    if (this.#isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: what })
  }
}

/** False when older messages of this subject still wait. */
function mayWrite(route: Route): boolean {
  return route.parked.length === 0
}
