// One contender in one process: warm up, then measure.
//
// Warm-up passes go on until they have lasted `warmupMs` in all, enough messages have gone through
// the code to have it compiled, and the rate has stopped rising: what is measured is the compiled
// code and not its compilation. The best rate then says how many messages make a measured pass of
// about `measuredMs`: a slow contender is not measured for minutes and a fast one not for
// microseconds. Sequence numbers run on through all passes, and every pass is checked.

import { refusalOf } from './verdict.mjs'

/** Sequence numbers stay small integers, and fit the u32 of the struct. */
const COUNT_MAX = 100_000_000
const COUNT_FIRST = 500

/** Warm-up passes that the warm-up time is meant to hold. */
const WARMUP_PASSES = 5
/** Messages after which the optimizing compiler has seen enough. */
const WARMUP_COUNT = 20_000
/** The rate is steady when so many passes in a row were not faster than the best by this factor. */
const STEADY_PASSES = 2
const STEADY_GROWTH = 1.15
/** However slow the contender and however fast its rate rises: not longer than so many times. */
const WARMUP_STRETCH_MAX = 4

/**
 * @typedef {{ warmupMs: number, measuredMs: number }} Options
 * @typedef {{ first: number, count: number }} Job
 * @typedef {{ sent: number, received: number, disordered: number, checksum: number,
 *   expected: number }} Evidence
 * @typedef {{ seconds: number, evidence: Evidence, latency?: Record<string, number> | null }} Pass
 */

/**
 * @param {Options} options
 * @param {(job: Job) => Promise<Pass> | Pass} pass sends `count` messages numbered from `first`
 * @returns {Promise<Pass>} the measured pass, or the first one that cannot be believed
 */
export async function measure({ warmupMs, measuredMs }, pass) {
  let first = 0
  let count = COUNT_FIRST
  let warmMs = 0
  let bestPerMs = 0
  let steadyPasses = 0
  for (;;) {
    const result = await pass({ first, count })
    if (refusalOf(result) !== null) return result
    first += count
    const passMs = result.seconds * 1000
    const perMs = count / passMs
    warmMs += passMs
    steadyPasses = perMs < bestPerMs * STEADY_GROWTH ? steadyPasses + 1 : 0
    bestPerMs = Math.max(bestPerMs, perMs)
    const isWarm = first >= WARMUP_COUNT && steadyPasses >= STEADY_PASSES
    if (warmMs >= warmupMs && (isWarm || warmMs >= warmupMs * WARMUP_STRETCH_MAX)) break
    count = countFor(bestPerMs, warmupMs / WARMUP_PASSES)
  }
  return pass({ first, count: countFor(bestPerMs, measuredMs) })
}

/** How many messages last about so long. */
function countFor(perMs, ms) {
  return Math.min(COUNT_MAX, Math.max(COUNT_FIRST, Math.round(perMs * ms)))
}
