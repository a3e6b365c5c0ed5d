// The types of the meter, for the tests that are written in TypeScript.

export function createCoreMeter(): Promise<{
  measure(): Promise<number>
  close(): Promise<unknown>
}>
