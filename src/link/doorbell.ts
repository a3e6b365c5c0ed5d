// What wakes a thread that sleeps in its event loop, and what hands it the loop's idle moments.
//
// With the addon: an eventfd per inbox, watched by libuv, and a hook that spins on the ready words
// just before the loop would block, delivering right there (`native/glue/doorbell.cc`). Without:
// `Atomics.waitAsync` on the sleeping word. Both keep the same promise: after `deliver` has
// returned 0, a producer that sets a ready bit gets `deliver` called again. Neither keeps the
// process alive unless `ref` was called.

import { BEAT_MS } from '../base/limits.js'
import type { LoopMeter } from '../counters/thread-counters.js'
import type { NativeBinding, NativeDoorbell } from '../native/binding.js'

/** Words by which a native doorbell keeps the loop alive; see `NativeDoorbellOptions.hold`. */
const WANTED = 0
const REFERENCED = 1
/** More than V8 keeps on its moving heap. */
const HOLD_BYTES = 128

/**
 * Drains the inbox; 1 when work is left over and the loop should come straight back, else 0. Never
 * throws.
 */
export type Deliver = () => number

export interface Doorbell {
  /** Wakes another thread whose inbox said that it sleeps. */
  ring(thread: number): void
  ref(): void
  unref(): void
  /** Orderly end on this thread. Nothing is delivered afterwards. */
  close(): void
}

/** The parts of an inbox that a doorbell needs for falling asleep safely. */
export interface Parkable {
  /** Says "asleep", then looks once more. True: asleep. False: something is there, drain first. */
  tryPark(): boolean
  /** Says "awake". */
  unpark(): void
  /** Has the next `deliver` look at every link, whatever the ready bits say. */
  recheck(): void
  readonly i32: Int32Array
  sleepingIndexOf(thread: number): number
  readonly thread: number
}

export interface NativeDoorbellOptions {
  readonly binding: NativeBinding
  readonly region: Uint8Array
  readonly geometry: number[]
  /** The eventfd of each thread, in memory that all threads share; -1 for none. */
  readonly bells: Int32Array
  readonly thread: number
  readonly spinUs: number
  readonly spinBudgetUs: number
  /** Threads that may spin at one time: the CPUs this process may use. */
  readonly cores: number
}

/** The doorbell that there is: native with a binding, else portable. */
export function createDoorbell(
  options: Omit<NativeDoorbellOptions, 'binding'> & { readonly binding: NativeBinding | null },
  inbox: Parkable,
  meter: LoopMeter,
  deliver: Deliver,
): Doorbell {
  const { binding } = options
  return binding === null
    ? createPortableDoorbell(inbox, meter, deliver)
    : createNativeDoorbell({ ...options, binding }, inbox, meter, deliver)
}

export function createNativeDoorbell(
  options: NativeDoorbellOptions,
  inbox: Pick<Parkable, 'recheck'>,
  meter: LoopMeter,
  deliver: Deliver,
): Doorbell {
  const { binding, bells } = options
  // Not on V8's heap, where it would move. A lone request holds the loop and lets go of it again:
  // that is two stores, and no call.
  const hold = new Int32Array(new ArrayBuffer(HOLD_BYTES))
  const native: NativeDoorbell = new binding.Doorbell({ ...options, hold, deliver })
  const beat = setInterval(() => {
    inbox.recheck()
    meter.beat()
    native.nudge()
  }, BEAT_MS)
  beat.unref()
  return {
    ring: (thread) => void binding.ringBell(bells[thread] as number),
    ref: () => {
      if (hold[REFERENCED] === 0) native.ref()
      else hold[WANTED] = 1
    },
    unref: () => {
      hold[WANTED] = 0
    },
    close: () => {
      clearInterval(beat)
      native.close()
    },
  }
}

/**
 * The same in pure JavaScript: one to two orders of magnitude slower to wake, and it never spins.
 */
export function createPortableDoorbell(
  inbox: Parkable,
  meter: LoopMeter,
  deliver: Deliver,
): Doorbell {
  const { i32 } = inbox
  const sleepingIndex = inbox.sleepingIndexOf(inbox.thread)
  let isOpen = true
  let isAwaiting = false

  const rest = (): void => {
    if (!isOpen || isAwaiting) return
    // STEP park: asleep, one more look, and only then the wait.
    if (!inbox.tryPark()) {
      setImmediate(turn)
      return
    }
    const wait = Atomics.waitAsync(i32, sleepingIndex, 1)
    if (!wait.async) {
      setImmediate(turn)
      return
    }
    isAwaiting = true
    meter.parked()
    // The producer that rings has already set the word to 0, so one wake ends one wait.
    void wait.value.then(() => {
      isAwaiting = false
      meter.woken()
      turn()
    })
  }
  const turn = (): void => {
    if (!isOpen) return
    // STEP park: awake before we drain, so that nobody rings for what we are about to read.
    inbox.unpark()
    meter.running()
    if (meter.deliver(deliver) !== 0) setImmediate(turn)
    else rest()
  }
  const endWait = (): void => {
    inbox.unpark()
    Atomics.notify(i32, sleepingIndex)
  }
  // A promise of waitAsync keeps no loop alive; this timer does when referenced, and rechecks the
  // inbox besides.
  const beat = setInterval(() => {
    inbox.recheck()
    meter.beat()
    if (!isAwaiting) return
    meter.running()
    if (meter.deliver(deliver) !== 0) endWait()
    else meter.sleeping()
  }, BEAT_MS)
  beat.unref()
  setImmediate(turn)

  return {
    ring: (thread) => void Atomics.notify(i32, inbox.sleepingIndexOf(thread), 1),
    ref: () => void beat.ref(),
    unref: () => void beat.unref(),
    close: () => {
      isOpen = false
      clearInterval(beat)
      // So that no waiter is left behind in the process-wide list.
      endWait()
    },
  }
}
