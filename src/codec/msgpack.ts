// Any plain value as msgpack, with record structures: an object's keys travel once for each thread,
// not once for each message.
//
// The sending thread has one encoder. A new shape of object gets a number and is saved, with all
// shapes before it, to the thread's dictionary in the region before the bytes that use the number
// are handed out. The receiving thread has one decoder for each sender, which loads that dictionary
// when it meets a number it does not know. Past 128 shapes, or when the dictionary is full, further
// shapes travel inside their messages.
//
// What arrives: undefined, null, booleans, numbers (NaN too, but -0 becomes 0), bigints of any
// size, strings (a lone surrogate becomes one to three U+FFFD), arrays (holes become undefined),
// Date, Map, Set, RegExp, ArrayBuffer, typed arrays and Buffer as themselves. An Error keeps name,
// message and cause, not its code and stack; handlers' errors travel as records (`error-record.ts`)
// and keep both. Class instances become plain objects of their own enumerable properties, or what
// their `toJSON` returns. A key `__proto__` becomes `__proto_`. Two references to one object become
// two objects. Functions, symbols and circles are refused.
//
// Three traps of msgpackr are dealt with here. Its target buffer is global to the thread, so the
// result of `pack` is copied away before user code can run again. Re-entrant packing (a `toJSON`
// that publishes) and shared structures do not go together with two-byte record numbers, so nested
// encoders share nothing. And its reader is fast, and its native string extraction possible, only
// in a small private buffer, so payloads are copied out of the ring first; this also keeps a
// hostile sender from changing bytes between two reads of them.

import { Packr, Unpackr, type Options } from 'msgpackr'

import { FlyshuttleError } from '../base/errors.js'
import type { Views } from '../memory/region.js'
import { applyToJson, findUnsupported } from './unsupported.js'

/** Shapes of objects that one thread shares through its dictionary. */
export const STRUCTURES_MAX = 128
/** Shapes that one message may bring along by itself before it repeats them. */
const OWN_STRUCTURES_MAX = 32

/** msgpackr: return its target with `start` and `end`, no view; reuse its place. */
const REUSE_AND_RESET = 512 | 1024
const WORD_COPY_BYTES_MAX = 256
const STAGING_BYTES = 64 * 1024

const WANTED =
  'plain data: undefined, null, booleans, numbers, strings, arrays, objects, Map, Set, Date, bytes'

/** What `pack` returns: the target with its marks, or a view when structures were saved. */
type Packed = Buffer & { readonly start?: number; readonly end?: number }

/** Appends the structures beyond those already saved. False: there is no room. */
export type SaveStructures = (structures: string[][]) => boolean | void

export class MsgpackEncoder {
  readonly #save: SaveStructures
  #shared: Packr
  #known: string[][]
  #isRefused = false
  /** One for each level of re-entrance, made when first needed. */
  readonly #nested: Packr[] = []
  #depth = 0
  #source: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0
  #words: Uint32Array = new Uint32Array(0)

  constructor(options: {
    /** Those that the dictionary holds already, from a predecessor on this thread's place. */
    readonly structures: readonly string[][]
    readonly save: SaveStructures
  }) {
    this.#save = options.save
    this.#known = options.structures.slice(0, STRUCTURES_MAX).map((keys) => [...keys])
    this.#shared = this.#createShared(STRUCTURES_MAX)
  }

  /**
   * Encodes `value` and returns its length in bytes. Take the bytes with `copyTo` before any other
   * code runs. User code (`toJSON`, getters) may encode in between. It may be called twice: when an
   * object literal has a `toJSON`, and when the dictionary has just filled up.
   *
   * @throws ERR_PAYLOAD_UNSUPPORTED naming what was found and where: a function, a symbol, a circle
   */
  encode(subject: string, value: unknown): number {
    const depth = this.#depth++
    try {
      this.#pack(depth, value)
    } catch (error) {
      this.#encodeAgain(subject, value, error, depth)
    } finally {
      this.#depth = depth
    }
    return this.#end - this.#start
  }

  /**
   * Copies what was encoded last to `offset`, a multiple of 4. Up to 3 bytes after its end are
   * overwritten, which belong to the frame's padding.
   */
  copyTo(views: Views, offset: number): void {
    const source = this.#source
    const start = this.#start
    const lengthBytes = this.#end - start
    const from = source.byteOffset + start
    if (lengthBytes > WORD_COPY_BYTES_MAX || (from & 3) !== 0) {
      views.bytes.set(source.subarray(start, this.#end), offset)
      return
    }
    if (this.#words.buffer !== source.buffer) {
      this.#words = new Uint32Array(source.buffer, 0, source.buffer.byteLength >>> 2)
    }
    const words = this.#words
    const u32 = views.u32
    const first = from >>> 2
    const to = offset >>> 2
    const count = (lengthBytes + 3) >>> 2
    for (let i = 0; i < count; i++) u32[to + i] = words[first + i] as number
  }

  /** What was encoded last, in place, until anything else is encoded. */
  get encoded(): Uint8Array {
    return this.#source.subarray(this.#start, this.#end)
  }

  #pack(depth: number, value: unknown): void {
    const packr = depth === 0 ? this.#shared : this.#nestedAt(depth)
    this.#keep(packr.pack(value, REUSE_AND_RESET))
    if (depth === 0 && this.#isRefused) this.#packUnshared(value)
  }

  #keep(packed: Packed): void {
    this.#source = packed
    this.#start = packed.start ?? 0
    this.#end = packed.end ?? packed.length
  }

  #createShared(structuresMax: number): Packr {
    const isOpen = structuresMax > this.#known.length
    const saveStructures = (all: {}[]): void => this.#saveNew(all as string[][])
    return new Packr({
      ...PACKR_OPTIONS,
      structures: this.#known.map((keys) => [...keys]),
      maxSharedStructures: structuresMax,
      maxOwnStructures: OWN_STRUCTURES_MAX,
      ...(isOpen ? { saveStructures } : {}),
    })
  }

  /** Runs inside `pack`. A refusal there would make it pack for ever, so it is only noted. */
  #saveNew(structures: string[][]): void {
    const all = structures.map((keys) => [...keys])
    try {
      this.#isRefused = this.#save(all) === false
    } catch {
      this.#isRefused = true
    }
    if (!this.#isRefused) this.#known = all
  }

  /** The bytes just made use numbers that nobody knows: from now on new shapes travel inline. */
  #packUnshared(value: unknown): void {
    this.#isRefused = false
    this.#shared = this.#createShared(this.#known.length)
    this.#keep(this.#shared.pack(value, REUSE_AND_RESET))
  }

  #nestedAt(depth: number): Packr {
    return (this.#nested[depth] ??= new Packr({
      ...PACKR_OPTIONS,
      maxOwnStructures: OWN_STRUCTURES_MAX,
    }))
  }

  /** Names what is wrong, or calls the `toJSON` of object literals, which msgpackr overlooks. */
  #encodeAgain(subject: string, value: unknown, error: unknown, depth: number): void {
    let cause = error
    let payload = value
    if (error instanceof FunctionFound) {
      try {
        payload = applyToJson(value)
        if (payload !== value) {
          this.#pack(depth, payload)
          return
        }
      } catch (second) {
        cause = second
      }
    }
    const found =
      findUnsupported(payload) ?? `something that cannot be encoded (${messageOf(cause)})`
    const data = { subject, found, wanted: WANTED }
    throw new FlyshuttleError(
      'ERR_PAYLOAD_UNSUPPORTED',
      data,
      cause instanceof FunctionFound ? undefined : cause,
    )
  }
}

/** Thrown by the hook that msgpackr calls for functions, instead of writing undefined for them. */
class FunctionFound extends Error {}

const PACKR_OPTIONS: Options = {
  moreTypes: true,
  writeFunction: () => {
    throw new FunctionFound('a function')
  },
}

/** One for the thread: decoding runs no user code, so it is never used twice at a time. */
let staging: Buffer | null = null
let stagingWords: Uint32Array = new Uint32Array(0)

export class MsgpackDecoder {
  readonly #load: () => readonly (readonly string[])[]
  readonly #unpackr: Unpackr
  /** Structures loaded so far. msgpackr keeps the code it compiles on each array of keys. */
  readonly #structures: string[][] = []
  #loads = 0
  #source: Buffer | null = null
  #sourceWords: Uint32Array = new Uint32Array(0)

  /** `load` returns all record structures that ONE sending thread has saved so far. */
  constructor(options: { readonly load: () => readonly (readonly string[])[] }) {
    this.#load = options.load
    this.#unpackr = new Unpackr({
      getStructures: () => this.#loadAll(),
      moreTypes: true,
      mapsAsObjects: false,
      copyBuffers: true,
      structuredClone: false,
    })
  }

  /**
   * The value whose bytes lie from `start` to `end` in `buffer`, which is a Buffer over the whole
   * region. It shares no memory with the region.
   *
   * @throws ERR_FRAME_CORRUPT when the bytes are no value that an encoder wrote
   */
  decode(buffer: Buffer, start: number, end: number): unknown {
    const lengthBytes = end - start
    try {
      const staged = this.#stage(buffer, start, lengthBytes)
      const loads = this.#loads
      const value: unknown = this.#unpackr.unpack(staged, lengthBytes)
      // msgpackr reads on from a copy that is no Buffer once it has loaded structures: read it
      // again.
      return loads === this.#loads ? value : this.#unpackr.unpack(staged, lengthBytes)
    } catch (error) {
      throw new FlyshuttleError(
        'ERR_FRAME_CORRUPT',
        {
          thread: '(sender)',
          found: `a payload of ${lengthBytes} bytes that is no msgpack (${messageOf(error)})`,
          wanted: 'a value written by an encoder',
        },
        error,
      )
    }
  }

  /** Copies the payload out of shared memory. */
  #stage(buffer: Buffer, start: number, lengthBytes: number): Buffer {
    // A payload of many bytes gets a buffer of its own; the staging one stays small.
    if (lengthBytes > STAGING_BYTES) return Buffer.from(buffer.subarray(start, start + lengthBytes))
    if (staging === null) {
      staging = Buffer.allocUnsafeSlow(STAGING_BYTES)
      stagingWords = new Uint32Array(staging.buffer)
    }
    const from = buffer.byteOffset + start
    if (lengthBytes > WORD_COPY_BYTES_MAX || (from & 3) !== 0) {
      buffer.copy(staging, 0, start, start + lengthBytes)
      return staging
    }
    if (this.#source !== buffer) {
      this.#source = buffer
      this.#sourceWords = new Uint32Array(buffer.buffer, 0, buffer.buffer.byteLength >>> 2)
    }
    const source = this.#sourceWords
    const words = stagingWords
    const first = from >>> 2
    const count = (lengthBytes + 3) >>> 2
    for (let i = 0; i < count; i++) words[i] = source[first + i] as number
    return staging
  }

  #loadAll(): string[][] {
    this.#loads++
    const loaded = this.#load()
    for (let i = this.#structures.length; i < loaded.length; i++) {
      this.#structures.push(Array.from(loaded[i] ?? [], String))
    }
    // msgpackr keeps and changes the outer array.
    return [...this.#structures]
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : String(error)
}
