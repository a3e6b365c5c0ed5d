// A copy of the built package that can be made to die at any step of its protocol.
//
// In `dist/`, each function that holds a comment `// SYNC name` or `// STEP name` gets a fail-point
// before each of its steps and one at its end: `pass(id)`, which see. A step is a statement that
// calls something, makes something or stores an element; others change nothing that another thread
// could see. So a new label is tested without further work, and the package that is shipped holds
// nothing of this.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const LABEL = /\/\/ (SYNC|STEP) ([a-z][a-z0-9-]*):/g
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * @typedef {object} FailPoint
 * @property {number} id
 * @property {string} file in `dist/`
 * @property {string} function its name, with its class
 * @property {string[]} labels of the function, as `SYNC name`
 * @property {string} step the first line of what comes next; `(end)` at the end of the function
 */

/**
 * Copies the package into a fresh folder, with fail-points. The caller removes the folder.
 *
 * @returns {{ folder: string, points: FailPoint[] }}
 */
export function instrument() {
  const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-fail-points-'))
  const points = []
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  mkdirSync(join(folder, 'test'))
  for (const guest of ['fail-points', 'fixtures']) {
    cpSync(join(ROOT, 'test', guest), join(folder, 'test', guest), { recursive: true })
  }
  for (const linked of ['node_modules', 'build']) {
    symlinkSync(join(ROOT, linked), join(folder, linked), 'junction')
  }
  for (const file of readdirSync(join(folder, 'dist'), { recursive: true })) {
    if (!file.endsWith('.js')) continue
    const path = join(folder, 'dist', file)
    const text = readFileSync(path, 'utf8')
    const name = file.split(sep).join('/')
    const changed = insertPoints(name, text, points)
    if (changed === null) continue
    const pass = relative(join(path, '..'), join(folder, 'test/fail-points/pass.mjs'))
    const from = JSON.stringify(pass.split(sep).join('/'))
    writeFileSync(path, `import { pass as pass__ } from ${from};${changed}`)
  }
  stopBeat(join(folder, 'dist/link/doorbell.js'), ', BEAT_MS)', ', 2 ** 30)', 2)
  stopBeat(join(folder, 'dist/queue/port.js'), ': BEAT_MS;', ': 2 ** 30;', 1)
  return { folder, points }
}

/** Nothing may rest on the beat that rechecks each inbox: in the copy it never comes. */
function stopBeat(path, beat, none, times) {
  const parts = readFileSync(path, 'utf8').split(beat)
  if (parts.length !== times + 1) throw new Error(`${path}: wanted ${times} times ${beat}`)
  writeFileSync(path, parts.join(none))
}

/** The text with its fail-points, which are added to `points`; null when it has no label. */
function insertPoints(file, text, points) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  const labelled = new Map()
  for (const { index, 1: kind, 2: name } of text.matchAll(LABEL)) {
    const owner = ownerOf(source, index)
    if (!labelled.has(owner)) labelled.set(owner, { labels: new Set(), positions: [] })
    labelled.get(owner).labels.add(`${kind} ${name}`)
    labelled.get(owner).positions.push(index)
  }
  if (labelled.size === 0) return null
  const edits = []
  for (const [owner, { labels, positions }] of labelled) {
    const add = (at, step, before, after) => {
      const id = points.length
      points.push({ id, file, function: nameOf(owner), labels: [...labels], step })
      edits.push({ at, text: `${before}pass__(${id});${after}` })
    }
    const isLabelled = (node) => positions.some((p) => p >= node.pos && p < node.getStart(source))
    eachStatement(owner, (statement, isAlone) => {
      if (!isStep(statement) && !isLabelled(statement)) return
      const [step] = statement.getText(source).split('\n')
      add(statement.getStart(source), step, isAlone ? '{ ' : '', ' ')
      if (isAlone) edits.push({ at: statement.getEnd(), text: ' }' })
    })
    const { statements } = bodyOf(owner)
    const last = statements.at(-1)
    if (!ts.isReturnStatement(last) && !ts.isThrowStatement(last)) {
      add(last.getEnd(), '(end)', ' ', '')
    }
  }
  // From the end, so that positions stay right; of two at one place, the later one comes later.
  edits.reverse().sort((a, b) => b.at - a.at)
  for (const edit of edits) text = text.slice(0, edit.at) + edit.text + text.slice(edit.at)
  return text
}

/** The innermost function around a position, or the whole file. */
function ownerOf(source, position) {
  let owner = source
  const descend = (node) => {
    if (position < node.pos || position >= node.end) return
    if (ts.isFunctionLike(node) && node.body !== undefined && ts.isBlock(node.body)) owner = node
    ts.forEachChild(node, descend)
  }
  descend(source)
  return owner
}

function bodyOf(owner) {
  return ts.isSourceFile(owner) ? owner : owner.body
}

function nameOf(owner) {
  if (ts.isSourceFile(owner)) return '(file)'
  const named = owner.name ?? owner.parent.name
  const name = named === undefined ? 'constructor' : named.getText()
  const isMember = ts.isClassDeclaration(owner.parent)
  return isMember ? `${owner.parent.name.getText()}.${name}` : name
}

/** Every statement of a function, not of those within it. `isAlone`: it stands without braces. */
function eachStatement(owner, visit) {
  const descend = (node, parent) => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return
    if (ts.isStatement(node) && !ts.isBlock(node)) {
      if (ts.isImportDeclaration(node) || ts.isFunctionDeclaration(node)) return
      const isListed = ts.isBlock(parent) || ts.isSourceFile(parent) || ts.isCaseClause(parent)
      // `else if` would be torn from its `else`; its condition changes nothing.
      const isElseIf = ts.isIfStatement(parent) && ts.isIfStatement(node)
      if (!isElseIf && !ts.isCatchClause(parent)) visit(node, !isListed)
    }
    ts.forEachChild(node, (child) => descend(child, node))
  }
  const body = bodyOf(owner)
  for (const statement of body.statements) descend(statement, body)
}

/** Whether a statement, without those within it, does anything beyond its own function. */
function isStep(statement) {
  let found = false
  const descend = (node) => {
    if (found || ts.isFunctionLike(node)) return
    if (node !== statement && ts.isStatement(node)) return
    const isAssignment =
      ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) found = true
    else if (isAssignment && ts.isElementAccessExpression(node.left)) found = true
    else ts.forEachChild(node, descend)
  }
  if (!ts.isClassLike(statement) && !ts.isExportDeclaration(statement)) descend(statement)
  return found
}
