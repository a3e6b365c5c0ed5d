// Who waits in `drained()` until a subject's links have room again.
//
// A subject is drained when none of its messages wait and every required receiver has half of its
// ring free. Looking also asks the first link that has less to ring us, so that a look follows.

import type { Outbox } from '../link/outbox.js'
import type { Group, Member } from './group.js'
import type { Route, RouteTable } from './route-table.js'
import { isFullRow } from './rows.js'

interface DrainWaiter {
  readonly route: Route
  readonly settle: (error: unknown) => void
}

export class Drains {
  readonly #i32: Int32Array
  readonly #outbox: Outbox
  readonly #routes: RouteTable
  #waiters: DrainWaiter[] = []

  constructor(i32: Int32Array, outbox: Outbox, routes: RouteTable) {
    this.#i32 = i32
    this.#outbox = outbox
    this.#routes = routes
  }

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  /** Calls `settle(null)` at once or on a later `retry`, or with an error on `close`. */
  wait(route: Route, settle: (error: unknown) => void): void {
    try {
      if (this.#isDrained(route)) settle(null)
      else this.#waiters.push({ route, settle })
    } catch (error) {
      // The receiver wrote nonsense into its words: this link will never drain.
      settle(error)
    }
  }

  retry(): void {
    if (this.isEmpty) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const { route, settle } of waiters) this.wait(route, settle)
  }

  close(error: Error): void {
    for (const { settle } of this.#waiters.splice(0)) settle(error)
  }

  #isDrained(route: Route): boolean {
    this.#routes.refresh(route)
    if (route.parked.length > 0) return false
    for (const { link, requiredRows } of route.destinations) {
      if (requiredRows.length === 0) continue
      if (
        this.#i32[link.fullIndex] !== 0 &&
        requiredRows.some((row) => isFullRow(this.#i32[row] as number))
      ) {
        return false
      }
      if (!this.#outbox.awaitDrained(link)) return false
    }
    const { groups, responders } = route
    if (!groups.every((group) => this.#isGroupDrained(group))) return false
    return responders === null || this.#isGroupDrained(responders)
  }

  #isGroupDrained(group: Group): boolean {
    const hasRoom = ({ link, row }: Member): boolean => {
      const isFull = this.#i32[link.fullIndex] !== 0 && isFullRow(this.#i32[row] as number)
      return !isFull && this.#outbox.awaitDrained(link)
    }
    return group.isLossy || group.members.some(hasRoom)
  }
}
