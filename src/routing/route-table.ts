// From a subject to the links that carry it: each thread's own compiled view of the change log.
//
// A route is made when a subject is first used and made anew when the shared version has moved
// since. Publishing therefore costs one plain load of the version and no look-up at all. Cost grows
// with threads, not with subscribers: all plain subscriptions of one thread share one frame, which
// that thread fans out.

import type { CompiledFilter } from '../codec/filter.js'
import { ROUTES_CACHED_MAX } from '../base/limits.js'
import { PriorityLine } from '../base/priority.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { HEADER_VERSION, Lane } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { ChangeLogReader, SubscriptionFlag, type Subscription } from './change-log.js'
import { FilterCache } from './filter-cache.js'
import type { Parcel } from './parcel.js'
import { SubjectTrie } from './subject-trie.js'

/** A thread with plain subscriptions to a subject. */
export interface Destination {
  readonly link: LinkWriter
  /**
   * Word index of the row of each subscription that can hold a publisher back. None: the thread
   * only taps.
   */
  readonly requiredRows: readonly number[]
  /** Of the subscription of each of these rows; null: it wants every message. */
  readonly requiredFilters: readonly (CompiledFilter | null)[]
  /** All of them, each once. */
  readonly asked: readonly CompiledFilter[]
  /** The thread gets what one of them lets through. Null: somebody there wants every message. */
  readonly filters: readonly CompiledFilter[] | null
}

/** One subscription of a queue group or one responder. */
export interface Member {
  readonly subscription: Subscription
  readonly link: LinkWriter
  readonly row: number
  /** Its only one, or null: it wants every message. */
  readonly filters: readonly [CompiledFilter] | null
}

/** Subscriptions that share messages: each goes to one of them, in turn. */
export interface Group {
  readonly queue: string
  /** Those near this thread first. */
  readonly members: readonly Member[]
  /** How many are near; all of them when none is. */
  readonly near: number
  /** All of its members are lossy: a message that none of them can take is skipped. */
  readonly isLossy: boolean
  /** Index of the member that is asked first. */
  turn: number
  /** What `turn` becomes once the message under way has been written. */
  turnNext: number
}

/** More than V8 keeps on its moving heap: compiled code knows where the word lies. */
const GATE_BYTES = 128

export class Route {
  readonly subject: string
  /** In this thread's dictionary; 0 when the subject travels inline. */
  readonly subjectId: number
  /** The shared version that this route was made from. */
  version = -1
  destinations: readonly Destination[] = []
  groups: readonly Group[] = []
  responders: Group | null = null
  /** The only link there is, with plain subscriptions alone: the fast path. */
  solo: LinkWriter | null = null
  /** The only receiver of any kind, when that is a responder: the fast path of requests. */
  soloResponder: Member | null = null
  /** Some receiver wants only a part of the messages: ask first (`wanted.ts`). */
  isFiltered = false
  /**
   * Messages that found no room, the more urgent first and then the older. While there are any,
   * later ones line up too.
   */
  readonly parked = new PriorityLine<Parcel>()

  /** Somebody keeps it at hand, beside the cache. */
  isPinned = false
  /** One for each link that emitters of this subject lead to, and those that ask filters first. */
  #gates: Map<LinkWriter, Int32Array> | null = null
  #filteredGates: Map<LinkWriter, Int32Array> | null = null
  /** Those of bound publishers, which lead to one link after the other. */
  readonly #publisherGates: Int32Array[] = []

  constructor(subject: string, subjectId: number) {
    this.subject = subject
    this.subjectId = subjectId
  }

  /**
   * Word 0: the shared version for which emitters of this subject into `link` may pass; see
   * `outlet.ts`. Emitters of several messages share it, but never with those into another link, nor
   * those that ask filters with those that do not.
   */
  gate(link: LinkWriter): Int32Array {
    const gates = this.isFiltered
      ? (this.#filteredGates ??= new Map<LinkWriter, Int32Array>())
      : (this.#gates ??= new Map<LinkWriter, Int32Array>())
    let gate = gates.get(link)
    if (gate === undefined) gates.set(link, (gate = new Int32Array(new ArrayBuffer(GATE_BYTES))))
    return gate
  }

  /** Has `shut` close `gate` too. Whoever owns it opens it. */
  addGate(gate: Int32Array): void {
    this.#publisherGates.push(gate)
  }

  /** Emitters into the only receiver's link may pass until the routes change. */
  open(): void {
    if (this.solo !== null) this.gate(this.solo)[0] = this.version
  }

  /** Whatever is published next takes the long way. */
  shut(): void {
    // A version that has been: they only move forward.
    const gates = [this.#gates?.values() ?? [], this.#filteredGates?.values() ?? []]
    for (const some of [...gates, this.#publisherGates]) {
      for (const gate of some) gate[0] = this.version - 1
    }
  }

  get hasReceivers(): boolean {
    return this.destinations.length > 0 || this.groups.length > 0 || this.responders !== null
  }
}

export class RouteTable {
  readonly #region: Region
  readonly #i32: Int32Array
  readonly #outbox: Outbox
  readonly #dictionary: DictionaryWriter
  readonly #log: ChangeLogReader
  readonly #isNear: (thread: number) => boolean
  readonly #trie = new SubjectTrie<Subscription>()
  readonly #routes = new Map<string, Route>()
  readonly #filters = new FilterCache()
  #version = -1

  /** `isNear` says whether a thread shares our memory node: its instances come before others. */
  constructor(
    region: Region,
    outbox: Outbox,
    dictionary: DictionaryWriter,
    isNear: (thread: number) => boolean = () => true,
  ) {
    this.#isNear = isNear
    this.#region = region
    this.#i32 = region.views.i32
    this.#outbox = outbox
    this.#dictionary = dictionary
    this.#log = new ChangeLogReader(region)
  }

  /** The route of a subject that has been used before, or null: its grammar was checked then. */
  known(subject: string): Route | null {
    const route = this.#routes.get(subject)
    if (route === undefined) return null
    this.refresh(route)
    return route
  }

  /** The current route of a subject. Keep it, and hand it to `refresh` before each use. */
  route(subject: string): Route {
    let route = this.#routes.get(subject)
    if (route === undefined) {
      if (this.#routes.size >= ROUTES_CACHED_MAX) this.#forgetIdle()
      route = new Route(subject, this.#dictionary.subjectId(subject))
      this.#routes.set(subject, route)
    }
    this.refresh(route)
    return route
  }

  /** Makes the route what the log says. A plain load when nothing has changed. */
  refresh(route: Route): void {
    // SYNC route-version: pairs with route-version in ChangeLogWriter.announce.
    const version = this.#i32[HEADER_VERSION >>> 2] as number
    if (route.version === version) return
    this.#catchUp()
    this.#compile(route)
    route.version = version
  }

  #catchUp(): void {
    const version = Atomics.load(this.#i32, HEADER_VERSION >>> 2)
    if (version === this.#version) return
    this.#log.catchUp(
      (added) => this.#trie.insert(added.pattern, added),
      (removed) => void this.#trie.remove(removed.pattern, removed),
    )
    this.#version = version
  }

  #compile(route: Route): void {
    const plain = new Map<number, Wanting[]>()
    const groups = new Map<string, Member[]>()
    const responders: Member[] = []
    for (const subscription of this.#trie.match(route.subject)) {
      const { thread, flags, queue } = subscription
      const row = (this.#region.layout.subscriptionRows >>> 2) + subscription.id
      const filter = this.#filters.of(subscription.rules?.filter)
      const link = this.#outbox.link(thread, Lane.Bulk)
      const filters = filter === null ? null : ([filter] as const)
      const member = { subscription, link, row, filters }
      if ((flags & SubscriptionFlag.Responder) !== 0) responders.push(member)
      else if (queue !== '') {
        const members = groups.get(queue)
        if (members === undefined) groups.set(queue, [member])
        else members.push(member)
      } else {
        const wanting = plain.get(thread) ?? []
        wanting.push({ row, filter, isRequired: (flags & SubscriptionFlag.Lossy) === 0 })
        plain.set(thread, wanting)
      }
    }
    const turnOf = (queue: string): number =>
      route.groups.find((group) => group.queue === queue)?.turn ?? 0
    route.destinations = [...plain].map(([thread, wanting]) =>
      destinationOf(this.#outbox.link(thread, Lane.Bulk), wanting),
    )
    route.groups = [...groups].map(([queue, members]) =>
      this.#groupOf(queue, members, turnOf(queue)),
    )
    route.responders =
      responders.length === 0 ? null : this.#groupOf('', responders, route.responders?.turn ?? 0)
    const members = [...route.groups.flatMap((group) => group.members), ...responders]
    route.isFiltered =
      route.destinations.some(({ asked }) => asked.length > 0) ||
      members.some(({ filters }) => filters !== null)
    const only = route.destinations[0]
    const isSolo =
      route.destinations.length === 1 && route.groups.length === 0 && route.responders === null
    const [onlyResponder = null] = responders
    const hasOneResponder =
      responders.length === 1 && route.destinations.length === 0 && route.groups.length === 0
    route.soloResponder = hasOneResponder ? onlyResponder : null
    route.solo = isSolo && only !== undefined && only.requiredRows.length > 0 ? only.link : null
  }

  #groupOf(queue: string, members: readonly Member[], turn: number): Group {
    const isNear = ({ link }: Member): boolean => this.#isNear(link.to)
    const near = members.filter(isNear)
    const isLossy = members.every(
      ({ subscription }) => (subscription.flags & SubscriptionFlag.Lossy) !== 0,
    )
    return {
      queue,
      members: [...near, ...members.filter((member) => !isNear(member))],
      near: near.length || members.length,
      isLossy,
      turn,
      turnNext: turn,
    }
  }

  /** Makes place in the cache. What is parked or pinned stays: a subject has one line only. */
  #forgetIdle(): void {
    for (const [subject, route] of this.#routes) {
      if (route.parked.length === 0 && !route.isPinned) this.#routes.delete(subject)
    }
  }
}

/** A plain subscription, as far as senders care. */
interface Wanting {
  readonly row: number
  readonly filter: CompiledFilter | null
  readonly isRequired: boolean
}

function destinationOf(link: LinkWriter, wanting: readonly Wanting[]): Destination {
  const required = wanting.filter(({ isRequired }) => isRequired)
  const all = wanting.map(({ filter }) => filter)
  const asked = [...new Set(all)].filter((filter) => filter !== null)
  return {
    link,
    requiredRows: required.map(({ row }) => row),
    requiredFilters: required.map(({ filter }) => filter),
    asked,
    filters: all.includes(null) ? null : asked,
  }
}
