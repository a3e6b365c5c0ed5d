// One delivery of one job: what its handler is told, and how it is settled.
//
// A delivery is settled once: by its handler, or by what the handler does (returning is `ack`,
// throwing is `nak`). The state word that the claim got is what it is settled by, so a delivery
// that was taken back in the meantime cannot touch the job any more.

import type { Priority } from '../base/priority.js'
import { FlyshuttleError } from '../base/errors.js'
import { checkKeys } from '../base/checks.js'
import type { Headers } from '../codec/headers.js'
import type { Lane } from '../ring/queue-lane.js'
import { attemptOf } from '../ring/queue-layout.js'
import type { JobRecord } from './job-record.js'
import { checkWait, priorityOf } from './options.js'

/** Second argument of a queue's handler. */
export interface Delivery {
  /** Which delivery of the job this is, from 1. */
  readonly attempt: number
  readonly id: string
  readonly key: string
  readonly priority: Priority
  readonly headers: Headers
  /** When the job was added, ms of the monotonic clock. */
  readonly addedMs: number
  /** Done: the job is gone. @throws ERR_JOB_LATE, ERR_JOB_SETTLED */
  ack(): void
  /**
   * Not done: the job comes again after `delayMs`, by default the queue's back-off, or is a dead
   * letter when its deliveries are spent. @throws ERR_JOB_LATE, ERR_JOB_SETTLED
   */
  nak(options?: { readonly delayMs?: number }): void
  /** Never to be done: the job is a dead letter now. @throws ERR_JOB_LATE, ERR_JOB_SETTLED */
  term(): void
  /** Still at it: `ackWaitMs` begins anew. @throws ERR_JOB_LATE, ERR_JOB_SETTLED */
  inProgress(): void
}

export type Settlement = 'ack' | 'nak' | 'term'

/** What a delivery asks of its queue; false: the claim had been taken back. */
export interface DeliveryOwner {
  readonly name: string
  ack(delivery: ClaimedJob): boolean
  nak(delivery: ClaimedJob, delayMs: number, error: unknown): boolean
  term(delivery: ClaimedJob): boolean
  extend(delivery: ClaimedJob): boolean
}

export class ClaimedJob implements Delivery {
  readonly attempt: number
  readonly lane: Lane
  readonly slot: number
  readonly word: number
  readonly id: string
  readonly key: string
  readonly headers: Headers
  readonly addedMs: number
  readonly #level: number
  readonly #owner: DeliveryOwner
  settledBy: Settlement | null = null

  constructor(owner: DeliveryOwner, lane: Lane, slot: number, word: number, record: JobRecord) {
    this.#owner = owner
    this.lane = lane
    this.slot = slot
    this.word = word
    this.attempt = attemptOf(word)
    this.addedMs = record.addedMs
    this.#level = record.level
    this.id = record.hasMeta ? record.id : ''
    this.key = record.hasMeta ? record.key : ''
    this.headers = record.headers
  }

  get priority(): Priority {
    return priorityOf(this.#level)
  }

  ack(): void {
    this.#settle('ack', this.#settledOnce('ack') && this.#owner.ack(this))
  }

  nak(options: { readonly delayMs?: number } = {}): void {
    checkKeys('nak', options, ['delayMs'])
    const { delayMs } = options
    if (delayMs !== undefined) checkWait('delayMs', delayMs, 0)
    this.#settle('nak', this.#settledOnce('nak') && this.#owner.nak(this, delayMs ?? -1, null))
  }

  term(): void {
    this.#settle('term', this.#settledOnce('term') && this.#owner.term(this))
  }

  inProgress(): void {
    if (this.settledBy !== null) throw this.#settledError()
    if (!this.#owner.extend(this)) throw this.lateError('inProgress')
  }

  /** Says by whom it was settled; no second time. */
  #settledOnce(how: Settlement): boolean {
    if (this.settledBy !== null) throw this.#settledError()
    this.settledBy = how
    return true
  }

  #settle(how: Settlement, isDone: boolean): void {
    if (!isDone) throw this.lateError(how)
  }

  #settledError(): FlyshuttleError {
    return new FlyshuttleError('ERR_JOB_SETTLED', {
      queue: this.#owner.name,
      found: this.settledBy,
    })
  }

  lateError(how: string): FlyshuttleError {
    return new FlyshuttleError('ERR_JOB_LATE', {
      queue: this.#owner.name,
      found: this.attempt,
      wanted: `${how} came after its ackWaitMs`,
    })
  }
}
