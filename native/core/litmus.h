// One actor of a litmus test: a few loads and stores on cells that another actor, in JavaScript,
// uses at the same moment. What both saw together tells what the memory model allows.
//
// test/litmus has the other actor, the drawing of the memory and the verdicts; `actors.mjs` there
// holds the same steps. Plain accesses of JavaScript are relaxed ones here.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "words.h"

namespace flyshuttle {

enum class Litmus : uint32_t {
  StoreBufferAtomic = 0,
  StoreBufferPlain = 1,
  ReadySleeping = 2,
  MessageAtomic = 3,
  MessagePlain = 4,
  Version = 5,
};
inline constexpr uint32_t LITMUS_COUNT = 6;

/// Words, not bytes: each shared word has 128 bytes for itself.
inline constexpr size_t LITMUS_LINE_WORDS = 32;
inline constexpr size_t LITMUS_CELL_WORDS = 4 * LITMUS_LINE_WORDS;
inline constexpr size_t LITMUS_STOP = 0;
inline constexpr size_t LITMUS_ARRIVED = LITMUS_LINE_WORDS;  // and one line on for role 1
inline constexpr size_t LITMUS_CELLS = 4 * LITMUS_LINE_WORDS;

/// What one actor does with one cell; the result is what it saw.
inline uint32_t act_litmus(Litmus test, uint32_t role, uint32_t* cell) {
  uint32_t* const x = cell;
  uint32_t* const y = cell + LITMUS_LINE_WORDS;
  uint32_t* const z = cell + 2 * LITMUS_LINE_WORDS;
  uint32_t* const w = cell + 3 * LITMUS_LINE_WORDS;
  uint32_t* const own = role == 0 ? x : y;
  uint32_t* const other = role == 0 ? y : x;
  switch (test) {
    case Litmus::StoreBufferAtomic:
      store_word(own, 1);
      return load_word(other);
    case Litmus::StoreBufferPlain:
      poke_word(own, 1);
      return peek_word(other);
    case Litmus::ReadySleeping:
      if (role == 0) or_word(own, 1);
      else store_word(own, 1);
      return load_word(other);
    case Litmus::MessageAtomic:
    case Litmus::MessagePlain: {
      const bool is_plain = test == Litmus::MessagePlain;
      if (role == 0) {
        poke_word(x, 1);
        is_plain ? poke_word(y, 1) : store_word(y, 1);
        return 0;
      }
      const uint32_t flag = is_plain ? peek_word(y) : load_word(y);
      return flag * 2 + peek_word(x);
    }
    case Litmus::Version: {
      if (role == 0) {
        poke_word(x, 1);
        store_word(y, 1);
        add_word(z, 1);
        store_word(w, 1);
        return 0;
      }
      const uint32_t message = load_word(w);
      const uint32_t version = peek_word(z);
      const uint32_t tail = load_word(y);
      return message * 8 + version * 4 + tail * 2 + peek_word(x);
    }
  }
  return 0;
}

struct LitmusJob {
  uint32_t* words;
  Litmus test;
  uint32_t role;  // 0 or 1
  uint32_t cells;
};

/// Plays one role, round after round, until the other says stop.
class LitmusThread {
 public:
  explicit LitmusThread(const LitmusJob& job) : thread_([this, job] { play(job); }) {}

  ~LitmusThread() {
    must_stop_ = true;
    join();
  }

  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  void play(const LitmusJob& job) {
    uint32_t* const results = job.words + LITMUS_CELLS + job.cells * LITMUS_CELL_WORDS +
                              size_t{job.role} * job.cells;
    for (uint32_t step = 1;; step += 2) {
      if (!meet(job, step)) return;
      for (size_t index = 0; index < job.cells; index++) {
        uint32_t* const cell = job.words + LITMUS_CELLS + index * LITMUS_CELL_WORDS;
        poke_word(results + index, act_litmus(job.test, job.role, cell));
      }
      if (!meet(job, step + 1)) return;
    }
  }

  /// Says that we are at `step` and waits for the other; false when the end has come.
  bool meet(const LitmusJob& job, uint32_t step) {
    uint32_t* const arrived = job.words + LITMUS_ARRIVED;
    store_word(arrived + job.role * LITMUS_LINE_WORDS, step);
    const uint32_t* const other = arrived + (1 - job.role) * LITMUS_LINE_WORDS;
    for (Patience patience; load_word(other) < step;) {
      if (must_stop_ || load_word(job.words + LITMUS_STOP) != 0) return false;
      patience.wait();
    }
    return true;
  }

  std::atomic<bool> must_stop_{false};
  std::thread thread_;  // Last: it starts when everything above is there.
};

}  // namespace flyshuttle
