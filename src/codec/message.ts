// Messages and rpcs: a subject together with the type of what travels on it.
//
// Users declare them once, at the top of a module that all threads import; everything else takes
// them as they are. A message says which codec writes its values. It belongs to no engine and no
// thread, and never changes; `routing/` checks its subject where it is used, and keeps what it
// needs per message in arrays indexed by `ordinal`.

import { describe, FlyshuttleError } from '../base/errors.js'
import { CodecId } from '../base/codec-id.js'
import type { Fields, Infer } from './schema.js'
import { compileStruct, type StructCodec } from './struct.js'

const PAYLOAD = Symbol.for('flyshuttle.payload')

/** Marks raw bytes; see `raw`. */
export interface RawPayload {
  readonly [PAYLOAD]: 'raw'
}

/** Marks any plain value of type `T`; see `object`. */
export interface ObjectPayload<T> {
  readonly [PAYLOAD]: 'object'
  /** For the compiler only. */
  readonly value?: T
}

/** What a message may be declared with: fields of a struct, `raw`, or `object<T>()`. */
export type Payload = Fields | RawPayload | ObjectPayload<any>

/** The value that a declared payload stands for. */
export type ValueOf<P> = P extends RawPayload
  ? Uint8Array
  : P extends ObjectPayload<infer T>
    ? T
    : P extends Fields
      ? Infer<P>
      : never

/**
 * Bytes as they are. The receiver gets a copy of its own.
 *
 * @example const Frame = message('camera.frame', raw)
 */
export const raw: RawPayload = Object.freeze({ [PAYLOAD]: 'raw' as const })

/**
 * Any plain value, through msgpack. What survives the journey is listed in `msgpack.ts`.
 *
 * @example const Worst = rpc('delays.worst', { request: { top: u8 }, reply: object<Delay[]>() })
 */
export function object<T>(): ObjectPayload<T> {
  return ANY_OBJECT
}

const ANY_OBJECT: ObjectPayload<never> = Object.freeze({ [PAYLOAD]: 'object' as const })

// Two copies of the package in one thread (an application's and a plugin's) count together: an
// engine of one of them takes messages made by the other.
const COUNTER = Symbol.for('flyshuttle.messagesMade')
const counters = globalThis as unknown as Record<symbol, number>

function nextOrdinal(): number {
  const ordinal = counters[COUNTER] ?? 0
  counters[COUNTER] = ordinal + 1
  return ordinal
}

/** A subject and the type of its messages. Made by `message` and `rpc`. */
export class Message<T> {
  readonly subject: string
  readonly codec: CodecId
  /** The compiled schema; null unless the codec is `Struct`. */
  readonly struct: StructCodec<T> | null
  /** Fingerprint of the schema; 0 unless the codec is `Struct`. */
  readonly typeId: number
  /** Counts the messages made in this thread from 0: an index for arrays. */
  readonly ordinal: number

  constructor(subject: string, codec: CodecId, struct: StructCodec<T> | null) {
    this.subject = checkGiven(subject)
    this.codec = codec
    this.struct = struct
    this.typeId = struct === null ? 0 : struct.typeId
    this.ordinal = nextOrdinal()
    Object.freeze(this)
  }

  /**
   * The same type on another subject, for subjects that are known only at run time. Keep the
   * result: each call makes a new message. An invalid payload is still reported with the subject
   * that the schema was declared with.
   *
   * @example const toLate = Flight.at('flights.late')
   */
  at(subject: string): Message<T> {
    return new Message<T>(subject, this.codec, this.struct)
  }
}

/** The value type of a message: `PayloadOf<typeof Flight>`. */
export type PayloadOf<M> = M extends Message<infer T> ? T : never

/** A subject on which requests are answered. Made by `rpc`. */
export class Rpc<Request, Reply> {
  readonly subject: string
  readonly request: Message<Request>
  readonly reply: Message<Reply>

  constructor(request: Message<Request>, reply: Message<Reply>) {
    this.subject = request.subject
    this.request = request
    this.reply = reply
    Object.freeze(this)
  }

  /** The same types on another subject. Keep the result: each call makes two new messages. */
  at(subject: string): Rpc<Request, Reply> {
    return new Rpc(this.request.at(subject), this.reply.at(subject))
  }
}

/** The request type of an rpc. */
export type RequestOf<R> = R extends Rpc<infer Request, any> ? Request : never
/** The reply type of an rpc. */
export type ReplyOf<R> = R extends Rpc<any, infer Reply> ? Reply : never

/**
 * Declares what travels on a subject: a struct of fields, `raw` bytes, or, with no second argument,
 * any plain value.
 *
 * @throws ERR_SCHEMA_INVALID naming the field; ERR_SUBJECT_INVALID for no string or an empty one
 * @example
 * const Flight = message('flights.departed', { date: f64, delayMin: i16, origin: ascii(3) })
 * const Note = message<{ text: string }>('notes')
 * const Frame = message('camera.frame', raw)
 */
export function message<T = unknown>(subject: string): Message<T>
export function message(subject: string, payload: RawPayload): Message<Uint8Array>
export function message<T>(subject: string, payload: ObjectPayload<T>): Message<T>
export function message<const F extends Fields>(subject: string, fields: F): Message<Infer<F>>
export function message(subject: string, ...given: Payload[]): Message<any> {
  // An `undefined` that was given is a mistake, such as a circular import, and not a wish for plain
  // values.
  return given.length === 0 ? message(subject, ANY_OBJECT) : declare(subject, given[0])
}

function declare(subject: string, payload: Payload | undefined): Message<any> {
  checkGiven(subject)
  const mark = (payload as Partial<RawPayload> | null | undefined)?.[PAYLOAD]
  if (mark === 'raw') return new Message(subject, CodecId.Raw, null)
  if (mark === 'object') return new Message(subject, CodecId.Msgpack, null)
  return new Message(subject, CodecId.Struct, compileStruct(subject, payload as Fields))
}

/**
 * Declares what a request on a subject carries and what its reply does. Without payloads both are
 * plain values.
 *
 * @throws ERR_SCHEMA_INVALID naming the field; ERR_SUBJECT_INVALID for no string or an empty one
 * @example const Worst = rpc('delays.worst', { request: { top: u8 }, reply: object<Delay[]>() })
 */
export function rpc<Request = unknown, Reply = unknown>(subject: string): Rpc<Request, Reply>
export function rpc<const Q extends Payload, const R extends Payload>(
  subject: string,
  payloads: { readonly request: Q; readonly reply: R },
): Rpc<ValueOf<Q>, ValueOf<R>>
export function rpc(
  subject: string,
  ...given: { readonly request: Payload; readonly reply: Payload }[]
): Rpc<any, any> {
  if (given.length === 0) return new Rpc(message(subject), message(subject))
  return new Rpc(declare(subject, given[0]?.request), declare(subject, given[0]?.reply))
}

function checkGiven(subject: string): string {
  if (typeof subject === 'string' && subject !== '') return subject
  throw new FlyshuttleError('ERR_SUBJECT_INVALID', {
    subject: describe(subject),
    found: subject === '' ? 'it is empty' : 'it is no string',
    wanted: 'a string such as orders.new',
  })
}

/** @throws ERR_OPTION_INVALID when something else was given where a message belongs */
export function checkMessage(found: Message<any>): Message<any> {
  if (typeof found.ordinal === 'number') return found
  throw notMade('message', found, 'a subject or a message')
}

/** @throws ERR_OPTION_INVALID when something else was given where an rpc belongs */
export function checkRpc(found: Rpc<any, any>): Rpc<any, any> {
  if (typeof found.request?.ordinal === 'number') return found
  throw notMade('rpc', found, 'a subject or an rpc')
}

function notMade(option: string, found: unknown, wanted: string): FlyshuttleError {
  return new FlyshuttleError('ERR_OPTION_INVALID', { option, found: describe(found), wanted })
}
