// The types of the timing, for the tests that are written in TypeScript.

import type { PacedJob } from './pacer.mjs'

export type Latency = Record<string, number>

export const PERCENTILES: Readonly<Record<string, number>>
export function createTiming(): {
  expect(job: PacedJob): void
  take(id: number): void
  report(): Latency
}
