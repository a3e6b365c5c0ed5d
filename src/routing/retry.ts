// Another try with a message that found no room: written if there is room now, and dropped when
// nobody wants it any more.
//
// The parking says whose turn it is; here is decided what becomes of it.

import { FlyshuttleError } from '../base/errors.js'
import { SubjectOutcome, type SubjectCounters } from '../counters/subject-counters.js'
import type { Parcel } from './parcel.js'
import type { PayloadStage } from './payload.js'
import type { Route, RouteTable } from './route-table.js'
import type { Transmitter } from './transmitter.js'

/** `Needless`: nobody is there who wants it; whoever waits for it knows already, or need not. */
export const Retried = { Waits: 0, Written: 1, Needless: 2 } as const
export type Retried = (typeof Retried)[keyof typeof Retried]

export class Retry {
  readonly #routes: RouteTable
  readonly #stage: PayloadStage
  readonly #transmitter: Transmitter
  readonly #subjects: SubjectCounters
  readonly #isExpired: (deadlineMs: number) => boolean
  readonly #onExpired: (subject: string, parcel: Parcel) => void

  /**
   * `isExpired` says whether a deadline has passed, and counts it if so. `onExpired` hears of a
   * publish that came too late and that somebody wants kept.
   */
  constructor(
    routes: RouteTable,
    stage: PayloadStage,
    transmitter: Transmitter,
    subjects: SubjectCounters,
    events: {
      isExpired(deadlineMs: number): boolean
      onExpired(subject: string, parcel: Parcel): void
    },
  ) {
    this.#routes = routes
    this.#stage = stage
    this.#transmitter = transmitter
    this.#subjects = subjects
    this.#isExpired = (deadlineMs) => events.isExpired(deadlineMs)
    this.#onExpired = (subject, parcel) => events.onExpired(subject, parcel)
  }

  /** Throws when it can never be written. */
  try(route: Route, parcel: Parcel): Retried {
    this.#routes.refresh(route)
    if (parcel.feed !== null) return parcel.feed() ? Retried.Written : Retried.Waits
    if (this.#isNeedless(route, parcel)) return Retried.Needless
    if (parcel.loan !== null) this.#stage.stageLoan(parcel.loan)
    else this.#stage.restore(parcel.codec, parcel.typeId, parcel.payload, parcel.packed)
    this.#transmitter.check(route, parcel)
    return this.#transmitter.all(route, parcel, true) ? Retried.Written : Retried.Waits
  }

  #isNeedless(route: Route, parcel: Parcel): boolean {
    const { request, settle } = parcel
    const { subject } = route
    if (request !== null && request.isSettled) return true
    if (request !== null && this.#transmitter.isDeserted(route, parcel)) {
      throw new FlyshuttleError('ERR_NO_RESPONDERS', { subject })
    }
    if (!route.hasReceivers) return true
    const lateness = this.lateness(route, parcel)
    if (lateness === null) return false
    // Whoever called `send` waits to hear of it.
    if (settle !== null) throw lateness
    if (request === null && this.#routes.isKept(route, parcel)) this.#onExpired(subject, parcel)
    return true
  }

  /** The error of a parcel that came too late, which is counted here; null while it did not. */
  lateness({ subject, rule }: Route, { envelope }: Parcel): FlyshuttleError | null {
    const { deadlineMs, ttlMs } = envelope
    if (deadlineMs === Infinity || !this.#isExpired(deadlineMs)) return null
    this.#subjects.add(rule.index, SubjectOutcome.Expired)
    return new FlyshuttleError('ERR_EXPIRED', { subject, wanted: ttlMs })
  }
}
