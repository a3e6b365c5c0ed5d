// Where every shared word lives. The same numbers stand in `src/memory/layout.ts`, whose head has
// the drawing; a test holds the two equal, name by name (see `native/glue/layout.cc`).
//
// All constants are bytes unless their name says otherwise. Names are those of the TypeScript file,
// so that a search finds both. What a region is made of is given by a `Geometry` that the caller
// has checked; nothing here is read from shared memory.

#pragma once

#include <cstddef>
#include <cstdint>

namespace flyshuttle {

// From src/base/limits.ts.
inline constexpr uint32_t THREADS_MAX = 64;
inline constexpr uint32_t PRODUCERS_PER_READY_GROUP = 16;
inline constexpr uint32_t LINE_BYTES = 128;
inline constexpr uint32_t FRAME_RING_DIVISOR = 4;
inline constexpr uint32_t FLUSH_BYTES = 4096;

inline constexpr uint32_t LAYOUT_MAGIC = 0x53594c46;  // "FLYS", little endian
inline constexpr uint32_t LAYOUT_VERSION = 3;

inline constexpr uint32_t HEADER_BYTES = 4096;
inline constexpr uint32_t HEADER_MAGIC = 0;
inline constexpr uint32_t HEADER_LAYOUT_VERSION = 4;
inline constexpr uint32_t HEADER_THREADS = 8;
inline constexpr uint32_t HEADER_BULK_RING_BYTES = 12;
inline constexpr uint32_t HEADER_URGENT_RING_BYTES = 16;
inline constexpr uint32_t HEADER_DICTIONARY_BYTES = 20;
inline constexpr uint32_t HEADER_CHANGE_LOG_BYTES = 24;
inline constexpr uint32_t HEADER_SUBSCRIPTIONS = 28;
inline constexpr uint32_t HEADER_QUEUE_BYTES = 32;
inline constexpr uint32_t HEADER_CHUNK_BYTES = 36;

inline constexpr uint32_t HEADER_VERSION = 1 * LINE_BYTES;
inline constexpr uint32_t HEADER_LOG_GENERATION = 2 * LINE_BYTES;
inline constexpr uint32_t HEADER_LOG_TAIL_EVEN = 3 * LINE_BYTES;
inline constexpr uint32_t HEADER_LOG_TAIL_ODD = 4 * LINE_BYTES;
inline constexpr uint32_t HEADER_DEATHS = 5 * LINE_BYTES;
inline constexpr uint32_t HEADER_STATE = 6 * LINE_BYTES;

inline constexpr uint32_t INBOX_BYTES = 16 * LINE_BYTES;
inline constexpr uint32_t INBOX_SLEEPING = 0 * LINE_BYTES;
inline constexpr uint32_t INBOX_DEAD = 1 * LINE_BYTES;
inline constexpr uint32_t INBOX_FULL = 2 * LINE_BYTES;
inline constexpr uint32_t INBOX_INCARNATION = 3 * LINE_BYTES;
inline constexpr uint32_t INBOX_DICTIONARY_TAIL = 4 * LINE_BYTES;
inline constexpr uint32_t INBOX_LIVENESS = 5 * LINE_BYTES;
inline constexpr uint32_t INBOX_BEAT = INBOX_LIVENESS + 4;
inline constexpr uint32_t INBOX_LAG = INBOX_LIVENESS + 8;
inline constexpr uint32_t INBOX_LAG_MAX = INBOX_LIVENESS + 12;
inline constexpr uint32_t INBOX_DELIVERY_MAX = INBOX_LIVENESS + 16;
inline constexpr uint32_t INBOX_READY = 8 * LINE_BYTES;
inline constexpr uint32_t READY_GROUPS_MAX = 4;
inline constexpr uint32_t INBOX_COUNTERS = 12 * LINE_BYTES;

inline constexpr uint32_t LINK_TAIL = 0 * LINE_BYTES;
inline constexpr uint32_t LINK_HEAD = 1 * LINE_BYTES;
inline constexpr uint32_t LINK_TAKEN = 2 * LINE_BYTES;
inline constexpr uint32_t LINK_WAITING = 3 * LINE_BYTES;
inline constexpr uint32_t LINK_SENT = 4 * LINE_BYTES;
inline constexpr uint32_t LINK_OVERFLOW_BYTES = LINK_SENT + 64;
inline constexpr uint32_t LINK_RECEIVED = 5 * LINE_BYTES;
inline constexpr uint32_t LANE_WORDS_BYTES = 6 * LINE_BYTES;
inline constexpr uint32_t LINK_WORDS_BYTES = 2 * LANE_WORDS_BYTES;

enum class Lane : uint32_t { Urgent = 0, Bulk = 1 };

/// Values of INBOX_DEAD.
enum class ThreadState : uint32_t { Vacant = 0, Alive = 1, Dead = 2 };

/// Values of HEADER_STATE.
enum class EngineState : uint32_t { Open = 0, Closing = 1, Closed = 2 };

/// What a thread does, in the low bits of INBOX_LIVENESS; above them since when, in ms.
enum class Activity : uint32_t { Unknown = 0, Running = 1, Sleeping = 2 };
inline constexpr uint32_t ACTIVITY_BITS = 2;

/// A counter takes two words that overlap; see `core/counters.h`.
inline constexpr uint32_t COUNTER_BYTES = 8;
inline constexpr uint32_t COUNTER_SHIFT = 21;

/// Counters at INBOX_COUNTERS.
enum class ThreadCounter : uint32_t {
  Deliveries = 0,
  BusyUs = 1,
  SpinUs = 2,
  Wakes = 3,
  Parks = 4,
  SpinHits = 5,
  SpinMisses = 6,
  LossyDropped = 7,
  MailboxDropped = 8,
  RepliesDropped = 9,
  Expired = 10,
  RequestsExpired = 11,
  StreamsBegun = 12,
  StreamsEnded = 13,
};

/// Counters at LINK_SENT.
enum class SentCounter : uint32_t {
  Batches = 0,
  Full = 1,
  Overflow = 2,
  Waits = 3,
  Wakes = 4,
  Skipped = 5,
  Dropped = 6,
  Rejected = 7,
};

/// Counters at LINK_RECEIVED.
enum class ReceivedCounter : uint32_t { Frames = 0, Units = 1 };

static_assert(READY_GROUPS_MAX * PRODUCERS_PER_READY_GROUP == THREADS_MAX,
              "every thread has its ready bits");
static_assert(INBOX_READY + READY_GROUPS_MAX * LINE_BYTES <= INBOX_COUNTERS,
              "the ready groups fit the inbox");
static_assert(INBOX_COUNTERS + (uint32_t(ThreadCounter::StreamsEnded) + 1) * COUNTER_BYTES <=
                  INBOX_BYTES,
              "the thread's counters fit the inbox");
static_assert(LINK_SENT + (uint32_t(SentCounter::Rejected) + 1) * COUNTER_BYTES <=
                  LINK_OVERFLOW_BYTES,
              "a word stands behind the producer's counters");

/// The sizes that fix a region. All in bytes but `threads` and `subscriptions`, which are counts.
struct Geometry {
  uint32_t threads;
  uint32_t bulk_ring_bytes;
  uint32_t urgent_ring_bytes;
  uint32_t dictionary_bytes;
  uint32_t change_log_bytes;
  uint32_t subscriptions;
  uint32_t queue_bytes;
  uint32_t chunk_bytes;
};

/// Byte offsets of a region of one geometry.
struct Layout : Geometry {
  uint32_t ready_groups;
  uint64_t inboxes;
  uint64_t links;
  uint64_t subscription_rows;
  uint64_t dictionaries;
  uint64_t change_log;
  uint64_t rings;
  uint64_t queues;
  uint64_t chunks;
  uint64_t region_bytes;

  explicit Layout(const Geometry& geometry) : Geometry(geometry) {
    const uint64_t links_count = uint64_t{threads} * threads;
    ready_groups = (threads + PRODUCERS_PER_READY_GROUP - 1) / PRODUCERS_PER_READY_GROUP;
    inboxes = HEADER_BYTES;
    links = inboxes + uint64_t{threads} * INBOX_BYTES;
    subscription_rows = links + links_count * LINK_WORDS_BYTES;
    dictionaries = align_to_page(subscription_rows + uint64_t{subscriptions} * 4);
    change_log = align_to_page(dictionaries + uint64_t{threads} * dictionary_bytes);
    rings = align_to_page(change_log + 2 * uint64_t{change_log_bytes});
    queues = align_to_page(rings + links_count * link_ring_bytes());
    chunks = align_to_page(queues + queue_bytes);
    region_bytes = align_to_page(chunks + chunk_bytes);
  }

  uint64_t inbox(uint32_t thread) const { return inboxes + uint64_t{thread} * INBOX_BYTES; }

  /// Start of the words of one lane of the link `from` → `to`.
  uint64_t lane_words(uint32_t from, uint32_t to, Lane lane) const {
    return links + link_index(from, to) * LINK_WORDS_BYTES + uint64_t(lane) * LANE_WORDS_BYTES;
  }

  /// Start of the ring of one lane of the link `from` → `to`.
  uint64_t ring(uint32_t from, uint32_t to, Lane lane) const {
    return rings + link_index(from, to) * link_ring_bytes() +
           (lane == Lane::Urgent ? 0 : urgent_ring_bytes);
  }

  uint64_t ring_bytes(Lane lane) const {
    return lane == Lane::Urgent ? urgent_ring_bytes : bulk_ring_bytes;
  }

  uint64_t dictionary(uint32_t thread) const {
    return dictionaries + uint64_t{thread} * dictionary_bytes;
  }

 private:
  uint64_t link_index(uint32_t from, uint32_t to) const { return uint64_t{from} * threads + to; }
  uint64_t link_ring_bytes() const { return uint64_t{urgent_ring_bytes} + bulk_ring_bytes; }
  static uint64_t align_to_page(uint64_t bytes) { return (bytes + 4095) & ~uint64_t{4095}; }
};

/// The word at a byte offset of the region.
inline uint32_t* word_at(uint8_t* region, uint64_t offset) {
  return reinterpret_cast<uint32_t*>(region + offset);
}

}  // namespace flyshuttle
