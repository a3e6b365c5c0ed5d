// The short way of replies of one message type to one thread: an emitter that writes the struct
// straight into its urgent ring. Parts of streams have one of their own. What `outlet.ts` is to
// publishes; `direct.ts` has the long way, and keeps the order: while replies wait for room there,
// their link's gate is shut.

import { EMITTER_AFTER_MESSAGES, ROUTES_CACHED_MAX } from '../base/limits.js'
import { REPLY_FRAME } from '../codec/frame-source.js'
import type { Message } from '../codec/message.js'
import type { EmitReply } from '../codec/struct.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import type { Views } from '../memory/region.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../ring/frame.js'
import { laneInto, mayCompile, newGate } from './emitter-lane.js'

/** Which request a reply answers. */
interface Answered {
  readonly incarnation: number
  readonly counter: number
}

/** All of one thread. */
export class ReplyOutlets {
  readonly #views: Views
  readonly #outbox: Outbox
  /** By the number of the message, then by the thread that asked; of replies and of parts. */
  readonly #wholes: (ReplyOutlet | undefined)[][] = []
  readonly #parts: (ReplyOutlet | undefined)[][] = []
  readonly #gates = new Map<LinkWriter, Int32Array>()
  #last: ReplyOutlet | null = null

  constructor(views: Views, outbox: Outbox) {
    this.#views = views
    this.#outbox = outbox
  }

  /** Null: such messages have no short way. */
  of(message: Message<unknown>, link: LinkWriter, isPart: boolean): ReplyOutlet | null {
    const last = this.#last
    if (last?.message === message && last.link === link && last.isPart === isPart) return last
    const { ordinal, struct } = message
    // A program that makes messages without end, by `at()` say, goes without.
    if (struct === null || ordinal >= ROUTES_CACHED_MAX) return null
    const outlets = ((isPart ? this.#parts : this.#wholes)[ordinal] ??= [])
    let outlet = outlets[link.to]
    if (outlet === undefined) {
      outlet = new ReplyOutlet(message, link, isPart, this.#gateOf(link), this.#views, this.#outbox)
      outlets[link.to] = outlet
    }
    this.#last = outlet
    return outlet
  }

  /** Replies wait for room in this link, or do not any more. */
  setWaiting(link: LinkWriter, isWaiting: boolean): void {
    this.#gateOf(link)[0] = isWaiting ? 1 : 0
  }

  #gateOf(link: LinkWriter): Int32Array {
    let gate = this.#gates.get(link)
    if (gate === undefined) {
      gate = newGate()
      this.#gates.set(link, gate)
    }
    return gate
  }
}

export class ReplyOutlet {
  readonly #gate: Int32Array
  readonly #views: Views
  readonly #outbox: Outbox
  readonly #kept: { value: unknown } = { value: undefined }
  #emit: EmitReply | null = null
  #replies = 0

  constructor(
    readonly message: Message<unknown>,
    readonly link: LinkWriter,
    readonly isPart: boolean,
    gate: Int32Array,
    views: Views,
    outbox: Outbox,
  ) {
    this.#gate = gate
    this.#views = views
    this.#outbox = outbox
  }

  /** Whether `send` may be called. */
  get isOpen(): boolean {
    return this.#emit !== null
  }

  /**
   * False: it was not written, and has to take the long way with what `takeKept` returns.
   *
   * @throws ERR_PAYLOAD_INVALID
   */
  send(value: unknown, answered: Answered): boolean {
    const outcome = (this.#emit as EmitReply)(value, answered)
    if (outcome > 0) this.#outbox.committed(this.link)
    return outcome >= 0
  }

  /** The fields that the emitter read and could not write. They are read from the value once. */
  takeKept(): unknown {
    const { value } = this.#kept
    this.#kept.value = undefined
    return value
  }

  /** To be called after each reply that took the long way. */
  learn(): void {
    if (this.#emit !== null || ++this.#replies < EMITTER_AFTER_MESSAGES) return
    this.#replies = 0
    const { link } = this
    const { struct, codec, typeId } = this.message
    if (struct === null || !mayCompile(link)) return
    const lengthBytes = REPLY_FRAME.bytesBefore + struct.bytes
    if (lengthBytes > link.frameBytesMax) return
    const flags = FrameFlag.Correlation | (this.isPart ? FrameFlag.Stream : 0)
    this.#emit = struct.replyEmitter(this.#views, {
      ...laneInto(link, this.#gate, this.#kept, lengthBytes >>> 3),
      reserveUnits: link.reserveBytes >>> 3,
      word0: lengthBytes | (FrameKind.Reply << FRAME_KIND_SHIFT),
      word1: flags | (codec << FRAME_CODEC_SHIFT),
      typeId: typeId | 0,
    })
  }
}
