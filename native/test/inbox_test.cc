// The words of an inbox: ready bits, sleeping, death. Offsets are held to TypeScript's by
// test/native/layout.test.ts; here by what they must not do to each other.

#include "../core/inbox.h"

#include <set>

#include "check.h"
#include "memory.h"

using namespace flyshuttle;
using namespace flyshuttle::check;

namespace {

struct SmallRegion {
  explicit SmallRegion(uint32_t threads)
      : layout(Geometry{threads, 1024, 1024, 4096, 4096, 64, 0, 0}),
        block(make_block(layout.region_bytes)) {}
  uint8_t* bytes() const { return block.get(); }
  uint32_t word(uint64_t offset) const { return *word_at(block.get(), offset); }
  void set(uint64_t offset, uint32_t value) const { *word_at(block.get(), offset) = value; }

  const Layout layout;
  const Block block;
};

constexpr Lane LANES[] = {Lane::Urgent, Lane::Bulk};

}  // namespace

TEST("every producer and lane has a ready bit of its own") {
  const SmallRegion region(THREADS_MAX);
  std::set<std::pair<uint64_t, uint32_t>> bits;
  for (uint32_t from = 0; from < THREADS_MAX; from++) {
    for (const Lane lane : LANES) {
      const uint64_t offset = ready_offset(region.layout, 3, from / PRODUCERS_PER_READY_GROUP);
      bits.insert({offset, ready_bit(from, lane)});
      CHECK(offset >= region.layout.inbox(3) + INBOX_READY);
      CHECK(offset + 4 <= region.layout.inbox(4));
    }
  }
  CHECK_EQ(bits.size(), size_t{THREADS_MAX} * 2);
}

TEST("links, inboxes and rings do not overlap and fill the region") {
  const SmallRegion region(5);
  const Layout& layout = region.layout;
  uint64_t words = layout.links;
  uint64_t ring = layout.rings;
  for (uint32_t from = 0; from < 5; from++) {
    for (uint32_t to = 0; to < 5; to++) {
      for (const Lane lane : LANES) {
        CHECK_EQ(layout.lane_words(from, to, lane), words);
        CHECK_EQ(layout.ring(from, to, lane), ring);
        words += LANE_WORDS_BYTES;
        ring += layout.ring_bytes(lane);
      }
    }
  }
  CHECK_EQ(words, layout.subscription_rows);
  // Then the areas of work queues and of large messages, each from a page of its own: both empty.
  CHECK(ring <= layout.queues && layout.queues - ring < 4096);
  CHECK_EQ(layout.chunks, layout.queues);
  CHECK_EQ(layout.region_bytes, layout.chunks);
  CHECK_EQ(layout.inbox(5), layout.links);
}

TEST("a raised bit keeps its reader from parking") {
  const SmallRegion region(2);
  Inbox inbox(region.bytes(), region.layout, 1);
  CHECK(inbox.try_park());
  inbox.unpark();
  CHECK(!raise_ready(region.bytes(), region.layout, 0, 1, Lane::Bulk));
  CHECK(inbox.has_ready());
  CHECK(!inbox.try_park());
  CHECK_EQ(region.word(region.layout.inbox(1) + INBOX_SLEEPING), 0u);
}

TEST("of all who find a sleeper, one rings") {
  const SmallRegion region(40);
  Inbox inbox(region.bytes(), region.layout, 0);
  CHECK(inbox.try_park());
  CHECK(raise_ready(region.bytes(), region.layout, 39, 0, Lane::Urgent));
  CHECK(!raise_ready(region.bytes(), region.layout, 7, 0, Lane::Urgent));
  // A bit that is up already says that somebody has been told.
  CHECK(inbox.has_ready());
  region.set(region.layout.inbox(0) + INBOX_SLEEPING, 1);
  CHECK(!raise_ready(region.bytes(), region.layout, 39, 0, Lane::Urgent));
}

TEST("a death is told to every inbox") {
  const SmallRegion region(20);
  announce_death(region.bytes(), region.layout, 4);
  CHECK_EQ(region.word(region.layout.inbox(4) + INBOX_DEAD), uint32_t(ThreadState::Dead));
  CHECK_EQ(region.word(HEADER_DEATHS), 1u);
  for (uint32_t to = 0; to < 20; to++) {
    for (uint32_t group = 0; group < region.layout.ready_groups; group++) {
      CHECK_EQ(region.word(ready_offset(region.layout, to, group)), 0xffffffffu);
    }
  }
}

TEST("only those who live and do not sleep count as awake") {
  const SmallRegion region(6);
  for (const uint32_t thread : {0u, 1u, 2u}) {
    region.set(region.layout.inbox(thread) + INBOX_DEAD, uint32_t(ThreadState::Alive));
  }
  region.set(region.layout.inbox(1) + INBOX_SLEEPING, 1);
  region.set(region.layout.inbox(3) + INBOX_DEAD, uint32_t(ThreadState::Dead));
  CHECK_EQ(count_awake(region.bytes(), region.layout), 2u);
}

TEST("words that hold anything are only words") {
  for (const uint32_t value : {0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    const SmallRegion region(17);
    for (uint64_t at = region.layout.inboxes; at < region.layout.links; at += 4) {
      region.set(at, value);
    }
    Inbox inbox(region.bytes(), region.layout, 16);
    CHECK(inbox.has_ready());
    CHECK(!inbox.try_park());
    CHECK_EQ(count_awake(region.bytes(), region.layout), 0u);
    raise_ready(region.bytes(), region.layout, 16, 0, Lane::Bulk);
    announce_death(region.bytes(), region.layout, 0);
  }
}
