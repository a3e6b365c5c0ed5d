import { describe, expect, test } from 'vitest'
import { MsgpackDecoder, MsgpackEncoder, STRUCTURES_MAX } from '../../src/codec/msgpack.js'
import { DictionaryReader, DictionaryWriter } from '../../src/memory/dictionary.js'
import { Lane, planGeometry } from '../../src/memory/layout.js'
import { createRegion } from '../../src/memory/region.js'
import { sharedViews, thrownBy, Wire } from './wire.js'

describe('record structures', () => {
  test('keys travel once: the second message is shorter and saves nothing', () => {
    const wire = new Wire()
    const first = wire.send({ departure: 'JFK', arrival: 'LAX' })
    const second = wire.send({ departure: 'JFK', arrival: 'LAX' })
    expect(wire.saves).toBe(1)
    expect(wire.saved).toEqual([['departure', 'arrival']])
    // The number of the structure, and two strings of three letters.
    expect([first, second]).toEqual([9, 9])
  })

  test('new structures are saved before encode returns, all of them in order', () => {
    const wire = new Wire()
    wire.encoder.encode('a.b', { a: { b: 1 } })
    expect(wire.saved).toEqual([['a'], ['b']])
    wire.encoder.encode('a.b', { c: 1 })
    expect(wire.saved).toEqual([['a'], ['b'], ['c']])
  })

  test('a decoder that comes late learns them from what was saved', () => {
    const wire = new Wire()
    const values = Array.from({ length: 60 }, (_, i) => ({ [`key${i}`]: { [`deep${i}`]: i } }))
    values.forEach((value) => wire.send(value))
    const bytes = wire.send(values)
    const late = new MsgpackDecoder({ load: () => wire.saved })
    for (let round = 0; round < 4; round++) {
      expect(late.decode(wire.views.buffer, 64, 64 + bytes)).toStrictEqual(values)
    }
  })

  test('the list that load returns is left alone and may grow unseen', () => {
    const saved: string[][] = []
    const encoder = new MsgpackEncoder({
      structures: [],
      save: (all) => void saved.push(...all.slice(saved.length)),
    })
    const views = sharedViews()
    const decoder = new MsgpackDecoder({ load: () => saved })
    for (let i = 0; i < 40; i++) {
      const bytes = encoder.encode('a.b', { [`k${i}`]: i })
      encoder.copyTo(views, 0)
      expect(decoder.decode(views.buffer, 0, bytes)).toStrictEqual({ [`k${i}`]: i })
    }
    expect(saved.map((keys) => Object.keys(keys))).toEqual(saved.map(() => ['0']))
    expect(Object.keys(saved)).toEqual(saved.map((_, i) => String(i)))
  })

  test('a successor goes on with the structures of its predecessor', () => {
    const first = new Wire()
    for (let i = 0; i < 50; i++) first.send({ [`k${i}`]: 1 })
    const saved = first.saved
    const second = new MsgpackEncoder({
      structures: saved,
      save: (all) => {
        expect(all.slice(0, saved.length)).toEqual(saved)
        first.saved = all
      },
    })
    for (const value of [{ k7: 'old' }, { fresh: 'new' }, [{ k49: 1 }, { k33: 2 }]]) {
      const bytes = second.encode('a.b', value)
      second.copyTo(first.views, 0)
      expect(first.decoder.decode(first.views.buffer, 0, bytes)).toStrictEqual(value)
    }
    expect(first.saved).toEqual([...saved, ['fresh']])
  })

  test('shapes beyond the shared ones travel in their messages', () => {
    const wire = new Wire()
    const length = STRUCTURES_MAX + 100
    const shapes = Array.from({ length }, (_, i) => ({ [`k${i}`]: i, both: i }))
    for (const shape of shapes) expect(wire.carry(shape)).toStrictEqual(shape)
    expect(wire.saved.length).toBe(STRUCTURES_MAX)
    for (const shape of [...shapes].reverse()) {
      expect(wire.carry([shape, shape])).toStrictEqual([shape, shape])
    }
    // More new shapes in one message than it can name: the numbers are used again.
    expect(wire.carry([...shapes, ...shapes])).toStrictEqual([...shapes, ...shapes])
    expect(wire.carry(shapes[3])).toStrictEqual(shapes[3])
  })

  test.each([0, 1, 31, 32, 33, 40, 63, 64, 65, 100, 127])(
    'a dictionary that is full after %i structures stops nothing',
    (room) => {
      const wire = new Wire((all) => all.length <= room)
      const shapes = Array.from({ length: 150 }, (_, i) => ({ [`k${i}`]: i, both: i }))
      for (const shape of shapes) expect(wire.carry(shape)).toStrictEqual(shape)
      expect(wire.saved.length).toBe(room)
      expect(wire.saves).toBe(room + 1)
      for (const shape of shapes) {
        expect(wire.carry([shape, 1, shape])).toStrictEqual([shape, 1, shape])
      }
      expect(wire.carry([shapes, shapes])).toStrictEqual([shapes, shapes])
      expect(wire.saves).toBe(room + 1)
    },
  )

  test('a save that throws counts as a full dictionary', () => {
    const wire = new Wire(() => {
      throw new Error('no memory')
    })
    for (let round = 0; round < 3; round++) {
      expect(wire.carry({ a: { b: 1 } })).toStrictEqual({ a: { b: 1 } })
    }
    expect([wire.saves, wire.saved.length]).toEqual([1, 0])
  })

  test('a refused payload saves no structures', () => {
    const wire = new Wire()
    thrownBy(() => wire.send({ a: { b: () => 1 } }))
    expect(wire.saves).toBe(0)
    expect(wire.carry({ a: { b: 1 } })).toStrictEqual({ a: { b: 1 } })
    expect(wire.saved).toEqual([['a'], ['b']])
  })

  test('messages of two senders with different structures are told apart', () => {
    const one = new Wire()
    const two = new Wire()
    one.send({ a: 1 })
    two.send({ b: 1 })
    for (let round = 0; round < 5; round++) {
      expect(one.carry({ a: round })).toStrictEqual({ a: round })
      expect(two.carry({ b: round })).toStrictEqual({ b: round })
    }
  })
})

describe('through the dictionary of a region', () => {
  test.each([[512 * 1024], [600]])('of %i bytes, read by a decoder that comes late', (bytes) => {
    const region = createRegion(
      planGeometry(2, { dictionaryBytes: bytes, bulkRingBytes: 1024, changeLogBytes: 4096 }),
    )
    const dictionary = new DictionaryWriter(region, 1)
    const encoder = new MsgpackEncoder({
      structures: dictionary.structures,
      save: (structures) => dictionary.addStructures(structures),
    })
    const ring = region.layout.ring(1, 0, Lane.Bulk)
    // Two new structures each: of a pair, the first may fit a small dictionary and the second not.
    const values = Array.from({ length: 40 }, (_, i) => ({ [`key${i}`]: { [`inner${i}`]: i } }))
    for (let round = 0; round < 3; round++) {
      const reader = new DictionaryReader(region, 1)
      const decoder = new MsgpackDecoder({ load: () => reader.structures() })
      for (const value of values) {
        const end = ring + encoder.encode('a.b', [value, value])
        encoder.copyTo(region.views, ring)
        expect(decoder.decode(region.views.buffer, ring, end)).toStrictEqual([value, value])
      }
      expect(reader.structures().every((keys) => Array.isArray(keys))).toBe(true)
    }
    const saved = dictionary.structures.length
    if (bytes > 600) expect(saved).toBe(80)
    else expect(saved).toBeGreaterThan(5)
    expect(saved).toBeLessThanOrEqual(bytes > 600 ? 80 : 40)
  })
})

describe('encoding inside of encoding', () => {
  class Publishing {
    constructor(readonly publish: () => void, readonly result: unknown) {}
    toJSON(): unknown {
      this.publish()
      return this.result
    }
  }

  test('a toJSON that encodes changes neither its own message nor the outer one', () => {
    const wire = new Wire()
    const inner: unknown[] = []
    const publish = (): void => {
      for (let i = 0; i < 3; i++) {
        inner.push(wire.carry([{ fresh: i }, { fresh: i }, { outer: i }], 8192))
      }
    }
    for (let round = 0; round < 3; round++) {
      inner.length = 0
      const outer = {
        before: 'x'.repeat(50),
        at: new Publishing(publish, { late: 1 }),
        after: { fresh: 2 },
      }
      expect(wire.carry(outer)).toStrictEqual({
        before: 'x'.repeat(50),
        at: { late: 1 },
        after: { fresh: 2 },
      })
      expect(inner).toStrictEqual([0, 1, 2].map((i) => [{ fresh: i }, { fresh: i }, { outer: i }]))
    }
  })

  test('the same from a getter, several levels deep and with large messages', () => {
    const wire = new Wire()
    const inner: unknown[] = []
    const nest = (depth: number): object => ({
      depth,
      get next() {
        if (depth < 6) inner.push(wire.carry(nest(depth + 1), 65_536 * depth))
        return depth
      },
      text: 'x'.repeat(depth * 3000),
    })
    const plain = (depth: number): object => ({
      depth,
      next: depth,
      text: 'x'.repeat(depth * 3000),
    })
    expect(wire.carry(nest(1), 0)).toStrictEqual(plain(1))
    expect(inner).toStrictEqual([6, 5, 4, 3, 2].map(plain))
  })

  test('an inner payload that is refused, and caught, leaves the outer one whole', () => {
    const wire = new Wire()
    const errors: string[] = []
    const publish = (): void => {
      errors.push(thrownBy(() => wire.send({ bad: { f: () => 1 } }, 8192)).data.found as string)
    }
    const outer = { a: [{ b: 1 }], at: new Publishing(publish, 'ok'), c: { d: [1, 2] } }
    expect(wire.carry(outer)).toStrictEqual({ a: [{ b: 1 }], at: 'ok', c: { d: [1, 2] } })
    expect(errors).toEqual(['a function (f) at .bad.f'])
    expect(wire.carry({ b: 1 })).toStrictEqual({ b: 1 })
  })

  test('the toJSON of an object literal may encode too', () => {
    const wire = new Wire()
    const inner: unknown[] = []
    const toJSON = (): unknown => {
      inner.push(wire.carry({ b: 2, toJSON: () => ({ c: 3 }) }, 8192))
      return { c: 1 }
    }
    expect(wire.carry({ a: { b: 1 }, at: { toJSON } })).toStrictEqual({ a: { b: 1 }, at: { c: 1 } })
    expect(inner).toStrictEqual([{ c: 3 }])
  })

  test('a dictionary that fills up in the outer message', () => {
    const wire = new Wire(() => false)
    const inner: unknown[] = []
    const publish = (): void => void inner.push(wire.carry({ q: [{ r: 1 }] }, 8192))
    expect(wire.carry({ a: new Publishing(publish, { b: 1 }) })).toStrictEqual({ a: { b: 1 } })
    expect(inner.at(-1)).toStrictEqual({ q: [{ r: 1 }] })
  })
})
