// Which thread of an engine runs where: a pure function of the machine and of what was asked for.
//
// The main thread belongs to the user's process and is left alone, unless a CPU for it is named; a
// plan for the others keeps a core free for it as long as there are enough. Nothing is planned on
// CPUs that are offline or not ours. docs/placement.md tells users what each mode does,
// docs/decisions/0010 why.

import { FlyshuttleError, describe } from '../base/errors.js'
import { CPUS_MAX } from '../base/limits.js'
import { formatCpuList } from './cpu-list.js'
import { nodeOf, type Cpu, type Topology } from './topology.js'

/** Where the threads of an engine run; see `EngineOptions.placement`. */
export type Placement =
  | 'auto'
  | 'spread'
  | 'compact'
  | { readonly cpus: readonly number[]; readonly main?: number }
  | { readonly node: number }

/** What is planned for one thread. */
export interface Slot {
  /** CPUs that it is to run on; null: it is left where it is. */
  readonly cpus: readonly number[] | null
  /** The NUMA node of its inbox; -1 where there is only one, or no telling. */
  readonly node: number
}

export interface Plan {
  /** A slot for each place of the engine, the main thread first. */
  readonly slots: readonly Slot[]
  /** Why no thread is placed, or null. */
  readonly reason: string | null
}

const ANYWHERE: Slot = { cpus: null, node: -1 }

/**
 * A plan for `workers` threads that start with the engine, in an engine of `places`.
 *
 * @throws ERR_OPTION_INVALID for CPUs or a node that this process cannot use
 */
export function planPlacement(
  topology: Topology,
  placement: Placement,
  workers: number,
  places: number,
): Plan {
  const slots = slotsFor(topology, placement, workers, places)
  const isPlaced = slots.some(({ cpus }) => cpus !== null)
  return { slots, reason: isPlaced ? null : reasonFor(topology, placement) }
}

/** @throws ERR_OPTION_INVALID unless `value` is a placement, whether the machine has it or not */
export function checkPlacement(value: unknown): Placement {
  if (value === 'auto' || value === 'spread' || value === 'compact') return value
  const wanted = "'auto', 'spread', 'compact', { cpus } or { node }"
  if (typeof value !== 'object' || value === null) throw invalid(describe(value), wanted)
  const keys = Object.keys(value)
  const { cpus, main, node } = value as Record<string, unknown>
  if (keys.length === 1 && 'node' in value) return { node: checkNumber('node', node) }
  if (!('cpus' in value) || keys.some((key) => key !== 'cpus' && key !== 'main')) {
    throw invalid(`an object with ${keys.join(', ') || 'nothing'}`, wanted)
  }
  if (!Array.isArray(cpus) || cpus.length === 0 || new Set(cpus).size < cpus.length) {
    throw invalid(`cpus ${describe(cpus)}`, 'a list of different CPUs, at least one')
  }
  const list = cpus.map((cpu) => checkNumber('CPU', cpu))
  if (main === undefined) return { cpus: list }
  return { cpus: list, main: checkNumber('main', main) }
}

/** False when the memory of two threads is known to lie on different nodes. */
export function isNear(slots: readonly Slot[], thread: number, other: number): boolean {
  const [node = -1, otherNode = -1] = [slots[thread]?.node, slots[other]?.node]
  return node < 0 || otherNode < 0 || node === otherNode
}

/** Nodes with CPUs that this process may use, ascending. */
export function nodesInUse(topology: Topology): number[] {
  const nodes = topology.nodes.filter(({ cpus }) =>
    cpus.some((cpu) => topology.allowed.includes(cpu)),
  )
  return nodes.map(({ id }) => id)
}

function slotsFor(
  topology: Topology,
  placement: Placement,
  workers: number,
  places: number,
): Slot[] {
  switch (placement) {
    case 'auto':
      if (nodesInUse(topology).length < 2) return fill(places, [])
      return fill(places, [ANYWHERE, ...nodeSlots(topology).slice(1)])
    case 'spread':
    case 'compact': {
      const cores = placement === 'spread' ? spreadCores(topology) : compactCpus(topology)
      // The first is left to the main thread, which is not told.
      const planned = cores.slice(0, workers + 1).map((cpus) => slotOf(topology, cpus))
      return fill(places, [ANYWHERE, ...planned.slice(1)])
    }
  }
  if ('node' in placement) {
    const slot = nodeSlot(topology, placement.node)
    return [ANYWHERE, ...Array.from({ length: places - 1 }, () => slot)]
  }
  const { cpus, main } = placement
  for (const cpu of main === undefined ? cpus : [...cpus, main]) checkAllowed(topology, cpu)
  const own = cpus.slice(0, places - 1).map((cpu) => slotOf(topology, [cpu]))
  const first = main === undefined ? ANYWHERE : slotOf(topology, [main])
  return fill(places, [first, ...own], slotOf(topology, cpus))
}

/** One slot per place: those given, then `rest` for as long as there are places. */
function fill(places: number, slots: readonly Slot[], rest: Slot = ANYWHERE): Slot[] {
  return Array.from({ length: places }, (_, place) => slots[place] ?? rest)
}

/** All of these lie on one node, or else the slot names none. */
function slotOf(topology: Topology, cpus: readonly number[]): Slot {
  return { cpus, node: commonNode(topology, cpus) }
}

function commonNode(topology: Topology, cpus: readonly number[]): number {
  if (nodesInUse(topology).length < 2) return -1
  const nodes = new Set(cpus.map((cpu) => nodeOf(topology, cpu)))
  return nodes.size === 1 ? ([...nodes][0] as number) : -1
}

/** Whole nodes: as many slots on each as it has cores. */
function nodeSlots(topology: Topology): Slot[] {
  const cores = groupBy(allowedCpus(topology), coreOf)
  return [...cores.values()].map(([cpu]) => nodeSlot(topology, (cpu as Cpu).node))
}

/** Nodes by their distance from where the engine is made. */
function nearNodes(topology: Topology): number[] {
  const home = nodeOf(topology, topology.current)
  const start = topology.nodes.find(({ id }) => id === home) ?? topology.nodes[0]
  const near = topology.nodes.map(({ id }, index) => ({
    id,
    distance: id === home ? 0 : (start?.distances[index] ?? Infinity),
  }))
  return near.sort((a, b) => a.distance - b.distance).map(({ id }) => id)
}

/** @throws ERR_OPTION_INVALID for a node without CPUs of ours */
function nodeSlot(topology: Topology, node: number): Slot {
  const cpus = topology.allowed.filter((cpu) => nodeOf(topology, cpu) === node)
  if (cpus.length > 0) return { cpus, node: nodesInUse(topology).length > 1 ? node : -1 }
  const wanted = `a node with CPUs that this process may use: ${nodesInUse(topology).join(', ')}`
  throw invalid(`node ${node}`, wanted)
}

/** Whole cores, one node and one cache after the other in turn, the fast ones first. */
function spreadCores(topology: Topology): number[][] {
  const cpus = allowedCpus(topology)
  const cores = [...groupBy(cpus, coreOf).values()]
  const nodes = [...groupBy(cores, ([cpu]) => (cpu as Cpu).node).values()]
  const inTurns = interleave(
    nodes.map((of) => interleave([...groupBy(of, ([cpu]) => (cpu as Cpu).cache).values()])),
  )
  return fastFirst(inTurns).map((core) => core.map(({ id }) => id))
}

/**
 * Single CPUs, neighbours next to each other: node by node, cache by cache, in each first one CPU
 * of every core and then their siblings; slow cores last.
 */
function compactCpus(topology: Topology): number[][] {
  const caches = groupBy(allowedCpus(topology), ({ node, cache }) => `${node}/${cache}`)
  const cpus = [...caches.values()].flatMap((shared) =>
    interleave([...groupBy(shared, coreOf).values()]),
  )
  return fastFirst(cpus.map((cpu) => [cpu])).map((one) => one.map(({ id }) => id))
}

const coreOf = ({ core }: Cpu): number => core

/** Node by node from the nearest, neighbours next to each other. */
function allowedCpus(topology: Topology): Cpu[] {
  const near = nearNodes(topology)
  const rank = ({ node }: Cpu): number => near.indexOf(node)
  const cpus = topology.cpus.filter(({ id }) => topology.allowed.includes(id))
  return cpus.sort(
    (a, b) => rank(a) - rank(b) || a.cache - b.cache || a.core - b.core || a.id - b.id,
  )
}

function fastFirst(cores: readonly Cpu[][]): Cpu[][] {
  const isSlow = (core: Cpu[]): boolean => core.every((cpu) => cpu.isSlow)
  return [...cores.filter((core) => !isSlow(core)), ...cores.filter(isSlow)]
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

/** The first of each list, then the second of each, and so on. */
function interleave<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()
}

function reasonFor(topology: Topology, placement: Placement): string {
  if (!topology.isKnown) return 'this system does not tell its CPUs and nodes'
  if (placement === 'auto' && nodesInUse(topology).length < 2) return 'there is one NUMA node'
  return 'there are no more cores than threads'
}

function checkAllowed(topology: Topology, cpu: number): void {
  if (topology.allowed.includes(cpu)) return
  const wanted = `CPUs that this process may use: ${formatCpuList(topology.allowed)}`
  throw invalid(`CPU ${cpu}`, wanted)
}

function checkNumber(what: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < CPUS_MAX) {
    return value as number
  }
  throw invalid(`${what} ${describe(value)}`, `a number from 0 to ${CPUS_MAX - 1}`)
}

function invalid(found: string, wanted: string): FlyshuttleError {
  return new FlyshuttleError('ERR_OPTION_INVALID', { option: 'placement', found, wanted })
}
