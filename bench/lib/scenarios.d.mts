// The types of the scenarios, for the tests that are written in TypeScript.

import type { Pass } from './measure.mjs'

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly question: string
  readonly unit: string
  readonly baselines: readonly string[]
  readonly threads: number
  readonly contenders: Record<string, (options: object) => Promise<Pass | { notRun: string }>>
}

export const SCENARIO_NAMES: readonly string[]
export const QUICK_SCENARIO_NAMES: readonly string[]
export function loadScenario(nameOrPath: string): Promise<{ file: string; scenario: Scenario }>
export class UsageError extends Error {}
