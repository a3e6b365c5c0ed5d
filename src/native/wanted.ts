// Who may or must use the addon: the maker of an engine or a channel says so by an option, and the
// threads that take part in what another has made do as the maker does.

import { FlyshuttleError } from '../base/errors.js'
import { advise } from './advice.js'
import type { NativeBinding } from './binding.js'
import { loadBinding, type LoadedBinding } from './load.js'

const SWITCHED_OFF: LoadedBinding = {
  binding: null,
  file: null,
  reason: 'switched off by the option `addon: false`',
  attempts: [],
}

/** The addon as the option `addon` wants it. @throws ERR_ADDON_MISSING if it must be there */
export function bindingFor(addon: boolean | 'auto'): LoadedBinding {
  if (addon === false) return SWITCHED_OFF
  const native = loadBinding()
  if (addon === true && native.binding === null) throw missing(native, native.reason)
  return native
}

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
  throw missing(native, `${native.reason}; whoever made this uses it, unless told \`addon: false\``)
}

function missing(native: LoadedBinding, found: string | null): FlyshuttleError {
  return new FlyshuttleError('ERR_ADDON_MISSING', { found, advice: advise(native) })
}
