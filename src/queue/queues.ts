// The work queues that one thread has open. Its bus tells them what happens around them.

import { FlyshuttleError } from '../base/errors.js'
import { checkMessage, type Message } from '../codec/message.js'
import type { PayloadStage } from '../routing/payload.js'
import type { QueueHost } from './host.js'
import { checkQueue, checkSame, type AddOptions, type QueueOptions } from './options.js'
import { QueuePort } from './port.js'
import { WorkQueue } from './work-queue.js'

interface Open {
  readonly port: QueuePort
  readonly queue: WorkQueue<any>
}

export class Queues {
  readonly #host: QueueHost
  readonly #checkName: (name: string) => void
  readonly #open = new Map<string, Promise<Open>>()
  readonly #ports: QueuePort[] = []
  #isClosed = false

  /** `checkName` throws for what is no name. */
  constructor(host: QueueHost, checkName: (name: string) => void) {
    this.#host = host
    this.#checkName = checkName
  }

  /**
   * Opens a queue, or makes it. A thread has one object for each queue.
   *
   * @throws (as rejection) ERR_QUEUE_MISMATCH, ERR_QUEUE_AREA_FULL, ERR_OPTION_INVALID,
   * ERR_SUBJECT_INVALID, ERR_CLOSED
   */
  async open(target: Message<any> | string, options: QueueOptions): Promise<WorkQueue<any>> {
    const message = typeof target === 'string' ? null : checkMessage(target)
    const name = message === null ? (target as string) : message.subject
    this.#checkName(name)
    const wish = checkQueue(name, message, options)
    const known = this.#open.get(name)
    if (known !== undefined) {
      const { port, queue } = await known
      checkSame(wish, port.place.settings)
      return queue
    }
    if (this.#isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: 'queue' })
    const opening = this.#host.openQueue(wish).then((place) => {
      const port = new QueuePort(this.#host, place, message)
      this.#ports.push(port)
      return { port, queue: new WorkQueue(port) }
    })
    this.#open.set(name, opening)
    try {
      return (await opening).queue
    } catch (error) {
      this.#open.delete(name)
      throw error
    }
  }

  /** Adds a job whose payload `stage` writes, as it was, to a queue that is open somewhere. */
  async addStaged(
    name: string,
    options: AddOptions,
    stage: (stage: PayloadStage) => void,
  ): Promise<void> {
    await this.open(name, {})
    const { port } = (await this.#open.get(name)) as Open
    await port.producer.add(undefined, options, stage)
  }

  /** Nothing is in hand, and nothing waits to be added. */
  get isIdle(): boolean {
    return this.#ports.every((port) => port.isIdle)
  }

  onDrained(): void {
    for (const port of this.#ports) port.onDrained()
  }

  onDeaths(): void {
    for (const port of this.#ports) port.onDeaths()
  }

  /** No consumer takes another job, and nothing is added any more; what is in hand goes on. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const error = new FlyshuttleError('ERR_CLOSED', { found: 'adding a job' })
    for (const port of this.#ports) port.close(error)
    for (const opening of this.#open.values()) {
      opening.then(({ queue }) => queue.close()).catch(() => undefined)
    }
  }
}
