// Requests to many responders at once: one frame for each, all with one correlation.
//
// Every responder that stands for itself gets one, and one responder of each queue group; with
// `all`, every responder. Plain subscribers see nothing of it. A responder that has no room now is
// waited for until the request's deadline, within what may wait for a link.

import { FlyshuttleError, assert } from '../base/errors.js'
import { OVERFLOW_BYTES_MAX } from '../base/limits.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { ThreadState } from '../memory/layout.js'
import type { FrameWriter } from './frame-writer.js'
import type { LargeSender } from './large.js'
import type { AwaitedRequest, Parcel } from './parcel.js'
import type { PayloadStage } from './payload.js'
import type { Member } from './group.js'
import type { Route } from './route-table.js'
import { isFullRow } from './rows.js'
import { wants, type Passed } from './wanted.js'

/** A request that several responders get. */
export interface ScatteredRequest extends AwaitedRequest {
  /** Whether every member of a queue group gets it, not one of each. */
  readonly all: boolean
  /** Told of each responder before it gets the request, and when all are known. */
  expect(thread: number, incarnation: number): void
  expected(): void
  /** One of them cannot get it. */
  onEnd(thread: number, error: unknown): void
}

interface Waiting {
  readonly route: Route
  readonly parcel: Parcel
  readonly request: ScatteredRequest
  readonly members: Member[]
}

export class Scatter {
  readonly #i32: Int32Array
  readonly #outbox: Outbox
  readonly #stage: PayloadStage
  readonly #large: LargeSender
  readonly #frames: FrameWriter
  /** The one frame of a large message: each responder gets a block of its own. */
  readonly #one: { links: LinkWriter[]; frames: number } = { links: [], frames: 1 }
  #waiting: Waiting[] = []
  #turn = 0

  constructor(
    i32: Int32Array,
    outbox: Outbox,
    stage: PayloadStage,
    large: LargeSender,
    frames: FrameWriter,
  ) {
    this.#large = large
    this.#i32 = i32
    this.#outbox = outbox
    this.#stage = stage
    this.#frames = frames
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Sends what is staged. @throws ERR_NO_RESPONDERS when nobody is there to answer */
  send(route: Route, parcel: Parcel, request: ScatteredRequest): void {
    const members = this.#choose(route, parcel.passed, request.all)
    if (members.length === 0) {
      throw new FlyshuttleError('ERR_NO_RESPONDERS', { subject: route.subject })
    }
    for (const { link } of members) {
      request.expect(link.to, this.#i32[link.incarnationIndex] as number)
    }
    request.expected()
    const left = members.filter((member) => !this.#offer(route, parcel, request, member))
    for (const { link } of members) this.#outbox.flush(link)
    if (left.length > 0) this.#park({ route, parcel, request, members: left })
  }

  /** Writes what waited, as far as there is room now. */
  retry(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const entry of waiting) this.#retry(entry)
  }

  /** Drops what waits; who waits for a reply is told by others. */
  close(): void {
    for (const entry of this.#waiting.splice(0)) this.#discharge(entry, entry.members)
  }

  #retry(entry: Waiting): void {
    const { route, parcel, request, members } = entry
    const isGone = ({ link }: Member): boolean => this.#isDead(link)
    this.#stage.restore(parcel.codec, parcel.typeId, parcel.payload, parcel.packed)
    this.#frames.check(route, parcel)
    const left = members.filter(
      (member) =>
        !request.isSettled && !isGone(member) && !this.#offer(route, parcel, request, member),
    )
    this.#discharge(
      entry,
      members.filter((member) => !left.includes(member)),
    )
    if (left.length > 0) this.#waiting.push({ ...entry, members: left })
  }

  #choose(route: Route, passed: Passed, all: boolean): Member[] {
    const chosen: Member[] = []
    const groups = new Map<string, Member[]>()
    for (const member of route.responders?.members ?? []) {
      if (this.#isDead(member.link) || !wants(member.filters, passed)) continue
      const { queue } = member.subscription
      if (all || queue === '') chosen.push(member)
      else if (groups.has(queue)) groups.get(queue)?.push(member)
      else groups.set(queue, [member])
    }
    const turn = this.#turn++
    for (const members of groups.values()) chosen.push(members[turn % members.length] as Member)
    return chosen
  }

  /** False: no room now. Of one whose ring is no ring any more the request hears, and no other. */
  #offer(route: Route, parcel: Parcel, request: ScatteredRequest, member: Member): boolean {
    try {
      return this.#write(route, parcel, member)
    } catch (error) {
      if (!member.link.ring.isCorrupt) throw error
      request.onEnd(member.link.to, error)
      return true
    }
  }

  /** False: no room now. */
  #write(route: Route, parcel: Parcel, member: Member): boolean {
    const { link, row } = member
    if (this.#i32[link.fullIndex] !== 0 && isFullRow(this.#i32[row] as number)) return false
    // Twice: one that has to wrap leaves up to its own size empty.
    const wantedBytes = 2 * this.#frames.requestBytes(route, parcel)
    if (link.ring.freeBytes() < wantedBytes) {
      link.noteFull(wantedBytes)
      if (!this.#outbox.awaitRoom(link, wantedBytes)) return false
    }
    const { isLarge } = this.#stage
    if (isLarge && link.window?.awaitBelow(1) === false) return false
    this.#one.links[0] = link
    if (isLarge && !this.#large.begin(this.#one, parcel.agent, route.subjectId, true)) return false
    // One that has died since is told of by others.
    if (isLarge && !this.#large.mayWrite(0)) {
      this.#large.end()
      return true
    }
    assert(this.#frames.write(link, route, parcel, member, true, 0), 'room that was seen is there')
    if (isLarge) this.#large.end()
    this.#outbox.committed(link)
    return true
  }

  #park(entry: Waiting): void {
    const bytes = this.#stage.bytes
    const { parcel, request } = entry
    const members = entry.members.filter(({ link }) => {
      if (link.overflowBytes + bytes <= OVERFLOW_BYTES_MAX) return true
      const { subject } = entry.route
      const data = { subject, found: link.overflowBytes, wanted: OVERFLOW_BYTES_MAX }
      request.onEnd(link.to, new FlyshuttleError('ERR_BACKPRESSURE', data))
      return false
    })
    if (members.length === 0) return
    for (const { link } of members) link.charge(bytes)
    this.#waiting.push({ ...entry, members, parcel: { ...parcel, payload: this.#stage.take() } })
  }

  #discharge({ parcel }: Waiting, members: readonly Member[]): void {
    for (const { link } of members) link.discharge(parcel.payload.length)
  }

  #isDead(link: LinkWriter): boolean {
    return this.#i32[link.stateIndex] === ThreadState.Dead
  }
}
