// The outlets of one thread, by the number of their message.

import { ROUTES_CACHED_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { Outbox } from '../link/outbox.js'
import type { Views } from '../memory/region.js'
import { PLAIN, type Envelope } from './envelope.js'
import { Outlet } from './outlet.js'
import { RequestOutlet } from './request-outlet.js'
import type { RouteTable } from './route-table.js'
import { checkSubject } from './subject.js'

export class Outlets {
  readonly #routes: RouteTable
  readonly #views: Views
  readonly #outbox: Outbox
  readonly #incarnation: number
  readonly #known: (Outlet | undefined)[] = []

  constructor(routes: RouteTable, views: Views, outbox: Outbox, incarnation: number) {
    this.#routes = routes
    this.#views = views
    this.#outbox = outbox
    this.#incarnation = incarnation
  }

  /** Null: it has not been sent yet. */
  known({ ordinal }: Message<unknown>): Outlet | null {
    return this.#known[ordinal] ?? null
  }

  /** The short way of its requests, which only those take that say nothing about themselves. */
  requests(message: Message<unknown> | null, envelope: Envelope): RequestOutlet | null {
    if (message === null || envelope !== PLAIN) return null
    return this.#known[message.ordinal]?.requests ?? null
  }

  /** That of a message, made when it is first sent. */
  of(message: Message<unknown>): Outlet {
    return this.#known[message.ordinal] ?? this.#open(message)
  }

  /** From now on none is known. */
  close(): void {
    this.#known.length = 0
  }

  #open(message: Message<unknown>): Outlet {
    const route = this.#routes.route(checkSubject(message.subject))
    const requests = new RequestOutlet(message, route, this.#incarnation, this.#views, this.#outbox)
    const outlet = new Outlet(message, route, requests)
    // A program that makes messages without end, by `at()` say, goes without the fast path.
    if (message.ordinal < ROUTES_CACHED_MAX) {
      this.#known[message.ordinal] = outlet
      route.isPinned = true
    }
    return outlet
  }
}
