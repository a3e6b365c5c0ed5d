// The two ends of a ring behind one interface, in TypeScript and in C++, for the conformance suite.

import { FRAME_HEADER_BYTES } from '../../src/base/limits.js'
import { LANE_WORDS_BYTES, LINK_HEAD, LINK_TAIL, LINK_TAKEN } from '../../src/memory/layout.js'
import { viewsOf, type Views } from '../../src/memory/region.js'
import type { NativeBinding } from '../../src/native/binding.js'
import { FRAME_KIND_SHIFT, FRAME_LENGTH_MASK, FrameKind } from '../../src/ring/frame.js'
import { RingReader, RingWriter, type RingPlace } from '../../src/ring/ring.js'

export interface WriterEnd {
  offer(payload: Uint8Array): boolean
  publish(): void
  awaitRoom(wantedBytes: number): boolean
  freeBytes(): number
  readonly pendingBytes: number
}

export interface ReaderEnd {
  poll(framesMax: number): Uint8Array[]
  release(): boolean
  readonly hasFrames: boolean
  readonly corrupt: string | null
  skipAll(): void
}

export interface RingMemory {
  readonly views: Views
  readonly place: RingPlace
}

/** Memory for one lane, with all positions starting at `position` (units of 8 bytes). */
export function ringMemory(ringBytes: number, position = 0): RingMemory {
  const views = viewsOf(new SharedArrayBuffer(LANE_WORDS_BYTES + ringBytes))
  for (const word of [LINK_TAIL, LINK_HEAD, LINK_TAKEN]) views.i32[word >>> 2] = position
  return { views, place: { words: 0, data: LANE_WORDS_BYTES, ringBytes } }
}

export function scriptWriter({ views, place }: RingMemory): WriterEnd {
  const ring = new RingWriter(views.i32, place)
  return {
    offer(payload) {
      const length = FRAME_HEADER_BYTES + payload.length
      const offset = ring.claim(length)
      if (offset < 0) return false
      views.i32[offset >>> 2] = length | (FrameKind.Publish << FRAME_KIND_SHIFT)
      views.bytes.set(payload, offset + FRAME_HEADER_BYTES)
      ring.commit()
      return true
    },
    publish: () => ring.publish(),
    awaitRoom: (wantedBytes) => ring.awaitRoom(wantedBytes),
    freeBytes: () => ring.freeBytes(),
    get pendingBytes() {
      return ring.pendingBytes
    },
  }
}

export function scriptReader({ views, place }: RingMemory): ReaderEnd {
  const ring = new RingReader(views.i32, place)
  return {
    poll(framesMax) {
      const payloads: Uint8Array[] = []
      ring.poll((offset, word0) => {
        const end = offset + (word0 & FRAME_LENGTH_MASK)
        payloads.push(views.bytes.slice(offset + FRAME_HEADER_BYTES, end))
      }, framesMax)
      return payloads
    },
    release: () => ring.release(),
    get hasFrames() {
      return ring.hasFrames
    },
    get corrupt() {
      return ring.corrupt
    },
    skipAll: () => ring.skipAll(),
  }
}

export function nativeWriter(binding: NativeBinding, { views, place }: RingMemory): WriterEnd {
  const { words, data, ringBytes } = place
  const ring = new binding.NativeRingWriter(views.bytes, words, data, ringBytes)
  return {
    offer: (payload) => ring.offer(payload, FrameKind.Publish),
    publish: () => ring.publish(),
    awaitRoom: (wantedBytes) => ring.awaitRoom(wantedBytes),
    freeBytes: () => ring.freeBytes(),
    get pendingBytes() {
      return ring.pendingBytes
    },
  }
}

export function nativeReader(binding: NativeBinding, { views, place }: RingMemory): ReaderEnd {
  const { words, data, ringBytes } = place
  return new binding.NativeRingReader(views.bytes, words, data, ringBytes)
}
