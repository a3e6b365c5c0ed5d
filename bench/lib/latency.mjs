// Latency percentiles over the rounds: the median of each percentile, the largest maximum.

import { median } from './statistics.mjs'

/** Field of the JSON row → heading of its column. */
export const LATENCY_COLUMNS = {
  latencyUsP50: 'p50',
  latencyUsP90: 'p90',
  latencyUsP99: 'p99',
  latencyUsP999: 'p99.9',
  latencyUsMax: 'max µs',
}

/**
 * @param {readonly Record<string, number>[]} latencies one per round; none for most scenarios
 * @returns {Record<string, number>}
 */
export function latencyRow(latencies) {
  if (latencies.length === 0) return {}
  return Object.fromEntries(
    Object.keys(LATENCY_COLUMNS).map((field) => {
      const values = latencies.map((latency) => latency[field])
      return [field, field === 'latencyUsMax' ? Math.max(...values) : median(values)]
    }),
  )
}
