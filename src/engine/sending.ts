// What leaves a thread: the outbox with its links to all others, the routes, the sender and the
// publishers above them, and the blocks of shared memory that large messages and loans lie in.
//
// A bus makes one (`bus.ts`) and hands its parts to whoever sends. What comes in is the bus's own.

import { Leases } from '../agent/lease.js'
import type { Clock } from '../base/clock.js'
import { THREADS_MAX } from '../base/limits.js'
import { createRandom } from '../base/random.js'
import { SubjectCounters } from '../counters/subject-counters.js'
import { ChunkPool } from '../link/chunk-pool.js'
import { Outbox } from '../link/outbox.js'
import { DictionaryWriter } from '../memory/dictionary.js'
import { ThreadCounter } from '../memory/layout.js'
import { isNear } from '../placement/plan.js'
import { lostLetter, type DeadLetter } from '../routing/dead-letter.js'
import { Publishers } from '../routing/publishers.js'
import { RouteTable } from '../routing/route-table.js'
import { Sender } from '../routing/sender.js'
import type { BusOptions } from './bus-host.js'
import { Loans } from './loans.js'

export interface SendingEvents {
  /** Something waits, or does no more, and the event loop is to stay meanwhile. Calls pair up. */
  hold(isHeld: boolean): void
  /** A thread has something to look at. */
  wake(thread: number): void
  /** What had been accepted could not be sent: to be told, and kept. */
  onLost(error: unknown, letter: DeadLetter): void
  /** It came too late, which is no error: to be kept. */
  bury(letter: DeadLetter): void
}

export class Sending {
  readonly outbox: Outbox
  readonly leases: Leases
  readonly sender: Sender
  readonly loans: Loans
  readonly publishers: Publishers
  readonly #clock: Clock

  constructor(options: BusOptions, clock: Clock, events: SendingEvents) {
    const { region, thread, incarnation, binding } = options
    this.#clock = clock
    this.outbox = new Outbox(region, thread)
    const dictionary = new DictionaryWriter(region, thread)
    const pool = new ChunkPool(region, thread, clock, (waiting) => events.wake(waiting))
    this.leases = new Leases(pool, region.memory)
    // A seed of its own for each thread and each of its lives.
    const random = createRandom(incarnation * THREADS_MAX + thread)
    const near = (to: number): boolean => isNear(options.slots, thread, to)
    const { rules, counts, packing } = options.subjects
    const subjects = new SubjectCounters(counts, thread, rules.length)
    const routes = new RouteTable(region, this.outbox, dictionary, near, random, rules, packing)
    let isWaitingNow = false
    this.sender = new Sender(
      region,
      this.outbox,
      routes,
      dictionary,
      incarnation,
      pool,
      subjects,
      binding?.copyBytes ?? null,
      {
        onWaiting: (isWaiting) => {
          if (isWaiting !== isWaitingNow) events.hold((isWaitingNow = isWaiting))
        },
        onLost: (error, subject, parcel) =>
          events.onLost(error, lostLetter('no-room', error, subject, parcel, thread)),
        onExpired: (subject, parcel) =>
          events.bury(lostLetter('expired', null, subject, parcel, thread)),
        isExpired: (deadlineMs) => this.isExpired(deadlineMs),
      },
    )
    this.loans = new Loans(this.leases, this.sender, (isHeld) => events.hold(isHeld))
    this.publishers = new Publishers(region, this.outbox, routes, this.sender, dictionary)
  }

  /** Whether a message with this deadline comes too late, here or at its receiver; counts it. */
  isExpired(deadlineMs: number): boolean {
    if (deadlineMs > this.#clock.nowMs()) return false
    this.outbox.counters.add(ThreadCounter.Expired, 1)
    return true
  }
}
