// Claims jobs of a work queue for one thread: those that are ready, in the order of their lanes,
// and those whose time has come.
//
// The state word of a slot decides (`job-ledger.ts`); rings, heads and due words only say where to
// look. What must stay true: a head never passes a job that is ready, and a job that is neither
// free nor ready is found by a look at all states of its lane, to which `due` and every death lead.

import { PRIORITY_PASSES_MAX } from '../base/limits.js'
import { DeathReason, type JobLedger } from './job-ledger.js'
import { KeyLocks } from './key-locks.js'
import { FAR_MS, type Lane } from './queue-lane.js'
import {
  ENTRY_GENERATION_SHIFT,
  ENTRY_SLOT_MASK,
  GENERATION_MASK,
  JobKind,
  KIND_SHIFT,
  LEVELS,
  SLOT_ACK_BY,
  SLOT_DUE,
  SLOT_KEY_HASH,
  SLOT_TAG,
  THREAD_SHIFT,
  attemptOf,
  stateWord,
} from './queue-layout.js'

// Constants of this module, which V8 folds into compiled code; imported ones it does not.
const READY = JobKind.Ready
const KIND = KIND_SHIFT
const GENERATION = GENERATION_MASK
const SLOT = ENTRY_SLOT_MASK
const ENTRY_GENERATION = ENTRY_GENERATION_SHIFT

/** Jobs claimed at one go. */
export const CLAIMS_MAX = 256
/** A job for later whose key is taken when its time comes is looked at again after so long. */
const BLOCKED_KEY_MS = 10

export class JobClaims {
  /** What the last `claim` got: lane, slot and state word of each. */
  readonly lanes: Lane[] = []
  readonly slots = new Int32Array(CLAIMS_MAX)
  readonly words = new Int32Array(CLAIMS_MAX)
  /** The last `claim` has seen a dead job that is due for burial. */
  hasDead = false
  /** The last `claim` has left ready jobs behind. */
  hasMore = false
  readonly #ledger: JobLedger
  readonly #i32: Int32Array
  readonly #locks: KeyLocks | null
  readonly #ownBits: number
  /** By level: jobs that were claimed above it while it had some. */
  readonly #passedOver = new Int32Array(LEVELS)
  #turn = 0
  #count = 0

  constructor(ledger: JobLedger) {
    this.#ledger = ledger
    this.#i32 = ledger.views.i32
    this.#ownBits = ledger.thread << THREAD_SHIFT
    const { layout } = ledger
    this.#locks = ledger.geometry.isOrdered
      ? new KeyLocks(this.#i32, ledger.index(layout.locks), (thread) => ledger.laneOf(thread))
      : null
  }

  /**
   * Claims up to `max` jobs: what is due again first, then by level, the lanes in turn. Returns how
   * many; they are in `lanes`, `slots` and `words`.
   */
  claim(max: number, nowMs: number): number {
    const { lanes } = this.#ledger
    const wanted = Math.min(max, CLAIMS_MAX)
    this.#count = 0
    this.hasDead = false
    this.hasMore = false
    this.#ledger.catchUp()
    for (const lane of lanes) if (lane.dueInMs(nowMs) <= 0) this.#sweep(lane, nowMs, wanted)
    for (let level = LEVELS - 1; level > 0; level--) {
      // One that was passed over too often gets one job out first.
      if ((this.#passedOver[level] as number) < PRIORITY_PASSES_MAX) continue
      this.#claimLevel(level, Math.min(wanted, this.#count + 1))
      this.#passedOver[level] = 0
    }
    for (let level = 0; level < LEVELS; level++) this.#claimLevel(level, wanted)
    this.#turn = lanes.length === 0 ? 0 : (this.#turn + 1) % lanes.length
    this.#stampAll(nowMs + this.#ledger.rules.ackWaitMs)
    return this.#count
  }

  #claimLevel(level: number, wanted: number): void {
    const { lanes } = this.#ledger
    const before = this.#count
    let isLeft = false
    for (let n = 0; n < lanes.length; n++) {
      const lane = lanes[(this.#turn + n) % lanes.length] as Lane
      if ((Atomics.load(this.#i32, lane.levelsIndex) & (1 << level)) === 0) continue
      isLeft =
        (this.#locks === null
          ? this.#claimRing(lane, level, wanted)
          : this.#claimOrdered(lane, level, wanted, this.#locks)) || isLeft
    }
    this.hasMore ||= isLeft
    const above = before
    this.#passedOver[level] =
      isLeft && this.#count === before ? (this.#passedOver[level] as number) + above : 0
  }

  /** Returns whether jobs may be left. */
  #claimRing(lane: Lane, level: number, wanted: number): boolean {
    const i32 = this.#i32
    const mask = lane.capacity - 1
    const headIndex = lane.headIndex(level)
    const ring = lane.rings + level * lane.capacity
    const head = Atomics.load(i32, headIndex)
    // SYNC queue-tail: pairs with queue-tail in LaneWriter.publish. What lies before it is whole.
    const tail = Atomics.load(i32, lane.tailIndex(level))
    if (!isWithin(tail, head, lane.capacity)) return false
    let at = head
    while (at !== tail && this.#count < wanted) {
      const entry = Atomics.load(i32, ring + (at & mask))
      // STEP queue-lap: once the head is past us, the writer may have put another entry there.
      if (((Atomics.load(i32, headIndex) - at) | 0) > 0) return this.#claimRing(lane, level, wanted)
      this.#take(lane, entry & SLOT & mask, (entry >>> ENTRY_GENERATION) & GENERATION)
      at = (at + 1) | 0
    }
    // STEP queue-head: behind us nothing is ready any more. If another moved it, it knew as much.
    if (at !== head) Atomics.compareExchange(i32, headIndex, head, at)
    return at !== tail
  }

  /** The same, but a key that is taken is passed over, and the head stays before its jobs. */
  #claimOrdered(lane: Lane, level: number, wanted: number, locks: KeyLocks): boolean {
    const i32 = this.#i32
    const mask = lane.capacity - 1
    const headIndex = lane.headIndex(level)
    const ring = lane.rings + level * lane.capacity
    const head = Atomics.load(i32, headIndex)
    // SYNC queue-tail: pairs with queue-tail in LaneWriter.publish. What lies before it is whole.
    const tail = Atomics.load(i32, lane.tailIndex(level))
    if (!isWithin(tail, head, lane.capacity)) return false
    locks.beginLook()
    let behind = head
    let at = head
    for (; at !== tail && this.#count < wanted; at = (at + 1) | 0) {
      const entry = Atomics.load(i32, ring + (at & mask))
      // STEP queue-lap: as above; the lock, too, would go to a job whose turn has not come.
      if (((Atomics.load(i32, headIndex) - at) | 0) > 0) {
        return this.#claimOrdered(lane, level, wanted, locks)
      }
      const slot = entry & SLOT & mask
      const generation = (entry >>> ENTRY_GENERATION) & GENERATION
      if (lane.isReady(level, at)) {
        // STEP queue-lock: the key first, then the job. A lock whose job is gone is no lock.
        const isOurs = locks.take(lane, slot, generation, this.#keyHash(lane, slot))
        if (!isOurs) continue
        this.#take(lane, slot, generation)
      }
      if (behind === at) behind = (at + 1) | 0
    }
    if (behind !== head) Atomics.compareExchange(i32, headIndex, head, behind)
    return at !== tail
  }

  #keyHash(lane: Lane, slot: number): number {
    return this.#i32[(lane.slot(slot) + SLOT_KEY_HASH) >>> 2] as number
  }

  /** Claims a slot if its job is ready and in the life that is meant. */
  #take(lane: Lane, slot: number, generation: number): void {
    const word = Atomics.load(this.#i32, lane.states + slot)
    if (word >>> KIND !== READY || (word & GENERATION) !== generation) return
    this.#claimWord(lane, slot, word)
  }

  #claimWord(lane: Lane, slot: number, word: number): void {
    const claimed = stateWord(JobKind.Claimed, 0, attemptOf(word) + 1, word) | this.#ownBits
    // SYNC slot-claim: pairs with slot-claim in JobLedger. One of all who want it gets it: ours
    // until we settle it, die, or are too late.
    if (Atomics.compareExchange(this.#i32, lane.states + slot, word, claimed) !== word) return
    this.lanes[this.#count] = lane
    this.slots[this.#count] = slot
    this.words[this.#count++] = claimed
  }

  /** By when they have to be settled. Until that is written, nobody takes them back. */
  #stampAll(ackByMs: number): void {
    for (let n = 0; n < this.#count; n++) {
      const lane = this.lanes[n] as Lane
      const at = lane.slot(this.slots[n] as number)
      lane.f64[(at + SLOT_ACK_BY) >>> 3] = ackByMs
      // SYNC claim-tag: pairs with claim-tag in #look. The time is there before its tag.
      Atomics.store(this.#i32, (at + SLOT_TAG) >>> 2, this.words[n] as number)
      if (n === 0 || lane !== this.lanes[n - 1]) lane.lowerDue(ackByMs)
    }
  }

  /**
   * Looks at every state of a lane: claims what is due, takes back what is overdue, and notes when
   * to look again.
   */
  #sweep(lane: Lane, nowMs: number, wanted: number): void {
    // SYNC queue-due: pairs with queue-due in Lane.lowerDue. Whatever changes from now on says so.
    Atomics.store(this.#i32, lane.dueIndex, Math.ceil(nowMs + FAR_MS) | 0)
    let nextMs = nowMs + FAR_MS
    for (let slot = 0; slot < lane.capacity; slot++) {
      const word = Atomics.load(this.#i32, lane.states + slot)
      if (word >>> KIND <= READY) continue
      nextMs = Math.min(nextMs, this.#look(lane, slot, word, nowMs, wanted))
    }
    lane.lowerDue(nextMs)
  }

  /** Does what is due about one job; returns when to look at it again. */
  #look(lane: Lane, slot: number, word: number, nowMs: number, wanted: number): number {
    const at = lane.slot(slot)
    const kind = word >>> KIND
    if (kind === JobKind.Waiting || kind === JobKind.Dead) {
      // SYNC slot-wait: pairs with slot-wait in #putBack and LaneWriter.commitLater.
      const dueMs = lane.f64[(at + SLOT_DUE) >>> 3] as number
      if (dueMs > nowMs) return dueMs
      if (kind === JobKind.Dead) this.hasDead = true
      else if (this.#count >= wanted) {
        this.hasMore = true
        return nowMs
      } else if (this.#hasKey(lane, slot, word)) this.#claimWord(lane, slot, word)
      else return nowMs + BLOCKED_KEY_MS
    } else if (kind === JobKind.Claimed) {
      // SYNC claim-tag: pairs with claim-tag in #stampAll. Without it the claim is brand-new.
      const isStamped = Atomics.load(this.#i32, (at + SLOT_TAG) >>> 2) === word
      const ackByMs = lane.f64[(at + SLOT_ACK_BY) >>> 3] as number
      if (!isStamped) return nowMs + this.#ledger.rules.ackWaitMs
      if (ackByMs > nowMs) return ackByMs
      this.#ledger.giveBack(lane, slot, word, nowMs, -1, DeathReason.TimedOut)
    }
    return nowMs + FAR_MS
  }

  #hasKey(lane: Lane, slot: number, word: number): boolean {
    if (this.#locks === null) return true
    this.#locks.beginLook()
    return this.#locks.take(lane, slot, word & GENERATION, this.#keyHash(lane, slot))
  }
}

/** Whether a tail and a head can belong together: whoever writes garbage is not followed. */
function isWithin(tail: number, head: number, capacity: number): boolean {
  const distance = (tail - head) | 0
  return distance >= 0 && distance <= capacity
}
