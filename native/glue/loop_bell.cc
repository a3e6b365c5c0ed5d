// The turns of the loop, the calls into JavaScript, the beginning and the end; see loop_bell.h.
//
// Any callback here may find that JavaScript can no longer run, because the worker is being
// terminated: then it returns quietly, and the cleanup hook does the rest. Nothing here may abort
// the process.

#include "loop_bell.h"

#include <algorithm>
#include <thread>

#include "../core/words.h"
#include "../platform/bell.h"

namespace flyshuttle::glue {

// --- one turn of the loop ------------------------------------------------------------------------

void LoopBell::before_poll() {
  uv_.idle_stop(&idle_);
  if (is_ended_) return;
  now_ns_ = uv_.hrtime();
  note(Activity::Running);
  deliver_and_spin();
  put_counters();
  // Last, for whoever waits until this thread sleeps and then looks at its counters.
  if (is_parked_) note(Activity::Sleeping);
}

/// One turn's share of delivering and spinning. It ends parked, or with the loop kept from
/// blocking, or with everything at an end.
void LoopBell::deliver_and_spin() {
  policy_.begin_turn(now_ns_);
  may_spin_ = !policy_.is_quiet(now_ns_) && count_awake(region_.data, layout_) <= cores_;
  bool is_sudden = false;
  do {
    while (has_work()) {
      if (!deliver(is_sudden)) return;
      is_sudden = false;
      if (has_leftover_) return stay_awake();
      if (policy_.is_budget_spent(now_ns_)) {
        policy_.resume_next_turn();
        return stay_awake();
      }
    }
    settle_hold();
    switch (spin()) {
      case Spin::Found:
        is_sudden = true;
        break;
      case Spin::BudgetSpent:
        policy_.resume_next_turn();
        return stay_awake();
      case Spin::Nothing:
        break;
    }
  } while (has_work() || !park());
}

/// Lets the loop end, if JavaScript has let go of it by now: before anybody asks whether the loop
/// would wait.
void LoopBell::settle_hold() {
  if (*hold_word(HOLD_REFERENCED) == 0 || *hold_word(HOLD_WANTED) != 0) return;
  uv_.unref(reinterpret_cast<uv_handle_t*>(&poll_));
  *hold_word(HOLD_REFERENCED) = 0;
}

/// Waits for the next delivery on the core, as long as the policy and the loop's other business
/// allow.
LoopBell::Spin LoopBell::spin() {
  if (!may_spin_) return Spin::Nothing;
  // The loop's idea of the time is as old as the turn; with a fresh one its timers are neither late
  // nor too early.
  uv_.update_time(loop_);
  const int timeout_ms = uv_.backend_timeout(loop_);
  if (timeout_ms == 0) return Spin::Nothing;  // It would not block: somebody else wants to run.
  const uint64_t timer_end_ns =
      timeout_ms < 0 ? UINT64_MAX : now_ns_ + uint64_t(timeout_ms) * 1'000'000;
  const uint64_t spin_end_ns = policy_.spin_end_ns();
  const uint64_t budget_end_ns = policy_.budget_end_ns();
  const uint64_t start_ns = now_ns_;
  const bool has_found = spin_until(std::min({spin_end_ns, budget_end_ns, timer_end_ns}));
  stats_.spin_ns += now_ns_ - start_ns;
  if (has_found) {
    stats_.spin_hits++;
    return Spin::Found;
  }
  uv_.update_time(loop_);
  if (now_ns_ >= spin_end_ns) {
    stats_.spin_misses++;
    policy_.missed();
    return Spin::Nothing;
  }
  return now_ns_ >= budget_end_ns ? Spin::BudgetSpent : Spin::Nothing;
}

/// Looks at the ready words until something is there (true) or the clock reaches `limit_ns`.
///
/// The thread that we wait for may sit on our very core: the kernel likes to wake a thread where
/// its waker runs, and then leaves both there, each spinning while the other would answer. So after
/// the first moments the core is offered to others, which costs next to nothing when there are
/// none.
bool LoopBell::spin_until(uint64_t limit_ns) {
  constexpr int LOOKS_PER_CLOCK = 8;
  constexpr uint64_t YIELD_NS = 2000;
  uint64_t yield_at_ns = now_ns_ + YIELD_NS;
  while (now_ns_ < limit_ns) {
    for (int look = 0; look < LOOKS_PER_CLOCK; look++) {
      if (inbox_.has_ready()) return true;
      pause_core();
    }
    now_ns_ = uv_.hrtime();
    if (now_ns_ < yield_at_ns) continue;
    std::this_thread::yield();
    now_ns_ = uv_.hrtime();
    yield_at_ns = now_ns_ + YIELD_NS;
  }
  return inbox_.has_ready();
}

/// Says "asleep" and lets the loop poll, for as long as it likes. False when something came
/// meanwhile.
bool LoopBell::park() {
  if (!inbox_.try_park()) return false;
  is_parked_ = true;
  stats_.parks++;
  return true;
}

void LoopBell::after_poll() {
  if (!is_parked_) return;
  is_parked_ = false;
  inbox_.unpark();
  // The loop has just looked at the clock.
  counters_.note(Activity::Running, uv_.now(loop_));
}

void LoopBell::on_bell() {
  if (!bell::clear(fd_)) uv_.poll_stop(&poll_);
  stats_.wakes++;
  after_poll();
  // Even without a ready bit: whoever rings wants us to look.
  if (is_ended_) return;
  now_ns_ = uv_.hrtime();
  deliver(true);
}

/// Once per turn of the loop: what was counted becomes visible to whoever looks.
void LoopBell::put_counters() {
  constexpr uint64_t NS_PER_US = 1000;
  counters_.put(ThreadCounter::Deliveries, stats_.delivers);
  counters_.put(ThreadCounter::BusyUs, stats_.busy_ns / NS_PER_US);
  counters_.put(ThreadCounter::SpinUs, stats_.spin_ns / NS_PER_US);
  counters_.put(ThreadCounter::Wakes, stats_.wakes);
  counters_.put(ThreadCounter::Parks, stats_.parks);
  counters_.put(ThreadCounter::SpinHits, stats_.spin_hits);
  counters_.put(ThreadCounter::SpinMisses, stats_.spin_misses);
  counters_.put_delivery_max(stats_.busy_ns_max / NS_PER_US);
}

// --- JavaScript ----------------------------------------------------------------------------------

bool LoopBell::deliver(bool is_sudden) {
  // A nudge alone (the beat of an idle engine) is no reason to expect more.
  const bool is_traffic = is_sudden || has_leftover_ || inbox_.has_ready();
  const uint64_t start_ns = now_ns_;
  stats_.delivers++;
  has_leftover_ = is_nudged_ = false;
  if (!call_deliver() && !is_ended_) stop();
  if (is_ended_) return false;
  now_ns_ = uv_.hrtime();
  stats_.busy_ns += now_ns_ - start_ns;
  stats_.busy_ns_max = std::max(stats_.busy_ns_max, now_ns_ - start_ns);
  if (is_traffic) policy_.delivered(now_ns_, is_sudden);
  return true;
}

/// One call from the loop into JavaScript, with everything that belongs to one: next ticks and
/// microtasks run after it.
bool LoopBell::call_deliver() {
  const Napi::HandleScope scope(env_);
  napi_value global;
  napi_value function;
  napi_value result;
  if (napi_get_global(env_, &global) != napi_ok) return false;
  if (napi_get_reference_value(env_, deliver_ref_, &function) != napi_ok) return false;
  if (napi_make_callback(env_, async_context_, global, function, 0, nullptr, &result) != napi_ok) {
    return settle_exception();
  }
  uint32_t leftover = 0;
  napi_get_value_uint32(env_, result, &leftover);
  if (leftover != 0) has_leftover_ = true;
  return true;
}

/// `deliver` itself never throws, but what it put off to a next tick or a microtask may: that is an
/// uncaught exception like any other. False when there is none, or JavaScript cannot run any more:
/// the thread is being terminated.
bool LoopBell::settle_exception() {
  bool is_pending = false;
  napi_value error;
  if (napi_is_exception_pending(env_, &is_pending) != napi_ok || !is_pending) return false;
  if (napi_get_and_clear_last_exception(env_, &error) != napi_ok) return false;
  if (napi_fatal_exception(env_, error) != napi_ok) return false;
  has_leftover_ = true;  // What `deliver` returned is lost.
  return true;
}

// --- beginning and end ---------------------------------------------------------------------------

LoopBell::LoopBell(Napi::Env env, const DoorbellOptions& options, uv_loop_t* loop, int fd)
    : env_(env),
      loop_(loop),
      region_(options.region),
      bells_(options.bells),
      hold_(options.hold),
      layout_(options.geometry),
      thread_(options.thread),
      cores_(options.cores),
      fd_(fd),
      inbox_(options.region.data, layout_, options.thread),
      counters_(options.region.data, layout_, options.thread),
      policy_(options.spin_us, options.spin_budget_us) {}

LoopBell* LoopBell::open(Napi::Env env, const DoorbellOptions& options) {
  const UvFunctions& uv = UV_FUNCTIONS;
  if (uv.obstacle != nullptr) {
    refuse(env, uv.obstacle);
    return nullptr;
  }
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    refuse(env, "this environment has no event loop");
    return nullptr;
  }
  // A descriptor of our own: the loop may poll it until it is told otherwise, even if the bell is
  // closed too early.
  const uint32_t bell = load_word(word_at(options.bells.data, options.thread * sizeof(int32_t)));
  const int fd = bell::retain(static_cast<int>(bell));
  if (fd < 0) {
    refuse(env, "wanted an open bell for this thread");
    return nullptr;
  }
  LoopBell* const self = new LoopBell(env, options, loop, fd);
  if (const int error = uv.poll_init(loop, &self->poll_, fd); error != 0) {
    bell::release(fd);
    delete self;
    refuse(env, uv.strerror(error));
    return nullptr;
  }
  if (self->start(options)) return self;
  self->close();
  refuse(env, "the environment is ending");
  return nullptr;
}

/// Starts the handles; `poll_` is initialised. False when the environment refuses, with handles
/// that must be closed.
bool LoopBell::start(const DoorbellOptions& options) {
  uv_.prepare_init(loop_, &prepare_);
  uv_.check_init(loop_, &check_);
  uv_.idle_init(loop_, &idle_);
  handles_open_ = 4;
  poll_.data = prepare_.data = check_.data = idle_.data = this;

  napi_value name;
  if (napi_create_reference(env_, options.region_array, 1, &region_ref_) != napi_ok ||
      napi_create_reference(env_, options.bells_array, 1, &bells_ref_) != napi_ok ||
      napi_create_reference(env_, options.hold_array, 1, &hold_ref_) != napi_ok ||
      napi_create_reference(env_, options.deliver, 1, &deliver_ref_) != napi_ok ||
      napi_create_string_utf8(env_, "flyshuttle.Doorbell", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env_, nullptr, name, &async_context_) != napi_ok) {
    return false;
  }
  const auto on_end = [](napi_async_cleanup_hook_handle, void* self) {
    static_cast<LoopBell*>(self)->on_environment_end();
  };
  if (napi_add_async_cleanup_hook(env_, on_end, this, &hook_) != napi_ok) return false;

  uv_.poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int status, int) {
    if (status == 0) static_cast<LoopBell*>(handle->data)->on_bell();
  });
  uv_.prepare_start(
      &prepare_, [](uv_prepare_t* handle) { static_cast<LoopBell*>(handle->data)->before_poll(); });
  uv_.check_start(&check_,
                 [](uv_check_t* handle) { static_cast<LoopBell*>(handle->data)->after_poll(); });
  uv_.unref(reinterpret_cast<uv_handle_t*>(&poll_));
  uv_.unref(reinterpret_cast<uv_handle_t*>(&prepare_));
  uv_.unref(reinterpret_cast<uv_handle_t*>(&check_));
  uv_.unref(reinterpret_cast<uv_handle_t*>(&idle_));
  return true;
}

void LoopBell::ref() {
  uv_.ref(reinterpret_cast<uv_handle_t*>(&poll_));
  *hold_word(HOLD_WANTED) = *hold_word(HOLD_REFERENCED) = 1;
}

void LoopBell::close() {
  after_poll();
  close_handles();
}

/// The environment ends. Unless `close` came first, this thread dies in the eyes of the others, who
/// may be asleep.
void LoopBell::on_environment_end() {
  if (is_closing_) return;
  announce();
  close_handles();
}

void LoopBell::announce() {
  announce_death(region_.data, layout_, thread_);
  for (uint32_t thread = 0; thread < layout_.threads; thread++) {
    bell::ring(static_cast<int>(load_word(word_at(bells_.data, thread * sizeof(int32_t)))));
  }
}

void LoopBell::stop() {
  is_ended_ = true;
  uv_.poll_stop(&poll_);
  uv_.prepare_stop(&prepare_);
  uv_.check_stop(&check_);
  uv_.idle_stop(&idle_);
}

void LoopBell::close_handles() {
  stop();
  is_closing_ = true;
  const auto on_closed = [](uv_handle_t* handle) {
    static_cast<LoopBell*>(handle->data)->handle_closed();
  };
  uv_.close(reinterpret_cast<uv_handle_t*>(&poll_), on_closed);
  uv_.close(reinterpret_cast<uv_handle_t*>(&prepare_), on_closed);
  uv_.close(reinterpret_cast<uv_handle_t*>(&check_), on_closed);
  uv_.close(reinterpret_cast<uv_handle_t*>(&idle_), on_closed);
}

void LoopBell::handle_closed() {
  if (--handles_open_ > 0) return;
  const Napi::HandleScope scope(env_);
  for (napi_ref reference : {region_ref_, bells_ref_, hold_ref_, deliver_ref_}) {
    if (reference != nullptr) napi_delete_reference(env_, reference);
  }
  if (async_context_ != nullptr) napi_async_destroy(env_, async_context_);
  bell::release(fd_);
  // Last: from here on the environment need not wait for us.
  if (hook_ != nullptr) napi_remove_async_cleanup_hook(hook_);
  delete this;
}

}  // namespace flyshuttle::glue
