// What wakes a thread, and what hands it the moments before its event loop would block.
//
// A `LoopBell` lives in the loop of one environment: a poll on the thread's bell, a prepare hook
// that delivers and spins, a check hook that says "awake", an idle handle that keeps the loop from
// blocking. It owns itself: uv may use its handles until they are closed, whatever JavaScript has
// collected by then.
//
//     ┌─ one turn of the loop ─────────────────────────────────────────────────────────┐
//     │ timers · prepare: deliver, spin, deliver … then sleeping = 1 · poll (may block)│
//     │ · the bell rang: sleeping = 0, deliver · check: sleeping = 0 · next turn       │
//     └────────────────────────────────────────────────────────────────────────────────┘
//
// It ends in one of two ways: `close()`, orderly and silent; or its environment ends first (a
// worker's code ran out, threw, or was terminated), and the asynchronous cleanup hook announces the
// death of the thread to everybody.

#pragma once

#include <napi.h>
#include <uv.h>

#include <cstdint>

#include "../core/counters.h"
#include "../core/inbox.h"
#include "../core/layout.h"
#include "arguments.h"
#include "spin_policy.h"
#include "uv_functions.h"

namespace flyshuttle::glue {

struct DoorbellStats {
  uint64_t wakes = 0;        // the bell rang
  uint64_t delivers = 0;     // `deliver` was called
  uint64_t spin_hits = 0;    // a spin ended because something came
  uint64_t spin_misses = 0;  // a spin ended because nothing came
  uint64_t parks = 0;        // the loop was let go with sleeping = 1
  uint64_t busy_ns = 0;      // in `deliver`, with the microtasks that follow it
  uint64_t busy_ns_max = 0;  // the longest of them
  uint64_t spin_ns = 0;      // waiting on the core
};

struct DoorbellOptions {
  Napi::Object region_array;
  Napi::Object bells_array;
  Napi::Object hold_array;
  Napi::Function deliver;
  Bytes region;
  Bytes bells;
  Bytes hold;  // two words of this thread alone, see HoldWord
  Geometry geometry;
  uint32_t thread;
  uint32_t cores;
  double spin_us;
  double spin_budget_us;
};

/// Whether the loop is kept alive: what JavaScript wants, as it stores it, and what uv was told. It
/// wants it and no longer for every lone request, which costs nothing until the loop is about to
/// wait.
enum HoldWord : uint32_t { HOLD_WANTED, HOLD_REFERENCED, HOLD_WORDS };

class LoopBell {
 public:
  /// Starts in the environment's loop, unreferenced; null with a pending exception when the loop
  /// refuses.
  static LoopBell* open(Napi::Env env, const DoorbellOptions& options);

  void ref();
  /// Something may wait that no ready bit tells of: the next turn delivers.
  void nudge() { is_nudged_ = true; }
  /// Orderly end. The object deletes itself once uv has let go; do not touch it afterwards.
  void close();
  const DoorbellStats& stats() const { return stats_; }

 private:
  enum class Spin { Found, Nothing, BudgetSpent };

  LoopBell(Napi::Env env, const DoorbellOptions& options, uv_loop_t* loop, int fd);
  ~LoopBell() = default;
  bool start(const DoorbellOptions& options);

  void before_poll();
  void deliver_and_spin();
  void after_poll();
  void on_bell();
  /// Calls `deliver`. False when nothing can or may be delivered here any more.
  bool deliver(bool is_sudden);
  bool call_deliver();
  bool settle_exception();
  Spin spin();
  bool spin_until(uint64_t limit_ns);
  bool has_work() const { return has_leftover_ || is_nudged_ || inbox_.has_ready(); }
  bool park();
  void settle_hold();
  uint32_t* hold_word(HoldWord word) const { return word_at(hold_.data, word * sizeof(uint32_t)); }
  void note(Activity activity) { counters_.note(activity, now_ns_ / 1'000'000); }
  void put_counters();
  void stay_awake() {
    uv_.idle_start(&idle_, [](uv_idle_t*) {});
  }

  void on_environment_end();
  void announce();
  void stop();
  void close_handles();
  void handle_closed();

  const UvFunctions& uv_ = UV_FUNCTIONS;
  const napi_env env_;
  uv_loop_t* const loop_;
  const Bytes region_;
  const Bytes bells_;
  const Bytes hold_;
  const Layout layout_;
  const uint32_t thread_;
  const uint32_t cores_;
  const int fd_;
  Inbox inbox_;
  ThreadCounters counters_;
  SpinPolicy policy_;
  DoorbellStats stats_;

  uint64_t now_ns_ = 0;  // as of the last look at the clock
  bool has_leftover_ = false;
  bool is_nudged_ = true;  // a new consumer looks at every link once
  bool is_parked_ = false;
  bool may_spin_ = false;
  bool is_ended_ = false;    // closed, or JavaScript cannot run any more: nothing is delivered
  bool is_closing_ = false;  // uv has been told to let go of the handles

  napi_ref region_ref_ = nullptr;
  napi_ref bells_ref_ = nullptr;
  napi_ref hold_ref_ = nullptr;
  napi_ref deliver_ref_ = nullptr;
  napi_async_context async_context_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;

  uv_poll_t poll_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  int handles_open_ = 0;
};

}  // namespace flyshuttle::glue
