// What an open loop knows of each message when it arrives: how long after its intended time that
// was, whether the time of the whole job was already up, and whether the receiver's event loop had
// been asleep since the message before.
//
// Asleep means that libuv counted idle time: the loop was blocked in the operating system. A loop
// that spins, polls or works has none. This is the same observation for every contender.

import { performance } from 'node:perf_hooks'
import { build } from 'hdr-histogram-js'
import { nowNs } from './clock.mjs'

/** Longer than any run: what is later is counted as so late. */
const LATENCY_NS_MAX = 600e9

/** Field of the row → percentile. 100 is the largest. */
export const PERCENTILES = {
  latencyUsP50: 50,
  latencyUsP75: 75,
  latencyUsP90: 90,
  latencyUsP95: 95,
  latencyUsP99: 99,
  latencyUsP995: 99.5,
  latencyUsP999: 99.9,
  latencyUsP9999: 99.99,
  latencyUsMax: 100,
}

/** @typedef {Record<string, number> & { count: number, inTime: number, asleep: number }} Latency */

/** Latencies of one job after another; three digits of each, from 1 ns up. */
export function createTiming() {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_NS_MAX,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  })
  /** @type {import('./pacer.mjs').PacedJob} */
  let job = { first: 0, count: 0, startNs: 0, intervalNs: 0 }
  let inTime = 0
  let asleep = 0
  let early = 0
  let idleMs = 0

  return {
    /** @param {import('./pacer.mjs').PacedJob} next */
    expect(next) {
      job = next
      inTime = asleep = early = 0
      idleMs = performance.nodeTiming.idleTime
      histogram.reset()
    },

    /** Times one message. @param {number} id */
    take(id) {
      const atNs = nowNs()
      const { first, count, startNs, intervalNs } = job
      const latencyNs = atNs - (startNs + (id - first) * intervalNs)
      if (latencyNs < 0) early++
      histogram.recordValue(Math.max(0, Math.min(LATENCY_NS_MAX, Math.round(latencyNs))))
      if (atNs <= startNs + count * intervalNs) inTime++
      const nowIdleMs = performance.nodeTiming.idleTime
      if (nowIdleMs !== idleMs) asleep++
      idleMs = nowIdleMs
    },

    /** Without percentiles that no message was above: those would be the largest in disguise. */
    report() {
      const count = histogram.totalCount
      /** @type {any} */
      const latency = { count, inTime, asleep, early }
      for (const [field, percentile] of Object.entries(PERCENTILES)) {
        if (percentile < 100 && count * (1 - percentile / 100) < 1) continue
        latency[field] = histogram.getValueAtPercentile(percentile) / 1000
      }
      return /** @type {Latency} */ (latency)
    },
  }
}
