import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import {
  ascii,
  bytes,
  canonicalText,
  f64,
  i16,
  i64,
  i8,
  oneOf,
  parseCanonical,
  u16,
  u32,
  u8,
  utf8,
  type Fields,
} from '../../src/codec/schema.js'
import { compileStruct, StructCodec } from '../../src/codec/struct.js'
import { Everything, GOOD, sharedViews } from './everything.js'
import { struct } from './struct-arbitrary.js'

describe('layout', () => {
  test('fields are sorted by alignment, then stand in declared order, without gaps', () => {
    const codec = compileStruct('a.b', { a: u8, b: f64, c: u16, d: u8, e: u32, f: i64, g: i16 })
    expect(codec.offsets).toEqual([24, 0, 20, 25, 16, 8, 22])
    expect(codec.bytes).toBe(32)
  })

  test('the payload is a multiple of 8 bytes', () => {
    expect(compileStruct('a.b', { a: u8 }).bytes).toBe(8)
    expect(compileStruct('a.b', { a: ascii(8) }).bytes).toBe(8)
    expect(compileStruct('a.b', { a: ascii(9) }).bytes).toBe(16)
  })

  test('the index of oneOf takes a second byte above 256 options', () => {
    const options = Array.from({ length: 257 }, (_, i) => `o${i}`) as [string, ...string[]]
    const codecOf = (n: number): StructCodec<{ a: string; b: string }> =>
      compileStruct('a.b', {
        a: oneOf(...(options.slice(0, n) as [string, ...string[]])),
        b: ascii(7),
      })
    expect(codecOf(256).bytes).toBe(8)
    expect(codecOf(257).bytes).toBe(16)
    const views = sharedViews()
    const bound = codecOf(257).bind(views)
    bound.encode({ a: 'o256', b: '' }, 0)
    expect(views.u16[0]).toBe(256)
    expect(bound.decode(0).a).toBe('o256')
  })

  test('the same fields have the same type id, other order or other name another one', () => {
    const id = compileStruct('a', { x: u8, y: u8 }).typeId
    expect(compileStruct('b', { x: u8, y: u8 }).typeId).toBe(id)
    expect(compileStruct('a', { y: u8, x: u8 }).typeId).not.toBe(id)
    expect(compileStruct('a', { x: u8, z: u8 }).typeId).not.toBe(id)
  })
})

describe('bad input', () => {
  const CODE = 'a string of at most 3 ASCII characters without NUL'
  const LONG = 'a string of at most 20 ASCII characters without NUL'
  const bad: [field: string, value: unknown, found: string, wanted: string][] = [
    ['flag', 1, '1', 'true or false'],
    ['flag', undefined, 'undefined', 'true or false'],
    ['code', 3, '3', CODE],
    ['code', 'ABCD', '"ABCD"', CODE],
    ['code', 'AÄ', '"AÄ"', CODE],
    ['code', 'A\0', '"A\\u0000"', CODE],
    ['code', '\0\0\0', '"\\u0000\\u0000\\u0000"', CODE],
    ['long', 'x'.repeat(21), `"${'x'.repeat(21)}"`, LONG],
    ['long', 'a\0b', '"a\\u0000b"', LONG],
    ['long', 'naïve', '"naïve"', LONG],
    ['long', null, 'null', LONG],
    ['small', 128, '128', 'an integer from -128 to 127'],
    ['small', -129, '-129', 'an integer from -128 to 127'],
    ['tiny', 256, '256', 'an integer from 0 to 255'],
    ['tiny', -1, '-1', 'an integer from 0 to 255'],
    ['tiny', 1.5, '1.5', 'an integer from 0 to 255'],
    ['tiny', 2 ** 32, '4294967296', 'an integer from 0 to 255'],
    ['delay', 32768, '32768', 'an integer from -32768 to 32767'],
    ['delay', '3', '"3"', 'an integer from -32768 to 32767'],
    ['count', 65536, '65536', 'an integer from 0 to 65535'],
    ['count', NaN, 'NaN', 'an integer from 0 to 65535'],
    ['count', 3n, '3n', 'an integer from 0 to 65535'],
    ['count', [3], 'an array of 1', 'an integer from 0 to 65535'],
    ['id', -1, '-1', 'an integer from 0 to 4294967295'],
    ['id', 2 ** 32, '4294967296', 'an integer from 0 to 4294967295'],
    ['id', Infinity, 'Infinity', 'an integer from 0 to 4294967295'],
    ['id', undefined, 'undefined', 'an integer from 0 to 4294967295'],
    ['ratio', '1', '"1"', 'a number'],
    ['price', 1n, '1n', 'a number'],
    ['price', null, 'null', 'a number'],
    ['signed', 1, '1', 'a bigint from -2^63 to 2^63-1'],
    ['signed', 2n ** 63n, '9223372036854775808n', 'a bigint from -2^63 to 2^63-1'],
    ['unsigned', -1n, '-1n', 'a bigint from 0 to 2^64-1'],
    ['unsigned', 2n ** 64n, '18446744073709551616n', 'a bigint from 0 to 2^64-1'],
    ['user', 'x'.repeat(17), `"${'x'.repeat(17)}"`, 'a string of at most 16 bytes as UTF-8'],
    ['user', 'ë'.repeat(9), `"${'ë'.repeat(9)}"`, 'a string of at most 16 bytes as UTF-8'],
    ['user', {}, 'an object (Object)', 'a string of at most 16 bytes as UTF-8'],
    ['block', new Uint8Array(11), 'an object (Uint8Array)', 'a Uint8Array of at most 10 bytes'],
    ['block', [1, 2], 'an array of 2', 'a Uint8Array of at most 10 bytes'],
    ['block', new Uint16Array(1), 'an object (Uint16Array)', 'a Uint8Array of at most 10 bytes'],
    ['side', 'hold', '"hold"', 'one of "buy", "sell"'],
    ['side', 0, '0', 'one of "buy", "sell"'],
    ['side', Symbol('buy'), 'a symbol (buy)', 'one of "buy", "sell"'],
  ]

  test.each(bad)('refuses %s with %o, bytes untouched', (field, value, found, wanted) => {
    const views = sharedViews()
    views.bytes.fill(0x5a)
    const bound = Everything.bind(views)
    const error = thrownBy(() => bound.encode({ ...GOOD, [field]: value } as never, 64))
    expect(error).toBeInstanceOf(FlyshuttleError)
    expect((error as FlyshuttleError).code).toBe('ERR_PAYLOAD_INVALID')
    expect((error as FlyshuttleError).data).toEqual({ subject: 'all.types', field, found, wanted })
    expect(views.bytes.every((byte) => byte === 0x5a)).toBe(true)
  })

  test('integers at both edges are accepted, one beyond is not', () => {
    const edges: [Fields[string], number, number][] = [
      [i8, -128, 127],
      [u8, 0, 255],
      [i16, -32768, 32767],
      [u16, 0, 65535],
      [parseCanonical('[["a","i32"]]').a as Fields[string], -(2 ** 31), 2 ** 31 - 1],
      [u32, 0, 2 ** 32 - 1],
    ]
    for (const [type, min, max] of edges) {
      const bound = new StructCodec<{ a: unknown }>('a.b', { a: type }).bind(sharedViews())
      for (const a of [min, max]) {
        bound.encode({ a }, 0)
        expect(bound.decode(0)).toEqual({ a })
      }
      for (const a of [min - 1, max + 1, min - 2 ** 32, max + 2 ** 32, min + 0.5]) {
        expect(() => bound.encode({ a }, 0)).toThrow('wanted an integer from')
      }
    }
  })

  test.each([[null], [undefined], [3], ['text'], [() => 1]])('refuses %o as a message', (value) => {
    const error = thrownBy(() => Everything.bind(sharedViews()).encode(value as never, 0))
    expect((error as FlyshuttleError).data).toMatchObject({
      field: '(message)',
      wanted: 'an object with flag, code, long, small, tiny, delay, count, id …',
    })
  })

  test('refuses an option beyond the compared ones as well', () => {
    const options = Array.from({ length: 20 }, (_, i) => `o${i}`) as [string, ...string[]]
    const bound = compileStruct('a.b', { a: oneOf(...options) }).bind(sharedViews())
    bound.encode({ a: 'o19' }, 0)
    expect(bound.decode(0).a).toBe('o19')
    const error = thrownBy(() => bound.encode({ a: 'o20' }, 0)) as FlyshuttleError
    expect(error.data.wanted).toBe('one of "o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7" …')
  })

  test('a getter that throws leaves the bytes untouched and its error goes on', () => {
    const views = sharedViews()
    views.bytes.fill(0x5a)
    const boom = new Error('boom')
    const value = Object.defineProperty({ ...GOOD }, 'side', {
      get: () => {
        throw boom
      },
    })
    expect(thrownBy(() => Everything.bind(views).encode(value, 64))).toBe(boom)
    expect(views.bytes.every((byte) => byte === 0x5a)).toBe(true)
  })

  test('every getter is read once, before anything is written', () => {
    const views = sharedViews()
    const bound = compileStruct('a.b', { a: u8, b: u8 }).bind(views)
    const seen: string[] = []
    bound.encode(
      {
        get a() {
          seen.push(`a with ${views.bytes[0]}`)
          return 1
        },
        get b() {
          seen.push(`b with ${views.bytes[0]}`)
          return 2
        },
      },
      0,
    )
    expect(seen).toEqual(['a with 0', 'b with 0'])
    expect([views.bytes[0], views.bytes[1]]).toEqual([1, 2])
  })

  test('a class instance and inherited properties are fine', () => {
    class Point {
      get a(): number {
        return 7
      }
    }
    const bound = compileStruct('a.b', { a: u8 }).bind(sharedViews())
    bound.encode(new Point(), 0)
    expect(bound.decode(0)).toEqual({ a: 7 })
  })
})

describe('names that could mean more than a field', () => {
  const INHERITED = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const OWN = ['toJSON', 'a"b', "it's", '${x}', '\n', '*/', 'v0', 'Record', 'prototype']

  test.each([[INHERITED.concat(OWN)], [OWN]])(
    '%j arrive as ordinary own properties and change no prototype',
    (names) => {
      const fields: Record<string, typeof u8> = Object.create(null)
      const value: Record<string, number> = Object.create(null)
      names.forEach((name, i) => {
        fields[name] = u8
        value[name] = i + 1
      })
      const bound = new StructCodec<Record<string, number>>('a.b', fields).bind(sharedViews())
      bound.encode(value, 0)
      const decoded = bound.decode(0)
      expect(Object.entries(decoded)).toEqual(Object.entries(value))
      expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
      expect(decoded).toStrictEqual(Object.fromEntries(Object.entries(value)))
      const view = bound.view(0)
      for (const name of names) expect(view[name]).toBe(value[name])
    },
  )
})

describe('lazy view', () => {
  test('reads the same as the decoded object, and toJSON makes a plain copy', () => {
    const bound = Everything.bind(sharedViews())
    bound.encode(GOOD, 128)
    const view = bound.view(128)
    for (const name of Object.keys(GOOD) as (keyof typeof GOOD)[]) {
      expect(view[name]).toEqual(GOOD[name])
    }
    expect((view as unknown as { toJSON(): unknown }).toJSON()).toEqual(GOOD)
  })

  test('is one object that moves with each view', () => {
    const bound = compileStruct('a.b', { a: u8 }).bind(sharedViews())
    bound.encode({ a: 1 }, 0)
    bound.encode({ a: 2 }, 8)
    const first = bound.view(0)
    expect(first.a).toBe(1)
    expect(bound.view(8)).toBe(first)
    expect(first.a).toBe(2)
  })

  test('throws once it has expired, and lives again with the next view', () => {
    const bound = compileStruct('a.b', { a: u8, b: ascii(3) }).bind(sharedViews())
    const view = bound.view(0)
    bound.expire()
    for (const read of [() => view.a, () => view.b, () => JSON.stringify(view)]) {
      expect(read).toThrow(expect.objectContaining({ code: 'ERR_INFO_EXPIRED' }))
    }
    expect((thrownBy(() => view.b) as FlyshuttleError).data).toEqual({ found: 'message.b' })
    expect(bound.view(0).a).toBe(0)
  })

  test('cannot be written to', () => {
    const view = compileStruct('a.b', { a: u8 }).bind(sharedViews()).view(0)
    expect(() => {
      view.a = 3
    }).toThrow(TypeError)
    expect(() => Object.assign(view, { other: 1 })).toThrow(TypeError)
  })

  test('can be encoded like the message it shows', () => {
    const bound = compileStruct('a.b', { a: u8, b: ascii(3) }).bind(sharedViews())
    bound.encode({ a: 5, b: 'xyz' }, 0)
    bound.encode(bound.view(0), 64)
    expect(bound.decode(64)).toEqual({ a: 5, b: 'xyz' })
  })
})

describe('garbage in shared memory', () => {
  test('lengths and indexes beyond the schema are corrupt frames', () => {
    const views = sharedViews(64)
    const texts = compileStruct('a.b', { a: utf8(4) }).bind(views)
    views.u16[0] = 5
    expect(() => texts.decode(0)).toThrow('a string of 5 bytes; wanted at most 4')
    const blocks = compileStruct('a.b', { a: bytes(4) }).bind(views)
    views.u32[0] = 0xffffffff
    expect(() => blocks.decode(0)).toThrow('a block of 4294967295 bytes; wanted at most 4')
    const options = compileStruct('a.b', { a: oneOf('x', 'y') }).bind(views)
    views.bytes[0] = 2
    expect(() => options.decode(0)).toThrow('option 2 of a oneOf; wanted an index below 2')
    for (const decode of [texts.decode, options.decode]) {
      views.bytes.fill(0xff)
      expect(() => decode(0)).toThrow(expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' }))
    }
  })

  test('decoding random bytes gives a value or a FlyshuttleError', () => {
    fc.assert(
      fc.property(struct, fc.uint8Array({ minLength: 64, maxLength: 64 }), ({ fields }, noise) => {
        const codec = new StructCodec<unknown>('any', fields)
        const views = sharedViews(codec.bytes)
        views.bytes.forEach((_, i) => (views.bytes[i] = noise[i % 64] as number))
        try {
          codec.bind(views).decode(0)
        } catch (error) {
          expect((error as FlyshuttleError).code).toBe('ERR_FRAME_CORRUPT')
        }
      }),
      { numRuns: 150 },
    )
  })
})

test('the same views get the same bound codec, other views another one', () => {
  const views = sharedViews()
  expect(Everything.bind(views)).toBe(Everything.bind(views))
  expect(Everything.bind(sharedViews())).not.toBe(Everything.bind(views))
})

test('changing the fields object later does not change the codec', () => {
  const fields: Record<string, Fields[string]> = { a: u8 }
  const codec = new StructCodec<{ a: number }>('a.b', fields)
  fields.a = f64
  fields.b = f64
  expect(canonicalText(codec.fields)).toBe('[["a","u8"]]')
  expect(Object.isFrozen(codec.fields)).toBe(true)
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
