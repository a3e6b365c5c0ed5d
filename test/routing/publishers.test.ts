// Bound publishers: what they refuse, and when they may write straight into a ring.
// That they keep the order with every other way is in outlet.test.ts and sender.test.ts.

import { describe, expect, test } from 'vitest'
import { describe as wordsFor } from '../../src/base/errors.js'
import { message, raw, type Message } from '../../src/codec/message.js'
import {
  ascii,
  bool,
  bytes,
  f32,
  f64,
  i16,
  i64,
  oneOf,
  u16,
  u32,
  u64,
  u8,
  utf8,
} from '../../src/codec/schema.js'
import { FLUSH_BYTES } from '../../src/base/limits.js'
import type { BoundPublisher } from '../../src/codec/struct.js'
import { Lane, LINK_HEAD } from '../../src/memory/layout.js'
import type { ChunkWindow } from '../../src/link/chunk-window.js'
import { World } from './world.js'

const Tick = message('tick', { n: u32, m: u32 })
const code = (expected: string): unknown => expect.objectContaining({ code: expected })

const All = message('all', {
  a: f64,
  b: f32,
  c: u32,
  d: i16,
  e: u16,
  f: u8,
  g: bool,
  h: oneOf('x', 'y', 'half', 'byte'),
  i: oneOf('0', '1', '2', '3', '4', '5', '6', '7', '8'),
  j: ascii(3),
  k: ascii(6),
  l: ascii(20),
  m: utf8(9),
  n: bytes(5),
  o: i64,
  p: u64,
  ['__proto__']: u8,
})
const NAMES = Object.keys(All.struct?.fields ?? {})
const all = (n: number): Record<string, unknown> => ({
  a: n / 3,
  b: n / 4,
  c: n * 1000,
  d: 0 - n,
  e: n,
  f: n & 255,
  g: n % 2 === 0,
  h: ['x', 'y', 'half', 'byte'][n & 3],
  i: String(n % 9),
  j: ['', 'A', 'AB', 'ABC'][n & 3],
  k: 'abcdef'.slice(n % 7),
  l: 'y'.repeat(n % 21),
  m: ['', 'ä€', '😀', 'xyz'][n & 3],
  n: Uint8Array.from({ length: n % 6 }, (_, k) => n + k),
  o: BigInt(-n),
  p: BigInt(n),
  ['__proto__']: n & 7,
})
const WRONG: Record<string, readonly unknown[]> = {
  a: ['1', undefined, null, 1n],
  b: ['1'],
  c: [-1, 1.5, 2 ** 32, NaN, '1'],
  d: [32_768, -32_769, 0.5],
  e: [65_536, -1],
  f: [256, -1, '1', {}, Symbol('no')],
  g: [1, undefined],
  h: ['z', 1, null],
  i: ['9', 9],
  j: ['ABCD', 'A\0', 'é', 'AB\u0080', '\0BC', 'A€C', 5, null, ['A']],
  k: ['abcdefg', 'a\0'],
  l: ['y'.repeat(21), 'é'],
  m: ['x'.repeat(10), 5],
  n: [new Uint8Array(6), [1, 2], 'ab'],
  o: [1, 2n ** 63n],
  p: [-1n, 1],
}

function worldOf(target: Message<any>, names: readonly string[], bulkRingBytes = 16 * 1024) {
  const world = new World(3, { bulkRingBytes })
  const only = world.thread(1).subscribe(target.subject)
  const { sender, publishers } = world.thread(0)
  const publisher: BoundPublisher = publishers.of(target, names, 7)
  const take = (thread = 1): unknown[] => {
    world.settle()
    return world.thread(thread).take()
  }
  return { world, only, sender, publishers, publisher, take }
}

describe('a bound publisher', () => {
  test('is seen by the end of the tick, also behind what filled a batch alone', async () => {
    const { world, sender, publisher, take } = worldOf(Tick, ['n', 'm'], 64 * 1024)
    const { inbox } = world.thread(1)
    world.thread(1).subscribe('big')
    publisher(0, 0)
    expect(take()).toEqual([{ n: 0, m: 0 }])
    const big = new Uint8Array(2 * FLUSH_BYTES)
    for (let n = 0; n < 40; n++) {
      for (const publish of [publisher, () => sender.publish(Tick, { n, m: 0 }, 7)]) {
        sender.publish('big', big, 0)
        await Promise.resolve()
        inbox.drain()
        world.thread(1).take()
        publish(n, 0)
        await Promise.resolve()
        inbox.drain()
        expect(world.thread(1).take()).toEqual([{ n, m: 0 }])
      }
    }
  })

  test('writes a type whose fingerprint makes a NaN of its half of the header', () => {
    const isNaNsHalf = ({ struct }: Message<any>): boolean =>
      ((struct?.typeId ?? 0) & 0x7ff0_0000) === 0x7ff0_0000
    let target: Message<any> = Tick
    for (let n = 0; !isNaNsHalf(target); n++) target = message('tick', { [`n${n}`]: u32 })
    const [name] = Object.keys(target.struct?.fields ?? {}) as [string]
    const { publisher, take, world } = worldOf(target, [name])
    for (let n = 0; n < 5; n++) publisher(n)
    expect(take()).toEqual([0, 1, 2, 3, 4].map((n) => ({ [name]: n })))
    expect(world.thread(1).errors).toEqual([])
  })

  test('carries every type of field, in whatever order the fields were named', () => {
    for (const names of [NAMES, [...NAMES].reverse()]) {
      const { publisher, take, world } = worldOf(All, names)
      for (let n = 0; n < 100; n++) {
        const value = all(n)
        publisher(...names.map((name) => value[name]))
        expect(take()).toEqual([value])
      }
      expect(world.thread(1).errors).toEqual([])
    }
  })

  test.each(Object.keys(WRONG))('refuses what publish refuses in a field such as %s', (name) => {
    const { publisher, sender, take } = worldOf(All, NAMES)
    const call = (value: Record<string, unknown>): unknown => {
      try {
        return publisher(...NAMES.map((one) => value[one]))
      } catch (error) {
        return error
      }
    }
    const publish = (value: Record<string, unknown>): unknown => {
      try {
        return sender.publish(All, value, 7)
      } catch (error) {
        return error
      }
    }
    call(all(1))
    for (const wrong of WRONG[name] ?? []) {
      const value = Object.assign(all(2), { [name]: wrong })
      const refused = publish(value)
      expect(refused, wordsFor(wrong)).toMatchObject({ code: 'ERR_PAYLOAD_INVALID' })
      expect(call(value)).toEqual(refused)
    }
    call(all(3))
    expect(take()).toHaveLength(2)
  })

  test('says who sent, and false above the high-water mark', () => {
    const { publisher, world } = worldOf(Tick, ['n', 'm'], 1024)
    const results = Array.from({ length: 40 }, (_, n) => publisher(n, n))
    // Frames of 24 bytes: above three quarters of 1024 bytes from the 33rd on.
    expect(results.indexOf(false)).toBe(32)
    world.settle()
    expect(world.thread(1).got[0]).toMatchObject({ agent: 7, source: 0, value: { n: 0, m: 0 } })
    expect(world.thread(1).got).toHaveLength(40)
  })

  test('writes nothing for the object that the program did not make', () => {
    const { publisher, publishers, sender, take } = worldOf(Tick, ['n', 'm'])
    publisher(1, 2)
    let slow = 0
    const publish = sender.publish.bind(sender)
    sender.publish = (...given: Parameters<typeof publish>) => {
      slow++
      return publish(...given)
    }
    for (let n = 0; n < 100; n++) publisher(n, n)
    expect(slow).toBe(0)
    expect(take()).toHaveLength(101)
    expect(publishers.of(Tick, ['n', 'm'], 7)).toBe(publisher)
    expect(publishers.of(Tick, ['m', 'n'], 7)).not.toBe(publisher)
    expect(publishers.of(Tick, ['n', 'm'], 8)).not.toBe(publisher)
  })

  test('leaves to publish what travels in a block', () => {
    const Long = message('long', { text: ascii(3000) })
    const world = new World(2, { bulkRingBytes: 4096, chunkBytes: 1024 * 1024 })
    world.thread(1).subscribe('long')
    const { sender, publishers } = world.thread(0)
    const publisher = publishers.of(Long, ['text'], 0)
    let published = 0
    const publish = sender.publish.bind(sender)
    sender.publish = (...given: Parameters<typeof publish>) => {
      published++
      return publish(...given)
    }
    for (let n = 0; n < 5; n++) {
      publisher('x'.repeat(3000))
      world.settle()
    }
    expect(world.thread(1).take()).toEqual(Array(5).fill({ text: 'x'.repeat(3000) }))
    expect(published).toBe(5)
  })

  test('follows its receivers: a second one, another thread, nobody', () => {
    const { world, only, publisher, take } = worldOf(Tick, ['n', 'm'])
    const ticks = (...numbers: number[]): unknown[] => numbers.map((n) => ({ n, m: 0 }))
    publisher(1, 0)
    publisher(2, 0)
    const second = world.thread(2).subscribe('>')
    publisher(3, 0)
    expect(take(1)).toEqual(ticks(1, 2, 3))
    world.thread(1).unsubscribe(only)
    publisher(4, 0)
    publisher(5, 0)
    expect(take(2)).toEqual(ticks(3, 4, 5))
    world.thread(2).unsubscribe(second)
    expect(publisher(6, 0)).toBe(true)
    world.settle()
    expect(world.threads.flatMap(({ got }) => got)).toEqual([])
  })

  test.each([
    ['of bytes', message('some', { data: bytes(4), n: u32, text: ascii(8) })],
    ['behind text', message('some', { n: u32, text: utf8(8), data: bytes(4) })],
  ])('leaves nothing of a message %s that cannot be read', (_, Some) => {
    const names = ['n', 'data', 'text']
    const { publisher, take } = worldOf(Some, names, 1024)
    const data = Uint8Array.of(7)
    for (let n = 0; n < 64; n++) {
      expect(publisher(n, data, `w${n}`)).toBe(true)
      expect(take()).toEqual([{ n, data, text: `w${n}` }])
    }
    // Its length is 0 then, which is no reason to refuse it.
    const detached = Uint8Array.of(9, 9)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    expect(() => publisher(100, detached, 'new')).toThrow(TypeError)
    expect(take()).toEqual([])
    publisher(101, data, 'next')
    expect(take()).toEqual([{ n: 101, data, text: 'next' }])
  })

  test('hears of too much under way in blocks as often as publish does', async () => {
    const { world, publisher, sender } = worldOf(Tick, ['n', 'm'], 64 * 1024)
    for (let n = 0; n < 100; n++) sender.publish(Tick, { n, m: 0 }, 7)
    publisher(0, 0)
    world.settle()
    const link = world.thread(0).outbox.link(1, Lane.Bulk)
    link.window = { isAbove: () => true } as unknown as ChunkWindow
    const results = Array.from({ length: 1000 }, (_, n) => publisher(n, n))
    const batches = (1000 * 24) / FLUSH_BYTES
    expect(results.filter((isBelow) => !isBelow).length).toBeGreaterThan(batches - 1)
  })

  test('writes nothing into a ring that is known to be corrupt', () => {
    const { world, publisher, take } = worldOf(Tick, ['n', 'm'])
    for (let n = 0; n < 100; n++) publisher(n, 0)
    take()
    publisher(100, 0)
    const { i32 } = world.region.views
    const head = (world.region.layout.laneWords(0, 1, Lane.Bulk) + LINK_HEAD) >>> 2
    i32[head] = ((i32[head] as number) + 2 ** 30) | 0
    const { ring } = world.thread(0).outbox.link(1, Lane.Bulk)
    expect(() => ring.freeBytes()).toThrow(code('ERR_FRAME_CORRUPT'))
    for (let n = 0; n < 300; n++) {
      expect(() => publisher(n, 0)).toThrow(code('ERR_FRAME_CORRUPT'))
    }
  })

  test('does nothing to a ring that it no longer leads to', () => {
    const { world, only, publisher, take } = worldOf(Tick, ['n', 'm'])
    publisher(1, 0)
    take()
    const { cursor } = world.thread(0).outbox.link(1, Lane.Bulk).ring
    const left = cursor.slice()
    world.thread(1).unsubscribe(only)
    world.thread(2).subscribe('tick')
    for (let n = 2; n < 5; n++) publisher(n, 0)
    expect(cursor).toEqual(left)
    expect(take(2)).toHaveLength(3)
  })

  test('is refused after close, whatever its arguments, and leaves the ring alone', () => {
    const { world, publisher, publishers, sender, take } = worldOf(Tick, ['n', 'm'])
    publisher(1, 0)
    take()
    const { cursor } = world.thread(0).outbox.link(1, Lane.Bulk).ring
    const left = cursor.slice()
    publishers.close()
    sender.close()
    expect(() => publisher(2, 0)).toThrow(code('ERR_CLOSED'))
    expect(() => publisher('x', 0)).toThrow(code('ERR_CLOSED'))
    expect(cursor).toEqual(left)
    expect(() => publishers.of(Tick, ['n', 'm'], 7)).toThrow(code('ERR_CLOSED'))
  })

  test('is not to be had for other names than those of the fields, each once', () => {
    const { publishers } = worldOf(Tick, ['n', 'm'])
    const refuse = (names: unknown, found: string, target: unknown = Tick): void => {
      const make = (): unknown => publishers.of(target as never, names as never, 0)
      expect(make).toThrow(code('ERR_OPTION_INVALID'))
      expect(make).toThrow(found)
    }
    refuse(['n'], 'without m')
    refuse([], 'without n, m')
    refuse(['n', 'm', 'k'], 'with "k"')
    refuse(['n', 'm', 'n'], 'with "n" twice')
    refuse(['n', 5], 'with 5')
    refuse('n', 'fields is "n"')
    refuse(undefined, 'fields is undefined')
    refuse([], 'bytes, which has no fields', message('bytes', raw))
    refuse(['n'], 'message is "tick"', 'tick')
    refuse(['n'], 'message is null', null)
  })
})
