// From a value to payload bytes, whatever the codec, and where those bytes wait until a frame has
// room for them.
//
// Struct messages with one destination skip this file: their encoder writes straight into the ring.
// All others are staged: msgpack must be packed before its length is known, and a message for
// several links is encoded once. Staging is safe under re-entrance (a `toJSON` that publishes),
// because user code never runs between the first byte staged and the copy that takes it away.
// Long bytes are not staged but copied by the addon from where they are, for the same reason. What
// no frame carries is copied from where it is, too, into a block of the chunk pool; its frames name
// that block.

import { FlyshuttleError, describe } from '../base/errors.js'
import {
  CHUNK_RAW_BYTES_MIN,
  NATIVE_WRITE_BYTES_MIN,
  ROUTES_CACHED_MAX,
  STRUCT_BYTES_MAX,
} from '../base/limits.js'
import type { Packed } from '../codec/compression.js'
import type { Message } from '../codec/message.js'
import { FlatEncoder, type Shape, type Slot } from '../codec/flat.js'
import { MsgpackEncoder } from '../codec/msgpack.js'
import type { BoundStruct, StructCodec } from '../codec/struct.js'
import { bytesIn } from '../codec/struct-text.js'
import { DESCRIPTOR_BYTES } from '../link/descriptor.js'
import type { DictionaryWriter } from '../memory/dictionary.js'
import { viewsOf, type Views } from '../memory/region.js'
import { CodecId } from '../base/codec-id.js'
import { atTickEnd } from '../base/tick-end.js'
import type { CopyBytes } from '../native/copying.js'
import { LoanedBlock } from './loaned.js'
import type { Packer } from './packing.js'
import { isUint8Array } from 'node:util/types'

/** Payloads up to this size are copied word by word; longer ones by V8, or by the addon. */
const WORD_COPY_BYTES_MAX = 256

const EMPTY = new Uint8Array(0)

export class PayloadStage {
  readonly #views: Views
  readonly #u32: Uint32Array
  readonly #encoder: MsgpackEncoder
  readonly #flat: FlatEncoder
  readonly #slotsOfMessages: (Slot | undefined)[] = []
  readonly #slotsOfSubjects = new Map<string, Slot>()
  readonly #structs: (BoundStruct<unknown> | undefined)[] = []
  readonly #bytesMax: number
  readonly #largeBytesMax: number
  /** Longer raw bytes travel in a block. */
  readonly #rawBytesMax: number
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
  /** It has been compressed: how. */
  packed: Packed | null = null
  /** It travels in a block: its frames carry a descriptor instead. */
  isLarge = false
  /** The block that holds it already, or null. */
  loan: LoanedBlock | null = null

  /**
   * `bytesMax` is what a frame carries, `largeBytesMax` what a block does, 0 without blocks.
   * `copyBytes` is the addon's, or null without.
   */
  constructor(
    bytesMax: number,
    largeBytesMax: number,
    dictionary: DictionaryWriter,
    copyBytes: CopyBytes | null,
  ) {
    this.#bytesMax = bytesMax
    this.#largeBytesMax = largeBytesMax
    const isPooled = largeBytesMax > 0
    this.#rawBytesMax = isPooled ? Math.min(bytesMax, CHUNK_RAW_BYTES_MIN - 1) : bytesMax
    this.#copyBytes = copyBytes
    this.#dictionary = dictionary
    const stagedMax = largeBytesMax === 0 ? bytesMax : Math.max(bytesMax, STRUCT_BYTES_MAX)
    this.#views = viewsOf(new ArrayBuffer((stagedMax + 15) & -8))
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
  stage(
    message: Message<unknown> | null,
    subject: string,
    value: unknown,
    packer: Packer | null = null,
  ): void {
    const codec = message === null ? codecOf(value) : message.codec
    if (codec === CodecId.Struct && message !== null) this.#stageStruct(message, value)
    else if (codec === CodecId.Raw) this.#stageRaw(subject, value)
    else if (codec === CodecId.None) this.#set(CodecId.None, 0, 0)
    else this.#stageObject(message, subject, value)
    if (packer !== null) this.pack(packer)
  }

  /** Compresses what is staged, if it is large enough and that pays. */
  pack(packer: Packer): void {
    const { codec, typeId, bytes } = this
    if (this.loan !== null || !packer.wants(bytes)) return
    const payload = packer.pack(this.#source ?? this.#views.bytes.subarray(0, bytes))
    if (payload === null) return
    this.restore(codec, typeId, payload, { algorithm: packer.algorithm, plainBytes: bytes })
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
    if (bytes <= this.#bytesMax) {
      this.#encoder.copyTo(this.#views, 0)
      this.#set(CodecId.Msgpack, 0, bytes)
    } else this.#setBytes(CodecId.Msgpack, 0, this.#encoder.encoded, bytes)
  }

  /**
   * The keys that the objects of a message usually have; null where nothing is known, or where they
   * have ever other ones.
   */
  shapeOf(message: Message<unknown>): Shape | null {
    const slot = this.#slotsOfMessages[message.ordinal]
    return slot === undefined || FlatEncoder.isGivenUp(slot) ? null : slot.shape
  }

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
    const source = this.#source
    if (bytes >= NATIVE_WRITE_BYTES_MIN && this.#copyBytes !== null) {
      this.#copyBytes(views.bytes, offset, source ?? this.#views.bytes, 0, bytes)
    } else if (source !== null) views.bytes.set(source, offset)
    else copyPayload(this.#u32, this.#views.bytes, bytes, views, offset)
  }

  /** What was staged, as bytes of its own. */
  take(): Uint8Array {
    const { bytes } = this
    const source = this.#source
    if (this.loan !== null) return EMPTY
    if (source === null) return this.#views.bytes.slice(0, bytes)
    if (this.#copyBytes === null) return source.slice()
    const own = new Uint8Array(bytes)
    this.#copyBytes(own, 0, source, 0, bytes)
    return own
  }

  /** Stages bytes that were taken earlier. */
  restore(codec: CodecId, typeId: number, payload: Uint8Array, packed: Packed | null = null): void {
    this.#setBytes(codec, typeId, payload, payload.length)
    this.packed = packed
  }

  /** Stages what a block of this thread holds already. */
  stageLoan(loan: LoanedBlock): void {
    this.#set(CodecId.Raw, 0, loan.length)
    this.isLarge = true
    this.loan = loan
  }

  /** What a frame holds of it. */
  get frameBytes(): number {
    return this.isLarge ? DESCRIPTOR_BYTES : this.bytes
  }

  /** A frame would hold it, but not this one. False: then nothing can. */
  enlarge(): boolean {
    return (this.isLarge = this.bytes <= this.#largeBytesMax)
  }

  /**
   * Stages bytes that another thread encoded, of a type that it calls `canonical`.
   *
   * @throws ERR_DICTIONARY_FULL when there is no room for telling others what they look like
   */
  adopt(codec: CodecId, typeId: number, canonical: string, payload: Uint8Array): void {
    this.#publishType(typeId, canonical)
    this.restore(codec, typeId, payload)
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
    this.#publishType(message.typeId, struct.canonical)
    const bound = struct.bind(this.#views)
    // Messages made without end, by `at()` say, share their struct and its binding.
    if (message.ordinal < ROUTES_CACHED_MAX) this.#structs[message.ordinal] = bound
    return bound
  }

  #publishType(typeId: number, canonical: string): void {
    if (this.#dictionary.addType(typeId, canonical)) return
    throw new FlyshuttleError('ERR_DICTIONARY_FULL', {
      thread: this.#dictionary.thread,
      found: canonical.length,
      wanted: this.#dictionary.bytesLeft,
    })
  }

  #stageRaw(subject: string, value: unknown): void {
    if (value instanceof LoanedBlock) return this.stageLoan(value)
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
    const mayStage = bytes < NATIVE_WRITE_BYTES_MIN || this.#copyBytes === null
    if (mayStage && bytes <= this.#bytesMax) {
      this.#views.bytes.set(source)
      return
    }
    this.#source = source
    if (this.#isReleaseDue) return
    // A small message may be the last for long, and a view of a large memory.
    this.#isReleaseDue = true
    atTickEnd(this.#release)
  }

  #set(codec: CodecId, typeId: number, bytes: number): void {
    this.#source = null
    this.codec = codec
    this.typeId = typeId
    this.bytes = bytes
    this.isLarge = bytes > this.#rawBytesMax && (codec === CodecId.Raw || bytes > this.#bytesMax)
    this.loan = null
    this.packed = null
  }

  #check(subject: string, bytes: number): void {
    const wanted = Math.max(this.#bytesMax, this.#largeBytesMax)
    if (bytes <= wanted) return
    throw new FlyshuttleError('ERR_MESSAGE_TOO_LARGE', { subject, found: bytes, wanted })
  }
}

function codecOf(value: unknown): CodecId {
  if (value === undefined) return CodecId.None
  const isRaw = value instanceof Uint8Array || value instanceof LoanedBlock
  return isRaw ? CodecId.Raw : CodecId.Msgpack
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
