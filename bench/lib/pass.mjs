// From what a consumer or requester reports to what the harness weighs.

/**
 * @typedef {(first: number, count: number) => number} ExpectedSum
 * @typedef {{ received: number, disordered: number, checksum: number, endNs: number,
 *   latency?: Record<string, number> | null }} Report
 */

/**
 * One pass, with its evidence. What the sum had to be is computed here, when the clock has stopped.
 *
 * @param {import('./measure.mjs').Job} job
 * @param {number} startNs when the first message was about to be sent
 * @param {Report} report
 * @param {ExpectedSum} expectedSum
 * @returns {import('./measure.mjs').Pass}
 */
export function passOf({ first, count }, startNs, report, expectedSum) {
  const { received, disordered, checksum, endNs, latency = null } = report
  const expected = expectedSum(first, count)
  const evidence = { sent: count, received, disordered, checksum, expected }
  return { seconds: (endNs - startNs) / 1e9, evidence, latency }
}
