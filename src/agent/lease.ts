// Blocks of shared memory in a user's hands: a lease is a message that is read in place, a loan a
// block that is filled in place.
//
// Both end once, by `release()` or `using`, a loan also by being published. Reading them afterwards
// throws. What a program forgets is found by the garbage collector: its block comes back, late, and
// somebody is told. What is left when the thread ends is taken back by the main thread.

import { FlyshuttleError, describe } from '../base/errors.js'
import { ofThread, tell } from '../base/events.js'
import type { ChunkPool } from '../link/chunk-pool.js'
import { BlockViews, type BlockUse, type BlockView } from './block-views.js'
import type { MessageInfo } from './info.js'

const NO_BYTES = new Uint8Array(0)

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

/** Makes the leases and loans of one thread, and sees to those that are forgotten. */
export class Leases {
  readonly pool: ChunkPool
  readonly #views: BlockViews
  /** The thread takes part no more: its blocks are no business of ours. */
  isClosed = false

  constructor(pool: ChunkPool, memory: SharedArrayBuffer) {
    this.pool = pool
    this.#views = new BlockViews(memory, (use) => this.#onForgotten(use))
  }

  /** A lease of what a frame under way names. */
  lease(block: number, start: number, length: number, subject: string): Lease {
    this.pool.addLease(block)
    return new BlockLease(this, this.#views.take(block, start, length, 'lease', subject), subject)
  }

  /** The same face for a message that came in a frame: it has been copied already. */
  copied(bytes: Uint8Array, subject: string): Lease {
    return new BlockLease(this, { bytes, use: null }, subject)
  }

  /** A loan of a block that was taken for `length` bytes. */
  loan(block: number, length: number): BlockLoan {
    const start = this.pool.offsetOf(block)
    return new BlockLoan(this, this.#views.take(block, start, length, 'loan', null), block)
  }

  /** A lease or loan has ended; `isKept` when its block has gone on to others. */
  end(view: BlockView, isKept: boolean): void {
    const { use } = view
    if (use === null) return
    this.#views.giveBack(view, use)
    if (!this.isClosed && !isKept) this.#drop(use)
  }

  /** From now on nothing is given back: the main thread does that. */
  close(): void {
    this.isClosed = true
  }

  #onForgotten(use: BlockUse): void {
    if (this.isClosed) return
    const { engine, thread } = this.pool
    const { kind, subject, bytes } = use
    this.pool.countForgotten()
    this.#drop(use)
    tell('forgotten', () => ({ what: kind, ...ofThread(engine, thread), subject, bytes }))
  }

  #drop({ kind, block }: BlockUse): void {
    if (kind === 'lease') this.pool.dropLease(block)
    else this.pool.giveBack(block)
  }
}

class BlockLease implements Lease {
  readonly length: number
  readonly #leases: Leases
  readonly #subject: string
  #view: BlockView | null

  constructor(leases: Leases, view: BlockView, subject: string) {
    this.#leases = leases
    this.#view = view
    this.#subject = subject
    this.length = view.bytes.length
  }

  get bytes(): Uint8Array {
    const view = this.#view
    if (view === null || this.#leases.isClosed) {
      const found = view === null ? 'released' : 'closed with its engine'
      throw new FlyshuttleError('ERR_LEASE_ENDED', { subject: this.#subject, found })
    }
    return view.bytes
  }

  release(): void {
    const view = this.#view
    if (view === null) return
    this.#view = null
    this.#leases.end(view, false)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

export class BlockLoan implements Loan {
  readonly #leases: Leases
  readonly #block: number
  #view: BlockView | null
  #bytes: Uint8Array
  #ended = ''

  constructor(leases: Leases, view: BlockView, block: number) {
    this.#leases = leases
    this.#view = view
    this.#bytes = view.bytes
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

  #end(ended: string, isKept: boolean): void {
    const view = this.#view
    if (view === null) return
    this.#view = null
    this.#bytes = NO_BYTES
    this.#ended = ended
    this.#leases.end(view, isKept)
  }

  #open(): Uint8Array {
    if (this.#view === null || this.#leases.isClosed) {
      const found = this.#view === null ? this.#ended : 'closed with its engine'
      throw new FlyshuttleError('ERR_LOAN_ENDED', { found })
    }
    return this.#bytes
  }
}

/** A handler of leases whose failure ends the lease: nobody else would. */
export function releasing(
  handler: (lease: never, info: MessageInfo, context: never) => unknown,
): (lease: never, info: MessageInfo, context: never) => unknown {
  return (lease, info, context) => {
    try {
      const result = handler(lease, info, context)
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
