// What becomes of a message that finds no room: kept in the overflow buffer, dropped, or refused,
// as the rule of its subject says (`subject-rules.ts`).
//
// The rules are for publishes. A request waits until its deadline, a `send` as long as it takes,
// and neither is ever dropped. What was dropped or refused is counted, by subject rule and for each
// link that it was for.

import { FlyshuttleError } from '../base/errors.js'
import { LARGE_OVERFLOW_BYTES_MAX, OVERFLOW_BYTES_MAX } from '../base/limits.js'
import { SubjectOutcome, type SubjectCounters } from '../counters/subject-counters.js'
import type { ChunkPool } from '../link/chunk-pool.js'
import type { LinkWriter } from '../link/outbox.js'
import { SentCounter } from '../memory/layout.js'
import type { LargeSender } from './large.js'
import { NO_LINKS, type Parcel } from './parcel.js'
import { Parking, linksOf, parkedBytes } from './parking.js'
import type { PayloadStage } from './payload.js'
import { Retry } from './retry.js'
import type { Route, RouteTable } from './route-table.js'
import type { SenderEvents } from './sender-events.js'
import type { Transmitter } from './transmitter.js'
import { leftToReceivers } from './wanted.js'

export class Overflow {
  /** What is kept. */
  readonly parking: Parking
  readonly #stage: PayloadStage
  readonly #counters: SubjectCounters
  readonly #events: SenderEvents

  constructor(
    routes: RouteTable,
    stage: PayloadStage,
    transmitter: Transmitter,
    large: LargeSender,
    pool: ChunkPool,
    counters: SubjectCounters,
    events: SenderEvents,
  ) {
    this.#stage = stage
    this.#counters = counters
    this.#events = events
    const retry = new Retry(routes, stage, transmitter, counters, {
      isExpired: (deadlineMs) => events.isExpired(deadlineMs),
      onExpired: (subject, parcel) => events.onExpired?.(subject, large.bytesOf(parcel)),
    })
    this.parking = new Parking({
      onRetry: (route, parcel) => retry.try(route, parcel),
      lateness: (route, parcel) => retry.lateness(route, parcel),
      onLost: (error, subject, parcel) => events.onLost?.(error, subject, large.bytesOf(parcel)),
      onDropped: ({ block }) => pool.giveBack(block),
    })
  }

  /**
   * A publish that is staged found no room.
   *
   * @throws ERR_BACKPRESSURE when it is refused
   */
  publish(route: Route, staged: Parcel): void {
    // Whoever it was for has gone, or nobody came: as with any publish to nobody, it is done.
    if (!route.hasReceivers) return
    const { rule } = route
    const links = linksOf(route, staged.passed)
    switch (rule.overflow) {
      case 'wait':
        return this.#keepWithin(route, staged, links)
      case 'reject':
        return this.#refuse(route, links, 0, 0)
      case 'drop-newest':
        return this.#count(route, SubjectOutcome.DroppedNewest, links)
      case 'drop-oldest':
        return this.#keepNewest(route, staged, links)
    }
  }

  /**
   * A request that is staged found no room.
   *
   * @throws ERR_BACKPRESSURE when the overflow buffer is full
   */
  request(route: Route, staged: Parcel): void {
    if (!route.hasReceivers) return
    this.#keepWithin(route, staged, linksOf(route, staged.passed))
  }

  /** Keeps what is staged, whatever the limits: its caller waits. */
  send(route: Route, staged: Parcel): void {
    this.#keep(route, staged, NO_LINKS)
  }

  #keep(route: Route, staged: Parcel, charged: readonly LinkWriter[]): void {
    const { loan } = this.#stage
    const payload = this.#stage.take()
    if (loan !== null) loan.isParked = true
    this.#counters.add(route.rule.index, SubjectOutcome.Waited)
    const unasked = leftToReceivers(route, staged.passed)
    this.parking.park(route, { ...staged, payload, loan, charged, unasked })
    this.#events.onWaiting(true)
  }

  /** @throws ERR_BACKPRESSURE when one of the links has no overflow left */
  #keepWithin(route: Route, staged: Parcel, links: readonly LinkWriter[]): void {
    const { loan, bytes } = this.#stage
    const limitBytes = this.#limitBytes()
    const moreBytes = parkedBytes(loan === null ? bytes : 0)
    for (const { overflowBytes } of links) {
      if (overflowBytes + moreBytes <= limitBytes) continue
      this.#refuse(route, links, overflowBytes, limitBytes)
    }
    this.#keep(route, staged, links)
  }

  /** What comes last may be the first to go, when all others are more urgent. */
  #keepNewest(route: Route, staged: Parcel, links: readonly LinkWriter[]): void {
    const limitBytes = this.#limitBytes()
    this.#keep(route, staged, links)
    const { parked, rule } = route
    const isOver = (): boolean =>
      parked.length > rule.maxPerSubject ||
      links.some(({ overflowBytes }) => overflowBytes > limitBytes)
    while (isOver()) {
      const dropped = this.parking.dropOldest(route)
      if (dropped === null) return
      this.#count(route, SubjectOutcome.DroppedOldest, dropped.charged)
    }
  }

  #limitBytes(): number {
    return this.#stage.isLarge ? LARGE_OVERFLOW_BYTES_MAX : OVERFLOW_BYTES_MAX
  }

  #refuse(route: Route, links: readonly LinkWriter[], found: number, wanted: number): never {
    this.#count(route, SubjectOutcome.Rejected, links)
    throw new FlyshuttleError('ERR_BACKPRESSURE', { subject: route.subject, found, wanted })
  }

  #count(route: Route, outcome: SubjectOutcome, links: readonly LinkWriter[]): void {
    this.#counters.add(route.rule.index, outcome)
    const isRejected = outcome === SubjectOutcome.Rejected
    for (const link of links) link.count(isRejected ? SentCounter.Rejected : SentCounter.Dropped)
  }
}
