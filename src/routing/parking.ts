// Messages that found no room, in line per subject until they can be written.
//
// Each waits in the heap of its sender and counts against every link that it is for, so what waits
// because of one slow receiver is bounded (`overflow.ts`); but not for `send`, whose callers wait.
// The order within a subject is kept: while anything waits, later messages of the subject line up.

import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { LinkWriter } from '../link/outbox.js'
import type { LoanedBlock } from './loaned.js'
import type { Parcel } from './parcel.js'
import { REQUEST_BYTES } from './plan.js'
import { Retried } from './retry.js'
import type { Route } from './route-table.js'
import { wants, type Passed } from './wanted.js'

/** What a parked message counts for besides its payload. */
const PARKED_BYTES = FRAME_HEADER_BYTES + REQUEST_BYTES

export interface ParkingEvents {
  /** Tries to write. Throws when it can never be written. */
  onRetry(route: Route, parcel: Parcel): Retried
  /** What to say to whoever waits for a parcel that came too late; null while it did not. */
  lateness(route: Route, parcel: Parcel): Error | null
  /** A parked publish can never be written, and nobody waits for it. */
  onLost(error: unknown, subject: string, parcel: Parcel): void
  /** A loan was not sent, and will not be. */
  onDropped(loan: LoanedBlock): void
}

export class Parking {
  readonly #routes = new Set<Route>()
  /** Parcels that somebody waits for until a certain time, wherever they stand in line. */
  readonly #timed = new Map<Parcel, Route>()
  readonly #events: ParkingEvents

  constructor(events: ParkingEvents) {
    this.#events = events
  }

  get isEmpty(): boolean {
    return this.#routes.size === 0
  }

  /** Messages that wait. */
  get count(): number {
    let count = 0
    for (const { parked } of this.#routes) count += parked.length
    return count
  }

  /** Lines up a message whose caller waits for it. `parcel` owns its payload. */
  park(route: Route, parcel: Parcel): void {
    for (const link of parcel.charged) link.charge(parkedBytes(parcel.payload.length))
    const { deadlineMs, priority } = parcel.envelope
    route.parked.push(parcel, priority)
    if (parcel.settle !== null && deadlineMs !== Infinity) this.#timed.set(parcel, route)
    // Later messages line up behind it.
    route.shut()
    this.#routes.add(route)
  }

  /**
   * Drops a message of the route that may be dropped: the oldest of those that are least urgent.
   * Null: there is none.
   */
  dropOldest(route: Route): Parcel | null {
    const { parked } = route
    const parcel = parked.takeLeast(({ request, settle }) => request === null && settle === null)
    if (parcel === undefined) return null
    discharge(parcel)
    this.#letGo(parcel)
    if (parked.length === 0) this.#routes.delete(route)
    return parcel
  }

  /** Writes what can be written now. One subject that cannot move holds up no other. */
  retry(): void {
    for (const route of this.#routes) this.#retryRoute(route)
    for (const [parcel, route] of this.#timed) this.#expire(route, parcel)
  }

  /** Drops everything; whoever waits hears of `error`. Returns how many messages that were. */
  close(error: Error): number {
    let dropped = 0
    for (const { parked } of this.#routes) {
      for (let parcel = parked.shift(); parcel !== undefined; parcel = parked.shift()) {
        discharge(parcel)
        this.#letGo(parcel)
        parcel.settle?.(error)
        dropped++
      }
    }
    this.#routes.clear()
    this.#timed.clear()
    return dropped
  }

  #retryRoute(route: Route): void {
    const { parked } = route
    for (let parcel = parked.peek(); parcel !== undefined; parcel = parked.peek()) {
      let failure: unknown = null
      try {
        // STEP retry: out of the line only once it is written, or can never be.
        if (this.#events.onRetry(route, parcel) === Retried.Waits) return
      } catch (error) {
        failure = error
      }
      // Not whoever is in front: what was encoded just now may have published something urgent.
      parked.shiftOf(parcel.envelope.priority)
      this.#timed.delete(parcel)
      discharge(parcel)
      if (failure !== null && parcel.request !== null) parcel.request.fail(failure)
      else if (parcel.settle !== null) parcel.settle(failure)
      else if (failure !== null) this.#events.onLost(failure, route.subject, parcel)
      this.#letGo(parcel)
    }
    this.#routes.delete(route)
  }

  /** Whoever waits hears in time, also behind others that wait for longer. */
  #expire(route: Route, parcel: Parcel): void {
    const lateness = this.#events.lateness(route, parcel)
    if (lateness === null) return
    this.#timed.delete(parcel)
    route.parked.takeLeast((waiting) => waiting === parcel)
    if (route.parked.length === 0) this.#routes.delete(route)
    discharge(parcel)
    parcel.settle?.(lateness)
    this.#letGo(parcel)
  }

  #letGo({ loan }: Parcel): void {
    if (loan !== null && !loan.isSent) this.#events.onDropped(loan)
  }
}

/** What a parked message with so many bytes in the heap counts for. */
export function parkedBytes(payloadBytes: number): number {
  return payloadBytes + PARKED_BYTES
}

function discharge({ charged, payload }: Parcel): void {
  for (const link of charged) link.discharge(parkedBytes(payload.length))
}

/** Every link that a message of this route may take, once; by the filters that it has passed. */
export function linksOf(route: Route, passed: Passed): LinkWriter[] {
  const groups = route.groups.flatMap((group) => group.members)
  const receivers = [...route.destinations, ...groups, ...(route.responders?.members ?? [])]
  const wanting = receivers.filter(({ filters }) => wants(filters, passed))
  return [...new Set(wanting.map(({ link }) => link))]
}
