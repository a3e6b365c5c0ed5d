// Time, handed in. Every part that needs the time takes a `Clock`; tests hand in one that they move
// by hand.

/**
 * Milliseconds of CLOCK_MONOTONIC: equal on every thread and process of one machine, so deadlines
 * can travel.
 */
export interface Clock {
  nowMs(): number
}

/**
 * The machine's monotonic clock. `performance.now()` counts from the start of each thread, so the
 * distance to `process.hrtime` is taken once; after that a reading costs no allocation.
 */
export function createMonotonicClock(): Clock {
  const [seconds, nanoseconds] = process.hrtime()
  const offsetMs = seconds * 1000 + nanoseconds / 1e6 - performance.now()
  return { nowMs: () => performance.now() + offsetMs }
}
