// The types of the README's section, for the tests that are written in TypeScript.

import type { Results } from './results.mjs'
import type { Scenario } from './scenarios.mjs'

export function sectionOf(results: Results, scenarios: readonly Scenario[]): string
export function replaceSection(readme: string, section: string): string
