// The threads with plain subscriptions to a subject, from what the trie found.
//
// A subscription stands in the trie as one small integer, which holds all that a plain one means to
// a sender: with very many subscriptions each object looked at is a wait for memory. Only of those
// that are chosen among others, or have a filter, does the log know more.

import type { CompiledFilter } from '../codec/filter.js'
import { THREADS_MAX } from '../base/limits.js'
import type { LinkWriter } from '../link/outbox.js'
import { SubscriptionFlag, type Subscription } from './change-log.js'

/** A thread with plain subscriptions to a subject. */
export interface Destination {
  readonly link: LinkWriter
  /**
   * Word index of the row of each subscription that can hold a publisher back. None: the thread
   * only taps.
   */
  readonly requiredRows: readonly number[]
  /**
   * Of the subscription of each of these rows; null: it wants every message. Empty where nobody
   * has one.
   */
  readonly requiredFilters: readonly (CompiledFilter | null)[]
  /** All of them, each once. */
  readonly asked: readonly CompiledFilter[]
  /** The thread gets what one of them lets through. Null: somebody there wants every message. */
  readonly filters: readonly CompiledFilter[] | null
}

const LOSSY = 1
/** It belongs to a queue group or answers. */
const CHOSEN = 2
const FILTERED = 4
const THREAD_SHIFT = 3
const THREAD_MASK = THREADS_MAX - 1
const ID_SHIFT = THREAD_SHIFT + Math.ceil(Math.log2(THREADS_MAX))

export function packed({ id, thread, flags, queue, rules }: Subscription): number {
  const isChosen = queue !== '' || (flags & SubscriptionFlag.Responder) !== 0
  const bits =
    ((flags & SubscriptionFlag.Lossy) === 0 ? 0 : LOSSY) |
    (isChosen ? CHOSEN : 0) |
    (rules?.filter === undefined ? 0 : FILTERED)
  return (id << ID_SHIFT) | (thread << THREAD_SHIFT) | bits
}

export function idOf(word: number): number {
  return word >>> ID_SHIFT
}

export function threadOf(word: number): number {
  return (word >>> THREAD_SHIFT) & THREAD_MASK
}

export function isChosen(word: number): boolean {
  return (word & CHOSEN) !== 0
}

export function isFiltered(word: number): boolean {
  return (word & FILTERED) !== 0
}

export interface DestinationsHost {
  /** The bulk link to a thread. */
  link(thread: number): LinkWriter
  /** The filter of a subscription that has one. */
  filter(id: number): CompiledFilter | null
}

const NO_FILTERS: readonly CompiledFilter[] = []

export class Destinations {
  readonly #host: DestinationsHost
  readonly #rowsIndex: number
  // Of the subject under way: threads in the order found, and of each how many rows, and which.
  readonly #threads: Uint16Array
  readonly #counts: Uint32Array
  readonly #rows: number[][] = []

  constructor(threads: number, rowsIndex: number, host: DestinationsHost) {
    this.#host = host
    this.#rowsIndex = rowsIndex
    this.#threads = new Uint16Array(threads)
    this.#counts = new Uint32Array(threads)
  }

  of(words: readonly number[]): readonly Destination[] {
    for (const word of words) {
      if (isFiltered(word) && !isChosen(word)) return this.#filtered(words)
    }
    return this.#unfiltered(words)
  }

  /** Counted first, so that arrays, of which a thread keeps very many, are as short as they can. */
  #unfiltered(words: readonly number[]): readonly Destination[] {
    const counts = this.#counts
    let threads = 0
    for (const word of words) {
      if ((word & CHOSEN) !== 0) continue
      const thread = threadOf(word)
      if (counts[thread] === 0) {
        this.#threads[threads++] = thread
        counts[thread] = 1 // One too many: it says that the thread was met.
      }
      if ((word & LOSSY) === 0) counts[thread] = (counts[thread] as number) + 1
    }
    const destinations = new Array<Destination>(threads)
    for (let index = 0; index < threads; index++) {
      const thread = this.#threads[index] as number
      const requiredRows = new Array<number>((counts[thread] as number) - 1)
      destinations[index] = {
        link: this.#host.link(thread),
        requiredRows,
        requiredFilters: NO_FILTERS,
        asked: NO_FILTERS,
        filters: null,
      }
      this.#rows[thread] = requiredRows
      counts[thread] = 0
    }
    for (const word of words) {
      if ((word & (CHOSEN | LOSSY)) !== 0) continue
      const thread = threadOf(word)
      const count = counts[thread] as number
      ;(this.#rows[thread] as number[])[count] = this.#rowsIndex + idOf(word)
      counts[thread] = count + 1
    }
    for (const { link } of destinations) counts[link.to] = 0
    return destinations
  }

  #filtered(words: readonly number[]): readonly Destination[] {
    const plain = new Map<number, Wanting[]>()
    for (const word of words) {
      if (isChosen(word)) continue
      const thread = threadOf(word)
      const wanting = plain.get(thread) ?? []
      const row = this.#rowsIndex + idOf(word)
      const filter = isFiltered(word) ? this.#host.filter(idOf(word)) : null
      wanting.push({ row, filter, isRequired: (word & LOSSY) === 0 })
      plain.set(thread, wanting)
    }
    return [...plain].map(([thread, wanting]) => destinationOf(this.#host.link(thread), wanting))
  }
}

/** A plain subscription, as far as senders care. */
interface Wanting {
  readonly row: number
  readonly filter: CompiledFilter | null
  readonly isRequired: boolean
}

function destinationOf(link: LinkWriter, wanting: readonly Wanting[]): Destination {
  const required = wanting.filter(({ isRequired }) => isRequired)
  const all = wanting.map(({ filter }) => filter)
  const asked = [...new Set(all)].filter((filter) => filter !== null)
  return {
    link,
    requiredRows: required.map(({ row }) => row),
    requiredFilters: required.map(({ filter }) => filter),
    asked,
    filters: all.includes(null) ? null : asked,
  }
}
