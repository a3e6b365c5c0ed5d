// Blocks of shared memory in a user's hands: a lease is a message that is read in place, a loan a
// block that is filled in place.
//
// Both end once, by `release()` or `using`, a loan also by being published. Reading them afterwards
// throws. What a program forgets is found by the garbage collector: its block comes back, late, and
// somebody is told. What is left when the thread ends is taken back by the main thread.

import { FlyshuttleError, describe } from '../base/errors.js'
import { ofThread, tell } from '../base/events.js'
import type { MessageInfo } from './info.js'
import type { ChunkPool } from '../link/chunk-pool.js'

/** A received message that lies in shared memory. Others may read it at the same time. */
export interface Lease extends Disposable {
  /**
   * The bytes of the message. Not to be written, and not to be read once the lease has ended.
   *
   * @throws ERR_LEASE_ENDED
   */
  readonly bytes: Uint8Array
  /** Of the message, in bytes. Also afterwards. */
  readonly length: number
  /** Ends the lease. Further calls do nothing. */
  release(): void
}

/** A block of shared memory to fill and publish. Its first contents are whatever lay there. */
export interface Loan extends Disposable {
  /**
   * To be filled, and not to be touched any more once it is published or released.
   *
   * @throws ERR_LOAN_ENDED
   */
  readonly bytes: Uint8Array
  readonly length: number
  /**
   * Makes the message shorter than what was lent; the rest is not sent.
   *
   * @throws ERR_LOAN_ENDED, ERR_OPTION_INVALID for more than there is
   */
  shrink(bytes: number): void
  /** Gives the block back unpublished. Further calls do nothing. */
  release(): void
}

/** What is known of a block in use when the object that stood for it is gone. */
interface Token {
  readonly block: number
  readonly kind: 'lease' | 'loan'
  readonly subject: string | null
  readonly bytes: number
}

/** Makes the leases and loans of one thread, and sees to those that are forgotten. */
export class Leases {
  readonly pool: ChunkPool
  readonly #memory: SharedArrayBuffer
  readonly #forgotten: FinalizationRegistry<Token>
  /** The thread takes part no more: its blocks are no business of ours. */
  isClosed = false

  constructor(pool: ChunkPool, memory: SharedArrayBuffer) {
    this.pool = pool
    this.#memory = memory
    this.#forgotten = new FinalizationRegistry((token) => this.#onForgotten(token))
  }

  /** A lease of what a frame under way names. */
  lease(block: number, start: number, length: number, subject: string): Lease {
    this.pool.addLease(block)
    const bytes = new Uint8Array(this.#memory, start, length)
    const lease = new BlockLease(this, bytes, block, subject)
    this.#watch(bytes, lease, { block, kind: 'lease', subject, bytes: length })
    return lease
  }

  /** The same face for a message that came in a frame: it has been copied already. */
  copied(bytes: Uint8Array, subject: string): Lease {
    return new BlockLease(this, bytes, -1, subject)
  }

  /** A loan of a block that was taken for `length` bytes. */
  loan(block: number, length: number): BlockLoan {
    const bytes = new Uint8Array(this.#memory, this.pool.offsetOf(block), length)
    const loan = new BlockLoan(this, bytes, block)
    this.#watch(bytes, loan, { block, kind: 'loan', subject: null, bytes: length })
    return loan
  }

  /** A lease or loan has ended; `isKept` when its block has gone on to others. */
  end(kind: Token['kind'], holder: object, block: number, isKept: boolean): void {
    if (block < 0) return
    this.#forgotten.unregister(holder)
    if (this.isClosed || isKept) return
    if (kind === 'lease') this.pool.dropLease(block)
    else this.pool.giveBack(block)
  }

  /** From now on nothing is given back: the main thread does that. */
  close(): void {
    this.isClosed = true
  }

  /**
   * Watches the bytes, not the object: whoever keeps but these still reads the block. The object
   * keeps them while it lasts.
   */
  #watch(bytes: Uint8Array, holder: object, token: Token): void {
    this.#forgotten.register(bytes, token, holder)
  }

  #onForgotten({ block, kind, subject, bytes }: Token): void {
    if (this.isClosed) return
    const { engine, thread } = this.pool
    this.pool.countForgotten()
    if (kind === 'lease') this.pool.dropLease(block)
    else this.pool.giveBack(block)
    tell('forgotten', () => ({ what: kind, ...ofThread(engine, thread), subject, bytes }))
  }
}

class BlockLease implements Lease {
  readonly length: number
  readonly #leases: Leases
  readonly #block: number
  readonly #subject: string
  #bytes: Uint8Array | null

  constructor(leases: Leases, bytes: Uint8Array, block: number, subject: string) {
    this.#leases = leases
    this.#bytes = bytes
    this.#block = block
    this.#subject = subject
    this.length = bytes.length
  }

  get bytes(): Uint8Array {
    const bytes = this.#bytes
    if (bytes === null || this.#leases.isClosed) {
      const found = bytes === null ? 'released' : 'closed with its engine'
      throw new FlyshuttleError('ERR_LEASE_ENDED', { subject: this.#subject, found })
    }
    return bytes
  }

  release(): void {
    if (this.#bytes === null) return
    this.#bytes = null
    this.#leases.end('lease', this, this.#block, false)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

export class BlockLoan implements Loan {
  readonly #leases: Leases
  readonly #block: number
  #bytes: Uint8Array | null
  #ended = ''

  constructor(leases: Leases, bytes: Uint8Array, block: number) {
    this.#leases = leases
    this.#bytes = bytes
    this.#block = block
  }

  get bytes(): Uint8Array {
    return this.#open()
  }

  get length(): number {
    return this.#open().length
  }

  shrink(bytes: number): void {
    const own = this.#open()
    if (!Number.isInteger(bytes) || bytes < 0 || bytes > own.length) {
      const data = { option: 'bytes', found: describe(bytes), wanted: `0 to ${own.length}` }
      throw new FlyshuttleError('ERR_OPTION_INVALID', data)
    }
    // The longer view stays as it is: others may have been made of it, and it is what is watched.
    this.#whole ??= own
    this.#bytes = own.subarray(0, bytes)
  }

  release(): void {
    this.#end('released', false)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  /** The block, for publishing. @throws ERR_LOAN_ENDED, ERR_OPTION_INVALID for another thread's */
  blockFor(leases: Leases): number {
    this.#open()
    if (this.#leases === leases) return this.#block
    const wanted = 'one that was made by this engine'
    throw new FlyshuttleError('ERR_OPTION_INVALID', { option: 'loan', found: 'a loan', wanted })
  }

  /** It has been published. `isKept`: receivers have the block now. */
  published(isKept: boolean): void {
    this.#end('published', isKept)
  }

  /** What is watched, while the message is but a part of it. */
  #whole: Uint8Array | null = null

  #end(ended: string, isKept: boolean): void {
    if (this.#bytes === null) return
    this.#bytes = null
    this.#whole = null
    this.#ended = ended
    this.#leases.end('loan', this, this.#block, isKept)
  }

  #open(): Uint8Array {
    const bytes = this.#bytes
    if (bytes === null || this.#leases.isClosed) {
      const found = bytes === null ? this.#ended : 'closed with its engine'
      throw new FlyshuttleError('ERR_LOAN_ENDED', { found })
    }
    return bytes
  }
}

/** A handler of leases whose failure ends the lease: nobody else would. */
export function releasing(
  handler: (lease: never, info: MessageInfo) => unknown,
): (lease: never, info: MessageInfo) => unknown {
  return (lease, info) => {
    try {
      const result = handler(lease, info)
      if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return result
      return Promise.resolve(result).catch((error: unknown) => {
        letGo(lease)
        throw error
      })
    } catch (error) {
      letGo(lease)
      throw error
    }
  }
}

/** Lets go of a message that no handler will see, or whose handler failed. */
export function letGo(value: unknown): void {
  if (value instanceof BlockLease) value.release()
}
