// The types of the cases, for the tests that are written in TypeScript.

export interface Case {
  readonly name: string
  readonly what: string
  readonly operations: number
  readonly run: () => number
  readonly expected: number
}

export function caseOf(
  name: string,
  what: string,
  expectedOf: (index: number) => number,
  run: () => number,
  operations?: number,
): Case
