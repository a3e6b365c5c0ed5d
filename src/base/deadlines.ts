// Deadlines of many waiting things with one timer.
//
// Waits of one length end in the order in which they began, so each length has a linked list whose
// head is next; starting and ending a wait is a few pointer moves. Node's own timers work the same
// way, but cost an object and a lookup per wait. One timer is set for the earliest head.
//
// A look at the clock costs more than all of that. So there is one for all waits that begin in one
// tick of the loop, and another when the tick ends: a wait may last longer by what its tick took,
// and never shorter. Waits of one length that begin in one tick share their deadline, so that it
// can be moved for all of them at once.

import type { Clock } from './clock.js'
import { TIMEOUT_MS_MAX } from './limits.js'
import { atTickEnd } from './tick-end.js'

/** On the clock of the engine. */
export interface Deadline {
  atMs: number
}

export const NO_DEADLINE: Deadline = { atMs: 0 }

/** Something that waits. The list keeps its links in the object itself. */
export interface Waiting {
  /** `NO_DEADLINE` before it is added. */
  deadline: Deadline
  /** Called once, when the deadline has passed. */
  expire(): void
  listNext: Waiting | null
  listPrevious: Waiting | null
  list: WaitingList | null
}

interface WaitingList {
  readonly lengthMs: number
  /** Of the waits that this tick began; null: none yet. */
  newest: Deadline | null
  first: Waiting | null
  last: Waiting | null
}

/** Up to here, lists that have become empty are kept for the next wait of their length. */
const LISTS_KEPT = 64

export class Deadlines {
  readonly #clock: Clock
  readonly #atTickEnd: (callback: () => void) => void
  readonly #lists = new Map<number, WaitingList>()
  readonly #onTimer = (): void => this.#expireDue()
  readonly #onTickEnd = (): void => this.#endTick()
  #timer: NodeJS.Timeout | null = null
  #timerAtMs = Infinity
  /** When the tick under way began to make waits, and how many it has made. */
  #tickMs = 0
  #tickWaits = 0
  /** Lists in which it has begun some. */
  readonly #newest: WaitingList[] = []
  #sweepAtLists = LISTS_KEPT

  /** `whenTickEnds` runs its argument once, when the tick of the loop that is under way ends. */
  constructor(clock: Clock, whenTickEnds = atTickEnd) {
    this.#clock = clock
    this.#atTickEnd = whenTickEnds
  }

  /** Lengths that have a list. For tests: it stays in proportion to the waits there are. */
  get listCount(): number {
    return this.#lists.size
  }

  /** Starts a wait of `lengthMs`; sets `deadline`. */
  add(waiting: Waiting, lengthMs: number): void {
    if (this.#tickWaits++ === 0) {
      this.#tickMs = this.#clock.nowMs()
      this.#atTickEnd(this.#onTickEnd)
    }
    let list = this.#lists.get(lengthMs)
    if (list === undefined) {
      if (this.#lists.size >= this.#sweepAtLists) this.#sweep()
      list = { lengthMs, newest: null, first: null, last: null }
      this.#lists.set(lengthMs, list)
    }
    let deadline = list.newest
    if (deadline === null) {
      deadline = list.newest = { atMs: this.#tickMs + lengthMs }
      this.#newest.push(list)
      if (deadline.atMs < this.#timerAtMs) this.#setTimer(deadline.atMs)
    }
    waiting.deadline = deadline
    waiting.list = list
    waiting.listPrevious = list.last
    waiting.listNext = null
    if (list.last === null) list.first = waiting
    else list.last.listNext = waiting
    list.last = waiting
  }

  /** The waits of this tick end as if they had begun now. */
  #endTick(): void {
    const waits = this.#tickWaits
    this.#tickWaits = 0
    const tookMs = waits < 2 ? 0 : Math.max(0, this.#clock.nowMs() - this.#tickMs)
    for (const list of this.#newest) {
      if (list.newest !== null) list.newest.atMs += tookMs
      list.newest = null
    }
    this.#newest.length = 0
  }

  /** Ends a wait early. Nothing happens if it is over already. */
  remove(waiting: Waiting): void {
    const { list, listNext, listPrevious } = waiting
    if (list === null) return
    if (listPrevious === null) list.first = listNext
    else listPrevious.listNext = listNext
    if (listNext === null) list.last = listPrevious
    else listNext.listPrevious = listPrevious
    waiting.list = null
    waiting.listNext = null
    waiting.listPrevious = null
  }

  /** Forgets all waits without ending them. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#timerAtMs = Infinity
    // Lists are emptied too: an `expire` that closes must not be followed by another.
    for (const list of this.#lists.values()) {
      list.first = null
      list.last = null
    }
    this.#lists.clear()
  }

  /** Where every wait has a length of its own, empty lists must not pile up until the timer. */
  #sweep(): void {
    for (const list of this.#lists.values()) this.#dropIfEmpty(list)
    this.#sweepAtLists = Math.max(LISTS_KEPT, 2 * this.#lists.size)
  }

  #dropIfEmpty(list: WaitingList): void {
    // An `expire` may have swept this list away, and another may be in its place.
    const isListed = this.#lists.get(list.lengthMs) === list
    if (isListed && list.first === null) this.#lists.delete(list.lengthMs)
  }

  #setTimer(atMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAtMs = atMs
    // A longer delay than setTimeout can take would fire at once; `expireDue` sets it again.
    const leftMs = Math.ceil(atMs - this.#clock.nowMs())
    const delayMs = Math.min(Math.max(1, leftMs), TIMEOUT_MS_MAX)
    // Whoever waits holds the loop by other means; the timer itself does not.
    this.#timer = setTimeout(this.#onTimer, delayMs).unref()
  }

  #expireDue(): void {
    this.#timer = null
    this.#timerAtMs = Infinity
    const nowMs = this.#clock.nowMs()
    let nextMs = Infinity
    for (const list of this.#lists.values()) {
      let first = list.first
      while (first !== null && first.deadline.atMs <= nowMs) {
        this.remove(first)
        first.expire()
        first = list.first
      }
      if (list.first === null) this.#dropIfEmpty(list)
      else nextMs = Math.min(nextMs, list.first.deadline.atMs)
    }
    if (nextMs < this.#timerAtMs) this.#setTimer(nextMs)
  }
}
