// The types of the measurement, for the tests that are written in TypeScript.

export interface Job {
  readonly first: number
  readonly count: number
}

export interface Pass {
  readonly seconds: number
  readonly evidence: Record<string, number>
  readonly latency?: Record<string, number> | null
}

export function measure(
  options: { readonly warmupMs: number; readonly measuredMs: number },
  pass: (job: Job) => Pass | Promise<Pass>,
): Promise<Pass>
