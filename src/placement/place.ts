// Takes a thread to its place: pins it, and has its inbox come from its own memory node.
//
// Called by each thread for itself, before it opens its inbox, so that nobody has touched the rings
// yet. What the kernel refuses is reported, not thrown: the engine decides what a refusal means
// (`ERR_PLACEMENT_UNAVAILABLE` if it was asked for by name).

import { getSystemErrorName } from 'node:util'
import { CPUS_MAX } from '../base/limits.js'
import { Lane } from '../memory/layout.js'
import type { Region } from '../memory/region.js'
import type { NativeBinding } from '../native/binding.js'
import type { Slot } from './plan.js'

/** What became of a slot: plain data, so that it can cross threads. */
export interface Placed {
  /** CPUs on which the thread may run, as the kernel says; null when it cannot be asked. */
  readonly cpus: readonly number[] | null
  /** Why it was not pinned as planned: the name of an errno; null when it was, or was not to be. */
  readonly cpusRefused: string | null
  /** The node that its inbox is to come from, or null. */
  readonly memoryNode: number | null
  /** Why its inbox is not bound, or null. */
  readonly memoryRefused: string | null
}

/** For the calling thread, which is number `thread` of the region. */
export function takePlace(
  binding: NativeBinding | null,
  region: Region,
  thread: number,
  slot: Slot,
): Placed {
  let cpusRefused: string | null = null
  let memoryRefused: string | null = null
  if (slot.cpus !== null) cpusRefused = refusal(binding?.setAffinity(Int32Array.from(slot.cpus)))
  const isBound = slot.node >= 0
  if (isBound) memoryRefused = refusal(binding && bindInbox(binding, region, thread, slot.node))
  return {
    cpus: binding === null ? null : affinity(binding),
    cpusRefused,
    memoryNode: isBound && memoryRefused === null ? slot.node : null,
    memoryRefused,
  }
}

/** The CPUs on which the calling thread may run; null where the kernel does not tell. */
export function affinity(binding: NativeBinding): number[] | null {
  const cpus = new Int32Array(CPUS_MAX)
  const count = binding.getAffinity(cpus)
  return count < 0 ? null : [...cpus.subarray(0, count)]
}

/**
 * Has the rings of all links into `thread` come from `node`: pages counted, or a negative errno.
 * Their words are left out: two threads write them, so they have no home.
 */
function bindInbox(binding: NativeBinding, region: Region, thread: number, node: number): number {
  const { layout, views } = region
  // The two lanes of a link lie side by side.
  const bytes = layout.urgentRingBytes + layout.bulkRingBytes
  let pages = 0
  for (let from = 0; from < layout.threads; from++) {
    const start = layout.ring(from, thread, Lane.Urgent)
    const result = binding.preferNode(views.bytes, start, bytes, node)
    if (result < 0) return result
    pages += result
  }
  return pages
}

function refusal(result: number | null | undefined): string | null {
  if (typeof result !== 'number') return 'ENOSYS'
  return result < 0 ? getSystemErrorName(result) : null
}
