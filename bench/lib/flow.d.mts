// The types of one-way scenarios, for the tests that are written in TypeScript.

import type { Job, Pass } from './measure.mjs'

export interface Report {
  readonly received: number
  readonly disordered: number
  readonly checksum: number
  readonly endNs: number
}

export function passOfAll(
  job: Job,
  startNs: number,
  reports: readonly Report[],
  expectedSum: (first: number, count: number) => number,
): Pass
