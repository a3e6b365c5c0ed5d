// Running node-gyp, and knowing when there is no need to; for `build-native.mjs` and
// `build-prebuilds.mjs`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs node-gyp in `folder`, quietly: warnings of the compiler are printed, and everything when it
 * fails. True when it succeeded.
 *
 * @param {string} folder
 * @param {string[]} commands
 * @param {NodeJS.ProcessEnv} [env]
 */
export function runNodeGyp(folder, commands, env = process.env) {
  const manifest = createRequire(import.meta.url).resolve('node-gyp/package.json')
  const nodeGyp = join(dirname(manifest), 'bin', 'node-gyp.js')
  const [command = '', ...rest] = commands
  const headers = findHeaders()
  const options = ['--loglevel=warn', ...(headers === null ? [] : [`--nodedir=${headers}`])]
  const args = [nodeGyp, command, ...options, ...rest]
  const run = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
  if (run.status === 0) {
    if (/warning:/.test(run.stderr)) process.stderr.write(run.stderr)
    return true
  }
  process.stderr.write(`${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}\n`)
  return false
}

/**
 * Whether `built` is there and newer than everything that the addon is made of, and `scripts`.
 *
 * @param {string} built
 * @param {...string} scripts
 */
export function isFresh(built, ...scripts) {
  if (!existsSync(built)) return false
  const builtMs = statSync(built).mtimeMs
  const native = readdirSync(join(root, 'native'), { recursive: true })
  const ours = native.filter((name) => !/^(test|fuzz|cmake)\b/.test(String(name)))
  const files = ours.map((name) => join(root, 'native', String(name)))
  files.push(join(root, 'binding.gyp'), ...scripts)
  return files.every((file) => statSync(file).mtimeMs <= builtMs)
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
