// Whatever we agreed on, this script checks: `npm run check` prints what breaks a house rule and
// exits with 1.
//
//   node scripts/check-house.mjs [root]
//
// Each check is a pure function from the tree (path → text) to findings, and lives in
// scripts/house/. The tests feed each one good and bad trees. Here the real tree is read: what git
// tracks or would track, and in an unpacked archive every file outside the folders that builds and
// installs fill.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkErrorCodes } from './house/error-codes.mjs'
import { checkFloors } from './house/floors.mjs'
import { checkSyncLabels } from './house/sync-labels.mjs'
import { checkTidy } from './house/tidy.mjs'

export { checkErrorCodes, checkFloors, checkSyncLabels, checkTidy }

/** What is printed above the findings → the check. */
export const CHECKS = new Map([
  ['floors', checkFloors],
  ['SYNC labels', checkSyncLabels],
  ['error codes', checkErrorCodes],
  ['tidiness', checkTidy],
])

const FOLDERS_BUILT = new Set(['node_modules', '.git', 'build', 'dist', 'coverage', '.trace'])

/**
 * The text files below `root`: path with `/` → text. Binary files are left out.
 *
 * @returns {import('./house/source.mjs').Tree}
 */
export function readTree(root) {
  const tree = new Map()
  for (const file of filesIn(root)) {
    const path = join(root, file)
    // Git still lists a file that was removed and not yet committed.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue
    const text = readFileSync(path, 'utf8')
    if (!text.includes('\0')) tree.set(file, text)
  }
  return tree
}

function filesIn(root) {
  const listed = filesOfGit(root)
  return (listed.length > 0 ? listed : filesBelow(root)).sort()
}

function filesOfGit(root) {
  try {
    const wanted = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
    const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    const listed = execFileSync('git', wanted, { ...options, maxBuffer: 64 * 1024 * 1024 })
    return [...new Set(listed.split('\0').filter((file) => file !== ''))]
  } catch {
    return [] // No git, or no repository: the folders are walked instead.
  }
}

function filesBelow(root, folder = '') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return FOLDERS_BUILT.has(entry.name) ? [] : filesBelow(root, path)
    return entry.isFile() ? [path] : []
  })
}

/** Runs every check on the tree below `root`, prints, and returns the number of findings. */
function report(root) {
  const tree = readTree(root)
  let count = 0
  for (const [name, check] of CHECKS) {
    const findings = check(tree)
    count += findings.length
    if (findings.length === 0) continue
    console.log(`\n${name}: ${findings.length}`)
    for (const { file, line, message } of findings) console.log(`  ${file}:${line}  ${message}`)
  }
  const verdict = count === 0 ? 'nothing to report' : `${count} to mend`
  console.log(`\nhouse: ${tree.size} files, ${CHECKS.size} checks, ${verdict}`)
  return count
}

const [, started] = process.argv
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
  process.exitCode = report(resolve(root)) === 0 ? 0 : 1
}
