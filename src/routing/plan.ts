// Who gets a message, and whether there is room for it everywhere: decided before a byte is
// written.
//
// A thread is the sole producer of its links, so room that was seen stays. The sender makes a plan,
// writes a frame for each entry of it, and then confirms it; a plan that fails has changed nothing
// but the list of links that stood in the way. One plan belongs to a sender and is made anew for
// each message.

import { FlyshuttleError } from '../base/errors.js'
import type { LinkWriter } from '../link/outbox.js'
import { ThreadState } from '../memory/layout.js'
import { frameBytes } from '../ring/frame.js'
import type { Destination } from './destinations.js'
import type { Group, Member } from './group.js'
import { hashFor, type MessageKeys } from './key.js'
import { hasWindow } from './large.js'
import { SubscriptionFlag } from './change-log.js'
import type { Parcel } from './parcel.js'
import type { Route } from './route-table.js'
import { isFullRow } from './rows.js'
import { NONE_ASKED, isWanted, wants, type Passed } from './wanted.js'

/** What a frame takes for naming one subscription, and for a request's correlation and deadline. */
export const TARGET_BYTES = 8
export const REQUEST_BYTES = TARGET_BYTES + 16
/** And for how many parts may come in reply. */
export const STREAM_BYTES = 8

export class Plan {
  readonly #i32: Int32Array
  /** Those whose member was chosen: so many entries count. Cutting an array would cost more. */
  readonly #groups: Group[] = []
  #groupCount = 0
  /** How many frames there will be: so many entries of `links` and `members` count. */
  frames = 0
  /** The link of each frame. One link may occur several times. */
  readonly links: LinkWriter[] = []
  /** The chosen subscription of each frame; null where a thread's plain subscriptions share it. */
  readonly members: (Member | null)[] = []
  /**
   * Links that had no room; `wantedBytes` of each says how much was missing, 0 that too much is
   * under way there in blocks.
   */
  readonly blocked: LinkWriter[] = []
  /** Who answers, when the message is a request. */
  responder: Member | null = null
  /** Whether the message travels in a block, of which not too many may be under way. */
  isLarge = false
  /** Some planned frame is for somebody who is not lossy. */
  isRequired = false
  /** Lossy receivers that the message passes over. */
  skipped = 0
  /** The links of those among them that are threads, not queue groups. */
  readonly passedOver: LinkWriter[] = []
  /** What the filters of the route said of the message. */
  #passed: Passed = NONE_ASKED

  constructor(i32: Int32Array) {
    this.#i32 = i32
  }

  /**
   * Plans one frame of `plainBytes` for each receiver; those for a chosen subscription take more.
   * False: some required receiver cannot take it now.
   *
   * @throws ERR_MESSAGE_TOO_LARGE when not even empty rings would hold all of its frames
   * @throws ERR_FRAME_CORRUPT when a receiver is found to write nonsense into its words, and from
   * then on when there is no other
   */
  make(route: Route, parcel: Parcel, plainBytes: number): boolean {
    const { passed, unasked, keys } = parcel
    const isRequest = parcel.request !== null
    this.#clear()
    this.#passed = passed
    let broken: LinkWriter | null = null
    for (const destination of route.destinations) {
      const { filters } = destination
      if (!wants(filters, passed) && !wants(filters, unasked)) continue
      const { link, requiredRows } = destination
      // Nobody reads that ring any more; who is registered there is about to be withdrawn.
      if (this.#isDead(link)) continue
      // Its reader writes nonsense; that must not hold up the others.
      if (link.ring.isCorrupt) {
        broken = link
        continue
      }
      if (this.#hasFull(destination)) return false
      if (this.#reserve(link, plainBytes)) this.#push(link, null, requiredRows.length > 0)
      else if (requiredRows.length === 0) {
        this.skipped++
        this.passedOver.push(link)
      } else {
        this.blocked.push(link)
        return false
      }
    }
    if (parcel.envelope.toAll) return this.#addMembers(route, plainBytes + TARGET_BYTES)
    for (const group of route.groups) {
      const isOptional = group.isLossy
      if (route.isFiltered && !isWanted(group, passed)) continue
      if (this.#pick(route, group, plainBytes + TARGET_BYTES, isOptional, keys) !== null) continue
      if (!isOptional) return false
      this.skipped++
    }
    const { responders } = route
    if (responders === null) {
      if (broken !== null && this.frames === 0) broken.ring.freeBytes() // Throws, and says why.
      return !isRequest
    }
    const bytes = plainBytes + (isRequest ? REQUEST_BYTES : TARGET_BYTES)
    if (route.isFiltered && !isWanted(responders, passed)) return !isRequest
    const isOptional = responders.isLossy && !isRequest
    const responder = this.#pick(route, responders, bytes, isOptional, keys)
    if (isRequest) this.responder = responder
    if (responder !== null) return true
    if (!isOptional) return false
    this.skipped++
    return true
  }

  /** The planned frames, all of them for lossy receivers, will not be written after all. */
  passOver(): void {
    for (let frame = 0; frame < this.frames; frame++) {
      const link = this.links[frame] as LinkWriter
      link.plannedBytes = 0
      if (this.members[frame] === null) this.passedOver.push(link)
    }
    this.skipped += this.frames
    this.frames = 0
  }

  /** The planned frames have been written: whoever was chosen has had its turn. */
  confirm(): void {
    for (let index = 0; index < this.#groupCount; index++) {
      const group = this.#groups[index] as Group
      group.confirm()
    }
  }

  /**
   * Whether nobody is left to answer: no responders, or only such whose threads have ended or whose
   * filters refuse the request.
   */
  isDeserted({ responders }: Route, passed: Passed): boolean {
    if (responders === null) return true
    return responders.members.every(
      ({ link, filters }) => this.#isDead(link) || !wants(filters, passed),
    )
  }

  #clear(): void {
    for (let frame = 0; frame < this.frames; frame++) {
      const link = this.links[frame] as LinkWriter
      link.plannedBytes = 0
    }
    this.frames = 0
    // Cutting an array costs more than looking whether it is empty.
    if (this.blocked.length > 0) this.blocked.length = 0
    this.#groupCount = 0
    this.responder = null
    this.isRequired = false
    if (this.passedOver.length > 0) this.passedOver.length = 0
    this.skipped = 0
  }

  /** A frame for every member of every group that wants the message. */
  #addMembers(route: Route, bytes: number): boolean {
    const { groups, responders } = route
    for (const { members } of responders === null ? groups : [...groups, responders]) {
      for (const member of members) {
        const { link, row, subscription } = member
        if (!wants(member.filters, this.#passed)) continue
        if (this.#isDead(link) || link.ring.isCorrupt) continue
        const isFull = this.#i32[link.fullIndex] !== 0 && isFullRow(this.#i32[row] as number)
        const isLossy = (subscription.flags & SubscriptionFlag.Lossy) !== 0
        if (!isFull && this.#reserve(link, bytes)) this.#push(link, member, !isLossy)
        else if (isLossy) this.skipped++
        else if (isFull) return false
        else {
          this.blocked.push(link)
          if (link.wantedBytes > link.ring.ringBytes) this.#refuse(route)
          return false
        }
      }
    }
    return true
  }

  /** The first member, in the order of the group's policy, that can take the message; or null. */
  #pick(
    route: Route,
    group: Group,
    bytes: number,
    isOptional: boolean,
    keys: MessageKeys | null,
  ): Member | null {
    const { members } = group
    const blockedBefore = this.blocked.length
    let isPossible = false
    let broken: LinkWriter | null = null
    group.rank(bytes, hashFor(keys, group.policy.field), this.#passed)
    for (let step = 0; step < members.length; step++) {
      const index = group.at(step)
      if (index === -1) break
      const member = members[index] as Member
      const { link, row } = member
      if (!wants(member.filters, this.#passed)) continue
      if (link.ring.isCorrupt) {
        broken = link
        continue
      }
      const isFull = this.#i32[link.fullIndex] !== 0 && isFullRow(this.#i32[row] as number)
      if (isFull || this.#isDead(link)) {
        isPossible = true
        continue
      }
      if (this.#reserve(link, bytes)) {
        // Another was passed over, but nobody waits for it.
        if (this.blocked.length > blockedBefore) this.blocked.length = blockedBefore
        group.choose(index)
        this.#groups[this.#groupCount++] = group
        this.#push(link, member, !isOptional)
        return member
      }
      if (link.wantedBytes <= link.ring.ringBytes) isPossible = true
      this.blocked.push(link)
    }
    const isBroken = broken !== null && this.blocked.length === blockedBefore && !isPossible
    if (isBroken) broken?.ring.freeBytes() // Throws, and says why.
    // Strict groups ask one member alone, who may be none that wants the message: when those who do
    // have ended, and are not withdrawn yet.
    const isTooLarge = !isPossible && this.blocked.length > blockedBefore
    if (isOptional) this.blocked.length = blockedBefore
    else if (isTooLarge) this.#refuse(route)
    return null
  }

  /** Takes room for one more frame on a link, beside those that are planned for it already. */
  #reserve(link: LinkWriter, bytes: number): boolean {
    if (this.isLarge && !hasWindow(link)) {
      link.wantedBytes = 0
      return false
    }
    const frame = frameBytes(bytes)
    const planned = link.plannedBytes + frame
    // One of them may have to wrap, and leaves up to its own size empty at the end of the ring.
    const wanted = planned + frame
    if (link.ring.freeBytesSeen < wanted && link.ring.freeBytes() < wanted) {
      link.wantedBytes = wanted
      link.noteFull(wanted)
      return false
    }
    link.plannedBytes = planned
    return true
  }

  #push(link: LinkWriter, member: Member | null, isRequired: boolean): void {
    if (isRequired) this.isRequired = true
    const frame = this.frames++
    this.links[frame] = link
    this.members[frame] = member
  }

  /** Whether somebody who wants the message holds it back. */
  #hasFull({ link, requiredRows, requiredFilters }: Destination): boolean {
    if (this.#i32[link.fullIndex] === 0) return false
    return requiredRows.some((row, i) => {
      const filter = requiredFilters[i] ?? null
      return (
        isFullRow(this.#i32[row] as number) && (filter === null || this.#passed.has(filter.text))
      )
    })
  }

  #isDead(link: LinkWriter): boolean {
    return this.#i32[link.stateIndex] === ThreadState.Dead
  }

  #refuse(route: Route): never {
    const link = this.blocked[this.blocked.length - 1] as LinkWriter
    throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', {
      subject: route.subject,
      found: `${link.wantedBytes} (for all of its receivers on thread ${link.to})`,
      wanted: link.ring.ringBytes,
    })
  }
}
