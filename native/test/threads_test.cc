// Two threads, one ring: what the thread sanitizer is for. Payloads carry checks over everything
// (core/stress.h), and positions start so that they meet the ends of their 32 bits.

#include <atomic>
#include <thread>

#include "../core/inbox.h"
#include "../core/limit.h"
#include "../core/stress.h"
#include "check.h"
#include "memory.h"

using namespace flyshuttle;
using namespace flyshuttle::check;

namespace {

void expect_exchange(uint64_t ring_bytes, uint32_t position, uint32_t frames, uint32_t seed) {
  const LaneMemory memory(ring_bytes, position);
  const StressJob job{memory.bytes(), memory.place, frames, seed};
  StressThread consumer(StressThread::Role::Consumer, job);
  StressThread producer(StressThread::Role::Producer, job);
  producer.join();
  consumer.join();
  CHECK_EQ(producer.error(), "");
  CHECK_EQ(consumer.error(), "");
  CHECK_EQ(consumer.frames(), frames);
  CHECK_EQ(*memory.at(LINK_HEAD), *memory.at(LINK_TAIL));
}

}  // namespace

TEST("frames cross between two threads whole, in order and once") {
  const uint32_t frames = stress_count(300'000);
  expect_exchange(1024, 0, frames, 1);
  expect_exchange(65536, 0, frames, 2);
}

TEST("positions pass 2^31 and 2^32 under way") {
  const uint32_t frames = stress_count(100'000);
  expect_exchange(1024, 0x80000000u - 1000, frames, 3);
  expect_exchange(1024, 0xffffffffu - 1000, frames, 4);
}

TEST("a stress thread ends when its peer never comes") {
  const LaneMemory memory(1024);
  const StressJob job{memory.bytes(), memory.place, 1'000'000, 5};
  const StressThread producer(StressThread::Role::Producer, job);
  const StressThread consumer(StressThread::Role::Consumer, {job.region, job.place, 0, 5});
}

TEST("the limit's sums are right, one by one and in batches") {
  for (const bool publish_each : {true, false}) {
    const LimitOptions options{stress_count(500'000), 40, 65536, publish_each};
    const LimitResult result = measure_limit(options);
    CHECK_EQ(result.checksum, result.expected);
    CHECK(result.seconds > 0);
  }
}

TEST("the closed form of the limit's sum is the sum") {
  for (const uint32_t frames : {1u, 2u, 7u, 1000u}) {
    for (const uint32_t payload_bytes : {0u, 4u, 40u}) {
      uint32_t sum = 0;
      for (uint32_t frame = 0; frame < frames; frame++) {
        for (uint32_t word = 0; word < payload_bytes / 4; word++) sum += frame + word;
      }
      CHECK_EQ(limit_checksum({frames, payload_bytes, 1024, true}), sum);
    }
  }
}

TEST("a reader that parks is never left asleep with a frame") {
  const Layout layout(Geometry{2, 1024, 1024, 4096, 4096, 64, 0, 0});
  const Block region = make_block(layout.region_bytes);
  const RingPlace place{layout.lane_words(0, 1, Lane::Bulk), layout.ring(0, 1, Lane::Bulk), 1024};
  const uint32_t frames = stress_count(200'000);
  std::atomic<uint32_t> bells{0};
  std::thread producer([&] {
    RingWriter<> ring(region.get(), place);
    Patience patience;
    for (uint32_t sent = 0; sent < frames;) {
      if (!offer(ring, "x")) {
        patience.wait();
        continue;
      }
      sent++;
      ring.publish();
      if (raise_ready(region.get(), layout, 0, 1, Lane::Bulk)) bells++;
    }
  });
  RingReader<> ring(region.get(), place);
  Inbox inbox(region.get(), layout, 1);
  uint32_t* const ready = word_at(region.get(), ready_offset(layout, 1, 0));
  uint32_t received = 0;
  uint32_t heard = 0;
  while (received < frames) {
    exchange_word(ready, 0);
    received += ring.poll([](const uint8_t*, uint32_t) {}, 1024);
    if (received == frames || !inbox.try_park()) continue;
    // Asleep: only a bell wakes us. If one were missing, this would be the end of the test.
    for (Patience patience; bells.load() == heard;) patience.wait();
    heard = bells.load();
    inbox.unpark();
  }
  producer.join();
  CHECK_EQ(received, frames);
}
