// A request that gets more than one reply, as its requester iterates over it.
//
// Parts gather in an array until they are asked for. Whoever asks and finds some gets them at once,
// without waiting for anything; whoever finds none waits for the next drain. What must stay true:
// each promise settles by its deadline as long as this thread's loop runs, an error comes after the
// parts that came before it, and once the iteration is over nothing of it is left in any table.

import { NO_DEADLINE, type Waiting } from '../base/deadlines.js'
import { FlyshuttleError } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import type { AwaitedRequest } from './parcel.js'

/** What an iteration needs of the table that it stands in. */
export interface IncomingTable {
  /** Sends the request, now that the first part is asked for. May throw. */
  start(incoming: Incoming): void
  /** Nothing more is wanted of it, or will come. */
  end(incoming: Incoming): void
  wait(waiting: Waiting, lengthMs: number): void
  endWait(waiting: Waiting): void
  /** Somebody waits for a part (true), or nobody any more: keep the loop alive meanwhile. */
  hold(isWaiting: boolean): void
  /** Tells whoever replies from `thread` how many parts more may come, or that none may. */
  tellFlow(counter: number, thread: number, incarnation: number, parts: number): void
  tellStop(counter: number, thread: number, incarnation: number): void
}

/** What one is made of. */
export interface Opening {
  readonly table: IncomingTable
  readonly counter: number
  readonly subject: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | null
  readonly send: (incoming: never) => void
}

/** What a request with several replies gives: iterate over it once, with `for await`. */
export interface ReplyIteration<T> extends AsyncIterable<T, undefined> {
  /**
   * The same replies, as many at a time as have come: arrays of one or more. Saves a promise per
   * reply where much comes.
   *
   * @throws ERR_STREAM_TAKEN
   * @example
   * for await (const rows of engine.requestStream(Rows, query).batches()) insert(rows)
   */
  batches(): AsyncIterableIterator<T[], undefined>
  /** Ends it early, as leaving the loop does: whoever still replies is told to stop. */
  return(): Promise<unknown>
  [Symbol.asyncDispose](): Promise<void>
}

interface Asking {
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
  /** It asked for a batch: told that there is something, it takes all there is. */
  readonly isBatch: boolean
}

type Result<T> = IteratorResult<T, undefined>

const DONE: Result<never> = Object.freeze({ done: true, value: undefined })

export abstract class Incoming<T = unknown> implements ReplyIteration<T>, AwaitedRequest, Waiting {
  readonly counter: number
  readonly subject: string
  /** Parts that may come before more are granted; 0: one from each responder. */
  abstract readonly credit: number
  deadline = NO_DEADLINE
  listNext: Waiting | null = null
  listPrevious: Waiting | null = null
  list: Waiting['list'] = null
  /** Where the request went, for those that go to one responder. */
  thread = -1
  incarnation = 0
  isSettled = false
  /** Sends the request; for the table. */
  readonly send: (incoming: never) => void
  protected readonly table: IncomingTable
  readonly #signal: AbortSignal | null
  readonly #onAbort = (): void => this.#abort()
  readonly #asking = new Fifo<Asking>()
  #parts: unknown[] = []
  #at = 0
  #isTaken = false
  #hasBegun = false
  /** What the iteration ends with; told once. */
  #error: { readonly error: unknown } | null = null

  constructor(opening: Opening) {
    this.table = opening.table
    this.counter = opening.counter
    this.subject = opening.subject
    this.send = opening.send
    this.#signal = opening.signal
  }

  get deadlineMs(): number {
    return this.deadline.atMs
  }

  /**
   * Starts the iteration. The request is sent when the first part is asked for.
   *
   * @throws ERR_STREAM_TAKEN the second time
   */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    this.#take()
    const next = (): Promise<Result<T>> => this.next()
    return { next, return: () => this.return() }
  }

  batches(): AsyncIterableIterator<T[], undefined> {
    this.#take()
    const batches: AsyncIterableIterator<T[], undefined> = {
      next: () => this.#nextBatch(),
      return: () => this.return() as Promise<IteratorResult<T[], undefined>>,
      [Symbol.asyncIterator]: () => batches,
    }
    return batches
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#isTaken = true
    this.stop(null)
    return DONE
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.return().then(() => undefined)
  }

  next(): Promise<Result<T>> {
    if (this.#at < this.#parts.length) {
      const value = this.#parts[this.#at] as T
      this.#parts[this.#at++] = undefined
      if (this.#at === this.#parts.length) this.#clear()
      this.onTaken(1)
      return Promise.resolve({ done: false, value })
    }
    return this.#ask<Result<T>>(false) ?? Promise.resolve(DONE)
  }

  /** A part has come. */
  push(value: unknown): void {
    const asking = this.#asking.length === 0 ? undefined : this.#asking.shift()
    if (asking === undefined || asking.isBatch) this.#parts.push(value)
    if (asking === undefined) return
    this.#answered()
    if (!asking.isBatch) this.onTaken(1)
    asking.resolve((asking.isBatch ? true : { done: false, value }) as never)
  }

  /** Nothing more will come: what is there can still be taken, then `error` is told, if any. */
  protected finish(error: unknown): void {
    if (this.isSettled) return
    this.isSettled = true
    if (error !== null) this.#error = { error }
    if (this.#signal !== null) this.#signal.removeEventListener('abort', this.#onAbort)
    this.table.endWait(this)
    this.table.end(this)
    for (let asking = this.#asking.shift(); asking !== undefined; asking = this.#asking.shift()) {
      if (this.#error !== null) asking.reject(this.#takeError())
      else asking.resolve((asking.isBatch ? false : DONE) as never)
      this.#answered()
    }
  }

  /** The same, and what is there is dropped: whoever replies is told to stop. */
  protected stop(error: unknown): void {
    this.#clear()
    if (this.isSettled) {
      this.#error = null
      return
    }
    if (this.#hasBegun) this.tellAll()
    this.finish(error)
  }

  /** The thread that would reply cannot, or the request could not be sent. */
  abstract fail(error: unknown): void
  /** The time that the promise under way may take is over. */
  abstract expire(): void
  /** One that replied from `thread` has come to its end; `error` is what failed there, or null. */
  abstract onEnd(thread: number, error: unknown): void
  /** What came from `thread` cannot be read. */
  abstract onUnreadable(thread: number, error: unknown): void
  /** Fails what can never come, because threads have ended. */
  abstract onDeaths(isGone: (thread: number, incarnation: number) => boolean): void
  /** So many parts were taken by the user. */
  protected abstract onTaken(parts: number): void
  /** Somebody waits (true), or nobody any more. */
  protected abstract onAsking(isAsking: boolean): void
  /** Tells all who still reply to stop. */
  protected abstract tellAll(): void

  /** The engine closes. */
  close(error: Error): void {
    this.stop(error)
  }

  async #nextBatch(): Promise<IteratorResult<T[], undefined>> {
    while (this.#at === this.#parts.length) {
      const arrival = this.#ask<boolean>(true)
      if (arrival === null || !(await arrival)) return DONE
    }
    const parts = (this.#at === 0 ? this.#parts : this.#parts.slice(this.#at)) as T[]
    this.#parts = []
    this.#at = 0
    this.onTaken(parts.length)
    return { done: false, value: parts }
  }

  /** Waits for a part; null when the iteration is over. */
  #ask<R>(isBatch: boolean): Promise<R> | null {
    if (this.#error !== null) return Promise.reject(this.#takeError() as Error)
    if (this.isSettled) return null
    const promise = new Promise<R>((resolve, reject) => {
      this.#asking.push({ resolve: resolve as Asking['resolve'], reject, isBatch })
    })
    if (this.#asking.length === 1) {
      this.table.hold(true)
      this.onAsking(true)
    }
    if (!this.#hasBegun) this.#begin()
    return promise
  }

  #begin(): void {
    this.#hasBegun = true
    if (this.#signal?.aborted === true) return this.#abort()
    this.#signal?.addEventListener('abort', this.#onAbort)
    try {
      this.table.start(this as Incoming)
    } catch (error) {
      this.finish(error)
    }
  }

  #abort(): void {
    const { subject } = this
    this.stop(new FlyshuttleError('ERR_ABORTED', { subject }, this.#signal?.reason))
  }

  #takeError(): unknown {
    const error = this.#error?.error
    this.#error = null
    return error
  }

  #answered(): void {
    if (this.#asking.length > 0) return
    this.table.hold(false)
    this.onAsking(false)
  }

  #take(): void {
    if (this.#isTaken) throw new FlyshuttleError('ERR_STREAM_TAKEN', { subject: this.subject })
    this.#isTaken = true
  }

  #clear(): void {
    this.#parts.length = 0
    this.#at = 0
  }
}
