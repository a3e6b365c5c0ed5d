// Finds and loads the addon, once per thread. The only file that loads a `.node` file.
//
// Flyshuttle works without it, so nothing here throws: whoever needs to know why it is absent reads
// `reason`.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { NativeBinding } from './binding.js'

export interface LoadedBinding {
  readonly binding: NativeBinding | null
  /** Why `binding` is null, in a few words; else null. */
  readonly reason: string | null
}

let loaded: LoadedBinding | null = null

/**
 * The addon, or the reason why there is none. The first call decides for the thread.
 *
 * With FLYSHUTTLE_NO_ADDON=1 in the environment the addon is not looked for.
 */
export function loadBinding(): LoadedBinding {
  loaded ??= findBinding()
  return loaded
}

function findBinding(): LoadedBinding {
  if (process.env.FLYSHUTTLE_NO_ADDON === '1') {
    return { binding: null, reason: 'FLYSHUTTLE_NO_ADDON=1' }
  }
  try {
    const bindings = createRequire(import.meta.url)('bindings') as FindBinding
    // Both `src/native/` and `dist/native/` lie two floors below the package's root.
    const root = fileURLToPath(new URL('../../', import.meta.url))
    const found = bindings({ bindings: 'flyshuttle.node', module_root: root })
    return { binding: found as NativeBinding, reason: null }
  } catch (error) {
    // `bindings` lists every place that it looked at; what matters is whether there was a file.
    const [line = 'unknown'] = String((error as Error).message).split('\n')
    const isAbsent = line.startsWith('Could not locate')
    const reason = isAbsent ? 'no flyshuttle.node has been built for this machine' : line
    return { binding: null, reason }
  }
}

type FindBinding = (options: { bindings: string; module_root: string }) => unknown
