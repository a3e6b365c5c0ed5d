// Raw payloads on their way out of the region.
//
// What is received is never part of a pool: a handler may keep it, change it or transfer it.

import { NATIVE_READ_BYTES_MIN } from '../base/limits.js'
import type { NativeBinding } from './binding.js'

export type CopyBytes = NativeBinding['copyBytes']

/** A copy of the bytes from `start` to `end`. `copyBytes` is the addon's, or null without. */
export function copyOut(
  copyBytes: CopyBytes | null,
  from: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const bytes = end - start
  if (copyBytes === null || bytes < NATIVE_READ_BYTES_MIN) return from.slice(start, end)
  // Not zeroed, and a plain Uint8Array as everywhere, not a Buffer.
  const own = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
  copyBytes(own, 0, from, start, bytes)
  return own
}
