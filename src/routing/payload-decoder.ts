// From the bytes of a frame's payload to a value: the codecs of whatever other threads send.
//
// The dispatcher says where the payload of the frame under way lies; a value is decoded for each of
// its subscriptions. What a frame of another thread can be guilty of is thrown as an error that
// names the thread.

import type { KeptMessage } from '../agent/info.js'
import { CodecId } from '../base/codec-id.js'
import { FlyshuttleError } from '../base/errors.js'
import { UNPACKED_BYTES_KEPT } from '../base/limits.js'
import { unpack, type Packed } from '../codec/compression.js'
import type { CompiledFilter } from '../codec/filter.js'
import { FlatDecoder } from '../codec/flat.js'
import type { Headers } from '../codec/headers.js'
import type { Message } from '../codec/message.js'
import { MsgpackDecoder } from '../codec/msgpack.js'
import { structFromCanonical } from '../codec/struct.js'
import { DictionaryReader } from '../memory/dictionary.js'
import { viewsOf, type Region, type Views } from '../memory/region.js'
import { copyOut, type CopyBytes } from '../native/copying.js'
import type { Struct } from './target.js'

/** Room for what was compressed, at first. */
const UNPACKED_BYTES_MIN = 64 * 1024

export class PayloadDecoder {
  readonly #views: Views
  readonly #copyBytes: CopyBytes | null
  readonly #region: Region
  readonly #dictionaries: DictionaryReader[] = []
  readonly #msgpack: MsgpackDecoder[] = []
  readonly #flat: FlatDecoder
  readonly #keysOf = (typeId: number): string | undefined => this.#dictionary.type(typeId)
  readonly #structs = new Map<number, Struct>()
  /** For what was compressed, over memory of its own; and which payload it has there. */
  #inner: PayloadDecoder | null = null
  #innerOf: Packed | null = null
  /** The struct of the last value that was one. */
  lastStruct: Struct | null = null

  // The payload under way.
  source = 0
  typeId = 0
  codec: CodecId = CodecId.None
  start = 0
  end = 0
  /** It is compressed, and decompressed when it is first decoded. */
  packed: Packed | null = null
  /** The block in which it lies; -1 when it lies in the ring. */
  block = -1

  /**
   * `copyBytes` is the addon's, or null without. The payloads lie in `views`: those of the region,
   * or others for what was taken out of it.
   */
  constructor(region: Region, copyBytes: CopyBytes | null, views: Views = region.views) {
    this.#region = region
    this.#copyBytes = copyBytes
    this.#views = views
    this.#flat = new FlatDecoder(views)
  }

  /** Reads the block of a frame, at `start`, that says how it is compressed. Returns its end. */
  readPacked(start: number): number {
    const { u32 } = this.#views
    const word = start >>> 2
    this.packed = { algorithm: u32[word] as number, plainBytes: u32[word + 1] as number }
    return start + 8
  }

  /** The views of the value that was decoded last must not be read any more. */
  expire(): void {
    const decoder = this.packed === null ? this : this.#inner
    decoder?.lastStruct?.bound.expire()
  }

  /** The subject behind a number of the source's dictionary. */
  subject(subjectId: number): string | undefined {
    return this.#dictionary.subject(subjectId)
  }

  /** The value, which must be a `wanted` unless that is null; for structs a view if `isLazy`. */
  decode(subject: string, wanted: Message<unknown> | null, isLazy: boolean): unknown {
    if (this.packed !== null) return this.#unpacked(this.packed).decode(subject, wanted, isLazy)
    const codec = this.codec
    if (codec === CodecId.Flat) {
      if (wanted !== null && wanted.codec !== CodecId.Msgpack) {
        throw this.#mismatch(subject, wanted)
      }
      const typeId = this.typeId >>> 0
      return this.#flat.decode(this.source, typeId, this.#keysOf, this.start, this.end)
    }
    if (wanted !== null && (wanted.codec !== codec || wanted.typeId !== this.typeId >>> 0)) {
      throw this.#mismatch(subject, wanted)
    }
    if (codec === CodecId.Struct) {
      const struct = this.#structHere(subject)
      return isLazy ? struct.bound.view(this.start) : struct.bound.decode(this.start)
    }
    if (codec === CodecId.Msgpack) {
      return this.#unpacker.decode(this.#views.buffer, this.start, this.end)
    }
    if (codec === CodecId.Raw) return this.#bytes()
    if (codec === CodecId.None) return undefined
    throw this.corrupt(`codec ${codec as number}`)
  }

  /** Filters can be asked about what is under way as it lies there: it need not be decoded. */
  get isReadable(): boolean {
    return this.codec === CodecId.Struct || this.codec === CodecId.Raw
  }

  /**
   * Whether it passes: of a struct only the fields that the filter names are read, and raw bytes
   * have none.
   */
  passes(filter: CompiledFilter, subject: string, headers: Headers): boolean {
    if (this.packed !== null) return this.#unpacked(this.packed).passes(filter, subject, headers)
    if (this.codec === CodecId.Raw) return filter.test(undefined, headers)
    const { typeId, fields, bound } = this.#structHere(subject)
    try {
      return filter.testOf(typeId, fields)(bound.view(this.start), headers)
    } finally {
      bound.expire()
    }
  }

  /** Whether the value under way passes, of whatever codec; one that cannot be read does. */
  isWanted(filter: CompiledFilter | null, subject: string, headers: Headers): boolean {
    if (filter === null) return true
    try {
      if (this.isReadable) return this.passes(filter, subject, headers)
      return filter.test(this.decode(subject, null, false), headers)
    } catch {
      // What is wrong with it is for those who get it to say.
      return true
    }
  }

  /** The decoder of what the payload under way becomes; it is decompressed once. */
  #unpacked(packed: Packed): PayloadDecoder {
    let inner = this.#inner
    if (inner !== null && this.#innerOf === packed) return inner
    const plain = this.#unpack(packed)
    const room = inner === null ? 0 : inner.#views.bytes.length
    if (inner === null || room < plain.length || room > UNPACKED_BYTES_KEPT) {
      const memory = new ArrayBuffer(Math.max(UNPACKED_BYTES_MIN, (plain.length + 7) & -8))
      inner = new PayloadDecoder(this.#region, this.#copyBytes, viewsOf(memory))
      this.#inner = inner
    }
    inner.#views.bytes.set(plain)
    inner.source = this.source
    inner.typeId = this.typeId
    inner.codec = this.codec
    inner.end = plain.length
    this.#innerOf = packed
    return inner
  }

  #unpack(packed: Packed): Uint8Array {
    try {
      return unpack(this.#bytes(), packed)
    } catch (error) {
      if (error instanceof FlyshuttleError) throw error
      throw this.corrupt(`a payload that cannot be decompressed: ${(error as Error).message}`)
    }
  }

  #structHere(subject: string): Struct {
    const struct = this.#structOf(subject, this.typeId >>> 0)
    if (this.end - this.start < struct.bytes) throw this.corrupt('a struct cut short')
    return struct
  }

  /** The payload under way as it is, to be kept. */
  keep(subject: string): KeptMessage {
    const { source, codec, typeId, packed } = this
    const encoded = { source, codec, typeId, packed, payload: this.#bytes() }
    return { subject, ...encoded, receivedAtMs: Date.now() }
  }

  /**
   * What the sender of the payload under way calls a type.
   *
   * @throws ERR_TYPE_UNKNOWN
   */
  canonicalOf(subject: string, typeId: number): string {
    const canonical = this.#dictionary.type(typeId)
    if (canonical !== undefined) return canonical
    throw new FlyshuttleError('ERR_TYPE_UNKNOWN', {
      subject,
      found: hex(typeId),
      thread: this.source,
    })
  }

  #bytes(): Uint8Array {
    return copyOut(this.#copyBytes, this.#views.bytes, this.start, this.end)
  }

  /** That of the source; one is made for each thread that sends anything. */
  get #dictionary(): DictionaryReader {
    return (this.#dictionaries[this.source] ??= new DictionaryReader(this.#region, this.source))
  }

  get #unpacker(): MsgpackDecoder {
    const dictionary = this.#dictionary
    return (this.#msgpack[this.source] ??= new MsgpackDecoder({
      load: () => dictionary.structures(),
    }))
  }

  #structOf(subject: string, typeId: number): Struct {
    const last = this.lastStruct
    if (last !== null && last.typeId === typeId) return last
    let struct = this.#structs.get(typeId)
    if (struct === undefined) {
      const codec = structFromCanonical(subject, this.canonicalOf(subject, typeId))
      const { bytes, fields } = codec
      struct = { typeId, bytes, fields, codec, bound: codec.bind(this.#views) }
      this.#structs.set(typeId, struct)
    }
    this.lastStruct = struct
    return struct
  }

  /** Makes the struct of a message known before it arrives. */
  learn(message: Message<unknown>): void {
    const { struct, typeId } = message
    if (struct === null || this.#structs.has(typeId)) return
    const { bytes, fields } = struct
    const bound = struct.bind(this.#views)
    this.#structs.set(typeId, { typeId, bytes, fields, codec: struct, bound })
  }

  #mismatch(subject: string, wanted: Message<unknown>): FlyshuttleError {
    const typeText = (codec: number, typeId: number): string => {
      if (codec !== CodecId.Struct) return CODEC_NAMES[codec] ?? `codec ${codec}`
      const known = this.#dictionary.type(typeId)
      return `struct ${hex(typeId)} ${known ?? ''}`.trim()
    }
    return new FlyshuttleError('ERR_TYPE_MISMATCH', {
      subject,
      found: typeText(this.codec, this.typeId >>> 0),
      wanted:
        wanted.struct === null
          ? typeText(wanted.codec, 0)
          : `struct ${hex(wanted.typeId)} ${wanted.struct.canonical}`,
    })
  }

  /** What to throw when the frame under way is not one. */
  corrupt(found: string): FlyshuttleError {
    return new FlyshuttleError('ERR_FRAME_CORRUPT', {
      thread: this.source,
      found,
      wanted: 'a frame of this layout',
    })
  }
}

const CODEC_NAMES = ['nothing', 'struct', 'msgpack', 'raw', 'an object']

function hex(typeId: number): string {
  return `0x${typeId.toString(16).padStart(8, '0')}`
}
