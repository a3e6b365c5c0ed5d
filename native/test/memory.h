// Memory for tests: one lane of a link, or a whole small region, of exactly the size it needs, so
// that the address sanitizer sees the first byte beyond it.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "../core/ring.h"

namespace flyshuttle::check {

using Block = std::unique_ptr<uint8_t, decltype(&std::free)>;

/// Zeroed memory that starts on a line.
inline Block make_block(uint64_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, LINE_BYTES, bytes) != 0) std::abort();
  std::memset(memory, 0, bytes);
  return {static_cast<uint8_t*>(memory), &std::free};
}

/// The words and the ring of one lane, all positions starting at `position`.
class LaneMemory {
 public:
  explicit LaneMemory(uint64_t ring_bytes, uint32_t position = 0)
      : place{0, LANE_WORDS_BYTES, ring_bytes}, block_(make_block(LANE_WORDS_BYTES + ring_bytes)) {
    for (const uint32_t word : {LINK_TAIL, LINK_HEAD, LINK_TAKEN}) poke_word(at(word), position);
  }

  uint8_t* bytes() const { return block_.get(); }
  uint32_t* at(uint64_t offset) const { return word_at(block_.get(), offset); }
  /// Word 0 of the frame that starts this many bytes into the ring.
  uint32_t* frame_at(uint64_t offset) const { return at(place.data + offset); }

  const RingPlace place;

 private:
  const Block block_;
};

/// Writes and commits a frame whose payload is `payload`; false when the ring is full.
inline bool offer(RingWriter<>& ring, const std::string& payload) {
  const uint32_t length = FRAME_HEADER_BYTES + static_cast<uint32_t>(payload.size());
  uint8_t* const frame = ring.claim(length);
  if (frame == nullptr) return false;
  const uint32_t header[4] = {frame_word0(FrameKind::Publish, length), 0, 0, 0};
  std::memcpy(frame, header, sizeof header);
  payload.copy(reinterpret_cast<char*>(frame) + FRAME_HEADER_BYTES, payload.size());
  ring.commit();
  return true;
}

/// The payloads of up to `frames_max` frames, each followed by a bar: "one|two|".
inline std::string poll(RingReader<>& ring, uint32_t frames_max) {
  std::string payloads;
  ring.poll(
      [&](const uint8_t* frame, uint32_t word0) {
        const uint32_t length = word0 & FRAME_LENGTH_MASK;
        payloads.append(reinterpret_cast<const char*>(frame) + FRAME_HEADER_BYTES,
                        length - FRAME_HEADER_BYTES);
        payloads += '|';
      },
      frames_max);
  return payloads;
}

}  // namespace flyshuttle::check
