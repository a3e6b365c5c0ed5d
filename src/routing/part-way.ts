// The shortest way of parts in: frame after frame of one stream, of one struct, is alike but for
// the payload.
//
// What the first one was found to be is kept, and a frame with the same words goes straight to its
// iteration. Anything else takes the dispatcher's long way, and so does what cannot be decoded: it
// is said there why.

import { CodecId } from '../base/codec-id.js'
import { FRAME_HEADER_BYTES } from '../base/limits.js'
import type { BoundStruct } from '../codec/struct.js'
import {
  FRAME_CODEC_MASK,
  FRAME_CODEC_SHIFT,
  FRAME_FLAGS_MASK,
  FRAME_LENGTH_MASK,
  FrameFlag,
  ReplyNote,
} from '../ring/frame.js'
import type { Incoming } from './incoming.js'
import type { Struct } from './target.js'

// Constants of this module, which V8 folds into compiled code; imported ones it does not.
const PAYLOAD_AT = FRAME_HEADER_BYTES + 8
const PART: number = ReplyNote.None
/** Word 1 of no frame. */
const NOBODY = -1

export class PartWay {
  readonly #i32: Int32Array
  /** Word 1 of the frames that may come this way. */
  word1 = NOBODY
  #word0 = 0
  #typeId = 0
  #incarnation = 0
  #counter = 0
  #bound: BoundStruct<unknown> | null = null
  #incoming: Incoming | null = null

  constructor(i32: Int32Array) {
    this.#i32 = i32
  }

  /** Takes the frame at `offset`, which has this `word1`; false where it has to go the long way. */
  take(offset: number, word0: number): boolean {
    const i32 = this.#i32
    const word = offset >>> 2
    if (
      word0 !== this.#word0 ||
      i32[word + 5] !== this.#counter ||
      i32[word + 4] !== this.#incarnation ||
      i32[word + 3] !== this.#typeId ||
      i32[word + 2] !== PART
    ) {
      return false
    }
    let value: unknown
    try {
      value = (this.#bound as BoundStruct<unknown>).decode(offset + PAYLOAD_AT)
    } catch {
      return false
    }
    ;(this.#incoming as Incoming).push(value)
    return true
  }

  /** The frame at `word` was a part for `incoming`; its last struct, if any, was `struct`. */
  learn(word: number, incoming: Incoming, struct: Struct | null): void {
    const i32 = this.#i32
    const word0 = i32[word] as number
    const word1 = i32[word + 1] as number
    const typeId = i32[word + 3] as number
    const codec = (word1 >>> FRAME_CODEC_SHIFT) & FRAME_CODEC_MASK
    if (codec !== CodecId.Struct || struct === null || (struct.typeId | 0) !== typeId) return
    if (i32[word + 2] !== PART || (word1 & FRAME_FLAGS_MASK) !== PART_FLAGS) return
    if ((word0 & FRAME_LENGTH_MASK) < PAYLOAD_AT + struct.bytes) return
    this.word1 = word1
    this.#word0 = word0
    this.#typeId = typeId
    this.#incarnation = i32[word + 4] as number
    this.#counter = i32[word + 5] as number
    this.#bound = struct.bound
    this.#incoming = incoming
  }

  /** The iteration is over. */
  forget(incoming: Incoming): void {
    if (this.#incoming !== incoming) return
    this.word1 = NOBODY
    this.#incoming = null
    this.#bound = null
  }
}

const PART_FLAGS = FrameFlag.Stream | FrameFlag.Correlation
