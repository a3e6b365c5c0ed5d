// Packs the package, installs it into an empty folder as a user does, and runs programs there.

import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const MACHINES: Record<string, string> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** As folders in `prebuilds/` are called. */
export const PLATFORM = `${process.platform}-${process.arch}`

/** Why the binary of a platform cannot be built here; null if it can. */
export function whyNotBuilt(platform = PLATFORM): string | null {
  const [system, arch = ''] = platform.split('-')
  const machine = MACHINES[arch]
  if (system !== 'linux' || machine === undefined) return `no binary is packed for ${platform}`
  return canRun(`${machine}-g++`) ? null : `${machine}-g++ is missing`
}

/** The name of a test that an obstacle keeps from running. */
export function named(name: string, obstacle: string | null): string {
  return obstacle === null ? name : `${name} (skipped: ${obstacle})`
}

/** Whether a command is there; it is asked for its version. */
export function canRun(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** Builds what of `prebuilds/` can be built here, if it is older than its sources. */
export function buildPrebuilds(): void {
  for (const platform of ['linux-x64', 'linux-arm64']) {
    if (whyNotBuilt(platform) === null) {
      runOrThrow(process.execPath, ['scripts/build-prebuilds.mjs', '--only', platform], ROOT)
    }
  }
}

/** A folder with the package and the files of `app/`; `tools` come from this repository. */
export class Installed {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'flyshuttle-packing-'))
  readonly package = join(this.folder, 'node_modules', 'flyshuttle')
  /** Paths in the tarball. */
  readonly packed: string[]

  constructor(tools: readonly string[]) {
    // Without scripts: `prepare` would build dist/ anew while other tests use it.
    const pack = ['pack', '--ignore-scripts', '--json', `--pack-destination=${this.folder}`]
    const [{ filename, files }] = JSON.parse(npm(pack, ROOT)) as [
      { filename: string; files: { path: string }[] },
    ]
    this.packed = files.map(({ path }) => path)
    writeFileSync(join(this.folder, 'package.json'), '{ "private": true, "type": "module" }')
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--omit=optional']
    npm(['install', '--ignore-scripts', ...quiet, join(this.folder, filename)], this.folder)
    for (const tool of tools) {
      const [from, to] = [ROOT, this.folder].map((root) => join(root, 'node_modules', tool))
      symlinkSync(from as string, to as string, 'junction')
    }
    const app = fileURLToPath(new URL('./app', import.meta.url))
    cpSync(app, this.folder, { recursive: true })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs Node here; `launcher` goes before it. What it printed on stdout is JSON, or text. */
  run(args: readonly string[], env: Record<string, string> = {}, launcher: readonly string[] = []) {
    const [command, ...rest] = [...launcher, ...(launcher.length > 0 ? [] : [process.execPath])]
    return run(command as string, [...rest, ...args], this.folder, env)
  }
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The one line of JSON that a program printed; throws if it did not end well. */
export function lineOf({ code, stdout, stderr }: Ended): Record<string, unknown> {
  if (code !== 0) throw new Error(`exit code ${code}\n${stdout}${stderr.slice(-2000)}`)
  return JSON.parse(stdout) as Record<string, unknown>
}

function run(
  command: string,
  args: string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', FLYSHUTTLE_NO_ADDON: '', ...env },
      timeout: 50_000,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

function npm(args: string[], cwd: string): string {
  // The npm of this Node, without a shell.
  const beside = process.env['npm_execpath']
  return beside !== undefined && /npm-cli\.js$/.test(beside)
    ? runOrThrow(process.execPath, [beside, ...args], cwd)
    : runOrThrow('npm', args, cwd)
}

export function runOrThrow(command: string, args: string[], cwd = dirname(ROOT)): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} failed: ${error ?? ''}\n${stdout}${stderr}`)
}
