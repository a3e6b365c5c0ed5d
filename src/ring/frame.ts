// What one message looks like as bytes in a ring. The same numbers stand in `native/core/frame.h`.
//
//   byte 0       4              8         12        16
//   ┌─────────┬───────────────┬─────────┬─────────┬───────────────────┬─────────┐
//   │ kind 4  │ source  16    │ subject │ type id │ optional blocks   │ payload │ 0–7 bytes to
//   │ len 28  │ codec 4 fl 12 │ id      │         │ (flags say which) │         │ a multiple of 8
//   └─────────┴───────────────┴─────────┴─────────┴───────────────────┴─────────┘
//
//   word 0   length in bytes, header included, padding excluded (low 28 bits) and kind (high 4
//            bits; 0 is no frame)
//   word 1   flags (low 12 bits), codec (next 4), source agent (high 16; 0 is the thread itself)
//   word 2   subject id in the sending thread's dictionary; with the InlineSubject flag, the
//            subject's byte length; in a reply its `ReplyNote`; in a flow how many parts may come
//   word 3   type id: fingerprint of the struct's canonical schema or of the flat record's keys; 0
//            for msgpack and raw
//
// Optional blocks follow in this order, each a multiple of 8 bytes:
//   Target         u32 subscription id, u32 0       one chosen subscription on the receiving thread
//   Correlation    u32 incarnation, u32 counter     of the requester; a reply carries it back
//   Deadline       f64 CLOCK_MONOTONIC in ms
//   Stream         u32 parts that may come, u32 0   of a request; 0 parts: one reply of several
//   InlineSubject  the subject as ASCII, zero-filled to 8
//   Headers        u32 bytes, then so many bytes of headers, zero-filled to 8
//   Compressed     u32 algorithm, u32 bytes of the payload as it was
//
// A PAD frame fills the end of the ring before the wrap; only its word 0 is written.

import { FRAME_ALIGN_BYTES } from '../base/limits.js'

export const FrameKind = {
  Pad: 1,
  Publish: 2,
  Request: 3,
  Reply: 4,
  Control: 5,
  /** From a requester to whoever works on its request: more parts, or no more. */
  Flow: 6,
} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

export const FrameFlag = {
  Target: 1,
  Correlation: 2,
  Deadline: 4,
  InlineSubject: 8,
  /** A reply whose payload is an error record (msgpack). */
  Failed: 16,
  Headers: 32,
  Compressed: 64,
  /** The payload is a descriptor of a chunk, which holds the value. */
  Chunk: 128,
  /** A request that may get several replies, one of these, or a word about their flow. */
  Stream: 2048,
} as const

/** What a reply is: word 2 of its frame. */
export const ReplyNote = {
  /** The whole reply; with the Stream flag one part of it. */
  None: 0,
  /** Nothing comes after the parts that came. Carries no value but an error. */
  End: 1,
  /** The only part, and the end. */
  Only: 2,
  /** With the Failed flag: no handler has seen the request. */
  Refused: 3,
} as const
export type ReplyNote = (typeof ReplyNote)[keyof typeof ReplyNote]

/**
 * Word 2 of a Flow frame is how many parts more may come; this says that none is wanted. Without
 * the Stream flag it says that nobody waits for a request, and for so many counted after it.
 */
export const FLOW_STOP = 0

export const FRAME_LENGTH_MASK = 0x0fff_ffff
export const FRAME_KIND_SHIFT = 28
export const FRAME_FLAGS_MASK = 0xfff
export const FRAME_CODEC_SHIFT = 12
export const FRAME_CODEC_MASK = 0xf
export const FRAME_SOURCE_SHIFT = 16
/** Three of the flag bits are a number: the message's priority, 0 for a normal one. */
export const FRAME_PRIORITY_SHIFT = 8
export const FRAME_PRIORITY_MASK = 7

/** Bytes a frame takes in the ring: its length rounded up to the next multiple of 8. */
export function frameBytes(lengthBytes: number): number {
  return (lengthBytes + (FRAME_ALIGN_BYTES - 1)) & -FRAME_ALIGN_BYTES
}
