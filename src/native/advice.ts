// What to do on this machine when the addon is wanted and does not load: text for people, in the
// message of ERR_ADDON_MISSING.

import { readFileSync } from 'node:fs'
import type { LoadedBinding } from './load.js'

/** What advice depends on. */
export interface Machine {
  readonly platform: string
  readonly arch: string
  /** `glibc 2.36`, `musl`, or '' where there is no choice. */
  readonly libc: string
  readonly node: string
  /** `ID` and `ID_LIKE` of /etc/os-release. */
  readonly systems: readonly string[]
}

/** System → how its package manager installs a compiler, make and Python. */
const TOOLS: Record<string, string> = {
  alpine: 'apk add g++ make python3 linux-headers',
  arch: 'pacman -S --needed gcc make python',
  debian: 'apt-get install -y g++ make python3',
  fedora: 'dnf install -y gcc-c++ make python3',
  rhel: 'dnf install -y gcc-c++ make python3',
  suse: 'zypper install -y gcc-c++ make python3',
  darwin: 'xcode-select --install',
}

/** Several lines: what was tried, what this machine is, what to run. */
export function advise({ attempts }: LoadedBinding, machine: Machine = describeMachine()): string {
  const { platform, arch, libc, node, systems } = machine
  const what = [platform, arch, libc].filter((part) => part !== '').join(' ')
  return [
    ...attempts.map(({ file, obstacle }) => `  ${file}: ${obstacle}`),
    `This is ${what}, Node ${node}. ${wayOut(platform, systems)}`,
    'Or leave out `addon: true`: everything works without the addon, only slower to wake.',
  ].join('\n')
}

function wayOut(platform: string, systems: readonly string[]): string {
  if (platform === 'win32') return 'There is no addon for Windows.'
  const tools = systems.map((system) => TOOLS[system]).find((command) => command !== undefined)
  return [
    'Build the addon in your project:',
    `  ${tools ?? 'install a C++20 compiler, make and Python 3'}`,
    '  npm install --save-dev node-gyp node-addon-api',
    '  npx node-gyp rebuild -C node_modules/flyshuttle',
  ].join('\n')
}

function describeMachine(): Machine {
  const { platform, arch, version } = process
  return { platform, arch, libc: findLibc(), node: version, systems: findSystems() }
}

function findLibc(): string {
  if (process.platform !== 'linux') return ''
  // Without this the report looks up the name of every peer.
  ;(process.report as { excludeNetwork?: boolean }).excludeNetwork = true
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const glibc = report.header?.glibcVersionRuntime
  return glibc === undefined ? 'musl' : `glibc ${glibc}`
}

function findSystems(): string[] {
  if (process.platform !== 'linux') return [process.platform]
  try {
    const release = readFileSync('/etc/os-release', 'utf8')
    const found = ['ID', 'ID_LIKE'].map((key) =>
      new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(release),
    )
    return found.flatMap((match) => match?.[1]?.split(' ') ?? [])
  } catch {
    // A system that does not say what it is.
    return []
  }
}
