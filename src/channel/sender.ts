// The sending end of a channel: values become frames in the ring, or wait for room.

import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError, describe } from '../base/errors.js'
import { Fifo } from '../base/fifo.js'
import { FRAME_HEADER_BYTES, NATIVE_WRITE_BYTES_MIN } from '../base/limits.js'
import { MsgpackEncoder } from '../codec/msgpack.js'
import { structFromCanonical, type BoundStruct } from '../codec/struct.js'
import { bytesIn } from '../codec/struct-text.js'
import type { LinkWriter } from '../link/outbox.js'
import { DictionaryWriter } from '../memory/dictionary.js'
import { Lane } from '../memory/layout.js'
import type { CopyBytes } from '../native/copying.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameKind } from '../ring/frame.js'
import type { ChannelHandle } from './channel.js'
import { ChannelEnd, RECEIVER, SENDER } from './end.js'
import { isUint8Array } from 'node:util/types'

/** `full`: no room now, nothing was kept. `closed`: the other end has closed, or has died. */
export type OfferOutcome = 'accepted' | 'full' | 'closed'

/** The sending end of a channel. Made by `openSender`. */
export interface ChannelSender<T> {
  /** Either end has closed or died. Seen by an `offer` or a turn of the loop. */
  readonly isClosed: boolean
  /** Resolves when the channel is over. */
  readonly closed: Promise<void>
  /**
   * Writes one message if there is room now. It leaves with its batch: at 4 KiB, at the end of the
   * tick, or on `flush()`.
   *
   * @throws ERR_PAYLOAD_INVALID, ERR_PAYLOAD_UNSUPPORTED, ERR_MESSAGE_TOO_LARGE
   */
  offer(value: T): OfferOutcome
  /**
   * Writes in order, waiting for room as long as it takes; while anything waits, `offer` finds the
   * channel full. Leave the value alone until it resolves.
   *
   * @throws (as rejection) what `offer` throws, and ERR_CHANNEL_CLOSED
   */
  send(value: T): Promise<void>
  /** Makes everything offered so far visible now. */
  flush(): void
  /** Ends the channel. The receiver gets what was written; what waits in `send` is rejected. */
  close(): void
  [Symbol.dispose](): void
}

interface Waiting<T> {
  readonly value: T
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Opens the sending end of a channel, once, in the thread that sends.
 *
 * @throws ERR_CHANNEL_TAKEN when it was opened before, ERR_HANDLE_INVALID, ERR_LAYOUT_MISMATCH,
 * ERR_ADDON_MISSING
 * @example
 * const out = openSender(ticks)
 * if (out.offer({ id: 1, price: 9.5 }) === 'full') await out.send({ id: 1, price: 9.5 })
 */
export function openSender<T>(handle: ChannelHandle<T>): ChannelSender<T> {
  return new Sender<T>(handle)
}

class Sender<T> implements ChannelSender<T> {
  readonly #end: ChannelEnd
  readonly #link: LinkWriter
  readonly #i32: Int32Array
  readonly #copyBytes: CopyBytes | null
  readonly #codec: CodecId
  readonly #struct: BoundStruct<unknown> | null = null
  readonly #structBytes: number = 0
  readonly #typeId: number = 0
  readonly #encoder: MsgpackEncoder
  readonly #waiting = new Fifo<Waiting<T>>()
  /** An encoder writes into a claimed frame: a getter that offers must not claim another. */
  #isEncoding = false

  constructor(handle: ChannelHandle<T>) {
    const end = new ChannelEnd(handle, SENDER, {
      onFrame: () => 0,
      onDrained: () => this.#retry(),
      deliver: (inbox) => inbox.drain(),
      isPaused: () => false,
      onEnd: () => this.#rejectAll(),
    })
    this.#end = end
    this.#copyBytes = end.copyBytes
    this.#link = end.outbox.link(RECEIVER, Lane.Bulk)
    this.#i32 = end.region.views.i32
    this.#codec = handle.codec
    if (handle.codec === CodecId.Struct) {
      const struct = structFromCanonical(handle.name, handle.canonical)
      this.#struct = struct.bind(end.region.views)
      this.#structBytes = struct.bytes
      this.#typeId = struct.typeId
    }
    const dictionary = new DictionaryWriter(end.region, SENDER)
    this.#encoder = new MsgpackEncoder({
      structures: dictionary.structures,
      save: (structures) => dictionary.addStructures(structures),
    })
  }

  get isClosed(): boolean {
    return this.#end.isOver
  }

  get closed(): Promise<void> {
    return this.#end.closed
  }

  offer(value: T): OfferOutcome {
    if (this.#end.isOver) return 'closed'
    if (this.#waiting.length === 0 && this.#write(value, false)) return 'accepted'
    // A thread that offers without a turn of its loop hears of the end here.
    if (!this.#end.isOtherGone) return 'full'
    this.#end.close()
    return 'closed'
  }

  async send(value: T): Promise<void> {
    if (this.#end.isOver) throw this.#closedError()
    if (this.#waiting.length === 0 && this.#write(value, true)) return
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ value, resolve, reject })
      this.#end.hold(true)
      // Not for room: it was called from within the writing of another.
      if (this.#isEncoding) queueMicrotask(() => this.#retry())
    })
  }

  flush(): void {
    this.#end.outbox.flushAll()
  }

  close(): void {
    this.#end.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Writes one frame; false when there is no room, and then asks for it if `mayAwait`. */
  #write(value: T, mayAwait: boolean): boolean {
    if (this.#isEncoding) return false
    const bytes = this.#measure(value)
    const length = FRAME_HEADER_BYTES + bytes
    const link = this.#link
    if (length > link.frameBytesMax) throw this.#tooLarge(length)
    let offset = link.ring.claim(length)
    while (offset < 0) {
      if (!mayAwait || !this.#end.outbox.awaitRoom(link, 2 * length)) return false
      offset = link.ring.claim(length)
    }
    this.#put(value, offset + FRAME_HEADER_BYTES, bytes)
    const i32 = this.#i32
    const word = offset >>> 2
    i32[word] = length | (FrameKind.Publish << FRAME_KIND_SHIFT)
    i32[word + 1] = this.#codec << FRAME_CODEC_SHIFT
    i32[word + 2] = 0
    i32[word + 3] = this.#typeId
    link.ring.commit()
    this.#end.outbox.committed(link)
    return true
  }

  /** Bytes that a value takes. Msgpack is packed here: until it is put away no other code runs. */
  #measure(value: T): number {
    if (this.#struct !== null) return this.#structBytes
    if (this.#codec === CodecId.Msgpack) return this.#encoder.encode(this.#end.name, value)
    if (isUint8Array(value)) return bytesIn(value)
    throw new FlyshuttleError('ERR_PAYLOAD_INVALID', {
      subject: this.#end.name,
      field: '(message)',
      found: describe(value),
      wanted: 'a Uint8Array',
    })
  }

  #put(value: T, offset: number, bytes: number): void {
    const { views } = this.#end.region
    if (this.#struct !== null) {
      this.#isEncoding = true
      try {
        this.#struct.encode(value, offset)
      } finally {
        this.#isEncoding = false
      }
    } else if (this.#codec === CodecId.Msgpack) this.#encoder.copyTo(views, offset)
    else if (this.#copyBytes !== null && bytes >= NATIVE_WRITE_BYTES_MIN) {
      this.#copyBytes(views.bytes, offset, value as Uint8Array, 0, bytes)
    } else views.bytes.set(value as Uint8Array, offset)
  }

  #retry(): void {
    let first = this.#waiting.peek()
    if (first === undefined) return
    for (; first !== undefined; first = this.#waiting.peek()) {
      try {
        if (!this.#write(first.value, true)) return
        first.resolve()
      } catch (error) {
        first.reject(error)
      }
      this.#waiting.shift()
    }
    this.#end.hold(false)
  }

  #rejectAll(): void {
    const error = this.#closedError()
    let first = this.#waiting.shift()
    for (; first !== undefined; first = this.#waiting.shift()) first.reject(error)
  }

  #closedError(): FlyshuttleError {
    return new FlyshuttleError('ERR_CHANNEL_CLOSED', { subject: this.#end.name, found: 'send' })
  }

  #tooLarge(found: number): FlyshuttleError {
    const data = { subject: this.#end.name, found, wanted: this.#link.frameBytesMax }
    return new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', data)
  }
}
