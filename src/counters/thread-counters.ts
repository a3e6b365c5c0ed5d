// What one thread counts about itself and says about its liveness, in lines of its inbox that only
// it writes.
//
// `ThreadCounters` is for what happens rarely, such as a dropped message. `LoopMeter` is for the
// doorbell: with the addon it only writes the beat, and the addon itself the rest
// (`native/core/counters.h`).

import type { Clock } from '../base/clock.js'
import { BEAT_MS, LINE_BYTES } from '../base/limits.js'
import {
  ACTIVITY_BITS,
  Activity,
  COUNTER_BYTES,
  INBOX_BEAT,
  INBOX_BYTES,
  INBOX_COUNTERS,
  INBOX_DELIVERY_MAX,
  INBOX_LAG,
  INBOX_LAG_MAX,
  INBOX_LIVENESS,
  ThreadCounter,
} from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import { count, readCount } from './counter.js'

/** Some words' worth of microseconds: 71 minutes. */
const US_MAX = 2 ** 32 - 1

export class ThreadCounters {
  readonly #i32: Int32Array
  readonly #inbox: number

  constructor(region: Region, thread: number) {
    this.#i32 = region.views.i32
    this.#inbox = region.layout.inbox(thread)
  }

  /** A new thread on the place counts from 0. */
  clear(): void {
    const liveness = this.#inbox + INBOX_LIVENESS
    this.#i32.fill(0, liveness >>> 2, (liveness + LINE_BYTES) >>> 2)
    this.#i32.fill(0, (this.#inbox + INBOX_COUNTERS) >>> 2, (this.#inbox + INBOX_BYTES) >>> 2)
  }

  add(counter: ThreadCounter, by: number): void {
    count(this.#i32, this.#indexOf(counter), by)
  }

  read(counter: ThreadCounter): number {
    return readCount(this.#i32, this.#indexOf(counter))
  }

  #indexOf(counter: ThreadCounter): number {
    return (this.#inbox + INBOX_COUNTERS + counter * COUNTER_BYTES) >>> 2
  }
}

export class LoopMeter {
  readonly #counters: ThreadCounters
  readonly #clock: Clock
  readonly #u32: Uint32Array
  readonly #inbox: number
  readonly #onBeat: () => void
  #beatDueMs: number
  #busyUs = 0

  /** `onBeat` is called at every beat. */
  constructor(region: Region, thread: number, clock: Clock, onBeat: () => void = () => {}) {
    this.#onBeat = onBeat
    this.#counters = new ThreadCounters(region, thread)
    this.#clock = clock
    this.#u32 = region.views.u32
    this.#inbox = region.layout.inbox(thread)
    this.#beatDueMs = clock.nowMs() + BEAT_MS
    this.#put(INBOX_BEAT, clock.nowMs())
  }

  /** To be called by a timer every BEAT_MS: how late it is, the loop was late for everything. */
  beat(): void {
    const nowMs = this.#clock.nowMs()
    const lagUs = Math.min(US_MAX, Math.max(0, (nowMs - this.#beatDueMs) * 1000))
    this.#beatDueMs = nowMs + BEAT_MS
    this.#put(INBOX_BEAT, nowMs)
    this.#put(INBOX_LAG, lagUs)
    this.#putMax(INBOX_LAG_MAX, lagUs)
    this.#onBeat()
  }

  // What follows is the doorbell's without the addon.

  running(): void {
    this.#note(Activity.Running)
  }

  sleeping(): void {
    this.#note(Activity.Sleeping)
  }

  parked(): void {
    this.#counters.add(ThreadCounter.Parks, 1)
    this.sleeping()
  }

  woken(): void {
    this.#counters.add(ThreadCounter.Wakes, 1)
  }

  /** Calls `deliver` and counts how long that took. */
  deliver(deliver: () => number): number {
    const startMs = this.#clock.nowMs()
    const leftover = deliver()
    const us = Math.min(US_MAX, Math.max(0, (this.#clock.nowMs() - startMs) * 1000))
    // Whole microseconds are counted; the rest stays for the next delivery.
    this.#busyUs += us
    const whole = Math.floor(this.#busyUs)
    this.#busyUs -= whole
    this.#counters.add(ThreadCounter.BusyUs, whole)
    this.#counters.add(ThreadCounter.Deliveries, 1)
    this.#putMax(INBOX_DELIVERY_MAX, us)
    return leftover
  }

  #note(activity: number): void {
    this.#put(INBOX_LIVENESS, (Math.trunc(this.#clock.nowMs()) << ACTIVITY_BITS) | activity)
  }

  #put(offset: number, value: number): void {
    // SYNC liveness: pairs with liveness in readThread. Plain: each word says one whole thing.
    this.#u32[(this.#inbox + offset) >>> 2] = value
  }

  #putMax(offset: number, value: number): void {
    if (value > (this.#u32[(this.#inbox + offset) >>> 2] as number)) this.#put(offset, value)
  }
}
