// Takes the comments out of the JavaScript in `dist/`, after a build. Every thread of an engine
// holds the text of every module that it has loaded, in two bytes per character if a single one of
// them is not Latin-1, as the lines of a drawing are. The declarations keep theirs.
//
// Lines stay where they are, for the source maps. Labels of steps stay, too: `test/fail-points`
// finds its places by them; and so does what is said to bundlers.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const COMMENT = /[ \t]*(\/\/[^\n]*|\/\*[^]*?\*\/)/g
const KEPT = /^\/\/ (SYNC|STEP) |^\/\/# sourceMappingURL=|^\/\* webpackIgnore: true \*\//

for (const file of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js')) continue
  const path = join(DIST, file)
  writeFileSync(path, slim(path, readFileSync(path, 'utf8')))
}

/**
 * @param {string} path
 * @param {string} text
 */
function slim(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  let result = ''
  // Comments lie between tokens, and nothing else but blanks does.
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isJSDoc(node)) return
    const children = node.getChildren(source)
    if (children.length > 0) return children.forEach(visit)
    const start = node.getStart(source, false)
    result += text.slice(node.pos, start).replaceAll(COMMENT, blank) + text.slice(start, node.end)
  }
  visit(source)
  return result.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${hex(unit)}`)
}

/** @param {string} comment */
function blank(comment) {
  return KEPT.test(comment.trimStart()) ? comment : comment.replaceAll(/[^\n]/g, '')
}

/** @param {string} unit */
function hex(unit) {
  return unit.charCodeAt(0).toString(16).padStart(4, '0')
}
