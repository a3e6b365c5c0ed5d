// Frames of random sizes between real threads, each checked for order and wholeness: both ends in
// C++, and either end in TypeScript. The TypeScript ends repeat what `native/core/stress.h` does.

import { expect, test } from 'vitest'
import { FRAME_HEADER_BYTES, FRAME_RING_DIVISOR } from '../../src/base/limits.js'
import { LANE_WORDS_BYTES, LINK_HEAD, LINK_TAIL, LINK_TAKEN } from '../../src/memory/layout.js'
import { loadBinding } from '../../src/native/load.js'
import { FRAME_KIND_SHIFT, FRAME_LENGTH_MASK, FrameKind } from '../../src/ring/frame.js'
import { RingReader, RingWriter, type RingPlace } from '../../src/ring/ring.js'
import { describeAddon } from './addon.js'

const { binding } = loadBinding()

const RING_BYTES = 4096
const FRAMES = 100_000
const SEED = 0x51ab_c0de

/** A ring whose positions pass 2^32 within the first frames. */
function createRing() {
  const memory = new SharedArrayBuffer(LANE_WORDS_BYTES + RING_BYTES)
  const i32 = new Int32Array(memory)
  for (const word of [LINK_TAIL, LINK_HEAD, LINK_TAKEN]) i32[word >>> 2] = -64
  const place: RingPlace = { words: 0, data: LANE_WORDS_BYTES, ringBytes: RING_BYTES }
  return { bytes: new Uint8Array(memory), i32, place }
}

type Ring = ReturnType<typeof createRing>

function startNative(isProducer: boolean, { bytes, place }: Ring) {
  const { words, data, ringBytes } = place
  return new binding!.NativeStressThread(isProducer, bytes, words, data, ringBytes, FRAMES, SEED)
}

/** Leaves the core to the other end, for as short a time as there is; in all, a few seconds. */
function rest(turn: number): void {
  if (turn > 100_000) throw new Error('the other end does not move')
  Atomics.wait(RESTING, 0, 0, 0.001)
}

const RESTING = new Int32Array(new SharedArrayBuffer(4))

class Shapes {
  #state = SEED
  readonly #spread = Math.min(240, RING_BYTES / FRAME_RING_DIVISOR - 32)

  nextPayloadBytes(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return 8 + ((this.#state >>> 0) % this.#spread)
  }

  get endsBatch(): boolean {
    return this.#state >>> 28 < 4
  }
}

function checkOf(sequence: number, payloadBytes: number, bodySum: number): number {
  return (Math.imul(sequence, 0x9e3779b1) + Math.imul(payloadBytes, 0x85ebca6b) + bodySum) | 0
}

function produce({ bytes, i32, place }: Ring): void {
  const ring = new RingWriter(i32, place)
  const shapes = new Shapes()
  for (let sequence = 0; sequence < FRAMES; sequence++) {
    const payloadBytes = shapes.nextPayloadBytes()
    const lengthBytes = FRAME_HEADER_BYTES + payloadBytes
    let offset = ring.claim(lengthBytes)
    for (let turn = 0; offset < 0; turn++) {
      ring.publish()
      rest(turn)
      offset = ring.claim(lengthBytes)
    }
    const payload = offset + FRAME_HEADER_BYTES
    let bodySum = 0
    for (let index = 8; index < payloadBytes; index++) {
      bodySum += bytes[payload + index] = (sequence + index) & 0xff
    }
    i32[offset >>> 2] = (FrameKind.Publish << FRAME_KIND_SHIFT) | lengthBytes
    i32[payload >>> 2] = sequence
    i32[(payload + 4) >>> 2] = checkOf(sequence, payloadBytes, bodySum)
    ring.commit()
    if (shapes.endsBatch) ring.publish()
  }
  ring.publish()
}

/** Polls until every frame has come; the number that came whole and in order. */
function consume({ bytes, i32, place }: Ring): number {
  const ring = new RingReader(i32, place)
  const shapes = new Shapes()
  let seen = 0
  let whole = 0
  const check = (offset: number, word0: number): void => {
    const payload = offset + FRAME_HEADER_BYTES
    const foundBytes = (word0 & FRAME_LENGTH_MASK) - FRAME_HEADER_BYTES
    const payloadBytes = shapes.nextPayloadBytes()
    let bodySum = 0
    for (let index = 8; index < foundBytes; index++) bodySum += bytes[payload + index] as number
    const isWhole = i32[(payload + 4) >>> 2] === checkOf(seen, payloadBytes, bodySum)
    if (foundBytes === payloadBytes && i32[payload >>> 2] === seen && isWhole) whole++
    seen++
  }
  for (let turn = 0; seen < FRAMES && ring.corrupt === null; turn++) {
    if (ring.poll(check, 256) > 0) turn = 0
    else rest(turn)
  }
  return whole
}

describeAddon('a ring under stress', () => {
  test('carries every frame whole and in order from C++ to C++', () => {
    const ring = createRing()
    const consumer = startNative(false, ring)
    const producer = startNative(true, ring)
    expect(producer.join()).toEqual({ frames: FRAMES, error: null })
    expect(consumer.join()).toEqual({ frames: FRAMES, error: null })
  })

  test('carries every frame whole and in order from TypeScript to C++', () => {
    const ring = createRing()
    const consumer = startNative(false, ring)
    produce(ring)
    expect(consumer.join()).toEqual({ frames: FRAMES, error: null })
  })

  test('carries every frame whole and in order from C++ to TypeScript', () => {
    const ring = createRing()
    const producer = startNative(true, ring)
    expect(consume(ring)).toBe(FRAMES)
    expect(producer.join()).toEqual({ frames: FRAMES, error: null })
  })

  test('notices a frame that is torn', () => {
    const ring = createRing()
    const writer = new RingWriter(ring.i32, ring.place)
    const lengthBytes = FRAME_HEADER_BYTES + new Shapes().nextPayloadBytes()
    const offset = writer.claim(lengthBytes)
    ring.i32[offset >>> 2] = (FrameKind.Publish << FRAME_KIND_SHIFT) | lengthBytes
    writer.commit()
    writer.publish()
    expect(startNative(false, ring).join().error).toBe('frame 0 is torn')
  })
})
