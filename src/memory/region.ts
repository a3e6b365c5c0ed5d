// One block of shared memory and the views over it.
//
// Each thread builds its views once, when it joins. Hot code closes over them: no view is ever made
// per message. A region is created zeroed by the main thread; pages that nobody touches cost
// nothing.

import { FlyshuttleError } from '../base/errors.js'
import {
  INBOX_DEAD,
  INBOX_INCARNATION,
  HEADER_BULK_RING_BYTES,
  HEADER_BYTES,
  HEADER_CHANGE_LOG_BYTES,
  HEADER_CHUNK_BYTES,
  HEADER_DICTIONARY_BYTES,
  HEADER_LAYOUT_VERSION,
  HEADER_MAGIC,
  HEADER_QUEUE_BYTES,
  HEADER_SUBSCRIPTIONS,
  HEADER_THREADS,
  HEADER_URGENT_RING_BYTES,
  LAYOUT_MAGIC,
  LAYOUT_VERSION,
  ThreadState,
  layoutOf,
  planGeometry,
  type Geometry,
  type Layout,
} from './layout.js'

/** Every typed array that a codec or a ring may need: the same bytes, each starting at byte 0. */
export interface Views {
  readonly bytes: Uint8Array
  readonly i8: Int8Array
  readonly u16: Uint16Array
  readonly i16: Int16Array
  readonly u32: Uint32Array
  readonly i32: Int32Array
  readonly f32: Float32Array
  readonly f64: Float64Array
  readonly u64: BigUint64Array
  readonly i64: BigInt64Array
  /** The same bytes as a Node `Buffer`, for its fast string methods. */
  readonly buffer: Buffer
}

/** Views over the whole of `memory`. `memory.byteLength` must be a multiple of 8. */
export function viewsOf(memory: ArrayBuffer | SharedArrayBuffer): Views {
  return {
    bytes: new Uint8Array(memory),
    i8: new Int8Array(memory),
    u16: new Uint16Array(memory),
    i16: new Int16Array(memory),
    u32: new Uint32Array(memory),
    i32: new Int32Array(memory),
    f32: new Float32Array(memory),
    f64: new Float64Array(memory),
    u64: new BigUint64Array(memory),
    i64: new BigInt64Array(memory),
    buffer: Buffer.from(memory),
  }
}

export interface Region {
  readonly memory: SharedArrayBuffer
  readonly layout: Layout
  readonly views: Views
  /** Name of the engine that it belongs to, for events; '' for none. */
  readonly engine: string
}

/** A fresh, zeroed region. */
export function createRegion(geometry: Geometry, engine = ''): Region {
  const layout = layoutOf(geometry)
  const memory = new SharedArrayBuffer(layout.regionBytes)
  const views = viewsOf(memory)
  const { u32 } = views
  u32[HEADER_LAYOUT_VERSION >>> 2] = LAYOUT_VERSION
  u32[HEADER_THREADS >>> 2] = geometry.threads
  u32[HEADER_BULK_RING_BYTES >>> 2] = geometry.bulkRingBytes
  u32[HEADER_URGENT_RING_BYTES >>> 2] = geometry.urgentRingBytes
  u32[HEADER_DICTIONARY_BYTES >>> 2] = geometry.dictionaryBytes
  u32[HEADER_CHANGE_LOG_BYTES >>> 2] = geometry.changeLogBytes
  u32[HEADER_SUBSCRIPTIONS >>> 2] = geometry.subscriptions
  u32[HEADER_QUEUE_BYTES >>> 2] = geometry.queueBytes
  u32[HEADER_CHUNK_BYTES >>> 2] = geometry.chunkBytes
  Atomics.store(u32, HEADER_MAGIC >>> 2, LAYOUT_MAGIC)
  return { memory, layout, views, engine }
}

/**
 * A region that another thread created, of the engine with that name. The geometry is read once
 * and checked against the block's size.
 *
 * @throws ERR_LAYOUT_MISMATCH when the block is no region of this layout
 */
export function openRegion(memory: SharedArrayBuffer, engine = ''): Region {
  if (memory.byteLength < HEADER_BYTES) expectWord('bytes', memory.byteLength, HEADER_BYTES)
  const u32 = new Uint32Array(memory, 0, HEADER_BYTES >>> 2)
  const word = (offset: number): number => u32[offset >>> 2] as number
  expectWord('magic', Atomics.load(u32, HEADER_MAGIC >>> 2), LAYOUT_MAGIC)
  expectWord('layout version', word(HEADER_LAYOUT_VERSION), LAYOUT_VERSION)
  const layout = layoutOf(
    planGeometry(word(HEADER_THREADS), {
      bulkRingBytes: word(HEADER_BULK_RING_BYTES),
      urgentRingBytes: word(HEADER_URGENT_RING_BYTES),
      dictionaryBytes: word(HEADER_DICTIONARY_BYTES),
      changeLogBytes: word(HEADER_CHANGE_LOG_BYTES),
      subscriptions: word(HEADER_SUBSCRIPTIONS),
      queueBytes: word(HEADER_QUEUE_BYTES),
      chunkBytes: word(HEADER_CHUNK_BYTES),
    }),
  )
  expectWord('bytes', memory.byteLength, layout.regionBytes)
  return { memory, layout, views: viewsOf(memory), engine }
}

function expectWord(field: string, found: number, wanted: number): void {
  if (found !== wanted) throw new FlyshuttleError('ERR_LAYOUT_MISMATCH', { field, found, wanted })
}

/** Whether a thread takes part: a value of `ThreadState`. */
export function stateOf(region: Region, thread: number): number {
  return Atomics.load(region.views.i32, (region.layout.inbox(thread) + INBOX_DEAD) >>> 2)
}

/** Which life of its place a thread is, from 1. */
export function incarnationOf(region: Region, thread: number): number {
  return Atomics.load(region.views.i32, (region.layout.inbox(thread) + INBOX_INCARNATION) >>> 2)
}

/** Whether this life of a thread is over: it has ended, or another is on its place. */
export function isGone(region: Region, thread: number, incarnation: number): boolean {
  const isDead = stateOf(region, thread) === ThreadState.Dead
  return isDead || incarnationOf(region, thread) !== incarnation
}
