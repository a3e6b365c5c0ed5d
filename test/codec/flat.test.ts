import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FlatDecoder, FlatEncoder } from '../../src/codec/flat.js'
import { viewsOf } from '../../src/memory/region.js'

const BYTES_MAX = 4096

function make(bytesMax = BYTES_MAX) {
  const views = viewsOf(new ArrayBuffer(bytesMax + 16))
  const types = new Map<number, string>()
  const encoder = new FlatEncoder(views, bytesMax, (typeId, canonical) => {
    types.set(typeId, canonical)
    return true
  })
  const decoder = new FlatDecoder(views)
  const slot = FlatEncoder.slot()
  const decode = (bytes: number): unknown =>
    decoder.decode(0, encoder.typeId, (typeId) => types.get(typeId), 0, bytes)
  /** Encodes after the slot has learnt these keys. */
  const encode = (value: object): number => {
    for (let i = 0; i < 8; i++) encoder.encode(value, slot)
    return encoder.encode(value, slot)
  }
  return { views, types, encoder, slot, encode, decode }
}

const SAMPLES: object[] = [
  { id: 1, topic: 'ticks.equities.A', price: 100.125, qty: 5, user: 'user-001' },
  { a: true, b: false, c: null, d: undefined, e: '' },
  {
    big: 2 ** 53,
    small: -5e-324,
    min: -(2 ** 31),
    max: 2 ** 31 - 1,
    over: 2 ** 31,
    inf: -Infinity,
  },
  { text: 'ä€😀', long: 'x'.repeat(500), edge: 'y'.repeat(64), past: 'z'.repeat(65) },
  { 2: 'two', 1: 'one', 'odd key "\n': 3 },
]

describe('a flat record', () => {
  test.each(SAMPLES)('arrives as it was: %o', (value) => {
    const { encode, decode } = make()
    const bytes = encode(value)
    expect(bytes).toBeGreaterThan(0)
    const got = decode(bytes) as object
    expect(got).toEqual(value)
    expect(Object.keys(got)).toEqual(Object.keys(value))
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype)
  })

  test('keeps NaN, and makes 0 of -0, as msgpack does', () => {
    const { encode, decode } = make()
    expect(decode(encode({ a: NaN, b: -0 }))).toEqual({ a: NaN, b: 0 })
  })

  test('is any list of keys with numbers, text and truth', () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.string({ unit: 'binary', maxLength: 80 }),
    )
    const key = fc.string({ maxLength: 12 }).filter((name) => name !== '__proto__')
    fc.assert(
      fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 12 }), (drawn) => {
        const record = { ...drawn }
        const { encode, decode } = make(16_384)
        const bytes = encode(record)
        expect(bytes).toBeGreaterThan(0)
        // A lone surrogate has no UTF-8; -0 becomes 0.
        const wanted = Object.fromEntries(
          Object.entries(record).map(([name, given]) => [
            name,
            typeof given === 'string'
              ? Buffer.from(given).toString()
              : Object.is(given, -0)
                ? 0
                : given,
          ]),
        )
        expect(decode(bytes)).toEqual(wanted)
      }),
    )
  })

  test('with the same text in a place of its own is not mixed up', () => {
    const { encode, decode, encoder, slot } = make()
    encode({ a: 'x' })
    for (let n = 0; n < 20_000; n++) {
      const value = { a: `user-${n % 9973}` }
      expect(decode(encoder.encode(value, slot))).toEqual(value)
    }
  })
})

describe('what is no flat record goes another way', () => {
  const OTHERS: object[] = [
    { a: { b: 1 } },
    { a: [1] },
    { a: 1n },
    { a: () => 1 },
    { a: Symbol('s') },
    { a: new Date(0) },
    {},
    [1, 2],
    new Map([['a', 1]]),
    new (class Point {
      x = 1
    })(),
    Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i])),
    JSON.parse('{"__proto__":1}') as object,
    { ['k'.repeat(2000)]: 1 },
  ]
  test.each(OTHERS)('%o', (value) => {
    expect(make().encode(value)).toBe(-1)
  })

  test('one that is larger than the stage', () => {
    const { encode } = make(64)
    expect(encode({ a: 'x'.repeat(200) })).toBe(-1)
    expect(make(64).encode({ a: 'x'.repeat(60) })).toBe(-1)
    expect(make(64).encode({ a: 'x'.repeat(12) })).toBeGreaterThan(0)
  })

  test('other keys, fewer keys, or the same in another order', () => {
    const { encode, encoder, slot } = make()
    expect(encode({ a: 1, b: 2 })).toBeGreaterThan(0)
    for (const value of [{ b: 2, a: 1 }, { a: 1 }, { a: 1, b: 2, c: 3 }, { a: 1, x: 2 }]) {
      expect(encoder.encode(value, slot)).toBe(-1)
    }
    expect(encoder.encode({ a: 3, b: 4 }, slot)).toBeGreaterThan(0)
  })

  test('a subject whose objects differ again and again is given up', () => {
    const { encode, encoder, slot } = make()
    encode({ a: 1 })
    for (let n = 0; n < 16; n++) expect(encoder.encode({ [`k${n}`]: n }, slot)).toBe(-1)
    expect(encoder.encode({ a: 1 }, slot)).toBe(-1)
  })

  test('keys that the dictionary has no room for', () => {
    const views = viewsOf(new ArrayBuffer(256))
    const encoder = new FlatEncoder(views, 128, () => false)
    const slot = FlatEncoder.slot()
    for (let n = 0; n < 20; n++) expect(encoder.encode({ a: 1 }, slot)).toBe(-1)
  })
})

test('a getter that encodes in between harms neither', () => {
  const { encode, encoder, slot, decode } = make()
  encode({ a: 1, b: 2 })
  let inner: unknown
  const value = {
    a: 7,
    get b() {
      inner = decode(encoder.encode({ a: 'in', b: 'side' }, slot))
      return 8
    },
  }
  expect(decode(encoder.encode(value, slot))).toEqual({ a: 7, b: 8 })
  expect(inner).toEqual({ a: 'in', b: 'side' })
})

describe('bytes that no encoder wrote', () => {
  const corrupt = expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' })

  test('are refused or are wrong values, never read out of bounds', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 64, maxLength: 64 }), (words) => {
        const { views, encode, decode } = make(248)
        encode({ a: 'some text', b: 1.5, c: 'ü' })
        words.forEach((word, i) => (views.i32[i] = word))
        for (let i = 0; i < 3; i++) views.bytes[i] = 1 + (((words[i] as number) >>> 0) % 9)
        try {
          expect(Object.keys(decode(64) as object)).toEqual(['a', 'b', 'c'])
        } catch (error) {
          expect(error).toEqual(corrupt)
        }
      }),
    )
  })

  test.each(['', '{}', '[1]', '[]', '["__proto__"]', undefined])('keys %o are refused', (text) => {
    const decoder = new FlatDecoder(viewsOf(new ArrayBuffer(64)))
    expect(() => decoder.decode(0, 1, () => text, 0, 16)).toThrow(corrupt)
  })
})
