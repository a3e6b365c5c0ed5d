// The types of the tally, for the tests that are written in TypeScript.

export function createTally<T>(
  payload: { idOf(value: T): number; fold(sum: number, value: T): number },
  options?: { producers?: number },
): {
  expect(job: { first: number; count: number }): void
  complete(): Promise<void>
  take(value: T): void
  report(): { received: number; disordered: number; checksum: number; endNs: number }
}
export function firstIdOf(first: number, producer: number, producers: number): number
