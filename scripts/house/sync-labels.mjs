// SYNC labels: every store that another thread relies on has its partner, and both carry one name.
//
//   // SYNC tail-publish: pairs with tail-publish in RingReader.poll. …
//
// A label that stands alone is a protocol with one end. In TypeScript it must appear in two
// functions (or two files); in C++, which may hold one end or both of what TypeScript holds too,
// twice if at all. C++ counts together.

import ts from 'typescript'
import { parse } from './source.mjs'

const LABEL = /\/\/\s*SYNC ([a-z][a-z0-9-]*)(:?)/
const NATIVE = /^native\/.*\.(h|hpp|cc|cpp)$/

/**
 * @param {import('./source.mjs').Tree} tree
 * @returns {import('./source.mjs').Finding[]}
 */
export function checkSyncLabels(tree) {
  const findings = []
  const script = new Map()
  const native = new Map()
  for (const [file, text] of tree) {
    const isScript = file.startsWith('src/') && file.endsWith('.ts')
    if (!isScript && !NATIVE.test(file)) continue
    const source = isScript ? parse(file, text) : null
    for (const { name, line, position, colon } of labelsOf(text)) {
      if (!colon) {
        findings.push({ file, line, message: `SYNC ${name} lacks its colon, so nothing pairs it` })
        continue
      }
      const place = source === null ? `${file}:${line}` : `${file}:${functionAt(source, position)}`
      const labels = isScript ? script : native
      if (!labels.has(name)) labels.set(name, [])
      labels.get(name).push({ file, line, place })
    }
  }
  return [...findings, ...alone(script, 'TypeScript'), ...alone(native, 'C++')]
}

function* labelsOf(text) {
  let position = 0
  for (const [index, content] of text.split('\n').entries()) {
    const match = LABEL.exec(content)
    if (match !== null) {
      const at = position + match.index
      yield { name: match[1], line: index + 1, position: at, colon: match[2] === ':' }
    }
    position += content.length + 1
  }
}

/** Findings for labels that are in one place only. */
function alone(labels, language) {
  const findings = []
  for (const [name, uses] of labels) {
    if (new Set(uses.map(({ place }) => place)).size >= 2) continue
    const { file, line } = uses[0]
    const where = uses.length === 1 ? 'once' : 'in one function'
    const message = `SYNC ${name} stands ${where} in ${language}: its partner is missing`
    findings.push({ file, line, message })
  }
  return findings
}

/** The start of the innermost function that holds `position`; -1 at the top level. */
function functionAt(source, position) {
  let start = -1
  const descend = (node) => {
    if (position < node.pos || position >= node.end) return
    if (ts.isFunctionLike(node)) start = node.pos
    ts.forEachChild(node, descend)
  }
  descend(source)
  return start
}
