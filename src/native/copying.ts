// Raw payloads on their way out of the region.
//
// What is received is never part of a pool: a handler may keep it, change it or transfer it.

import { NATIVE_READ_BYTES_MIN } from '../base/limits.js'
import type { NativeBinding } from './binding.js'

export type CopyBytes = NativeBinding['copyBytes']

/** Of a copy that is worth a thought about where its memory comes from. */
const LONG_BYTES_MIN = 32 * 1024
/** The largest block that glibc learns from, less what it adds. */
const LESSON_BYTES = 32 * 1024 * 1024 - 64 * 1024

let isTaught = false

/** A copy of the bytes from `start` to `end`. `copyBytes` is the addon's, or null without. */
export function copyOut(
  copyBytes: CopyBytes | null,
  from: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const bytes = end - start
  if (bytes >= LONG_BYTES_MIN && !isTaught) teach()
  if (copyBytes === null || bytes < NATIVE_READ_BYTES_MIN) return from.slice(start, end)
  // Not zeroed, and a plain Uint8Array as everywhere, not a Buffer.
  const own = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
  copyBytes(own, 0, from, start, bytes)
  return own
}

/**
 * Has the allocator keep what is freed, for the next message. glibc returns memory to the system
 * as soon as 128 KiB lie free at the end of a heap, and takes its pages anew, zeroed by the kernel,
 * for the next message: half of what a message of 1 MiB costs. It learns otherwise, once for the
 * process, when a large block is freed, which the garbage collector soon does with this one. Other
 * allocators learn nothing and lose nothing: nobody touches the block.
 */
function teach(): void {
  isTaught = true
  Buffer.allocUnsafeSlow(LESSON_BYTES)
}
