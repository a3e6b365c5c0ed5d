// What one message looks like as bytes in a ring. The same numbers stand in `src/ring/frame.ts`,
// whose head has the drawing; a test holds the two equal.
//
// Native code writes and reads word 0 (kind and length) and otherwise treats a frame as opaque.

#pragma once

#include <cstdint>

namespace flyshuttle {

inline constexpr uint32_t FRAME_ALIGN_BYTES = 8;
inline constexpr uint32_t FRAME_HEADER_BYTES = 16;

enum class FrameKind : uint32_t {
  Pad = 1,
  Publish = 2,
  Request = 3,
  Reply = 4,
  Control = 5,
  Flow = 6
};

enum class FrameFlag : uint32_t {
  Target = 1,
  Correlation = 2,
  Deadline = 4,
  InlineSubject = 8,
  Failed = 16,
  Headers = 32,
  Compressed = 64,
  Chunk = 128,
  Stream = 2048
};

/// What a reply is: word 2 of its frame.
enum class ReplyNote : uint32_t { None = 0, End = 1, Only = 2, Refused = 3 };

/// Word 2 of a flow frame by which nothing more is wanted.
inline constexpr uint32_t FLOW_STOP = 0;

enum class CodecId : uint32_t { None = 0, Struct = 1, Msgpack = 2, Raw = 3 };

inline constexpr uint32_t FRAME_LENGTH_MASK = 0x0fffffff;
inline constexpr uint32_t FRAME_KIND_SHIFT = 28;
inline constexpr uint32_t FRAME_FLAGS_MASK = 0xfff;
inline constexpr uint32_t FRAME_CODEC_SHIFT = 12;
inline constexpr uint32_t FRAME_CODEC_MASK = 0xf;
inline constexpr uint32_t FRAME_SOURCE_SHIFT = 16;
inline constexpr uint32_t FRAME_PRIORITY_SHIFT = 8;
inline constexpr uint32_t FRAME_PRIORITY_MASK = 7;

inline constexpr uint32_t frame_word0(FrameKind kind, uint32_t length_bytes) {
  return (uint32_t(kind) << FRAME_KIND_SHIFT) | length_bytes;
}

/// Bytes a frame takes in the ring: its length rounded up to the next multiple of 8.
inline constexpr uint32_t frame_bytes(uint32_t length_bytes) {
  return (length_bytes + (FRAME_ALIGN_BYTES - 1)) & ~(FRAME_ALIGN_BYTES - 1);
}

}  // namespace flyshuttle
