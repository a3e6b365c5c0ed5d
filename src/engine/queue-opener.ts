// What one can do with work queues, the same for the engine object, agents and threads that joined.

import type { Message } from '../codec/message.js'
import type { QueueOptions } from '../queue/options.js'
import type { WorkQueue } from '../queue/work-queue.js'
import type { Bus } from './bus.js'

export class QueueOpener {
  readonly #bus: Bus

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /**
   * Opens a work queue, or makes it: jobs that are done at least once, by consumers on any thread.
   * The name is one of subjects, or a message, whose values then are the jobs. The options have to
   * agree with those that the queue was made with.
   *
   * @throws (as rejection) ERR_QUEUE_MISMATCH, ERR_QUEUE_AREA_FULL, ERR_OPTION_INVALID,
   * ERR_SUBJECT_INVALID, ERR_CLOSED
   * @example
   * const jobs = await engine.queue<Job>('thumbnails', { maxDeliver: 5, ackWaitMs: 5_000 })
   * await jobs.add({ picture: 7 })
   * jobs.consume(async (job) => render(job))
   */
  queue<T>(message: Message<T>, options?: QueueOptions): Promise<WorkQueue<T>>
  queue<T = unknown>(name: string, options?: QueueOptions): Promise<WorkQueue<T>>
  queue(target: Message<any> | string, options: QueueOptions = {}): Promise<WorkQueue<any>> {
    return this.#bus.queues.open(target, options)
  }
}
