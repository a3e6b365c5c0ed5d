// Time, handed in. Every part that needs the time takes a `Clock`; tests hand in one that they move
// by hand.

// The global of this name is a getter, which every look at the time would call.
import { performance } from 'node:perf_hooks'

/**
 * Milliseconds of CLOCK_MONOTONIC: equal on every thread and process of one machine, so deadlines
 * can travel.
 */
export interface Clock {
  nowMs(): number
}

/** Looks at both clocks; the one during which least time passed counts. */
const LOOKS = 5

/**
 * The machine's monotonic clock. `performance.now()` counts from the start of each thread, so the
 * distance to `process.hrtime` is taken once; after that a reading costs no allocation.
 */
export function createMonotonicClock(): Clock {
  let offsetMs = 0
  let leastMs = Infinity
  for (let look = 0; look < LOOKS; look++) {
    // The thread may be set aside between two readings, for many milliseconds on a busy machine.
    const beforeMs = machineMs()
    const hereMs = performance.now()
    const afterMs = machineMs()
    if (afterMs - beforeMs >= leastMs) continue
    leastMs = afterMs - beforeMs
    offsetMs = (beforeMs + afterMs) / 2 - hereMs
  }
  return { nowMs: () => performance.now() + offsetMs }
}

function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
