// The types of the report, for the tests that are written in TypeScript.

import type { Row } from './rounds.mjs'

export function threadCounts(shape: string, threadsMax: number): number[]
export function scaleRows(
  shape: string,
  threads: number,
  found: readonly Row[],
): Record<string, unknown>[]
export function scaleTableText(shape: string, rows: readonly Record<string, unknown>[]): string
export function limitsText(cores: number, threadsMax: number): string[]
