import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FlyshuttleError } from '../../src/base/errors.js'
import { MsgpackDecoder, STRUCTURES_MAX } from '../../src/codec/msgpack.js'
import { ascii, u8 } from '../../src/codec/schema.js'
import { compileStruct } from '../../src/codec/struct.js'
import { sharedViews, thrownBy, Wire } from './wire.js'

describe('what arrives', () => {
  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['zero', 0],
    ['the integers where the width changes', [63, 64, 127, 128, 255, 256, 65535, 65536]],
    ['negative integers', [-1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1]],
    ['large integers', [2 ** 32 - 1, 2 ** 32, 2 ** 53, -(2 ** 53)]],
    ['fractions', [0.1, -1.5, 1e300, 5e-324]],
    ['NaN and infinities', [NaN, Infinity, -Infinity]],
    ['bigints', [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]],
    ['bigints beyond 64 bits', [2n ** 64n, -(2n ** 64n), 2n ** 100n + 7n, -(3n ** 200n)]],
    ['strings', ['', 'a', 'x'.repeat(31), 'x'.repeat(32), 'ü'.repeat(70), 'x'.repeat(70_000), '🛫']],
    ['arrays', [[], [[]], Array.from({ length: 20 }, (_, i) => i)]],
    ['objects', { a: { b: { c: [{ d: 1 }, { d: 2 }] } }, 'odd key': 1, '': 2 }],
    ['an empty object', {}],
    ['undefined as a property', { a: undefined, b: 1 }],
    ['a key that looks like a number', { 1: 'a', 0: 'b' }],
    ['dates', [new Date(0), new Date(1_700_000_000_123), new Date(-1_500_000_000_001)]],
    ['an invalid date', new Date(NaN)],
    ['maps', new Map<unknown, unknown>([['a', 1], [2, { b: new Map() }], [{ k: 1 }, null]])],
    ['sets', new Set([1, 'a', { b: 1 }])],
    ['a Uint8Array', new Uint8Array([1, 2, 3])],
    ['a Buffer', Buffer.from('abc')],
    ['typed arrays', [new Float64Array([0.5]), new Int16Array([-1]), new BigUint64Array([1n])]],
    ['a part of a typed array', new Uint16Array([1, 2, 3, 4]).subarray(1, 3)],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
    ['a regular expression', /a+/gi],
  ])('%s', (_, value) => {
    const wire = new Wire()
    for (let round = 0; round < 5; round++) expect(wire.carry(value)).toStrictEqual(value)
  })

  test('an error with its name, message and cause', () => {
    const arrived = new Wire().carry(new TypeError('no', { cause: { why: 1 } })) as Error
    expect(arrived).toBeInstanceOf(TypeError)
    expect([arrived.name, arrived.message, arrived.cause]).toEqual(['TypeError', 'no', { why: 1 }])
  })

  test('class instances as plain objects, or as what their toJSON returns', () => {
    class Point {
      x = 1
      #hidden = 2
      get sum(): number {
        return this.x + this.#hidden
      }
    }
    class Money {
      toJSON(): unknown {
        return { cents: 5 }
      }
    }
    const wire = new Wire()
    expect(wire.carry(new Point())).toStrictEqual({ x: 1 })
    expect(wire.carry({ price: new Money() })).toStrictEqual({ price: { cents: 5 } })
    expect(wire.carry(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 })
  })

  test('object literals as what their toJSON returns, however deep', () => {
    const wire = new Wire()
    expect(wire.carry({ toJSON: () => 5 })).toBe(5)
    const deep = [{ a: new Map([['k', { toJSON: () => ({ toJSON: () => [1] }) }]]) }, { b: 2 }]
    expect(wire.carry(deep)).toStrictEqual([{ a: new Map([['k', [1]]]) }, { b: 2 }])
    const self: { toJSON(): unknown } = { toJSON: () => self }
    expect(thrownBy(() => wire.send(self)).data.found).toBe('a function (toJSON) at .toJSON')
  })

  test('a lazy struct view as a plain object', () => {
    const views = sharedViews(64)
    const bound = compileStruct('a.b', { a: u8, b: ascii(3) }).bind(views)
    bound.encode({ a: 1, b: 'xyz' }, 0)
    expect(new Wire().carry({ view: bound.view(0) })).toStrictEqual({ view: { a: 1, b: 'xyz' } })
  })

  test('with the losses that are documented', () => {
    const wire = new Wire()
    expect(Object.is(wire.carry(-0), 0)).toBe(true)
    // eslint-disable-next-line no-sparse-arrays
    expect(wire.carry([1, , 3])).toStrictEqual([1, undefined, 3])
    expect(wire.carry(JSON.parse('{"__proto__":1}'))).toStrictEqual({ __proto_: 1 })
    expect(wire.carry('x'.repeat(80) + '\ud800')).toBe('x'.repeat(80) + '\ufffd')
    const twice = { a: 1 }
    const [first, second] = wire.carry([twice, twice]) as object[]
    expect(first).toStrictEqual(second)
    expect(first).not.toBe(second)
  })

  test('any JSON-like value, in any order, through one pair', () => {
    const wire = new Wire(undefined, sharedViews(1 << 22))
    const leaf = fc.oneof(
      fc.double({ noNaN: false }).filter((n) => !Object.is(n, -0)),
      fc.integer(),
      fc.bigInt(),
      fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.uint8Array(),
      fc.date(),
    )
    const key = fc
      .string({ unit: 'grapheme', maxLength: 6 })
      .filter((text) => text !== '__proto__' && text.isWellFormed())
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 6, noNullPrototype: true }),
        fc.array(fc.tuple(leaf, tie('tree')), { maxLength: 3 }).map((entries) => new Map(entries)),
      ),
    }))
    fc.assert(
      fc.property(tree, fc.integer({ min: 1, max: 100 }), (value, at) => {
        expect(wire.carry(value, at * 8)).toStrictEqual(value)
      }),
      { numRuns: 300 },
    )
    expect(wire.saved.length).toBe(STRUCTURES_MAX)
  })
})

describe('memory', () => {
  test('the length is returned and nothing beyond the next word is written', () => {
    const wire = new Wire()
    wire.views.bytes.fill(0xee)
    const bytes = wire.send('abcd', 64)
    expect(bytes).toBe(5)
    expect(wire.views.buffer.toString('hex', 56, 80)).toBe(
      `${'ee'.repeat(8)}a461626364${wire.views.buffer.toString('hex', 69, 72)}${'ee'.repeat(8)}`,
    )
  })

  test('payloads of every size around the limits of the copy paths arrive', () => {
    const wire = new Wire()
    for (const length of [0, 1, 3, 4, 250, 253, 254, 255, 256, 257, 8191, 65_533, 65_536, 70_000]) {
      expect(wire.carry({ text: 'x'.repeat(length) })).toStrictEqual({ text: 'x'.repeat(length) })
      const arrived = wire.carry(Buffer.alloc(length, 7)) as Buffer
      expect(arrived.equals(Buffer.alloc(length, 7))).toBe(true)
    }
  })

  test('what was decoded keeps its value when the ring is overwritten', () => {
    const wire = new Wire()
    const value = {
      a: new Uint8Array([1, 2]),
      b: Buffer.from('xy'),
      c: new Float32Array([1]),
      d: 'text',
    }
    const arrived = wire.carry(value) as typeof value
    wire.views.bytes.fill(0xff)
    wire.carry({ other: 'x'.repeat(200) })
    expect(arrived).toStrictEqual(value)
    expect(arrived.a.buffer).toBeInstanceOf(ArrayBuffer)
    expect(arrived.b.buffer).toBeInstanceOf(ArrayBuffer)
  })

  test('one decoder reads several regions', () => {
    const wire = new Wire()
    const other = sharedViews()
    const bytes = wire.encoder.encode('a.b', 'the other')
    wire.encoder.copyTo(other, 64)
    expect(wire.carry('the first')).toBe('the first')
    expect(wire.decoder.decode(other.buffer, 64, 64 + bytes)).toBe('the other')
    expect(wire.decoder.decode(wire.views.buffer, 64, 64 + bytes)).toBe('the first')
  })

  test('works far inside a region of 80 MiB', () => {
    const wire = new Wire(undefined, sharedViews(80 * 1024 * 1024))
    for (const value of [{ a: 1, b: 'near the end' }, { c: 'ü'.repeat(5000) }, new Map([[1, 2]])]) {
      expect(wire.carry(value, 80 * 1024 * 1024 - 16_384)).toStrictEqual(value)
    }
  })
})

describe('bad payloads', () => {
  function named(): void {}
  test.each<[string, unknown, string]>([
    ['a function at the top', named, 'a function (named) at the top'],
    ['a class', class Foo {}, 'a function (Foo) at the top'],
    ['a function', { a: { b: [1, named] } }, 'a function (named) at .a.b[1]'],
    ['a function under an odd key', { 'a b': named }, 'a function (named) at ["a b"]'],
    ['a symbol', [Symbol('s')], 'a symbol (s) at [0]'],
    ['a symbol at the top', Symbol('s'), 'a symbol (s) at the top'],
    ['a function in a Map', new Map([['k', named]]), 'a function (named) at .get("k")'],
    ['a symbol as key of a Map', new Map([[Symbol('s'), 1]]), 'a symbol (s) at .keys()'],
    ['a function in a Set', { s: new Set([named]) }, 'a function (named) at .s.values()'],
    ['a method of an instance', new (class Foo { run = named })(), 'a function (named) at .run'],
  ])('refuses %s', (_, value, found) => {
    const error = thrownBy(() => new Wire().send(value))
    expect(error).toBeInstanceOf(FlyshuttleError)
    expect(error.code).toBe('ERR_PAYLOAD_UNSUPPORTED')
    expect(error.data).toMatchObject({ subject: 'a.b', found })
    expect(error.data.wanted).toContain('plain data')
  })

  test('refuses a circle and says where it closes', () => {
    const payload: { list: unknown[] } = { list: [1] }
    payload.list.push({ owner: payload.list })
    const wire = new Wire()
    const found = 'a circle: .list[1].owner is .list again'
    expect(thrownBy(() => wire.send(payload)).data.found).toBe(found)
    const self: Record<string, unknown> = {}
    self.self = self
    const whole = 'a circle: .self is the whole payload again'
    expect(thrownBy(() => wire.send(self)).data.found).toBe(whole)
    expect(wire.carry({ list: 1 })).toStrictEqual({ list: 1 })
  })

  test('the error of a getter or a toJSON is the cause', () => {
    const boom = new Error('boom')
    const payload = {
      get a(): never {
        throw boom
      },
    }
    const wire = new Wire()
    const error = thrownBy(() => wire.send(payload))
    expect(error.code).toBe('ERR_PAYLOAD_UNSUPPORTED')
    expect(error.data.found).toBe('something that cannot be encoded (boom)')
    expect(error.cause).toBe(boom)
    const literal = { toJSON: () => payload.a }
    expect(thrownBy(() => wire.send([literal])).cause).toBe(boom)
    expect(wire.carry([1])).toStrictEqual([1])
  })

  test('looks at each object once, however many paths lead to it', () => {
    let shared: unknown = { leaf: 1 }
    for (let i = 0; i < 40; i++) shared = [shared, shared]
    expect(thrownBy(() => new Wire().send({ f: named, shared })).data.found).toBe(
      'a function (named) at .f',
    )
    const throws = new (class {
      toJSON(): never {
        throw new Error('boom')
      }
    })()
    expect(thrownBy(() => new Wire().send({ throws, shared })).data.found).toBe(
      'something that cannot be encoded (boom)',
    )
  })
})

describe('garbage', () => {
  function decode(payload: Uint8Array, saved: string[][] = []): unknown {
    const views = sharedViews(1 << 17)
    views.bytes.set(payload, 64)
    const decoder = new MsgpackDecoder({ load: () => saved })
    return decoder.decode(views.buffer, 64, 64 + payload.length)
  }

  test('every truncation of a message is refused', () => {
    const wire = new Wire()
    const value = { a: 'some text', b: [1, 2.5, { c: new Date() }], d: new Uint8Array(20) }
    const bytes = wire.send(value)
    const whole = wire.views.bytes.slice(64, 64 + bytes)
    expect(decode(whole, wire.saved)).toStrictEqual(value)
    for (let length = 0; length < bytes; length++) {
      const error = thrownBy(() => decode(whole.subarray(0, length), wire.saved))
      expect(error.code).toBe('ERR_FRAME_CORRUPT')
      expect(error.data.thread).toBe('(sender)')
    }
  })

  test('bytes after the value are refused', () => {
    expect(thrownBy(() => decode(new Uint8Array([1, 1]))).code).toBe('ERR_FRAME_CORRUPT')
  })

  test('lengths that promise more than there is are refused at once', () => {
    for (const token of [0xc6, 0xc9, 0xdb, 0xdd, 0xdf]) {
      const error = thrownBy(() => decode(new Uint8Array([token, 0xff, 0xff, 0xff, 0xf0, 1, 2, 3])))
      expect(error.code).toBe('ERR_FRAME_CORRUPT')
    }
  })

  test('deep nesting is refused', () => {
    for (const length of [60_000, 100_000]) {
      const error = thrownBy(() => decode(new Uint8Array(length).fill(0x91)))
      expect(error.code).toBe('ERR_FRAME_CORRUPT')
    }
  })

  test('random bytes and damaged messages give a value or a FlyshuttleError', () => {
    const wire = new Wire()
    const parts = [{ a: 'text', b: 1 }, new Map([[1, 2]]), 2n ** 80n, new Date(0), /x/, { c: 'ü' }]
    const bytes = wire.send(parts)
    const whole = wire.views.bytes.slice(64, 64 + bytes)
    const attempt = (payload: Uint8Array): void => {
      try {
        decode(payload, wire.saved)
      } catch (error) {
        expect((error as FlyshuttleError).code).toBe('ERR_FRAME_CORRUPT')
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), { numRuns: 400 })
    const damage = fc.array(fc.tuple(fc.nat({ max: bytes - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(damage, (changes) => {
        const payload = whole.slice()
        for (const [at, byte] of changes) payload[at] = byte
        attempt(payload)
      }),
      { numRuns: 400 },
    )
    expect(wire.carry({ a: 'text', b: 1 })).toStrictEqual({ a: 'text', b: 1 })
  })

  test('a dictionary full of nonsense spoils only its own sender', () => {
    const nonsense = [null, 5, 'text', [{}, 1], ['__proto__']] as unknown as string[][]
    for (let token = 0x40; token < 0x50; token++) {
      try {
        decode(new Uint8Array([token, 1, 1]), nonsense)
      } catch (error) {
        expect((error as FlyshuttleError).code).toBe('ERR_FRAME_CORRUPT')
      }
    }
    expect(new Wire().carry({ a: 1 })).toStrictEqual({ a: 1 })
  })
})
