// A producer and a consumer on C++ threads for the stress tests: the other end of the ring is in
// JavaScript or here.
//
// Both ends know the sequence from its seed. Frame `n` has a payload of a size drawn from the
// generator; its first word is `n`, its second a check over everything, its further bytes follow
// from `n`. `test/native/` has the same in TypeScript. Sizes and publish points are random, so that
// frames meet the wrap at every offset.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>

#include "frame.h"
#include "layout.h"
#include "ring.h"
#include "words.h"

namespace flyshuttle {

/// The shape of frame after frame: xorshift32, a step each.
class StressShapes {
 public:
  StressShapes(uint32_t seed, uint64_t ring_bytes)
      : state_(seed == 0 ? 1 : seed),
        spread_(
            static_cast<uint32_t>(std::min<uint64_t>(240, ring_bytes / FRAME_RING_DIVISOR - 32))) {}

  /// Payload bytes of the next frame: 8 and more.
  uint32_t next_payload_bytes() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return 8 + state_ % spread_;
  }

  /// Whether the frame just drawn ends a batch.
  bool ends_batch() const { return (state_ >> 28) < 4; }

 private:
  uint32_t state_;
  const uint32_t spread_;
};

inline uint32_t stress_check(uint32_t sequence, uint32_t payload_bytes, uint32_t body_sum) {
  return sequence * 0x9e3779b1u + payload_bytes * 0x85ebca6bu + body_sum;
}

inline void write_stress_payload(uint8_t* payload, uint32_t sequence, uint32_t payload_bytes) {
  uint32_t body_sum = 0;
  for (uint32_t index = 8; index < payload_bytes; index++) {
    payload[index] = static_cast<uint8_t>(sequence + index);
    body_sum += payload[index];
  }
  const uint32_t head[2] = {sequence, stress_check(sequence, payload_bytes, body_sum)};
  std::memcpy(payload, head, sizeof head);
}

/// Empty when the payload is the one of frame `sequence`, else what is wrong with it.
inline std::string check_stress_payload(const uint8_t* payload, uint32_t found_bytes,
                                        uint32_t sequence, uint32_t payload_bytes) {
  if (found_bytes != payload_bytes) {
    return "frame " + std::to_string(sequence) + " has " + std::to_string(found_bytes) +
           " bytes; wanted " + std::to_string(payload_bytes);
  }
  uint32_t head[2];
  std::memcpy(head, payload, sizeof head);
  if (head[0] != sequence) {
    return "frame " + std::to_string(head[0]) + " came in place of frame " +
           std::to_string(sequence);
  }
  uint32_t body_sum = 0;
  for (uint32_t index = 8; index < payload_bytes; index++) body_sum += payload[index];
  if (head[1] == stress_check(sequence, payload_bytes, body_sum)) return "";
  return "frame " + std::to_string(sequence) + " is torn";
}

struct StressJob {
  uint8_t* region;
  RingPlace place;
  uint32_t frames;
  uint32_t seed;
};

/// One end of a stressed ring on a thread of its own.
class StressThread {
 public:
  enum class Role { Producer, Consumer };

  StressThread(Role role, const StressJob& job)
      : thread_([this, role, job] { role == Role::Producer ? produce(job) : consume(job); }) {}

  /// Ends early if the job is not done: the memory may go away afterwards.
  ~StressThread() {
    must_stop_ = true;
    join();
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

  /// After `join`.
  uint32_t frames() const { return frames_; }
  const std::string& error() const { return error_; }

 private:
  void produce(const StressJob& job) {
    RingWriter<> ring(job.region, job.place);
    StressShapes shapes(job.seed, job.place.ring_bytes);
    Patience patience;
    for (; frames_ < job.frames; frames_++) {
      const uint32_t payload_bytes = shapes.next_payload_bytes();
      const uint32_t length = FRAME_HEADER_BYTES + payload_bytes;
      uint8_t* frame = ring.claim(length);
      while (frame == nullptr) {
        if (ring.pending_bytes() > 0) ring.publish();
        if (must_stop_ || !ring.corrupt().empty()) {
          error_ = ring.corrupt();
          return;
        }
        patience.wait();
        frame = ring.claim(length);
      }
      const uint32_t header[4] = {frame_word0(FrameKind::Publish, length), 0, 0, 0};
      std::memcpy(frame, header, sizeof header);
      write_stress_payload(frame + FRAME_HEADER_BYTES, frames_, payload_bytes);
      ring.commit();
      if (shapes.ends_batch()) ring.publish();
    }
    ring.publish();
  }

  void consume(const StressJob& job) {
    RingReader<> ring(job.region, job.place);
    StressShapes shapes(job.seed, job.place.ring_bytes);
    const auto check = [&](const uint8_t* frame, uint32_t word0) {
      if (!error_.empty()) return;
      const uint32_t payload_bytes = shapes.next_payload_bytes();
      const uint32_t found_bytes = (word0 & FRAME_LENGTH_MASK) - FRAME_HEADER_BYTES;
      error_ =
          check_stress_payload(frame + FRAME_HEADER_BYTES, found_bytes, frames_, payload_bytes);
      if (error_.empty()) frames_++;
    };
    Patience patience;
    while (frames_ < job.frames && error_.empty() && !must_stop_) {
      if (ring.poll(check, 256) == 0) patience.wait();
      if (!ring.corrupt().empty()) error_ = ring.corrupt();
    }
  }

  uint32_t frames_ = 0;
  std::string error_;
  std::atomic<bool> must_stop_{false};
  std::thread thread_;  // Last: it starts when everything above is there.
};

}  // namespace flyshuttle
