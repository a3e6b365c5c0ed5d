// The papers say what is so: their code runs or type-checks, their links lead somewhere, and what
// they name exists.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkFragments } from './fragments.js'
import { ROOT, anchorsOf, fencesOf, findPapers, proseOf, readPaper, type Fence } from './papers.js'

const PAPERS = findPapers()
const FENCES = PAPERS.flatMap(fencesOf)
const LANGUAGES = ['ts', 'js', 'text', 'sh']

/** Files of an example say their name in the first line. */
const FILE_NAME = /^\/\/ ([\w-]+\.[mc]?[jt]s)\n/
const isFile = ({ text }: Fence): boolean => FILE_NAME.test(text)
const isCode = ({ language }: Fence): boolean => language === 'ts' || language === 'js'

describe('the example in the README', () => {
  const fences = FENCES.filter(({ paper }) => paper === 'README.md')
  const session = fences.find(({ text }) => text.startsWith('$ npx tsx '))?.text.split('\n') ?? []
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'flyshuttle-readme-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules', 'flyshuttle'), 'junction')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const { text } of fences.filter(isFile)) {
      writeFileSync(join(folder, FILE_NAME.exec(text)?.[1] as string), text)
    }
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('has two files of about twenty lines together', () => {
    const files = fences.filter(isFile)
    expect(files.map(({ text }) => FILE_NAME.exec(text)?.[1])).toEqual(['delays.ts', 'main.ts'])
    const lines = files.flatMap(({ text }) => text.split('\n').filter((line) => line !== ''))
    expect(lines.length).toBeLessThanOrEqual(30)
  })

  test.each([
    ['as it is', {}],
    ['without the addon', { FLYSHUTTLE_NO_ADDON: '1' }],
  ])('prints what the README says, %s', async (_, environment) => {
    const [command = '', ...printed] = session
    const main = join(folder, command.replace('$ npx tsx ', ''))
    // What `npx tsx` starts, without looking for it in a registry.
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const ended = await run(['--import', tsx, main], folder, environment)
    expect(ended).toEqual({ code: 0, output: `${printed.join('\n')}\n` })
  })
})

describe('code in the papers', () => {
  test('says what language it is', () => {
    const unknown = FENCES.filter(({ language }) => !LANGUAGES.includes(language))
    expect(unknown.map(({ paper, line }) => `${paper}:${line}`)).toEqual([])
  })

  test('type-checks, piece by piece', { timeout: 120_000 }, () => {
    const pieces = FENCES.filter((fence) => isCode(fence) && !isFile(fence))
    const misuse = 'engine.publish(Flight, { origin: 1, delayMin: 2 })'
    const wrong = { name: 'a wrong field', text: misuse }
    const fragments = pieces.map(({ paper, line, text }) => ({ name: `${paper}:${line}`, text }))
    const [refused = [], ...found] = checkFragments([wrong, ...fragments])
    expect(pieces.length).toBeGreaterThan(5)
    expect(refused.join()).toMatch(/'number' is not assignable to type 'string'/)
    expect(found.flat()).toEqual([])
  })
})

describe('links in the papers', () => {
  test.each(PAPERS)('%s leads somewhere', (paper) => {
    const targets = [...proseOf(paper).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to as string)
    const broken = targets.filter((to) => !/^[a-z]+:/.test(to) && !leadsSomewhere(paper, to))
    expect(broken).toEqual([])
  })

  function leadsSomewhere(paper: string, target: string): boolean {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? paper : posix.join(dirname(paper), path)
    if (!existsSync(join(ROOT, file))) return false
    return anchor === undefined || !file.endsWith('.md') || anchorsOf(file).has(anchor)
  }
})

describe('files that the papers name', () => {
  const ours = PAPERS.filter((paper) => /^(README|CONTRIBUTING)\.md$|^docs\//.test(paper))

  test.each(ours)('%s names what exists', (paper) => {
    const NAMED = /`((?:src|native|test|bench|examples|scripts|docs)\/[\w./-]*[\w/])`/g
    const named = [...readPaper(paper).matchAll(NAMED)].map(([, path]) => path as string)
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('the architecture names the files that a message passes', () => {
    const named = new Set(readPaper('docs/architecture.md').match(/src\/[\w/-]+\.ts/g))
    expect(named.size).toBeGreaterThan(20)
  })
})

describe('the table of guarantees', () => {
  const text = readPaper('docs/guarantees.md')
  const ROW = /^\| `([A-Z]\d+)` \| `(test\/[\w./-]+)` \| (.+) \|$/gm
  const rows = [...text.matchAll(ROW)].map(([, key, file, sentence]) => ({ key, file, sentence }))

  test('every sentence is a test in the file that it names', () => {
    expect(rows.length).toBeGreaterThan(20)
    const missing = rows.filter(({ file, sentence }) => {
      const quoted = `'${sentence}'`
      return !existsSync(join(ROOT, file as string)) || !readPaper(file as string).includes(quoted)
    })
    expect(missing).toEqual([])
  })

  test('every cell names a test that is listed, and every listed test is named', () => {
    const prose = text.replace(ROW, '')
    const used = new Set([...prose.matchAll(/`([A-Z]\d+)`/g)].map(([, key]) => key))
    expect([...used].sort()).toEqual(rows.map(({ key }) => key).sort())
    const cells = [...prose.matchAll(/^\| \*\*.+$/gm)].flatMap(([row]) => row.split(' | ').slice(1))
    expect(cells.length).toBeGreaterThanOrEqual(18)
    expect(cells.filter((cell) => !/`[A-Z]\d+`/.test(cell))).toEqual([])
  })
})

function run(
  args: string[],
  cwd: string,
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', ...environment },
      timeout: 25_000,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk))
    child.on('close', (code) => resolve({ code, output }))
  })
}
