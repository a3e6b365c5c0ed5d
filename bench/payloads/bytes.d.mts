// The types of the bytes, for the tests that are written in TypeScript.

import type { Payload } from './payloads.mjs'

export function createBytes(bytes: number): Payload<Uint8Array>
export function expectedBytesSum(bytes: number, first: number, count: number): number
