// The error catalogue: one list in src/base/errors.ts, the same list in docs/errors.md, and every
// code in use.

import ts from 'typescript'
import { eachString, isCode, lineOf, parse, walk } from './source.mjs'

const CATALOGUE = 'src/base/errors.ts'
const DOCS = 'docs/errors.md'
const CODE = /^ERR_[A-Z0-9_]+$/
const DOCUMENTED = /^(?:#{2,3} `?(ERR_[A-Z0-9_]+)`?\s*$|\| `(ERR_[A-Z0-9_]+)` \|)/

/** A code that nothing raises is a promise without a test behind it. */
export const WANT_EVERY_CODE_USED = true

/** Codes of Node itself that our code looks for in errors it caught. */
export const NODE_CODES = new Set([
  'ERR_DLOPEN_FAILED',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_WORKER_INIT_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
])

/**
 * @param {import('./source.mjs').Tree} tree
 * @param {{ wantEveryCodeUsed?: boolean }} options
 * @returns {import('./source.mjs').Finding[]}
 */
export function checkErrorCodes(tree, { wantEveryCodeUsed = WANT_EVERY_CODE_USED } = {}) {
  const findings = []
  const catalogue = catalogueOf(tree.get(CATALOGUE) ?? '')
  const documented = documentedIn(tree.get(DOCS) ?? '', findings)
  if (catalogue.size === 0) {
    findings.push({ file: CATALOGUE, line: 1, message: 'holds no ERROR_CATALOGUE' })
  }
  for (const [code, line] of catalogue) {
    if (documented.has(code)) continue
    findings.push({ file: CATALOGUE, line, message: `${code} is not documented in ${DOCS}` })
  }
  for (const [code, line] of documented) {
    if (catalogue.has(code)) continue
    findings.push({ file: DOCS, line, message: `${code} is not in the catalogue` })
  }
  const used = new Set()
  for (const { code, file, line } of usesIn(tree)) {
    used.add(code)
    if (catalogue.has(code) || NODE_CODES.has(code)) continue
    findings.push({ file, line, message: `${code} is not in the catalogue of ${CATALOGUE}` })
  }
  if (!wantEveryCodeUsed) return findings
  for (const [code, line] of catalogue) {
    if (used.has(code)) continue
    findings.push({ file: CATALOGUE, line, message: `${code} is raised nowhere in src/` })
  }
  return findings
}

/** Code → line, from the keys of `ERROR_CATALOGUE`. */
function catalogueOf(text) {
  const codes = new Map()
  const source = parse(CATALOGUE, text)
  walk(source, (node) => {
    if (!ts.isVariableDeclaration(node) || node.name.getText(source) !== 'ERROR_CATALOGUE') return
    walk(node, (entry) => {
      if (ts.isPropertyAssignment(entry)) codes.set(entry.name.text, lineOf(source, entry))
    })
  })
  return codes
}

/** Code → line, from headings and the first cells of tables. A second mention is a finding. */
function documentedIn(text, findings) {
  const codes = new Map()
  for (const [index, content] of text.split('\n').entries()) {
    const match = DOCUMENTED.exec(content)
    if (match === null) continue
    const code = match[1] ?? match[2]
    const line = index + 1
    if (codes.has(code)) {
      findings.push({ file: DOCS, line, message: `${code} is documented twice` })
    } else codes.set(code, line)
  }
  return codes
}

function* usesIn(tree) {
  for (const [file, text] of tree) {
    if (!file.startsWith('src/') || !isCode(file) || file === CATALOGUE) continue
    const source = parse(file, text)
    const uses = []
    eachString(source, (value, node) => {
      if (CODE.test(value)) uses.push({ code: value, file, line: lineOf(source, node) })
    })
    yield* uses
  }
}
