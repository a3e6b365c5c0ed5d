// The floors of the house: a folder of src/ imports from lower floors only, and guests come in by
// the front door.
//
// The table is the one of the design. A sideways wish becomes an interface on a lower floor, joined
// in `engine`. `import type` counts, and so does a file that is named by `new URL('…',
// import.meta.url)`: a thread's entry file is a dependency like any other.

import { eachString, importsOf, isCode, lineOf, parse, resolveImport } from './source.mjs'

/** Folder in src/ → floor. */
export const FLOORS = new Map([
  ['engine', 7],
  ...['gateway', 'cluster', 'observe', 'queue'].map((folder) => [folder, 6]),
  ...['routing', 'supervision'].map((folder) => [folder, 5]),
  ...['agent', 'channel'].map((folder) => [folder, 4]),
  ...['link', 'security', 'state', 'resilience'].map((folder) => [folder, 3]),
  ...['ring', 'codec', 'counters', 'placement'].map((folder) => [folder, 2]),
  ...['memory', 'native'].map((folder) => [folder, 1]),
  ['base', 0],
])

/** Guest folder → names by which it may import the package. */
export const GUESTS = new Map([
  ['agents', ['flyshuttle']],
  ['examples', ['flyshuttle']],
  ['cli', ['flyshuttle']],
  ['bench', ['flyshuttle', 'flyshuttle/testing']],
])

/** What a guest reaches only by the package's name. */
const BEHIND_THE_DOOR = /^(src|dist|native|build)(\/|$)/

/**
 * @param {import('./source.mjs').Tree} tree
 * @returns {import('./source.mjs').Finding[]}
 */
export function checkFloors(tree) {
  const findings = []
  for (const [file, text] of tree) {
    const top = file.split('/')[0]
    if (!isCode(file) || (top !== 'src' && !GUESTS.has(top))) continue
    const source = parse(file, text)
    const refusalOf = top === 'src' ? refusalInSrc : refusalForGuest
    for (const { name, line } of importsOf(source)) {
      const message = refusalOf(file, name)
      if (message !== null) findings.push({ file, line, message })
    }
    if (file.startsWith('src/native/')) continue
    eachString(source, (value, node) => {
      if (value !== 'bindings' && !/\.node$/.test(value)) return
      const message = `names ${JSON.stringify(value)}: only src/native/ loads the addon`
      findings.push({ file, line: lineOf(source, node), message })
    })
    if (top === 'src' && placeOf(file) === null) {
      const message = 'stands on no floor: only index.ts lies in src/ itself'
      findings.push({ file, line: 1, message })
    }
  }
  return findings
}

/** Why a file of src/ may not import `name`, or null. */
function refusalInSrc(file, name) {
  if (name === 'flyshuttle' || name.startsWith('flyshuttle/')) {
    return `imports its own package as ${name}: use a relative path, so that floors can be checked`
  }
  const path = resolveImport(file, name)
  if (path === null) return null
  const from = placeOf(file)
  // The native folder looks for build outputs outside src/, and everyone may read package.json.
  if (!path.startsWith('src/')) {
    return path === 'package.json' || from === 'native' ? null : leaves(path)
  }
  const to = placeOf(path)
  if (to === from && to !== null) return null
  if (to === 'testing') return `imports ${path}: nobody imports src/testing/`
  if (to === 'index') return `imports ${path}: the front door is for those outside`
  if (to === null) return `imports ${path}, which stands on no floor`
  if (from === 'index' || from === 'testing' || from === null) return null
  if (FLOORS.get(to) < FLOORS.get(from)) return null
  const direction = FLOORS.get(to) === FLOORS.get(from) ? 'sideways' : 'up'
  return `imports ${direction}: ${nameOf(from)} from ${nameOf(to)}`
}

/** Why a guest may not import `name`, or null. */
function refusalForGuest(file, name) {
  const [guest] = file.split('/')
  const doors = GUESTS.get(guest)
  const path = resolveImport(file, name)
  if (path !== null) return BEHIND_THE_DOOR.test(path) ? leaves(path) : null
  if (name !== 'flyshuttle' && !name.startsWith('flyshuttle/')) return null
  if (doors.includes(name)) return null
  return `imports ${name}; ${guest}/ may import ${doors.join(' and ')}`
}

const leaves = (path) => `reaches into ${path}: the package is imported by its name`

const nameOf = (folder) => `${folder} (floor ${FLOORS.get(folder)})`

/**
 * The folder that a path of src/ belongs to, `testing`, `index` for the front door; null for no
 * place at all.
 */
function placeOf(path) {
  const [, first, ...rest] = path.split('/')
  if (rest.length === 0 && /^index\.[jt]s$/.test(first)) return 'index'
  return first === 'testing' || FLOORS.has(first) ? first : null
}
