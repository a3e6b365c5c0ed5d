import type { Diagnosis } from 'flyshuttle'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { formatDiagnosis } from '../../cli/format.mjs'
import { loadBinding } from '../../src/native/load.js'
import { planPlacement } from '../../src/placement/plan.js'
import { readTopology } from '../../src/placement/topology.js'
import { describeOnLinux } from '../native/addon.js'
import { machine } from '../placement/machines.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const packageFile = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))
const hasAddon = loadBinding().binding !== null
const ESCAPE = '\x1b'

function flyshuttle(words: string[], environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${ROOT}${packageFile.bin.flyshuttle}`, ...words],
    { encoding: 'utf8', timeout: 30_000, env: { ...process.env, ...environment } },
  )
  return { status, stdout, stderr }
}

const statusesOf = (json: string): Record<string, string> =>
  Object.fromEntries((JSON.parse(json) as Diagnosis).findings.map((f) => [f.name, f.status]))

describe('flyshuttle doctor', () => {
  test('finds that an engine works here, and says it in lines without colours', () => {
    const { status, stdout, stderr } = flyshuttle(['doctor'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^Flyshuttle \d+\.\d+\.\d+ {2}Node v/)
    expect(stdout).toContain('✓ threads')
    expect(stdout).not.toContain(ESCAPE)
  })

  test('gives the same as data', () => {
    const { status, stdout } = flyshuttle(['doctor', '--json'])
    const diagnosis = JSON.parse(stdout) as Diagnosis
    expect(status).toBe(0)
    expect(diagnosis).toMatchObject({ version: packageFile.version, node: process.version })
    expect(diagnosis.topology.allowed).toEqual(readTopology().allowed)
    expect(statusesOf(stdout)).toMatchObject({ Node: 'ok', threads: 'ok' })
    expect(statusesOf(stdout)['addon']).toBe(hasAddon ? 'ok' : 'absent')
  })

  describeOnLinux('with the addon', () => {
    test('pins a worker and looks for memory, and finds both where they were told to be', () => {
      const { findings } = JSON.parse(flyshuttle(['doctor', '--json']).stdout) as Diagnosis
      const cpu = readTopology().allowed.at(-1)
      const found = Object.fromEntries(findings.map((finding) => [finding.name, finding.found]))
      expect(found['pinning']).toBe(`a worker pinned to CPU ${cpu} may run on ${cpu}`)
      expect(found['memory']).toMatch(/^256 pages bound to node \d+(, 256 are there|;)|^mbind: E/)
      expect(found['doorbell']).toBe('eventfd')
    })
  })

  test('does without the addon, and says how to get it', () => {
    const environment = { FLYSHUTTLE_NO_ADDON: '1', FLYSHUTTLE_REQUIRE_ADDON: '' }
    const { status, stdout } = flyshuttle(['doctor'], environment)
    expect(status).toBe(0)
    expect(stdout).toContain('– addon')
    expect(stdout).toContain('threads cannot be pinned here')
    expect(stdout).toMatch(/To change\n +addon +unset FLYSHUTTLE_NO_ADDON/)
  })

  test('exits with 1 when something is broken that is required', () => {
    const environment = { FLYSHUTTLE_NO_ADDON: '1', FLYSHUTTLE_REQUIRE_ADDON: '1' }
    const { status, stdout } = flyshuttle(['doctor', '--json'], environment)
    expect(status).toBe(1)
    expect(statusesOf(stdout)['addon']).toBe('broken')
  })
})

describe('flyshuttle', () => {
  test.each([['--help'], ['-h'], ['doctor', '--help']])('helps: %s', (...words) => {
    const { status, stdout } = flyshuttle(words)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Usage: flyshuttle doctor \[--json\]\n/)
  })

  test.each([[], ['nurse'], ['doctor', '--loud'], ['doctor', 'who']])(
    'is at a loss: %s',
    (...words) => {
      const { status, stdout, stderr } = flyshuttle(words)
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(/^flyshuttle: .*\n\nUsage: /)
    },
  )

  test('says nothing when its reader has stopped reading', async () => {
    const words = [`${ROOT}${packageFile.bin.flyshuttle}`, 'doctor', '--json']
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let complaints = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    const [status] = await once(child, 'close')
    expect({ status, complaints }).toEqual({ status: 0, complaints: '' })
  })

  test('is in the package', () => {
    expect(packageFile.files).toContain(packageFile.bin.flyshuttle.split('/')[0])
  })
})

describe('the text of a diagnosis', () => {
  const topology = readTopology(machine('two-sockets'))
  const diagnosis: Diagnosis = {
    version: '1.2.3',
    node: 'v20.19.0',
    platform: 'linux x64',
    kernel: '6.1',
    processor: 'Loom 9000',
    hasAes: true,
    topology: { ...topology, quota: 2.5, offline: [8, 9], cpuset: [0, 1, 2] },
    usableCores: 2,
    memoryBytes: 8 * 2 ** 30,
    memoryLimitBytes: 1.5 * 2 ** 30,
    filesMax: 1024,
    capabilities: {
      addon: true,
      addonFile: '/app/flyshuttle.node',
      addonReason: null,
      placement: true,
      cores: 2,
      frameBytesMax: 1,
      messageBytesMax: 1,
    },
    findings: [
      { name: 'Node', status: 'broken', found: 'v18', hint: 'use Node at least 20.19' },
      { name: 'addon', status: 'ok', found: 'flyshuttle.node', hint: null },
      { name: 'memory', status: 'absent', found: 'mbind: EPERM', hint: 'allow it' },
    ],
    workers: 3,
    plans: {
      auto: planPlacement(topology, 'auto', 3, 4),
      spread: planPlacement(topology, 'spread', 3, 4),
      compact: planPlacement({ ...topology, allowed: [1] }, 'compact', 3, 4),
    },
  }

  test('is aligned, and in the order in which one would ask', () => {
    expect(formatDiagnosis(diagnosis, false).split('\n')).toEqual([
      'Flyshuttle 1.2.3  Node v20.19.0, linux x64, kernel 6.1',
      '',
      'Machine',
      '    processor     Loom 9000',
      '    CPUs          0-7: 4 cores, 2 packages, offline 8-9',
      '    caches        0-1,4-5 | 2-3,6-7',
      '    node 0        0-1,4-5, distances 10 21',
      '    node 1        2-3,6-7, distances 21 10',
      '    allowed       0-7, CPU set 0-2',
      '    quota         2.5 CPUs of time',
      '    to keep busy  2 CPUs',
      '    memory        1.5 GiB of 8.0 GiB',
      '    open files    at most 1024',
      '    AES           in the processor',
      '',
      'Engine',
      '  ✗ Node          v18',
      '  ✓ addon         flyshuttle.node',
      '  – memory        mbind: EPERM',
      '',
      'Placement of 3 workers (worker → CPUs)',
      '    auto          1 → 2-3,6-7, 2 → 0-1,4-5, 3 → 0-1,4-5',
      '    spread        1 → 0,4, 2 → 3,7, 3 → 1,5',
      '    compact       threads are left alone: there are no more cores than threads',
      '',
      'To change',
      '    Node          use Node at least 20.19',
      '    memory        allow it',
    ])
  })

  test('differs in nothing but colours on a terminal', () => {
    const colored = formatDiagnosis(diagnosis, true)
    expect(colored).toContain(`${ESCAPE}[31m✗${ESCAPE}[0m`)
    const plain = colored.replaceAll(/\x1b\[\d+m/g, '')
    expect(plain).toBe(formatDiagnosis(diagnosis, false))
  })
})
