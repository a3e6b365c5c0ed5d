// The types of what is saved, for the tests that are written in TypeScript.

import type { Scenario } from './scenarios.mjs'

export interface ResultRow {
  readonly scenario: string
  readonly contender: string
  readonly commit: string
  readonly date: string
  readonly unit: string
  readonly median: number | null
  readonly min: number | null
  readonly max: number | null
  readonly samples: readonly number[]
  readonly coresAtOnce?: readonly number[]
  readonly verified: boolean
  readonly refused?: string
  readonly latencies?: readonly Record<string, number>[]
  readonly [latency: `latencyUs${string}`]: number
}

export interface Results {
  readonly node: string
  readonly machine: string
  readonly cores: number
  readonly rows: readonly ResultRow[]
}

export const RESULTS_FOLDER: string
export const README_FILE: string
export function mergeResults(before: Results | null, now: Results): Results
export function readResults(folder?: string): Results | null
export function scenariosOf(results: Results): Promise<Scenario[]>
export function saveResults(now: Results, folder?: string): Promise<void>
export function publishResults(folder?: string, readmeFile?: string): Promise<void>
