// What one can do with loans: the part of every endpoint that hands out shared memory.

import type { Loan } from '../agent/lease.js'
import type { Message } from '../codec/message.js'
import { envelopeOf, type PublishOptions } from '../routing/envelope.js'
import type { Bus } from './bus.js'
import type { LoanOptions } from './loans.js'
import type { Party } from './subscriptions.js'
import { QueueOpener } from './queue-opener.js'

export class Lender extends QueueOpener {
  readonly #bus: Bus
  readonly #agent: number

  constructor(bus: Bus, party: Party) {
    super(bus)
    this.#bus = bus
    this.#agent = party.agent
  }

  /**
   * A block of shared memory of at least `bytes`, to be filled and then published without a copy.
   * It holds whatever lay there. Publish it with `publishLoan`, or `release()` it.
   *
   * @throws ERR_CHUNKS_EXHAUSTED when no block is free; see `loanWhenFree`
   * @throws ERR_OPTION_INVALID unless `bytes` is from 1 to `engine.capabilities.messageBytesMax`
   * @example
   * const loan = engine.loan(1 << 20)
   * camera.readInto(loan.bytes)
   * engine.publishLoan('frames.camera1', loan)
   */
  loan(bytes: number): Loan {
    return this.#bus.loans.take(bytes, this.#agent)
  }

  /**
   * The same, but waits until a block is free.
   *
   * @throws (as rejection) ERR_CHUNKS_EXHAUSTED when none was within `timeoutMs`,
   * ERR_OPTION_INVALID
   */
  async loanWhenFree(bytes: number, options: LoanOptions = {}): Promise<Loan> {
    return this.#bus.loans.takeWhenFree(bytes, options, this.#agent)
  }

  /**
   * Publishes a loan as raw bytes: its receivers get the block itself. The loan has ended then;
   * after an error it is still yours. Returns what `publish` returns.
   *
   * @throws ERR_LOAN_ENDED when it was published or released before, and what `publish` throws
   */
  publishLoan(target: Message<Uint8Array> | string, loan: Loan, options?: PublishOptions): boolean {
    const envelope = envelopeOf('publishLoan', options, this.#bus.clock)
    return this.#bus.loans.publish(target, loan, this.#agent, envelope)
  }
}
