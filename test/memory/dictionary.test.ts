import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DictionaryReader, DictionaryWriter } from '../../src/memory/dictionary.js'
import { INBOX_DICTIONARY_TAIL, planGeometry } from '../../src/memory/layout.js'
import { createRegion, type Region } from '../../src/memory/region.js'

function regionOf(dictionaryBytes = 4096): Region {
  return createRegion(
    planGeometry(2, {
      bulkRingBytes: 1024,
      dictionaryBytes,
      changeLogBytes: 4096,
      subscriptions: 8,
    }),
  )
}

/** Writes an entry as a thread gone mad would. */
function writeRaw(
  region: Region,
  kind: number,
  id: number,
  text: string,
  bytes = text.length,
): void {
  const { u32, buffer } = region.views
  const tailIndex = (region.layout.inbox(1) + INBOX_DICTIONARY_TAIL) >>> 2
  const at = region.layout.dictionary(1) + (u32[tailIndex] as number)
  u32.set([kind, id, bytes], at >>> 2)
  buffer.write(text, at + 12, 'latin1')
  u32[tailIndex] = (u32[tailIndex] as number) + 12 + ((text.length + 3) & -4)
}

describe('a dictionary', () => {
  test('numbers subjects from 1, the same number each time', () => {
    const writer = new DictionaryWriter(regionOf(), 1)
    expect([writer.subjectId('a'), writer.subjectId('b.c'), writer.subjectId('a')]).toEqual([
      1, 2, 1,
    ])
  })

  test('is read by others as it grows', () => {
    const region = regionOf()
    const reader = new DictionaryReader(region, 1)
    expect(reader.subject(1)).toBeUndefined()
    const writer = new DictionaryWriter(region, 1)
    writer.subjectId('orders.new')
    expect(reader.subject(1)).toBe('orders.new')
    expect(reader.type(0xffff_ffff)).toBeUndefined()
    writer.addType(0xffff_ffff, '{id:u32,name:utf8(3)}')
    expect(reader.type(0xffff_ffff)).toBe('{id:u32,name:utf8(3)}')
    writer.addStructures([
      ['a', 'b'],
      ['ü', '__proto__', ''],
    ])
    expect(reader.structures()).toEqual([
      ['a', 'b'],
      ['ü', '__proto__', ''],
    ])
  })

  test('belongs to its thread alone', () => {
    const region = regionOf()
    new DictionaryWriter(region, 1).subjectId('mine')
    new DictionaryWriter(region, 0).subjectId('yours')
    expect(new DictionaryReader(region, 0).subject(1)).toBe('yours')
    expect(new DictionaryReader(region, 1).subject(1)).toBe('mine')
  })

  test('is continued by a successor on the same place', () => {
    const region = regionOf()
    const first = new DictionaryWriter(region, 1)
    first.subjectId('a')
    first.addType(7, '{a:u8}')
    first.addStructures([['x']])
    const second = new DictionaryWriter(region, 1)
    expect(second.subjectId('a')).toBe(1)
    expect(second.subjectId('b')).toBe(2)
    expect(second.addType(7, '{a:u8}')).toBe(true)
    expect(second.structures).toEqual([['x']])
    expect(second.addStructures([['x'], ['y']])).toBe(true)
    const reader = new DictionaryReader(region, 1)
    expect(reader.subject(2)).toBe('b')
    expect(reader.structures()).toEqual([['x'], ['y']])
  })

  test('writes a type and a structure once', () => {
    const writer = new DictionaryWriter(regionOf(), 1)
    writer.addType(7, '{a:u8}')
    writer.addStructures([['x']])
    const left = writer.bytesLeft
    writer.addType(7, '{a:u8}')
    writer.addStructures([['x']])
    expect(writer.bytesLeft).toBe(left)
  })

  test('gives out the number 0 when it is full, and forgets nothing that it had', () => {
    const region = regionOf()
    const writer = new DictionaryWriter(region, 1)
    let count = 0
    while (writer.subjectId(`subject.number.${count}`) !== 0) count++
    expect(count).toBeGreaterThan(50)
    expect(writer.subjectId('subject.number.0')).toBe(1)
    expect(writer.subjectId('another')).toBe(0)
    expect(new DictionaryReader(region, 1).subject(count)).toBe(`subject.number.${count - 1}`)
    expect(new DictionaryReader(region, 1).subject(count + 1)).toBeUndefined()
  })

  test('has room for types and structures when subjects have taken all of theirs', () => {
    const writer = new DictionaryWriter(regionOf(), 1)
    for (let i = 0; i < 1000; i++) writer.subjectId(`subject.number.${i}`)
    expect(writer.addType(1, 'x'.repeat(400))).toBe(true)
    expect(writer.addStructures([['a', 'b']])).toBe(true)
  })

  test('takes an entry that fills it to the last byte, and not one byte more', () => {
    const writer = new DictionaryWriter(regionOf(), 1)
    expect(writer.addType(1, 'x'.repeat(4096 - 12 + 1))).toBe(false)
    expect(writer.addType(1, 'x'.repeat(4096 - 12))).toBe(true)
    expect(writer.bytesLeft).toBe(0)
    expect(writer.addStructures([[]])).toBe(false)
    expect(writer.structures).toEqual([])
  })

  test('is read whole whatever is added in whatever order', () => {
    const entry = fc.oneof(
      fc.string({ minLength: 1, maxLength: 30 }).map((subject) => ({ subject })),
      fc.tuple(fc.nat(), fc.string({ unit: 'binary', maxLength: 30 })).map((type) => ({ type })),
      fc.array(fc.string({ unit: 'grapheme', maxLength: 8 })).map((keys) => ({ keys })),
    )
    const property = fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
      const region = regionOf(1 << 16)
      const writer = new DictionaryWriter(region, 1)
      const reader = new DictionaryReader(region, 1)
      const subjects = new Map<number, string>()
      const types = new Map<number, string>()
      const structures: string[][] = []
      for (const one of entries) {
        if ('subject' in one) subjects.set(writer.subjectId(one.subject), one.subject)
        else if ('type' in one) {
          const [typeId, text] = one.type
          // Lone surrogates have no bytes of their own in UTF-8; schemas hold none.
          const canonical = text.toWellFormed()
          writer.addType(typeId, canonical)
          if (!types.has(typeId)) types.set(typeId, canonical)
        } else {
          structures.push(one.keys)
          writer.addStructures(structures)
        }
      }
      for (const [id, subject] of subjects) expect(reader.subject(id)).toBe(subject)
      for (const [id, canonical] of types) expect(reader.type(id)).toBe(canonical)
      expect(reader.structures()).toEqual(structures)
    })
    fc.assert(property, { numRuns: 100 })
  })

  describe('that was written by a thread gone mad', () => {
    test.each([
      [
        'a tail beyond its end',
        (region: Region) => {
          region.views.u32[(region.layout.inbox(1) + INBOX_DICTIONARY_TAIL) >>> 2] = 0xffff_fff0
        },
      ],
      ['a length beyond its end', (region: Region) => writeRaw(region, 1, 1, 'abc', 0xffff_ffff)],
      ['a number out of turn', (region: Region) => writeRaw(region, 1, 0xffff_fffe, 'abc')],
      ['an unknown kind', (region: Region) => writeRaw(region, 77, 1, 'abc')],
      ['keys that are no JSON', (region: Region) => writeRaw(region, 3, 0, '[oops')],
      ['keys that are no list', (region: Region) => writeRaw(region, 3, 0, '{"length":9e9}')],
    ])('%s is survived by readers and by a successor', (_, damage) => {
      const region = regionOf()
      damage(region)
      const reader = new DictionaryReader(region, 1)
      expect(() => reader.subject(5)).not.toThrow()
      expect(() => reader.type(5)).not.toThrow()
      expect(() => reader.structures()).not.toThrow()
      const successor = new DictionaryWriter(region, 1)
      expect(() => successor.subjectId('again')).not.toThrow()
      expect(() => successor.addStructures([['a']])).not.toThrow()
    })
  })
})
