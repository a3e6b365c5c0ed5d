// `flyshuttle/testing`: doors into the house for tests and benchmarks. Nothing here is a promise:
// it may change in any version.

import { BULK_RING_BYTES_MAX_AUTO } from '../base/limits.js'

/** The addon, or why there is none. */
export { loadBinding, type LoadedBinding } from '../native/load.js'
export type { NativeBinding, NativeLimitOptions, NativeLimitResult } from '../native/binding.js'

/** Bytes of a bulk ring in an engine of few threads, when nobody said otherwise. */
export const RING_BYTES_AUTO = BULK_RING_BYTES_MAX_AUTO
