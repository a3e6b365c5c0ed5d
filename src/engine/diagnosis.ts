// What an engine finds on this machine, and what of it takes effect: `flyshuttle doctor` prints it.
//
// Everything is tried, nothing is guessed: a worker is started and pinned, memory is bound and
// looked for, a bell is rung. It takes as long as starting two engines, and leaves nothing behind.

import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { getSystemErrorName } from 'node:util'
import type { NativeBinding } from '../native/binding.js'
import { loadBinding, type LoadedBinding } from '../native/load.js'
import { usableCores } from '../placement/cgroup.js'
import { formatCpuList } from '../placement/cpu-list.js'
import { planPlacement, type Plan } from '../placement/plan.js'
import { nodeOf, readTopology, type Topology } from '../placement/topology.js'
import type { Capabilities } from './described.js'
import { createEngine } from './create.js'

/** One thing that was tried. */
export interface Finding {
  readonly name: string
  /**
   * 'ok': it works. 'absent': it does not, and everything goes on without it. 'broken': no engine
   * can work like this.
   */
  readonly status: 'ok' | 'absent' | 'broken'
  /** What was found, in a few words. */
  readonly found: string
  /** What to change, or null. */
  readonly hint: string | null
}

export interface Diagnosis {
  readonly version: string
  readonly node: string
  readonly platform: string
  readonly kernel: string
  readonly processor: string
  /** The processor has instructions for AES; null where it does not tell. */
  readonly hasAes: boolean | null
  readonly topology: Topology
  /** CPUs that this process can keep busy: affinity, CPU set and quota. */
  readonly usableCores: number
  readonly memoryBytes: number
  /** What the control group leaves of the memory, or null for no limit. */
  readonly memoryLimitBytes: number | null
  /** Descriptors that this process may open, or null where it is not known. */
  readonly filesMax: number | null
  readonly capabilities: Capabilities | null
  readonly findings: readonly Finding[]
  /** How many workers the plans below are for: one less than usable cores, at least one. */
  readonly workers: number
  /** What each placement by name would do with them. */
  readonly plans: Readonly<Record<'auto' | 'spread' | 'compact', Plan>>
}

const NODE_MIN = [20, 19] as const

/** So large a block is never memory that was used and freed before: its pages would not move. */
const FRESH_BYTES = 64 * 1024 * 1024
/** Away from its first page, which the allocator has touched. */
const TRIED_FROM = 1024 * 1024
const TRIED_BYTES = 1024 * 1024

/**
 * Looks at this machine as an engine does, and tries what it would use.
 *
 * @example
 * const { findings } = await diagnose()
 * if (findings.some(({ status }) => status === 'broken')) process.exitCode = 1
 */
export async function diagnose(): Promise<Diagnosis> {
  const native = loadBinding()
  const { binding } = native
  const topology = readTopology()
  const cores = usableCores('/', topology.allowed.length)
  const workers = Math.max(1, cores - 1)
  const planFor = (mode: 'auto' | 'spread' | 'compact'): Plan =>
    planPlacement(topology, mode, workers, workers + 1)
  const engine = await tryEngine()
  const findings = [
    tryNode(),
    engine.finding,
    tryAddon(native),
    tryBell(binding),
    await tryPinning(binding, topology),
    tryBinding(binding, topology),
  ]
  const limit = process.constrainedMemory?.() ?? 0
  return {
    version: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    hasAes: hasAes(),
    topology,
    usableCores: cores,
    memoryBytes: totalmem(),
    // No limit is told as a number beyond every memory.
    memoryLimitBytes: limit > 0 && limit < totalmem() ? limit : null,
    filesMax: filesMax(),
    capabilities: engine.capabilities,
    findings,
    workers,
    plans: { auto: planFor('auto'), spread: planFor('spread'), compact: planFor('compact') },
  }
}

function tryNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
  const wanted = `at least ${NODE_MIN.join('.')}`
  return isEnough
    ? ok('Node', `${process.version} (${wanted})`)
    : broken('Node', process.version, `use Node ${wanted}`)
}

/** A worker that starts and ends has been asked and has answered several times on the way. */
async function tryEngine(): Promise<{ finding: Finding; capabilities: Capabilities | null }> {
  try {
    const engine = await createEngine({ threads: 1 })
    const { capabilities } = engine
    await engine.close()
    return { finding: ok('threads', 'a worker starts, answers and ends'), capabilities }
  } catch (error) {
    const finding = broken('threads', textOf(error), 'see docs/errors.md for the code')
    return { finding, capabilities: null }
  }
}

function tryAddon({ file, reason }: LoadedBinding): Finding {
  if (file !== null) return ok('addon', file)
  const hint = 'build it (README, Installing) for cheap wake-ups and placement'
  const isRequired = process.env.FLYSHUTTLE_REQUIRE_ADDON === '1'
  const isHidden = process.env.FLYSHUTTLE_NO_ADDON === '1'
  const toDo = isHidden ? 'unset FLYSHUTTLE_NO_ADDON, which hides it' : hint
  return (isRequired ? broken : absent)('addon', reason ?? 'unknown', toDo)
}

function tryBell(binding: NativeBinding | null): Finding {
  if (binding === null) return absent('doorbell', 'Atomics.waitAsync; slower to wake', null)
  try {
    const bell = binding.createBell()
    const rings = binding.ringBell(bell)
    const closes = binding.closeBell(bell)
    const kind = process.platform === 'linux' ? 'eventfd' : 'pipe'
    if (rings && closes) return ok('doorbell', kind)
    return broken('doorbell', `${kind} does not ring`, null)
  } catch (error) {
    return broken('doorbell', textOf(error), 'allow more open files (`ulimit -n`)')
  }
}

async function tryPinning(binding: NativeBinding | null, topology: Topology): Promise<Finding> {
  const cpu = topology.allowed.at(-1)
  if (binding === null || cpu === undefined) return absent('pinning', 'needs the addon', null)
  try {
    const engine = await createEngine({ threads: 1, placement: { cpus: [cpu] } })
    const found = engine.placement.threads[1]?.cpus ?? []
    await engine.close()
    const text = `a worker pinned to CPU ${cpu} may run on ${formatCpuList(found)}`
    if (found.length === 1 && found[0] === cpu) return ok('pinning', text)
    return absent('pinning', text, 'something else sets the affinity of this process')
  } catch (error) {
    const hint = 'allow the system call sched_setaffinity, or leave `placement` as it is'
    return absent('pinning', textOf(error), hint)
  }
}

/** Binds a block to the node that we are on, touches it, and asks where it lies. */
function tryBinding(binding: NativeBinding | null, topology: Topology): Finding {
  if (binding === null) return absent('memory', 'needs the addon', null)
  const node = Math.max(0, nodeOf(topology, topology.current))
  const block = new Uint8Array(new SharedArrayBuffer(FRESH_BYTES))
  const bound = binding.preferNode(block, TRIED_FROM, TRIED_BYTES, node)
  if (bound < 0) {
    const hint = 'allow the system call mbind (containers: CAP_SYS_NICE)'
    // With one node there is nothing to bind.
    const needed = topology.nodes.length > 1 ? hint : null
    return absent('memory', `mbind: ${getSystemErrorName(bound)}`, needed)
  }
  block.fill(1, TRIED_FROM, TRIED_FROM + TRIED_BYTES)
  const nodes = new Int32Array(bound)
  const asked = binding.nodesOf(block, TRIED_FROM, TRIED_BYTES, nodes)
  const text = `${bound} pages bound to node ${node}`
  if (asked < 0) return ok('memory', `${text}; move_pages: ${getSystemErrorName(asked)}`)
  const count = nodes.filter((each) => each === node).length
  return ok('memory', `${text}, ${count} are there`)
}

function ok(name: string, found: string): Finding {
  return { name, status: 'ok', found, hint: null }
}

function absent(name: string, found: string, hint: string | null): Finding {
  return { name, status: 'absent', found, hint }
}

function broken(name: string, found: string, hint: string | null): Finding {
  return { name, status: 'broken', found, hint }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

function hasAes(): boolean | null {
  const info = readProc('/proc/cpuinfo')
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1]
  return flags === undefined ? null : / aes( |$)/.test(flags)
}

function filesMax(): number | null {
  const match = /^Max open files\s+(\d+)/m.exec(readProc('/proc/self/limits'))
  return match === null ? null : Number(match[1])
}

function readProc(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // There is no procfs but on Linux.
    return ''
  }
}
