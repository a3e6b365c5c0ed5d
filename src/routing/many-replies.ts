// One reply from each of several responders, as their requester sees them.
//
// The iteration ends when `max` have come, when all have replied, or at its deadline, whichever is
// first. A responder that fails does not end it: what failed is in `errors`. With a `quorum`, fewer
// replies than that are an error, told as soon as so many cannot come any more.

import { FlyshuttleError } from '../base/errors.js'
import { Incoming, type Opening, type ReplyIteration } from './incoming.js'

/** Responders of one thread that have not replied yet. */
interface Source {
  readonly incarnation: number
  open: number
}

export interface ManyLimits {
  readonly max: number
  /** 0: as many as come. */
  readonly quorum: number
  /** Every member of a queue group is asked, not one of each. */
  readonly all: boolean
}

/** The replies of several responders. */
export interface ManyReplies<T> extends ReplyIteration<T> {
  /** What failed so far: handlers that threw, threads that ended. One entry for each responder. */
  readonly errors: readonly unknown[]
}

export class IncomingMany<T = unknown> extends Incoming<T> implements ManyReplies<T> {
  readonly credit = 0
  readonly all: boolean
  readonly errors: readonly unknown[]
  readonly #errors: unknown[] = []
  readonly #limits: ManyLimits
  readonly #timeoutMs: number
  readonly #sources = new Map<number, Source>()
  #open = 0
  #received = 0
  #isTimed = false

  constructor(opening: Opening, limits: ManyLimits) {
    super(opening)
    this.errors = this.#errors
    this.all = limits.all
    this.#limits = limits
    this.#timeoutMs = opening.timeoutMs
  }

  /** A responder on this thread is about to get the request. */
  expect(thread: number, incarnation: number): void {
    const source = this.#sources.get(thread)
    if (source === undefined) this.#sources.set(thread, { incarnation, open: 1 })
    else source.open++
    this.#open++
  }

  /** All that get the request are known. */
  expected(): void {
    this.#look()
  }

  override push(value: unknown): void {
    this.#received++
    super.push(value)
    if (this.#received >= this.#limits.max) this.#conclude()
  }

  fail(error: unknown): void {
    this.finish(error)
  }

  expire(): void {
    this.#conclude()
  }

  onEnd(thread: number, error: unknown): void {
    const source = this.#sources.get(thread)
    if (this.isSettled || source === undefined || source.open === 0) return
    source.open--
    this.#open--
    if (error !== null) this.#errors.push(error)
    this.#look()
  }

  onUnreadable(thread: number, error: unknown): void {
    this.onEnd(thread, error)
  }

  onDeaths(isGone: (thread: number, incarnation: number) => boolean): void {
    for (const [thread, source] of this.#sources) {
      if (!isGone(thread, source.incarnation)) continue
      while (source.open > 0 && !this.isSettled) {
        const { subject } = this
        this.onEnd(thread, new FlyshuttleError('ERR_RESPONDER_DIED', { subject }))
      }
    }
  }

  protected onTaken(): void {
    // Each responder replies once: there is nothing to grant.
  }

  protected onAsking(isAsking: boolean): void {
    // The deadline is that of the whole, from the first question on.
    if (!isAsking || this.#isTimed) return
    this.#isTimed = true
    this.table.wait(this, this.#timeoutMs)
  }

  protected tellAll(): void {
    for (const [thread, { incarnation, open }] of this.#sources) {
      if (open > 0) this.table.tellStop(this.counter, thread, incarnation)
    }
  }

  #look(): void {
    if (this.#open === 0 || this.#received + this.#open < this.#limits.quorum) this.#conclude()
  }

  #conclude(): void {
    if (this.isSettled) return
    this.tellAll()
    this.finish(this.#verdict())
  }

  #verdict(): unknown {
    const { subject } = this
    const { quorum } = this.#limits
    const [first = null] = this.#errors
    if (this.#received < quorum) {
      const data = { subject, found: this.#received, wanted: quorum }
      return new FlyshuttleError('ERR_QUORUM_MISSED', data, first ?? undefined)
    }
    return this.#received === 0 ? first : null
  }
}
