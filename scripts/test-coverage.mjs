// How much of `src/` do the tests reach? `npm run test:coverage`; at least 90 % of lines and of
// branches.
//
// Counted by Node in every thread and process that ends by itself; `coverage.vitest.mjs` has the
// tests run on `dist/`, and c8 finds the lines of `src/`. Arguments go on to vitest: a folder, say.

import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of all tests together. */
const LIMITS = ['--check-coverage', '--lines=90', '--branches=90']
/** Those that reach `src/`; the others test papers, scripts, the model, benchmarks. */
const FOLDERS = `agent base channel cli codec counters engine examples link memory native observe
  placement ring routing`.split(/\s+/)
const TESTS = FOLDERS.map((folder) => `test/${folder}/`)

const root = fileURLToPath(new URL('..', import.meta.url))
const raw = 'coverage/tmp'
const report = 'coverage/tests.json'

function run(file, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }
  const { status } = spawnSync(process.execPath, [`${root}/node_modules/${file}`, ...args], options)
  return status === 0
}

rmSync(`${root}/coverage`, { recursive: true, force: true })
const asked = process.argv.slice(2)
const config = ['-c', 'scripts/coverage.vitest.mjs']
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const tests = asked.length === 0 ? TESTS : asked
const isGreen = run('vitest/vitest.mjs', ['run', ...config, ...reporters, ...tests], {
  NODE_V8_COVERAGE: raw,
})
const isCovered = run('c8/bin/c8.js', [
  'report',
  `--temp-directory=${raw}`,
  '--exclude-after-remap',
  '--include=src/**',
  '--all',
  '--src=src',
  '--reporter=text',
  '--reporter=html',
  '--reporter=json-summary',
  ...(asked.length === 0 ? LIMITS : []),
])
// Half a gigabyte, and of no use any more.
rmSync(`${root}/${raw}`, { recursive: true, force: true })

const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(`${root}/${report}`, 'utf8'))
const failed = numFailedTests + (isGreen || numFailedTests > 0 ? 0 : 1) + (isCovered ? 0 : 1)
console.log(`\n${numPassedTests + (isCovered ? 1 : 0)} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
