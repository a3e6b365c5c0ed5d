// What a thread holds of the built package, from which `scripts/slim-dist.mjs` takes the comments.
// The names of sources that are not of modules are text of templates: what code that is made at run
// time is called.

import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LABEL = /\/\/ (SYNC|STEP) [a-z][a-z0-9-]*:/g

const built = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.js'))
  .map((file) => ({ file, text: readFileSync(join(ROOT, 'dist', file), 'utf8') }))

test('no module in dist takes two bytes per character', () => {
  const wide = built.filter(({ text }) => /[^\0-\x7f]/.test(text))
  expect(wide.map(({ file }) => file)).toEqual([])
})

test('no comment is left in dist but labels and the names of sources', () => {
  const comments = built.flatMap(({ text }) => text.match(/^\s*\/[/*].*$/gm) ?? [])
  const others = comments.filter((line) => !/\/\/ (SYNC|STEP) |\/\/# source/.test(line))
  expect(others).toEqual([])
})

test('every label of a step in src is in dist, where fail-points look for it', () => {
  for (const { file, text } of built) {
    const source = readFileSync(join(ROOT, 'src', file.replace(/\.js$/, '.ts')), 'utf8')
    expect(text.match(LABEL), file).toEqual(source.match(LABEL))
  }
})

test('what src says to bundlers is in dist', () => {
  const said = built.flatMap(({ file, text }) => {
    const source = readFileSync(join(ROOT, 'src', file.replace(/\.js$/, '.ts')), 'utf8')
    const words = source.match(/\/\* webpack\w+: \w+ \*\//g) ?? []
    expect(text.match(/\/\* webpack\w+: \w+ \*\//g) ?? [], file).toEqual(words)
    return words
  })
  expect(said.length).toBeGreaterThan(0)
})

test('whoever imports the package loads nothing of the main thread’s part', () => {
  const loaded = new Set<string>()
  const load = (path: string): void => {
    if (loaded.has(path)) return
    loaded.add(path)
    const text = built.find(({ file }) => join(ROOT, 'dist', file) === path)?.text ?? ''
    for (const [, name] of text.matchAll(/^(?:import|export)\b[^'(]*'(\.[^']+)'/gm)) {
      load(join(dirname(path), name as string))
    }
  }
  load(join(ROOT, 'dist/index.js'))
  expect(loaded).toContain(join(ROOT, 'dist/engine/agent-host.js'))
  for (const part of ['engine', 'hub', 'life', 'fleet']) {
    expect(loaded).not.toContain(join(ROOT, `dist/engine/${part}.js`))
  }
})
