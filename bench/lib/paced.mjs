// One contender of an open loop in one process: warm up at a brisk rate, then measure at the rate
// that was asked for. Sequence numbers run on, and both passes are checked.

import { nowNs } from './clock.mjs'
import { refusalOf } from './verdict.mjs'

/** Enough messages to have the code compiled, at a rate that every contender keeps. */
const WARMUP_COUNT = 20_000
const WARMUP_INTERVAL_NS = 20_000
/** Both threads have heard of a job when it begins; and whoever wants to sleep, sleeps. */
const LEAD_NS = 50e6

/** Of the intended messages, so many must have been handled when the time is up. */
const IN_TIME_SHARE_MIN = 0.99
/** The receiver counts as parked, or as hot, when so many messages (or so few) found it asleep. */
const PARKED_SHARE_MIN = 0.95
const HOT_SHARE_MAX = 0.05

/**
 * @typedef {{ ratePerSecond: number, measuredMs: number }} Options
 * @typedef {import('./measure.mjs').Pass & { latency: import('./timing.mjs').Latency }} PacedPass
 */

/**
 * @param {Options} options
 * @param {(job: import('./pacer.mjs').PacedJob) => Promise<PacedPass>} pass
 */
export async function measurePaced({ ratePerSecond, measuredMs }, pass) {
  const warmup = { first: 0, count: WARMUP_COUNT, intervalNs: WARMUP_INTERVAL_NS }
  const result = await pass({ ...warmup, startNs: nowNs() + LEAD_NS })
  if (refusalOf(result) !== null) return result
  const count = Math.max(1, Math.round((ratePerSecond * measuredMs) / 1000))
  const intervalNs = 1e9 / ratePerSecond
  return pass({ first: WARMUP_COUNT, count, intervalNs, startNs: nowNs() + LEAD_NS })
}

/**
 * Why a run that is complete and unharmed is no measurement of its rate, or null when it is one.
 *
 * @param {import('./timing.mjs').Latency | null | undefined} latency
 * @param {boolean} mustPark this load is there to find the receiver asleep
 */
export function paceRefusalOf(latency, mustPark) {
  const { count, inTime, asleep, early } = latency ?? {}
  if (![count, inTime, asleep, early].every(Number.isInteger) || count === 0) {
    return 'brought no evidence of its pace'
  }
  if (early > 0) return `${early} of ${count} messages arrived before they were due`
  if (inTime < count * IN_TIME_SHARE_MIN) {
    return `missed its rate: ${inTime} of ${count} messages handled when the time was up`
  }
  if (mustPark && asleep < count * PARKED_SHARE_MIN) {
    return `found its receiver asleep for ${asleep} of ${count} messages only`
  }
  return null
}

/**
 * What the receiver was like.
 *
 * @param {number} asleepShare
 * @returns {'hot' | 'warm' | 'parked'}
 */
export function stateOf(asleepShare) {
  if (asleepShare >= PARKED_SHARE_MIN) return 'parked'
  return asleepShare <= HOT_SHARE_MAX ? 'hot' : 'warm'
}
