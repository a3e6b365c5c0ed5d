// Counters of one thread in the region, as its doorbell writes them. `src/counters/` reads them.
//
// Plain stores to lines that no other thread writes, once per turn of the loop: nobody waits for
// them, and whoever looks sees each word whole.

#pragma once

#include <cstdint>

#include "layout.h"
#include "words.h"

namespace flyshuttle {

/// Stores a count in two words that overlap: the low 32 bits, and all but the low COUNTER_SHIFT.
/// `readCount` in src/counters/counter.ts puts together what it finds, torn or not.
inline void poke_counter(uint32_t* words, uint64_t count) {
  poke_word(words, static_cast<uint32_t>(count));
  poke_word(words + 1, static_cast<uint32_t>(count >> COUNTER_SHIFT));
}

class ThreadCounters {
 public:
  ThreadCounters(uint8_t* region, const Layout& layout, uint32_t thread)
      : liveness_(word_at(region, layout.inbox(thread) + INBOX_LIVENESS)),
        delivery_max_(word_at(region, layout.inbox(thread) + INBOX_DELIVERY_MAX)),
        counters_(word_at(region, layout.inbox(thread) + INBOX_COUNTERS)) {}

  /// What the thread does from now on. One word, so that the two are never of different moments.
  void note(Activity activity, uint64_t now_ms) {
    poke_word(liveness_, static_cast<uint32_t>(now_ms << ACTIVITY_BITS) | uint32_t(activity));
  }

  void put(ThreadCounter counter, uint64_t count) {
    poke_counter(counters_ + uint32_t(counter) * (COUNTER_BYTES / sizeof(uint32_t)), count);
  }

  void put_delivery_max(uint64_t longest_us) {
    poke_word(delivery_max_, static_cast<uint32_t>(longest_us));
  }

 private:
  uint32_t* const liveness_;
  uint32_t* const delivery_max_;
  uint32_t* const counters_;
};

}  // namespace flyshuttle
