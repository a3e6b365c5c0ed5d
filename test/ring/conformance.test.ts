// One suite over every pairing of ring ends: JS→JS, JS→C++, C++→JS, C++→C++. Both implementations
// must agree on every byte and on every decision, wherever the positions stand.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES } from '../../src/base/limits.js'
import { LINK_HEAD, LINK_TAIL, LINK_TAKEN, LINK_WAITING } from '../../src/memory/layout.js'
import { loadBinding } from '../../src/native/load.js'
import { FRAME_KIND_SHIFT, FrameKind } from '../../src/ring/frame.js'
import { frameBytesMax } from '../../src/ring/ring.js'
import {
  nativeReader,
  nativeWriter,
  ringMemory,
  scriptReader,
  scriptWriter,
  type ReaderEnd,
  type RingMemory,
  type WriterEnd,
} from './ends.js'

const RING_BYTES = 1024

interface Pairing {
  readonly name: string
  writer(memory: RingMemory): WriterEnd
  reader(memory: RingMemory): ReaderEnd
}

const { binding, reason } = loadBinding()
const pairings: Pairing[] = [{ name: 'JS to JS', writer: scriptWriter, reader: scriptReader }]
if (binding !== null) {
  const writer = (memory: RingMemory): WriterEnd => nativeWriter(binding, memory)
  const reader = (memory: RingMemory): ReaderEnd => nativeReader(binding, memory)
  pairings.push(
    { name: 'JS to C++', writer: scriptWriter, reader },
    { name: 'C++ to JS', writer, reader: scriptReader },
    { name: 'C++ to C++', writer, reader },
  )
} else if (process.env['FLYSHUTTLE_NO_ADDON'] !== '1') {
  test('the addon is there to be held to the same suite', () => {
    expect(reason).toBeNull()
  })
}

/** Payload bytes of a frame that takes exactly `bytes` in the ring. */
function payloadOf(bytes: number, fill = 0): Uint8Array {
  return new Uint8Array(bytes - FRAME_HEADER_BYTES).fill(fill)
}

// Around zero, at the sign change of a 32-bit integer, and just under 2^32, where positions wrap.
const POSITIONS = [0, 1, 63, 0x7fff_fff0, -64, -3, -1]

describe.each(pairings)('$name', ({ writer: makeWriter, reader: makeReader }) => {
  const open = (position = 0, ringBytes = RING_BYTES) => {
    const memory = ringMemory(ringBytes, position)
    return { memory, writer: makeWriter(memory), reader: makeReader(memory) }
  }

  test('a frame is invisible until its batch is published', () => {
    const { writer, reader } = open()
    expect(writer.offer(Uint8Array.of(1, 2, 3))).toBe(true)
    expect(writer.pendingBytes).toBe(24)
    expect(reader.hasFrames).toBe(false)
    expect(reader.poll(10)).toEqual([])
    writer.publish()
    expect(writer.pendingBytes).toBe(0)
    expect(reader.hasFrames).toBe(true)
    expect(reader.poll(10)).toEqual([Uint8Array.of(1, 2, 3)])
  })

  test('an empty payload is a frame', () => {
    const { writer, reader } = open()
    writer.offer(new Uint8Array(0))
    writer.publish()
    expect(reader.poll(10)).toEqual([new Uint8Array(0)])
  })

  test.each(POSITIONS)(
    'frames that fill the ring exactly fit, one more does not (from %i)',
    (start) => {
      const { writer, reader } = open(start)
      // A PAD may be needed where the ring ends; frames of 32 bytes always meet the end when the
      // start is aligned to 4.
      const isAligned = start % 4 === 0
      let offered = 0
      while (writer.offer(payloadOf(32, offered))) offered++
      expect(offered).toBe(isAligned ? RING_BYTES / 32 : RING_BYTES / 32 - 1)
      if (isAligned) expect(writer.freeBytes()).toBe(0)
      writer.publish()
      const received = reader.poll(1000)
      expect(received.map((payload) => payload[0])).toEqual([...Array(offered).keys()])
      expect(writer.freeBytes()).toBe(RING_BYTES)
    },
  )

  test.each(POSITIONS)(
    'a frame that would cross the end starts at the beginning (from %i)',
    (start) => {
      const { memory, writer, reader } = open(start)
      const largest = payloadOf(frameBytesMax(RING_BYTES), 7)
      for (let round = 0; round < 50; round++) {
        expect(writer.offer(Uint8Array.of(round))).toBe(true)
        expect(writer.offer(largest)).toBe(true)
        writer.publish()
        expect(reader.poll(10)).toEqual([Uint8Array.of(round), largest])
      }
      expect(memory.views.i32[LINK_HEAD >>> 2]).toBe(memory.views.i32[LINK_TAIL >>> 2])
    },
  )

  test.each(POSITIONS)(
    'the largest frame fits an empty ring wherever it stands (from %i)',
    (start) => {
      const { writer, reader } = open(start)
      expect(writer.offer(payloadOf(frameBytesMax(RING_BYTES)))).toBe(true)
      writer.publish()
      expect(reader.poll(1)).toHaveLength(1)
    },
  )

  test('a full ring takes a frame again once one was read', () => {
    const { writer, reader } = open()
    while (writer.offer(payloadOf(64))) continue
    writer.publish()
    expect(writer.offer(payloadOf(64))).toBe(false)
    expect(reader.poll(1)).toHaveLength(1)
    expect(writer.offer(payloadOf(64))).toBe(true)
    expect(writer.offer(payloadOf(64))).toBe(false)
  })

  test('a poll hands over no more than it was asked for', () => {
    const { writer, reader } = open()
    for (let i = 0; i < 5; i++) writer.offer(Uint8Array.of(i))
    writer.publish()
    expect(reader.poll(2).map((p) => p[0])).toEqual([0, 1])
    expect(reader.hasFrames).toBe(true)
    expect(reader.poll(9).map((p) => p[0])).toEqual([2, 3, 4])
    expect(reader.hasFrames).toBe(false)
  })

  test('a waiting producer is rung once, when enough is free', () => {
    const { writer, reader } = open()
    while (writer.offer(payloadOf(64))) continue
    writer.publish()
    expect(writer.awaitRoom(256)).toBe(false)
    expect(reader.release()).toBe(false)
    reader.poll(3)
    expect(reader.release()).toBe(false)
    reader.poll(1)
    expect(reader.release()).toBe(true)
    expect(reader.release()).toBe(false)
  })

  test('a waiting producer is rung when the ring is empty, whatever it wanted', () => {
    const { memory, writer, reader } = open()
    writer.offer(payloadOf(64))
    writer.publish()
    memory.views.i32[LINK_WAITING >>> 2] = 1 << 30
    reader.poll(10)
    expect(reader.release()).toBe(true)
  })

  test('a producer that finds room after all withdraws its wish', () => {
    const { memory, writer, reader } = open()
    writer.offer(payloadOf(64))
    writer.publish()
    reader.poll(1)
    expect(writer.awaitRoom(RING_BYTES)).toBe(true)
    expect(memory.views.i32[LINK_WAITING >>> 2]).toBe(0)
    expect(reader.release()).toBe(false)
  })

  test('a successor of the reader goes on after the frame that was taken', () => {
    const { memory, writer } = open()
    for (let i = 0; i < 4; i++) writer.offer(Uint8Array.of(i))
    writer.publish()
    // As if the first reader had died in the handler of the second frame: taken has moved, the head
    // has not.
    memory.views.i32[LINK_TAKEN >>> 2] = 6
    expect(memory.views.i32[LINK_HEAD >>> 2]).toBe(0)
    expect(
      makeReader(memory)
        .poll(10)
        .map((p) => p[0]),
    ).toEqual([2, 3])
  })

  test('a successor of the writer goes on after the last published batch', () => {
    const { memory, writer, reader } = open()
    writer.offer(Uint8Array.of(1))
    writer.publish()
    writer.offer(Uint8Array.of(2)) // Never published: lost with its writer.
    const successor = makeWriter(memory)
    successor.offer(Uint8Array.of(3))
    successor.publish()
    expect(reader.poll(10).map((p) => p[0])).toEqual([1, 3])
  })

  test('skipping leaves nothing to read and all of the ring free', () => {
    const { writer, reader } = open()
    for (let i = 0; i < 4; i++) writer.offer(Uint8Array.of(i))
    writer.publish()
    reader.skipAll()
    expect(reader.poll(10)).toEqual([])
    expect(writer.freeBytes()).toBe(RING_BYTES)
  })

  test.each([
    ['no length', 0],
    ['a length shorter than a header', 8 | (FrameKind.Publish << FRAME_KIND_SHIFT)],
    ['a length beyond the batch', 4096 | (FrameKind.Publish << FRAME_KIND_SHIFT)],
    ['the largest length there is', 0x0fff_ffff | (FrameKind.Publish << FRAME_KIND_SHIFT)],
  ])('%s is found out, and the ring is not read further', (_, word0) => {
    const { memory, writer, reader } = open()
    writer.offer(payloadOf(64))
    writer.offer(payloadOf(64))
    writer.publish()
    memory.views.i32[(memory.place.data + 64) >>> 2] = word0
    expect(reader.poll(10)).toHaveLength(1)
    expect(reader.corrupt).toMatch(/length/)
    expect(reader.hasFrames).toBe(false)
    expect(reader.poll(10)).toEqual([])
    // The producer finds a head that cannot be, and closes its end too.
    const look = () => writer.freeBytes()
    expect(look).toThrow(expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' }))
  })

  test.each([1 << 20, -8])('a tail %i units away is found out', (distance) => {
    const { memory, reader } = open()
    memory.views.i32[LINK_TAIL >>> 2] = distance
    expect(reader.poll(10)).toEqual([])
    expect(reader.corrupt).toMatch(/tail/)
  })

  test.each([1 << 20, -(1 << 20)])(
    'a head %i units away is found out, and nothing is written',
    (head) => {
      const { memory, writer } = open()
      memory.views.i32[LINK_HEAD >>> 2] = head
      expect(() => {
        for (let i = 0; i < 100; i++) writer.offer(payloadOf(64))
      }).toThrow(expect.objectContaining({ code: 'ERR_FRAME_CORRUPT' }))
    },
  )

  test('any mix of sizes, batches and polls arrives whole, in order, once', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.nat({ max: 240 }).map((bytes) => ({ offer: bytes })) },
      { weight: 2, arbitrary: fc.constant({ publish: true }) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 40 }).map((poll) => ({ poll })) },
    )
    const property = fc.property(
      fc.constantFrom(...POSITIONS),
      fc.constantFrom(256 * 4, 2048),
      fc.array(step, { maxLength: 300 }),
      (position, ringBytes, steps) => {
        const { writer, reader } = open(position, ringBytes)
        const expected: Uint8Array[] = []
        const received: Uint8Array[] = []
        let sequence = 0
        for (const one of steps) {
          if ('offer' in one) {
            const payload = new Uint8Array(one.offer)
            for (let i = 0; i < payload.length; i++) payload[i] = (sequence * 31 + i * 7) & 0xff
            if (writer.offer(payload)) expected.push(payload)
            else if (writer.pendingBytes === 0)
              expect(writer.freeBytes()).toBeLessThan(2 * (one.offer + 24))
            sequence++
          } else if ('publish' in one) writer.publish()
          else received.push(...reader.poll(one.poll))
        }
        writer.publish()
        for (let frames = reader.poll(1000); frames.length > 0; frames = reader.poll(1000)) {
          received.push(...frames)
        }
        expect(received).toEqual(expected)
        expect(reader.corrupt).toBeNull()
        expect(writer.freeBytes()).toBe(ringBytes)
      },
    )
    fc.assert(property, { numRuns: 150 })
  })
})
