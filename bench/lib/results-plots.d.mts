// The types of the plots, for the tests that are written in TypeScript.

import type { Results } from './results.mjs'
import type { Scenario } from './scenarios.mjs'

export function plotsOf(results: Results, scenarios: readonly Scenario[]): Map<string, string>
