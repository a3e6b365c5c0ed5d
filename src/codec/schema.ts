// What a struct is made of: field types as values, and the canonical text that names a schema on
// every thread.
//
// `message('orders.new', { id: u32, price: f64, side: oneOf('buy', 'sell') })` hands these values
// to `struct.ts`, which compiles them. A type value carries no code, only sizes. What must stay
// true: the canonical text is the same on every machine for the same fields in the same order, and
// its fingerprint is the type id in every frame. So neither may change without a new layout
// version; `test/golden/struct.json` pins both.

import { describe, FlyshuttleError } from '../base/errors.js'
import { STRUCT_BYTES_MAX, STRUCT_FIELDS_MAX } from '../base/limits.js'

declare const VALUE: unique symbol

/** One field's type. `T` is what a handler reads; it exists for the compiler only. */
export interface FieldType<T> {
  readonly name: FieldTypeName
  /** Bytes in the struct, a multiple of `alignBytes`. */
  readonly sizeBytes: number
  readonly alignBytes: 1 | 2 | 4 | 8
  /** The `n` of `ascii`, `utf8` and `bytes`; 0 for the others. */
  readonly limit: number
  /** The options of `oneOf`, in order; empty for the others. */
  readonly options: readonly string[]
  readonly [VALUE]?: T
}

export type FieldTypeName =
  | 'f64'
  | 'f32'
  | 'i8'
  | 'u8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'u64'
  | 'bool'
  | 'ascii'
  | 'utf8'
  | 'bytes'
  | 'oneOf'

/** Field names to types. The order in which they are declared is part of the schema. */
export type Fields = Readonly<Record<string, FieldType<any>>>

/** The value that a struct of these fields carries: `{ price: number, side: 'buy' | 'sell' }`. */
export type Infer<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends FieldType<infer T> ? T : never
}

const UTF8_BYTES_MAX = 65_535
const ONE_OF_OPTIONS_MAX = 65_536
const NO_OPTIONS: readonly string[] = Object.freeze([])

function fieldType<T>(
  name: FieldTypeName,
  sizeBytes: number,
  alignBytes: 1 | 2 | 4 | 8,
  limit = 0,
  options = NO_OPTIONS,
): FieldType<T> {
  return Object.freeze({ name, sizeBytes, alignBytes, limit, options })
}

/** Any number, NaN and infinities included. */
export const f64: FieldType<number> = fieldType('f64', 8, 8)
/** Any number, rounded to 32 bits. */
export const f32: FieldType<number> = fieldType('f32', 4, 4)
/** An integer from -128 to 127. */
export const i8: FieldType<number> = fieldType('i8', 1, 1)
/** An integer from 0 to 255. */
export const u8: FieldType<number> = fieldType('u8', 1, 1)
/** An integer from -32768 to 32767. */
export const i16: FieldType<number> = fieldType('i16', 2, 2)
/** An integer from 0 to 65535. */
export const u16: FieldType<number> = fieldType('u16', 2, 2)
/** An integer from -2147483648 to 2147483647. */
export const i32: FieldType<number> = fieldType('i32', 4, 4)
/** An integer from 0 to 4294967295. */
export const u32: FieldType<number> = fieldType('u32', 4, 4)
/** A bigint that fits 64 bits, signed. */
export const i64: FieldType<bigint> = fieldType('i64', 8, 8)
/** A bigint that fits 64 bits, unsigned. */
export const u64: FieldType<bigint> = fieldType('u64', 8, 8)
/** True or false, in one byte. */
export const bool: FieldType<boolean> = fieldType('bool', 1, 1)

/**
 * A string of at most `n` ASCII characters without NUL, in exactly `n` bytes, zero-padded. The
 * fastest string: up to four characters are decoded without an allocation once they have been seen.
 *
 * @example message('flights', { origin: ascii(3) })
 */
export function ascii(n: number): FieldType<string> {
  return fieldType('ascii', n, 1, n)
}

/**
 * A string of at most `n` bytes of UTF-8, `n` up to 65535: a u16 length, then room for `n` bytes,
 * whatever is used. A lone surrogate arrives as U+FFFD.
 */
export function utf8(n: number): FieldType<string> {
  return fieldType('utf8', 2 + Math.ceil(n / 2) * 2, 2, n)
}

/** At most `n` bytes: a u32 length, then room for `n`. The receiver gets its own copy. */
export function bytes(n: number): FieldType<Uint8Array> {
  return fieldType('bytes', 4 + Math.ceil(n / 4) * 4, 4, n)
}

/**
 * One of the given strings, as its index: one byte, two above 256 options.
 *
 * @example message('orders.new', { side: oneOf('buy', 'sell') })   // side: 'buy' | 'sell'
 */
export function oneOf<const O extends readonly [string, ...string[]]>(
  ...options: O
): FieldType<O[number]> {
  const bytesOfIndex = options.length > 256 ? 2 : 1
  return fieldType('oneOf', bytesOfIndex, bytesOfIndex, 0, Object.freeze([...options]))
}

/**
 * Refuses what cannot be a struct. Called before anything is compiled, so that nothing half-made
 * stays behind.
 *
 * @throws ERR_SCHEMA_INVALID naming the subject, the field, what was found and what was wanted
 */
export function checkFields(subject: string, fields: Fields): void {
  const refuse = (field: string, found: unknown, wanted: string): never => {
    throw new FlyshuttleError('ERR_SCHEMA_INVALID', { subject, field, found, wanted })
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    refuse('the list of fields', describe(fields), 'an object of field types')
  }
  const names = Object.keys(fields)
  if (names.length === 0) refuse('the list of fields', 'empty', 'at least one field')
  if (names.length > STRUCT_FIELDS_MAX) {
    refuse('the list of fields', `${names.length} long`, `at most ${STRUCT_FIELDS_MAX}`)
  }
  let sizeBytes = 0
  for (const name of names) {
    const type = fields[name]
    if (!isFieldType(type)) return refuse(name, describe(type), 'a field type such as f64')
    const limitMax = type.name === 'utf8' ? UTF8_BYTES_MAX : STRUCT_BYTES_MAX
    const hasLimit = type.name === 'ascii' || type.name === 'utf8' || type.name === 'bytes'
    if (hasLimit && !(Number.isInteger(type.limit) && type.limit >= 1 && type.limit <= limitMax)) {
      const found = `${type.name}(${String(type.limit)})`
      refuse(name, found, `${type.name}(n) with n from 1 to ${limitMax}`)
    }
    if (type.name === 'oneOf') checkOptions(name, type.options, refuse)
    sizeBytes += type.sizeBytes
  }
  if (sizeBytes > STRUCT_BYTES_MAX) {
    refuse('the sum of its fields', `${sizeBytes} bytes`, `at most ${STRUCT_BYTES_MAX}`)
  }
}

function checkOptions(
  field: string,
  options: readonly string[],
  refuse: (field: string, found: unknown, wanted: string) => never,
): void {
  if (options.length === 0 || options.length > ONE_OF_OPTIONS_MAX) {
    refuse(field, `oneOf with ${options.length} options`, `1 to ${ONE_OF_OPTIONS_MAX} options`)
  }
  const seen = new Set<string>()
  for (const option of options) {
    if (typeof option !== 'string') refuse(field, `oneOf with ${describe(option)}`, 'strings')
    if (seen.has(option)) refuse(field, `oneOf with ${describe(option)} twice`, 'different options')
    seen.add(option)
  }
}

function isFieldType(type: unknown): type is FieldType<unknown> {
  if (typeof type !== 'object' || type === null) return false
  const { name, options } = type as FieldType<unknown>
  return (Object.hasOwn(PLAIN_TYPES, name) || SIZED_TYPES.has(name)) && Array.isArray(options)
}

/** The types that need no argument, by name. */
const PLAIN_TYPES: Readonly<Record<string, FieldType<unknown>>> = {
  f64,
  f32,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  bool,
}

const SIZED_TYPES: ReadonlySet<string> = new Set(['ascii', 'utf8', 'bytes', 'oneOf'])

/**
 * The schema as text, equal for equal fields in equal order: the JSON of `[name, type]` pairs.
 *
 * @example
 * canonicalText({ at: f64, to: ascii(3) })          // [["at","f64"],["to",["ascii",3]]]
 * canonicalText({ side: oneOf('buy', 'sell') })     // [["side",["oneOf","buy","sell"]]]
 */
export function canonicalText(fields: Fields): string {
  return JSON.stringify(
    Object.keys(fields).map((name) => {
      const type = fields[name] as FieldType<unknown>
      if (type.name === 'oneOf') return [name, ['oneOf', ...type.options]]
      return [name, type.limit > 0 ? [type.name, type.limit] : type.name]
    }),
  )
}

/**
 * The fields that a canonical text describes, for a receiver that never saw the message.
 *
 * @throws ERR_SCHEMA_INVALID when the text is not what `canonicalText` writes
 */
export function parseCanonical(text: string, subject = '(canonical text)'): Fields {
  // No prototype, so that a field may have any name.
  const fields: Record<string, FieldType<unknown>> = Object.create(null)
  try {
    const pairs = JSON.parse(text) as [string, unknown][]
    for (const [name, type] of pairs) fields[name] = parseType(type)
    checkFields(subject, fields)
    if (canonicalText(fields) === text) return fields
  } catch {
    // Told below in one way, whatever was wrong with it.
  }
  throw new FlyshuttleError('ERR_SCHEMA_INVALID', {
    subject,
    field: 'its canonical text',
    found: describe(text),
    wanted: 'a text written by canonicalText',
  })
}

function parseType(type: unknown): FieldType<unknown> {
  if (typeof type === 'string' && Object.hasOwn(PLAIN_TYPES, type)) {
    return PLAIN_TYPES[type] as FieldType<unknown>
  }
  const [name, ...rest] = type as [string, ...unknown[]]
  if (name === 'oneOf') return oneOf(...(rest as [string, ...string[]]))
  const n = rest[0] as number
  if (name === 'ascii') return ascii(n)
  if (name === 'utf8') return utf8(n)
  if (name === 'bytes') return bytes(n)
  throw new TypeError(`no field type is called ${String(name)}`)
}

/**
 * The type id of a canonical text: FNV-1a over its UTF-8 bytes, then the finalizer of MurmurHash3,
 * so that texts that differ in one letter differ in half of the bits. Never 0, which means "no
 * type" in a frame.
 */
export function fingerprint(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash = (hash ^ (hash >>> 16)) >>> 0
  return hash === 0 ? 1 : hash
}
