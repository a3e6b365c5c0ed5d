// The types of the payloads, for the tests that are written in TypeScript.

export interface Payload<T = unknown> {
  valueAt(id: number): T
  ownValueAt(id: number, spare?: T): T
  idOf(value: T): number
  fold(sum: number, value: T): number
  expectedSum(first: number, count: number): number
  readonly bytes: number
}

export function createPayload(name: string): Payload
