// From a value to payload bytes, whatever the codec, and where those bytes wait until a frame has
// room for them.
//
// Struct messages with one destination skip this file: their encoder writes straight into the ring.
// All others are staged: msgpack must be packed before its length is known, and a message for
// several links is encoded once. Staging is safe under re-entrance (a `toJSON` that publishes),
// because user code never runs between the first byte staged and the copy that takes it away.
// Long bytes are not staged but copied by the addon from where they are, for the same reason.

import { FlyshuttleError, describe } from '../base/errors.js'
import { NATIVE_WRITE_BYTES_MIN, ROUTES_CACHED_MAX } from '../base/limits.js'
import type { Message } from '../codec/message.js'
import { FlatEncoder, type Slot } from '../codec/flat.js'
import { MsgpackEncoder } from '../codec/msgpack.js'
import type { BoundStruct, StructCodec } from '../codec/struct.js'
import { bytesIn } from '../codec/struct-text.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { viewsOf, type Views } from '../memory/region.js'
import { CodecId } from '../base/codec-id.js'
import type { CopyBytes } from '../native/copying.js'
import { isUint8Array } from 'node:util/types'

/** Payloads up to this size are copied word by word; longer ones by V8, or by the addon. */
const WORD_COPY_BYTES_MAX = 256

export class PayloadStage {
  readonly #views: Views
  readonly #u32: Uint32Array
  readonly #encoder: MsgpackEncoder
  readonly #flat: FlatEncoder
  readonly #slotsOfMessages: (Slot | undefined)[] = []
  readonly #slotsOfSubjects = new Map<string, Slot>()
  readonly #structs: (BoundStruct<unknown> | undefined)[] = []
  readonly #bytesMax: number
  readonly #dictionary: DictionaryWriter
  readonly #copyBytes: CopyBytes | null
  /** Bytes that are not staged but copied from here, until this tick ends; else null. */
  #source: Uint8Array | null = null
  #isReleaseDue = false
  readonly #release = (): void => {
    this.#source = null
    this.#isReleaseDue = false
  }
  /** What the last `stage` produced. */
  codec: CodecId = CodecId.None
  typeId = 0
  bytes = 0

  /** `copyBytes` is the addon's, or null without. */
  constructor(bytesMax: number, dictionary: DictionaryWriter, copyBytes: CopyBytes | null) {
    this.#bytesMax = bytesMax
    this.#copyBytes = copyBytes
    this.#dictionary = dictionary
    this.#views = viewsOf(new ArrayBuffer((bytesMax + 15) & -8))
    this.#u32 = this.#views.u32
    this.#flat = new FlatEncoder(this.#views, bytesMax, (typeId, canonical) =>
      dictionary.addType(typeId, canonical),
    )
    this.#encoder = new MsgpackEncoder({
      structures: dictionary.structures,
      save: (structures) => dictionary.addStructures(structures),
    })
  }

  /**
   * Encodes `value` as `message` says; a bare value as raw when it is a Uint8Array, else as
   * msgpack.
   *
   * @throws ERR_MESSAGE_TOO_LARGE, ERR_PAYLOAD_INVALID, ERR_PAYLOAD_UNSUPPORTED,
   * ERR_DICTIONARY_FULL when there is no room for telling others what the struct looks like
   */
  stage(message: Message<unknown> | null, subject: string, value: unknown): void {
    const codec = message === null ? codecOf(value) : message.codec
    if (codec === CodecId.Struct && message !== null) this.#stageStruct(message, value)
    else if (codec === CodecId.Raw) this.#stageRaw(subject, value)
    else if (codec === CodecId.None) this.#set(CodecId.None, 0, 0)
    else this.#stageObject(message, subject, value)
  }

  #stageObject(message: Message<unknown> | null, subject: string, value: unknown): void {
    if (typeof value === 'object' && value !== null) {
      const flatBytes = this.#flat.encode(value, this.#slotOf(message, subject))
      if (flatBytes >= 0) {
        this.#set(CodecId.Flat, this.#flat.typeId, flatBytes)
        return
      }
    }
    const bytes = this.#encoder.encode(subject, value)
    this.#check(subject, bytes)
    this.#encoder.copyTo(this.#views, 0)
    this.#set(CodecId.Msgpack, 0, bytes)
  }

  /** What is known of the objects that travel as this message, or on this subject. */
  #slotOf(message: Message<unknown> | null, subject: string): Slot {
    const slot =
      message === null ? this.#slotsOfSubjects.get(subject) : this.#slotsOfMessages[message.ordinal]
    return slot ?? this.#makeSlot(message, subject)
  }

  #makeSlot(message: Message<unknown> | null, subject: string): Slot {
    const slot = FlatEncoder.slot()
    if (message === null) {
      if (this.#slotsOfSubjects.size >= ROUTES_CACHED_MAX) this.#slotsOfSubjects.clear()
      this.#slotsOfSubjects.set(subject, slot)
    } else if (message.ordinal < ROUTES_CACHED_MAX) this.#slotsOfMessages[message.ordinal] = slot
    return slot
  }

  /** Copies what was staged to `offset` (a multiple of 8) of the region. */
  copyTo(views: Views, offset: number): void {
    const { bytes } = this
    if (bytes >= NATIVE_WRITE_BYTES_MIN && this.#copyBytes !== null) {
      this.#copyBytes(views.bytes, offset, this.#source ?? this.#views.bytes, 0, bytes)
    } else copyPayload(this.#u32, this.#views.bytes, bytes, views, offset)
  }

  /** What was staged, as bytes of its own. */
  take(): Uint8Array {
    const { bytes } = this
    if (this.#source === null || this.#copyBytes === null) {
      return this.#views.bytes.slice(0, bytes)
    }
    const own = new Uint8Array(bytes)
    this.#copyBytes(own, 0, this.#source, 0, bytes)
    return own
  }

  /** Stages bytes that were taken earlier. */
  restore(codec: CodecId, typeId: number, payload: Uint8Array): void {
    this.#setBytes(codec, typeId, payload, payload.length)
  }

  #stageStruct(message: Message<unknown>, value: unknown): void {
    const struct = message.struct
    if (struct === null) return
    this.#check(message.subject, struct.bytes)
    const bound = this.#structs[message.ordinal] ?? this.#bind(message, struct)
    bound.encode(value, 0)
    this.#set(CodecId.Struct, message.typeId, struct.bytes)
  }

  #bind(message: Message<unknown>, struct: StructCodec<unknown>): BoundStruct<unknown> {
    if (!this.#dictionary.addType(message.typeId, struct.canonical)) {
      throw new FlyshuttleError('ERR_DICTIONARY_FULL', {
        thread: this.#dictionary.thread,
        found: struct.canonical.length,
        wanted: this.#dictionary.bytesLeft,
      })
    }
    const bound = struct.bind(this.#views)
    // Messages made without end, by `at()` say, share their struct and its binding.
    if (message.ordinal < ROUTES_CACHED_MAX) this.#structs[message.ordinal] = bound
    return bound
  }

  #stageRaw(subject: string, value: unknown): void {
    if (!isUint8Array(value)) {
      throw new FlyshuttleError('ERR_PAYLOAD_INVALID', {
        subject,
        field: '(message)',
        found: describe(value),
        wanted: 'a Uint8Array',
      })
    }
    const bytes = bytesIn(value)
    this.#check(subject, bytes)
    this.#setBytes(CodecId.Raw, 0, value, bytes)
  }

  #setBytes(codec: CodecId, typeId: number, source: Uint8Array, bytes: number): void {
    this.#set(codec, typeId, bytes)
    if (bytes < NATIVE_WRITE_BYTES_MIN || this.#copyBytes === null) {
      this.#views.bytes.set(source)
      return
    }
    this.#source = source
    if (this.#isReleaseDue) return
    // A small message may be the last for long, and a view of a large memory.
    this.#isReleaseDue = true
    queueMicrotask(this.#release)
  }

  #set(codec: CodecId, typeId: number, bytes: number): void {
    this.#source = null
    this.codec = codec
    this.typeId = typeId
    this.bytes = bytes
  }

  #check(subject: string, bytes: number): void {
    if (bytes <= this.#bytesMax) return
    throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', {
      subject,
      found: bytes,
      wanted: this.#bytesMax,
    })
  }
}

function codecOf(value: unknown): CodecId {
  if (value === undefined) return CodecId.None
  return value instanceof Uint8Array ? CodecId.Raw : CodecId.Msgpack
}

function copyPayload(
  fromU32: Uint32Array,
  fromBytes: Uint8Array,
  bytes: number,
  to: Views,
  offset: number,
): void {
  if (bytes > WORD_COPY_BYTES_MAX) {
    to.bytes.set(fromBytes.subarray(0, bytes), offset)
    return
  }
  const u32 = to.u32
  const start = offset >>> 2
  const words = (bytes + 3) >>> 2
  for (let word = 0; word < words; word++) u32[start + word] = fromU32[word] as number
}
