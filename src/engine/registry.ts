// Who is subscribed to what, decided on thread 0 and written to the change log.
//
// Threads take subscription numbers in blocks, so that a subscription is known locally before the
// log shows it to anybody: a message that names it can never come too early. When a thread ends,
// its block comes back.

import { FlyshuttleError } from '../base/errors.js'
import { GroupAgreement } from './group-agreement.js'
import { ChangeLogWriter, type Subscription } from '../routing/change-log.js'
import type { Region } from '../memory/region.js'

export const ID_BLOCK = 64

export class Registry {
  readonly #log: ChangeLogWriter
  readonly #agreement = new GroupAgreement()
  readonly #limit: number
  /** One word for each subscription: whether its mailbox is full. */
  readonly #rows: Int32Array
  readonly #ownedBy = new Map<number, Set<number>>()
  readonly #free: number[] = []
  #next = 0

  constructor(region: Region) {
    this.#log = new ChangeLogWriter(region)
    this.#limit = region.layout.subscriptions
    const { subscriptionRows } = region.layout
    this.#rows = new Int32Array(region.memory, subscriptionRows, this.#limit)
  }

  get live(): ReadonlyMap<number, Subscription> {
    return this.#log.live
  }

  /** A block of unused subscription numbers for a thread. */
  takeIds(thread: number, count = ID_BLOCK): number[] {
    const ids: number[] = []
    while (ids.length < count) {
      const id = this.#free.pop() ?? (this.#next < this.#limit ? this.#next++ : -1)
      if (id < 0) break
      ids.push(id)
    }
    if (ids.length === 0) {
      const found = `${this.#log.live.size} alive`
      throw new FlyshuttleError('ERR_SUBSCRIPTION_LIMIT', { found, wanted: this.#limit })
    }
    const owned = this.#ownedBy.get(thread) ?? new Set()
    for (const id of ids) owned.add(id)
    this.#ownedBy.set(thread, owned)
    return ids
  }

  /**
   * Enters a subscription, unless its number is not (or no longer) one of its thread's.
   *
   * @throws ERR_OPTION_INVALID when its queue group has another policy, ERR_SUBSCRIPTION_LIMIT
   */
  add(subscription: Subscription): void {
    // The last wish of a thread that has ended may be read after it was withdrawn. Nobody would
    // ever take it back, and senders would fill a ring that nobody reads.
    if (this.#ownedBy.get(subscription.thread)?.has(subscription.id) !== true) return
    this.#agreement.add(subscription)
    try {
      this.#log.add(subscription)
    } catch (error) {
      this.#agreement.remove(subscription)
      throw error
    }
  }

  /** Withdraws subscriptions of a thread; numbers that are not its own are left alone. */
  remove(ids: readonly number[], thread?: number): void {
    const owned = thread === undefined ? undefined : this.#ownedBy.get(thread)
    this.#remove(thread === undefined ? ids : ids.filter((id) => owned?.has(id) === true))
  }

  /** Withdraws everything of a thread that ended; returns how many subscriptions were in force. */
  withdraw(thread: number): number {
    const owned = this.#ownedBy.get(thread)
    if (owned === undefined) return 0
    const before = this.live.size
    this.#remove(owned)
    for (const id of owned) {
      // It may have ended with a full mailbox; the next owner of the number begins with an empty
      // one.
      Atomics.store(this.#rows, id, 0)
      this.#free.push(id)
    }
    this.#ownedBy.delete(thread)
    return before - this.live.size
  }

  #remove(ids: Iterable<number>): void {
    for (const id of ids) {
      const subscription = this.live.get(id)
      if (subscription !== undefined) this.#agreement.remove(subscription)
    }
    this.#log.remove(ids)
  }
}
