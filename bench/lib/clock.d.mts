// The type of the clock, for the tests that are written in TypeScript.

export function nowNs(): number
