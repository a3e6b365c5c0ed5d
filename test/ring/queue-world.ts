// One work queue in a block of memory, and threads that are plain objects: deaths, late comers and
// anything between two atomic steps can be staged in one thread, by the step.

import { JobClaims } from '../../src/ring/job-claims.js'
import { JobLedger, addLane, type QueueRules } from '../../src/ring/job-ledger.js'
import { LaneWriter, type Lane } from '../../src/ring/queue-lane.js'
import {
  JobKind,
  attemptOf,
  kindOf,
  laneLayoutOf,
  queueLayoutOf,
  SLOT_KEY_HASH,
  type QueueGeometry,
} from '../../src/ring/queue-layout.js'
import { QueueSignals } from '../../src/ring/queue-signals.js'
import { viewsOf, type Views } from '../../src/memory/region.js'

export const RULES: QueueRules = { maxDeliver: 5, ackWaitMs: 1000, backoffMs: [10] }
const BASE = 4096

export interface Claim {
  readonly lane: Lane
  readonly slot: number
  readonly word: number
  readonly job: number
  readonly attempt: number
}

export class QueueWorld {
  readonly geometry: QueueGeometry
  readonly views: Views
  readonly rules: QueueRules
  nowMs = 1000
  /** By thread: its life; 0 when dead. */
  readonly lives: number[]
  readonly #lastLives: number[]
  readonly #lanes = new Set<number>()

  constructor(options: Partial<QueueGeometry> & { rules?: Partial<QueueRules> } = {}) {
    const { rules, ...geometry } = options
    this.geometry = {
      threads: 4,
      capacity: 8,
      slotBytes: 64,
      isOrdered: false,
      idBuckets: 4,
      ...geometry,
    }
    this.rules = { ...RULES, ...rules }
    const headerBytes = queueLayoutOf(this.geometry).bytes
    const laneBytes = laneLayoutOf(this.geometry).bytes
    const { threads } = this.geometry
    this.views = viewsOf(new SharedArrayBuffer(BASE + headerBytes + threads * laneBytes))
    this.lives = Array.from({ length: threads }, () => 0)
    this.#lastLives = Array.from({ length: threads }, () => 0)
  }

  readonly lifeOf = (thread: number): number => this.lives[thread] as number

  get base(): number {
    return BASE
  }

  /** A thread opens the queue: a fresh life of its place. */
  open(thread: number): QueueThread {
    const life = (this.#lastLives[thread] as number) + 1
    this.#lastLives[thread] = life
    this.lives[thread] = life
    this.addLane(thread)
    return new QueueThread(this, thread, life)
  }

  die(thread: number): void {
    this.lives[thread] = 0
  }

  /** What thread 0 does before the first open. */
  addLane(thread: number): void {
    if (this.#lanes.has(thread)) return
    this.#lanes.add(thread)
    const headerBytes = queueLayoutOf(this.geometry).bytes
    const base = BASE + headerBytes + thread * laneLayoutOf(this.geometry).bytes
    addLane(this.views, this.geometry, BASE, { thread, base }, this.nowMs)
  }
}

export class QueueThread {
  readonly ledger: JobLedger
  readonly claims: JobClaims
  readonly signals: QueueSignals
  readonly writer: LaneWriter
  readonly #world: QueueWorld

  constructor(world: QueueWorld, thread: number, incarnation: number) {
    this.#world = world
    const { views, geometry, rules, nowMs, lifeOf, base } = world
    const options = { views, geometry, base, thread, incarnation, rules, nowMs, lifeOf }
    this.ledger = new JobLedger(options)
    this.claims = new JobClaims(this.ledger)
    this.signals = new QueueSignals(this.ledger, lifeOf)
    this.writer = new LaneWriter(this.ledger.laneOf(thread) as Lane)
  }

  /** Adds a job that is a number; false when the lane is full. */
  add(job: number, options: { level?: number; key?: number; dueMs?: number } = {}): boolean {
    if (!this.put(job, options)) return false
    this.writer.publish()
    return true
  }

  put(
    job: number,
    { level = 2, key = 0, dueMs = 0 }: { level?: number; key?: number; dueMs?: number } = {},
  ): boolean {
    const slot = this.writer.take(level)
    if (slot < 0) return false
    const { lane } = this.writer
    const { i32 } = this.#world.views
    i32[lane.payload(slot) >>> 2] = job
    i32[(lane.slot(slot) + SLOT_KEY_HASH) >>> 2] = key
    if (dueMs > 0) this.writer.commitLater(slot, dueMs)
    else this.writer.commit(slot, level)
    return true
  }

  claim(max = 1): Claim[] {
    const { claims } = this
    const count = claims.claim(max, this.#world.nowMs)
    return Array.from({ length: count }, (_, n) => {
      const lane = claims.lanes[n] as Lane
      const slot = claims.slots[n] as number
      const word = claims.words[n] as number
      const job = this.#world.views.i32[lane.payload(slot) >>> 2] as number
      return { lane, slot, word, job, attempt: attemptOf(word) }
    })
  }

  ack({ lane, slot, word }: Claim): boolean {
    return this.ledger.finish(lane, slot, word)
  }

  nak({ lane, slot, word }: Claim, delayMs = 0): boolean {
    return this.ledger.giveBack(lane, slot, word, this.#world.nowMs, delayMs, 1)
  }

  repair(): void {
    this.signals.forgetDead()
    this.ledger.repair(this.#world.nowMs)
  }

  /** Jobs that lie among the dead, each buried by this. */
  bury(): number[] {
    const jobs: number[] = []
    this.ledger.eachDead(this.#world.nowMs, (lane, slot, word) => {
      const burying = this.ledger.bury(lane, slot, word, 0)
      if (burying === 0) return
      jobs.push(this.#world.views.i32[lane.payload(slot) >>> 2] as number)
      this.ledger.finish(lane, slot, burying)
    })
    return jobs
  }

  /** Kinds of all states that are not free. */
  kinds(): number[] {
    const found: number[] = []
    for (const lane of this.ledger.lanes) {
      for (let slot = 0; slot < lane.capacity; slot++) {
        const kind = kindOf(this.#world.views.i32[lane.states + slot] as number)
        if (kind !== JobKind.Free) found.push(kind)
      }
    }
    return found
  }
}

export class Killed extends Error {}

/**
 * Has `onStep` called before every atomic operation of `work`; what it throws ends the work there,
 * as a thread's death would.
 */
export function stepped<T>(onStep: (step: number) => void, work: () => T): T {
  const names = ['load', 'store', 'compareExchange', 'exchange', 'add', 'sub', 'and', 'or'] as const
  const saved = names.map((name) => Atomics[name])
  let step = 0
  let isInside = false
  const atomics = Atomics as unknown as Record<string, unknown>
  names.forEach((name, n) => {
    const plain = saved[n] as (...given: unknown[]) => number
    atomics[name] = (...given: unknown[]) => {
      if (!isInside) {
        isInside = true
        try {
          onStep(step++)
        } finally {
          isInside = false
        }
      }
      return plain(...given)
    }
  })
  try {
    return work()
  } finally {
    names.forEach((name, n) => {
      atomics[name] = saved[n]
    })
  }
}
