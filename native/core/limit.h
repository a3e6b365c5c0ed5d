// How fast the ring can be: two threads in C++, one ring in private memory, nothing else.
//
// The benchmark's contender `cpp-limit` calls it through `measureLimit`. It is meant to be the best
// honest C++ for the job that the engine does per message: the producer writes a 16-byte header and
// every word of the payload in place, the consumer reads every word. Nobody sleeps here, so acquire
// and release suffice where the protocol with sleepers needs sequential consistency; that is the
// only difference to the engine's ring.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "frame.h"
#include "layout.h"
#include "ring.h"
#include "words.h"

namespace flyshuttle {

struct LimitOptions {
  uint32_t frames;
  uint32_t payload_bytes;  // a multiple of 4
  uint32_t ring_bytes;     // a power of two, at least four frames
  bool publish_each;       // else when FLUSH_BYTES have gathered
};

struct LimitResult {
  double seconds = 0;
  uint32_t checksum = 0;  // of all payload words, modulo 2^32
  uint32_t expected = 0;
};

/// Private memory laid out like one lane of a region: its words, then its data. Zeroed, so all its
/// pages exist.
class PrivateRing {
 public:
  explicit PrivateRing(uint32_t ring_bytes)
      : place{0, DATA_OFFSET, ring_bytes},
        bytes(static_cast<uint8_t*>(
            std::aligned_alloc(DATA_OFFSET, DATA_OFFSET + uint64_t{ring_bytes}))) {
    if (bytes != nullptr) std::memset(bytes, 0, DATA_OFFSET + uint64_t{ring_bytes});
  }
  ~PrivateRing() { std::free(bytes); }
  PrivateRing(const PrivateRing&) = delete;
  PrivateRing& operator=(const PrivateRing&) = delete;

  static constexpr uint64_t DATA_OFFSET = 4096;
  const RingPlace place;
  uint8_t* const bytes;
};

/// Word `index` of the payload of frame `sequence` is their sum; so the sum of all words has a
/// closed form.
inline uint32_t limit_checksum(const LimitOptions& options) {
  const uint64_t words = options.payload_bytes / 4;
  const uint64_t frames = options.frames;
  const uint64_t sequences =
      frames % 2 == 0 ? frames / 2 * (frames - 1) : (frames - 1) / 2 * frames;
  const uint64_t indexes = words % 2 == 0 ? words / 2 * (words - 1) : (words - 1) / 2 * words;
  return static_cast<uint32_t>(sequences * words + indexes * frames);
}

inline void produce_limit(PrivateRing& memory, const LimitOptions& options,
                          const std::atomic<bool>& must_stop) {
  RingWriter<AcquireRelease> ring(memory.bytes, memory.place);
  const uint32_t words = options.payload_bytes / 4;
  const uint32_t length = FRAME_HEADER_BYTES + options.payload_bytes;
  const uint32_t flush_bytes = options.publish_each ? 0 : FLUSH_BYTES;
  Patience patience;
  for (uint32_t sequence = 0; sequence < options.frames; sequence++) {
    uint8_t* frame = ring.claim(length);
    while (frame == nullptr) {
      if (must_stop) return;  // The consumer gave up; the checksum will tell.
      if (ring.pending_bytes() > 0) ring.publish();
      patience.wait();
      frame = ring.claim(length);
    }
    uint32_t* const word = reinterpret_cast<uint32_t*>(frame);
    word[0] = frame_word0(FrameKind::Publish, length);
    word[1] = 0;
    word[2] = 1;
    word[3] = sequence;
    for (uint32_t index = 0; index < words; index++) word[4 + index] = sequence + index;
    ring.commit();
    if (ring.pending_bytes() >= flush_bytes) ring.publish();
  }
  ring.publish();
}

inline uint32_t consume_limit(PrivateRing& memory, const LimitOptions& options) {
  RingReader<AcquireRelease> ring(memory.bytes, memory.place);
  constexpr uint32_t FRAMES_PER_POLL = 1024;
  const uint32_t words = options.payload_bytes / 4;
  uint32_t checksum = 0;
  uint32_t frames = 0;
  Patience patience;
  while (frames < options.frames && ring.corrupt().empty()) {
    const uint32_t polled = ring.poll(
        [&](const uint8_t* frame, uint32_t) {
          const uint32_t* const word =
              reinterpret_cast<const uint32_t*>(frame + FRAME_HEADER_BYTES);
          for (uint32_t index = 0; index < words; index++) checksum += word[index];
        },
        FRAMES_PER_POLL);
    frames += polled;
    if (polled == 0) patience.wait();
  }
  return checksum;
}

/// Sends `options.frames` frames from one new thread to another and waits for both. Seconds run
/// from the moment both threads are there until the last frame is read. `seconds` is 0 when there
/// is no memory for the ring.
inline LimitResult measure_limit(const LimitOptions& options) {
  using Clock = std::chrono::steady_clock;
  LimitResult result;
  result.expected = limit_checksum(options);
  PrivateRing memory(options.ring_bytes);
  if (memory.bytes == nullptr) return result;
  std::atomic<int> present{0};
  std::atomic<bool> has_ended{false};
  const auto meet = [&present] {
    present.fetch_add(1);
    for (Patience patience; present.load() < 2;) patience.wait();
  };
  std::thread consumer([&] {
    meet();
    const Clock::time_point start = Clock::now();
    result.checksum = consume_limit(memory, options);
    has_ended = true;
    result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  });
  std::thread producer([&] {
    meet();
    produce_limit(memory, options, has_ended);
  });
  producer.join();
  consumer.join();
  return result;
}

}  // namespace flyshuttle
