// A work queue as users hold it: one object per thread and queue, a face of its port.

import { invalid } from '../base/checks.js'
import { FlyshuttleError } from '../base/errors.js'
import { JobConsumer, type Consumer, type JobHandler } from './consumer.js'
import {
  checkConsume,
  type AddOptions,
  type ConsumeOptions,
  type QueueSettings,
} from './options.js'
import type { QueuePort } from './port.js'
import { NO_ADD_OPTIONS, type AddOutcome } from './producer.js'

/** What `inspect` tells of a queue. Counts are each a moment old. */
export interface QueueInfo {
  readonly name: string
  readonly settings: QueueSettings
  readonly isPaused: boolean
  /** Jobs that could be delivered now. */
  readonly ready: number
  /** Jobs that wait for their time, or for another attempt. */
  readonly waiting: number
  /** Jobs that consumers have in hand. */
  readonly inHand: number
  /** Jobs whose dead letter is not kept yet. */
  readonly dying: number
  /** Calls of `add` on this thread that wait for a slot. */
  readonly adding: number
}

/**
 * Jobs that are done at least once: each is delivered to one consumer on any thread, until one has
 * acknowledged it. Made by `engine.queue(…)`.
 */
export class WorkQueue<T = unknown> {
  readonly name: string
  readonly #port: QueuePort
  #isClosed = false

  /** Use `engine.queue`. */
  constructor(port: QueuePort) {
    this.name = port.name
    this.#port = port
  }

  /**
   * Adds a job, and waits for a free slot as long as it takes. Resolves when the job can be
   * delivered, whoever dies then: `accepted`, or `duplicate` when one with its `id` was added
   * within the window.
   *
   * @throws (as rejection) ERR_QUEUE_FULL when too many calls wait already,
   * ERR_MESSAGE_TOO_LARGE, ERR_PAYLOAD_INVALID, ERR_PAYLOAD_UNSUPPORTED, ERR_OPTION_INVALID,
   * ERR_CLOSED
   * @example
   * await jobs.add(job, { key: job.user, priority: 'high', delayMs: 250, id: job.uuid })
   */
  async add(job: T, options: AddOptions = NO_ADD_OPTIONS): Promise<'accepted' | 'duplicate'> {
    this.#checkOpen('add')
    return this.#port.producer.add(job, options)
  }

  /**
   * Adds a job if there is a slot for it now. It leaves with its batch: 64 jobs, the end of the
   * tick, or `flush()`.
   *
   * @throws what `add` rejects with
   */
  tryAdd(job: T, options: AddOptions = NO_ADD_OPTIONS): AddOutcome {
    if (this.#isClosed) this.#checkOpen('tryAdd')
    return this.#port.producer.tryAdd(job, options)
  }

  /**
   * Adds jobs in order, waiting for slots as long as it takes. Returns how many were accepted; the
   * others were duplicates.
   */
  async addMany(jobs: Iterable<T>, options: AddOptions = NO_ADD_OPTIONS): Promise<number> {
    this.#checkOpen('addMany')
    const { producer } = this.#port
    let accepted = 0
    for (const job of jobs) {
      let outcome = producer.tryAdd(job, options)
      if (outcome === 'full') outcome = await producer.add(job, options)
      if (outcome === 'accepted') accepted++
    }
    producer.flush()
    return accepted
  }

  /** Makes what was added visible now, instead of at the end of the tick. */
  flush(): void {
    this.#port.producer.flush()
  }

  /**
   * Handles jobs, one at a time unless `concurrency` says otherwise. A handler that returns, or
   * whose promise resolves, acknowledges its job; one that throws gives it back. `delivery` does
   * both by hand, and more.
   *
   * @throws ERR_OPTION_INVALID, ERR_CLOSED
   * @example
   * const consumer = jobs.consume(async (job, { attempt }) => render(job, attempt))
   */
  consume(handler: JobHandler<T>, options: ConsumeOptions = {}): Consumer {
    this.#checkOpen('consume')
    if (typeof handler !== 'function') throw invalid('handler', handler, 'a function')
    const consumer = new JobConsumer(handler, checkConsume(options), this.#port)
    this.#port.addConsumer(consumer)
    return consumer
  }

  /** No consumer on any thread is given another job, until `resume`. */
  pause(): void {
    this.#port.signals.isPaused = true
  }

  resume(): void {
    this.#port.signals.isPaused = false
    this.#port.wakeAll()
    this.#port.lookSoon()
  }

  /** Drops every job that no consumer has in hand; returns how many. */
  purge(): number {
    const purged = this.#port.ledger.purge()
    this.#port.onPurged()
    return purged
  }

  /** What is in the queue, and how it is set. Read from shared memory: asks nobody. */
  inspect(): QueueInfo {
    const { ledger, signals, place, producer } = this.#port
    const { ready, waiting, claimed, dead } = ledger.count()
    return {
      name: this.name,
      settings: place.settings,
      isPaused: signals.isPaused,
      ready,
      waiting,
      inHand: claimed,
      dying: dead,
      adding: producer.waiting,
    }
  }

  /** For the engine. */
  close(): void {
    this.#isClosed = true
  }

  #checkOpen(what: string): void {
    if (this.#isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: what })
  }
}
