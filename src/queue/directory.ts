// Which queues there are, kept on thread 0: their names, their settings, and what of the region's
// queue area each has.
//
// What was handed out never comes back: a lane outlives the threads that have it, one after the
// other, and a queue lives as long as its engine.

import { FlyshuttleError } from '../base/errors.js'
import type { Region } from '../memory/region.js'
import { addLane, countJobs } from '../ring/job-ledger.js'
import { Lane } from '../ring/queue-lane.js'
import { laneLayoutOf, queueLayoutOf } from '../ring/queue-layout.js'
import {
  checkSame,
  geometryOf,
  settingsOf,
  type QueuePlace,
  type QueueSettings,
  type QueueWish,
} from './options.js'

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
