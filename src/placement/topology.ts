// What the machine looks like to this process: CPUs, cores, caches, packages and NUMA nodes, and
// which of them it may use. Read from Linux's sysfs and procfs.
//
// A pure function of a root folder, so that tests show it machines that they do not have. Files
// that are not there leave the simplest answer: one node, cores without siblings, all equally fast.
// On systems without sysfs nothing is known but the number of CPUs.

import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readCpuLimits, readText } from './cgroup.js'
import { parseCpuList } from './cpu-list.js'

export interface Cpu {
  readonly id: number
  /** The core that it is a part of, by the lowest number of its siblings. */
  readonly core: number
  /** The last-level cache that it uses, by the lowest number of those that share it. */
  readonly cache: number
  readonly package: number
  readonly node: number
  /** A slow core of a hybrid processor. */
  readonly isSlow: boolean
}

export interface MemoryNode {
  readonly id: number
  /** All of its online CPUs, allowed or not; none for memory that stands alone. */
  readonly cpus: readonly number[]
  /** Distance to each node, in the order of `Topology.nodes`; 10 is its own memory. */
  readonly distances: readonly number[]
}

export interface Topology {
  /** False: there is no sysfs, and the rest is a guess from the number of CPUs. */
  readonly isKnown: boolean
  /** The online CPUs, ascending. */
  readonly cpus: readonly Cpu[]
  readonly offline: readonly number[]
  /** The online CPUs on which the calling thread may run. */
  readonly allowed: readonly number[]
  /** CPUs' worth of time, such as 1.5; null: no limit. */
  readonly quota: number | null
  /** The CPU set of the control group, or null. */
  readonly cpuset: readonly number[] | null
  readonly nodes: readonly MemoryNode[]
  /** Where the calling thread ran a moment ago; -1 when that is not known. */
  readonly current: number
}

const CPUS = 'sys/devices/system/cpu'
const NODES = 'sys/devices/system/node'

/** A core is slow below this part of the largest capacity. Turbo bins differ by less. */
const SLOW_BELOW = 0.8

/** The machine below `root`, which is `/` but for tests. */
export function readTopology(root = '/'): Topology {
  const { quota, cpuset } = readCpuLimits(root)
  const online = parseCpuList(readText(root, `${CPUS}/online`) ?? '')
  if (online.length === 0) return unknownTopology(quota)
  const nodes = readNodes(root, online)
  const capacities = online.map((id) => capacityOf(root, id))
  const largest = Math.max(...capacities)
  const efficient = parseCpuList(readText(root, 'sys/devices/cpu_atom/cpus') ?? '')
  const cpus = online.map((id, index): Cpu => {
    const folder = join(root, CPUS, `cpu${id}`)
    const siblings = readText(folder, 'topology/thread_siblings_list')
    return {
      id,
      core: lowest(siblings, online) ?? id,
      cache: lowest(readText(folder, lastLevelCache(folder)), online) ?? id,
      package: Math.max(0, Number(readText(folder, 'topology/physical_package_id') ?? 0)),
      node: nodes.find((node) => node.cpus.includes(id))?.id ?? 0,
      isSlow: efficient.includes(id) || (capacities[index] as number) < largest * SLOW_BELOW,
    }
  })
  // The kernel has applied the CPU set to the affinity; only what it says here is sure to be ours.
  const affinity = parseCpuList(statusOf(root))
  const ours = affinity.length > 0 ? affinity : (cpuset ?? online)
  return {
    isKnown: true,
    cpus,
    offline: parseCpuList(readText(root, `${CPUS}/offline`) ?? ''),
    allowed: online.filter((id) => ours.includes(id)),
    quota,
    cpuset,
    nodes,
    current: currentCpu(root),
  }
}

/** The node of a CPU, or -1. */
export function nodeOf(topology: Topology, cpu: number): number {
  return topology.cpus.find(({ id }) => id === cpu)?.node ?? -1
}

function unknownTopology(quota: number | null): Topology {
  const allowed = Array.from({ length: availableParallelism() }, (_, id) => id)
  return {
    isKnown: false,
    cpus: allowed.map((id) => ({ id, core: id, cache: 0, package: 0, node: 0, isSlow: false })),
    offline: [],
    allowed,
    quota,
    cpuset: null,
    nodes: [{ id: 0, cpus: allowed, distances: [10] }],
    current: -1,
  }
}

function readNodes(root: string, online: readonly number[]): MemoryNode[] {
  const ids = parseCpuList(readText(root, `${NODES}/online`) ?? '')
  if (ids.length === 0) return [{ id: 0, cpus: online, distances: [10] }]
  return ids.map((id) => {
    const folder = join(root, NODES, `node${id}`)
    const cpus = parseCpuList(readText(folder, 'cpulist') ?? '')
    const distances = (readText(folder, 'distance') ?? '').split(/\s+/).filter(Boolean).map(Number)
    return { id, cpus: cpus.filter((cpu) => online.includes(cpu)), distances }
  })
}

/** How fast a CPU is, in a measure of its machine: capacity, or else its highest frequency. */
function capacityOf(root: string, id: number): number {
  const folder = join(root, CPUS, `cpu${id}`)
  const text = readText(folder, 'cpu_capacity') ?? readText(folder, 'cpufreq/cpuinfo_max_freq')
  return Number(text ?? 0)
}

/** The list of those that share the cache of the highest level, below a CPU's folder. */
function lastLevelCache(folder: string): string {
  let level = 0
  let file = ''
  for (const index of listFolder(join(folder, 'cache'))) {
    const found = Number(readText(folder, `cache/${index}/level`) ?? 0)
    if (found > level) [level, file] = [found, `cache/${index}/shared_cpu_list`]
  }
  return file
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^index\d+$/.test(name))
  } catch {
    // Virtual machines often tell nothing of their caches.
    return []
  }
}

/** A list may name siblings that are offline. */
function lowest(list: string | null, online: readonly number[]): number | undefined {
  return parseCpuList(list ?? '').find((id) => online.includes(id))
}

/** Affinity of the calling thread: the one that makes the engine, its thread 0. */
function statusOf(root: string): string {
  const status = readText(root, 'proc/thread-self/status') ?? ''
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''
}

/** Field 39 of the stat; the name in field 2 may hold spaces, so we start behind it. */
function currentCpu(root: string): number {
  const stat = readText(root, 'proc/thread-self/stat') ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[36] ?? -1)
}
