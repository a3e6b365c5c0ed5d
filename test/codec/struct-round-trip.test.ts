import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ascii, bytes, f32, f64, utf8, type Fields } from '../../src/codec/schema.js'
import { compileStruct, structFromCanonical, StructCodec } from '../../src/codec/struct.js'
import { Everything, GOOD, sharedViews } from './everything.js'
import { struct } from './struct-arbitrary.js'

describe('golden vectors', () => {
  interface Golden {
    readonly schemas: readonly {
      readonly name: string
      readonly canonical: string
      readonly typeId: number
      readonly bytes: number
      readonly offsets: readonly number[]
      readonly cases: readonly { readonly value: Record<string, unknown>; readonly hex: string }[]
    }[]
  }
  const golden = JSON.parse(
    readFileSync(new URL('../golden/struct.json', import.meta.url), 'utf8'),
  ) as Golden

  test.each(golden.schemas.map((schema) => [schema.name, schema] as const))('%s', (_, schema) => {
    const codec = structFromCanonical('golden', schema.canonical)
    expect(codec.canonical).toBe(schema.canonical)
    expect(codec.typeId).toBe(schema.typeId)
    expect(codec.bytes).toBe(schema.bytes)
    expect(codec.offsets).toEqual(schema.offsets)
    for (const { value, hex } of schema.cases) {
      const views = sharedViews()
      const bound = codec.bind(views)
      const wanted = fromGolden(codec.fields, value)
      bound.encode(wanted, 64)
      expect(views.buffer.toString('hex', 64, 64 + codec.bytes)).toBe(hex)
      expect(toGolden(bound.decode(64))).toEqual(toGolden(wanted))
      expect(views.buffer.subarray(0, 64).every((byte) => byte === 0)).toBe(true)
      expect(views.buffer.subarray(64 + codec.bytes).every((byte) => byte === 0)).toBe(true)
    }
  })

  function fromGolden(fields: Fields, value: Record<string, unknown>): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null)
    for (const [name, type] of Object.entries(fields)) {
      const text = value[name]
      if (type.name === 'i64' || type.name === 'u64') result[name] = BigInt(text as string)
      else if (type.name === 'bytes') result[name] = bytesOf(text as string)
      else if (type.name === 'f64' || type.name === 'f32') result[name] = Number(text)
      else result[name] = text
    }
    return result
  }

  function bytesOf(hex: string): Uint8Array {
    return new Uint8Array(Buffer.from(hex, 'hex'))
  }

  /** Entries, so that a field called __proto__ is compared too. */
  function toGolden(value: Record<string, unknown>): [string, unknown][] {
    return Object.entries(value)
  }
})

describe('round trips', () => {
  test('every type arrives as it was sent', () => {
    const bound = Everything.bind(sharedViews())
    bound.encode(GOOD, 512)
    expect(bound.decode(512)).toEqual(GOOD)
    expect(Object.keys(bound.decode(512))).toEqual(Object.keys(GOOD))
  })

  test('any value of any schema survives, eager, lazy and through its canonical text', () => {
    const views = sharedViews(1 << 17)
    fc.assert(
      fc.property(struct, fc.nat({ max: 100 }), ({ fields, value }, at) => {
        const codec = new StructCodec<Record<string, unknown>>('any', fields)
        const offset = at * 8
        views.bytes.fill(0xee)
        codec.bind(views).encode(value, offset)
        const wanted = Object.entries(value)
        expect(Object.entries(codec.bind(views).decode(offset))).toEqual(wanted)
        const other = structFromCanonical('other', codec.canonical)
        expect(other.typeId).toBe(codec.typeId)
        expect(Object.entries(other.bind(views).decode(offset))).toEqual(wanted)
        const view = codec.bind(views).view(offset)
        expect(wanted.map(([name]) => [name, view[name]])).toEqual(wanted)
        expect(views.bytes.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true)
        const end = offset + codec.bytes
        expect(views.bytes.subarray(end, end + 64).every((byte) => byte === 0xee)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  test('a shorter text leaves nothing of a longer one behind', () => {
    const codec = compileStruct('a.b', { a: ascii(3), b: ascii(12), c: ascii(40), d: utf8(40) })
    const bound = codec.bind(sharedViews())
    bound.encode({ a: 'abc', b: 'abcdefghijkl', c: 'x'.repeat(40), d: 'y'.repeat(40) }, 0)
    bound.encode({ a: 'z', b: 'y', c: 'xy', d: 'é' }, 0)
    expect(bound.decode(0)).toEqual({ a: 'z', b: 'y', c: 'xy', d: 'é' })
    bound.encode({ a: '', b: '', c: '', d: '' }, 0)
    expect(bound.decode(0)).toEqual({ a: '', b: '', c: '', d: '' })
  })

  test('ASCII of every length around the limits of the short paths arrives', () => {
    const bound = compileStruct('a.b', { a: ascii(64), b: utf8(64) }).bind(sharedViews())
    for (let length = 0; length <= 64; length++) {
      const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + i)).join('')
      bound.encode({ a: text, b: text }, 0)
      expect(bound.decode(0)).toEqual({ a: text, b: text })
    }
  })

  test('short codes that share a place in the cache are told apart', () => {
    const bound = compileStruct('a.b', { a: ascii(4) }).bind(sharedViews())
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 20_000; i++) {
        const a = i.toString(36)
        bound.encode({ a }, 0)
        if (bound.decode(0).a !== a) expect(bound.decode(0).a).toBe(a)
      }
    }
  })

  test('numbers keep NaN, infinities and minus zero; a lone surrogate becomes U+FFFD', () => {
    const bound = compileStruct('a.b', { a: f64, b: f32, c: utf8(9) }).bind(sharedViews())
    for (const number of [NaN, Infinity, -Infinity, -0]) {
      bound.encode({ a: number, b: number, c: 'a\ud800b' }, 0)
      expect(bound.decode(0)).toEqual({ a: number, b: number, c: 'a\ufffdb' })
    }
  })

  test('decoded bytes are a copy outside shared memory', () => {
    const views = sharedViews()
    const bound = compileStruct('a.b', { a: bytes(4) }).bind(views)
    bound.encode({ a: Buffer.from([1, 2, 3]) }, 0)
    const { a } = bound.decode(0)
    views.bytes.fill(9)
    expect(a).toEqual(new Uint8Array([1, 2, 3]))
    expect(a.buffer).toBeInstanceOf(ArrayBuffer)
  })

  test('works far inside a region of 80 MiB', () => {
    const views = sharedViews(80 * 1024 * 1024)
    const bound = Everything.bind(views)
    const offset = 80 * 1024 * 1024 - Everything.bytes
    bound.encode(GOOD, offset)
    expect(bound.decode(offset)).toEqual(GOOD)
  })
})
