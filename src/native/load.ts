// Finds and loads the addon, once per thread. The only file that loads a `.node` file.
//
// What a developer has built here goes before what the package carries. Flyshuttle works without,
// so nothing here throws: whoever needs to know why the addon is absent reads `reason`, or has
// `advise` tell the whole story (`advice.ts`).

import { join } from 'node:path'
import { findPackageRoot, requireFrom } from '../base/package-root.js'
import type { NativeBinding } from './binding.js'

/** A file that was looked at, and why it is not in use: null if it is. */
export interface Attempt {
  readonly file: string
  readonly obstacle: string | null
}

export interface LoadedBinding {
  readonly binding: NativeBinding | null
  /** The file of `binding`, or null. */
  readonly file: string | null
  /** Why `binding` is null, in one line; else null. */
  readonly reason: string | null
  readonly attempts: readonly Attempt[]
}

/** Loads a file below `root`: what `bindings` exports. */
export type FindBinding = (options: {
  bindings: string
  module_root: string
  try: string[][]
}) => unknown

const FILE = 'flyshuttle.node'

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
  if (process.env.FLYSHUTTLE_NO_ADDON === '1') return absent('FLYSHUTTLE_NO_ADDON=1')
  const root = findPackageRoot()
  if (root === null) return absent('the package flyshuttle is not installed where this bundle runs')
  try {
    const bindings = requireFrom(join(root, 'package.json'))('bindings') as FindBinding
    return tryPlaces(root, bindings)
  } catch (error) {
    return absent(firstLine(error))
  }
}

/** Tries one place after the other, in a package that lies in `root`. For `loadBinding`. */
export function tryPlaces(root: string, bindings: FindBinding): LoadedBinding {
  const attempts: Attempt[] = []
  for (const folders of placesOf(process.platform, process.arch)) {
    const file = join(root, ...folders, FILE)
    const place = [['module_root', ...folders, 'bindings']]
    let obstacle: string | null
    try {
      const found = bindings({ bindings: FILE, module_root: root, try: place })
      const binding = found as NativeBinding
      obstacle = binding.explainLoop()
      attempts.push({ file, obstacle })
      if (obstacle === null) return { binding, file, reason: null, attempts }
    } catch (error) {
      // `bindings` lists where it has looked if there was nothing to load.
      const isAbsent = (error as { tries?: unknown }).tries !== undefined
      attempts.push({ file, obstacle: isAbsent ? 'not there' : firstLine(error) })
    }
  }
  const failed = attempts.find(({ obstacle }) => obstacle !== 'not there')
  const machine = `${process.platform}-${process.arch}`
  const reason =
    failed === undefined
      ? `there is no ${FILE} for ${machine} in the package`
      : `${failed.file}: ${failed.obstacle}`
  return absent(reason, attempts)
}

/** Folders below the package's root, the first choice first. */
export function placesOf(platform: string, arch: string): string[][] {
  return [
    ['build', 'Release'],
    ['prebuilds', `${platform}-${arch}`],
  ]
}

function absent(reason: string, attempts: readonly Attempt[] = []): LoadedBinding {
  return { binding: null, file: null, reason, attempts }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n')[0] as string
}
