// Where the package lies on this machine: the folder of its package.json.
//
// The addon (`native/load.ts`) and the file that worker threads run (`engine/thread-file.ts`) are
// found from there, also when Flyshuttle itself has become part of a bundle somewhere else. A
// bundler cannot carry those along, so the package must be installed where a bundle runs.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NAME = 'flyshuttle'

/** The package's folder; null when it is not installed where this bundle runs. */
export function findPackageRoot(): string | null {
  const here = ownUrl()
  // Both `src/base/` and `dist/base/` lie two floors below the root.
  const root = fileURLToPath(new URL('../..', here))
  if (isRoot(root)) return root
  // In a bundle: as the bundle, the program and the working directory would find it.
  const program = pathToFileURL(process.argv[1] ?? here).href
  const folder = pathToFileURL(join(process.cwd(), 'x')).href
  for (const from of [here, program, folder]) {
    try {
      return dirname(requireFrom(from).resolve(`${NAME}/package.json`))
    } catch {
      // Not from there.
    }
  }
  return null
}

/**
 * `createRequire`, for a file or its URL. Not imported: bundlers that see it decide while bundling
 * what it is to find.
 */
export function requireFrom(file: string): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(file)
}

/** A bundle in CommonJS has no `import.meta`, and a module of Node has no `__filename`. */
function ownUrl(): string {
  const { url } = import.meta as { url?: string }
  return url ?? pathToFileURL(__filename).href
}

function isRoot(folder: string): boolean {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return false
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown }).name === NAME
}
