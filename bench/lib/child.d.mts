// The types of a run, for the tests that are written in TypeScript.

export function runInFreshProcess(
  file: string,
  contender: string,
  options: { readonly warmupMs: number; readonly measuredMs: number },
): Promise<Record<string, unknown>>
