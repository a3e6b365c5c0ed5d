import { describe, expect, test } from 'vitest'
import { CodecId } from '../../src/base/codec-id.js'
import { FRAME_HEADER_BYTES } from '../../src/base/limits.js'
import { compressionBy } from '../../src/codec/compression.js'
import { FRAME_CODEC_SHIFT, FRAME_KIND_SHIFT, FrameFlag, FrameKind } from '../../src/ring/frame.js'
import { Packer, checkCompression, packerFor } from '../../src/routing/packing.js'
import { World, type Player } from './world.js'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })
const plain = Buffer.from('all work and no play '.repeat(30))
const packed = Buffer.from(compressionBy('lz4').compress(plain))

/** Writes a compressed frame of the subject `a` that says what it is told to. */
function send(world: World, algorithm: number, plainBytes: number, payload: Buffer): Player {
  const from = world.thread(0)
  const link = from.bulk(1)
  const lengthBytes = FRAME_HEADER_BYTES + 8 + payload.length
  const start = link.ring.claim(lengthBytes)
  const { i32, bytes } = world.region.views
  const word1 = FrameFlag.Compressed | (CodecId.Raw << FRAME_CODEC_SHIFT)
  const subject = from.dictionary.subjectId('a')
  i32.set([lengthBytes | (FrameKind.Publish << FRAME_KIND_SHIFT), word1, subject, 0], start >>> 2)
  i32.set([algorithm, plainBytes], (start + FRAME_HEADER_BYTES) >>> 2)
  bytes.set(payload, start + FRAME_HEADER_BYTES + 8)
  link.ring.commit()
  from.outbox.flush(link)
  world.thread(1).inbox.drain()
  return world.thread(1)
}

describe('a compressed frame', () => {
  test('is decompressed for its subscriptions', () => {
    const world = new World(2)
    world.thread(1).subscribe('a')
    world.thread(1).subscribe('*')
    const { got, errors } = send(world, 1, plain.length, packed)
    expect(errors).toEqual([])
    expect(got.map(({ value }) => Buffer.from(value as Uint8Array).equals(plain))).toEqual([
      true,
      true,
    ])
  })

  test('a frame that cannot be decompressed is lost alone, and said to be corrupt', () => {
    const world = new World(2)
    world.thread(1).subscribe('a')
    const bad: [number, number, Buffer][] = [
      [1, plain.length, packed.subarray(0, 20)],
      [1, plain.length + 1, packed],
      [1, 2 ** 31 - 1, packed],
      [1, plain.length, Buffer.alloc(0)],
      [7, plain.length, packed],
      [0, plain.length, packed],
    ]
    for (const [algorithm, plainBytes, payload] of bad) {
      const { errors, got } = send(world, algorithm, plainBytes, payload)
      expect(errors.splice(0)).toEqual([[code('ERR_FRAME_CORRUPT'), 'a']])
      expect(got).toEqual([])
    }
    expect(send(world, 1, plain.length, packed).got).toHaveLength(1)
  })
})

describe('a packer', () => {
  const rules = checkCompression({ 'a.b': { algorithm: 'lz4' }, 'a.>': { algorithm: 'lz4' } })

  test('belongs to a subject that a rule matches', () => {
    expect(packerFor(rules, 'a.b')).toBeInstanceOf(Packer)
    expect(packerFor(rules, 'a.b.c')).toBeInstanceOf(Packer)
    expect(packerFor(rules, 'b')).toBeNull()
  })

  test('tries ever fewer payloads that do not shrink, and all again after one that does', () => {
    const packer = packerFor(rules, 'a.b') as Packer
    const noise = Buffer.from(
      Array.from({ length: 2000 }, (_, i) => (i * i * 2_654_435_761) >>> 24),
    )
    expect(packer.pack(noise)).toBeNull()
    const tried: number[] = []
    for (let n = 1; n < 200; n++) {
      if (!packer.wants(noise.length)) continue
      tried.push(n)
      packer.pack(noise)
    }
    expect(tried).toEqual([2, 5, 10, 19, 36, 69, 134, 199])
    while (!packer.wants(2000)) continue
    expect(packer.pack(Buffer.alloc(2000))).not.toBeNull()
    expect(packer.wants(2000)).toBe(true)
    expect(packer.wants(100)).toBe(false)
  })
})
