// The file that worker threads run: `thread-main.js` of the installed package.
//
// Not `new URL('./thread-main.js', import.meta.url)`: in a bundle there is no such file beside this
// one, and bundlers that know the phrase would copy that file without what it imports.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FlyshuttleError } from '../base/errors.js'
import { findPackageRoot } from '../base/package-root.js'

/** @throws ERR_PACKAGE_MISSING where a bundle runs without the package */
export function findThreadFile(): string {
  const root = findPackageRoot()
  if (root !== null) {
    const file = join(root, 'dist', 'engine', 'thread-main.js')
    if (existsSync(file)) return file
  }
  const found = root === null ? 'it is not installed' : `${root} holds no dist/`
  throw new FlyshuttleError('ERR_PACKAGE_MISSING', { found, wanted: process.cwd() })
}
