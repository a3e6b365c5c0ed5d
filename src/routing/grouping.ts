// Makes the queue groups of a route: gathers the chosen subscriptions of a subject, and lets each
// group go on where the one before it stopped.

import { PolicyKind, policyOf, type Policy } from '../agent/queue-policy.js'
import { ROUTES_CACHED_MAX } from '../base/limits.js'
import type { CompiledFilter } from '../codec/filter.js'
import type { Random } from '../base/random.js'
import type { LinkWriter } from '../link/outbox.js'
import { SubscriptionFlag, type Subscription } from './change-log.js'
import { Group, type Member, type Standing } from './group.js'

export const NO_GROUPS: readonly Group[] = []
export const NO_FIELDS: readonly string[] = []

export interface Candidate {
  readonly subscription: Subscription
  readonly link: LinkWriter
  readonly row: number
  readonly filter: CompiledFilter | null
}

/** What a grouping made for one subject. */
export interface Grouped {
  groups: readonly Group[]
  responders: Group | null
  /** Fields that hold the key of some group; none: no group asks for keys. */
  keyFields: readonly string[]
}

/** For groups that do not weigh: nobody looks at it. */
const UNWEIGHTED: Standing = { weight: 1, credit: 0 }

export class Grouping {
  readonly #i32: Int32Array
  readonly #isNear: (thread: number) => boolean
  readonly #random: Random
  readonly #policies = new Map<string, Policy>()
  readonly #standings = new Map<number, Standing>()
  /** By queue: where the next group that is new begins, so that not all begin with one member. */
  readonly #starts = new Map<string, number>()
  // Of the subject under way.
  readonly #byQueue = new Map<string, Member[]>()
  #responders: Member[] = []

  constructor(i32: Int32Array, isNear: (thread: number) => boolean, random: Random) {
    this.#i32 = i32
    this.#isNear = isNear
    this.#random = random
  }

  /** Takes in one more subscription that belongs to a queue group or answers. */
  add({ subscription, link, row, filter }: Candidate): void {
    const filters = filter === null ? null : ([filter] as const)
    const standing = this.#standingOf(subscription)
    const member = { subscription, link, row, filters, standing }
    if ((subscription.flags & SubscriptionFlag.Responder) !== 0) {
      this.#responders.push(member)
      return
    }
    const members = this.#byQueue.get(subscription.queue)
    if (members === undefined) this.#byQueue.set(subscription.queue, [member])
    else members.push(member)
  }

  /** Makes groups of what was taken in, instead of those that `grouped` has. */
  finish(grouped: Grouped): void {
    const { groups, responders } = grouped
    grouped.groups = this.#byQueue.size === 0 ? NO_GROUPS : this.#groupsAfter(groups)
    grouped.responders =
      this.#responders.length === 0 ? null : this.#groupOf('', this.#responders, responders)
    grouped.keyFields = keyFieldsOf(grouped)
    if (this.#byQueue.size > 0) this.#byQueue.clear()
    if (this.#responders.length > 0) this.#responders = []
  }

  #groupsAfter(before: readonly Group[]): Group[] {
    const groups: Group[] = []
    for (const [queue, members] of this.#byQueue) {
      const known = before.find((group) => group.queue === queue) ?? null
      groups.push(this.#groupOf(queue, members, known))
    }
    return groups
  }

  /** The subscription is gone. */
  forget({ id }: Subscription): void {
    this.#standings.delete(id)
  }

  #groupOf(queue: string, found: readonly Member[], known: Group | null): Group {
    const near: Member[] = []
    const far: Member[] = []
    let isLossy = true
    for (const member of found) {
      if (this.#isNear(member.link.to)) near.push(member)
      else far.push(member)
      if ((member.subscription.flags & SubscriptionFlag.Lossy) === 0) isLossy = false
    }
    const turn = known === null ? this.#startOf(queue) : known.turn
    const membership = {
      queue,
      // The registry sees to it that they agree.
      policy: this.#policyOf((found[0] as Member).subscription),
      members: far.length === 0 ? near : near.concat(far),
      near: near.length === 0 ? far.length : near.length,
      turn,
      farTurn: known === null ? turn : known.farTurn,
    }
    return new Group(membership, isLossy, this.#i32, this.#random)
  }

  #startOf(queue: string): number {
    if (this.#starts.size >= ROUTES_CACHED_MAX) this.#starts.clear()
    const start = this.#starts.get(queue) ?? 0
    this.#starts.set(queue, start + 1)
    return start
  }

  #policyOf({ rules }: Subscription): Policy {
    const text = rules?.policy ?? ''
    let policy = this.#policies.get(text)
    if (policy === undefined) {
      if (this.#policies.size >= ROUTES_CACHED_MAX) this.#policies.clear()
      this.#policies.set(text, (policy = policyOf(text)))
    }
    return policy
  }

  #standingOf({ id, rules }: Subscription): Standing {
    const weight = rules?.weight
    if (weight === undefined) return UNWEIGHTED
    let standing = this.#standings.get(id)
    if (standing === undefined) this.#standings.set(id, (standing = { weight, credit: 0 }))
    return standing
  }
}

function keyFieldsOf({ groups, responders }: Grouped): readonly string[] {
  let fields: string[] | null = null
  const note = ({ policy }: Group): void => {
    if (policy.kind !== PolicyKind.Key) return
    fields ??= []
    if (!fields.includes(policy.field)) fields.push(policy.field)
  }
  for (const group of groups) note(group)
  if (responders !== null) note(responders)
  return fields ?? NO_FIELDS
}
