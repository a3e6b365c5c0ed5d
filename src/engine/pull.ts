// A subscription that is iterated: messages go one at a time from its mailbox to whoever asks next.
//
// The mailbox waits until a message has been taken, so a slow loop holds its senders back as a slow
// handler does.

import { letGo } from '../agent/lease.js'
import { Fifo } from '../base/fifo.js'

/** A received message, as async iteration yields it. */
export interface Received<T> {
  readonly value: T
  readonly subject: string
  /** Index of the thread that sent it. */
  readonly thread: number
}

export interface PullEvents {
  /** Somebody waits for the next message: the process must stay alive meanwhile. */
  onWaiting(isWaiting: boolean): void
  /** The loop was left. */
  onReturn(): Promise<void>
}

type Result = IteratorResult<Received<never>, undefined>

export class Pull implements AsyncIterator<Received<never>, undefined> {
  readonly #events: PullEvents
  readonly #asking = new Fifo<(result: Result) => void>()
  #held: { received: Received<never>; taken: () => void } | null = null
  #hasEnded = false

  constructor(events: PullEvents) {
    this.#events = events
  }

  /** The handler of the subscription. What it returns settles when the message has been taken. */
  push(received: Received<never>): Promise<void> | undefined {
    if (this.#give({ done: false, value: received })) return undefined
    if (this.#hasEnded) return letGo(received.value) as undefined
    return new Promise((taken) => (this.#held = { received, taken }))
  }

  next(): Promise<Result> {
    const held = this.#held
    if (held !== null) {
      this.#held = null
      held.taken()
      return Promise.resolve({ done: false, value: held.received })
    }
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#asking.push(resolve)
      this.#events.onWaiting(true)
    })
  }

  /** Leaving the loop ends the subscription. */
  async return(): Promise<Result> {
    await this.#events.onReturn()
    return { done: true, value: undefined }
  }

  end(): void {
    this.#hasEnded = true
    letGo(this.#held?.received.value)
    this.#held?.taken()
    this.#held = null
    while (this.#give({ done: true, value: undefined })) continue
  }

  /** Answers the one who has asked longest; false when nobody asks. */
  #give(result: Result): boolean {
    const give = this.#asking.shift()
    if (give === undefined) return false
    this.#events.onWaiting(false)
    give(result)
    return true
  }
}
