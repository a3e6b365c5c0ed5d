// The types of the report, for the tests that are written in TypeScript.

import type { Row } from './rounds.mjs'

export function rateText(perSecond: number): string
export function threeDigits(value: number): string
export function tableText(
  scenario: {
    readonly name: string
    readonly question: string
    readonly unit: string
    readonly baselines: readonly string[]
  },
  rows: readonly Row[],
): string
export function createProgressLine(stream: {
  readonly isTTY: boolean
  readonly columns?: number
  write(text: string): unknown
}): { show(text: string): void; clear(): void }
