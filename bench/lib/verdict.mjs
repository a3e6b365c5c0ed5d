// Whether a run may become a figure.
//
// A contender hands in evidence, never a verdict: how many messages were sent and how many came,
// how many came out of order, the sum of what came and the sum that it had to be. Anything missing
// or unequal refuses the run, and with it the row.

const EVIDENCE = ['sent', 'received', 'disordered', 'checksum', 'expected']

/**
 * Why a run cannot be believed, or null when it can.
 *
 * @param {{ seconds?: unknown, evidence?: Record<string, unknown> } | null} run
 * @returns {string | null}
 */
export function refusalOf(run) {
  const { seconds, evidence } = run ?? {}
  for (const key of EVIDENCE) {
    if (!Number.isInteger(evidence?.[key])) return `brought no evidence of what it ${key}`
  }
  const { sent, received, disordered, checksum, expected } = evidence
  if (sent === 0) return 'sent nothing'
  if (received !== sent) return `received ${received} of ${sent} messages`
  if (disordered !== 0) return `${disordered} of ${sent} messages out of order`
  if (checksum !== expected) return `checksum ${checksum}, expected ${expected}`
  if (!Number.isFinite(seconds) || seconds <= 0) return `took ${String(seconds)} seconds`
  return null
}
