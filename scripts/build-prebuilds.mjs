// Builds the binaries that the package carries, into `prebuilds/`; called by
// `npm run build:prebuilds`, and by `prepack` before the package is packed.
//
//   node scripts/build-prebuilds.mjs [--only linux-x64]
//
// Sources and flags are those of `binding.gyp`, with `prebuild=1`. Each binary serves every C
// library of its platform: it names no library and no version of a symbol. That is checked here: a
// symbol that nobody has would show only when it is called. A binary that is newer than every
// source is left alone. A compiler that is missing or fails is an error: a package must be whole.
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isFresh, root, runNodeGyp } from './node-gyp.mjs'

/** Platform → what GNU calls it, which its compiler's name begins with, and Debian's package. */
const PLATFORMS = {
  'linux-x64': { machine: 'x86_64-linux-gnu', debian: 'g++-x86-64-linux-gnu' },
  'linux-arm64': { machine: 'aarch64-linux-gnu', debian: 'g++-aarch64-linux-gnu' },
}

/** What a binary may leave to the process that loads it: all of it is in glibc 2.17 and in musl. */
const FROM_LIBC = new Set(
  `__errno_location abort close dlsym eventfd fcntl free getauxval malloc memchr memcmp memcpy
   memmove memset read sched_yield strcmp strerror strlen write`.split(/\s+/),
)

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const wanted = values.only === undefined ? Object.keys(PLATFORMS) : [values.only]
for (const platform of wanted) {
  if (!(platform in PLATFORMS))
    fail(`--only is ${platform}; wanted one of ${Object.keys(PLATFORMS)}`)
  build(platform, PLATFORMS[platform])
}

function build(platform, { machine, debian }) {
  const file = join(root, 'prebuilds', platform, 'flyshuttle.node')
  if (isFresh(file, fileURLToPath(import.meta.url))) return
  const compiler = `${machine}-g++`
  if (spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status !== 0) {
    fail(`${compiler} does not run, which builds for ${platform}; Debian has it as ${debian}`)
  }
  // A folder of its own: `build/Release` is the developer's.
  const folder = join(root, 'build', 'prebuilds', platform)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'native'), join(folder, 'native'), { recursive: true })
  cpSync(join(root, 'binding.gyp'), join(folder, 'binding.gyp'))
  const tools = { CC: `${machine}-gcc`, CXX: compiler, LINK: compiler, AR: `${machine}-ar` }
  const arch = platform.split('-')[1]
  const env = { ...process.env, ...tools }
  const isBuilt =
    runNodeGyp(folder, ['configure', `--arch=${arch}`, '--', '-Dprebuild=1'], env) &&
    runNodeGyp(folder, ['build', '--jobs=max'], env)
  if (!isBuilt) fail(`the addon could not be built for ${platform}; the output above says why`)

  const built = join(folder, 'build', 'Release', 'flyshuttle.node')
  checkSymbols(platform, machine, built)
  mkdirSync(join(root, 'prebuilds', platform), { recursive: true })
  // Not written over: a process may have the old one loaded.
  copyFileSync(built, `${file}.new`)
  renameSync(`${file}.new`, file)
  const kib = Math.ceil(statSync(file).size / 1024)
  console.log(`prebuilds/${platform}/flyshuttle.node: ${kib} KiB, bound to no version of a library`)
}

/** What is left undefined must be Node-API or common to every libc, without a version. */
function checkSymbols(platform, machine, file) {
  const needed = run(`${machine}-readelf`, ['--dynamic', '--wide', file]).match(/\(NEEDED\).*/g)
  if (needed !== null) fail(`the binary for ${platform} needs libraries: ${needed.join(', ')}`)
  const lines = run(`${machine}-nm`, ['--dynamic', '--undefined-only', file]).trim().split('\n')
  const strange = lines
    .map((line) => line.trim().split(/\s+/))
    // What is weak (w) may be absent.
    .filter(([kind, name = '']) => kind === 'U' && !name.startsWith('napi_'))
    .map(([, name]) => name)
    .filter((name) => !FROM_LIBC.has(name))
  if (strange.length > 0) {
    fail(`the binary for ${platform} wants what not every process has: ${strange.join(', ')}`)
  }
}

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) fail(`${command} failed: ${stderr}`)
  return stdout
}

function fail(message) {
  console.error(`flyshuttle: ${message}`)
  process.exit(1)
}
