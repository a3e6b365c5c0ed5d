import type { Case } from './cases.mjs'

export function compressionCases(): Case[]
