// How full a mailbox's line is: tells when it becomes almost full and when full, each once until
// half of it has gone again, so that a line that wavers at a mark does not chatter.

import { LineAge } from './line-age.js'

export interface FullnessEvents {
  /** Three quarters of the limit wait. Told once, until half of it has gone. */
  onAlmostFull?: (() => void) | undefined
  /** The line reached its limit (true), or is down to half of it again (false). */
  onFull(isFull: boolean): void
}

export class Fullness {
  /** It reached its limit, and is not down to half of it. */
  isFull = false
  readonly #messagesMax: number
  /** Messages that are almost too many; Infinity where there is no such number below the limit. */
  readonly #mark: number
  readonly #events: FullnessEvents
  readonly #age = new LineAge()
  #isAlmost = false
  #entered = 0

  constructor(messagesMax: number, events: FullnessEvents) {
    const mark = Math.ceil((messagesMax * 3) / 4)
    this.#messagesMax = messagesMax
    this.#mark = mark < messagesMax ? mark : Infinity
    this.#events = events
  }

  /** A message has lined up; now so many wait. */
  grew(length: number): void {
    this.#entered++
    if (length >= this.#mark && !this.#isAlmost) {
      this.#isAlmost = true
      this.#events.onAlmostFull?.()
    }
    if (length < this.#messagesMax || this.isFull) return
    this.isFull = true
    this.#events.onFull(true)
  }

  /** Some have left; so many still wait. */
  shrank(length: number): void {
    if (length > this.#messagesMax / 2) return
    this.#isAlmost = false
    if (!this.isFull) return
    this.isFull = false
    this.#events.onFull(false)
  }

  /** Ms that the oldest of so many has waited, as far as looks have shown; see `LineAge`. */
  lagMs(length: number, nowMs: number): number {
    return this.#age.look(this.#entered, this.#entered - length, nowMs)
  }
}
