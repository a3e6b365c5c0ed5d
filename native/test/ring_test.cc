// The byte ring, one thread at both ends. test/ring/conformance.test.ts says the same of both
// languages; here the sanitizers look on.

#include "../core/ring.h"

#include <iterator>
#include <random>

#include "check.h"
#include "memory.h"

using namespace flyshuttle;
using namespace flyshuttle::check;

namespace {

constexpr uint32_t RING_BYTES = 1024;

// Around zero, where a signed 32-bit integer ends, and just under 2^32, where positions wrap.
constexpr uint32_t POSITIONS[] = {0, 1, 63, 0x7ffffff0, 0x7fffffff, 0xffffffc0, 0xffffffff};

struct Ring : LaneMemory {
  explicit Ring(uint32_t position = 0, uint32_t ring_bytes = RING_BYTES)
      : LaneMemory(ring_bytes, position), writer(bytes(), place), reader(bytes(), place) {}
  RingWriter<> writer;
  RingReader<> reader;
};

}  // namespace

TEST("a frame is invisible until its batch is published") {
  Ring ring;
  CHECK(offer(ring.writer, "one"));
  CHECK_EQ(ring.writer.pending_bytes(), 24u);
  CHECK(!ring.reader.has_frames());
  CHECK_EQ(poll(ring.reader, 10), "");
  ring.writer.publish();
  CHECK_EQ(ring.writer.pending_bytes(), 0u);
  CHECK(ring.reader.has_frames());
  CHECK_EQ(poll(ring.reader, 10), "one|");
  CHECK(!ring.reader.has_frames());
}

TEST("a claim that is not committed is forgotten") {
  Ring ring;
  CHECK(ring.writer.claim(64) != nullptr);
  CHECK(offer(ring.writer, "only"));
  ring.writer.publish();
  CHECK_EQ(poll(ring.reader, 10), "only|");
}

TEST("frames that fill the ring exactly fit and one more does not, wherever it stands") {
  for (const uint32_t position : POSITIONS) {
    Ring ring(position);
    uint32_t offered = 0;
    while (offer(ring.writer, std::string(16, 'x'))) offered++;
    // A frame of 32 bytes meets the end of the ring when the start is a multiple of 32.
    const bool is_aligned = position % 4 == 0;
    CHECK_EQ(offered, is_aligned ? RING_BYTES / 32 : RING_BYTES / 32 - 1);
    if (is_aligned) CHECK_EQ(ring.writer.free_bytes(), 0u);
    ring.writer.publish();
    CHECK_EQ(poll(ring.reader, 1000).size(), offered * 17);
    CHECK_EQ(ring.writer.free_bytes(), RING_BYTES);
    CHECK_EQ(ring.reader.corrupt(), "");
  }
}

TEST("a frame that would cross the end starts at the beginning, behind a PAD") {
  for (const uint32_t position : POSITIONS) {
    Ring ring(position);
    const std::string largest(RING_BYTES / FRAME_RING_DIVISOR - FRAME_HEADER_BYTES, 'y');
    for (int round = 0; round < 50; round++) {
      CHECK(offer(ring.writer, "a"));
      CHECK(offer(ring.writer, largest));
      ring.writer.publish();
      CHECK_EQ(poll(ring.reader, 10), "a|" + largest + "|");
    }
    CHECK_EQ(*ring.at(LINK_HEAD), *ring.at(LINK_TAIL));
    CHECK_EQ(*ring.at(LINK_TAKEN), *ring.at(LINK_TAIL));
  }
}

TEST("a reserve stays free beyond the frame") {
  Ring ring;
  CHECK(ring.writer.claim(RING_BYTES - 128, 128) != nullptr);
  CHECK(ring.writer.claim(RING_BYTES - 120, 128) == nullptr);
}

TEST("a poll hands over no more than it was asked for") {
  Ring ring;
  for (const char* payload : {"0", "1", "2", "3"}) offer(ring.writer, payload);
  ring.writer.publish();
  CHECK_EQ(poll(ring.reader, 3), "0|1|2|");
  CHECK_EQ(poll(ring.reader, 3), "3|");
}

TEST("a waiting producer is rung once, when enough is free") {
  Ring ring;
  while (offer(ring.writer, std::string(48, 'z'))) continue;
  ring.writer.publish();
  CHECK(!ring.writer.await_room(256));
  CHECK(!ring.reader.release());
  poll(ring.reader, 3);
  CHECK(!ring.reader.release());
  poll(ring.reader, 1);
  CHECK(ring.reader.release());
  CHECK(!ring.reader.release());
}

TEST("a producer that finds room after all withdraws its wish") {
  Ring ring;
  CHECK(ring.writer.await_room(RING_BYTES));
  CHECK_EQ(*ring.at(LINK_WAITING), 0u);
}

TEST("a successor of the reader goes on after the frame that was taken, and frees its room") {
  Ring ring;
  for (const char* payload : {"0", "1", "2", "3"}) offer(ring.writer, payload);
  ring.writer.publish();
  // As if the first reader had died in the handler of the second frame.
  *ring.at(LINK_TAKEN) = 6;
  RingReader<> successor(ring.bytes(), ring.place);
  CHECK_EQ(*ring.at(LINK_HEAD), 6u);
  CHECK_EQ(poll(successor, 10), "2|3|");
}

TEST("a successor of the writer goes on after the last published batch") {
  Ring ring;
  offer(ring.writer, "kept");
  ring.writer.publish();
  offer(ring.writer, "lost");
  RingWriter<> successor(ring.bytes(), ring.place);
  offer(successor, "next");
  successor.publish();
  CHECK_EQ(poll(ring.reader, 10), "kept|next|");
}

TEST("skipping leaves nothing to read and all of the ring free") {
  Ring ring;
  offer(ring.writer, "dropped");
  ring.writer.publish();
  ring.reader.skip_all();
  CHECK_EQ(poll(ring.reader, 10), "");
  CHECK_EQ(ring.writer.free_bytes(), RING_BYTES);
}

TEST("any mix of sizes, batches and polls arrives whole, in order, once") {
  for (uint32_t seed = 1; seed <= 200; seed++) {
    std::mt19937 random(seed);
    Ring ring(POSITIONS[seed % std::size(POSITIONS)], seed % 2 == 0 ? 1024 : 4096);
    std::string received;
    std::string wanted;
    for (int step = 0; step < 400; step++) {
      const auto choice = random() % 8;
      if (choice < 4) {
        const std::string payload(random() % 240, static_cast<char>('a' + step % 26));
        if (offer(ring.writer, payload)) wanted += payload + "|";
      } else if (choice < 6) {
        ring.writer.publish();
      } else {
        received += poll(ring.reader, static_cast<uint32_t>(1 + random() % 40));
      }
    }
    ring.writer.publish();
    received += poll(ring.reader, 100000);
    if (received != wanted) std::cerr << "seed " << seed << '\n';
    CHECK(received == wanted);
    CHECK_EQ(ring.reader.corrupt(), "");
  }
}
