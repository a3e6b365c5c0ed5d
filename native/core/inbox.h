// The words of one thread's inbox: who has something for it, whether it sleeps, whether it lives.
//
// `Inbox` is the owning thread's side (used by the doorbell), `raise_ready` a producer's,
// `announce_death` what is left to do when a thread has ended. The same protocol stands in
// `src/link/inbox.ts` and `src/link/outbox.ts`. What must stay true: a producer that has published
// and raised its bit either finds its reader awake, or rings it.

#pragma once

#include <cstdint>

#include "layout.h"
#include "words.h"

namespace flyshuttle {

/// The ready word and bit of one producer and lane: two bits per producer, sixteen producers per
/// group.
inline uint64_t ready_offset(const Layout& layout, uint32_t to, uint32_t group) {
  return layout.inbox(to) + INBOX_READY + uint64_t{group} * LINE_BYTES;
}
inline uint32_t ready_bit(uint32_t from, Lane lane) {
  return 1u << ((from % PRODUCERS_PER_READY_GROUP) * 2 + uint32_t(lane));
}

class Inbox {
 public:
  Inbox(uint8_t* region, const Layout& layout, uint32_t thread)
      : sleeping_(word_at(region, layout.inbox(thread) + INBOX_SLEEPING)),
        ready_(word_at(region, ready_offset(layout, thread, 0))),
        ready_groups_(layout.ready_groups) {}

  /// Whether any producer has raised a bit. The bits are taken by whoever drains, in JavaScript.
  bool has_ready() const {
    for (uint32_t group = 0; group < ready_groups_; group++) {
      // SYNC ready-set: pairs with ready-set in raise_ready. A look only: the bits stay for whoever
      // drains.
      if (load_word(ready_ + group * (LINE_BYTES / sizeof(uint32_t))) != 0) return true;
    }
    return false;
  }

  /// Says "asleep" and looks once more; false when there is something to drain.
  bool try_park() {
    // SYNC sleep-check: pairs with sleep-check in raise_ready. We say "asleep" before we look
    // again.
    store_word(sleeping_, 1);
    if (!has_ready()) return true;
    store_word(sleeping_, 0);
    return false;
  }

  void unpark() { store_word(sleeping_, 0); }

 private:
  uint32_t* const sleeping_;
  const uint32_t* const ready_;
  const uint32_t ready_groups_;
};

/// Tells `to` that the link from `from` has something. True: `to` sleeps and the caller must ring
/// its bell.
inline bool raise_ready(uint8_t* region, const Layout& layout, uint32_t from, uint32_t to,
                        Lane lane) {
  uint32_t* const ready =
      word_at(region, ready_offset(layout, to, from / PRODUCERS_PER_READY_GROUP));
  const uint32_t bit = ready_bit(from, lane);
  // SYNC ready-set: pairs with ready-set in Inbox::has_ready. The tail moved before the bit is
  // looked at.
  if ((load_word(ready) & bit) != 0) return false;
  or_word(ready, bit);
  // SYNC sleep-check: pairs with sleep-check in Inbox::try_park. The bit is set before we look
  // whether it sleeps.
  uint32_t* const sleeping = word_at(region, layout.inbox(to) + INBOX_SLEEPING);
  return load_word(sleeping) != 0 && exchange_word(sleeping, 0) != 0;
}

/// Threads that live and do not sleep. A rough count: it changes while it is taken.
inline uint32_t count_awake(uint8_t* region, const Layout& layout) {
  uint32_t awake = 0;
  for (uint32_t thread = 0; thread < layout.threads; thread++) {
    const uint64_t inbox = layout.inbox(thread);
    if (peek_word(word_at(region, inbox + INBOX_DEAD)) != uint32_t(ThreadState::Alive)) continue;
    if (peek_word(word_at(region, inbox + INBOX_SLEEPING)) == 0) awake++;
  }
  return awake;
}

/// Says that `thread` has ended. Afterwards the caller rings every bell, whether its owner sleeps
/// or not: the dead thread may have stopped between taking a sleeping word and ringing, or between
/// moving a tail and raising its bit.
inline void announce_death(uint8_t* region, const Layout& layout, uint32_t thread) {
  store_word(word_at(region, layout.inbox(thread) + INBOX_DEAD), uint32_t(ThreadState::Dead));
  add_word(word_at(region, HEADER_DEATHS), 1);
  for (uint32_t to = 0; to < layout.threads; to++) {
    for (uint32_t group = 0; group < layout.ready_groups; group++) {
      or_word(word_at(region, ready_offset(layout, to, group)), 0xffffffff);
    }
  }
}

}  // namespace flyshuttle
