import { expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import { STRUCT_BYTES_MAX, STRUCT_FIELDS_MAX } from '../../src/base/limits.js'
import {
  ascii,
  bool,
  bytes,
  canonicalText,
  checkFields,
  f32,
  f64,
  fingerprint,
  i16,
  i32,
  i64,
  i8,
  oneOf,
  parseCanonical,
  u16,
  u32,
  u64,
  u8,
  utf8,
  type Fields,
} from '../../src/codec/schema.js'

function refusal(fields: unknown): FlyshuttleError {
  try {
    checkFields('a.b', fields as Fields)
  } catch (error) {
    return error as FlyshuttleError
  }
  throw new Error('the schema was accepted')
}

test('the canonical text lists names and types in declared order', () => {
  const fields = { at: f64, to: ascii(3), who: utf8(9), data: bytes(7), side: oneOf('buy', 'sell') }
  expect(canonicalText(fields)).toBe(
    '[["at","f64"],["to",["ascii",3]],["who",["utf8",9]],["data",["bytes",7]],' +
      '["side",["oneOf","buy","sell"]]]',
  )
  expect(canonicalText({ b: u8, a: u8 })).not.toBe(canonicalText({ a: u8, b: u8 }))
})

test('a canonical text rebuilds fields with the same canonical text', () => {
  const fields = {
    ['__proto__']: u8,
    constructor: bool,
    numbers: f32,
    a: i8,
    b: i16,
    c: u16,
    d: i32,
    e: u32,
    f: i64,
    g: u64,
    h: f64,
    code: ascii(4),
    name: utf8(5),
    block: bytes(6),
    side: oneOf('buy'),
  }
  const text = canonicalText(fields)
  const rebuilt = parseCanonical(text)
  expect(canonicalText(rebuilt)).toBe(text)
  expect(Object.values(rebuilt)).toEqual(Object.values(fields))
})

test.each([
  'no json',
  '{}',
  '[]',
  '[["a"]]',
  '[["a","f63"]]',
  '[["a","toString"]]',
  '[["a",["ascii",0]]]',
  '[["a",["ascii","3"]]]',
  '[["a",["oneOf"]]]',
  '[["a",["oneOf",1]]]',
  '[["a","u8"],["a","u8"]]',
  '[["a","u8"] ]',
  '[["a",["u8",1]]]',
  'null',
])('refuses %s as a canonical text', (text) => {
  expect(() => parseCanonical(text, 'a.b')).toThrow(
    expect.objectContaining({
      code: 'ERR_SCHEMA_INVALID',
      data: expect.objectContaining({ subject: 'a.b', field: 'its canonical text' }),
    }),
  )
})

test('the fingerprint is a u32 that is never 0 and changes with every letter', () => {
  const seen = new Set<number>()
  for (let i = 0; i < 20_000; i++) {
    const id = fingerprint(`[["a${i}","u8"]]`)
    expect(Number.isInteger(id) && id > 0 && id < 2 ** 32).toBe(true)
    seen.add(id)
  }
  // Twenty thousand ids in 2^32 places meet 0.05 times on average.
  expect(seen.size).toBeGreaterThan(19_998)
})

test('a text that hashes to 0 gets another fingerprint', () => {
  // FNV-1a of this text is 0, and the finalizer keeps 0.
  expect(fingerprint('ak4md*')).toBe(1)
})

test.each<[name: string, fields: unknown, field: string, found: string, wanted: string]>([
  ['no fields', {}, 'the list of fields', 'empty', 'at least one field'],
  ['nothing', null, 'the list of fields', 'null', 'an object of field types'],
  ['an array', [f64], 'the list of fields', 'an array of 1', 'an object of field types'],
  ['a type by name', { a: 'f64' }, 'a', '"f64"', 'a field type such as f64'],
  ['a bare ascii', { a: ascii }, 'a', 'a function (ascii)', 'a field type such as f64'],
  ['undefined', { a: f64, b: undefined }, 'b', 'undefined', 'a field type such as f64'],
  ['ascii(0)', { a: ascii(0) }, 'a', 'ascii(0)', 'ascii(n) with n from 1 to 65536'],
  ['ascii(-1)', { a: ascii(-1) }, 'a', 'ascii(-1)', 'ascii(n) with n from 1 to 65536'],
  ['utf8(1.5)', { a: utf8(1.5) }, 'a', 'utf8(1.5)', 'utf8(n) with n from 1 to 65535'],
  ['utf8(65536)', { a: utf8(65536) }, 'a', 'utf8(65536)', 'utf8(n) with n from 1 to 65535'],
  ['bytes(NaN)', { a: bytes(NaN) }, 'a', 'bytes(NaN)', 'bytes(n) with n from 1 to 65536'],
  ['oneOf()', { a: (oneOf as () => unknown)() }, 'a', 'oneOf with 0 options', '1 to 65536 options'],
  ['a double option', { a: oneOf('x', 'x') }, 'a', 'oneOf with "x" twice', 'different options'],
  ['a number as option', { a: oneOf(1 as never) }, 'a', 'oneOf with 1', 'strings'],
])('refuses %s', (_, fields, field, found, wanted) => {
  const error = refusal(fields)
  expect(error.code).toBe('ERR_SCHEMA_INVALID')
  expect(error.data).toEqual({ subject: 'a.b', field, found, wanted })
})

test('accepts as many fields as the limit says and not one more', () => {
  const many = (n: number): Fields =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`f${i}`, u8]))
  checkFields('a.b', many(STRUCT_FIELDS_MAX))
  expect(refusal(many(STRUCT_FIELDS_MAX + 1)).data.found).toBe(`${STRUCT_FIELDS_MAX + 1} long`)
})

test('accepts as many bytes as the limit says and not one more', () => {
  checkFields('a.b', { a: ascii(STRUCT_BYTES_MAX - 1), b: u8 })
  expect(refusal({ a: ascii(STRUCT_BYTES_MAX), b: u8 }).data).toMatchObject({
    field: 'the sum of its fields',
    found: `${STRUCT_BYTES_MAX + 1} bytes`,
  })
})
