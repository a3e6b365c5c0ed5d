// Small things that a reader should never stumble over: long lines, leftovers, tests switched off
// in silence.
//
// Rules that speak of code look at the syntax tree, so a word in a string does not trip them.

import ts from 'typescript'
import { isCode, lineOf, parse, walk } from './source.mjs'

const COLUMNS_MAX = 100
const FILE_LINES_MAX = 400

const HOUSE = /^(src|test|scripts|bench|examples|agents|native)\//
const TEXT = /\.([cm]?[jt]s|h|hpp|cc|cpp|md|pml|py|sh)$/
const NATIVE = /\.(h|hpp|cc|cpp)$/

/** The one file where chance may come from the machine: everything else is handed it. */
const SOURCE_OF_CHANCE = 'src/base/random.ts'

// Written in pieces, so that this file passes its own check.
const LEFTOVER = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`)
const MACHINE_PATH = new RegExp(`(?<![\\w./-])/(${['home', 'root', 'work'].join('|')})/`)

/**
 * @param {import('./source.mjs').Tree} tree
 * @returns {import('./source.mjs').Finding[]}
 */
export function checkTidy(tree) {
  const findings = []
  for (const [file, text] of tree) {
    const add = (line, message) => findings.push({ file, line, message })
    const lines = text.split('\n')
    eachLine(lines, MACHINE_PATH, (line, path) => add(line, `names ${path}, a path of one machine`))
    if (file.endsWith('.md')) checkHeadings(lines, add)
    if (!HOUSE.test(file)) continue
    if (TEXT.test(file)) {
      checkColumns(file, lines, add)
      eachLine(lines, LEFTOVER, (line, word) => add(line, `holds a ${word}: do it, or ask for it`))
    }
    if (NATIVE.test(file)) checkNativeCatches(text, add)
    if (file.startsWith('src/')) checkLength(lines, add)
    if (isCode(file)) checkCode(file, text, lines, add)
  }
  return findings
}

function eachLine(lines, pattern, found) {
  for (const [index, content] of lines.entries()) {
    const match = pattern.exec(content)
    if (match !== null) found(index + 1, match[0])
  }
}

/** A table of Markdown cannot be wrapped, and neither can one long address. */
function checkColumns(file, lines, add) {
  for (const [index, content] of lines.entries()) {
    const columns = [...content].length
    if (columns <= COLUMNS_MAX || /^\W*https?:\/\/\S+$/.test(content)) continue
    if (file.endsWith('.md') && /^\s*\|/.test(content)) continue
    add(index + 1, `is ${columns} columns wide; at most ${COLUMNS_MAX}`)
  }
}

function checkLength(lines, add) {
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length
  if (count <= FILE_LINES_MAX) return
  add(1, `has ${count} lines; at most ${FILE_LINES_MAX}: a second idea wants its own file`)
}

function checkHeadings(lines, add) {
  let fenced = false
  let headings = 0
  for (const [index, content] of lines.entries()) {
    if (/^\s*(```|~~~)/.test(content)) fenced = !fenced
    if (fenced || !/^# /.test(content)) continue
    headings++
    if (headings > 1) add(index + 1, 'is a second heading of the first level')
  }
  if (headings === 0) add(1, 'has no heading of the first level')
}

function checkNativeCatches(text, add) {
  for (const match of text.matchAll(/\bcatch\s*\([^)]*\)\s*\{\s*\}/g)) {
    add(text.slice(0, match.index).split('\n').length, EMPTY_CATCH)
  }
}

const EMPTY_CATCH = 'catches an error and drops it without saying why'

function checkCode(file, text, lines, add) {
  const source = parse(file, text)
  const mayRoll = !/^(src|agents)\//.test(file) || file === SOURCE_OF_CHANCE
  walk(source, (node) => {
    const isAccess = ts.isPropertyAccessExpression(node)
    if (isAccess && !mayRoll && node.getText(source) === 'Math.random') {
      add(lineOf(source, node), 'calls Math.random: chance is handed in')
    }
    const block = swallowedBy(node)
    if (block !== null && !/\/[/*]/.test(block.getFullText(source))) {
      const line = lineOf(source, node)
      if (!isExplained(lines, line)) add(line, EMPTY_CATCH)
    }
    for (const { word, at } of switchesIn(node, source)) {
      const line = lineOf(source, at)
      if (word === 'only') add(line, 'runs one test only: the others are off')
      else if (!isExplained(lines, line)) {
        add(line, `${word} without a reason: say it in a comment on this line or the one above`)
      }
    }
  })
}

/** The empty block that swallows an error: of a `catch`, or of a function handed to `.catch()`. */
function swallowedBy(node) {
  if (ts.isCatchClause(node)) return node.block.statements.length === 0 ? node.block : null
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return null
  if (node.expression.name.text !== 'catch') return null
  const handler = node.arguments[0]
  if (handler === undefined || !(ts.isArrowFunction(handler) || ts.isFunctionExpression(handler))) {
    return null
  }
  return ts.isBlock(handler.body) && handler.body.statements.length === 0 ? handler.body : null
}

const TESTERS = new Set(['test', 'it', 'describe', 'suite', 'bench'])
const CONTEXTS = new Set(['context', 'ctx', 't'])
const SWITCHES = new Set(['only', 'skip', 'skipIf', 'runIf', 'todo'])

/**
 * Words that switch tests off: `test.skip`, `describe.only.each`, `ctx.skip()`, `test('…', { skip:
 * true }, …)`.
 */
function* switchesIn(node, source) {
  if (ts.isPropertyAccessExpression(node) && SWITCHES.has(node.name.text)) {
    const root = rootOf(node)
    const isContext = CONTEXTS.has(root) && node.name.text === 'skip'
    if (TESTERS.has(root) || isContext) yield { word: node.name.text, at: node.name }
  }
  if (!ts.isCallExpression(node) || !TESTERS.has(rootOf(node.expression))) return
  for (const argument of node.arguments.filter(ts.isObjectLiteralExpression)) {
    for (const property of argument.properties) {
      const word = property.name?.getText(source)
      if (SWITCHES.has(word)) yield { word, at: property }
    }
  }
}

/** The identifier at the start of `a.b.c`, `a.b().c`, …; the empty string for anything else. */
function rootOf(node) {
  while (!ts.isIdentifier(node)) {
    if (!ts.isPropertyAccessExpression(node) && !ts.isCallExpression(node)) return ''
    node = node.expression
  }
  return node.text
}

/** Whether a comment stands on the line or ends on the one above. */
function isExplained(lines, line) {
  const here = lines[line - 1] ?? ''
  const above = lines[line - 2] ?? ''
  return /(^|\s)(\/\/|\/\*)\s*\S/.test(here) || /^\s*(\/\/\s*\S|\/?\*.*\S)/.test(above)
}
