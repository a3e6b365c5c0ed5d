// Runs the core suite under other versions of Node, with the addon and without: the binary that is
// built once, for Node-API, must serve them all. `npm run test:versions -- --help`
//
// The versions come from the npm package `node`, whose newest release of each line is taken. What
// does not depend on the version of Node, or takes minutes to be ended at random, is left to
// `npm test` and the soak.

import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

const HELP = `Runs the core suite under other versions of Node, with the addon and without.

  npm run test:versions                        20, 22, 24 and 26: two or three minutes for each
  npm run test:versions -- --only 24           one line; repeatable
  npm run test:versions -- --variant portable  without the addon alone
  npm run test:versions -- --json FILE         also write { runs: [{ node, variant, passed, … }] }

The last line is "N passed, N failed".`

const LINES = ['20', '22', '24', '26']
const FOLDERS = ['base', 'memory', 'ring', 'link', 'codec', 'routing', 'agent', 'native', 'engine']
/** `npm test` does all of what this is a share of: frames and deaths under load. */
const STRESS_SHARE = '0.5'
/** What each variant puts into the environment. */
const VARIANTS = {
  addon: { FLYSHUTTLE_NO_ADDON: '' },
  portable: { FLYSHUTTLE_NO_ADDON: '1' },
}
/** Left out: thousands of words and of deaths, whose outcome is that of our own steps. */
const EXCLUDED = ['test/engine/*-kill*.test.ts', 'test/engine/hostile-words.test.ts']
const RUN_TIMEOUT_MS = 10 * 60_000

const root = fileURLToPath(new URL('..', import.meta.url))

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    variant: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (values.help) console.log(HELP)
else process.exitCode = await main(values)

async function main({ only = LINES, variant, json }) {
  const variants = variant === undefined ? Object.keys(VARIANTS) : [variant]
  const unknown = variants.find((name) => !Object.hasOwn(VARIANTS, name))
  if (unknown !== undefined) throw new Error(`variant ${unknown}: wanted addon or portable`)
  const runs = []
  for (const line of only) {
    const { path, version, problem } = await findNode(line)
    for (const name of variants) {
      console.log(`\n=== Node ${version}, ${name}`)
      // With the addon these have just been run both ways.
      const isDone = name === 'portable' && variants.includes('addon')
      const excluded = isDone ? [...EXCLUDED, ...testsOfBothVariants()] : EXCLUDED
      const outcome = problem === null ? await runSuite(path, name, excluded) : failed(problem)
      runs.push({ node: version, variant: name, ...outcome })
      console.log(`--- Node ${version}, ${name}: ${textOf(outcome)}`)
    }
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ runs }, null, 2)}\n`)
  const total = (key) => runs.reduce((sum, run) => sum + run[key], 0)
  console.log('')
  for (const run of runs) console.log(`Node ${run.node}, ${run.variant}: ${textOf(run)}`)
  console.log(`\n${total('passed')} passed, ${total('failed')} failed`)
  return total('failed') === 0 ? 0 : 1
}

/** The newest Node of a line: this one if it is of that line, else what npm has. */
async function findNode(line) {
  if (process.versions.node.split('.')[0] === line) {
    return { path: process.execPath, version: process.versions.node, problem: null }
  }
  const print = 'node -p "JSON.stringify([process.execPath, process.versions.node])"'
  const args = ['exec', '--yes', '--package', `node@${line}`, '--call', print]
  try {
    const { stdout } = await promisify(execFile)('npm', args, {
      cwd: root,
      // npm is a script on Windows, and needs a shell there.
      shell: process.platform === 'win32',
    })
    const [path, version] = JSON.parse(stdout.trim().split('\n').at(-1))
    return { path, version, problem: null }
  } catch (error) {
    return { path: '', version: line, problem: `npm did not bring node@${line}: ${error.message}` }
  }
}

/** Tests that run each case with the addon and without by themselves, where they have it. */
function testsOfBothVariants() {
  const files = readdirSync(join(root, 'test/engine')).filter((name) => name.endsWith('.test.ts'))
  return files
    .map((name) => `test/engine/${name}`)
    .filter((path) => /\bVARIANTS\b/.test(readFileSync(join(root, path), 'utf8')))
}

/** One run of the suite. What it finds is read from vitest's own report. */
async function runSuite(node, variant, excluded) {
  const folder = mkdtempSync(join(tmpdir(), 'flyshuttle-versions-'))
  const report = join(folder, 'report.json')
  const startedMs = performance.now()
  try {
    const code = await runVitest(node, report, VARIANTS[variant], excluded)
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    return { ...countOf(report, code), seconds }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function runVitest(node, report, environment, excluded) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const folders = FOLDERS.map((folder) => `test/${folder}/`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const without = excluded.flatMap((path) => ['--exclude', path])
  // Types do not depend on the Node that runs the tests.
  const args = [vitest, 'run', ...folders, ...without, '--typecheck.enabled=false', ...reporters]
  return new Promise((resolve) => {
    const child = spawn(node, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NO_COLOR: '1', FLYSHUTTLE_STRESS: STRESS_SHARE, ...environment },
      timeout: RUN_TIMEOUT_MS,
    })
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
}

function countOf(report, code) {
  let counts
  try {
    counts = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return failed(`vitest wrote no report and ended with ${code}`)
  }
  const { numPassedTests, numFailedTests, numPendingTests } = counts
  // A file that does not load, or an error between tests, fails the run without failing a test.
  const problem = code === 0 || numFailedTests > 0 ? null : `vitest ended with ${code}`
  const failures = numFailedTests + (problem === null ? 0 : 1)
  return { passed: numPassedTests, failed: failures, skipped: numPendingTests, problem }
}

function failed(problem) {
  return { passed: 0, failed: 1, skipped: 0, seconds: 0, problem }
}

function textOf({ passed, failed: failures, skipped, seconds, problem }) {
  const counts = `${passed} passed, ${failures} failed, ${skipped} skipped, ${seconds} s`
  return problem === null ? counts : `${counts} (${problem})`
}
