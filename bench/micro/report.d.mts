// The types of the report, for the tests that are written in TypeScript.

import type { Case } from './cases.mjs'

export function rowOf(
  one: Case,
  failed: string | null,
  wrong: number | null,
  sample: readonly number[],
): Record<string, unknown>
export function microTableText(rows: readonly Record<string, unknown>[]): string
