// How many messages a subscription still takes before it ends by itself: the `max` of NATS.

export class Allowance {
  readonly #onSpent: () => void
  #left: number

  /** `onSpent` is called when the last message has been taken, before it is handled. */
  constructor(max: number, onSpent: () => void) {
    this.#left = max
    this.#onSpent = onSpent
  }

  /** Takes one message; false when none is left to be taken. */
  take(): boolean {
    if (this.#left === 0) return false
    if (--this.#left === 0) this.#onSpent()
    return true
  }
}
