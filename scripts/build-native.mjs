// Builds the addon with node-gyp; called by `npm run build:native`, and so by `prepare`.
//
// Does nothing when the built file is newer than every source. Without a compiler Flyshuttle still
// works, in pure JavaScript: then this prints one warning and succeeds, unless
// FLYSHUTTLE_REQUIRE_ADDON=1. A compiler that is there and fails is an error. Quiet on success.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = join(root, 'build', 'Release', 'flyshuttle.node')

process.exitCode = build()

function build() {
  if (process.platform === 'win32') return goWithout('the addon is not built on Windows')
  if (isFresh()) return 0
  const missing = findMissingTool()
  if (missing !== null) return goWithout(`${missing} was not found`)

  const require = createRequire(import.meta.url)
  const manifest = require.resolve('node-gyp/package.json')
  const nodeGyp = join(dirname(manifest), 'bin', 'node-gyp.js')
  const headers = findHeaders()
  const options = ['rebuild', '--loglevel=warn']
  if (headers !== null) options.push(`--nodedir=${headers}`)
  const run = spawnSync(process.execPath, [nodeGyp, ...options], { cwd: root, encoding: 'utf8' })
  if (run.status === 0) {
    const warnings = run.stderr.split('\n').filter((line) => /warning:/.test(line))
    if (warnings.length > 0) process.stderr.write(run.stderr)
    return 0
  }
  process.stderr.write(`${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}\n`)
  process.stderr.write('flyshuttle: the addon could not be built; the output above says why\n')
  return 1
}

function goWithout(reason) {
  const isRequired = process.env.FLYSHUTTLE_REQUIRE_ADDON === '1'
  const outcome = isRequired
    ? 'FLYSHUTTLE_REQUIRE_ADDON=1 asks for it'
    : 'Flyshuttle runs in pure JavaScript'
  process.stderr.write(`flyshuttle: no native addon (${reason}); ${outcome}\n`)
  return isRequired ? 1 : 0
}

/** Whether the addon is there and newer than everything it is made of. */
function isFresh() {
  if (!existsSync(built)) return false
  const builtMs = statSync(built).mtimeMs
  const native = readdirSync(join(root, 'native'), { recursive: true })
  const ours = native.filter((name) => !/^(test|fuzz|cmake)\b/.test(name))
  const files = ours.map((name) => join(root, 'native', name))
  files.push(join(root, 'binding.gyp'), fileURLToPath(import.meta.url))
  return files.every((file) => statSync(file).mtimeMs <= builtMs)
}

/** The first tool that node-gyp needs and that does not run, or null. */
function findMissingTool() {
  const canRun = (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0
  const tools = {
    'a C++ compiler': [process.env.CXX, 'c++', 'g++', 'clang++'],
    make: [process.env.MAKE, 'make', 'gmake'],
    python: [process.env.PYTHON, process.env.npm_config_python, 'python3', 'python'],
  }
  for (const [name, candidates] of Object.entries(tools)) {
    if (!candidates.some((tool) => tool && canRun(tool))) return name
  }
  return null
}

/**
 * Where Node's headers are: as npm is configured, or beside the running Node (distributions and
 * archives carry them there). Null: node-gyp downloads them.
 */
function findHeaders() {
  const configured = process.env.npm_config_nodedir
  if (configured) return configured
  const prefix = join(dirname(process.execPath), '..')
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : null
}
