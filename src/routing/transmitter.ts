// Writes what is staged into the rings of those who get it: one receiver without a plan, several
// with one, all or none.
//
// The sender decides what is sent and what waits; here is where frames are written. The bytes of
// the message lie in the stage, and the parcel says the rest.

import { assert } from '../base/errors.js'
import { SubjectOutcome, type SubjectCounters } from '../counters/subject-counters.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { SentCounter, ThreadCounter, ThreadState } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { FrameWriter } from './frame-writer.js'
import type { LargeSender } from './large.js'
import type { Parcel } from './parcel.js'
import type { PayloadStage } from './payload.js'
import { Plan, STREAM_BYTES } from './plan.js'
import type { Route } from './route-table.js'
import { isFullRow } from './rows.js'
import { Scatter } from './scatter.js'
import type { Tap } from './taps.js'
import { isWanted, wants, type Passed } from './wanted.js'

export class Transmitter {
  readonly #i32: Int32Array
  readonly #outbox: Outbox
  readonly #stage: PayloadStage
  readonly #large: LargeSender
  readonly #subjects: SubjectCounters
  readonly #plan: Plan
  readonly #frames: FrameWriter
  readonly scatter: Scatter

  constructor(
    region: Region,
    outbox: Outbox,
    stage: PayloadStage,
    large: LargeSender,
    subjects: SubjectCounters,
    bytesMax: number,
    incarnation: number,
  ) {
    this.#i32 = region.views.i32
    this.#outbox = outbox
    this.#plan = new Plan(this.#i32)
    this.#frames = new FrameWriter(region.views, stage, large, bytesMax, incarnation)
    this.scatter = new Scatter(this.#i32, outbox, stage, large, this.#frames)
    this.#stage = stage
    this.#large = large
    this.#subjects = subjects
  }

  /** @throws ERR_MESSAGE_TOO_LARGE when the largest frame of the message fits no ring */
  check(route: Route, parcel: Parcel): void {
    this.#frames.check(route, parcel)
  }

  /** Whether nobody handles such requests, be they alive or not. */
  isUnanswered({ responders }: Route, passed: Passed): boolean {
    return responders === null || !isWanted(responders, passed)
  }

  /** Whether nobody is left to answer. */
  isDeserted(route: Route, { passed }: Parcel): boolean {
    return this.#plan.isDeserted(route, passed)
  }

  /** Writes to the only receiver there is, without a plan. False: there is another, or no room. */
  solo(route: Route, parcel: Parcel, flushNow = false): boolean {
    if (this.#stage.isLarge) return false
    const isRequest = parcel.request !== null
    const member = isRequest ? route.soloResponder : null
    const link = member === null ? (isRequest ? null : route.solo) : member.link
    if (link === null || this.#i32[link.fullIndex] !== 0) return false
    if (member !== null && this.#i32[link.stateIndex] !== ThreadState.Alive) return false
    // Before the frame is there: a successor of the receiver drops what it finds.
    this.#noteReceiver(parcel, link)
    if (!this.#frames.write(link, route, parcel, member, isRequest)) {
      if (parcel.request !== null) parcel.request.thread = -1
      return false
    }
    if (flushNow) this.#outbox.flush(link)
    else this.#outbox.committed(link)
    return true
  }

  /** Writes to every destination, or to none. */
  all(route: Route, parcel: Parcel, mayAwait: boolean): boolean {
    const plan = this.#plan
    const streamBytes = parcel.credit < 0 ? 0 : STREAM_BYTES
    const plainBytes = this.#frames.lengthOf(route, parcel, streamBytes)
    const { isLarge } = this.#stage
    plan.isLarge = isLarge
    while (!plan.make(route, parcel, plainBytes)) {
      // Room may have appeared by the time the readers have been told that we wait for it.
      if (!mayAwait || !this.#awaitRoom()) return false
    }
    if (isLarge && !this.#large.begin(plan, parcel.agent, route.subjectId, mayAwait)) {
      // Nobody waits for a block on behalf of lossy receivers.
      if (plan.isRequired) return false
      plan.passOver()
      this.#noteSkipped(route)
      return true
    }
    if (plan.responder !== null) this.#noteReceiver(parcel, plan.responder.link)
    for (let frame = 0; frame < plan.frames; frame++) {
      if (isLarge && !this.#large.mayWrite(frame)) continue
      const link = plan.links[frame] as LinkWriter
      const member = plan.members[frame] ?? null
      const isRequest = member !== null && member === plan.responder
      const isWritten = this.#frames.write(link, route, parcel, member, isRequest, frame)
      assert(isWritten, 'planned room is there')
      // Those that name one block are seen together: what is between them is a hold on the block
      // that ends with the last, and who cleans up after us counts on it.
      if (!isLarge) this.#outbox.committed(link)
    }
    if (isLarge) this.#large.end()
    plan.confirm()
    if (plan.skipped > 0) this.#noteSkipped(route)
    return true
  }

  /** Shows the message to the taps whose turn it is, if they have room for it now. */
  tap(route: Route, parcel: Parcel): void {
    for (const tap of route.taps) {
      if (!tap.take()) continue
      const { link, row } = tap
      const isDead = this.#i32[link.stateIndex] === ThreadState.Dead || link.ring.isCorrupt
      const isFull = this.#i32[link.fullIndex] !== 0 && isFullRow(this.#i32[row] as number)
      // What does not fit a frame travels in a block, whose holders are counted beforehand.
      const isRefused = isDead || isFull || this.#stage.isLarge
      if (isRefused || !this.#writeTo(tap, route, parcel)) {
        this.#outbox.counters.add(ThreadCounter.LossyDropped, 1)
      }
    }
  }

  #writeTo(tap: Tap, route: Route, parcel: Parcel): boolean {
    try {
      if (!this.#frames.write(tap.link, route, parcel, tap, false)) return false
    } catch {
      // Its reader wrote nonsense into its words. Those it receives from hear of that; a watcher
      // is no reason to fail.
      return false
    }
    this.#outbox.committed(tap.link)
    return true
  }

  /** After `all`: whether each ring written to has room to spare, so that nobody need slow down. */
  isBelowHighWater(route: Route, { passed }: Parcel): boolean {
    for (const { link, requiredRows, filters } of route.destinations) {
      if (requiredRows.length === 0 || !wants(filters, passed)) continue
      if (!link.isBelowHighWater()) return false
    }
    for (let frame = 0; frame < this.#plan.frames; frame++) {
      const link = this.#plan.members[frame]?.link
      if (link !== undefined && !link.isBelowHighWater()) return false
    }
    return true
  }

  #noteSkipped(route: Route): void {
    const { skipped, passedOver } = this.#plan
    this.#outbox.counters.add(ThreadCounter.LossyDropped, skipped)
    this.#subjects.add(route.rule.index, SubjectOutcome.Skipped, skipped)
    for (const link of passedOver) link.count(SentCounter.Skipped)
  }

  /** Whose death would leave the request without a reply. */
  #noteReceiver({ request }: Parcel, link: LinkWriter): void {
    if (request === null) return
    request.thread = link.to
    request.incarnation = this.#i32[link.incarnationIndex] as number
  }

  /** Asks the reader of each link that stood in the way to ring us. True: one has room already. */
  #awaitRoom(): boolean {
    let hasRoom = false
    for (const link of this.#plan.blocked) {
      const isRoom =
        link.wantedBytes === 0
          ? link.window?.awaitBelow(1) !== false
          : this.#outbox.awaitRoom(link, link.wantedBytes)
      if (isRoom) hasRoom = true
    }
    return hasRoom
  }
}
