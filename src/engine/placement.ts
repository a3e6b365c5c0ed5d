// Placement as the engine sees it: what was asked for, what is planned, and what came of it.
//
// `createEngine` prepares it, each thread takes its own place (`src/placement/place.ts`), and
// `engine.placement` tells.

import { FlyshuttleError } from '../base/errors.js'
import type { Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import { affinity, takePlace, type Placed } from '../placement/place.js'
import { planPlacement, type Placement, type Plan, type Slot } from '../placement/plan.js'
import { readTopology } from '../placement/topology.js'
import type { CheckedOptions } from './options.js'
import type { Place } from './threads.js'

/** Where the threads of an engine run, as the kernel says. */
export interface PlacementInfo {
  /** The option `placement`. */
  readonly wanted: Placement
  /** Why no thread was placed, or null. */
  readonly reason: string | null
  /** The threads that take part, the main thread first. */
  readonly threads: readonly ThreadPlacement[]
}

export interface ThreadPlacement {
  readonly index: number
  /** CPUs on which it may run; null when the kernel cannot be asked: there is no addon. */
  readonly cpus: readonly number[] | null
  /** It was told where to run. Else it runs where the process may. */
  readonly isPinned: boolean
  /** The NUMA node from which its inbox comes; null: wherever pages are touched first. */
  readonly memoryNode: number | null
  /** What the kernel refused of the plan, such as 'mbind: EPERM'; or null. */
  readonly refused: string | null
}

/** The placement of one engine: its plan, and the main thread's part in it. */
export class Placing {
  readonly #wanted: Placement
  readonly #plan: Plan
  readonly #binding: NativeBinding | null
  #main: Placed | null = null
  /** Where the main thread could run before it was pinned; null: it was not. */
  #mainBefore: readonly number[] | null = null

  private constructor(wanted: Placement, plan: Plan, binding: NativeBinding | null) {
    this.#wanted = wanted
    this.#plan = plan
    this.#binding = binding
  }

  /**
   * Plans for this machine.
   *
   * @throws ERR_OPTION_INVALID, ERR_PLACEMENT_UNAVAILABLE when it was asked for by name and threads
   * cannot be pinned here
   */
  static prepare(
    { placement, threads, threadsMax }: CheckedOptions,
    binding: NativeBinding | null,
    addonReason: string | null,
  ): Placing {
    if (!canPlace(binding)) {
      const reason = addonReason ?? `${process.platform} does not let threads be pinned`
      if (placement !== 'auto') throw unavailable(placement, reason)
      const slots = Array.from({ length: threadsMax }, () => ({ cpus: null, node: -1 }))
      return new Placing(placement, { slots, reason }, binding)
    }
    const plan = planPlacement(readTopology(), placement, threads, threadsMax)
    return new Placing(placement, plan, binding)
  }

  /** A slot for each place of the engine. */
  get slots(): readonly Slot[] {
    return this.#plan.slots
  }

  /** CPUs that threads can keep busy at once where they are planned to run, of those `usable`. */
  coresOf(usable: number): number {
    const workers = this.slots.slice(1)
    if (workers.length === 0 || workers.some(({ cpus }) => cpus === null)) return usable
    // The main thread finds one more, elsewhere or among them.
    return Math.min(usable, new Set(workers.flatMap(({ cpus }) => cpus)).size + 1)
  }

  /** Takes the main thread to its place, before it opens its inbox. */
  takeMain(region: Region): void {
    const slot = this.slots[0] as Slot
    if (slot.cpus !== null && this.#binding !== null) this.#mainBefore = affinity(this.#binding)
    this.#main = takePlace(this.#binding, region, 0, slot)
  }

  /** Lets the main thread run where it did before. */
  releaseMain(): void {
    if (this.#mainBefore !== null) this.#binding?.setAffinity(Int32Array.from(this.#mainBefore))
    this.#mainBefore = null
  }

  /** @throws ERR_PLACEMENT_UNAVAILABLE when the kernel has refused what was asked for by name */
  check(placed: Placed | null = this.#main): void {
    if (this.#wanted === 'auto' || placed === null || placed.cpusRefused === null) return
    throw unavailable(this.#wanted, `sched_setaffinity: ${placed.cpusRefused}`)
  }

  info(places: readonly Place[]): PlacementInfo {
    const threads = places.flatMap(({ thread, guest, placed: worker }) => {
      const placed = thread === 0 ? this.#main : worker
      if (placed === null) return []
      const planned = guest === null ? this.slots[thread]?.cpus : null
      return [{ index: thread, ...threadPlacement(placed, planned) }]
    })
    return { wanted: this.#wanted, reason: this.#plan.reason, threads }
  }
}

/** Whether threads can be pinned here. */
export function canPlace(binding: NativeBinding | null): binding is NativeBinding {
  return binding !== null && affinity(binding) !== null
}

function threadPlacement(
  placed: Placed,
  planned: readonly number[] | null | undefined,
): Omit<ThreadPlacement, 'index'> {
  const { cpus, cpusRefused, memoryNode, memoryRefused } = placed
  const refused = [
    ...(cpusRefused === null ? [] : [`sched_setaffinity: ${cpusRefused}`]),
    ...(memoryRefused === null ? [] : [`mbind: ${memoryRefused}`]),
  ]
  return {
    cpus,
    isPinned: planned != null && cpusRefused === null,
    memoryNode,
    refused: refused.length === 0 ? null : refused.join(', '),
  }
}

function unavailable(placement: Placement, found: string): FlyshuttleError {
  const text = typeof placement === 'string' ? placement : JSON.stringify(placement)
  const wanted = "the addon on Linux, or placement: 'auto'"
  return new FlyshuttleError('ERR_PLACEMENT_UNAVAILABLE', { placement: text, found, wanted })
}
