// The states of all jobs of a work queue, and every change of one but its claim, on any thread and
// against any number of others.
//
// One word per slot says all there is to say about its job (`queue-layout.ts`), and every change of
// it is one compare-and-swap, so there is nothing to lock and a thread may die between any two
// steps: what it had is found by its number. The attempt in the word is a fence: a claim that was
// taken back can no longer be settled by whoever had it. Claims are made in `job-claims.ts`.

import type { Views } from '../memory/region.js'
import { Lane } from './queue-lane.js'
import {
  JobKind,
  SLOT_ACK_BY,
  SLOT_CODEC,
  SLOT_DUE,
  SLOT_REASON_SHIFT,
  THREAD_SHIFT,
  attemptOf,
  kindOf,
  queueLayoutOf,
  stateWord,
  threadOf,
  type QueueGeometry,
  type QueueLayout,
} from './queue-layout.js'

/** What a queue promises about deliveries. */
export interface QueueRules {
  readonly maxDeliver: number
  readonly ackWaitMs: number
  /** Wait after the first, second … failed attempt; the last for all that follow. */
  readonly backoffMs: readonly number[]
}

/** Why a job is dead; stands in its slot. */
export const DeathReason = {
  None: 0,
  Failed: 1,
  TimedOut: 2,
  ThreadDied: 3,
  Terminated: 4,
} as const
export type DeathReason = (typeof DeathReason)[keyof typeof DeathReason]

export interface LedgerOptions {
  readonly views: Views
  readonly geometry: QueueGeometry
  /** Byte offset of the queue's header. */
  readonly base: number
  readonly thread: number
  readonly incarnation: number
  readonly rules: QueueRules
  readonly nowMs: number
  /** Which life of its place a thread is in; 0 when it is dead. */
  readonly lifeOf: (thread: number) => number
}

/** How many jobs are in which state, over all lanes. */
export interface JobCounts {
  ready: number
  waiting: number
  claimed: number
  dead: number
}

export class JobLedger {
  readonly layout: QueueLayout
  readonly geometry: QueueGeometry
  readonly views: Views
  readonly rules: QueueRules
  /** By the order in which this thread has learnt of them. */
  readonly lanes: Lane[] = []
  readonly thread: number
  readonly #i32: Int32Array
  readonly #base: number
  readonly #laneOfThread: (Lane | undefined)[] = []
  readonly #lifeOf: (thread: number) => number
  readonly #ownBits: number

  constructor(options: LedgerOptions) {
    const { views, geometry, thread, incarnation } = options
    this.layout = queueLayoutOf(geometry)
    this.geometry = geometry
    this.views = views
    this.rules = options.rules
    this.thread = thread
    this.#i32 = views.i32
    this.#base = options.base
    this.#lifeOf = options.lifeOf
    this.#ownBits = thread << THREAD_SHIFT
    // STEP queue-open: what bears our number is older, until we say which life we are in.
    this.catchUp()
    this.#repairAll((owner) => owner === thread || this.isGone(owner), options.nowMs)
    Atomics.store(this.#i32, this.index(this.layout.inHand) + thread, 0)
    // SYNC queue-opened: pairs with queue-opened in isGone. Ours are alive from here on.
    Atomics.store(this.#i32, this.index(this.layout.opened) + thread, incarnation)
  }

  /** Index of a word of the queue's header. */
  index(offset: number): number {
    return (this.#base + offset) >>> 2
  }

  laneOf(thread: number): Lane | undefined {
    return this.#laneOfThread[thread]
  }

  /** Learns of lanes that were added since. */
  catchUp(): void {
    // SYNC queue-lanes: pairs with queue-lanes in addLane. The offset is there before the count.
    const count = Atomics.load(this.#i32, this.index(this.layout.lanes))
    if (count === this.lanes.length) return
    const first = this.index(this.layout.laneOffsets)
    for (let thread = 0; thread < this.geometry.threads; thread++) {
      const units = Atomics.load(this.views.u32, first + thread)
      if (units === 0 || this.#laneOfThread[thread] !== undefined) continue
      const lane = new Lane(this.views, this.geometry, units * 8, thread)
      this.#laneOfThread[thread] = lane
      this.lanes.push(lane)
    }
  }

  /** Whether a word still says what it said; for a claim: whether it is still ours. */
  is(lane: Lane, slot: number, word: number): boolean {
    return Atomics.load(this.#i32, lane.states + slot) === word
  }

  /** The same, and what was read before was read while it did. */
  isStill(lane: Lane, slot: number, word: number): boolean {
    // SYNC slot-claim: pairs with slot-claim in #move. A swap of like for like: no read passes it.
    return Atomics.compareExchange(this.#i32, lane.states + slot, word, word) === word
  }

  /** Moves the end of a claim; false when it is ours no more. */
  extend(lane: Lane, slot: number, word: number, nowMs: number): boolean {
    if (!this.is(lane, slot, word)) return false
    lane.f64[(lane.slot(slot) + SLOT_ACK_BY) >>> 3] = nowMs + this.rules.ackWaitMs
    return true
  }

  /** Ends a job for good, and frees its slot; false when the claim had been taken back. */
  finish(lane: Lane, slot: number, word: number): boolean {
    // SYNC slot-free: pairs with slot-free in LaneWriter.take. We are through with what is in it.
    const free = stateWord(JobKind.Free, 0, 0, word + 1)
    return Atomics.compareExchange(this.#i32, lane.states + slot, word, free) === word
  }

  /**
   * Gives a job back, to be delivered again after `delayMs`, or after the back-off of the rules
   * when that is negative; a job whose attempts are spent is dead instead. False as in `finish`.
   */
  giveBack(
    lane: Lane,
    slot: number,
    word: number,
    nowMs: number,
    delayMs: number,
    reason: DeathReason,
  ): boolean {
    // STEP queue-return: held by us, so that nobody has it while we write when it is due.
    const held = this.#move(lane, slot, word, JobKind.Held)
    if (held === 0) return false
    this.#putBack(lane, slot, held, nowMs, delayMs, reason)
    return true
  }

  /**
   * Takes a claimed or dead job to make a dead letter of it: its new word, or 0 when the job is not
   * as named any more. `finish` ends it, `keepDead` puts it off.
   */
  bury(lane: Lane, slot: number, word: number, reason: DeathReason): number {
    // STEP queue-bury: ours alone until the letter is kept.
    const burying = this.#move(lane, slot, word, JobKind.Burying)
    if (burying !== 0 && reason !== DeathReason.None) this.#writeReason(lane, slot, reason)
    return burying
  }

  /** The dead letter could not be kept: again from `untilMs` on. */
  keepDead(lane: Lane, slot: number, burying: number, untilMs: number): void {
    lane.f64[(lane.slot(slot) + SLOT_DUE) >>> 3] = untilMs
    // STEP queue-bury: the time first, then the word that has others look at it.
    this.#move(lane, slot, burying, JobKind.Dead)
    lane.lowerDue(untilMs)
  }

  /** Each dead job that is due for burial. */
  eachDead(nowMs: number, visit: (lane: Lane, slot: number, word: number) => void): void {
    this.#each(JobKind.Dead, (lane, slot, word) => {
      if ((lane.f64[(lane.slot(slot) + SLOT_DUE) >>> 3] as number) <= nowMs) visit(lane, slot, word)
    })
  }

  /** Gives back what threads had that are dead. To be called after every death. */
  repair(nowMs: number): void {
    this.catchUp()
    this.#repairAll((owner) => this.isGone(owner), nowMs)
    // A dead thread may have been looking for what is due, and have kept that to itself.
    for (const lane of this.lanes) lane.lowerDue(nowMs)
  }

  /** Drops every job that nobody has claimed; returns how many. */
  purge(): number {
    this.catchUp()
    let purged = 0
    for (const kind of [JobKind.Ready, JobKind.Waiting]) {
      this.#each(kind, (lane, slot, word) => {
        if (this.finish(lane, slot, word)) purged++
      })
    }
    return purged
  }

  count(): JobCounts {
    this.catchUp()
    return countJobs(this.lanes)
  }

  #each(kind: JobKind, visit: (lane: Lane, slot: number, word: number) => void): void {
    for (const lane of this.lanes) {
      for (let slot = 0; slot < lane.capacity; slot++) {
        const word = Atomics.load(this.#i32, lane.states + slot)
        if (kindOf(word) === kind) visit(lane, slot, word)
      }
    }
  }

  /** Has a job change its kind, into our hands; its new word, or 0 when it was not as named. */
  #move(lane: Lane, slot: number, word: number, kind: JobKind): number {
    const next = stateWord(kind, 0, attemptOf(word), word) | this.#ownBits
    // SYNC slot-claim: pairs with slot-claim in JobClaims. One of all who want it gets it.
    return Atomics.compareExchange(this.#i32, lane.states + slot, word, next) === word ? next : 0
  }

  /** Puts a job that we hold back into its lane, or among the dead. */
  #putBack(
    lane: Lane,
    slot: number,
    held: number,
    nowMs: number,
    delayMs: number,
    reason: DeathReason,
  ): void {
    const attempt = attemptOf(held)
    const isSpent = attempt >= this.rules.maxDeliver
    const waitMs = delayMs >= 0 ? delayMs : this.#backoffMs(attempt)
    const dueMs = isSpent ? nowMs : nowMs + waitMs
    if (isSpent) this.#writeReason(lane, slot, reason)
    lane.f64[(lane.slot(slot) + SLOT_DUE) >>> 3] = dueMs
    const kind = isSpent ? JobKind.Dead : JobKind.Waiting
    // SYNC slot-wait: pairs with slot-wait in JobClaims. When it is due stands there before.
    Atomics.store(this.#i32, lane.states + slot, stateWord(kind, 0, attempt, held))
    lane.lowerDue(dueMs)
  }

  #backoffMs(attempt: number): number {
    const { backoffMs } = this.rules
    return backoffMs[Math.min(attempt, backoffMs.length) - 1] ?? 0
  }

  #writeReason(lane: Lane, slot: number, reason: DeathReason): void {
    const index = (lane.slot(slot) + SLOT_CODEC) >>> 2
    const word = this.#i32[index] as number
    this.#i32[index] = (word & ~(255 << SLOT_REASON_SHIFT)) | (reason << SLOT_REASON_SHIFT)
  }

  #repairAll(isGone: (owner: number) => boolean, nowMs: number): void {
    for (const lane of this.lanes) {
      for (let slot = 0; slot < lane.capacity; slot++) {
        const word = Atomics.load(this.#i32, lane.states + slot)
        const kind = kindOf(word)
        const isOwned = kind === JobKind.Claimed || kind === JobKind.Held
        if (!isOwned && kind !== JobKind.Burying) continue
        if (!isGone(threadOf(word))) continue
        // STEP queue-repair: as if its owner had done it. Others may be at it as well.
        if (isOwned) this.giveBack(lane, slot, word, nowMs, -1, DeathReason.ThreadDied)
        else if (this.#move(lane, slot, word, JobKind.Dead) !== 0) lane.lowerDue(nowMs)
      }
    }
  }

  /** Whether what bears a thread's number belongs to a life that is over. */
  isGone(thread: number): boolean {
    const life = this.#lifeOf(thread)
    // SYNC queue-opened: pairs with queue-opened in the constructor. Claims come after it.
    return life === 0 || Atomics.load(this.#i32, this.index(this.layout.opened) + thread) !== life
  }
}

export function countJobs(lanes: readonly Lane[]): JobCounts {
  const counts = { ready: 0, waiting: 0, claimed: 0, dead: 0 }
  for (const lane of lanes) {
    for (let slot = 0; slot < lane.capacity; slot++) {
      const kind = kindOf(Atomics.load(lane.i32, lane.states + slot))
      if (kind === JobKind.Ready) counts.ready++
      else if (kind === JobKind.Waiting || kind === JobKind.Held) counts.waiting++
      else if (kind === JobKind.Claimed) counts.claimed++
      else if (kind !== JobKind.Free) counts.dead++
    }
  }
  return counts
}

/** Gives a thread its lane. Thread 0 does it, and nobody else. */
export function addLane(
  views: Views,
  geometry: QueueGeometry,
  base: number,
  lane: { readonly thread: number; readonly base: number },
  nowMs: number,
): void {
  const layout = queueLayoutOf(geometry)
  const { dueIndex } = new Lane(views, geometry, lane.base, lane.thread)
  Atomics.store(views.i32, dueIndex, Math.floor(nowMs) | 0)
  Atomics.store(views.u32, ((base + layout.laneOffsets) >>> 2) + lane.thread, lane.base / 8)
  // SYNC queue-lanes: pairs with queue-lanes in catchUp. The offset is there before the count.
  Atomics.add(views.i32, (base + layout.lanes) >>> 2, 1)
}
