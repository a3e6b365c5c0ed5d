// The addon for a thread that takes part in what another thread has made: both or neither use it.

import { FlyshuttleError } from '../base/errors.js'
import { advise } from './advice.js'
import type { NativeBinding } from './binding.js'
import { loadBinding } from './load.js'

/**
 * The addon, or null if the maker does not use it. Without, a thread would wait for wake-ups of a
 * kind that nobody sends.
 *
 * @throws ERR_ADDON_MISSING when the maker uses it and it does not load here
 */
export function sharedBinding(hasAddon: boolean): NativeBinding | null {
  if (!hasAddon) return null
  const native = loadBinding()
  if (native.binding !== null) return native.binding
  const found = `${native.reason}; whoever made this uses it, unless told \`addon: false\``
  const data = { found, advice: advise(native) }
  throw new FlyshuttleError('ERR_ADDON_MISSING', data)
}
