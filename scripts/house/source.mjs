// Reading source text for the house checks: syntax trees, lines, paths. Every check builds on these
// few functions.

import { posix } from 'node:path'
import ts from 'typescript'

/** @typedef {{ file: string, line: number, message: string }} Finding */
/** @typedef {ReadonlyMap<string, string>} Tree path relative to the root, with `/`, → text */

const CODE = /\.[cm]?[jt]s$/

export const isCode = (file) => CODE.test(file)

/** The syntax tree of a file of TypeScript or JavaScript. */
export function parse(file, text) {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

/** Calls `visit` for each node below `node`, outermost first. */
export function walk(node, visit) {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** The line of a node, from 1. */
export function lineOf(source, node) {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

/** Calls `visit` for each stretch of text in quotes or backticks, with its value. */
export function eachString(source, visit) {
  walk(source, (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) visit(node.text, node)
    else if (ts.isTemplateMiddleOrTemplateTail(node)) visit(node.text, node)
  })
}

/**
 * Every way in which a file names another: `import`, `import type`, `export … from`, `import()` as
 * an expression and as a type, `import x = require()`, `require()`, `import.meta.resolve()`,
 * `vi.mock()` and `new URL('…', import.meta.url)`.
 *
 * @returns {{ name: string, line: number }[]}
 */
export function importsOf(source) {
  const found = []
  const add = (node) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) {
      found.push({ name: node.text, line: lineOf(source, node) })
    }
  }
  walk(source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal)
    } else if (ts.isExternalModuleReference(node)) add(node.expression)
    else if (ts.isCallExpression(node) && LOADERS.test(node.expression.getText(source))) {
      add(node.arguments[0])
    } else if (ts.isNewExpression(node) && node.expression.getText(source) === 'URL') {
      const [name, base] = node.arguments ?? []
      if (base?.getText(source) === 'import.meta.url') add(name)
    }
  })
  return found
}

const LOADERS = /^(import|require|require\.resolve|import\.meta\.resolve|vi\.(do)?mock)$/

/**
 * Where a relative import leads, as a path in the tree; null for a package or a built-in module.
 */
export function resolveImport(file, name) {
  if (!/^\.\.?(\/|$)/.test(name)) return null
  return posix.normalize(posix.join(posix.dirname(file), name))
}
