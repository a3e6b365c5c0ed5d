import { availableParallelism } from 'node:os'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCpuLimits, usableCores } from '../../src/placement/cgroup.js'
import { formatCpuList, parseCpuList } from '../../src/placement/cpu-list.js'
import { nodeOf, readTopology } from '../../src/placement/topology.js'
import { expand, machine } from './machines.js'

describe('lists of CPUs', () => {
  test.each([
    ['0-3,8', [0, 1, 2, 3, 8]],
    ['7,2-3\n', [2, 3, 7]],
    ['', []],
    ['(null)', []],
    ['3-1', []],
  ])('reads %j', (text, numbers) => {
    expect(parseCpuList(text)).toEqual(numbers)
  })

  test('does not grow with what a file claims', () => {
    expect(parseCpuList('0-999999999').length).toBe(8192)
  })

  test('writes what it reads', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200)), (numbers) => {
        expect(parseCpuList(formatCpuList(numbers))).toEqual([...numbers].sort((a, b) => a - b))
      }),
    )
  })

  test('writes neighbours as a range', () => {
    expect(formatCpuList([9, 1, 2, 3])).toBe('1-3,9')
  })
})

describe('topology', () => {
  test('knows the packages, nodes, caches and sibling threads of two sockets', () => {
    const topology = readTopology(machine('two-sockets'))
    expect(topology.cpus.map(({ package: socket }) => socket)).toEqual([0, 0, 1, 1, 0, 0, 1, 1])
    expect(topology.cpus.map(({ core }) => core)).toEqual([0, 1, 2, 3, 0, 1, 2, 3])
    expect(topology.cpus.map(({ cache }) => cache)).toEqual([0, 0, 2, 2, 0, 0, 2, 2])
    expect(topology.cpus.map(({ node }) => node)).toEqual([0, 0, 1, 1, 0, 0, 1, 1])
    expect(topology.nodes).toEqual([
      { id: 0, cpus: [0, 1, 4, 5], distances: [10, 21] },
      { id: 1, cpus: [2, 3, 6, 7], distances: [21, 10] },
    ])
    expect(topology).toMatchObject({ isKnown: true, offline: [], quota: null, current: 2 })
  })

  test('tells slow cores of a hybrid processor, and takes favoured ones for what they are', () => {
    const slow = (name: string) =>
      readTopology(machine(name)).cpus.flatMap(({ id, isSlow }) => (isSlow ? [id] : []))
    expect(slow('hybrid')).toEqual([4, 5, 6, 7])
    expect(slow('big-little')).toEqual([0, 1, 2, 3])
    expect(slow('two-sockets')).toEqual([])
  })

  test('leaves out CPUs that are offline, wherever else they are listed', () => {
    const topology = readTopology(machine('offline'))
    expect(topology.offline).toEqual([3, 6, 7])
    expect(topology.allowed).toEqual([0, 1, 2, 4, 5])
    expect(topology.cpus.map(({ id }) => id)).toEqual([0, 1, 2, 4, 5])
    expect(topology.nodes[0]?.cpus).toEqual([0, 1, 2, 4, 5])
  })

  test("allows what a container's set leaves of the machine", () => {
    const topology = readTopology(machine('container-v2'))
    expect(topology).toMatchObject({ allowed: [10, 11, 12], cpuset: [10, 11, 12], quota: 2.5 })
    expect(topology.cpus).toHaveLength(16)
    expect(nodeOf(topology, 11)).toBe(1)
  })

  test('takes the affinity for what is ours, and the set where there is no telling', () => {
    const machineWith = (...lines: string[]) =>
      readTopology(
        expand(
          [
            'sys/devices/system/cpu/online = 0-7',
            'sys/fs/cgroup/cpuset.cpus.effective = 0-3',
            ...lines,
          ].join('\n'),
        ),
      ).allowed
    expect(machineWith('proc/thread-self/status = Cpus_allowed_list:\\t2-3')).toEqual([2, 3])
    expect(machineWith()).toEqual([0, 1, 2, 3])
  })

  test('keeps a node that has memory alone', () => {
    expect(readTopology(machine('far-memory')).nodes[2]).toEqual({
      id: 2,
      cpus: [],
      distances: [40, 40, 10],
    })
  })

  test('is one node of equal cores where the system tells nothing', () => {
    const topology = readTopology(expand(''))
    expect(topology).toMatchObject({ isKnown: false, offline: [], current: -1 })
    expect(topology.allowed).toHaveLength(availableParallelism())
    expect(topology.nodes).toHaveLength(1)
  })

  test('of this machine agrees with what Node knows', () => {
    const topology = readTopology()
    expect(topology.isKnown).toBe(process.platform === 'linux')
    expect(usableCores('/', topology.allowed.length)).toBeLessThanOrEqual(availableParallelism())
    if (topology.isKnown) expect(topology.allowed).toContain(topology.current)
  })
})

describe('limits of control groups', () => {
  test.each([
    ['container-v2', { quota: 2.5, cpuset: [10, 11, 12] }],
    ['container-v1', { quota: 1.5, cpuset: [4, 5] }],
    ['service', { quota: 3, cpuset: [0, 1, 2, 3, 4, 5, 6, 7] }],
    ['two-sockets', { quota: null, cpuset: null }],
  ])('%s', (name, limits) => {
    expect(readCpuLimits(machine(name))).toEqual(limits)
  })

  test.each([
    ['container-v2', 3, 2],
    ['container-v1', 2, 1],
    ['service', 8, 3],
    ['service', 2, 2],
    ['two-sockets', 8, 8],
  ])('%s leaves of %i CPUs %i to keep busy', (name, allowed, cores) => {
    expect(usableCores(machine(name), allowed)).toBe(cores)
  })

  test('a quota below one CPU leaves one', () => {
    const root = expand('sys/fs/cgroup/cpu.max = 10000 100000\nproc/self/cgroup = 0::/')
    expect(usableCores(root, 4)).toBe(1)
  })

  test('no quota is none, in either version', () => {
    const v1 = 'sys/fs/cgroup/cpu/cpu.cfs_quota_us = -1\nsys/fs/cgroup/cpu/cpu.cfs_period_us = 100'
    expect(readCpuLimits(expand(v1)).quota).toBe(null)
    expect(readCpuLimits(expand('sys/fs/cgroup/cpu.max = max 100000')).quota).toBe(null)
    expect(readCpuLimits(expand('sys/fs/cgroup/cpu.max = nonsense')).quota).toBe(null)
  })
})
