// How urgent a message is: its names, and a line in which the more urgent go first.
//
// Mailboxes keep such a line for a busy handler, senders for messages that find no room. Within one
// priority a line is first in, first out. Nobody waits for ever: whoever has been passed by often
// enough goes next.

import { Fifo } from './fifo.js'
import { PRIORITY_PASSES_MAX } from './limits.js'

/** A message's place is its number in a frame; 0 is what is not said. */
export const PRIORITIES = ['normal', 'critical', 'high', 'low', 'batch'] as const
/** How urgent a message is, most urgent first: critical, high, normal, low, batch. */
export type Priority = (typeof PRIORITIES)[number]

/** Number in a frame → rank, 0 for the most urgent. */
const RANKS = [2, 0, 1, 3, 4] as const
const NORMAL = 0
const NORMAL_RANK = RANKS[NORMAL]

/** While everything is normal, nobody is passed by. */
const NONE_PASSED: number[] = []

export class PriorityLine<T> {
  // Made when there is something to hold: a sender has a line for each subject, nearly all empty.
  #normal: Fifo<T> | null = null
  /** One line for each rank, from the first item that is not normal on. */
  #ranks: Fifo<T>[] | null = null
  /** How many of higher ranks have left since the rank's oldest item came to the front. */
  #passed: number[] = NONE_PASSED
  #length = 0

  get length(): number {
    return this.#length
  }

  /** `priority` is the number in a frame. */
  push(item: T, priority: number): void {
    this.#length++
    const normal = (this.#normal ??= new Fifo<T>())
    if (priority === NORMAL) {
      normal.push(item)
      return
    }
    if (this.#ranks === null) {
      this.#ranks = RANKS.map((_, rank) => (rank === NORMAL_RANK ? normal : new Fifo<T>()))
      this.#passed = RANKS.map(() => 0)
    }
    this.#ranks[RANKS[priority] as number]?.push(item)
  }

  /** The item whose turn it is, left in place. */
  peek(): T | undefined {
    return this.#ranks === null
      ? this.#normal?.peek()
      : this.#ranks[this.#next(this.#ranks)]?.peek()
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    return this.#take(this.#ranks === null ? NORMAL_RANK : this.#next(this.#ranks))
  }

  /**
   * Takes out the oldest of a priority, of which there is one: what `peek` showed, though more
   * urgent ones may have come since.
   */
  shiftOf(priority: number): T | undefined {
    return this.#take(RANKS[priority] as number)
  }

  /** Takes out the oldest of those least urgent that `isWanted` says yes to, wherever it is. */
  takeLeast(isWanted: (item: T) => boolean): T | undefined {
    const ranks = this.#ranks ?? [this.#normal]
    for (let rank = ranks.length - 1; rank >= 0; rank--) {
      const line = ranks[rank] as Fifo<T>
      const item = line.takeFirst(isWanted)
      if (item === undefined) continue
      this.#length--
      // Whoever is in front now, or comes next, has not been passed by anybody.
      if (line.length === 0) this.#passed[rank] = 0
      return item
    }
    return undefined
  }

  /** The rank whose turn it is: one that has waited long enough, else the highest. */
  #next(ranks: readonly Fifo<T>[]): number {
    let next = -1
    let passedMax = PRIORITY_PASSES_MAX - 1
    for (let rank = 0; rank < ranks.length; rank++) {
      if ((ranks[rank] as Fifo<T>).length === 0) continue
      if (next < 0) next = rank
      if (this.#passedBy(rank) <= passedMax) continue
      next = rank
      passedMax = this.#passedBy(rank)
    }
    return Math.max(0, next)
  }

  #take(next: number): T | undefined {
    this.#length--
    const ranks = this.#ranks
    if (ranks === null) return this.#normal?.shift()
    this.#passed[next] = 0
    for (let rank = next + 1; rank < ranks.length; rank++) {
      if ((ranks[rank] as Fifo<T>).length > 0) this.#passed[rank] = this.#passedBy(rank) + 1
    }
    return (ranks[next] as Fifo<T>).shift()
  }

  #passedBy(rank: number): number {
    return this.#passed[rank] as number
  }
}
