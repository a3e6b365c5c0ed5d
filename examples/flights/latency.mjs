// Measures durations in a fixed number of buckets, each about two percent wide, so that memory does
// not grow with the run and the buckets of several agents can be added up.

const BUCKETS_PER_DOUBLING = 32
/** From one nanosecond to 2^40 of them, about 18 minutes. */
const BUCKETS = 40 * BUCKETS_PER_DOUBLING

/** Milliseconds of the machine's monotonic clock, which is the same for all threads. */
export function nowMs() {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** @typedef {import('./messages.mjs').LatencyReport} LatencyReport */

export class Latency {
  #counts = new Uint32Array(BUCKETS)
  #maxMs = 0

  /** @param {number} durationMs */
  add(durationMs) {
    if (durationMs > this.#maxMs) this.#maxMs = durationMs
    const bucket = Math.floor(Math.log2(Math.max(1, durationMs * 1e6)) * BUCKETS_PER_DOUBLING)
    this.#counts[Math.min(bucket, BUCKETS - 1)]++
  }

  /**
   * Adds what another one measured, perhaps on another thread.
   *
   * @param {LatencyReport} report
   */
  merge({ buckets, maxMs }) {
    this.#maxMs = Math.max(this.#maxMs, maxMs)
    for (const [bucket, count] of buckets) this.#counts[bucket] += count
    return this
  }

  /**
   * As plain data, for a reply.
   *
   * @returns {LatencyReport}
   */
  report() {
    /** @type {[number, number][]} */
    const buckets = []
    for (const [bucket, count] of this.#counts.entries()) {
      if (count > 0) buckets.push([bucket, count])
    }
    return { buckets, maxMs: this.#maxMs }
  }

  get count() {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /**
   * At most this long took `share` (0 to 1) of all; the upper edge of the bucket. NaN without any.
   *
   * @param {number} share
   */
  percentileMs(share) {
    let left = Math.ceil(this.count * share)
    if (left === 0) return NaN
    let bucket = 0
    while ((left -= this.#counts[bucket]) > 0) bucket++
    return Math.min(2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING) / 1e6, this.#maxMs)
  }

  /** The usual ones, in milliseconds. */
  summary() {
    return {
      samples: this.count,
      p50Ms: this.percentileMs(0.5),
      p90Ms: this.percentileMs(0.9),
      p99Ms: this.percentileMs(0.99),
      p999Ms: this.percentileMs(0.999),
      maxMs: this.#maxMs,
    }
  }
}
