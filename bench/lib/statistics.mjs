// The few sums behind the tables. All are pure; `test/bench/throughput.test.ts` holds them.

/**
 * The middle of the values; the mean of the two middle ones for an even number.
 *
 * @param {readonly number[]} values not empty
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * `samples[n] / baseline[n]` for each round n: what the machine did to a round it did to both.
 *
 * @param {readonly number[]} samples in the order of the rounds
 * @param {readonly number[]} baseline of the same rounds
 */
export function pairedRatios(samples, baseline) {
  if (samples.length !== baseline.length) {
    throw new Error(`cannot pair ${samples.length} samples with ${baseline.length}`)
  }
  return samples.map((sample, round) => sample / baseline[round])
}

/** From here on two threads had a core each: a shared one does the work of 1.1 to 1.5. */
const OWN_CORES_MIN = 1.7

/**
 * The ratios of those rounds in which the threads of both runs had a core each, as far as that was
 * measured: see `cores.mjs`.
 *
 * @typedef {{ samples: readonly number[], coresAtOnce?: readonly number[] }} Measured
 * @param {Measured} row
 * @param {Measured} base
 */
export function ratiosOnOwnCores(row, base) {
  const hadTheirs = ({ coresAtOnce = [] }, round) => coresAtOnce[round] >= OWN_CORES_MIN
  const ratios = pairedRatios(row.samples, base.samples)
  return ratios.filter((_, round) => hadTheirs(row, round) && hadTheirs(base, round))
}

/**
 * The smallest value that at least `fraction` of the values do not exceed.
 *
 * @param {Float64Array} sorted ascending, not empty
 * @param {number} fraction above 0, up to 1
 */
export function percentile(sorted, fraction) {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)]
}

/**
 * Percentiles in microseconds. Sorts the samples in place.
 *
 * @param {Float64Array} samplesMs not empty
 */
export function latencyOf(samplesMs) {
  const sorted = samplesMs.sort()
  const atUs = (fraction) => Math.round(percentile(sorted, fraction) * 1e6) / 1e3
  return {
    latencyUsP50: atUs(0.5),
    latencyUsP90: atUs(0.9),
    latencyUsP99: atUs(0.99),
    latencyUsP999: atUs(0.999),
    latencyUsMax: atUs(1),
  }
}
