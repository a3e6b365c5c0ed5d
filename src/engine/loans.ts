// Loans: blocks of shared memory that a program fills itself and publishes without a copy.

import { BlockLoan, type Leases, type Loan } from '../agent/lease.js'
import { checkKeys, invalid } from '../base/checks.js'
import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import type { Message } from '../codec/message.js'
import type { Envelope } from '../routing/envelope.js'
import { LoanedBlock } from '../routing/loaned.js'
import { checkTimeoutMs } from '../routing/requests.js'
import type { Sender } from '../routing/sender.js'

/** How long to wait for a block. */
export interface LoanOptions {
  /** Default 5000. */
  readonly timeoutMs?: number
}

interface Waiting {
  readonly bytes: number
  readonly agent: number
  readonly timer: NodeJS.Timeout
  isSettled: boolean
  resolve(loan: Loan): void
  reject(error: Error): void
}

export class Loans {
  readonly #leases: Leases
  readonly #sender: Sender
  readonly #hold: (isHeld: boolean) => void
  readonly #waiting = new Fifo<Waiting>()

  /** `hold` keeps the event loop alive while somebody waits. */
  constructor(leases: Leases, sender: Sender, hold: (isHeld: boolean) => void) {
    this.#leases = leases
    this.#sender = sender
    this.#hold = hold
  }

  /** @throws ERR_CHUNKS_EXHAUSTED, ERR_OPTION_INVALID, ERR_CLOSED */
  take(bytes: number, agent: number): Loan {
    this.#check(bytes)
    const block = this.#waiting.length > 0 ? -1 : this.#leases.pool.take(bytes, agent)
    if (block < 0) throw this.#exhausted(bytes)
    return this.#leases.loan(block, bytes)
  }

  /** Takes a block when one is free, in the order of asking. */
  takeWhenFree(bytes: number, options: LoanOptions, agent: number): Promise<Loan> {
    checkKeys('loanWhenFree', options, ['timeoutMs'])
    const timeoutMs = checkTimeoutMs(options.timeoutMs)
    this.#check(bytes)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.isSettled = true
        reject(this.#exhausted(bytes))
        this.retry()
      }, timeoutMs)
      const waiting: Waiting = { bytes, agent, timer, isSettled: false, resolve, reject }
      if (this.#waiting.length === 0) this.#hold(true)
      this.#waiting.push(waiting)
      this.retry()
    })
  }

  /**
   * Publishes a loan. On an error it is still its owner's.
   *
   * @throws ERR_LOAN_ENDED, and what `publish` throws
   */
  publish(
    target: Message<Uint8Array> | string,
    loan: Loan,
    agent: number,
    envelope: Envelope,
  ): boolean {
    if (!(loan instanceof BlockLoan)) {
      const wanted = 'what engine.loan() returned'
      throw new FlyshuttleError('ERR_OPTION_INVALID', {
        option: 'loan',
        found: describe(loan),
        wanted,
      })
    }
    const block = loan.blockFor(this.#leases)
    if (typeof target === 'object' && target?.codec !== CodecId.Raw) {
      throw invalid('target', target, 'a subject, or a message of raw bytes')
    }
    const loaned = new LoanedBlock(block, loan.length)
    const isBelow = this.#sender.publishWith(target, loaned, agent, envelope)
    loan.published(loaned.isSent || loaned.isParked)
    return isBelow
  }

  /** Serves those who wait, as far as blocks are free. Called after each drain. */
  retry(): void {
    if (this.#waiting.length === 0) return
    const { pool } = this.#leases
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!next.isSettled) {
        let block = pool.take(next.bytes, next.agent)
        if (block < 0) {
          pool.awaitFree()
          block = pool.take(next.bytes, next.agent)
        }
        if (block < 0) return
        clearTimeout(next.timer)
        next.resolve(this.#leases.loan(block, next.bytes))
      }
      this.#waiting.shift()
    }
    this.#hold(false)
  }

  close(): void {
    const error = new FlyshuttleError('ERR_CLOSED', { found: 'waiting for a loan' })
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      clearTimeout(next.timer)
      if (!next.isSettled) next.reject(error)
    }
    this.#leases.close()
  }

  #check(bytes: unknown): void {
    if (this.#leases.isClosed) throw new FlyshuttleError('ERR_CLOSED', { found: 'loan' })
    const { bytesMax } = this.#leases.pool
    if (Number.isInteger(bytes) && (bytes as number) >= 1 && (bytes as number) <= bytesMax) return
    throw invalid('bytes', bytes, `a whole number from 1 to ${bytesMax}`)
  }

  #exhausted(found: number): FlyshuttleError {
    const wanted = `${this.#leases.pool.records().length} are in use; engine.chunks() says by whom`
    return new FlyshuttleError('ERR_CHUNKS_EXHAUSTED', { found, wanted })
  }
}
