// The types of the pacer, for the tests that are written in TypeScript.

export interface PacedJob {
  readonly first: number
  readonly count: number
  readonly startNs: number
  readonly intervalNs: number
}

export function pace(
  job: PacedJob,
  send: (id: number) => Promise<void> | undefined | void,
): Promise<void>
