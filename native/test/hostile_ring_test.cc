// A ring whose peer writes what cannot be. Allowed: the ring is reported as corrupt, and not used
// any further. The memory is exactly as large as the ring, so a sanitizer sees a step beyond it.

#include <initializer_list>

#include "../core/ring.h"
#include "check.h"
#include "memory.h"

using namespace flyshuttle;
using namespace flyshuttle::check;

namespace {

constexpr uint32_t RING_BYTES = 1024;
constexpr uint32_t BOUNDARIES[] = {0,          1,          2,          7,          8,
                                   15,         16,         17,         0x7fffffff, 0x80000000,
                                   0x80000001, 0xfffffff8, 0xfffffffe, 0xffffffff};

/// Two frames of 64 bytes lie in the ring; word 0 of the second is `word0`.
struct Poisoned : LaneMemory {
  explicit Poisoned(uint32_t word0) : LaneMemory(RING_BYTES) {
    RingWriter<> writer(bytes(), place);
    offer(writer, std::string(48, 'a'));
    offer(writer, std::string(48, 'b'));
    writer.publish();
    *frame_at(64) = word0;
  }
};

void expect_refused(uint32_t length, FrameKind kind) {
  const Poisoned memory(frame_word0(kind, length));
  RingReader<> reader(memory.bytes(), memory.place);
  CHECK_EQ(poll(reader, 10), std::string(48, 'a') + "|");
  CHECK_EQ(reader.corrupt(), "a length of " + std::to_string(length) + " bytes");
  CHECK(!reader.has_frames());
  CHECK_EQ(poll(reader, 10), "");
  // The producer finds a head that cannot be, and closes the ring too.
  CHECK_EQ(*memory.at(LINK_HEAD), 8u + REFUSED_UNITS);
  RingWriter<> writer(memory.bytes(), memory.place);
  CHECK_EQ(writer.free_bytes(), 0u);
  CHECK(!writer.corrupt().empty());
}

}  // namespace

TEST("every length below a header or beyond the batch is refused") {
  for (uint32_t length = 0; length < FRAME_HEADER_BYTES; length++) {
    expect_refused(length, FrameKind::Publish);
  }
  for (const uint32_t length : {65u, 72u, RING_BYTES, FRAME_LENGTH_MASK - 7, FRAME_LENGTH_MASK}) {
    expect_refused(length, FrameKind::Publish);
    expect_refused(length, FrameKind::Pad);
  }
  for (uint32_t length = 0; length < 8; length++) expect_refused(length, FrameKind::Pad);
}

TEST("every length from a header to the end of the batch is a frame") {
  for (uint32_t length = FRAME_HEADER_BYTES; length <= 64; length++) {
    const Poisoned memory(frame_word0(FrameKind::Publish, length));
    RingReader<> reader(memory.bytes(), memory.place);
    CHECK_EQ(poll(reader, 2).size(), 49u + length - FRAME_HEADER_BYTES + 1);
  }
}

TEST("a frame that would go beyond the end of the ring is refused") {
  const LaneMemory memory(RING_BYTES, RING_BYTES / 8 - 4);
  *memory.frame_at(RING_BYTES - 32) = frame_word0(FrameKind::Publish, 40);
  *memory.at(LINK_TAIL) += 16;
  RingReader<> reader(memory.bytes(), memory.place);
  CHECK_EQ(poll(reader, 10), "");
  CHECK_EQ(reader.corrupt(), "a length of 40 bytes");
}

TEST("a tail is believed from the head to a full ring, and no further") {
  for (const uint32_t start : {0u, 0x7fffffffu, 0xfffffff0u}) {
    for (const uint32_t offset : BOUNDARIES) {
      const LaneMemory memory(RING_BYTES, start);
      RingReader<> reader(memory.bytes(), memory.place);
      *memory.at(LINK_TAIL) = start + offset;
      poll(reader, 10);
      // In a ring of zeros no tail leads to a frame: either it is refused, or a length of 0 is.
      CHECK_EQ(reader.corrupt().empty(), offset == 0);
      CHECK_EQ(reader.corrupt().find("a tail") == 0, offset > RING_BYTES / 8);
    }
  }
}

TEST("a head that cannot be leaves the ring full and says so") {
  for (const uint32_t start : {0u, 0x7fffffffu, 0xfffffff0u}) {
    for (const uint32_t offset : BOUNDARIES) {
      const LaneMemory memory(RING_BYTES, start);
      RingWriter<> writer(memory.bytes(), memory.place);
      *memory.at(LINK_HEAD) = start + offset;
      const uint32_t used = 0 - offset;
      const bool can_be = used <= RING_BYTES / 8;
      CHECK_EQ(writer.free_bytes(), can_be ? RING_BYTES - used * 8 : 0u);
      CHECK_EQ(writer.corrupt().empty(), can_be);
      if (!can_be) CHECK(writer.claim(FRAME_HEADER_BYTES) == nullptr);
    }
  }
}

TEST("a new end of a ring whose words are anything starts without a step outside") {
  for (const uint32_t tail : BOUNDARIES) {
    for (const uint32_t head : BOUNDARIES) {
      for (const uint32_t taken : BOUNDARIES) {
        const LaneMemory memory(RING_BYTES);
        *memory.at(LINK_TAIL) = tail;
        *memory.at(LINK_HEAD) = head;
        *memory.at(LINK_TAKEN) = taken;
        *memory.at(LINK_WAITING) = taken;
        RingReader<> reader(memory.bytes(), memory.place);
        poll(reader, 1000);
        reader.release();
        RingWriter<> writer(memory.bytes(), memory.place);
        for (int count = 0; count < 40; count++) offer(writer, std::string(100, 'c'));
        writer.publish();
        writer.await_room(512);
      }
    }
  }
}

TEST("a wish for room that cannot be is answered once the ring is empty, and only once") {
  for (const uint32_t wanted : BOUNDARIES) {
    const LaneMemory memory(RING_BYTES);
    RingWriter<> writer(memory.bytes(), memory.place);
    RingReader<> reader(memory.bytes(), memory.place);
    offer(writer, "one");
    writer.publish();
    *memory.at(LINK_WAITING) = wanted;
    poll(reader, 1);
    CHECK_EQ(reader.release(), wanted != 0);
    CHECK(!reader.release());
  }
}
