// Which key of an ordered queue has a job under way: one lock for each bucket of keys, held by a
// job and not by a thread.
//
// A lock names lane, slot and generation of its job, and is held while that job lives: through
// deliveries, retries and the deaths of whoever handled it. Nobody has to release it: a lock whose
// job is gone counts as free. So there is nothing to repair.

import type { Lane } from './queue-lane.js'
import { GENERATION_MASK, JobKind, KEY_LOCKS, kindOf } from './queue-layout.js'

const SLOT_BITS = 12
const GENERATION_BITS = 13
const SLOT = (1 << SLOT_BITS) - 1
const GENERATION = (1 << GENERATION_BITS) - 1

/** Slots that a lock can name. */
export const ORDERED_CAPACITY_MAX = 1 << SLOT_BITS

export class KeyLocks {
  readonly #i32: Int32Array
  readonly #first: number
  readonly #laneOf: (thread: number) => Lane | undefined
  /** By bucket: the look in which it was found to be taken. */
  readonly #taken = new Int32Array(KEY_LOCKS)
  #look = 0

  /** `first`: index of the first lock. */
  constructor(i32: Int32Array, first: number, laneOf: (thread: number) => Lane | undefined) {
    this.#i32 = i32
    this.#first = first
    this.#laneOf = laneOf
  }

  /** A look at a ring from its head on begins: a key that is taken stays so for all of it. */
  beginLook(): void {
    this.#look = (this.#look + 1) | 0
  }

  /**
   * Whether the job may be claimed now: it has no key, or its key's lock. A later job of one look
   * never gets what an earlier one was refused: that is what keeps the order.
   */
  take(lane: Lane, slot: number, generation: number, keyHash: number): boolean {
    if (keyHash === 0) return true
    const bucket = keyHash & (KEY_LOCKS - 1)
    if (this.#taken[bucket] === this.#look) return false
    const index = this.#first + bucket
    const wanted =
      ((lane.thread + 1) << (SLOT_BITS + GENERATION_BITS)) |
      (slot << GENERATION_BITS) |
      (generation & GENERATION)
    // SYNC key-lock: pairs with key-lock in #isHeld. A job is claimed after its key was taken.
    const lock = Atomics.load(this.#i32, index)
    if (lock === wanted) return true
    if (
      (lock === 0 || !this.#isHeld(lock)) &&
      Atomics.compareExchange(this.#i32, index, lock, wanted) === lock
    ) {
      return true
    }
    this.#taken[bucket] = this.#look
    return false
  }

  /** Whether the job that a lock names is still there. */
  #isHeld(lock: number): boolean {
    const lane = this.#laneOf((lock >>> (SLOT_BITS + GENERATION_BITS)) - 1)
    if (lane === undefined) return false
    const slot = (lock >>> GENERATION_BITS) & SLOT & (lane.capacity - 1)
    // SYNC key-lock: pairs with key-lock in take. A job that is gone never comes back.
    const word = Atomics.load(this.#i32, lane.states + slot)
    const isSame = (word & GENERATION_MASK & GENERATION) === (lock & GENERATION)
    const kind = kindOf(word)
    return isSame && kind !== JobKind.Free && kind !== JobKind.Dead && kind !== JobKind.Burying
  }
}
