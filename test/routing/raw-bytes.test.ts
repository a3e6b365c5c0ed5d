// Raw payloads from one thread to others, around the sizes at which the way they are copied
// changes; with the addon's copy and without.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { NATIVE_READ_BYTES_MIN, NATIVE_WRITE_BYTES_MIN } from '../../src/base/limits.js'
import { message, raw } from '../../src/codec/message.js'
import { loadBinding } from '../../src/native/load.js'
import { World } from './world.js'

const Frame = message('frames', raw)
const { binding, reason } = loadBinding()

const SIZES = [0, 1, 7, 64, 65, 256, 257]
for (const threshold of [NATIVE_WRITE_BYTES_MIN, NATIVE_READ_BYTES_MIN]) {
  SIZES.push(threshold - 1, threshold, threshold + 1)
}
SIZES.push(10_000)

/** Bytes of which no two neighbours, and no two 256 apart, are the same. */
function pattern(bytes: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >>> 8) * 7 + seed) & 0xff)
}

const WAYS = binding === null ? [] : [{ name: 'the addon', copyBytes: binding.copyBytes }]

// The reason is in the name.
if (binding === null) test.skip(`raw bytes with the addon (skipped: ${reason})`, () => {})

describe.each([...WAYS, { name: 'JavaScript', copyBytes: null }])(
  'raw bytes, copied by $name',
  ({ copyBytes }) => {
    const make = (threads = 2): World =>
      new World(threads, { bulkRingBytes: 65_536, urgentRingBytes: 65_536 }, copyBytes)

    test.each(SIZES)('arrive whole and as an array of their own: %i', (bytes) => {
      const world = make()
      world.thread(1).subscribe('frames')
      const sent = pattern(bytes)
      world.thread(0).sender.publish(Frame, sent, 0)
      world.thread(0).sender.publish('frames', Buffer.from(sent), 0)
      world.settle()
      const got = world.thread(1).take() as Uint8Array[]
      expect(got).toHaveLength(2)
      for (const value of got) {
        expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
        expect(Buffer.compare(value, sent)).toBe(0)
        expect(value.buffer).toBeInstanceOf(ArrayBuffer)
        expect(value.buffer.byteLength).toBe(bytes)
      }
    })

    test.each(SIZES)('arrive from the middle of a larger memory, shared or not: %i', (bytes) => {
      for (const memory of [new ArrayBuffer(bytes + 16), new SharedArrayBuffer(bytes + 16)]) {
        for (const start of [1, 3, 8]) {
          const world = make()
          world.thread(1).subscribe('frames')
          const whole = new Uint8Array(memory)
          whole.set(pattern(bytes + 16, start))
          world.thread(0).sender.publish(Frame, whole.subarray(start, start + bytes), 0)
          // What was published is out of the publisher's hands.
          const wanted = whole.slice(start, start + bytes)
          whole.fill(0)
          world.settle()
          const [value] = world.thread(1).take() as Uint8Array[]
          expect(Buffer.compare(value!, wanted)).toBe(0)
        }
      }
    })

    test.each(SIZES)('reach each of several receivers as bytes of its own: %i', (bytes) => {
      const world = make(3)
      for (const thread of [1, 2]) {
        world.thread(thread).subscribe('frames')
        world.thread(thread).subscribe('frames')
        world.thread(thread).subscribe('>', { queue: 'workers' })
      }
      const sent = pattern(bytes)
      world.thread(0).sender.publish(Frame, sent, 0)
      world.settle()
      const got = [1, 2].flatMap((thread) => world.thread(thread).take()) as Uint8Array[]
      expect(got).toHaveLength(5)
      for (const value of got) expect(Buffer.compare(value, sent)).toBe(0)
      expect(new Set(got.map(({ buffer }) => buffer)).size).toBe(5)
    })

    test.each(SIZES.filter((bytes) => bytes > 0))(
      'that wait for room do not change with their source: %i',
      (bytes) => {
        const world = make()
        world.thread(1).subscribe('frames')
        const { sender } = world.thread(0)
        const source = new Uint8Array(bytes)
        const count = Math.ceil(65_536 / (bytes + 16)) + 5
        for (let nth = 0; nth < count; nth++) {
          source.set(pattern(bytes, nth))
          sender.publish(Frame, source, 0)
        }
        source.fill(0xee)
        expect(sender.waiting).toBeGreaterThan(0)
        world.settle()
        const got = world.thread(1).take() as Uint8Array[]
        expect(got).toHaveLength(count)
        const wrong = got.findIndex((value, nth) => Buffer.compare(value, pattern(bytes, nth)))
        expect(wrong).toBe(-1)
      },
    )

    test('leave nothing behind for a long text that follows in the same tick', () => {
      const world = make()
      world.thread(1).subscribe('>')
      const { sender } = world.thread(0)
      sender.publish(Frame, pattern(3000), 0)
      sender.publish('texts', 'a'.repeat(3000), 0)
      sender.publish(Frame, pattern(600), 0)
      world.settle()
      expect(world.thread(1).take()).toEqual([pattern(3000), 'a'.repeat(3000), pattern(600)])
    })

    test('have the length that they have, not the one that a subclass tells', () => {
      class Liar extends Uint8Array {
        override get length(): number {
          return 5000
        }
      }
      for (const bytes of [100, 3000]) {
        const world = make()
        world.thread(1).subscribe('frames')
        const sent = new Liar(bytes).fill(1)
        world.thread(0).sender.publish(Frame, sent, 0)
        world.thread(0).sender.publish(Frame, pattern(bytes), 0)
        world.settle()
        const got = world.thread(1).take() as Uint8Array[]
        expect(got.map(({ length }) => length)).toEqual([bytes, bytes])
        expect(got[1]).toEqual(pattern(bytes))
      }
    })

    test('are not kept from being collected once they are sent', async () => {
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc') as () => void
      const world = make()
      world.thread(1).subscribe('frames')
      const memory = ((): WeakRef<ArrayBuffer> => {
        const sent = pattern(5000)
        world.thread(0).sender.publish(Frame, sent.subarray(1000, 4000), 0)
        return new WeakRef(sent.buffer as ArrayBuffer)
      })()
      // What a WeakRef has been asked for, or made for, lives until the turn ends.
      await new Promise((resolve) => setImmediate(resolve))
      collect()
      expect(memory.deref()).toBeUndefined()
      world.settle()
      expect(world.thread(1).take()).toHaveLength(1)
    })
  },
)
