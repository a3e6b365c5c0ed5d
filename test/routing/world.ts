// Several threads of an engine played on one: each has its links, routes, sender, inbox and
// dispatcher over one small region, and the test says who runs when. Nothing waits and nothing
// wakes by itself.

import { Mailbox, type Handler } from '../../src/agent/mailbox.js'
import type { RequestTicket } from '../../src/agent/info.js'
import { CompiledFilter } from '../../src/codec/filter.js'
import { filterText, parseFilter, type Filter } from '../../src/codec/filter-rule.js'
import type { Message } from '../../src/codec/message.js'
import { Leases } from '../../src/agent/lease.js'
import { ChunkPool } from '../../src/link/chunk-pool.js'
import { Inbox } from '../../src/link/inbox.js'
import type { LinkWriter, Outbox } from '../../src/link/outbox.js'
import { DictionaryWriter } from '../../src/memory/dictionary.js'
import {
  INBOX_DEAD,
  INBOX_FULL,
  Lane,
  ThreadState,
  type Geometry,
} from '../../src/memory/layout.js'
import type { Region } from '../../src/memory/region.js'
import type { CopyBytes } from '../../src/native/copying.js'
import {
  ChangeLogWriter,
  SubscriptionFlag,
  type Subscription,
  type SubscriptionRules,
} from '../../src/routing/change-log.js'
import { RequestWatch } from '../../src/agent/request-watch.js'
import { Dispatcher } from '../../src/routing/dispatcher.js'
import type { LocalSubscription } from '../../src/routing/target.js'
import type { Incoming } from '../../src/routing/incoming.js'
import type { AwaitedRequest } from '../../src/routing/parcel.js'
import { Publishers } from '../../src/routing/publishers.js'
import { RouteTable } from '../../src/routing/route-table.js'
import { Sender } from '../../src/routing/sender.js'
import { SubjectCounters, subjectCountersFor } from '../../src/counters/subject-counters.js'
import {
  checkSubjects,
  type SubjectRule,
  type SubjectTreatment,
} from '../../src/routing/subject-rules.js'
import { createRandom } from '../../src/base/random.js'
import { HandClock } from '../base/hand-clock.js'
import { outboxOf, smallRegion, type FakeDoorbell } from '../link/small-region.js'

export interface SubscribeHow {
  readonly queue?: string
  readonly rules?: SubscriptionRules
  readonly lossy?: boolean
  readonly responder?: boolean
  readonly lazy?: boolean
  readonly message?: Message<any>
  readonly handler?: Handler
  readonly concurrency?: number
  readonly filter?: Filter
}

/** A frame as a thread got it. */
export interface Got {
  readonly subject: string
  readonly value: unknown
  readonly source: number
  readonly agent: number
  readonly id: number
}

export class World {
  readonly region: Region
  readonly log: ChangeLogWriter
  readonly clock = new HandClock()
  expired = 0
  readonly threads: Player[]
  readonly rules: readonly SubjectRule[]
  readonly subjectCounts: Int32Array
  /** Whether two threads share a memory node, when routes are made. */
  isNear = (_thread: number, _other: number): boolean => true
  #nextId = 0

  constructor(
    threads: number,
    geometry: Partial<Geometry> = {},
    /** The addon's, for worlds that have it. */
    readonly copyBytes: CopyBytes | null = null,
    subjects?: Record<string, SubjectTreatment>,
  ) {
    this.rules = checkSubjects(subjects)
    this.subjectCounts = subjectCountersFor(threads, this.rules.length)
    this.region = smallRegion(threads, geometry)
    this.log = new ChangeLogWriter(this.region)
    this.threads = Array.from({ length: threads }, (_, thread) => new Player(this, thread))
  }

  thread(index: number): Player {
    return this.threads[index] as Player
  }

  nextId(): number {
    return this.#nextId++
  }

  /** Marks a subscription's mailbox full, as its thread does. */
  setFull(subscription: LocalSubscription, isFull: boolean): void {
    const { layout, views } = this.region
    const { id, thread } = subscription.entry
    views.i32[(layout.subscriptionRows >>> 2) + id] = isFull ? 1 : 0
    const full = (layout.inbox(thread) + INBOX_FULL) >>> 2
    views.i32[full] = (views.i32[full] as number) + (isFull ? 1 : -1)
  }

  /** As the bus decides it. */
  isExpired(deadlineMs: number): boolean {
    if (deadlineMs > this.clock.nowMs()) return false
    this.expired++
    return true
  }

  setState(thread: number, state: number): void {
    this.region.views.i32[(this.region.layout.inbox(thread) + INBOX_DEAD) >>> 2] = state
  }

  /** Everything is flushed, drained and retried until nothing moves any more. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      let moved = 0
      for (const thread of this.threads) {
        thread.outbox.flushAll()
        const before = thread.inbox.framesReceived
        thread.inbox.drain()
        moved += thread.inbox.framesReceived - before
      }
      if (moved === 0 && round > 1) return
    }
    throw new Error('it never comes to rest')
  }
}

export class Player {
  readonly outbox: Outbox
  readonly bell: FakeDoorbell
  readonly dictionary: DictionaryWriter
  readonly routes: RouteTable
  readonly pool: ChunkPool
  readonly sender: Sender
  readonly subjects: SubjectCounters
  readonly publishers: Publishers
  readonly inbox: Inbox
  readonly dispatcher: Dispatcher
  readonly got: Got[] = []
  readonly errors: [unknown, string][] = []
  readonly refused: [RequestTicket, unknown][] = []
  readonly answered: [RequestTicket, boolean, unknown][] = []
  readonly parts: unknown[][] = []
  /** What takes the parts that follow one, by the short way. */
  taker: Incoming | null = null
  readonly flows: unknown[][] = []
  readonly replies: [number, number, boolean, unknown][] = []
  readonly controls: [number, number, number, unknown][] = []
  readonly lost: [unknown, string][] = []
  readonly waiting: boolean[] = []

  constructor(
    readonly world: World,
    readonly thread: number,
  ) {
    const { region } = world
    ;({ outbox: this.outbox, bell: this.bell } = outboxOf(region, thread))
    this.dictionary = new DictionaryWriter(region, thread)
    this.routes = new RouteTable(
      region,
      this.outbox,
      this.dictionary,
      (to) => world.isNear(thread, to),
      createRandom(0),
      world.rules,
    )
    this.pool = new ChunkPool(region, thread, world.clock, (waiting) =>
      this.outbox.wake(this.outbox.link(waiting, Lane.Urgent)),
    )
    this.subjects = new SubjectCounters(world.subjectCounts, thread, world.rules.length)
    this.sender = new Sender(
      region,
      this.outbox,
      this.routes,
      this.dictionary,
      1,
      this.pool,
      this.subjects,
      world.copyBytes,
      {
        onWaiting: (isWaiting) => {
          if (this.waiting.at(-1) !== isWaiting) this.waiting.push(isWaiting)
        },
        onLost: (error, subject) => this.lost.push([error, subject]),
        isExpired: (deadlineMs) => this.world.isExpired(deadlineMs),
      },
    )
    const { outbox, routes, sender, dictionary } = this
    this.publishers = new Publishers(region, outbox, routes, sender, dictionary)
    // Requests of these tests have whatever deadline: it is never over.
    const watch = new RequestWatch({ nowMs: () => 0 }, this.outbox.counters)
    const leases = new Leases(this.pool, region.memory)
    this.dispatcher = new Dispatcher(region, leases, world.copyBytes, watch, {
      onReply: (incarnation, counter, isFailed) =>
        this.replies.push([incarnation, counter, isFailed, this.dispatcher.decodeReply()]),
      onAnswer: (_, incarnation, counter, value, failure) =>
        this.replies.push([incarnation, counter, failure !== null, failure ?? value]),
      onControl: (source, incarnation, counter, payload) =>
        this.controls.push([source, incarnation, counter, payload]),
      onPart: (...part) => {
        this.parts.push([...part, this.dispatcher.decodeReply()])
        return this.taker
      },
      onFlow: (...flow) => this.flows.push(flow),
      onRefused: (ticket, error) => this.refused.push([ticket, error]),
      isExpired: (deadlineMs) => this.world.isExpired(deadlineMs),
      onError: (error, subject) => this.errors.push([error, subject]),
    })
    this.inbox = new Inbox(region, thread, world.clock, {
      onFrame: (...frame) => {
        try {
          return this.dispatcher.onFrame(this.inbox.source, ...frame)
        } catch (error) {
          this.errors.push([error, '(frame)'])
          return 0
        }
      },
      onRoom: (producer) => this.outbox.wake(this.outbox.link(producer, Lane.Urgent)),
      onDeaths: () => {},
      onCorrupt: (producer, found) => this.errors.push([found, `(link ${producer})`]),
      onDrained: () => {
        this.sender.retry()
        this.outbox.flushAll()
      },
    })
    this.inbox.open(1)
  }

  subscribe(pattern: string, how: SubscribeHow = {}): LocalSubscription {
    const id = this.world.nextId()
    const filter =
      how.filter === undefined
        ? null
        : new CompiledFilter(filterText(parseFilter(how.filter, pattern, null)))
    const entry: Subscription = {
      id,
      generation: 100 + id,
      thread: this.thread,
      agent: 0,
      flags:
        (how.responder === true ? SubscriptionFlag.Responder : 0) |
        (how.lossy === true ? SubscriptionFlag.Lossy : 0),
      pattern,
      queue: how.queue ?? '',
      rules: filter === null ? how.rules : { ...how.rules, filter: filter.text },
    }
    const handler: Handler =
      how.handler ??
      ((value, { subject, thread, agent }) => {
        this.got.push({ subject, value, source: thread, agent, id })
      })
    const subscription: LocalSubscription = {
      entry,
      message: how.message ?? null,
      reply: null,
      isLazy: how.lazy === true,
      isLease: false,
      filter,
      allowance: null,
      onEnd: null,
      name: '',
      bury: null,
      mailbox: new Mailbox(
        handler,
        { pattern, concurrency: how.concurrency ?? 1, messagesMax: 1000 },
        {
          onFull: () => {},
          onDropped: () => {},
          isExpired: (deadlineMs) => this.world.isExpired(deadlineMs),
          onError: (error, subject) => this.errors.push([error, subject]),
          onReply: (ticket, ok, result) => this.answered.push([ticket, ok, result]),
        },
      ),
    }
    this.dispatcher.add(subscription)
    this.world.log.add(entry)
    return subscription
  }

  unsubscribe(subscription: LocalSubscription): void {
    this.world.log.remove([subscription.entry.id])
    this.dispatcher.remove(subscription)
  }

  bulk(to: number): LinkWriter {
    return this.outbox.link(to, Lane.Bulk)
  }

  urgent(to: number): LinkWriter {
    return this.outbox.link(to, Lane.Urgent)
  }

  /** Values got so far; forgets them. */
  take(): unknown[] {
    return this.got.splice(0).map(({ value }) => value)
  }

  /** Ends as a thread that is terminated does. */
  die(): void {
    this.world.setState(this.thread, ThreadState.Dead)
  }
}

/** A request that notes how it ends. */
export class FakeRequest implements AwaitedRequest {
  readonly deadlineMs = 12_345.5
  thread = -1
  incarnation = 0
  isSettled = false
  error: unknown = null

  constructor(readonly counter: number) {}

  fail(error: unknown): void {
    this.error = error
    this.isSettled = true
  }
}
