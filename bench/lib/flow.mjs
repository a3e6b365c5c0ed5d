// One-way scenarios: some producers, some consumers, and who conducts them. The same for every
// contender, which only brings a way to call the two sides.

import { createPayload } from '../payloads/payloads.mjs'
import { untilCompleteOrLate } from './deadline.mjs'
import { measure } from './measure.mjs'
import { passOf } from './pass.mjs'
import { refusalOf } from './verdict.mjs'

/**
 * @typedef {object} Flow
 * @property {string} payload one of `payloads/payloads.mjs`
 * @property {number} [producers] 1 unless given; they share the sequence numbers
 * @property {number} [consumers] 1 unless given; each gets every message
 *
 * @typedef {object} Sides
 * @property {((job: import('./measure.mjs').Job) => Promise<{ startNs: number }>)[]} produce one
 *   for each producer: sends its part of the job
 * @property {((job: import('./measure.mjs').Job) => Promise<unknown>)[]} expect one for each
 *   consumer, as are the next two: see `tally.mjs`
 * @property {(() => Promise<unknown>)[]} complete
 * @property {(() => Promise<import('./pass.mjs').Report>)[]} report
 */

/**
 * @param {string} payload
 * @param {Sides} sides
 * @param {import('./measure.mjs').Options} options
 */
export function measureFlow(payload, { produce, expect, complete, report }, options) {
  const { expectedSum, wantedOf = (job) => job } = createPayload(payload)
  const allOf = (calls, job) => Promise.all(calls.map((call) => call(job)))
  return measure(options, async (job) => {
    const wanted = wantedOf(job)
    await allOf(expect, wanted)
    const starts = await allOf(produce, job)
    await untilCompleteOrLate(allOf(complete))
    const startNs = Math.min(...starts.map((start) => start.startNs))
    return passOfAll(wanted, startNs, await allOf(report), expectedSum)
  })
}

/**
 * The pass of several consumers, each of which had to get every message: every delivery counts,
 * from the first message to the last delivery of all. Each consumer is weighed by itself, so that
 * what one has too much does not make up for what another lacks: if one cannot be believed, its
 * evidence stands for all.
 *
 * @param {import('./measure.mjs').Job} job
 * @param {number} startNs
 * @param {readonly import('./pass.mjs').Report[]} reports
 * @param {import('./pass.mjs').ExpectedSum} expectedSum
 * @returns {import('./measure.mjs').Pass}
 */
export function passOfAll(job, startNs, reports, expectedSum) {
  const expected = expectedSum(job.first, job.count)
  const passes = reports.map((report) => passOf(job, startNs, report, () => expected))
  const unbelieved = passes.find((pass) => refusalOf(pass) !== null)
  if (unbelieved !== undefined) return unbelieved
  const total = (key) => passes.reduce((sum, { evidence }) => sum + evidence[key], 0)
  const keys = Object.keys(passes[0].evidence)
  return {
    seconds: Math.max(...passes.map(({ seconds }) => seconds)),
    evidence: Object.fromEntries(keys.map((key) => [key, total(key)])),
    latency: null,
  }
}
