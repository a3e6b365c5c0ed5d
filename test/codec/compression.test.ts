import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALGORITHMS, compressionBy, unpack, type Algorithm } from '../../src/codec/compression.js'

const code = (wanted: string) => expect.objectContaining({ code: wanted })

/** Those that this Node has. */
function has(algorithm: Algorithm): boolean {
  try {
    compressionBy(algorithm)
    return true
  } catch {
    console.log(`without ${algorithm}: Node ${process.versions.node} has none`)
    return false
  }
}
const HERE = ALGORITHMS.filter(has)

test('lz4 is there for the tests, and an algorithm that is not says what to do', () => {
  expect(HERE).toContain('lz4')
  if (HERE.includes('zstd')) return
  expect(() => compressionBy('zstd')).toThrow(code('ERR_COMPRESSION_UNAVAILABLE'))
  expect(() => compressionBy('zstd')).toThrow(/has no zstd; wanted Node 22\.15, 23\.8 or later/)
})

describe.each(HERE)('%s', (name) => {
  const algorithm = ALGORITHMS.indexOf(name) + 1
  const pack = (bytes: Uint8Array): Uint8Array => compressionBy(name).compress(Buffer.from(bytes))

  test('gives back whatever it was given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        const plainBytes = bytes.length
        expect(new Uint8Array(unpack(pack(bytes), { algorithm, plainBytes }))).toEqual(bytes)
      }),
    )
  })

  test('makes less of what repeats itself', () => {
    const text = Buffer.from('the same again, '.repeat(1000))
    expect(pack(text).length).toBeLessThan(text.length / 10)
  })

  test('a bomb goes off in no more memory than its frame says', () => {
    const bomb = pack(Buffer.alloc(10_000_000))
    expect(bomb.length).toBeLessThan(100_000)
    expect(() => unpack(bomb, { algorithm, plainBytes: 1000 })).toThrow()
    expect(() => unpack(bomb, { algorithm, plainBytes: 2 ** 31 })).toThrow(/2147483648 bytes/)
  })

  test('bytes that are no such thing never pass for it, nor do they end the process', () => {
    const plain = Buffer.from('some text that is long enough, '.repeat(20))
    const packed = Buffer.from(pack(plain))
    const plainBytes = plain.length
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bad = Buffer.from(packed)
        bad[at] = (bad[at] as number) ^ by
        let found: Uint8Array
        try {
          found = unpack(bad, { algorithm, plainBytes })
        } catch {
          return // As it should be; a flipped bit in a literal is nobody's to notice.
        }
        expect(found.length).toBe(plainBytes)
      }),
    )
    for (let end = 0; end < packed.length; end++) {
      expect(() => unpack(packed.subarray(0, end), { algorithm, plainBytes })).toThrow()
    }
  })
})

test('an algorithm of another version is refused by its number', () => {
  const packed = { algorithm: 9, plainBytes: 1 }
  expect(() => unpack(new Uint8Array(1), packed)).toThrow('compressed by algorithm 9')
})
