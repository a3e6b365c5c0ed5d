// Everything that leaves a thread: publishes, requests, replies.
//
// A message is either written to all of its destinations or to none: this thread is the sole
// producer of its links, so it looks for room in all of them first. What finds no room is parked,
// per subject, and follows in order; each link bounds how much may wait because of it. The fast
// path (a struct message whose subject has one destination thread) touches nothing but the ring.

import { FlyshuttleError } from '../base/errors.js'
import { FRAME_HEADER_BYTES, OVERFLOW_BYTES_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { BoundStruct } from '../codec/struct.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { HEADER_VERSION } from '../memory/layout.js'
import type { Region, Views } from '../memory/region.js'
import {
  FRAME_CODEC_SHIFT,
  FRAME_KIND_SHIFT,
  FRAME_SOURCE_SHIFT,
  FrameFlag,
  FrameKind,
  frameBytes,
} from '../ring/frame.js'
import { frameBytesMax } from '../ring/ring.js'
import type { AwaitedRequest, Parcel } from './parcel.js'
import { PayloadStage } from './payload.js'
import type { Group, Member, Route, RouteTable } from './route-table.js'
import { checkSubject } from './subject.js'

/** What one message type needs on its way out: made when it is first published by this thread. */
interface Outlet {
  route: Route
  /** Encoder straight into the region; null unless the message is a struct. */
  readonly struct: BoundStruct<unknown> | null
  readonly lengthBytes: number
  readonly word1: number
}

export interface SenderEvents {
  /** Something waits for room: keep the loop alive until it is gone. */
  onWaiting(isWaiting: boolean): void
}

export class Sender {
  readonly #routes: RouteTable
  readonly #outbox: Outbox
  readonly #views: Views
  readonly #i32: Int32Array
  readonly #dictionary: DictionaryWriter
  readonly #stage: PayloadStage
  readonly #incarnation: number
  readonly #events: SenderEvents
  readonly #outlets: (Outlet | undefined)[] = []
  readonly #waitingRoutes = new Set<Route>()
  readonly #waitingReplies = new Map<LinkWriter, Parcel[]>()
  #drainWaiters: { route: Route; settle: (error: Error | null) => void }[] = []
  /**
   * An encoder is writing into a claimed frame; a getter that publishes now must not claim another.
   */
  #isEncoding = false
  /** Something was published meanwhile and parked. */
  #hasNested = false
  #isClosed = false

  // What the message under way will be written to; filled by #plan.
  readonly #planned: LinkWriter[] = []
  readonly #picked: (Member | null)[] = []
  #pickedResponder: Member | null = null
  #blockedLink: LinkWriter | null = null

  /** Messages skipped because a lossy subscription had no room. */
  lossyDropped = 0
  /** Replies that found neither room nor overflow. */
  repliesDropped = 0

  constructor(
    region: Region,
    outbox: Outbox,
    routes: RouteTable,
    dictionary: DictionaryWriter,
    incarnation: number,
    events: SenderEvents,
  ) {
    this.#routes = routes
    this.#outbox = outbox
    this.#views = region.views
    this.#i32 = region.views.i32
    this.#dictionary = dictionary
    this.#incarnation = incarnation
    this.#events = events
    const bytesMax = frameBytesMax(region.layout.bulkRingBytes) - FRAME_HEADER_BYTES
    this.#stage = new PayloadStage(bytesMax, dictionary)
  }

  /** Whether parcels wait for room. */
  get isWaiting(): boolean {
    return (
      this.#waitingRoutes.size > 0 || this.#waitingReplies.size > 0 || this.#drainWaiters.length > 0
    )
  }

  /**
   * Publishes one message. True: accepted. False: accepted, but above the high-water mark; await
   * `drained`.
   *
   * @throws ERR_BACKPRESSURE when it had to wait and the overflow buffer is full; nothing was
   * written anywhere
   */
  publish(message: Message<unknown> | string, value: unknown, agent: number): boolean {
    if (typeof message !== 'string') {
      const outlet = this.#outlets[message.ordinal]
      if (outlet !== undefined && outlet.struct !== null) {
        const route = outlet.route
        const link = route.solo
        if (
          link !== null &&
          route.version === this.#i32[HEADER_VERSION >>> 2] &&
          this.#i32[link.fullIndex] === 0 &&
          route.parked.length === 0 &&
          !this.#isEncoding
        ) {
          const offset = link.ring.claim(outlet.lengthBytes)
          if (offset >= 0) {
            this.#isEncoding = true
            try {
              outlet.struct.encode(value, offset + FRAME_HEADER_BYTES)
            } finally {
              this.#isEncoding = false
            }
            const i32 = this.#i32
            const word = offset >>> 2
            i32[word] = outlet.lengthBytes | (FrameKind.Publish << FRAME_KIND_SHIFT)
            i32[word + 1] = outlet.word1 | (agent << FRAME_SOURCE_SHIFT)
            i32[word + 2] = route.subjectId
            i32[word + 3] = message.typeId
            link.ring.commit()
            this.#outbox.committed(link)
            if (this.#hasNested) this.#retryNested()
            return link.ring.freeBytesSeen >= link.highWaterFreeBytes || this.#isBelowHighWater(link)
          }
        }
      }
    }
    return this.#publishSlowly(message, value, agent)
  }

  /** Publishes if there is room now; nothing is buffered beside the link. */
  tryPublish(message: Message<unknown> | string, value: unknown, agent: number): boolean {
    const route = this.#prepare(message, value)
    return this.#mayWrite(route) && this.#write(route, this.#publishParcel(agent, null), false)
  }

  /** Publishes in order, waiting for room as long as it takes. */
  send(message: Message<unknown> | string, value: unknown, agent: number): Promise<void> {
    const route = this.#prepare(message, value)
    if (this.#mayWrite(route) && this.#write(route, this.#publishParcel(agent, null), false)) {
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => (error === null ? resolve() : reject(error))
      this.#park(route, { ...this.#publishParcel(agent, settle), payload: this.#stage.take() }, [])
    })
  }

  /** Resolves when nothing waits for the subject and its links are below the low-water mark. */
  drained(message: Message<unknown> | string): Promise<void> {
    this.#assertOpen('drained')
    const subject = typeof message === 'string' ? checkSubject(message) : checkSubject(message.subject)
    const route = this.#routes.route(subject)
    this.#outbox.flushAll()
    if (this.#isDrained(route)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => (error === null ? resolve() : reject(error))
      this.#drainWaiters.push({ route, settle })
      this.#events.onWaiting(true)
    })
  }

  /**
   * Sends a request to one responder, and a copy to each plain subscriber.
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
  ): void {
    this.#assertOpen('request')
    const route = this.#routes.route(checkSubject(subject))
    if (route.responders === null) throw new FlyshuttleError('ERR_NO_RESPONDERS', { subject })
    this.#stageFor(message, subject, value)
    const parcel: Parcel = {
      kind: FrameKind.Request,
      flags: FrameFlag.Target | FrameFlag.Correlation | FrameFlag.Deadline,
      codec: this.#stage.codec,
      typeId: this.#stage.typeId,
      agent,
      payload: EMPTY,
      request,
      incarnation: 0,
      counter: 0,
      settle: null,
      charged: NO_LINKS,
    }
    if (!this.#mayWrite(route) || !this.#write(route, parcel, true)) {
      this.#parkCharged(route, parcel)
    } else if (flushNow && this.#pickedResponder !== null) {
      this.#outbox.flush(this.#pickedResponder.link)
    }
  }

  /** Sends a reply, a failure or a control frame on an urgent lane. */
  direct(
    link: LinkWriter,
    kind: FrameKind,
    flags: number,
    message: Message<unknown> | null,
    value: unknown,
    incarnation: number,
    counter: number,
  ): void {
    const subject = message?.subject ?? '(reply)'
    this.#stageFor(message, subject, value)
    const parcel: Parcel = {
      kind,
      flags: flags | FrameFlag.Correlation,
      codec: this.#stage.codec,
      typeId: this.#stage.typeId,
      agent: 0,
      payload: EMPTY,
      request: null,
      incarnation,
      counter,
      settle: null,
      charged: NO_LINKS,
    }
    const lengthBytes = FRAME_HEADER_BYTES + 8 + this.#stage.bytes
    this.#checkLength(subject, lengthBytes, link)
    const waiting = this.#waitingReplies.get(link)
    if (waiting === undefined && this.#writeDirect(link, parcel)) return
    if (link.overflowBytes + lengthBytes > OVERFLOW_BYTES_MAX) {
      this.repliesDropped++
      return
    }
    link.overflowBytes += lengthBytes
    const parked = { ...parcel, payload: this.#stage.take() }
    if (waiting === undefined) this.#waitingReplies.set(link, [parked])
    else waiting.push(parked)
    this.#events.onWaiting(true)
  }

  /** Writes what waited, as far as there is room now. Called after each drain and each beat. */
  retry(): void {
    if (!this.isWaiting || this.#isEncoding) return
    for (const [link, parcels] of this.#waitingReplies) this.#retryReplies(link, parcels)
    for (const route of this.#waitingRoutes) this.#retryRoute(route)
    if (this.#drainWaiters.length > 0) {
      const waiters = this.#drainWaiters
      this.#drainWaiters = []
      for (const waiter of waiters) {
        if (this.#isDrained(waiter.route)) waiter.settle(null)
        else this.#drainWaiters.push(waiter)
      }
    }
    if (!this.isWaiting) this.#events.onWaiting(false)
  }

  /**
   * Refuses everything from now on; what still waits is dropped and its waiters are told. Returns
   * how much.
   */
  close(): number {
    this.#isClosed = true
    this.#outlets.length = 0
    const error = new FlyshuttleError('ERR_CLOSED', { found: 'sending' })
    let dropped = 0
    for (const route of this.#waitingRoutes) {
      for (let parcel = route.parked.shift(); parcel; parcel = route.parked.shift()) {
        parcel.settle?.(error)
        dropped++
      }
    }
    for (const waiter of this.#drainWaiters.splice(0)) waiter.settle(error)
    this.#waitingRoutes.clear()
    this.#waitingReplies.clear()
    return dropped
  }

  #publishSlowly(message: Message<unknown> | string, value: unknown, agent: number): boolean {
    const route = this.#prepare(message, value)
    const parcel = this.#publishParcel(agent, null)
    if (!this.#mayWrite(route) || !this.#write(route, parcel, true)) {
      this.#parkCharged(route, parcel)
      return false
    }
    for (const link of this.#planned) if (!this.#isBelowHighWater(link)) return false
    return true
  }

  /** False while an encoder holds a claim, or when older messages of this subject still wait. */
  #mayWrite(route: Route): boolean {
    if (this.#isEncoding) this.#hasNested = true
    return !this.#isEncoding && route.parked.length === 0
  }

  #retryNested(): void {
    this.#hasNested = false
    this.retry()
  }

  /**
   * Checks subject and payload, stages the payload, finds the route, and learns the message for the
   * fast path.
   */
  #prepare(message: Message<unknown> | string, value: unknown): Route {
    this.#assertOpen('publish')
    if (typeof message === 'string') {
      const route = this.#routes.route(checkSubject(message))
      this.#stageFor(null, message, value)
      return route
    }
    const outlet = (this.#outlets[message.ordinal] ??= this.#openOutlet(message))
    this.#routes.refresh(outlet.route)
    this.#stageFor(message, message.subject, value)
    return outlet.route
  }

  #openOutlet(message: Message<unknown>): Outlet {
    const route = this.#routes.route(checkSubject(message.subject))
    const { struct, typeId } = message
    const isInlined = route.subjectId === 0
    const isKnown = struct === null || this.#dictionary.addType(typeId, struct.canonical)
    return {
      route,
      struct: struct === null || isInlined || !isKnown ? null : struct.bind(this.#views),
      lengthBytes: FRAME_HEADER_BYTES + (struct?.bytes ?? 0),
      word1: message.codec << FRAME_CODEC_SHIFT,
    }
  }

  #stageFor(message: Message<unknown> | null, subject: string, value: unknown): void {
    if (message !== null && message.struct !== null) {
      const { typeId, struct } = message
      if (!this.#dictionary.addType(typeId, struct.canonical)) {
        throw new FlyshuttleError('ERR_DICTIONARY_FULL', {
          thread: this.#outbox.thread,
          found: struct.canonical.length,
          wanted: 0,
        })
      }
    }
    this.#stage.stage(message, subject, value)
  }

  #publishParcel(agent: number, settle: Parcel['settle']): Parcel {
    return {
      kind: FrameKind.Publish,
      flags: 0,
      codec: this.#stage.codec,
      typeId: this.#stage.typeId,
      agent,
      payload: EMPTY,
      request: null,
      incarnation: 0,
      counter: 0,
      settle,
      charged: NO_LINKS,
    }
  }

  /** Writes the staged payload to every destination, or to none. */
  #write(route: Route, parcel: Parcel, mayAwait: boolean): boolean {
    const plainBytes = this.#frameLength(route, 0)
    this.#checkRoute(route, parcel, plainBytes)
    if (!this.#plan(route, parcel, plainBytes)) {
      const link = this.#blockedLink
      // Room may have appeared by the time the reader has been told that we wait for it.
      if (!mayAwait || link === null || !this.#outbox.awaitRoom(link, 2 * link.plannedBytes)) return false
      if (!this.#plan(route, parcel, plainBytes)) return false
    }
    const isRequest = parcel.request !== null
    for (let index = 0; index < this.#planned.length; index++) {
      const link = this.#planned[index] as LinkWriter
      const member = this.#picked[index] ?? null
      const isChosen = isRequest && member !== null && member === this.#pickedResponder
      this.#writeFrame(link, route, parcel, member, isChosen)
      this.#outbox.committed(link)
    }
    if (parcel.request !== null && this.#pickedResponder !== null) {
      const { link } = this.#pickedResponder
      parcel.request.thread = link.to
      parcel.request.incarnation = this.#i32[link.incarnationIndex] as number
    }
    return true
  }

  /**
   * Decides who gets the message and whether all of them have room. Fills `#planned` and `#picked`.
   */
  #plan(route: Route, parcel: Parcel, plainBytes: number): boolean {
    for (const link of this.#planned) link.plannedBytes = 0
    this.#planned.length = 0
    this.#picked.length = 0
    this.#pickedResponder = null
    this.#blockedLink = null
    for (const destination of route.destinations) {
      const { link, requiredRows } = destination
      if (this.#hasFull(link, requiredRows)) return false
      if (this.#hasRoom(link, plainBytes)) this.#planned.push(link)
      else if (requiredRows.length > 0) return this.#blockOn(link)
      else this.lossyDropped++
      if (this.#planned.length > this.#picked.length) this.#picked.push(null)
    }
    for (const group of route.groups) {
      if (!this.#pick(group, plainBytes + 8)) return false
    }
    if (route.responders === null) return parcel.request === null
    if (!this.#pick(route.responders, plainBytes + (parcel.request === null ? 8 : 24))) return false
    this.#pickedResponder = this.#picked[this.#picked.length - 1] ?? null
    return true
  }

  /** The next member in turn that can take the message. */
  #pick(group: Group, bytes: number): boolean {
    const { members } = group
    for (let step = 0; step < members.length; step++) {
      const member = members[(group.turn + step) % members.length] as Member
      const isFull = this.#i32[member.link.fullIndex] !== 0 && this.#i32[member.row] !== 0
      if (isFull) continue
      if (!this.#hasRoom(member.link, bytes)) {
        this.#blockedLink = member.link
        continue
      }
      group.turn = (group.turn + step + 1) % members.length
      this.#planned.push(member.link)
      this.#picked.push(member)
      return true
    }
    return false
  }

  #blockOn(link: LinkWriter): false {
    this.#blockedLink = link
    return false
  }

  #hasFull(link: LinkWriter, rows: readonly number[]): boolean {
    if (this.#i32[link.fullIndex] === 0) return false
    for (const row of rows) if (this.#i32[row] !== 0) return true
    return false
  }

  /**
   * Room for this frame beside those already planned for the link. Twice the size covers the wrap.
   */
  #hasRoom(link: LinkWriter, bytes: number): boolean {
    link.plannedBytes += frameBytes(bytes)
    const wanted = 2 * link.plannedBytes + link.reserveBytes
    return link.ring.freeBytesSeen >= wanted || link.ring.freeBytes() >= wanted
  }

  #writeFrame(
    link: LinkWriter,
    route: Route,
    parcel: Parcel,
    member: Member | null,
    isRequest: boolean,
  ): void {
    const flags =
      (route.subjectId === 0 ? FrameFlag.InlineSubject : 0) |
      (member === null ? 0 : FrameFlag.Target) |
      (isRequest ? FrameFlag.Correlation | FrameFlag.Deadline : 0)
    const length = this.#frameLength(route, (member === null ? 0 : 8) + (isRequest ? 16 : 0))
    const start = link.ring.claim(length)
    if (start < 0) throw new Error('flyshuttle: planned room is gone')
    const i32 = this.#i32
    let word = start >>> 2
    const kind = isRequest ? FrameKind.Request : FrameKind.Publish
    i32[word] = length | (kind << FRAME_KIND_SHIFT)
    i32[word + 1] =
      flags | (parcel.codec << FRAME_CODEC_SHIFT) | (parcel.agent << FRAME_SOURCE_SHIFT)
    i32[word + 2] = route.subjectId === 0 ? route.subject.length : route.subjectId
    i32[word + 3] = parcel.typeId
    word += FRAME_HEADER_BYTES >>> 2
    if (member !== null) {
      i32[word++] = member.subscription.id
      i32[word++] = member.subscription.generation
    }
    if (isRequest && parcel.request !== null) {
      i32[word++] = this.#incarnation
      i32[word++] = parcel.request.counter
      this.#views.f64[word >>> 1] = parcel.request.deadlineMs
      word += 2
    }
    if (route.subjectId === 0) {
      this.#views.buffer.fill(0, word << 2, (word << 2) + inlineBytes(route.subject))
      this.#views.buffer.write(route.subject, word << 2, 'latin1')
      word += inlineBytes(route.subject) >>> 2
    }
    this.#stage.copyTo(this.#views, word << 2)
    link.ring.commit()
  }

  #writeDirect(link: LinkWriter, parcel: Parcel): boolean {
    const length = FRAME_HEADER_BYTES + 8 + this.#stage.bytes
    const reserve = parcel.kind === FrameKind.Control ? 0 : link.reserveBytes
    let start = link.ring.claim(length, reserve)
    if (start < 0) {
      if (!this.#outbox.awaitRoom(link, 2 * length + reserve)) return false
      start = link.ring.claim(length, reserve)
      if (start < 0) return false
    }
    const i32 = this.#i32
    const word = start >>> 2
    i32[word] = length | (parcel.kind << FRAME_KIND_SHIFT)
    i32[word + 1] = parcel.flags | (parcel.codec << FRAME_CODEC_SHIFT)
    i32[word + 2] = 0
    i32[word + 3] = parcel.typeId
    i32[word + 4] = parcel.incarnation
    i32[word + 5] = parcel.counter
    this.#stage.copyTo(this.#views, start + FRAME_HEADER_BYTES + 8)
    link.ring.commit()
    this.#outbox.committed(link)
    return true
  }

  #frameLength(route: Route, blocksBytes: number): number {
    const subjectBytes = route.subjectId === 0 ? inlineBytes(route.subject) : 0
    return FRAME_HEADER_BYTES + subjectBytes + blocksBytes + this.#stage.bytes
  }

  /** The largest of the frames that a message will need must fit, before the first is written. */
  #checkRoute(route: Route, parcel: Parcel, plainBytes: number): void {
    const link = (route.destinations[0] ?? route.groups[0]?.members[0] ?? route.responders?.members[0])
      ?.link
    if (link === undefined) return
    const isChosen = route.responders !== null || route.groups.length > 0
    const blocksBytes = parcel.request !== null ? 24 : isChosen ? 8 : 0
    this.#checkLength(route.subject, plainBytes + blocksBytes, link)
  }

  #checkLength(subject: string, lengthBytes: number, link: LinkWriter): void {
    if (lengthBytes <= link.frameBytesMax) return
    throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', {
      subject,
      found: lengthBytes,
      wanted: link.frameBytesMax,
    })
  }

  /** Parks a message that counts against the overflow of the links it is for. */
  #parkCharged(route: Route, parcel: Parcel): void {
    const charged = route.destinations.map((destination) => destination.link)
    for (const group of route.groups) charged.push(...group.members.map((member) => member.link))
    if (route.responders !== null) charged.push(...route.responders.members.map((m) => m.link))
    const bytes = this.#frameLength(route, 24)
    for (const link of charged) {
      if (link.overflowBytes + bytes <= OVERFLOW_BYTES_MAX) continue
      throw new FlyshuttleError('ERR_BACKPRESSURE', {
        subject: route.subject,
        found: link.overflowBytes,
        wanted: OVERFLOW_BYTES_MAX,
      })
    }
    this.#park(route, { ...parcel, payload: this.#stage.take(), charged }, charged)
  }

  #park(route: Route, parcel: Parcel, charged: readonly LinkWriter[]): void {
    for (const link of charged) link.overflowBytes += parcel.payload.length + FRAME_HEADER_BYTES + 24
    route.parked.push(parcel)
    this.#waitingRoutes.add(route)
    this.#events.onWaiting(true)
  }

  #retryRoute(route: Route): void {
    this.#routes.refresh(route)
    for (let parcel = route.parked.peek(); parcel !== undefined; parcel = route.parked.peek()) {
      if (parcel.request !== null && route.responders === null) {
        parcel.request.fail(new FlyshuttleError('ERR_NO_RESPONDERS', { subject: route.subject }))
      } else if (parcel.request?.isSettled !== true && route.hasReceivers) {
        this.#stage.restore(parcel.codec, parcel.typeId, parcel.payload)
        if (!this.#write(route, parcel, true)) return
      }
      route.parked.shift()
      const bytes = parcel.payload.length + FRAME_HEADER_BYTES + 24
      for (const link of parcel.charged) link.overflowBytes -= bytes
      parcel.settle?.(null)
    }
    this.#waitingRoutes.delete(route)
  }

  #retryReplies(link: LinkWriter, parcels: Parcel[]): void {
    let written = 0
    for (const parcel of parcels) {
      this.#stage.restore(parcel.codec, parcel.typeId, parcel.payload)
      if (!this.#writeDirect(link, parcel)) break
      link.overflowBytes -= FRAME_HEADER_BYTES + 8 + parcel.payload.length
      written++
    }
    parcels.splice(0, written)
    if (parcels.length === 0) this.#waitingReplies.delete(link)
  }

  #isBelowHighWater(link: LinkWriter): boolean {
    return link.ring.freeBytes() >= link.highWaterFreeBytes
  }

  /** Below the low-water mark everywhere; else the fullest link has been asked to ring us. */
  #isDrained(route: Route): boolean {
    this.#routes.refresh(route)
    if (route.parked.length > 0) return false
    for (const { link, requiredRows } of route.destinations) {
      if (requiredRows.length === 0) continue
      if (this.#hasFull(link, requiredRows)) return false
      if (!this.#outbox.awaitRoom(link, link.lowWaterFreeBytes)) return false
    }
    for (const group of route.groups) {
      if (!this.#isGroupDrained(group)) return false
    }
    return route.responders === null || this.#isGroupDrained(route.responders)
  }

  #isGroupDrained(group: Group): boolean {
    return group.members.some(
      ({ link, row }) =>
        this.#i32[row] === 0 && this.#outbox.awaitRoom(link, link.lowWaterFreeBytes),
    )
  }

  #assertOpen(what: string): void {
    if (this.#isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: what })
  }
}

const EMPTY = new Uint8Array(0)
const NO_LINKS: readonly LinkWriter[] = []

function inlineBytes(subject: string): number {
  return (subject.length + 7) & -8
}
