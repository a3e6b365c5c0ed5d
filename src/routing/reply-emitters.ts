// The shortest way of structs out as parts of a reply: code compiled for one struct and one ring.
//
// A stream that has sent some parts asks for its emitter here. It writes what `DirectSender.send`
// would, without a look at anything but the ring: whoever uses it has seen that nothing waits for
// the link. What finds no room, or would wrap, takes the long way.

import { EMITTERS_MAX, FLUSH_BYTES, FRAME_HEADER_BYTES } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import type { EmitReply } from '../codec/struct.js'
import type { LinkWriter } from '../link/outbox.js'
import type { Views } from '../memory/region.js'
import {
  FRAME_CODEC_SHIFT,
  FRAME_KIND_SHIFT,
  FrameFlag,
  FrameKind,
  ReplyNote,
} from '../ring/frame.js'

/** Header, incarnation and counter. */
const BLOCKS_BYTES = FRAME_HEADER_BYTES + 8
/** What lies beyond is no signed 32-bit number, as the compiled code needs. */
const DATA_END_MAX = 2 ** 31

/** By all engines of this thread. */
let emittersMade = 0

export interface PartEmitter {
  readonly emit: EmitReply
  /** The fields of a part that was not written; they are read from the part once. */
  readonly kept: { value: unknown }
}

export class ReplyEmitters {
  readonly #views: Views
  readonly #byLink = new Map<LinkWriter, Map<unknown, PartEmitter>>()

  constructor(views: Views) {
    this.#views = views
  }

  /**
   * What writes parts of this type into this link; null where that can't be. Its type must be known
   * to others already: one part at least has gone the long way.
   */
  partsOf(message: Message<unknown>, link: LinkWriter): PartEmitter | null {
    // By struct and not by type: its refusals name the subject that it was declared with.
    const { struct } = message
    let byStruct = this.#byLink.get(link)
    if (byStruct === undefined) this.#byLink.set(link, (byStruct = new Map<unknown, PartEmitter>()))
    const known = byStruct.get(struct)
    if (known !== undefined) return known
    const made = this.#compile(message, link)
    if (made !== null) byStruct.set(struct, made)
    return made
  }

  #compile({ struct, typeId, codec }: Message<unknown>, link: LinkWriter): PartEmitter | null {
    const { ring } = link
    if (struct === null || emittersMade >= EMITTERS_MAX) return null
    const lengthBytes = BLOCKS_BYTES + struct.bytes
    if (lengthBytes > link.frameBytesMax || ring.data + ring.ringBytes > DATA_END_MAX) return null
    const kept = { value: undefined }
    const units = lengthBytes >>> 3
    const emit = struct.replyEmitter(this.#views, {
      cursor: ring.cursor,
      kept,
      data: ring.data,
      mask: ring.capacity - 1,
      units,
      indexMax: ring.capacity - units,
      batchUnits: FLUSH_BYTES >>> 3,
      reserveUnits: link.reserveBytes >>> 3,
      word0: lengthBytes | (FrameKind.Reply << FRAME_KIND_SHIFT),
      word1: PART_WORD1 | (codec << FRAME_CODEC_SHIFT),
      word2: ReplyNote.None,
      // Signed, as the ring's words are: V8 boxes what is larger.
      typeId: typeId | 0,
      number: emittersMade++,
    })
    return { emit, kept }
  }
}

const PART_WORD1 = FrameFlag.Stream | FrameFlag.Correlation
