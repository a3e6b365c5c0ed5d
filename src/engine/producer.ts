// One stream with which a handler replies: an async iterable or a generator, whose parts are sent
// as the requester grants them.
//
// A part is asked for when there is credit for it and half of the link is free, so nothing gathers
// here but the part in hand. Whatever ends a stream early (its requester stops or dies, a part
// cannot be encoded, its subscription is withdrawn, the engine closes) ends the iterator too, by
// `return()`, and aborts `info.signal`. Structs leave by an emitter once some parts have gone.

import type { RequestTicket } from '../agent/info.js'
import type { Message } from '../codec/message.js'
import type { LinkWriter } from '../link/outbox.js'
import { Lane } from '../memory/layout.js'
import { FrameFlag, FrameKind, ReplyNote } from '../ring/frame.js'
import type { DirectSender } from '../routing/direct.js'
import type { ReplyOutlet } from '../routing/reply-outlet.js'
import type { Producers } from './producers.js'
import { isPromise, stopParts, type Parts, type Step } from './streamed.js'

export class Producer {
  readonly ticket: RequestTicket
  readonly owner: number
  readonly #producers: Producers
  readonly #direct: DirectSender
  readonly #link: LinkWriter
  readonly #incarnation: number
  readonly #counter: number
  readonly #reply: Message<unknown> | null
  readonly #iterator: Parts
  readonly #onStep = (step: Step): void => this.#take(step)
  readonly #onThrown = (error: unknown): void => {
    if (!this.#hasEnded) this.#end(error)
  }
  #credit: number
  /** A part is being made: its iterator's promise is pending. */
  #isAsking = false
  #isPumping = false
  #hasEnded = false
  /** The short way of its parts, if they are structs. */
  readonly #outlet: ReplyOutlet | null

  constructor(
    producers: Producers,
    ticket: RequestTicket,
    reply: Message<unknown> | null,
    iterator: Parts,
    owner: number,
  ) {
    const { outbox, sender } = producers.parts
    this.#producers = producers
    this.#direct = sender.direct
    this.#link = outbox.link(ticket.thread, Lane.Urgent)
    this.#incarnation = ticket.incarnation
    this.#counter = ticket.counter
    this.#credit = ticket.credit
    this.#reply = reply
    this.#outlet = reply === null ? null : this.#direct.outlets.of(reply, this.#link, true)
    this.#iterator = iterator
    this.ticket = ticket
    this.owner = owner
  }

  grant(parts: number): void {
    this.#credit += parts
    this.pump()
  }

  /** Sends parts as far as there is credit and room. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (!this.#hasEnded && !this.#isAsking && this.#credit > 0) {
        if (!this.#direct.hasRoom(this.#link)) {
          this.#producers.blocked.add(this)
          break
        }
        const step = this.#iterator.next()
        if (isPromise(step)) {
          this.#isAsking = true
          step.then(this.#onStep, this.#onThrown)
        } else this.#send(step)
      }
    } catch (error) {
      // Thrown by the iterator, or because the requester wrote nonsense into its words.
      this.stop(error)
    }
    this.#isPumping = false
  }

  /** Nobody wants more of it. `error` is for the requester, if it still listens. */
  stop(error: unknown = null): void {
    if (this.#hasEnded) return
    this.#producers.parts.watch.abandon(this.ticket)
    this.#end(error)
    const { subject } = this.ticket
    stopParts(this.#iterator, (failure) => this.#producers.parts.onError(failure, subject))
  }

  #take(step: Step): void {
    this.#isAsking = false
    if (this.#hasEnded) return
    this.#producers.gather()
    this.#send(step)
    this.pump()
  }

  #send(step: Step): void {
    try {
      if (step.done === true) {
        this.#write(null, undefined, ReplyNote.End)
        this.#end(null)
        return
      }
      this.#credit--
      this.#writePart(step.value)
    } catch (error) {
      this.stop(error)
    }
  }

  #writePart(value: unknown): void {
    const outlet = this.#outlet
    let part = value
    if (outlet !== null && outlet.isOpen) {
      if (outlet.send(part, this.ticket)) return
      part = outlet.takeKept()
    }
    this.#write(this.#reply, part, ReplyNote.None)
    outlet?.learn()
  }

  #end(error: unknown): void {
    const { watch, replies } = this.#producers.parts
    this.#hasEnded = true
    this.#credit = 0
    this.#producers.ended(this)
    watch.done(this.ticket)
    if (error !== null) replies.write(this.ticket, null, false, error)
  }

  #write(message: Message<unknown> | null, value: unknown, note: ReplyNote): void {
    this.#direct.send(
      this.#link,
      FrameKind.Reply,
      FrameFlag.Stream,
      message,
      value,
      this.#incarnation,
      this.#counter,
      note,
    )
  }
}
