// One thread's part of a work queue: claims jobs for its consumers, settles what they did, rests
// when there is nothing and is woken when there is.
//
// A look for jobs goes on until nothing is found or its time is up, so that timers and I/O live.
// Before it rests it says so and looks once more (`queue-signals.ts`). A rest ends by a wake, by
// the next due time of a lane, or by the beat, on which nothing depends.

import { BEAT_MS, BURY_AGAIN_MS, DRAIN_TIME_US_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import { incarnationOf, stateOf } from '../memory/region.js'
import { ThreadState } from '../memory/layout.js'
import { JobClaims } from '../ring/job-claims.js'
import { DeathReason, JobLedger } from '../ring/job-ledger.js'
import { LaneWriter, type Lane } from '../ring/queue-lane.js'
import { attemptOf } from '../ring/queue-layout.js'
import { QueueSignals } from '../ring/queue-signals.js'
import { RememberedIds } from '../ring/remembered-ids.js'
import type { ConsumerEvents, JobConsumer } from './consumer.js'
import { letterOf } from './dead-job.js'
import { ClaimedJob, type DeliveryOwner } from './delivery.js'
import type { QueueHost } from './host.js'
import { JobReader } from './job-reader.js'
import { JobRecord } from './job-record.js'
import { LargeJobs } from './large-jobs.js'
import { geometryOf, type QueuePlace } from './options.js'
import { Producer } from './producer.js'
import { QueueCounter, QueueCounters } from './queue-counters.js'

export class QueuePort implements DeliveryOwner, ConsumerEvents {
  readonly place: QueuePlace
  readonly ledger: JobLedger
  readonly signals: QueueSignals
  readonly producer: Producer
  readonly #host: QueueHost
  readonly #large: LargeJobs
  readonly #reader: JobReader
  readonly #claims: JobClaims
  readonly #counters: QueueCounters
  readonly #consumers: JobConsumer[] = []
  readonly #look = (): void => this.look()
  #turn = 0
  #timer: NodeJS.Timeout | null = null
  #isLooking = false
  #isLookDue = false
  #isClosed = false
  /** The last look found that others have in hand what all may have. */
  #isShort = false
  /** Deliveries that are not settled. */
  inHand = 0

  constructor(host: QueueHost, place: QueuePlace, message: Message<any> | null) {
    const { region, thread, incarnation } = host
    const { settings, base } = place
    const geometry = geometryOf(settings, region.layout.threads)
    const lifeOf = (of: number): number =>
      stateOf(region, of) === ThreadState.Alive ? incarnationOf(region, of) : 0
    const nowMs = host.clock.nowMs()
    const { views } = region
    this.place = place
    this.#host = host
    this.#large = new LargeJobs(host.pool, views)
    this.#reader = new JobReader(host, place.name, message, this.#large)
    this.ledger = new JobLedger({
      views,
      geometry,
      base,
      thread,
      incarnation,
      rules: settings,
      nowMs,
      lifeOf,
    })
    this.signals = new QueueSignals(this.ledger, lifeOf)
    this.#claims = new JobClaims(this.ledger)
    this.#counters = new QueueCounters(views.i32, geometry, base, thread)
    const first = this.ledger.index(this.ledger.layout.ids)
    const ids = new RememberedIds(
      views.i32,
      { first, buckets: geometry.idBuckets },
      { thread, incarnation },
      lifeOf,
    )
    const writer = new LaneWriter(this.ledger.laneOf(thread) as Lane)
    this.producer = new Producer(host, place, message, writer, this.signals, ids, this.#large)
  }

  get name(): string {
    return this.place.name
  }

  /** Nothing is in hand, nothing waits to be added, and there is nothing for consumers here. */
  get isIdle(): boolean {
    if (this.inHand > 0 || this.producer.waiting > 0) return false
    return this.#consumers.length === 0 || this.signals.isPaused || this.ledger.count().ready === 0
  }

  addConsumer(consumer: JobConsumer): void {
    this.#consumers.push(consumer)
    this.#host.hold(true)
    this.lookSoon()
  }

  /** This thread has drained its inbox: whoever woke it may have meant this queue. */
  onDrained(): void {
    if (this.#timer !== null && !this.signals.isIdle) this.look()
    this.producer.onDrained()
  }

  /** A thread has died: what it had comes back, and what it was to do is looked for. */
  onDeaths(): void {
    this.signals.forgetDead()
    this.ledger.repair(this.#host.clock.nowMs())
    this.#buryDead()
    this.producer.retry()
    this.lookSoon()
  }

  /** Jobs were dropped: their slots are free, and so shall be what they had. */
  onPurged(): void {
    this.#large.sweep()
    this.#wakeWaiting()
    this.producer.retry()
  }

  /** Wakes every thread that waits for a job: there may be some, or other times to wait for. */
  wakeAll(): void {
    for (let thread = this.signals.takeIdle(); thread >= 0; thread = this.signals.takeIdle()) {
      this.#host.wake(thread)
    }
  }

  close(error: Error): void {
    this.#isClosed = true
    this.#rest(null)
    this.producer.close(error)
    for (const consumer of [...this.#consumers]) void consumer.stop()
  }

  lookSoon(): void {
    if (this.#isLookDue || this.#isClosed) return
    this.#isLookDue = true
    setImmediate(this.#look)
  }

  /** Claims and delivers, until there is nothing, no place, or its time is up. */
  look(): void {
    this.#isLookDue = false
    if (this.#isLooking || this.#isClosed) return
    this.#isLooking = true
    this.#rest(null)
    this.signals.clearIdle()
    try {
      this.#lookWithinBudget()
    } finally {
      this.#isLooking = false
    }
    this.#wakeWaiting()
  }

  #lookWithinBudget(): void {
    const { clock } = this.#host
    const untilMs = clock.nowMs() + DRAIN_TIME_US_MAX / 1000
    for (let nowMs = clock.nowMs(); nowMs < untilMs; nowMs = clock.nowMs()) {
      const consumer = this.#nextConsumer()
      if (consumer === null) return
      if (this.#serve(consumer, nowMs) > 0) continue
      // STEP queue-park: idle, one more look, and only then the rest.
      this.signals.setIdle()
      if (this.#serve(consumer, nowMs) === 0) {
        this.#rest(clock.nowMs())
        return
      }
      this.signals.clearIdle()
    }
    this.lookSoon()
  }

  /** One with places, in turn; null when there is none. */
  #nextConsumer(): JobConsumer | null {
    const consumers = this.#consumers
    for (let n = 0; n < consumers.length; n++) {
      this.#turn = (this.#turn + 1) % consumers.length
      const consumer = consumers[this.#turn] as JobConsumer
      if (consumer.places > 0) return consumer
    }
    return null
  }

  /** Claims a batch for one consumer, and has it handled; returns how many jobs that were. */
  #serve(consumer: JobConsumer, nowMs: number): number {
    if (this.signals.isPaused) return 0
    const { maxAckPending } = this.place.settings
    const isLimited = maxAckPending < NO_LIMIT
    const places = consumer.places
    const wanted = isLimited ? this.signals.reserve(places, maxAckPending) : places
    if (wanted === 0) {
      if (isLimited) this.#isShort = true
      return 0
    }
    const claims = this.#claims
    const count = claims.claim(wanted, nowMs)
    if (isLimited && count < wanted) this.signals.release(wanted - count)
    if (claims.hasDead) this.#buryDead()
    if (count === 0) return 0
    // Others look for what we leave.
    if (claims.hasMore) this.#wakeOne()
    this.inHand += count
    for (let n = 0; n < count; n++) {
      this.#deliver(
        consumer,
        claims.lanes[n] as Lane,
        claims.slots[n] as number,
        claims.words[n] as number,
      )
    }
    consumer.noteBatch(count, this.#host.clock.nowMs() - nowMs)
    return count
  }

  #deliver(consumer: JobConsumer, lane: Lane, slot: number, word: number): void {
    const record = new JobRecord(this.#host.region.views, lane, slot)
    const delivery = new ClaimedJob(this, lane, slot, word, record)
    let job: unknown
    let failure: { readonly error: unknown } | null = null
    try {
      job = this.#reader.read(lane, record)
    } catch (error) {
      failure = { error }
    }
    // The handler of one before it may have taken so long that it was taken back, and done
    // elsewhere: then this was read from a slot, or a block, of another.
    if (!this.ledger.isStill(lane, slot, word)) {
      this.#settled()
      return
    }
    if (attemptOf(word) > 1) this.#counters.add(QueueCounter.Redelivered)
    if (failure !== null) this.onFailed(delivery, failure.error)
    else consumer.give(job, delivery)
  }

  // What handlers do with their deliveries.

  onBegin(delivery: ClaimedJob): boolean {
    const { lane, slot, word } = delivery
    if (this.ledger.extend(lane, slot, word, this.#host.clock.nowMs())) return true
    this.#settled()
    return false
  }

  onDone(delivery: ClaimedJob): void {
    if (delivery.settledBy !== null) return
    delivery.settledBy = 'ack'
    if (!this.ack(delivery)) this.#host.report(delivery.lateError('its end'), this.name)
  }

  onFailed(delivery: ClaimedJob, error: unknown): void {
    this.#host.report(error, this.name)
    if (delivery.settledBy !== null) return
    delivery.settledBy = 'nak'
    if (!this.nak(delivery, -1, error)) {
      this.#host.report(delivery.lateError('its failure'), this.name)
    }
  }

  onRoom(): void {
    this.lookSoon()
  }

  onStopped(consumer: JobConsumer): void {
    this.#consumers.splice(this.#consumers.indexOf(consumer), 1)
    this.#host.hold(false)
    if (this.#consumers.length > 0) return
    this.#rest(null)
    this.signals.clearIdle()
    // What this thread was to look at is for the others now, with its times.
    this.wakeAll()
  }

  ack({ lane, slot, word }: ClaimedJob): boolean {
    this.#settled()
    if (!this.#finish(lane, slot, word)) return false
    this.#counters.add(QueueCounter.Acked)
    return true
  }

  nak(delivery: ClaimedJob, delayMs: number, error: unknown): boolean {
    const { lane, slot, word } = delivery
    this.#settled()
    if (attemptOf(word) >= this.place.settings.maxDeliver) {
      return this.#bury(lane, slot, word, DeathReason.Failed, error)
    }
    const nowMs = this.#host.clock.nowMs()
    const isOurs = this.ledger.giveBack(lane, slot, word, nowMs, delayMs, DeathReason.Failed)
    this.lookSoon()
    return isOurs
  }

  term({ lane, slot, word }: ClaimedJob): boolean {
    this.#settled()
    return this.#bury(lane, slot, word, DeathReason.Terminated, null)
  }

  extend({ lane, slot, word }: ClaimedJob): boolean {
    return this.ledger.extend(lane, slot, word, this.#host.clock.nowMs())
  }

  /** Ends a job, and frees what it had. */
  #finish(lane: Lane, slot: number, word: number): boolean {
    // Read before, for afterwards the slot may be another job's; true, if the job was still ours.
    const block = this.#large.blockAt(lane, slot)
    if (!this.ledger.finish(lane, slot, word)) return false
    if (block !== null) this.#large.free(block)
    return true
  }

  #settled(): void {
    this.inHand--
    if (this.place.settings.maxAckPending < NO_LIMIT) this.signals.release(1)
    if (!this.#isLooking) this.lookSoon()
  }

  // Dead jobs.

  #buryDead(): void {
    this.ledger.eachDead(this.#host.clock.nowMs(), (lane, slot, word) => {
      this.#bury(lane, slot, word, DeathReason.None, null)
    })
  }

  #bury(lane: Lane, slot: number, word: number, reason: DeathReason, error: unknown): boolean {
    const burying = this.ledger.bury(lane, slot, word, reason)
    if (burying === 0) return false
    const record = new JobRecord(this.#host.region.views, lane, slot)
    const payload = this.#reader.bytesOf(record)
    const nowMs = this.#host.clock.nowMs()
    const letter = letterOf(this.name, lane, record, burying, payload, error, nowMs)
    this.#host.bury(letter).then(
      () => {
        this.#counters.add(QueueCounter.DeadLetters)
        this.#finish(lane, slot, burying)
        this.lookSoon()
      },
      () => {
        const untilMs = this.#host.clock.nowMs() + BURY_AGAIN_MS
        this.ledger.keepDead(lane, slot, burying, untilMs)
        this.lookSoon()
      },
    )
    return true
  }

  // Waking and resting.

  #wakeOne(): void {
    const thread = this.signals.takeIdle()
    if (thread >= 0) this.#host.wake(thread)
  }

  /** Slots have come free. */
  #wakeWaiting(): void {
    for (let thread = this.signals.takeWaiting(); thread >= 0;) {
      this.#host.wake(thread)
      thread = this.signals.takeWaiting()
    }
  }

  /** Rests until the next time that something is due; null: no more. */
  #rest(nowMs: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (nowMs === null || this.#isClosed) return
    let waitMs: number = this.#isShort ? SHORT_WAIT_MS : BEAT_MS
    this.#isShort = false
    for (const lane of this.ledger.lanes) waitMs = Math.min(waitMs, lane.dueInMs(nowMs))
    this.#timer = setTimeout(this.#look, Math.max(1, waitMs))
    this.#timer.unref()
  }
}

/** `maxAckPending` from here on is none. */
const NO_LIMIT = 2 ** 30
/** Another has in hand what `maxAckPending` allows: asked again after so long. */
const SHORT_WAIT_MS = 1
