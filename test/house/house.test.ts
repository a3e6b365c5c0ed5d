// Each house check is shown a tree that keeps its rules and one that breaks each of them.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import {
  CHECKS,
  checkErrorCodes,
  checkFloors,
  checkSyncLabels,
  checkTidy,
  readTree,
  type Finding,
} from '../../scripts/check-house.mjs'

type Files = Record<string, string>

const treeOf = (files: Files): Map<string, string> => new Map(Object.entries(files))

const shown = (findings: Finding[]): string[] =>
  findings.map(({ file, line, message }) => `${file}:${line} ${message}`)

/** Written in pieces: the house checks read this file too. */
const LEFTOVERS = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X']
const MACHINE_PATHS = ['home', 'root', 'work'].map((folder) => `/${folder}/`)

describe('floors', () => {
  const floorsOf = (file: string, text: string): string[] =>
    checkFloors(treeOf({ [file]: text })).map(({ message }) => message)

  test.each([
    ['src/engine/engine.ts', `import { a } from '../base/errors.js'`],
    ['src/routing/sender.ts', `import type { A } from '../link/outbox.js'`],
    ['src/ring/ring.ts', `import { b } from './frame.js'\nimport c from '../memory/layout.js'`],
    ['src/codec/deep/text.ts', `export * from '../schema.js'`],
    ['src/base/clock.ts', `import { hrtime } from 'node:process'`],
    ['src/codec/msgpack.ts', `import { Packr } from 'msgpackr'`],
    ['src/index.ts', `export * from './engine/engine.js'\nexport * from './base/errors.js'`],
    ['src/testing/index.ts', `import { a } from '../engine/engine.js'`],
    ['src/native/binding.ts', `require('bindings')('flyshuttle')\nload('addon.node')`],
    ['src/native/binding.ts', `new URL('../../build/Release/flyshuttle.node', import.meta.url)`],
    ['src/engine/spawn.ts', `new URL('./thread.js', import.meta.url)`],
    ['src/engine/version.ts', `import pkg from '../../package.json'`],
    ['src/base/text.ts', `// import '../engine/engine.js'\nconst a = "import '../ring/ring.js'"`],
    ['src/base/node.ts', `process.versions.node`],
    ['examples/flights/main.ts', `import { a } from 'flyshuttle'\nimport b from '../shared.js'`],
    ['agents/echo.mjs', `import { defineAgent } from 'flyshuttle'\nimport fs from 'node:fs'`],
    ['bench/lib/run.mjs', `import 'flyshuttle/testing'\nnew URL('../..', import.meta.url)`],
    ['test/ring/ring.test.ts', `import '../../src/ring/ring.js'`],
  ])('%s may hold %s', (file, text) => {
    expect(floorsOf(file, text)).toEqual([])
  })

  test.each([
    ['src/ring/a.ts', `import { a } from '../link/b.js'`, 'up: ring (floor 2) from link (floor 3)'],
    ['src/ring/a.ts', `import '../codec/b.js'`, 'sideways: ring (floor 2) from codec (floor 2)'],
    ['src/base/a.ts', `import type { A } from '../memory/b.js'`, 'up: base (floor 0)'],
    ['src/base/a.ts', `import { type A } from '../memory/b.js'`, 'up: base (floor 0)'],
    ['src/base/a.ts', `export { a } from '../memory/b.js'`, 'up: base (floor 0)'],
    ['src/base/a.ts', `export type * from '../memory/b.js'`, 'up: base (floor 0)'],
    ['src/base/a.ts', `const a = await import('../memory/b.js')`, 'up: base (floor 0)'],
    ['src/base/a.ts', `let a: import('../memory/b.js').B`, 'up: base (floor 0)'],
    ['src/base/a.ts', `let a: typeof import('../memory/b.js')`, 'up: base (floor 0)'],
    ['src/base/a.ts', `import a = require('../memory/b.js')`, 'up: base (floor 0)'],
    ['src/base/a.ts', `const a = require('../memory/b.js')`, 'up: base (floor 0)'],
    ['src/agent/a.ts', `new URL('../engine/thread.js', import.meta.url)`, 'up: agent (floor 4)'],
    ['src/base/a.ts', `import '../index.js'`, 'the front door is for those outside'],
    ['src/engine/a.ts', `import '../testing/index.js'`, 'nobody imports src/testing/'],
    ['src/index.ts', `export * from './testing/index.js'`, 'nobody imports src/testing/'],
    ['src/engine/a.ts', `import '../extra/b.js'`, 'src/extra/b.js, which stands on no floor'],
    ['src/extra/a.ts', ``, 'stands on no floor'],
    ['src/extra.ts', ``, 'stands on no floor'],
    ['src/engine/a.ts', `import 'flyshuttle'`, 'imports its own package'],
    ['src/engine/a.ts', `import '../../scripts/b.mjs'`, 'reaches into scripts/b.mjs'],
    ['src/engine/a.ts', `import load from 'bindings'`, 'only src/native/ loads the addon'],
    ['src/engine/a.ts', `load('x/addon.node')`, 'only src/native/ loads the addon'],
    ['src/engine/a.ts', 'load(`${x}/addon.node`)', 'only src/native/ loads the addon'],
    ['bench/a.mjs', `load('addon.node')`, 'only src/native/ loads the addon'],
    ['examples/a.ts', `import '../src/index.js'`, 'reaches into src/index.js'],
    ['examples/b/a.ts', `import '../../dist/index.js'`, 'reaches into dist/index.js'],
    ['bench/a.mjs', `new URL('../native/core/ring.h', import.meta.url)`, 'reaches into native/'],
    ['examples/a.ts', `import 'flyshuttle/testing'`, 'examples/ may import flyshuttle'],
    ['agents/a.ts', `import 'flyshuttle/dist/index.js'`, 'agents/ may import flyshuttle'],
    ['bench/a.mjs', `import 'flyshuttle/state'`, 'may import flyshuttle and flyshuttle/testing'],
  ])('%s may not hold %s', (file, text, message) => {
    expect(floorsOf(file, text)).toEqual([expect.stringContaining(message)])
  })

  test('the line of the import is named', () => {
    const text = `// first\n\nimport {\n  a,\n} from '../engine/b.js'\n`
    expect(checkFloors(treeOf({ 'src/base/a.ts': text }))).toEqual([
      { file: 'src/base/a.ts', line: 5, message: expect.stringContaining('imports up') },
    ])
  })
})

describe('SYNC labels', () => {
  const oneEnd = 'function f() {\n  // SYNC tail: pairs with g.\n}\n'
  const bothEnds = `${oneEnd}function g() {\n  // SYNC tail: pairs with f.\n}\n`

  const twice = '// SYNC tail: a\n// SYNC tail: b\n'

  test.each<[string, Files]>([
    ['two functions of one file', { 'src/ring/a.ts': bothEnds }],
    ['two methods', { 'src/ring/a.ts': `class A {\n${bothEnds.replaceAll('function ', '')}}` }],
    ['two files', { 'src/ring/a.ts': oneEnd, 'src/ring/b.ts': oneEnd }],
    ['C++ alone', { 'native/core/a.h': '// SYNC x: a\n', 'native/glue/b.cc': '// SYNC x: b\n' }],
    ['both languages', { 'src/ring/a.ts': bothEnds, 'native/core/a.h': twice }],
    ['text that is no label', { 'src/ring/a.ts': '// What SYNC says: nothing.\n// ASYNC a: b\n' }],
  ])('pair in %s', (_, files) => {
    expect(shown(checkSyncLabels(treeOf(files)))).toEqual([])
  })

  test.each<[string, Files, string]>([
    ['one end', { 'src/a.ts': oneEnd }, 'src/a.ts:2 SYNC tail stands once in TypeScript'],
    [
      'two labels in one function',
      { 'src/a.ts': 'function f() {\n  // SYNC a: x\n  // SYNC a: y\n}\n' },
      'src/a.ts:2 SYNC a stands in one function in TypeScript',
    ],
    [
      'one end in each language',
      { 'src/a.ts': bothEnds, 'native/core/a.h': '\n// SYNC tail: x\n' },
      'native/core/a.h:2 SYNC tail stands once in C++',
    ],
    [
      'a label without its colon',
      { 'src/a.ts': '// SYNC tail pairs with g\n' },
      'src/a.ts:1 SYNC tail lacks its colon',
    ],
  ])('do not pair with %s', (_, files, message) => {
    expect(shown(checkSyncLabels(treeOf(files)))).toEqual([expect.stringContaining(message)])
  })

  test('of two names are both reported', () => {
    const text = 'function f() {\n  // SYNC one: x\n}\nfunction g() {\n  // SYNC other: y\n}\n'
    expect(checkSyncLabels(treeOf({ 'src/a.ts': text }))).toHaveLength(2)
  })
})

describe('error codes', () => {
  const catalogue = `export const ERROR_CATALOGUE = {\n  ERR_A: 'a {x}',\n  ERR_B: 'b',\n}\n`
  const docs = '# Errors\n\n| code | when |\n|---|---|\n| `ERR_A` | now |\n\n## ERR_B\n\nLater.\n'
  const uses = `fail('ERR_A')\nif (a === "ERR_B") f()\nif (a === 'ERR_MODULE_NOT_FOUND') f()\n`
  const good = { 'src/base/errors.ts': catalogue, 'docs/errors.md': docs, 'src/a/a.ts': uses }
  const codesOf = (changed: Files): string[] =>
    shown(checkErrorCodes(treeOf({ ...good, ...changed })))

  test('catalogued, documented and used are fine', () => {
    expect(codesOf({})).toEqual([])
  })

  test('a code that is not documented', () => {
    expect(codesOf({ 'docs/errors.md': docs.replace('| `ERR_A` |', '| none |') })).toEqual([
      'src/base/errors.ts:2 ERR_A is not documented in docs/errors.md',
    ])
  })

  test('a code that is documented and does not exist', () => {
    expect(codesOf({ 'docs/errors.md': `${docs}\n## ERR_C\n` })).toEqual([
      'docs/errors.md:11 ERR_C is not in the catalogue',
    ])
  })

  test('a code that is documented twice', () => {
    expect(codesOf({ 'docs/errors.md': `${docs}| \`ERR_A\` | again |\n` })).toEqual([
      'docs/errors.md:10 ERR_A is documented twice',
    ])
  })

  test('a code that is used and does not exist', () => {
    expect(codesOf({ 'src/b/b.ts': `\nfail('ERR_NEW')` })).toEqual([
      'src/b/b.ts:2 ERR_NEW is not in the catalogue of src/base/errors.ts',
    ])
  })

  test('a code that is raised nowhere, unless nobody asks', () => {
    const tree = treeOf({ ...good, 'src/a/a.ts': `fail('ERR_A') // or 'ERR_B'` })
    expect(shown(checkErrorCodes(tree))).toEqual([
      'src/base/errors.ts:3 ERR_B is raised nowhere in src/',
    ])
    expect(checkErrorCodes(tree, { wantEveryCodeUsed: false })).toEqual([])
  })

  test('a catalogue that cannot be found is no empty catalogue', () => {
    expect(shown(checkErrorCodes(treeOf({})))).toEqual([
      'src/base/errors.ts:1 holds no ERROR_CATALOGUE',
    ])
  })
})

describe('tidiness', () => {
  const tidyOf = (file: string, text: string): string[] =>
    shown(checkTidy(treeOf({ [file]: text })))

  test.each([
    ['a line of 100 columns', 'src/a.ts', `// ${'─'.repeat(97)}\n`],
    ['a wide table', 'bench/README.md', `# Bench\n\n| ${'a'.repeat(120)} |\n`],
    ['a long address', 'test/a.ts', `// https://example.com/${'a'.repeat(100)}\n`],
    ['a wide line elsewhere', 'docs/a.md', `# Docs\n\n${'a '.repeat(90)}\n`],
    ['wide data', 'test/golden.json', `"${'a'.repeat(200)}"\n`],
    ['a file of 400 lines', 'src/a.ts', '\n'.repeat(400)],
    ['a long test', 'test/a.ts', '\n'.repeat(600)],
    ['a skip with a reason above', 'test/a.ts', `// Needs two NUMA nodes.\ntest.skip('a', f)\n`],
    ['a skip with a reason beside it', 'test/a.ts', `test.skipIf(x)('a', f) // Linux only.\n`],
    ['other things named only and skip', 'test/a.ts', `reader.skip(3)\nquery.only('x')\n`],
    ['a switch in a string', 'test/a.ts', `run("test.only('a', f)")\n`],
    ['chance in its one place', 'src/base/random.ts', `Math.random()\n`],
    ['chance in a test', 'test/a.ts', `Math.random()\n`],
    ['a catch that acts', 'src/a.ts', `try { f() } catch (error) { g(error) }\n`],
    ['a catch that says why', 'src/a.ts', `try { f() } catch {\n  // Gone already: fine.\n}\n`],
    ['a rejection that says why', 'src/a.ts', `f().catch(() => {}) // Settled elsewhere.\n`],
    ['a native catch that says why', 'native/a.cc', `try { f(); } catch (...) { /* gone */ }\n`],
    ['one heading', 'README.md', '# A\n\n```sh\n# not a heading\n```\n\n## B\n'],
    ['addresses with such folders', 'README.md', `# A\n\nhttps://a.com${MACHINE_PATHS[2]}b\n`],
  ])('allows %s', (_, file, text) => {
    expect(tidyOf(file, text)).toEqual([])
  })

  test.each([
    ['a line of 101 columns', 'src/a.ts', `//\n// ${'─'.repeat(98)}\n`, ':2 is 101 columns wide'],
    ['a wide native line', 'native/core/a.h', `// ${'a'.repeat(98)}\n`, ':1 is 101 columns'],
    ['wide prose', 'bench/README.md', `# Bench\n\n${'a '.repeat(60)}\n`, ':3 is 120 columns wide'],
    ['a file of 401 lines', 'src/a.ts', '\n'.repeat(401), ':1 has 401 lines; at most 400'],
    ...LEFTOVERS.map((word) => [word, 'scripts/a.mjs', `// ${word}: later\n`, `holds a ${word}`]),
    ['test.only', 'test/a.ts', `\ntest.only('a', f)\n`, ':2 runs one test only'],
    ['describe.only.each', 'test/a.ts', `describe.only.each([1])('a', f)\n`, 'one test only'],
    ['only as an option', 'test/a.ts', `test('a', { only: true }, f)\n`, 'one test only'],
    ['a skip without a reason', 'test/a.ts', `\n\ntest.skip('a', f)\n`, ':3 skip without a reason'],
    ['skipIf', 'test/a.ts', `describe.skipIf(x)('a', f)\n`, 'skipIf without a reason'],
    ['skip as an option', 'test/a.ts', `it('a', { skip: true }, f)\n`, 'skip without a reason'],
    ['a skip inside', 'test/a.ts', `test('a', (ctx) => {\n  ctx.skip()\n})\n`, ':2 skip without'],
    ['a planned test', 'test/a.ts', `test.todo('a')\n`, 'todo without a reason'],
    ['chance in src', 'src/link/a.ts', `const a = Math.random()\n`, ':1 calls Math.random'],
    ['chance in an agent', 'agents/a.mjs', `const a = Math.random()\n`, ':1 calls Math.random'],
    ['an empty catch', 'src/a.ts', `try { f() } catch {}\n`, ':1 catches an error and drops it'],
    ['an empty catch with a name', 'test/a.ts', `try { f() } catch (error) {\n}\n`, 'drops it'],
    ['an empty rejection handler', 'src/a.ts', `f().catch(() => {})\n`, 'drops it'],
    ['an empty native catch', 'native/a.cc', `\ntry { f(); } catch (...) {\n}\n`, ':2 catches'],
    ['two headings', 'docs/a.md', '# A\n\n# B\n', ':3 is a second heading'],
    ['no heading', 'docs/a.md', '## A\n', ':1 has no heading'],
    ...MACHINE_PATHS.map((path) => [path, 'any.json', `{ "a": "${path}x" }\n`, `names ${path}`]),
  ] as [string, string, string, string][])('refuses %s', (_, file, text, message) => {
    expect(tidyOf(file, text)).toEqual([expect.stringContaining(message)])
  })
})

describe('the script', () => {
  const script = fileURLToPath(new URL('../../scripts/check-house.mjs', import.meta.url))
  const roots: string[] = []

  afterEach(() => {
    for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
  })

  /** A folder with these files, in the machine's folder for temporary files. */
  function folderOf(files: Files): string {
    const root = mkdtempSync(join(tmpdir(), 'house-'))
    roots.push(root)
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    return root
  }

  const good = {
    'src/base/errors.ts': `export const ERROR_CATALOGUE = { ERR_A: 'a' }\n`,
    'src/engine/a.ts': `import '../base/errors.js'\nfail('ERR_A')\n`,
    'docs/errors.md': '# Errors\n\n## ERR_A\n',
    'node_modules/x/index.js': '// ' + 'x'.repeat(200),
  }

  test('exits with 0 where nothing is wrong', () => {
    const { status, stdout } = spawnSync('node', [script, folderOf(good)], { encoding: 'utf8' })
    expect(stdout).toContain('house: 3 files, 4 checks, nothing to report')
    expect(status).toBe(0)
  })

  test('prints what is wrong and exits with 1', () => {
    const bad = { ...good, 'src/base/b.ts': `import '../engine/a.js'\n` }
    const { status, stdout } = spawnSync('node', [script, folderOf(bad)], { encoding: 'utf8' })
    expect(stdout).toContain('floors: 1\n  src/base/b.ts:1  imports up: base (floor 0) from engine')
    expect(stdout).toContain('1 to mend')
    expect(status).toBe(1)
  })

  const hasGit = spawnSync('git', ['--version']).status === 0

  // Without git the script walks the folders, which the tests above cover.
  test.skipIf(!hasGit)('reads what git tracks or would track, and nothing that it ignores', () => {
    const root = folderOf({
      '.gitignore': 'ignored/\n',
      'a.md': '# A\n',
      'gone.md': '# Gone\n',
      'new.md': '# New\n',
      'ignored/b.md': '# B\n',
      'picture.bin': 'a\0b',
    })
    execFileSync('git', ['init', '-q'], { cwd: root })
    execFileSync('git', ['add', '.gitignore', 'a.md', 'gone.md'], { cwd: root })
    rmSync(join(root, 'gone.md'))
    expect([...readTree(root).keys()]).toEqual(['.gitignore', 'a.md', 'new.md'])
  })

  test('runs every check there is', () => {
    expect([...CHECKS.values()]).toEqual([checkFloors, checkSyncLabels, checkErrorCodes, checkTidy])
  })
})
