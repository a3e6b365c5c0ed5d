// Replies, failures and control frames: for one known thread, on its urgent lane.
//
// Control and flow frames may take room that is kept from replies, and pass by replies that wait,
// so that a flood of replies never holds up the engine. Otherwise the order is kept. What waits for
// a thread that has ended is dropped: nobody will ever make room for it.

import { FlyshuttleError } from '../base/errors.js'
import { FRAME_HEADER_BYTES, LARGE_OVERFLOW_BYTES_MAX, OVERFLOW_BYTES_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { LinkWriter, Outbox } from '../link/outbox.js'
import { ThreadCounter, ThreadState } from '../memory/layout.js'
import type { Views } from '../memory/region.js'
import { CodecId } from '../base/codec-id.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../ring/frame.js'
import type { LargeSender } from './large.js'
import type { PayloadStage } from './payload.js'
import { ReplyOutlets } from './reply-outlet.js'

const BLOCKS_BYTES = FRAME_HEADER_BYTES + 8

const EMPTY = new Uint8Array(0)

interface DirectParcel {
  kind: FrameKind
  flags: number
  codec: CodecId
  typeId: number
  readonly payload: Uint8Array
  incarnation: number
  counter: number
  /** Word 2 of the frame. */
  note: number
}

/** What the engine lives by: it may take room that is kept from replies, and passes them by. */
function isUrgent(kind: FrameKind): boolean {
  return kind === FrameKind.Control || kind === FrameKind.Flow
}

export class DirectSender {
  readonly #views: Views
  readonly #outbox: Outbox
  readonly #stage: PayloadStage
  readonly #large: LargeSender
  /** The one link of a frame, for what is large. */
  readonly #frames = { links: [] as LinkWriter[], frames: 1 }
  readonly #onWaiting: () => void
  readonly #waiting = new Map<LinkWriter, DirectParcel[]>()
  /** Short ways, to be taken before `send`. */
  readonly outlets: ReplyOutlets
  /** One object for all frames; what has to wait gets a copy. */
  readonly #staged: DirectParcel = {
    kind: FrameKind.Reply,
    flags: 0,
    codec: CodecId.None,
    typeId: 0,
    payload: EMPTY,
    incarnation: 0,
    counter: 0,
    note: 0,
  }

  /** `onWaiting` is told when something has to wait for room. */
  constructor(
    views: Views,
    outbox: Outbox,
    stage: PayloadStage,
    large: LargeSender,
    onWaiting: () => void,
  ) {
    this.#onWaiting = onWaiting
    this.#large = large
    this.#views = views
    this.#outbox = outbox
    this.#stage = stage
    this.outlets = new ReplyOutlets(views, outbox)
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Frames that wait. */
  get count(): number {
    let count = 0
    for (const parcels of this.#waiting.values()) count += parcels.length
    return count
  }

  /**
   * @throws ERR_BACKPRESSURE when neither ring nor overflow has room, ERR_MESSAGE_TOO_LARGE,
   * ERR_PAYLOAD_INVALID, ERR_PAYLOAD_UNSUPPORTED
   */
  send(
    link: LinkWriter,
    kind: FrameKind,
    flags: number,
    message: Message<unknown> | null,
    value: unknown,
    incarnation: number,
    counter: number,
    note = 0,
  ): void {
    const isControl = isUrgent(kind)
    const subject = message?.subject ?? (isControl ? '(control)' : '(reply)')
    this.#stage.stage(message, subject, value)
    const { codec, typeId, bytes } = this.#stage
    const lengthBytes = BLOCKS_BYTES + bytes
    if (lengthBytes > link.frameBytesMax && !this.#stage.enlarge()) {
      const data = { subject, found: lengthBytes, wanted: link.frameBytesMax }
      throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', data)
    }
    const parcel = this.#staged
    parcel.kind = kind
    parcel.flags = flags
    parcel.codec = codec
    parcel.typeId = typeId
    parcel.incarnation = incarnation
    parcel.counter = counter
    parcel.note = note
    const waiting = this.#waiting.get(link)
    const mustWait =
      waiting !== undefined && (!isControl || waiting.some((parked) => isUrgent(parked.kind)))
    if (!mustWait && this.#write(link, parcel)) return
    // A failure is small, and the requester must hear of it: it may take as much room again.
    const roomBytes = this.#stage.isLarge ? LARGE_OVERFLOW_BYTES_MAX : OVERFLOW_BYTES_MAX
    const limitBytes = roomBytes * ((flags & FrameFlag.Failed) === 0 ? 1 : 2)
    if (link.overflowBytes + lengthBytes > limitBytes) {
      this.#outbox.counters.add(ThreadCounter.RepliesDropped, 1)
      const data = { subject, found: link.overflowBytes, wanted: limitBytes }
      throw new FlyshuttleError('ERR_BACKPRESSURE', data)
    }
    link.charge(lengthBytes)
    const parked = { ...parcel, payload: this.#stage.take() }
    if (waiting === undefined) {
      this.#waiting.set(link, [parked])
      this.outlets.setWaiting(link, true)
    } else waiting.push(parked)
    this.#onWaiting()
  }

  /**
   * Whether half of the link is free and nothing waits for it; if not, its reader rings us when
   * that is so. For those who have much to send and can wait: they leave the other half to others.
   */
  hasRoom(link: LinkWriter): boolean {
    const { ring, lowWaterFreeBytes } = link
    if (this.#waiting.size > 0 && this.#waiting.has(link)) return false
    return (
      ring.freeBytesSeen >= lowWaterFreeBytes || this.#outbox.awaitRoom(link, lowWaterFreeBytes)
    )
  }

  /** Writes what waited, as far as there is room now. */
  retry(): void {
    for (const [link, parcels] of this.#waiting) {
      let written = 0
      let isLost = false
      try {
        for (const parcel of parcels) {
          this.#stage.restore(parcel.codec, parcel.typeId, parcel.payload)
          if (!this.#write(link, parcel)) break
          written++
        }
      } catch {
        // The receiver wrote nonsense into its words. That link is lost, the others are not.
        isLost = true
      }
      this.#discharge(link, parcels.splice(0, written))
      const isAlive = this.#views.i32[link.stateIndex] === ThreadState.Alive
      if (isLost || !isAlive) this.#drop(link, parcels)
      if (parcels.length > 0) continue
      this.#waiting.delete(link)
      this.outlets.setWaiting(link, false)
    }
  }

  /** Drops what waits. */
  close(): void {
    for (const [link, parcels] of this.#waiting) this.#discharge(link, parcels)
    this.#waiting.clear()
  }

  #write(link: LinkWriter, parcel: DirectParcel): boolean {
    // What was staged for a ring may be too much for this one.
    if (BLOCKS_BYTES + this.#stage.frameBytes > link.frameBytesMax) this.#stage.enlarge()
    const { isLarge } = this.#stage
    if (isLarge && link.window?.awaitBelow(1) === false) return false
    const length = BLOCKS_BYTES + this.#stage.frameBytes
    const reserve = isUrgent(parcel.kind) ? 0 : link.reserveBytes
    let start = link.ring.claim(length, reserve)
    if (start < 0) {
      link.noteFull(2 * length + reserve)
      if (!this.#outbox.awaitRoom(link, 2 * length + reserve)) return false
      start = link.ring.claim(length, reserve)
      if (start < 0) return false
    }
    this.#frames.links[0] = link
    if (isLarge && !this.#large.begin(this.#frames, 0, 0, true)) return false
    if (isLarge && !this.#large.mayWrite(0)) {
      this.#large.end()
      this.#outbox.counters.add(ThreadCounter.RepliesDropped, 1)
      return true
    }
    const { i32 } = this.#views
    const word = start >>> 2
    i32[word] = length | (parcel.kind << FRAME_KIND_SHIFT)
    i32[word + 1] =
      parcel.flags |
      FrameFlag.Correlation |
      (isLarge ? FrameFlag.Chunk : 0) |
      (parcel.codec << FRAME_CODEC_SHIFT)
    i32[word + 2] = parcel.note
    i32[word + 3] = parcel.typeId
    i32[word + 4] = parcel.incarnation
    i32[word + 5] = parcel.counter
    if (isLarge) this.#large.describe(0, (start + BLOCKS_BYTES) >>> 2)
    else this.#stage.copyTo(this.#views, start + BLOCKS_BYTES)
    link.ring.commit()
    this.#outbox.committed(link)
    if (isLarge) this.#large.end()
    return true
  }

  #drop(link: LinkWriter, parcels: DirectParcel[]): void {
    this.#outbox.counters.add(ThreadCounter.RepliesDropped, parcels.length)
    this.#discharge(link, parcels.splice(0))
  }

  #discharge(link: LinkWriter, parcels: readonly DirectParcel[]): void {
    for (const { payload } of parcels) link.discharge(BLOCKS_BYTES + payload.length)
  }
}
