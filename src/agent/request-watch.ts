// Requests of other threads, and whether anybody still waits for their replies.
//
// A request is watched from when its handler first reads `info.signal`; one that never does costs
// nothing here. News of a request that has not arrived yet, since it travels on the slower lane, or
// that is not watched yet, is kept for a while; then its handler is not called, or finds its signal
// aborted. A request for many responders is one request: all of them on this thread hear of it.

import type { Clock } from '../base/clock.js'
import { Deadlines, NO_DEADLINE, type Waiting } from '../base/deadlines.js'
import { FlyshuttleError } from '../base/errors.js'
import { EARLY_BLOCKS_MAX, EARLY_CANCELS_MAX, LOOK_AT_CLOCK_REQUESTS } from '../base/limits.js'
import type { ThreadCounters } from '../counters/thread-counters.js'
import { ThreadCounter } from '../memory/layout.js'
import type { RequestTicket, TicketOffice } from './info.js'

/** Plain requests of one life of a thread, with consecutive counters. */
interface Block {
  readonly thread: number
  readonly incarnation: number
  readonly first: number
  readonly more: number
}

class Watched implements Waiting {
  readonly controller = new AbortController()
  deadline = NO_DEADLINE
  listNext: Waiting | null = null
  listPrevious: Waiting | null = null
  list: Waiting['list'] = null
  /** Another handler of the same request for many. */
  next: Watched | null = null

  constructor(
    readonly watch: RequestWatch,
    readonly ticket: RequestTicket,
    readonly leftMs: number,
  ) {}

  expire(): void {
    const data = { subject: this.ticket.subject, wanted: this.leftMs }
    this.watch.abort(this, new FlyshuttleError('ERR_TIMEOUT', data))
  }
}

export class RequestWatch implements TicketOffice {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #counters: ThreadCounters
  /** By request: the handler that asked last, before the others that it leads to. */
  readonly #watched = new Map<number, Watched>()
  /** Key of a request → incarnation of its requester. Oldest first. */
  readonly #early = new Map<number, number>()
  /** The same of requests that were made in one call. */
  #earlyBlocks: Block[] = []
  #lookedMs = 0
  #looksLeft = 0

  /** Requests whose turn came too late are counted in `counters`. */
  constructor(clock: Clock, counters: ThreadCounters) {
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#counters = counters
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  /** Time may have passed: look at the clock before the next request is let through. */
  lookAgain(): void {
    this.#looksLeft = 0
  }

  /**
   * Whether a request that has just arrived need not be handled. Looks at the clock now and then
   * only: a handler before it in this drain may have taken long without being noticed.
   */
  isLate(ticket: RequestTicket): boolean {
    if (--this.#looksLeft < 0) {
      this.#looksLeft = LOOK_AT_CLOCK_REQUESTS
      this.#lookedMs = this.#clock.nowMs()
    }
    return this.#isOver(ticket)
  }

  isOver(ticket: RequestTicket): boolean {
    this.#lookedMs = this.#clock.nowMs()
    return this.#isOver(ticket)
  }

  signalOf(ticket: RequestTicket): AbortSignal {
    if (ticket.watched !== null) return (ticket.watched as Watched).controller.signal
    const leftMs = Math.ceil(ticket.remainingMs)
    const watched = new Watched(this, ticket, leftMs)
    ticket.watched = watched
    if (this.#takeEarly(ticket)) {
      watched.controller.abort(abortedError(ticket))
      return watched.controller.signal
    }
    const key = keyOf(ticket)
    watched.next = this.#watched.get(key) ?? null
    this.#watched.set(key, watched)
    if (leftMs < Infinity) this.#deadlines.add(watched, leftMs)
    return watched.controller.signal
  }

  /** The requester gave up. */
  cancel(thread: number, incarnation: number, counter: number, isStream: boolean): void {
    const key = keyFor(thread, counter, isStream)
    const first = this.#watched.get(key)
    for (const watched of eachOf(first)) {
      if (watched.ticket.incarnation !== incarnation) continue
      this.abort(watched, abortedError(watched.ticket))
    }
    // Of a request for many there may be handlers that have not asked yet.
    if (first !== undefined && !isStream) return
    this.#early.set(key, incarnation)
    if (this.#early.size <= EARLY_CANCELS_MAX) return
    for (const [oldest] of this.#early) {
      this.#early.delete(oldest)
      break
    }
  }

  /** The same for a plain request, and for the `more` that were counted after it. */
  cancelPlain(thread: number, incarnation: number, first: number, more: number): void {
    if (more <= 0) return this.cancel(thread, incarnation, first, false)
    const block = { thread, incarnation, first, more }
    for (const watched of [...this.#watched.values()]) {
      const { ticket } = watched
      if (isIn(block, ticket)) this.abort(watched, abortedError(ticket))
    }
    this.#earlyBlocks.push(block)
    if (this.#earlyBlocks.length > EARLY_BLOCKS_MAX) this.#earlyBlocks.shift()
  }

  /** Whether the requester gave up, as far as has been heard. */
  isGivenUp(ticket: RequestTicket): boolean {
    if (ticket.watched !== null) return (ticket.watched as Watched).controller.signal.aborted
    return (this.#early.size > 0 || this.#earlyBlocks.length > 0) && this.#takeEarly(ticket)
  }

  /** Nobody will reply any more: whoever works on it need not go on. */
  abandon(ticket: RequestTicket): void {
    const watched = ticket.watched as Watched | null
    if (watched !== null) this.abort(watched, abortedError(ticket))
  }

  /** The reply has been sent. */
  done(ticket: RequestTicket): void {
    if (ticket.watched !== null) this.#forget(ticket.watched as Watched)
  }

  abort(watched: Watched, reason: unknown): void {
    this.#forget(watched)
    watched.controller.abort(reason)
  }

  /** Aborts what was asked by threads that have ended. */
  onDeaths(isGone: (thread: number, incarnation: number) => boolean): void {
    for (const watched of [...this.#watched.values()].flatMap(eachOf)) {
      const { thread, incarnation } = watched.ticket
      if (!isGone(thread, incarnation)) continue
      const data = { thread, found: 'it does not wait for a reply any more' }
      this.abort(watched, new FlyshuttleError('ERR_THREAD_DIED', data))
    }
    for (const [key, incarnation] of this.#early) {
      if (isGone(Math.floor(key / 2 ** 33), incarnation)) this.#early.delete(key)
    }
    this.#earlyBlocks = this.#earlyBlocks.filter(
      (block) => !isGone(block.thread, block.incarnation),
    )
  }

  close(): void {
    this.#deadlines.close()
    this.#watched.clear()
    this.#early.clear()
    this.#earlyBlocks = []
  }

  #isOver(ticket: RequestTicket): boolean {
    const isOver = ticket.deadlineMs <= this.#lookedMs || this.isGivenUp(ticket)
    if (isOver) this.#counters.add(ThreadCounter.RequestsExpired, 1)
    return isOver
  }

  #takeEarly(ticket: RequestTicket): boolean {
    // Only requests of such calls have negative counters.
    if (ticket.counter < 0) {
      for (const block of this.#earlyBlocks) if (isIn(block, ticket)) return true
    }
    const key = keyOf(ticket)
    if (this.#early.get(key) !== ticket.incarnation) return false
    if (ticket.credit < 0) this.#early.delete(key)
    return true
  }

  #forget(watched: Watched): void {
    this.#deadlines.remove(watched)
    const key = keyOf(watched.ticket)
    const first = this.#watched.get(key)
    if (first !== watched) {
      for (const one of eachOf(first)) if (one.next === watched) one.next = watched.next
    } else if (watched.next === null) this.#watched.delete(key)
    else this.#watched.set(key, watched.next)
  }
}

function isIn({ thread, incarnation, first, more }: Block, ticket: RequestTicket): boolean {
  const at = ticket.counter - first
  if (at < 0 || at > more || ticket.credit >= 0) return false
  return ticket.thread === thread && ticket.incarnation === incarnation
}

/** All handlers of one request. */
function eachOf(first: Watched | undefined): Watched[] {
  const all: Watched[] = []
  for (let one = first ?? null; one !== null; one = one.next) all.push(one)
  return all
}

function keyOf({ thread, counter, credit }: RequestTicket): number {
  return keyFor(thread, counter, credit >= 0)
}

/** Plain requests and those with several replies are counted apart. */
function keyFor(thread: number, counter: number, isStream: boolean): number {
  return (thread * 2 + (isStream ? 1 : 0)) * 2 ** 32 + (counter >>> 0)
}

function abortedError({ subject }: RequestTicket): FlyshuttleError {
  return new FlyshuttleError('ERR_ABORTED', { subject })
}
