// What this thread has asked and not been answered yet: single requests, calls of `requestEach`,
// and what threads ask of each other. Replies find their request here, and deaths end the wait.

import type { Clock } from '../base/clock.js'
import { FlyshuttleError } from '../base/errors.js'
import { fromRecord, type ErrorRecord } from '../codec/error-record.js'
import { isGone, type Region } from '../memory/region.js'
import { ReplyNote } from '../ring/frame.js'
import { RequestBlocks } from '../routing/request-blocks.js'
import { Requests, type RequestsEvents } from '../routing/requests.js'
import { diedError, isControl } from './control-plane.js'
import { markMovable } from './idempotent.js'

export class Awaiting {
  readonly requests: Requests
  readonly blocks: RequestBlocks
  readonly #region: Region
  readonly #incarnation: number
  readonly #decode: () => unknown
  /** Replies by which threads talk about themselves, so far. */
  controlFrames = 0

  /** `decode` gives the value of the reply under way. */
  constructor(
    region: Region,
    incarnation: number,
    clock: Clock,
    decode: () => unknown,
    events: RequestsEvents,
  ) {
    this.requests = new Requests(clock, events)
    this.blocks = new RequestBlocks(clock, events)
    this.#region = region
    this.#incarnation = incarnation
    this.#decode = decode
  }

  /** A reply from thread `source`, to what this thread asked in the life `incarnation`. */
  onReply(
    source: number,
    incarnation: number,
    counter: number,
    isFailed: boolean,
    note: number,
  ): void {
    if (incarnation !== this.#incarnation) return
    if (counter < 0) this.#answerBlock(source, counter, isFailed)
    else this.#answer(counter, isFailed, note)
  }

  /** A reply that has been decoded, or could not be: then `failure` says why, else it is null. */
  onAnswer(
    source: number,
    incarnation: number,
    counter: number,
    value: unknown,
    failure: unknown,
  ): void {
    if (incarnation !== this.#incarnation) return
    if (counter < 0) {
      const block = this.blocks.find(counter)
      if (failure === null) block?.succeed(counter, source, value)
      else block?.failAt(counter, failure)
      return
    }
    const request = this.requests.find(counter)
    if (failure === null) request?.succeed(value)
    else request?.fail(failure)
  }

  /** Some thread has died: what waits for it waits in vain. */
  onDeaths(): void {
    const hasDied = ({ thread, incarnation }: { thread: number; incarnation: number }): boolean =>
      thread >= 0 && isGone(this.#region, thread, incarnation)
    const diedOf = ({ subject }: { subject: string }): Error =>
      markMovable(new FlyshuttleError('ERR_RESPONDER_DIED', { subject }))
    this.blocks.failWhere(hasDied, diedOf)
    this.requests.failWhere(hasDied, (request) =>
      isControl(request.subject) ? diedError(request.thread) : diedOf(request),
    )
  }

  /** Rejects everything that waits. */
  close(error: Error): void {
    this.requests.close(error)
    this.blocks.close(error)
  }

  #answer(counter: number, isFailed: boolean, note: number): void {
    const request = this.requests.find(counter)
    if (request === null) return
    if (isControl(request.subject)) this.controlFrames++
    let value: unknown
    try {
      value = this.#decode()
    } catch (error) {
      request.fail(error)
      return
    }
    if (isFailed) {
      const error = fromRecord(value as ErrorRecord)
      request.fail(note === ReplyNote.Refused ? markMovable(error) : error)
    } else request.succeed(value)
  }

  #answerBlock(source: number, counter: number, isFailed: boolean): void {
    const block = this.blocks.find(counter)
    if (block === null) return
    let value: unknown
    try {
      value = this.#decode()
    } catch (error) {
      block.failAt(counter, error)
      return
    }
    if (isFailed) block.failAt(counter, fromRecord(value as ErrorRecord))
    else block.succeed(counter, source, value)
  }
}
