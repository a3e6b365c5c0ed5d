// Shared words: 32-bit words that several threads, written in C++ or JavaScript, read and write.
//
// Used by everything in `core/`. JavaScript's `Atomics` are sequentially consistent, and so is
// every access here unless a caller names another `Order`. The compiler's builtins are used rather
// than `std::atomic_ref`, which not every standard library of C++20 has; they mean the same, and
// thread sanitizers understand them.

#pragma once

#include <cstdint>
#include <thread>

namespace flyshuttle {

/// What `Atomics` does. The protocol needs it wherever one side stores a word and then looks at
/// another.
struct Sequential {
  static constexpr int LOAD = __ATOMIC_SEQ_CST;
  static constexpr int STORE = __ATOMIC_SEQ_CST;
};

/// Enough for a tail and a head that nobody sleeps on: the limit that `measure_limit` looks for.
struct AcquireRelease {
  static constexpr int LOAD = __ATOMIC_ACQUIRE;
  static constexpr int STORE = __ATOMIC_RELEASE;
};

template <class Order = Sequential>
inline uint32_t load_word(const uint32_t* word) {
  return __atomic_load_n(word, Order::LOAD);
}

template <class Order = Sequential>
inline void store_word(uint32_t* word, uint32_t value) {
  __atomic_store_n(word, value, Order::STORE);
}

/// A plain load or store, done exactly once: for words whose order does not matter or that a peer
/// may scribble on.
inline uint32_t peek_word(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
inline void poke_word(uint32_t* word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

inline uint32_t exchange_word(uint32_t* word, uint32_t value) {
  return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

inline uint32_t or_word(uint32_t* word, uint32_t bits) {
  return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST);
}
inline uint32_t add_word(uint32_t* word, uint32_t step) {
  return __atomic_fetch_add(word, step, __ATOMIC_SEQ_CST);
}

/// Tells the core that this is a spin, so that its sibling thread and the memory pipeline get room.
inline void pause_core() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

/// A wait for another thread that may not even be running: with fewer cores than threads, spinning
/// alone would use up the time slice that the other one needs.
class Patience {
 public:
  void wait() {
    pause_core();
    if (++waits_ % WAITS_PER_YIELD == 0) std::this_thread::yield();
  }

 private:
  static constexpr uint32_t WAITS_PER_YIELD = 256;
  uint32_t waits_ = 0;
};

}  // namespace flyshuttle
