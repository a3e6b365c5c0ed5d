// One consumer of a work queue on one thread: calls its handler with what was claimed for it, and
// settles each delivery by what the handler does.
//
// A handler that returns at once is given jobs in batches, as large as it gets through in half a
// millisecond, so that others are not kept from jobs that it holds. Once it has returned a promise
// it is given as many as its `concurrency` has places for.

import { Fifo } from '../base/fifo.js'
import type { ClaimedJob, Delivery } from './delivery.js'
import type { ConsumeOptions } from './options.js'

export type JobHandler<T> = (job: T, delivery: Delivery) => unknown

/** A consumer under way. */
export interface Consumer {
  /** Jobs in its hands right now. */
  readonly inHand: number
  /**
   * Takes no more jobs; resolves when those in hand are settled. Do not await it in the consumer's
   * own handler: it waits for that handler.
   */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a consumer asks of its queue. */
export interface ConsumerEvents {
  /** A job that had to wait for its handler's turn begins; false: it was taken back meanwhile. */
  onBegin(delivery: ClaimedJob): boolean
  /** A handler has returned: settle it, unless it has done so itself. */
  onDone(delivery: ClaimedJob): void
  onFailed(delivery: ClaimedJob, error: unknown): void
  /** It has places again, or has stopped. */
  onRoom(consumer: JobConsumer): void
  onStopped(consumer: JobConsumer): void
}

interface Begun {
  readonly job: unknown
  readonly delivery: ClaimedJob
}

const BATCH_MS_LOW = 0.5
const BATCH_MS_HIGH = 2

export class JobConsumer implements Consumer {
  readonly #handler: JobHandler<any>
  readonly #options: Required<ConsumeOptions>
  readonly #events: ConsumerEvents
  /** Claimed for it, and not begun: it had returned a promise in the middle of a batch. */
  readonly #line = new Fifo<Begun>()
  readonly #stopped: Promise<void>
  #resolveStopped!: () => void
  #underWay = 0
  #batch = 1
  #isAsync = false
  isStopping = false

  constructor(handler: JobHandler<any>, options: Required<ConsumeOptions>, events: ConsumerEvents) {
    this.#handler = handler
    this.#options = options
    this.#events = events
    this.#stopped = new Promise((resolve) => (this.#resolveStopped = resolve))
  }

  get inHand(): number {
    return this.#underWay + this.#line.length
  }

  /** How many jobs it may be given now. */
  get places(): number {
    if (this.isStopping) return 0
    return this.#isAsync ? this.#options.concurrency - this.inHand : this.#batch
  }

  /** A batch of so many jobs took so long. */
  noteBatch(jobs: number, tookMs: number): void {
    if (this.#isAsync) return
    if (tookMs < BATCH_MS_LOW && jobs === this.#batch) {
      this.#batch = Math.min(this.#options.batch, this.#batch * 2)
    } else if (tookMs > BATCH_MS_HIGH) this.#batch = Math.max(1, this.#batch >>> 1)
  }

  give(job: unknown, delivery: ClaimedJob): void {
    if (this.#isAsync && this.#underWay >= this.#options.concurrency) {
      this.#line.push({ job, delivery })
    } else this.#run(job, delivery)
  }

  stop(): Promise<void> {
    if (!this.isStopping) {
      this.isStopping = true
      this.#checkStopped()
    }
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #run(job: unknown, delivery: ClaimedJob): void {
    let result: unknown
    try {
      const handler = this.#handler
      result = handler(job, delivery)
    } catch (error) {
      this.#events.onFailed(delivery, error)
      return
    }
    if (!isThenable(result)) {
      this.#events.onDone(delivery)
      return
    }
    this.#isAsync = true
    this.#underWay++
    result.then(
      () => this.#end(() => this.#events.onDone(delivery)),
      (error: unknown) => this.#end(() => this.#events.onFailed(delivery, error)),
    )
  }

  #end(settle: () => void): void {
    this.#underWay--
    settle()
    for (let next = this.#line.shift(); next !== undefined; next = this.#line.shift()) {
      if (!this.#events.onBegin(next.delivery)) continue
      this.#run(next.job, next.delivery)
      if (this.#underWay >= this.#options.concurrency) break
    }
    this.#events.onRoom(this)
    this.#checkStopped()
  }

  #checkStopped(): void {
    if (!this.isStopping || this.inHand > 0) return
    this.#events.onStopped(this)
    this.#resolveStopped()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
