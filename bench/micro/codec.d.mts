// The type of the cases, for the tests that are written in TypeScript.

import type { Case } from './cases.mjs'

export function codecCases(): Case[]
