// The frames of publishes and requests: their length, and their bytes in a claimed place of a ring.
//
// The payload lies in the stage. What must stay true: where a plan has found room, `write` neither
// fails nor throws, so that a message for several links is written to all of them.

import { FlyshuttleError } from '../base/errors.js'
import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { LinkWriter } from '../link/outbox.js'
import type { Views } from '../memory/region.js'
import {
  FRAME_CODEC_SHIFT,
  FRAME_KIND_SHIFT,
  FRAME_PRIORITY_SHIFT,
  FRAME_SOURCE_SHIFT,
  FrameFlag,
  FrameKind,
} from '../ring/frame.js'
import { PLAIN, type Envelope } from './envelope.js'
import type { LargeSender } from './large.js'
import type { Parcel } from './parcel.js'
import type { PayloadStage } from './payload.js'
import { REQUEST_BYTES, STREAM_BYTES, TARGET_BYTES } from './plan.js'
import type { Member } from './group.js'
import type { Route } from './route-table.js'

/** What a frame takes for saying how its payload is compressed. */
const PACKED_BYTES = 8

export class FrameWriter {
  readonly #views: Views
  readonly #stage: PayloadStage
  readonly #large: LargeSender
  readonly #frameBytesMax: number
  readonly #incarnation: number

  constructor(
    views: Views,
    stage: PayloadStage,
    large: LargeSender,
    frameBytesMax: number,
    incarnation: number,
  ) {
    this.#large = large
    this.#views = views
    this.#stage = stage
    this.#frameBytesMax = frameBytesMax
    this.#incarnation = incarnation
  }

  /** Bytes of a frame around what is staged. */
  lengthOf(route: Route, { envelope }: Parcel, blocksBytes: number): number {
    const subjectBytes = route.subjectId === 0 ? inlineBytes(route.subject) : 0
    const envelopeBytes = envelope === PLAIN ? 0 : bytesOf(envelope)
    const packedBytes = this.#stage.packed === null ? 0 : PACKED_BYTES
    return (
      FRAME_HEADER_BYTES +
      packedBytes +
      subjectBytes +
      blocksBytes +
      envelopeBytes +
      this.#stage.frameBytes
    )
  }

  /**
   * Decides on a block for what no ring carries, and refuses what no block does either.
   *
   * @throws ERR_MESSAGE_TOO_LARGE when the largest frame of the message takes more than its share
   */
  check(route: Route, parcel: Parcel): void {
    const hasChosen = route.groups.length > 0 || route.responders !== null
    const bytes = blocksBytes(hasChosen, parcel.request !== null, parcel.credit)
    let lengthBytes = this.lengthOf(route, parcel, bytes)
    if (lengthBytes <= this.#frameBytesMax) return
    if (this.#stage.enlarge()) lengthBytes = this.lengthOf(route, parcel, bytes)
    if (lengthBytes <= this.#frameBytesMax) return
    throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', {
      subject: route.subject,
      found: lengthBytes,
      wanted: this.#frameBytesMax,
    })
  }

  /** Bytes of the frame that a responder gets. */
  requestBytes(route: Route, parcel: Parcel): number {
    return this.lengthOf(route, parcel, blocksBytes(true, true, parcel.credit))
  }

  /**
   * Writes and commits one frame; false when there is no room, which cannot be after a plan.
   * `member` is the chosen subscription, null for all plain ones; `frame` is its number in the
   * plan.
   */
  write(
    link: LinkWriter,
    route: Route,
    parcel: Parcel,
    member: Pick<Member, 'subscription'> | null,
    isRequest: boolean,
    frame = 0,
  ): boolean {
    const flags =
      (route.subjectId === 0 ? FrameFlag.InlineSubject : 0) |
      (member === null ? 0 : FrameFlag.Target) |
      (isRequest ? FrameFlag.Correlation | FrameFlag.Deadline : 0) |
      (isRequest && parcel.credit >= 0 ? FrameFlag.Stream : 0) |
      (parcel.envelope === PLAIN ? 0 : flagsOf(parcel.envelope)) |
      (this.#stage.isLarge ? FrameFlag.Chunk : 0) |
      (this.#stage.packed === null ? 0 : FrameFlag.Compressed)
    const bytes = blocksBytes(member !== null, isRequest, parcel.credit)
    const length = this.lengthOf(route, parcel, bytes)
    const start = link.ring.claim(length)
    if (start < 0) return false
    const { i32, f64, buffer } = this.#views
    let word = start >>> 2
    const kind = isRequest ? FrameKind.Request : FrameKind.Publish
    i32[word] = length | (kind << FRAME_KIND_SHIFT)
    i32[word + 1] =
      flags | (parcel.codec << FRAME_CODEC_SHIFT) | (parcel.agent << FRAME_SOURCE_SHIFT)
    i32[word + 2] = route.subjectId === 0 ? route.subject.length : route.subjectId
    i32[word + 3] = parcel.typeId
    word += FRAME_HEADER_BYTES >>> 2
    if (member !== null) {
      i32[word++] = member.subscription.id
      i32[word++] = member.subscription.generation
    }
    if (isRequest && parcel.request !== null) {
      i32[word++] = this.#incarnation
      i32[word++] = parcel.request.counter
      f64[word >>> 1] = parcel.request.deadlineMs
      word += 2
      if ((flags & FrameFlag.Stream) !== 0) {
        i32[word++] = parcel.credit
        i32[word++] = 0
      }
    } else if ((flags & FrameFlag.Deadline) !== 0) {
      f64[word >>> 1] = parcel.envelope.deadlineMs
      word += 2
    }
    if (route.subjectId === 0) {
      buffer.fill(0, word * 4, word * 4 + inlineBytes(route.subject))
      buffer.write(route.subject, word * 4, route.subject.length, 'latin1')
      word += inlineBytes(route.subject) >>> 2
    }
    // Not shifted: a region may be larger than 2 GiB.
    let at = word * 4
    if ((flags & FrameFlag.Headers) !== 0) at = this.#writeHeaders(at, parcel.envelope)
    const { packed } = this.#stage
    if (packed !== null) {
      this.#views.u32[at >>> 2] = packed.algorithm
      this.#views.u32[(at >>> 2) + 1] = packed.plainBytes
      at += PACKED_BYTES
    }
    if (this.#stage.isLarge) this.#large.describe(frame, at >>> 2)
    else this.#stage.copyTo(this.#views, at)
    link.ring.commit()
    return true
  }

  #writeHeaders(at: number, envelope: Envelope): number {
    const { headersBytes } = envelope
    const end = at + headersBlockBytes(envelope)
    this.#views.u32[at >>> 2] = headersBytes.length
    this.#views.bytes.set(headersBytes, at + 4)
    this.#views.bytes.fill(0, at + 4 + headersBytes.length, end)
    return end
  }
}

/** A request's envelope has no deadline: it stands in the request. */
function bytesOf(envelope: Envelope): number {
  return (envelope.deadlineMs === Infinity ? 0 : 8) + headersBlockBytes(envelope)
}

function flagsOf({ headersBytes, deadlineMs, priority }: Envelope): number {
  return (
    (headersBytes.length > 0 ? FrameFlag.Headers : 0) |
    (deadlineMs !== Infinity ? FrameFlag.Deadline : 0) |
    (priority << FRAME_PRIORITY_SHIFT)
  )
}

function headersBlockBytes({ headersBytes }: Envelope): number {
  return headersBytes.length === 0 ? 0 : (4 + headersBytes.length + 7) & -8
}

function blocksBytes(isChosen: boolean, isRequest: boolean, credit: number): number {
  if (isRequest) return credit < 0 ? REQUEST_BYTES : REQUEST_BYTES + STREAM_BYTES
  return isChosen ? TARGET_BYTES : 0
}

function inlineBytes(subject: string): number {
  return (subject.length + 7) & -8
}
