// The requests of this thread that get more than one reply, by their counters.
//
// They count by themselves, apart from plain requests: the Stream flag tells a frame of theirs. One
// stands here from when it is sent until its iteration is over, however that comes about.

import type { Clock } from '../base/clock.js'
import { Deadlines, type Waiting } from '../base/deadlines.js'
import { FlyshuttleError } from '../base/errors.js'
import { STREAMS_OPEN_MAX } from '../base/limits.js'
import { FLOW_STOP } from '../ring/frame.js'
import type { Incoming, IncomingTable } from './incoming.js'

export interface StreamsEvents {
  /** Somebody waits for a part (true), or one fewer does: calls pair up. */
  onWaiting(isWaiting: boolean): void
  /** To be told to whoever replies: how many parts more may come. Must not throw. */
  onFlow(counter: number, thread: number, incarnation: number, parts: number): void
  /** Nothing more is wanted of it, or will come. */
  onEnd(incoming: Incoming): void
}

export class Streams implements IncomingTable {
  readonly #deadlines: Deadlines
  readonly #events: StreamsEvents
  readonly #open = new Map<number, Incoming>()
  #last: Incoming | null = null
  #lastCounter: number
  #error: Error | null = null

  /** `lastCounter` is for tests: the counter after which to begin. */
  constructor(clock: Clock, events: StreamsEvents, lastCounter = 0) {
    this.#deadlines = new Deadlines(clock)
    this.#events = events
    this.#lastCounter = lastCounter
  }

  /** How many are under way. */
  get open(): number {
    return this.#open.size
  }

  /** A counter for the next. Never 0: that belongs to no request. */
  nextCounter(): number {
    let counter = this.#lastCounter
    do counter = (counter + 1) | 0
    while (counter === 0 || this.#open.has(counter))
    this.#lastCounter = counter
    return counter
  }

  /** The one that a reply with this counter belongs to, if it is still wanted. */
  find(counter: number): Incoming | null {
    if (this.#last?.counter === counter) return this.#last
    const found = this.#open.get(counter) ?? null
    if (found !== null) this.#last = found
    return found
  }

  start(incoming: Incoming): void {
    if (this.#error !== null) throw this.#error
    if (this.#open.size >= STREAMS_OPEN_MAX) {
      const data = { subject: incoming.subject, found: this.#open.size, wanted: STREAMS_OPEN_MAX }
      throw new FlyshuttleError('ERR_BACKPRESSURE', data)
    }
    this.#open.set(incoming.counter, incoming)
    incoming.send(incoming as never)
  }

  end(incoming: Incoming): void {
    if (this.#last === incoming) this.#last = null
    if (this.#open.get(incoming.counter) === incoming) this.#open.delete(incoming.counter)
    this.#events.onEnd(incoming)
  }

  wait(waiting: Waiting, lengthMs: number): void {
    this.#deadlines.add(waiting, lengthMs)
  }

  endWait(waiting: Waiting): void {
    this.#deadlines.remove(waiting)
  }

  hold(isWaiting: boolean): void {
    this.#events.onWaiting(isWaiting)
  }

  tellFlow(counter: number, thread: number, incarnation: number, parts: number): void {
    this.#events.onFlow(counter, thread, incarnation, parts)
  }

  tellStop(counter: number, thread: number, incarnation: number): void {
    this.#events.onFlow(counter, thread, incarnation, FLOW_STOP)
  }

  /** Fails what waits for a thread that ended: `isGone` says which have. */
  onDeaths(isGone: (thread: number, incarnation: number) => boolean): void {
    for (const incoming of [...this.#open.values()]) incoming.onDeaths(isGone)
  }

  /** Ends everything with `error`, also what is begun later. */
  close(error: Error): void {
    this.#error = error
    for (const incoming of [...this.#open.values()]) incoming.close(error)
    this.#deadlines.close()
  }
}
