// The types of the open loop's rules, for the tests that are written in TypeScript.

import type { Pass } from './measure.mjs'
import type { PacedJob } from './pacer.mjs'
import type { Latency } from './timing.mjs'

export function measurePaced(
  options: { readonly ratePerSecond: number; readonly measuredMs: number },
  pass: (job: PacedJob) => Promise<Pass>,
): Promise<Pass>
export function paceRefusalOf(latency: Latency | null | undefined, mustPark: boolean): string | null
export function stateOf(asleepShare: number): 'hot' | 'warm' | 'parked'
