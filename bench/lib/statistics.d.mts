// The types of the sums, for the tests that are written in TypeScript.

export function median(values: readonly number[]): number
export function pairedRatios(samples: readonly number[], baseline: readonly number[]): number[]
export interface Measured {
  readonly samples: readonly number[]
  readonly coresAtOnce?: readonly number[]
}
export function ratiosOnOwnCores(row: Measured, base: Measured): number[]
export function percentile(sorted: Float64Array, fraction: number): number
export function latencyOf(samplesMs: Float64Array): Record<string, number>
