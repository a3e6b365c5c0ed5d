// The order of the runs, and how runs become rows.
//
// In each round every contender runs once, so the samples of one round are neighbours in time and
// can be paired. Every other round runs backwards: whatever drifts (heat, other tenants of the
// machine) then hits the contenders from both sides.

import { latencyRow } from './latency.mjs'
import { median } from './statistics.mjs'
import { refusalOf } from './verdict.mjs'

/**
 * @param {readonly string[]} contenders
 * @param {number} round from 0
 */
export function orderOf(contenders, round) {
  return round % 2 === 0 ? [...contenders] : [...contenders].reverse()
}

/**
 * @typedef {object} Plan
 * @property {number} warmupRounds whose figures are thrown away, but not their evidence
 * @property {number} rounds
 * @property {(contender: string, isWarmup: boolean) => Promise<any>} run
 * @property {(contender: string, round: number) => void} [onRun]
 *
 * @typedef {object} Row
 * @property {string} contender
 * @property {number[]} samples rates in the order of the rounds
 * @property {number[]} [coresAtOnce] of the same runs, where that was measured; see `cores.mjs`
 * @property {Record<string, number>[]} latencies
 * @property {string | null} refused why the row cannot be believed
 * @property {string | null} notRun why this machine cannot run it
 */

/**
 * Runs all rounds. A contender that is refused, or that cannot run here, is not run again.
 *
 * @param {readonly string[]} contenders
 * @param {Plan} plan
 * @returns {Promise<Row[]>} in the order of `contenders`
 */
export async function runRounds(contenders, { warmupRounds, rounds, run, onRun }) {
  /** @type {Map<string, Row>} */
  const rows = new Map(
    contenders.map((contender) => [
      contender,
      { contender, samples: [], coresAtOnce: [], latencies: [], refused: null, notRun: null },
    ]),
  )
  for (let round = 0; round < warmupRounds + rounds; round++) {
    const isWarmup = round < warmupRounds
    for (const contender of orderOf(contenders, round)) {
      const row = rows.get(contender)
      if (row.refused !== null || row.notRun !== null) continue
      onRun?.(contender, round)
      const result = await run(contender, isWarmup)
      if (typeof result?.notRun === 'string') {
        // In the first round that is a fact about the machine; later, something has changed.
        if (round === 0) row.notRun = result.notRun
        else row.refused = `could no longer run: ${result.notRun}`
        continue
      }
      row.refused = result?.failed ?? refusalOf(result)
      if (row.refused !== null || isWarmup) continue
      row.samples.push(result.evidence.received / result.seconds)
      if (result.coresAtOnce !== undefined) row.coresAtOnce.push(result.coresAtOnce)
      if (result.latency) row.latencies.push(result.latency)
    }
  }
  return [...rows.values()]
}

/**
 * A row as it goes into the JSON file. A refused one has no figures at all.
 *
 * @param {string} scenario
 * @param {string} unit
 * @param {Row} row
 */
export function jsonRow(scenario, unit, row) {
  const { contender, samples, coresAtOnce = [], latencies, refused } = row
  const head = { scenario, contender, unit }
  if (refused !== null) {
    const none = { median: null, min: null, max: null, samples: [] }
    return { ...head, ...none, verified: false, refused }
  }
  const figures = { median: median(samples), min: Math.min(...samples), max: Math.max(...samples) }
  const perRound = {
    ...(latencies.length > 0 && { latencies }),
    ...(coresAtOnce.length > 0 && { coresAtOnce }),
  }
  return { ...head, ...figures, samples, verified: true, ...latencyRow(latencies), ...perRound }
}
