// Who waits at a work queue, and for what: consumers for a job, producers for a free slot of their
// own lane; whether it is paused; how much each thread has in hand.
//
// A bit for each thread. Whoever waits sets its bit and looks once more before it rests; whoever
// has something for others changes the queue first and looks at the bits afterwards. Both store
// before they load, so one of them sees the other. A bit is cleared by the one who wakes its
// thread; what is not taken up because that thread dies, every death brings back.

import type { JobLedger } from './job-ledger.js'

export class QueueSignals {
  readonly #i32: Int32Array
  readonly #ledger: JobLedger
  readonly #thread: number
  readonly #paused: number
  readonly #idle: number
  readonly #room: number
  readonly #inHand: number
  readonly #lifeOf: (thread: number) => number
  #turn = 0

  /** What a predecessor waited for is forgotten. */
  constructor(ledger: JobLedger, lifeOf: (thread: number) => number) {
    const { layout, thread } = ledger
    this.#i32 = ledger.views.i32
    this.#ledger = ledger
    this.#thread = thread
    this.#lifeOf = lifeOf
    this.#paused = ledger.index(layout.paused)
    this.#idle = ledger.index(layout.idle)
    this.#room = ledger.index(layout.room)
    this.#inHand = ledger.index(layout.inHand)
    this.#lower(this.#idle, thread)
    this.#lower(this.#room, thread)
  }

  get isPaused(): boolean {
    return Atomics.load(this.#i32, this.#paused) !== 0
  }

  set isPaused(isPaused: boolean) {
    // STEP queue-pause: whoever claims looks at it first, and is woken after it was lifted.
    Atomics.store(this.#i32, this.#paused, isPaused ? 1 : 0)
  }

  /** This thread's consumers are about to rest. Look for jobs once more before they do. */
  setIdle(): void {
    // SYNC queue-idle: pairs with queue-idle in takeIdle. The bit is there before the last look.
    this.#raise(this.#idle, this.#thread)
  }

  clearIdle(): void {
    if (this.isIdle) this.#lower(this.#idle, this.#thread)
  }

  /** Whether nobody has woken this thread's consumers yet. A plain look: cheap, and never stale. */
  get isIdle(): boolean {
    return this.#isRaised(this.#idle, this.#thread)
  }

  /** A thread whose consumers rest, to be woken by the caller; -1 when there is none. */
  takeIdle(): number {
    // SYNC queue-idle: pairs with queue-idle in setIdle. What they will find is there already.
    return this.#takeOne(this.#idle)
  }

  /** This thread is about to wait for a free slot. Look for one once more before it does. */
  setWaiting(): void {
    // SYNC queue-room: pairs with queue-room in takeWaiting. The bit is there before the last look.
    this.#raise(this.#room, this.#thread)
  }

  get isWaiting(): boolean {
    return this.#isRaised(this.#room, this.#thread)
  }

  /** A thread that waits for a slot, to be woken by the caller; -1 when there is none. */
  takeWaiting(): number {
    // SYNC queue-room: pairs with queue-room in setWaiting. Slots were freed before.
    return this.#takeOne(this.#room)
  }

  /** Nobody shall wake a thread that has died. To be called after every death, before a look. */
  forgetDead(): void {
    for (let thread = 0; thread < this.#ledger.geometry.threads; thread++) {
      if (this.#lifeOf(thread) !== 0) continue
      // STEP queue-repair: whoever saw the bit before has changed the queue before we look.
      this.#lower(this.#idle, thread)
      this.#lower(this.#room, thread)
    }
  }

  /**
   * Takes `wanted` jobs more into this thread's hands, but no more than `max` in those of all: how
   * many that are. Two who ask at one time may both get less than there is; they ask again.
   */
  reserve(wanted: number, max: number): number {
    const own = this.#inHand + this.#thread
    const had = Atomics.load(this.#i32, own)
    // SYNC queue-in-hand: pairs with queue-in-hand in release. Said before the others are counted.
    Atomics.store(this.#i32, own, had + wanted)
    const granted = Math.max(0, Math.min(wanted, wanted - (this.#allInHand() - max)))
    Atomics.store(this.#i32, own, had + granted)
    return granted
  }

  /** So many jobs are settled, or were reserved and not claimed. */
  release(jobs: number): void {
    // SYNC queue-in-hand: pairs with queue-in-hand in reserve. This thread alone writes the word.
    Atomics.sub(this.#i32, this.#inHand + this.#thread, jobs)
  }

  #allInHand(): number {
    let sum = 0
    for (let thread = 0; thread < this.#ledger.geometry.threads; thread++) {
      const jobs = Atomics.load(this.#i32, this.#inHand + thread)
      if (jobs !== 0 && !this.#ledger.isGone(thread)) sum += jobs
    }
    return sum
  }

  #raise(first: number, thread: number): void {
    Atomics.or(this.#i32, first + (thread >>> 5), 1 << (thread & 31))
  }

  #lower(first: number, thread: number): void {
    Atomics.and(this.#i32, first + (thread >>> 5), ~(1 << (thread & 31)))
  }

  #isRaised(first: number, thread: number): boolean {
    return ((this.#i32[first + (thread >>> 5)] as number) & (1 << (thread & 31))) !== 0
  }

  #takeOne(first: number): number {
    const threads = this.#ledger.geometry.threads
    if (
      Atomics.load(this.#i32, first) === 0 &&
      (threads <= 32 || Atomics.load(this.#i32, first + 1) === 0)
    ) {
      return -1
    }
    for (let n = 0; n < threads; n++) {
      const thread = (this.#turn + n) % threads
      if (!this.#isRaised(first, thread)) continue
      const bit = 1 << (thread & 31)
      if ((Atomics.and(this.#i32, first + (thread >>> 5), ~bit) & bit) === 0) continue
      this.#turn = thread + 1
      return thread
    }
    return -1
  }
}
