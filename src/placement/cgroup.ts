// What a container or a service manager leaves of the machine: the CPU set and the CPU quota of the
// control groups of this process, versions 1 and 2.
//
// A limit of any group above ours holds for us too. Inside a container the path that
// /proc/self/cgroup names may not be visible, because the container's own group is mounted as the
// root; so every folder on the path is looked at, and what is not there says nothing.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseCpuList } from './cpu-list.js'

export interface CpuLimits {
  /** CPUs' worth of time per second that this process may use, such as 1.5; null: no limit. */
  readonly quota: number | null
  /** CPUs of the set, or null where none is configured. */
  readonly cpuset: readonly number[] | null
}

interface Hierarchy {
  /** Where it may be mounted, below the root. */
  readonly mounts: readonly string[]
  /** Whether a line of /proc/self/cgroup, by its list of controllers, tells our place in it. */
  isNamedBy(controllers: readonly string[]): boolean
  quotaOf(folder: string): number | null
  readonly cpusetFiles: readonly string[]
}

const MOUNT = 'sys/fs/cgroup'

const HIERARCHIES: readonly Hierarchy[] = [
  {
    mounts: [MOUNT, `${MOUNT}/unified`],
    isNamedBy: ([first]) => first === '',
    quotaOf(folder) {
      const [quota = 'max', period = '100000'] = (readText(folder, 'cpu.max') ?? '').split(/\s+/)
      return ratio(quota, period)
    },
    cpusetFiles: ['cpuset.cpus.effective'],
  },
  {
    mounts: [`${MOUNT}/cpu`, `${MOUNT}/cpu,cpuacct`],
    isNamedBy: (controllers) => controllers.includes('cpu'),
    quotaOf(folder) {
      // -1 is no limit.
      const quota = readText(folder, 'cpu.cfs_quota_us') ?? ''
      return ratio(quota, readText(folder, 'cpu.cfs_period_us') ?? '')
    },
    cpusetFiles: [],
  },
  {
    mounts: [`${MOUNT}/cpuset`],
    isNamedBy: (controllers) => controllers.includes('cpuset'),
    quotaOf: () => null,
    cpusetFiles: ['cpuset.effective_cpus', 'cpuset.cpus'],
  },
]

/** The limits in force, read below `root`, which is `/` but for tests. */
export function readCpuLimits(root = '/'): CpuLimits {
  const lines = (readText(root, 'proc/self/cgroup') ?? '').trim().split('\n')
  let quota: number | null = null
  let cpuset: number[] | null = null
  for (const hierarchy of HIERARCHIES) {
    const paths = lines.flatMap((line) => {
      const [, controllers = '-', ...path] = line.split(':')
      return hierarchy.isNamedBy(controllers.split(',')) ? [path.join(':')] : []
    })
    for (const mount of hierarchy.mounts) {
      for (const folder of ancestorsOf(join(root, mount), paths[0] ?? '/')) {
        const found = hierarchy.quotaOf(folder)
        if (found !== null) quota = Math.min(quota ?? found, found)
        const text = hierarchy.cpusetFiles.map((name) => readText(folder, name)).find(Boolean)
        // The innermost is a part of those around it.
        const cpus = parseCpuList(text ?? '')
        if (cpus.length > 0) cpuset ??= cpus
      }
    }
  }
  return { quota, cpuset }
}

/** CPUs that this process may keep busy: affinity and quota, at least 1. */
export function usableCores(root = '/', allowed = availableParallelism()): number {
  const { quota } = readCpuLimits(root)
  return Math.max(1, Math.min(allowed, Math.floor(quota ?? allowed)))
}

/** The text of a file below a folder, without white space at its ends; null when there is none. */
export function readText(folder: string, file: string): string | null {
  try {
    return readFileSync(join(folder, file), 'utf8').trim()
  } catch {
    // Which of these files exist differs between kernels, and that is what we want to know.
    return null
  }
}

function ancestorsOf(mount: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, index) => join(mount, ...parts.slice(0, parts.length - index))).concat(mount)
}

function ratio(quota: string, period: string): number | null {
  const value = Number(quota) / Number(period)
  return quota !== '' && Number.isFinite(value) && value > 0 ? value : null
}
