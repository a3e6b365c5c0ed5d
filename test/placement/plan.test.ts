import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatCpuList } from '../../src/placement/cpu-list.js'
import { isNear, planPlacement, type Placement } from '../../src/placement/plan.js'
import { readTopology, type Cpu, type Topology } from '../../src/placement/topology.js'
import { machine } from './machines.js'

/** `CPUs@node` of each place, the main thread first; `-` is left alone, `@` no node. */
function planned(name: string, placement: Placement, workers: number, places = workers + 1) {
  const { slots } = planPlacement(readTopology(machine(name)), placement, workers, places)
  return slots.map(({ cpus, node }) => {
    const where = cpus === null ? '-' : formatCpuList(cpus)
    return node < 0 ? where : `${where}@${node}`
  })
}

const reasonOf = (name: string, placement: Placement, workers: number) =>
  planPlacement(readTopology(machine(name)), placement, workers, workers + 1).reason

describe('auto', () => {
  test.each(['hybrid', 'offline', 'container-v1', 'chiplets', 'container-v2'])(
    'leaves all threads alone on one node: %s',
    (name) => {
      expect(planned(name, 'auto', 2)).toEqual(['-', '-', '-'])
      expect(reasonOf(name, 'auto', 2)).toBe('there is one NUMA node')
    },
  )

  test('keeps workers on whole nodes, beginning where the process runs', () => {
    expect(planned('two-sockets', 'auto', 1)).toEqual(['-', '2-3,6-7@1'])
    expect(reasonOf('two-sockets', 'auto', 1)).toBe(null)
  })

  test('goes on to the next node when the cores of the first are taken', () => {
    expect(planned('two-sockets', 'auto', 4)).toEqual([
      '-',
      '2-3,6-7@1',
      '0-1,4-5@0',
      '0-1,4-5@0',
      '-',
    ])
  })
})

describe('spread', () => {
  test('gives each worker a core, nodes in turn, and keeps one for the main thread', () => {
    expect(planned('two-sockets', 'spread', 3)).toEqual(['-', '0,4@0', '3,7@1', '1,5@0'])
  })

  test('leaves threads for which no core is free where they like', () => {
    expect(planned('two-sockets', 'spread', 4, 6).slice(3)).toEqual(['1,5@0', '-', '-'])
  })

  test('takes slow cores last', () => {
    expect(planned('hybrid', 'spread', 4)).toEqual(['-', '2-3', '4', '5', '6'])
    expect(planned('big-little', 'spread', 2)).toEqual(['-', '5', '0'])
  })

  test('takes caches in turn', () => {
    expect(planned('chiplets', 'spread', 3)).toEqual(['-', '2', '1', '3'])
  })

  test('says why it does nothing', () => {
    const one: Topology = { ...readTopology(machine('chiplets')), allowed: [2] }
    const plan = planPlacement(one, 'spread', 2, 3)
    expect(plan.slots.every(({ cpus }) => cpus === null)).toBe(true)
    expect(plan.reason).toBe('there are no more cores than threads')
  })
})

describe('compact', () => {
  test('fills a cache core by core, then their sibling threads, then the next', () => {
    expect(planned('two-sockets', 'compact', 5)).toEqual(['-', '3@1', '6@1', '7@1', '0@0', '1@0'])
    expect(planned('chiplets', 'compact', 2)).toEqual(['-', '1', '2'])
  })

  test('takes slow cores last', () => {
    expect(planned('hybrid', 'compact', 4)).toEqual(['-', '2', '1', '3', '4'])
  })

  test("stays within a container's set and online CPUs", () => {
    expect(planned('container-v2', 'compact', 2)).toEqual(['-', '11', '12'])
    expect(planned('offline', 'compact', 4)).toEqual(['-', '1', '2', '4', '5'])
  })
})

describe('CPUs by name', () => {
  test('go to workers in order; those that come later may run on all of them', () => {
    const placement = { cpus: [6, 1] }
    expect(planned('two-sockets', placement, 1, 4)).toEqual(['-', '6@1', '1@0', '1,6'])
    expect(planned('two-sockets', { cpus: [6, 7] }, 1, 4)).toEqual(['-', '6@1', '7@1', '6-7@1'])
  })

  test('pin the main thread too when they say so', () => {
    expect(planned('two-sockets', { cpus: [1], main: 3 }, 1)).toEqual(['3@1', '1@0'])
  })

  test('must be ours and online', () => {
    const plan = (name: string, placement: Placement) => () => planned(name, placement, 1)
    expect(plan('container-v2', { cpus: [10, 3] })).toThrow(
      'placement is CPU 3; wanted CPUs that this process may use: 10-12',
    )
    expect(plan('offline', { cpus: [3] })).toThrow('placement is CPU 3')
    expect(plan('offline', { cpus: [0], main: 7 })).toThrow('placement is CPU 7')
  })
})

describe('a node by name', () => {
  test('keeps every worker on it', () => {
    expect(planned('two-sockets', { node: 0 }, 1, 3)).toEqual(['-', '0-1,4-5@0', '0-1,4-5@0'])
  })

  test('is a place to run but none for memory where it is the only one', () => {
    expect(planned('chiplets', { node: 0 }, 1)).toEqual(['-', '0-3'])
  })

  test('must have CPUs that are ours', () => {
    const wanted = 'wanted a node with CPUs that this process may use: '
    const plan = (name: string, node: number) => () => planned(name, { node }, 1)
    expect(plan('far-memory', 2)).toThrow(`placement is node 2; ${wanted}0, 1`)
    expect(plan('container-v2', 0)).toThrow(`placement is node 0; ${wanted}1`)
  })
})

test('threads are near unless both are known to be on different nodes', () => {
  const slots = [-1, 0, 0, 1].map((node) => ({ cpus: null, node }))
  const near = (thread: number) => slots.map((_, other) => isNear(slots, thread, other))
  expect(near(0)).toEqual([true, true, true, true])
  expect(near(1)).toEqual([true, true, true, false])
  expect(near(3)).toEqual([true, false, false, true])
  expect(isNear([], 0, 1)).toBe(true)
})

describe('whatever the machine', () => {
  const topologies = fc
    .record({
      nodes: fc.integer({ min: 1, max: 4 }),
      coresPerNode: fc.integer({ min: 1, max: 4 }),
      threadsPerCore: fc.integer({ min: 1, max: 2 }),
      isOnline: fc.func(fc.boolean()),
      isAllowed: fc.func(fc.boolean()),
      isSlow: fc.func(fc.boolean()),
      current: fc.integer({ min: -1, max: 40 }),
    })
    .map((shape): Topology => {
      const count = shape.nodes * shape.coresPerNode * shape.threadsPerCore
      const all = Array.from({ length: count }, (_, id) => id)
      // The last is always there: somebody runs this.
      const online = all.filter((id) => id === count - 1 || shape.isOnline(id))
      const coreOf = (id: number) => id - (id % shape.threadsPerCore)
      const nodeOf = (id: number) => Math.floor(id / (count / shape.nodes))
      const cpus = online.map((id): Cpu => ({
        id,
        core: coreOf(id),
        cache: nodeOf(id),
        package: 0,
        node: nodeOf(id),
        isSlow: shape.isSlow(coreOf(id)),
      }))
      const nodes = Array.from({ length: shape.nodes }, (_, id) => ({
        id,
        cpus: online.filter((cpu) => nodeOf(cpu) === id),
        distances: Array.from({ length: shape.nodes }, (_, to) => (to === id ? 10 : 20)),
      }))
      return {
        isKnown: true,
        cpus,
        offline: all.filter((id) => !online.includes(id)),
        allowed: online.filter((id) => id === count - 1 || shape.isAllowed(id)),
        quota: null,
        cpuset: null,
        nodes,
        current: shape.current,
      }
    })
  const modes = fc.constantFrom<Placement[]>('auto', 'spread', 'compact')
  const sizes = fc.record({ workers: fc.nat(12), spare: fc.nat(4) })

  test('no thread is planned on a CPU that is offline or forbidden, and each has a slot', () => {
    fc.assert(
      fc.property(topologies, modes, sizes, (topology, mode, { workers, spare }) => {
        const places = workers + 1 + spare
        const { slots, reason } = planPlacement(topology, mode, workers, places)
        expect(slots).toHaveLength(places)
        expect(slots[0]?.cpus).toBe(null)
        for (const { cpus } of slots) {
          if (cpus === null) continue
          expect(cpus.length).toBeGreaterThan(0)
          for (const cpu of cpus) expect(topology.allowed).toContain(cpu)
        }
        expect(reason === null).toBe(slots.some(({ cpus }) => cpus !== null))
      }),
    )
  })

  test('spread and compact give no CPU to two threads', () => {
    fc.assert(
      fc.property(topologies, sizes, fc.boolean(), (topology, { workers }, isCompact) => {
        const mode = isCompact ? 'compact' : 'spread'
        const { slots } = planPlacement(topology, mode, workers, workers + 1)
        const given = slots.flatMap(({ cpus }) => cpus ?? [])
        expect(new Set(given).size).toBe(given.length)
      }),
    )
  })

  test("a slot's node holds all of its CPUs, and is only named where there are several", () => {
    fc.assert(
      fc.property(topologies, modes, sizes, (topology, mode, { workers }) => {
        const { slots } = planPlacement(topology, mode, workers, workers + 1)
        const used = new Set(topology.allowed.map((id) => nodeIn(topology, id)))
        for (const { cpus, node } of slots) {
          if (used.size === 1) expect(node).toBe(-1)
          if (node >= 0) for (const cpu of cpus ?? []) expect(nodeIn(topology, cpu)).toBe(node)
        }
      }),
    )
  })

  const nodeIn = (topology: Topology, id: number) =>
    topology.cpus.find((cpu) => cpu.id === id)?.node
})
