// One clock for all threads of a process: CLOCK_MONOTONIC. `performance.now()` is none: in each
// thread it counts from that thread's own start.

/** Nanoseconds since the machine started; exact for the first hundred days. */
export function nowNs() {
  return Number(process.hrtime.bigint())
}
