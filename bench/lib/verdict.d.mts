// The types of the verdict, for the tests that are written in TypeScript.

export function refusalOf(run: unknown): string | null
