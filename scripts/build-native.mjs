// Builds the addon with node-gyp; called by `npm run build:native`, and so by `prepare`.
//
// Does nothing when the built file is newer than every source. Without a compiler Flyshuttle still
// works, in pure JavaScript: then this prints one warning and succeeds, unless
// FLYSHUTTLE_REQUIRE_ADDON=1. A compiler that is there and fails is an error. Quiet on success.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFresh, root, runNodeGyp } from './node-gyp.mjs'

const built = join(root, 'build', 'Release', 'flyshuttle.node')

process.exitCode = build()

function build() {
  if (process.platform === 'win32') return goWithout('the addon is not built on Windows')
  if (isFresh(built, fileURLToPath(import.meta.url))) return 0
  const missing = findMissingTool()
  if (missing !== null) return goWithout(`${missing} was not found`)

  if (runNodeGyp(root, ['rebuild'])) return 0
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
