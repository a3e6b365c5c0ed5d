// Which queues there are, kept on thread 0: their names, their settings, and what of the region's
// queue area each has.
//
// What was handed out never comes back: a lane outlives the threads that have it, one after the
// other, and a queue lives as long as its engine.

import { FlyshuttleError } from '../base/errors.js'
import type { Region } from '../memory/region.js'
import { addLane, countJobs } from '../ring/job-ledger.js'
import { Lane, dropUnpublished } from '../ring/queue-lane.js'
import { laneLayoutOf, queueLayoutOf } from '../ring/queue-layout.js'
import { QueueCounter, QueueCounters } from './queue-counters.js'
import {
  checkSame,
  geometryOf,
  settingsOf,
  type QueuePlace,
  type QueueSettings,
  type QueueWish,
} from './options.js'

/** What `engine.stats()` says of a work queue: what is in it now, then counts that only grow. */
export interface QueueStats {
  readonly name: string
  /** Jobs that could be delivered now. */
  readonly ready: number
  /** Jobs that wait for their time, or for another attempt. */
  readonly waiting: number
  /** Jobs that consumers have in hand. */
  readonly inHand: number
  /** Jobs whose dead letter is not kept yet. */
  readonly dying: number
  /** Jobs that were done. */
  readonly acked: number
  /** Deliveries that were not the first of their job. */
  readonly redelivered: number
  /** Jobs that were given up and are, or were, dead letters. */
  readonly deadLetters: number
}

interface Entry {
  readonly place: QueuePlace
  /** By thread. */
  readonly lanes: Map<number, Lane>
}

export class QueueDirectory {
  readonly #region: Region
  readonly #nowMs: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #onCreated: (name: string) => void
  #usedBytes = 0

  /** `onCreated` hears the name of each queue that is made. */
  constructor(region: Region, nowMs: () => number, onCreated: (name: string) => void) {
    this.#region = region
    this.#nowMs = nowMs
    this.#onCreated = onCreated
  }

  /**
   * A queue for a thread, which gets a lane of it. Made when it is the first to ask.
   *
   * @throws ERR_QUEUE_MISMATCH, ERR_QUEUE_AREA_FULL
   */
  open(wish: QueueWish, thread: number): QueuePlace {
    const known = this.#entries.get(wish.name)
    if (known !== undefined) checkSame(wish, known.place.settings)
    const entry = known ?? this.#create(wish, settingsOf(wish))
    const { place, lanes } = entry
    if (!lanes.has(thread)) {
      const geometry = geometryOf(place.settings, this.#region.layout.threads)
      const base = this.#allocate(wish.name, laneLayoutOf(geometry).bytes)
      lanes.set(thread, new Lane(this.#region.views, geometry, base, thread))
      addLane(this.#region.views, geometry, place.base, { thread, base }, this.#nowMs())
    }
    return place
  }

  /** A thread has ended: what it had put down and not published was never there. */
  forget(thread: number): void {
    for (const { lanes } of this.#entries.values()) {
      const lane = lanes.get(thread)
      if (lane !== undefined) dropUnpublished(lane)
    }
  }

  /** The queue to which a slot's state word belongs, given its index; null for none. */
  queueAt(index: number): string | null {
    for (const [name, { lanes }] of this.#entries) {
      for (const { states, capacity } of lanes.values()) {
        if (index >= states && index < states + capacity) return name
      }
    }
    return null
  }

  /** Queues that hold jobs which were not done, and how many. */
  get left(): { name: string; jobs: number }[] {
    const left: { name: string; jobs: number }[] = []
    for (const [name, { lanes }] of this.#entries) {
      const { ready, waiting, claimed, dead } = countJobs([...lanes.values()])
      const jobs = ready + waiting + claimed + dead
      if (jobs > 0) left.push({ name, jobs })
    }
    return left
  }

  /** What is in each queue, and what became of its jobs. */
  stats(): QueueStats[] {
    const { layout, views } = this.#region
    return Array.from(this.#entries, ([name, { place, lanes }]) => {
      const geometry = geometryOf(place.settings, layout.threads)
      const counters = Array.from(
        { length: layout.threads },
        (_, thread) => new QueueCounters(views.i32, geometry, place.base, thread),
      )
      const sumOf = (counter: QueueCounter): number =>
        counters.reduce((sum, ofThread) => sum + ofThread.read(counter), 0)
      const { ready, waiting, claimed, dead } = countJobs([...lanes.values()])
      return {
        ...{ name, ready, waiting, inHand: claimed, dying: dead },
        acked: sumOf(QueueCounter.Acked),
        redelivered: sumOf(QueueCounter.Redelivered),
        deadLetters: sumOf(QueueCounter.DeadLetters),
      }
    })
  }

  #create(wish: QueueWish, settings: QueueSettings): Entry {
    const geometry = geometryOf(settings, this.#region.layout.threads)
    const base = this.#allocate(wish.name, queueLayoutOf(geometry).bytes)
    const entry = { place: { name: wish.name, base, settings }, lanes: new Map<number, Lane>() }
    this.#entries.set(wish.name, entry)
    this.#onCreated(wish.name)
    return entry
  }

  #allocate(queue: string, bytes: number): number {
    const { queues, queueBytes } = this.#region.layout
    if (this.#usedBytes + bytes > queueBytes) {
      const found = queueBytes - this.#usedBytes
      throw new FlyshuttleError('ERR_QUEUE_AREA_FULL', { queue, found, wanted: bytes })
    }
    const base = queues + this.#usedBytes
    this.#usedBytes += bytes
    return base
  }
}
