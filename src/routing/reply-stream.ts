// The parts that one responder replies with, one after the other, as its requester sees them.
//
// Flow is by credit: the responder may be `buffer` parts ahead of what the iteration has taken, so
// neither side ever holds more than that. It is told of more when an eighth of them have been: it
// looks for more when it has used up what it had, and should find some while the rest is read.

import { FlyshuttleError } from '../base/errors.js'
import { Incoming, type Opening, type ReplyIteration } from './incoming.js'

/** The parts of one reply. */
export type ReplyStream<T> = ReplyIteration<T>

/** Parts that are worth a frame of their own, where the buffer is that large. */
const GRANT_PARTS_MIN = 32

export class IncomingStream<T = unknown> extends Incoming<T> {
  readonly credit: number
  readonly #timeoutMs: number
  /** How many are granted at a time. */
  readonly #grantParts: number
  /** Parts taken since the responder was last told. */
  #taken = 0

  constructor(opening: Opening, buffer: number) {
    super(opening)
    this.credit = buffer
    this.#grantParts = Math.max(buffer / 8, Math.min(GRANT_PARTS_MIN, buffer / 2))
    this.#timeoutMs = opening.timeoutMs
  }

  fail(error: unknown): void {
    this.finish(error)
  }

  expire(): void {
    const data = { subject: this.subject, wanted: this.#timeoutMs }
    this.stop(new FlyshuttleError('ERR_TIMEOUT', data))
  }

  onEnd(_thread: number, error: unknown): void {
    this.finish(error)
  }

  onUnreadable(_thread: number, error: unknown): void {
    this.stop(error)
  }

  onDeaths(isGone: (thread: number, incarnation: number) => boolean): void {
    if (this.thread < 0 || !isGone(this.thread, this.incarnation)) return
    this.finish(new FlyshuttleError('ERR_RESPONDER_DIED', { subject: this.subject }))
  }

  protected onTaken(parts: number): void {
    this.#taken += parts
    if (this.#taken < this.#grantParts || this.isSettled) return
    this.table.tellFlow(this.counter, this.thread, this.incarnation, this.#taken)
    this.#taken = 0
  }

  /** The responder may be silent for so long while somebody waits, not while nobody does. */
  protected onAsking(isAsking: boolean): void {
    if (isAsking) this.table.wait(this, this.#timeoutMs)
    else this.table.endWait(this)
  }

  protected tellAll(): void {
    if (this.thread >= 0) this.table.tellStop(this.counter, this.thread, this.incarnation)
  }
}
