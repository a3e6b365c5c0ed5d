// What goes back to a requester: the result of a handler, or what it threw.
//
// Whatever happens, the requester hears of it if any frame gets through at all: a result that
// cannot be encoded, is too large or finds no room is answered with that error, and an error too
// large for the frame with a short one.

import type { RequestTicket } from '../agent/info.js'
import type { RequestWatch } from '../agent/request-watch.js'
import { FlyshuttleError } from '../base/errors.js'
import { toBriefRecord, toRecord } from '../codec/error-record.js'
import type { Message } from '../codec/message.js'
import type { Outbox } from '../link/outbox.js'
import { Lane } from '../memory/layout.js'
import { dropStream, isStream } from './streamed.js'
import { FrameFlag, FrameKind, ReplyNote } from '../ring/frame.js'
import type { Sender } from '../routing/sender.js'

export class Replies {
  readonly #outbox: Outbox
  readonly #sender: Sender
  readonly #watch: RequestWatch
  readonly #onLost: (error: unknown, subject: string) => void
  #isClosed = false

  /** `onLost` is told of replies of which not even an error could be sent. */
  constructor(
    outbox: Outbox,
    sender: Sender,
    watch: RequestWatch,
    onLost: (error: unknown, subject: string) => void,
  ) {
    this.#outbox = outbox
    this.#sender = sender
    this.#watch = watch
    this.#onLost = onLost
  }

  /** Writes the result of a request, as `reply` says, or as an error when not `ok`. */
  write(ticket: RequestTicket, reply: Message<unknown> | null, ok: boolean, result: unknown): void {
    if (this.#isClosed) return
    if (ticket.watched !== null) this.#watch.done(ticket)
    if (!ok) return this.#fail(ticket, result)
    try {
      if (reply !== null && reply.struct !== null && ticket.credit < 0) {
        this.#sendStruct(ticket, reply, result)
        return
      }
      // A stream that nobody asked for would travel as an empty object.
      if ((reply === null || reply.struct === null) && isStream(result)) {
        dropStream(result, (error) => this.#onLost(error, ticket.subject))
        throw new FlyshuttleError('ERR_STREAM_UNASKED', { subject: ticket.subject })
      }
      this.#send(ticket, 0, reply, result)
    } catch (error) {
      this.#fail(ticket, error)
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #sendStruct(ticket: RequestTicket, reply: Message<unknown>, result: unknown): void {
    const { direct } = this.#sender
    const outlet = direct.outlets.of(reply, this.#outbox.link(ticket.thread, Lane.Urgent), false)
    let value = result
    if (outlet !== null && outlet.isOpen) {
      if (outlet.send(value, ticket)) return
      value = outlet.takeKept()
    }
    this.#send(ticket, 0, reply, value)
    outlet?.learn()
  }

  #fail(ticket: RequestTicket, error: unknown): void {
    try {
      this.#send(ticket, FrameFlag.Failed, null, toRecord(error))
    } catch {
      // Rings are small with many threads: a record with stack and causes may not fit.
      this.#failBriefly(ticket, error)
    }
  }

  #failBriefly(ticket: RequestTicket, error: unknown): void {
    try {
      this.#send(ticket, FrameFlag.Failed, null, toBriefRecord(error))
    } catch (failure) {
      // The requester reads nothing any more. It will time out; why is said here.
      this.#onLost(failure, ticket.subject)
    }
  }

  #send(
    ticket: RequestTicket,
    flags: number,
    message: Message<unknown> | null,
    value: unknown,
  ): void {
    const { thread, incarnation, counter, credit } = ticket
    const link = this.#outbox.link(thread, Lane.Urgent)
    let note: ReplyNote = ReplyNote.None
    if (ticket.isRefused) note = ReplyNote.Refused
    else if (credit >= 0) note = ReplyNote.Only
    const allFlags = credit >= 0 ? flags | FrameFlag.Stream : flags
    const { Reply } = FrameKind
    this.#sender.direct.send(link, Reply, allFlags, message, value, incarnation, counter, note)
  }
}
