// The types of the rounds, for the tests that are written in TypeScript.

export interface Plan {
  readonly warmupRounds: number
  readonly rounds: number
  readonly run: (contender: string, isWarmup: boolean) => Promise<unknown>
  readonly onRun?: (contender: string, round: number) => void
}

export interface Row {
  readonly contender: string
  readonly samples: readonly number[]
  readonly coresAtOnce?: readonly number[]
  readonly latencies: readonly Record<string, number>[]
  readonly refused: string | null
  readonly notRun: string | null
}

export function orderOf(contenders: readonly string[], round: number): string[]
export function runRounds(contenders: readonly string[], plan: Plan): Promise<Row[]>
export function jsonRow(scenario: string, unit: string, row: Row): Record<string, unknown>
