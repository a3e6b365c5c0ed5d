// Structs: messages of a fixed layout, encoded and decoded by code that is compiled for them.
//
// `message.ts` compiles a schema once; each thread then binds the codec to its views of the region.
// The bound functions write and read at a byte offset with plain typed-array stores and loads: no
// view, no closure and no object but the decoded one.
//
//   payload   ┌──────────────┬──────────────┬──────────────┬───────────┬─────────────────────┐
//             │ 8-aligned    │ 4-aligned    │ 2-aligned    │ bytes     │ 0–7 bytes, not      │
//             │ f64 i64 u64  │ f32 u32 …    │ u16 utf8 …   │ u8 ascii… │ written and not read│
//             └──────────────┴──────────────┴──────────────┴───────────┴─────────────────────┘
//
// Fields of one alignment keep their declared order, so nothing lies between fields. What must stay
// true: an encoder reads and checks every field before its first store, because a getter may run
// any code and a bad value must leave the bytes as they were. Whoever calls `encode` deals with a
// getter that publishes in between.

import { describe, FlyshuttleError } from '../base/errors.js'
import type { Views } from '../memory/region.js'
import {
  canonicalText,
  checkFields,
  fingerprint,
  parseCanonical,
  type FieldType,
  type Fields,
  type Infer,
} from './schema.js'
import type { CompiledFilter } from './filter.js'
import { questionOfValue, type Question, type Refuses } from './filter-source.js'
import { PUBLISH_FRAME, REPLY_FRAME, REQUEST_FRAME, type FrameSource } from './frame-source.js'
import { runSource, type RunNumbers } from './run-source.js'
import { publisherSource, type PublisherNumbers } from './publisher-source.js'
import { emitterSource, recordSource, structSource } from './struct-source.js'
import * as text from './struct-text.js'
import { isUint8Array } from 'node:util/types'

/** A codec bound to one thread's views. Offsets count bytes from their start, in multiples of 8. */
export interface BoundStruct<T> {
  /**
   * Writes `value` at `offset`. Fields that the schema does not name are ignored; the types refuse
   * them.
   *
   * @throws ERR_PAYLOAD_INVALID naming the field, found and wanted; then nothing was written
   */
  encode(value: T, offset: number): void
  /** @throws ERR_FRAME_CORRUPT when the bytes cannot have been written by `encode` */
  decode(offset: number): T
  /**
   * The message at `offset` without decoding it: each property is read when it is asked for. There
   * is one view, used again for every message; it lives until `expire` or the next `view`.
   * `toJSON()` makes a plain copy.
   */
  view(offset: number): T
  /** Ends the life of the view: reading it throws ERR_INFO_EXPIRED from now on. */
  expire(): void
}

/**
 * Where an emitter writes: one ring of one link, as plain numbers. Positions and sizes are in units
 * of 8 bytes, indexes in words of 4.
 */
export interface EmitterLane {
  /** The ring's cursor; see `ring/ring.ts`. */
  readonly cursor: Int32Array
  /** What its words mean depends on the kind of frame; see `frame-source.ts`. */
  readonly gate: Int32Array
  /** Takes the fields that were read of a message that was not written. */
  readonly kept: { value: unknown }
  /** Byte offset of the ring. */
  readonly data: number
  readonly mask: number
  /** Of the whole frame. */
  readonly units: number
  /** The last index at which a frame fits before the ring's end. */
  readonly indexMax: number
  /** What must stay free behind the frame. */
  readonly reserveUnits: number
  readonly word0: number
  readonly word1: number
  readonly typeId: number
  /** Different for each emitter of a thread. */
  readonly number: number
}

export interface EmitLane extends EmitterLane {
  readonly versionIndex: number
  readonly fullIndex: number
  readonly sourceShift: number
  readonly subjectId: number
}

export interface RequestLane extends EmitLane {
  readonly stateIndex: number
  readonly stateAlive: number
  /** Of the thread that asks. */
  readonly incarnation: number
}

/**
 * Writes a whole frame and commits it. 0: done. 1: done, and the batch has to be flushed or listed,
 * or the ring is above its high-water mark. -1: nothing was written; `kept.value` has the fields.
 *
 * @throws ERR_PAYLOAD_INVALID naming the field, found and wanted; then nothing was written
 */
export type Emit = (value: unknown, agent: number) => number

/** The same for a request. */
export type EmitRequest = (
  value: unknown,
  agent: number,
  request: { readonly counter: number; readonly deadlineMs: number },
) => number

/** The same for the reply to one. */
export type EmitReply = (
  value: unknown,
  ticket: { readonly incarnation: number; readonly counter: number },
) => number

/** Whom a run of frames goes to, and what is the same of all of them. */
export interface RunLane extends RunNumbers {
  readonly handler: (value: unknown, info: never, context: unknown) => unknown
  readonly context: unknown
  readonly info: { renew(): void; expire(): void }
  readonly mailbox: {
    readonly isFree: boolean
    returned(result: unknown, subject: string): void
    failed(error: unknown, subject: string): void
  }
  /** Its first word changes when another handler may have to get the next frame. */
  readonly gate: Int32Array
  readonly subject: string
  /** What the handler wants; null: every message. */
  readonly filter: CompiledFilter | null
  /** For the views of a lazy handler. */
  readonly isLazy: boolean
  readonly bound: Pick<BoundStruct<unknown>, 'view' | 'expire'>
  /** Takes what the bytes of a frame are guilty of. */
  readonly refuse: (error: unknown) => void
  /** Different for each run of a thread. */
  readonly number: number
}

/**
 * Handles the frame at `offset`, and those right behind it that are like it: `framesLeft` at most,
 * in `unitsLeft` units. Stores the end of each in the word `takenIndex` first. Returns how many
 * there were after the first. Never throws.
 */
export type Run = (
  offset: number,
  framesLeft: number,
  unitsLeft: number,
  takenIndex: number,
) => number

/** What a bound publisher works with. */
export interface PublisherLane {
  /** Of all rings of the thread; see `ring/ring.ts`. */
  readonly cursors: Int32Array
  /** Five words that say where to: see `PublisherWay`. */
  readonly way: Int32Array
  /** Takes the message the long way. */
  publish(value: unknown): boolean
  /** Moves the cursor's `Quiet` on if a frame would reach it: whether it did, and none does now. */
  prepare(): boolean
  /** What the filters ask that the only receiver had when the publisher was compiled. */
  readonly standing: Question | null
  /** Whether others, which it has now, refuse a message. */
  refuses: Refuses
  /** Null: everything takes the long way. */
  readonly numbers: PublisherNumbers | null
  /** Different for each publisher of a thread. */
  readonly number: number
}

/** Takes the fields of one message in the order in which they were named. */
export type BoundPublisher = (...fields: unknown[]) => boolean

/** A compiled schema. It belongs to no thread and no region until it is bound. */
export class StructCodec<T> {
  /** Fingerprint of `canonical`; the type id in frames. */
  readonly typeId: number
  readonly canonical: string
  /** Bytes of a payload, a multiple of 8. */
  readonly bytes: number
  readonly fields: Fields
  /** Byte offset of each field in the payload, in declared order. */
  readonly offsets: readonly number[]
  readonly #subject: string
  readonly #source: string
  readonly #bound = new WeakMap<Views, BoundStruct<T>>()
  #record: RecordClass | null = null

  constructor(subject: string, fields: Fields) {
    checkFields(subject, fields)
    this.fields = Object.freeze(Object.assign(Object.create(null) as Fields, fields))
    this.canonical = canonicalText(fields)
    this.typeId = fingerprint(this.canonical)
    const layout = placeFields(Object.values(fields))
    this.offsets = layout.offsets
    this.bytes = layout.bytes
    this.#subject = subject
    this.#source = structSource(fields, layout.offsets, this.typeId)
  }

  /** The codec over `views`. It is compiled once: the same views get the same bound codec. */
  bind(views: Views): BoundStruct<T> {
    let bound = this.#bound.get(views)
    if (bound === undefined) {
      bound = new Function('views', 'host', this.#source)(views, this.#host()) as BoundStruct<T>
      this.#bound.set(views, bound)
    }
    return bound
  }

  /** A new emitter into one lane. Compiling takes about as long as a hundred messages. */
  emitter(views: Views, lane: EmitLane): Emit {
    return this.#compileEmitter(views, lane, PUBLISH_FRAME) as Emit
  }

  requestEmitter(views: Views, lane: RequestLane): EmitRequest {
    return this.#compileEmitter(views, lane, REQUEST_FRAME) as EmitRequest
  }

  replyEmitter(views: Views, lane: EmitterLane): EmitReply {
    return this.#compileEmitter(views, lane, REPLY_FRAME) as EmitReply
  }

  /** A publisher that takes the fields as arguments, in the order of `names`: each of them once. */
  publisher(views: Views, names: readonly string[], lane: PublisherLane): BoundPublisher {
    const { numbers, standing, number } = lane
    const source = publisherSource(this, names, numbers, standing, number)
    return new Function('views', 'host', 'lane', source)(
      views,
      this.#host(),
      lane,
    ) as BoundPublisher
  }

  /**
   * A run: see `Run`. Compiling takes about as long as a hundred messages. Null where the filter
   * cannot be asked in short.
   */
  runner(views: Views, lane: RunLane): Run | null {
    const { isLazy, filter, number } = lane
    const wanted = questionOfValue(filter === null ? null : [filter], this.fields)
    if (wanted === null) return null
    const source = runSource(this, lane, isLazy, wanted, number)
    const run = new Function('views', 'host', 'lane', 'holds', source)
    return run(views, this.#host(), lane, wanted.holds) as Run
  }

  #compileEmitter(views: Views, lane: EmitterLane, frame: FrameSource): unknown {
    const source = emitterSource(this.fields, this.offsets, this.typeId, lane.number, frame)
    return new Function('views', 'host', 'lane', source)(views, this.#host(), lane)
  }

  /** What the compiled code needs besides the views. */
  #host(): StructHost {
    const subject = this.#subject
    const names = Object.keys(this.fields)
    const types = Object.values(this.fields)
    return {
      ...text,
      Record: (this.#record ??= new Function(recordSource(this.fields))() as RecordClass),
      isUint8Array,
      options: types.map((type) => type.options),
      optionIndex: types.map((type) => new Map(type.options.map((option, i) => [option, i]))),
      refuse: (index, value) => {
        throw new FlyshuttleError('ERR_PAYLOAD_INVALID', {
          subject,
          field: names[index],
          found: describe(value),
          wanted: wantedOf(types[index] as FieldType<unknown>),
        })
      },
      refuseMessage: (value) => {
        throw new FlyshuttleError('ERR_PAYLOAD_INVALID', {
          subject,
          field: '(message)',
          found: describe(value),
          wanted: `an object with ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' …' : ''}`,
        })
      },
      expired: (name) => {
        throw new FlyshuttleError('ERR_INFO_EXPIRED', { found: `message.${name}` })
      },
    }
  }
}

/** Makes a plain object of the fields' values. */
type RecordClass = new (...values: unknown[]) => object

/** The functions and tables that compiled code reaches through `host`. */
export type StructHost = typeof text & {
  readonly Record: RecordClass
  readonly isUint8Array: (value: unknown) => boolean
  readonly options: readonly (readonly string[])[]
  readonly optionIndex: readonly ReadonlyMap<string, number>[]
  readonly refuse: (fieldIndex: number, value: unknown) => never
  readonly refuseMessage: (value: unknown) => never
  readonly expired: (name: string) => never
}

/**
 * Compiles a schema.
 *
 * @throws ERR_SCHEMA_INVALID naming the subject and the field
 * @example
 * const codec = compileStruct('orders.new', { id: u32, price: f64, side: oneOf('buy', 'sell') })
 * codec.bind(region.views).encode({ id: 1, price: 9.5, side: 'buy' }, offset)
 */
export function compileStruct<const F extends Fields>(
  subject: string,
  fields: F,
): StructCodec<Infer<F>> {
  return new StructCodec<Infer<F>>(subject, fields)
}

/**
 * Compiles a schema from its canonical text, for a receiver that never saw the message itself.
 *
 * @throws ERR_SCHEMA_INVALID when the text is none
 */
export function structFromCanonical(
  subject: string,
  canonical: string,
): StructCodec<Record<string, unknown>> {
  return new StructCodec(subject, parseCanonical(canonical, subject))
}

function placeFields(types: readonly FieldType<unknown>[]): { offsets: number[]; bytes: number } {
  const offsets: number[] = Array.from({ length: types.length }, () => 0)
  let next = 0
  for (const alignBytes of [8, 4, 2, 1]) {
    types.forEach((type, i) => {
      if (type.alignBytes !== alignBytes) return
      offsets[i] = next
      next += type.sizeBytes
    })
  }
  return { offsets, bytes: Math.ceil(next / 8) * 8 }
}

function wantedOf(type: FieldType<unknown>): string {
  const bits = Number(type.name.slice(1))
  switch (type.name) {
    case 'f64':
    case 'f32':
      return 'a number'
    case 'i64':
    case 'u64':
      return type.name === 'i64' ? 'a bigint from -2^63 to 2^63-1' : 'a bigint from 0 to 2^64-1'
    case 'bool':
      return 'true or false'
    case 'ascii':
      return `a string of at most ${type.limit} ASCII characters without NUL`
    case 'utf8':
      return `a string of at most ${type.limit} bytes as UTF-8`
    case 'bytes':
      return `a Uint8Array of at most ${type.limit} bytes`
    case 'oneOf': {
      const shown = type.options.slice(0, 8).map((option) => JSON.stringify(option))
      return `one of ${shown.join(', ')}${type.options.length > 8 ? ' …' : ''}`
    }
    default:
      return type.name.startsWith('u')
        ? `an integer from 0 to ${2 ** bits - 1}`
        : `an integer from ${-(2 ** (bits - 1))} to ${2 ** (bits - 1) - 1}`
  }
}
