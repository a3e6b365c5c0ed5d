// From a subject to the links that carry it: each thread's own compiled view of the change log.
//
// A route is made when a subject is first used and made anew when the shared version has moved
// since. Publishing therefore costs one plain load of the version and no look-up at all. Cost grows
// with threads, not with subscribers: all plain subscriptions of one thread share one frame, which
// that thread fans out.

import { ROUTES_CACHED_MAX, ROUTES_FORGOTTEN_DIVISOR } from '../base/limits.js'
import { PriorityLine } from '../base/priority.js'
import { createRandom, type Random } from '../base/random.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { HEADER_VERSION, Lane } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { ChangeLogReader, SubscriptionFlag, type Subscription } from './change-log.js'
import {
  Destinations,
  idOf,
  isChosen,
  isFiltered,
  packed,
  threadOf,
  type Destination,
} from './destinations.js'
import { newGate } from './emitter-lane.js'
import { FilterCache } from './filter-cache.js'
import type { Parcel } from './parcel.js'
import type { Group, Member } from './group.js'
import { Grouping, NO_FIELDS, NO_GROUPS, type Grouped } from './grouping.js'
import { NO_PACKING, packerFor, type Packer, type PackingRule } from './packing.js'
import { RecentChanges } from './recent-changes.js'
import { NO_TAPS, Taps, isTap, type Tap } from './taps.js'
import { NO_RULES, ruleFor, type SubjectRule } from './subject-rules.js'
import { SubjectTrie } from './subject-trie.js'

const NO_DESTINATIONS: readonly Destination[] = []

export class Route implements Grouped {
  readonly subject: string
  /** In this thread's dictionary; 0 when the subject travels inline. */
  readonly subjectId: number
  /** Compresses its payloads; null: they travel as they are. */
  readonly packer: Packer | null
  /** The shared version for which this route is known to be right, and the changes it has seen. */
  version = -1
  changes = 0
  /** Asked for again since the cache last made place. */
  isRecent = false
  destinations: readonly Destination[] = NO_DESTINATIONS
  groups: readonly Group[] = NO_GROUPS
  responders: Group | null = null
  keyFields: readonly string[] = NO_FIELDS
  /** The only link there is, with plain subscriptions alone: the fast path. */
  solo: LinkWriter | null = null
  /** The only receiver of any kind, when that is a responder: the fast path of requests. */
  soloResponder: Member | null = null
  /** Some receiver wants only a part of the messages: ask first (`wanted.ts`). */
  isFiltered = false
  /** Who watches some of the messages, without being a receiver. */
  taps: readonly Tap[] = NO_TAPS
  /**
   * Messages that found no room, the more urgent first and then the older. While there are any,
   * later ones line up too.
   */
  readonly parked = new PriorityLine<Parcel>()

  /** Somebody keeps it at hand, beside the cache. */
  isPinned = false
  /** One for each link that emitters of this subject lead to, and those that look first. */
  #gates: Map<LinkWriter, Int32Array> | null = null
  #guardedGates: Map<LinkWriter, Int32Array> | null = null
  /** Those of bound publishers, which lead to one link after the other. */
  #publisherGates: Int32Array[] | null = null

  /** What becomes of its messages when there is no room. */
  readonly rule: SubjectRule

  constructor(subject: string, subjectId: number, rule: SubjectRule, packer: Packer | null) {
    this.rule = rule
    this.subject = subject
    this.subjectId = subjectId
    this.packer = packer
  }

  /**
   * Word 0: the shared version for which emitters of this subject into `link` may pass; see
   * `outlet.ts`. Emitters of several messages share it, but never with those into another link, nor
   * those that look first with those that do not.
   */
  gate(link: LinkWriter): Int32Array {
    const gates = this.isGuarded
      ? (this.#guardedGates ??= new Map<LinkWriter, Int32Array>())
      : (this.#gates ??= new Map<LinkWriter, Int32Array>())
    let gate = gates.get(link)
    if (gate === undefined) gates.set(link, (gate = newGate()))
    return gate
  }

  /** Has `shut` close `gate` too. Whoever owns it opens it. */
  addGate(gate: Int32Array): void {
    ;(this.#publisherGates ??= []).push(gate)
  }

  /** Emitters into the only receiver's link may pass until the routes change. */
  open(): void {
    if (this.solo !== null) this.gate(this.solo)[0] = this.version
  }

  /** Whatever is published next takes the long way. */
  shut(): void {
    // A version that has been: they only move forward.
    const gates = [this.#gates?.values() ?? [], this.#guardedGates?.values() ?? []]
    for (const some of [...gates, this.#publisherGates ?? []]) {
      for (const gate of some) gate[0] = this.version - 1
    }
  }

  /** Each message has to be looked at before it goes the fast way. */
  get isGuarded(): boolean {
    return this.isFiltered || this.taps.length > 0
  }

  get hasReceivers(): boolean {
    return this.destinations.length > 0 || this.groups.length > 0 || this.responders !== null
  }
}

export class RouteTable {
  readonly #i32: Int32Array
  readonly #rowsIndex: number
  readonly #outbox: Outbox
  readonly #dictionary: DictionaryWriter
  readonly #packing: readonly PackingRule[]
  readonly #log: ChangeLogReader
  readonly #rules: readonly SubjectRule[]
  readonly #grouping: Grouping
  readonly #trie = new SubjectTrie<number>()
  readonly #changes = new RecentChanges()
  readonly #routes = new Map<string, Route>()
  readonly #filters = new FilterCache()
  readonly #taps = new Taps()
  readonly #destinations: Destinations
  #version = -1

  /**
   * `isNear` says whether a thread shares our memory node: its instances come before others.
   * `random` is for groups that choose by chance.
   */
  constructor(
    region: Region,
    outbox: Outbox,
    dictionary: DictionaryWriter,
    isNear: (thread: number) => boolean = () => true,
    random: Random = createRandom(0),
    rules: readonly SubjectRule[] = NO_RULES,
    packing: readonly PackingRule[] = NO_PACKING,
  ) {
    this.#rules = rules
    this.#packing = packing
    this.#i32 = region.views.i32
    this.#outbox = outbox
    this.#dictionary = dictionary
    this.#log = new ChangeLogReader(region)
    this.#grouping = new Grouping(region.views.i32, isNear, random)
    this.#rowsIndex = region.layout.subscriptionRows >>> 2
    this.#destinations = new Destinations(region.layout.threads, this.#rowsIndex, {
      link: (thread) => outbox.link(thread, Lane.Bulk),
      filter: (id) => this.#filters.of(this.#log.live.get(id)?.rules?.filter),
    })
  }

  /** The route of a subject that has been used before, or null: its grammar was checked then. */
  known(subject: string): Route | null {
    const route = this.#routes.get(subject)
    if (route === undefined) return null
    // Looked at first: the line that it lies in is then not written each time.
    if (!route.isRecent) route.isRecent = true
    this.refresh(route)
    return route
  }

  /** The current route of a subject. Keep it, and hand it to `refresh` before each use. */
  route(subject: string): Route {
    const known = this.known(subject)
    if (known !== null) return known
    if (this.#routes.size >= ROUTES_CACHED_MAX) this.#forgetIdle()
    const route = new Route(
      subject,
      this.#dictionary.subjectId(subject),
      ruleFor(this.#rules, subject),
      packerFor(this.#packing, subject),
    )
    this.#routes.set(subject, route)
    this.refresh(route)
    return route
  }

  /** Makes the route what the log says. A plain load when nothing has changed. */
  refresh(route: Route): void {
    // SYNC route-version: pairs with route-version in ChangeLogWriter.announce.
    const version = this.#i32[HEADER_VERSION >>> 2] as number
    if (route.version === version) return
    this.#catchUp()
    const isNew = route.version === -1
    if (isNew || this.#changes.hasTouched(route.subject, route.changes)) this.#compile(route)
    route.changes = this.#changes.count
    route.version = version
  }

  /**
   * Whether somebody who may want the message keeps what is not handled. A receiver whose filter
   * was not asked may. Not for the hot path.
   */
  isKept({ subject }: Route, { passed, unasked }: Parcel): boolean {
    return this.#trie.match(subject).some((word) => {
      const subscription = this.#log.live.get(idOf(word))
      if (subscription === undefined) return false
      if ((subscription.flags & SubscriptionFlag.DeadLetter) === 0) return false
      const filter = this.#filters.of(subscription.rules?.filter)
      return filter === null || passed.has(filter.text) || unasked.has(filter.text)
    })
  }

  #catchUp(): void {
    const version = Atomics.load(this.#i32, HEADER_VERSION >>> 2)
    if (version === this.#version) return
    this.#log.catchUp(
      (added) => {
        if (isTap(added)) this.#addTap(added)
        else this.#trie.insert(added.pattern, packed(added))
        this.#changes.note(added.pattern)
      },
      (removed) => {
        if (isTap(removed)) this.#taps.remove(removed)
        else this.#trie.remove(removed.pattern, packed(removed))
        this.#grouping.forget(removed)
        this.#changes.note(removed.pattern)
      },
    )
    this.#version = version
  }

  #compile(route: Route): void {
    const words = this.#trie.match(route.subject)
    let isAnyFiltered = false
    for (const word of words) {
      if (isChosen(word)) this.#addChosen(idOf(word), threadOf(word))
      if (isFiltered(word)) isAnyFiltered = true
    }
    const destinations = this.#destinations.of(words)
    route.destinations = destinations
    route.taps = this.#taps.of(route.subject)
    this.#grouping.finish(route)
    route.isFiltered = isAnyFiltered && hasFilter(route)
    const { groups, responders } = route
    const [only] = destinations
    const isSolo = destinations.length === 1 && groups.length === 0 && responders === null
    route.solo = isSolo && only !== undefined && only.requiredRows.length > 0 ? only.link : null
    const isAlone = destinations.length === 0 && groups.length === 0
    const hasOne = isAlone && responders !== null && responders.members.length === 1
    route.soloResponder = hasOne ? (responders.members[0] as Member) : null
  }

  #addTap(subscription: Subscription): void {
    const { id, thread } = subscription
    this.#taps.add(subscription, this.#outbox.link(thread, Lane.Bulk), this.#rowsIndex + id)
  }

  #addChosen(id: number, thread: number): void {
    const subscription = this.#log.live.get(id) as Subscription
    this.#grouping.add({
      subscription,
      link: this.#outbox.link(thread, Lane.Bulk),
      row: this.#rowsIndex + id,
      filter: this.#filters.of(subscription.rules?.filter),
    })
  }

  /**
   * Makes place in the cache: whoever was asked for since the last time gets a second chance. What
   * is parked or pinned stays: a subject has one line only.
   */
  #forgetIdle(): void {
    const wanted = Math.ceil(ROUTES_CACHED_MAX / ROUTES_FORGOTTEN_DIVISOR)
    let forgotten = 0
    // A route that moves to the end of the map is met again; by then it is no longer recent.
    let left = 2 * this.#routes.size
    for (const [subject, route] of this.#routes) {
      if (forgotten === wanted || left-- === 0) return
      this.#routes.delete(subject)
      const mustStay = route.parked.length > 0 || route.isPinned
      if (mustStay || route.isRecent) {
        route.isRecent = false
        this.#routes.set(subject, route)
      } else forgotten++
    }
  }
}

/** A text that is no filter was announced, perhaps, and nobody is asked after all. */
function hasFilter({ destinations, groups, responders }: Route): boolean {
  const isGroupAsked = ({ members }: Group): boolean =>
    members.some(({ filters }) => filters !== null)
  return (
    destinations.some(({ asked }) => asked.length > 0) ||
    groups.some(isGroupAsked) ||
    (responders !== null && isGroupAsked(responders))
  )
}
