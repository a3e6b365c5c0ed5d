// The types of the mesh, for the tests that are written in TypeScript.

import type { Pass } from './measure.mjs'

export interface Place {
  readonly shape: string
  readonly node: number
  readonly nodes: number
}

export interface MeshJob {
  readonly firstRound: number
  readonly rounds: number
}

export interface Report {
  received: number
  disordered: number
  checksum: number
  endNs: number
}

export interface Node {
  take(value: { id: number }): void
  expect(job: MeshJob): void
  produce(job: MeshJob): Promise<{ startNs: number }>
  complete(): Promise<void>
  report(): Report
}

export const SHAPES: readonly string[]
export function targetsOf(place: Place): number[]
export function sourcesOf(place: Place): number[]
export function createNode(
  place: Place,
  send: (target: number, value: any) => Promise<void> | undefined | void,
): Node
export function passOfMesh(
  job: MeshJob,
  startNs: number,
  receivers: readonly Place[],
  reports: readonly Report[],
): Pass
