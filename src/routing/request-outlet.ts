// The short way of requests of one message type: an emitter that writes the struct straight into
// the ring of the only responder.
//
// It is to requests what `outlet.ts` is to publishes, and goes by a gate of its own: the version of
// the routes for which it is right, and which subscription answers. Any change of the routes, or a
// message of the subject that has to wait, shuts it; the next request takes the long way, which
// opens it again once it may.

import { EMITTER_AFTER_MESSAGES } from '../base/limits.js'
import { REQUEST_FRAME } from '../codec/frame-source.js'
import type { Message } from '../codec/message.js'
import type { EmitRequest } from '../codec/struct.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { ThreadState } from '../memory/layout.js'
import type { Views } from '../memory/region.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../ring/frame.js'
import { laneInto, mayCompile, newGate, routeOf } from './emitter-lane.js'
import type { AwaitedRequest } from './parcel.js'
import type { Route } from './route-table.js'

/** Of requests that say nothing about themselves but their deadline. */
const FLAGS = FrameFlag.Target | FrameFlag.Correlation | FrameFlag.Deadline

export class RequestOutlet {
  readonly #message: Message<unknown>
  readonly #route: Route
  readonly #incarnation: number
  readonly #views: Views
  readonly #outbox: Outbox
  readonly #gate = newGate()
  readonly #kept: { value: unknown } = { value: undefined }
  #emit: EmitRequest | null = null
  #link: LinkWriter | null = null
  #requests = 0

  constructor(
    message: Message<unknown>,
    route: Route,
    incarnation: number,
    views: Views,
    outbox: Outbox,
  ) {
    this.#message = message
    this.#route = route
    this.#incarnation = incarnation
    this.#views = views
    this.#outbox = outbox
    route.addGate(this.#gate)
  }

  /** Whether `send` may be called. */
  get isOpen(): boolean {
    return this.#emit !== null
  }

  /**
   * Writes a request, and notes in it who got it. False: it has to take the long way, with what
   * `takeKept` returns.
   *
   * @throws ERR_PAYLOAD_INVALID
   */
  send(value: unknown, agent: number, request: AwaitedRequest, flushNow: boolean): boolean {
    const link = this.#link as LinkWriter
    // Before the frame is there: a successor of the receiver drops what it finds.
    request.thread = link.to
    request.incarnation = this.#views.i32[link.incarnationIndex] as number
    let outcome = -1
    try {
      outcome = (this.#emit as EmitRequest)(value, agent, request)
    } finally {
      if (outcome < 0) request.thread = -1
    }
    if (outcome < 0) return false
    if (flushNow) this.#outbox.flush(link)
    else if (outcome > 0) this.#outbox.committed(link)
    return true
  }

  /** The fields that the emitter read and could not write. They are read from the value once. */
  takeKept(): unknown {
    const { value } = this.#kept
    this.#kept.value = undefined
    return value
  }

  /** To be called after each request that took the long way and was written. */
  learn(): void {
    const route = this.#route
    const member = route.soloResponder
    if (member === null || route.isGuarded || route.packer !== null) return
    if (route.parked.length > 0 || route.subjectId === 0) return
    if (member.link !== this.#link) {
      if (++this.#requests < EMITTER_AFTER_MESSAGES) return
      this.#requests = 0
      if (!this.#compile(member.link)) return
    }
    const gate = this.#gate
    gate[1] = member.subscription.id
    gate[2] = member.subscription.generation
    gate[0] = route.version
  }

  #compile(link: LinkWriter): boolean {
    const { struct, codec, typeId } = this.#message
    if (struct === null || !mayCompile(link)) return false
    const lengthBytes = REQUEST_FRAME.bytesBefore + struct.bytes
    if (lengthBytes > link.frameBytesMax) return false
    this.#emit = struct.requestEmitter(this.#views, {
      ...laneInto(link, this.#gate, this.#kept, lengthBytes >>> 3),
      ...routeOf(link, this.#route.subjectId),
      stateIndex: link.stateIndex,
      stateAlive: ThreadState.Alive,
      incarnation: this.#incarnation,
      word0: lengthBytes | (FrameKind.Request << FRAME_KIND_SHIFT),
      word1: FLAGS | (codec << FRAME_CODEC_SHIFT),
      typeId: typeId | 0,
    })
    this.#link = link
    return true
  }
}
