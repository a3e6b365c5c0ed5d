// Subscriptions that share messages: each message goes to one of them, whom the group's policy
// chooses.
//
// `rank` is told of a message, and `at(0)`, `at(1)` … then name the members in the order in which
// they are to be asked; the plan takes the first that can have it. So every policy passes over a
// member that is full or gone. Nothing that lasts is changed before `confirm`: a message that has
// to wait after all was nobody's turn.

import { PolicyKind, type Policy } from '../agent/queue-policy.js'
import type { CompiledFilter } from '../codec/filter.js'
import type { Random } from '../base/random.js'
import type { LinkWriter } from '../link/outbox.js'
import { ThreadState } from '../memory/layout.js'
import { frameBytes } from '../ring/frame.js'
import type { Subscription } from './change-log.js'
import { NO_KEY, rendezvousScore } from './key.js'
import { waitingOf } from './rows.js'
import { wants, type Passed } from './wanted.js'

/** How far its weight has brought a subscription: one account for all subjects of a thread. */
export interface Standing {
  readonly weight: number
  credit: number
}

/** One subscription of a queue group or one responder. */
export interface Member {
  readonly subscription: Subscription
  readonly link: LinkWriter
  /** Word index of its shared row. */
  readonly row: number
  /** Its only one, or null: it wants every message. */
  readonly filters: readonly [CompiledFilter] | null
  readonly standing: Standing
}

/** Members of a group, as a route table found them for one subject. */
export interface Membership {
  readonly queue: string
  readonly policy: Policy
  /** Those near this thread first. */
  readonly members: readonly Member[]
  /** How many are near; all of them when none is. */
  readonly near: number
  /** Index of the member to begin with, and of the far one, counted from the first of those. */
  readonly turn: number
  readonly farTurn: number
}

/** Ranks count upwards, the smallest first. Whoever has been asked, and whoever is asked last. */
const ASKED = Infinity
const LAST = Number.MAX_VALUE

export class Group {
  readonly queue: string
  readonly policy: Policy
  readonly members: readonly Member[]
  readonly near: number
  /** All of its members are lossy: a message that none of them can take is skipped. */
  readonly isLossy: boolean
  /** Index of the member that comes first in turn, and between equals. */
  turn: number
  /** The same among those that are not near, counted from the first of them. */
  farTurn: number
  readonly #i32: Int32Array
  readonly #random: Random
  /** Of the message under way; counts while `#isRanked`. */
  readonly #ranks: Float64Array
  #isRanked = false
  #chosen = 0

  constructor(membership: Membership, isLossy: boolean, i32: Int32Array, random: Random) {
    this.queue = membership.queue
    this.policy = membership.policy
    this.members = membership.members
    this.near = membership.near
    this.turn = membership.turn
    this.farTurn = membership.farTurn
    this.isLossy = isLossy
    this.#i32 = i32
    this.#random = random
    const isRanked = this.policy.kind !== PolicyKind.RoundRobin && this.members.length > 1
    this.#ranks = new Float64Array(isRanked ? this.members.length : 0)
  }

  /**
   * To be called before `at`, for a message of `bytes` whose key has this hash and that passed
   * these filters.
   */
  rank(bytes: number, key: number, passed: Passed): void {
    const { kind } = this.policy
    // A message without a key goes in turn.
    this.#isRanked = this.#ranks.length > 0 && !(kind === PolicyKind.Key && key === NO_KEY)
    if (!this.#isRanked) return
    if (kind === PolicyKind.TwoChoices) this.#rankTwo(bytes, passed)
    else {
      for (let index = 0; index < this.#ranks.length; index++) {
        const member = this.members[index] as Member
        if (this.#isOut(member, passed)) this.#ranks[index] = LAST
        else if (kind === PolicyKind.Key) {
          this.#ranks[index] = -rendezvousScore(member.subscription.id, key)
        } else if (kind === PolicyKind.LeastLoaded) {
          this.#ranks[index] = this.#loadOf(member, bytes)
        } else this.#ranks[index] = -(member.standing.credit + member.standing.weight)
      }
    }
  }

  /** Index of the member to be asked after `step` others; -1 when no other may have the message. */
  at(step: number): number {
    const { near, turn, farTurn } = this
    const { length } = this.members
    if (!this.#isRanked) {
      // First those that are near, in turn, then the others.
      if (step < near) return (turn + step) % near
      return near + ((farTurn + step - near) % (length - near))
    }
    if (step > 0 && this.policy.isStrict) return -1
    let best = -1
    let bestRank = ASKED
    for (let offset = 0; offset < length; offset++) {
      const index = (turn + offset) % length
      const rank = this.#ranks[index] as number
      if (rank >= bestRank) continue
      best = index
      bestRank = rank
    }
    this.#ranks[best] = ASKED
    return best
  }

  /** The member of this index can have the message. */
  choose(index: number): void {
    this.#chosen = index
  }

  /** The message has been written to the member that was chosen. */
  confirm(): void {
    const chosen = this.#chosen
    if (chosen >= this.near && !this.#isRanked) this.farTurn = chosen - this.near + 1
    else this.turn = (chosen + 1) % this.members.length
    if (this.policy.kind === PolicyKind.Weighted && this.#isRanked) this.#account(chosen)
  }

  /**
   * Smooth weighted round robin, as nginx has it: everybody earns its weight, and whoever gets the
   * message pays for all. Who had to be passed over earns nothing, or it would be flooded later.
   */
  #account(chosen: number): void {
    let earned = 0
    for (let index = 0; index < this.members.length; index++) {
      if (this.#ranks[index] === ASKED && index !== chosen) continue
      const { standing } = this.members[index] as Member
      standing.credit += standing.weight
      earned += standing.weight
    }
    ;(this.members[chosen] as Member).standing.credit -= earned
  }

  #rankTwo(bytes: number, passed: Passed): void {
    const ranks = this.#ranks
    const { length } = ranks
    const first = this.#random(length)
    const other = this.#random(length - 1)
    const second = other < first ? other : other + 1
    ranks.fill(LAST)
    for (const index of [first, second]) {
      const member = this.members[index] as Member
      if (!this.#isOut(member, passed)) ranks[index] = this.#loadOf(member, bytes)
    }
  }

  /**
   * What waits for a member, in bytes: what our ring to its thread holds, and what waits in its
   * mailbox, taken as messages like this one.
   */
  #loadOf(member: Member, bytes: number): number {
    const { ring } = member.link
    const waiting = waitingOf(this.#i32[member.row] as number)
    return ring.ringBytes - ring.freeBytes() + waiting * frameBytes(bytes)
  }

  /** Gone, or not for this message: nobody to be counted with. */
  #isOut({ link, filters }: Member, passed: Passed): boolean {
    const isGone = link.ring.isCorrupt || this.#i32[link.stateIndex] === ThreadState.Dead
    return isGone || !wants(filters, passed)
  }
}
