// What threads ask of each other beside messages: control frames on the urgent lanes, each with one
// reply or none. The bus of a thread has one.
//
// A thread that has ended is never waited for, and its last wish is not granted: what it names may
// belong to its successor by now.

import { RequestTicket } from '../agent/info.js'
import { FlyshuttleError } from '../base/errors.js'
import type { Outbox } from '../link/outbox.js'
import { Lane, ThreadState } from '../memory/layout.js'
import { incarnationOf, stateOf, type Region } from '../memory/region.js'
import { FrameKind } from '../ring/frame.js'
import type { Requests } from '../routing/requests.js'
import type { Sender } from '../routing/sender.js'
import type { Replies } from './replies.js'

export class ControlPlane {
  readonly #region: Region
  readonly #incarnation: number
  readonly #outbox: Outbox
  readonly #sender: Sender
  readonly #requests: Requests
  readonly #replies: Replies
  readonly #answer: (source: number, payload: unknown) => Promise<unknown>
  /** Frames by which threads talk about themselves, so far. */
  frames = 0

  /** `answer` does what another thread asks; what it returns is the reply. */
  constructor(
    region: Region,
    incarnation: number,
    outbox: Outbox,
    sender: Sender,
    requests: Requests,
    replies: Replies,
    answer: (source: number, payload: unknown) => Promise<unknown>,
  ) {
    this.#region = region
    this.#incarnation = incarnation
    this.#outbox = outbox
    this.#sender = sender
    this.#requests = requests
    this.#replies = replies
    this.#answer = answer
  }

  /**
   * Asks another thread to do something.
   *
   * @throws (as rejection) ERR_THREAD_DIED when it ends meanwhile
   */
  ask(thread: number, payload: { op: string }, timeoutMs: number): Promise<unknown> {
    return this.#requests.open(`(thread ${thread}: ${payload.op})`, { timeoutMs }, (request) => {
      if (stateOf(this.#region, thread) === ThreadState.Dead) throw diedError(thread)
      request.thread = thread
      request.incarnation = incarnationOf(this.#region, thread)
      this.#send(thread, payload, request.counter)
    })
  }

  /** Tells another thread something, without an answer. */
  tell(thread: number, payload: unknown): void {
    this.#send(thread, payload, 0)
  }

  /** A control frame has come. */
  onControl(source: number, incarnation: number, counter: number, payload: unknown): void {
    this.frames++
    if (incarnation !== incarnationOf(this.#region, source)) return
    const ticket = new RequestTicket('(control)', source, 0, incarnation, counter, Infinity)
    const reply = (ok: boolean, result: unknown): void => {
      if (counter !== 0) this.#replies.write(ticket, null, ok, result)
    }
    // Not within the drain: what is asked may be about the drain itself.
    Promise.resolve()
      .then(() => this.#answer(source, payload))
      .then(
        (result) => reply(true, result),
        (error: unknown) => reply(false, error),
      )
  }

  #send(thread: number, payload: unknown, counter: number): void {
    const link = this.#outbox.link(thread, Lane.Urgent)
    this.#sender.direct.send(link, FrameKind.Control, 0, null, payload, this.#incarnation, counter)
    this.#outbox.flush(link)
  }
}

/** Whether a request was asked of a thread, not of a handler. */
export function isControl(subject: string): boolean {
  return subject.startsWith('(')
}

export function diedError(thread: number): FlyshuttleError {
  return new FlyshuttleError('ERR_THREAD_DIED', { thread, found: 'it cannot answer any more' })
}
