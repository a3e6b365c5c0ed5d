// Random schemas with values that fit them, for property tests.

import fc from 'fast-check'
import * as schema from '../../src/codec/schema.js'
import type { FieldType, Fields } from '../../src/codec/schema.js'

interface TypedValue {
  readonly type: FieldType<unknown>
  readonly value: unknown
}

const int = (type: FieldType<number>, min: number, max: number): fc.Arbitrary<TypedValue> =>
  fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map((value) => ({ type, value }))

const big = (type: FieldType<bigint>, min: bigint, max: bigint): fc.Arbitrary<TypedValue> =>
  fc.bigInt({ min, max }).map((value) => ({ type, value }))

const limit = fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 25, max: 300 }))
const asciiUnit = fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code))

const ascii = limit.chain((n) =>
  fc.string({ unit: asciiUnit, maxLength: n }).map((value) => ({ type: schema.ascii(n), value })),
)

const utf8 = limit.chain((n) =>
  fc
    .oneof(
      fc.string({ unit: asciiUnit, maxLength: n }),
      fc.string({ unit: 'binary', maxLength: n }),
    )
    .map((text) => {
      const whole = text.toWellFormed()
      const value = Buffer.byteLength(whole) <= n ? whole : whole.replace(/[^\x01-\x7f]/g, '')
      return { type: schema.utf8(n), value }
    }),
)

const bytes = limit.chain((n) =>
  fc.uint8Array({ maxLength: n }).map((value) => ({ type: schema.bytes(n), value })),
)

const oneOf = fc
  .tuple(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 12 }), fc.nat())
  .map(([options, pick]) => ({
    type: schema.oneOf(...(options as [string, ...string[]])),
    value: options[pick % options.length],
  }))

const typedValue: fc.Arbitrary<TypedValue> = fc.oneof(
  fc.double().map((value) => ({ type: schema.f64, value })),
  fc.float().map((value) => ({ type: schema.f32, value })),
  int(schema.i8, -128, 127),
  int(schema.u8, 0, 255),
  int(schema.i16, -32768, 32767),
  int(schema.u16, 0, 65535),
  int(schema.i32, -(2 ** 31), 2 ** 31 - 1),
  int(schema.u32, 0, 2 ** 32 - 1),
  big(schema.i64, -(2n ** 63n), 2n ** 63n - 1n),
  big(schema.u64, 0n, 2n ** 64n - 1n),
  fc.boolean().map((value) => ({ type: schema.bool, value })),
  ascii,
  utf8,
  bytes,
  oneOf,
)

const fieldName = fc.oneof(
  fc.string({ unit: 'binary' }).map((name) => name.toWellFormed()),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'expire', 'prototype', '0', 'v0', 'offset'),
)

/** A schema and a value that fits; both without a prototype, so that any name is ordinary. */
export const struct: fc.Arbitrary<{ fields: Fields; value: Record<string, unknown> }> = fc
  .uniqueArray(fc.tuple(fieldName, typedValue), {
    minLength: 1,
    maxLength: 20,
    selector: ([name]) => name,
  })
  .map((entries) => {
    const fields: Record<string, FieldType<unknown>> = Object.create(null)
    const value: Record<string, unknown> = Object.create(null)
    for (const [name, typed] of entries) {
      fields[name] = typed.type
      value[name] = typed.value
    }
    return { fields, value }
  })
