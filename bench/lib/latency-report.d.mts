// The types of the latency report, for the tests that are written in TypeScript.

import type { Row } from './rounds.mjs'

export function latencyJsonRow(
  scenario: string,
  ratePerSecond: number,
  row: Row,
): Record<string, unknown>
export function latencyTableText(
  scenario: { readonly name: string; readonly question: string },
  rows: readonly Record<string, unknown>[],
  notRun: readonly { readonly contender: string; readonly notRun: string | null }[],
): string
