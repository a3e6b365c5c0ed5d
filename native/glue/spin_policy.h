// When to spin, when to let the loop turn, when to sleep: the timing of a doorbell, without a loop
// or a clock in it.
//
// `LoopBell` (loop_bell.cc) asks; times are nanoseconds of one monotonic clock. A spin lasts
// `spin_ns` from the last delivery (or from the moment the loop had nothing else to do). One that
// finds nothing halves the next, down to two microseconds; a delivery that a spin or a bell brought
// restores it. Spins of one turn of the loop end after a budget, so that the loop polls its other
// handles, and go on right after.

#pragma once

#include <algorithm>
#include <cstdint>

namespace flyshuttle::glue {

class SpinPolicy {
 public:
  SpinPolicy(double spin_us, double budget_us)
      : spin_ns_max_(static_cast<uint64_t>(spin_us * 1000)),
        budget_ns_(static_cast<uint64_t>(budget_us * 1000)),
        spin_ns_(spin_ns_max_) {}

  /// A turn of the loop is about to poll. Unless the last turn stopped in mid-spin, a new spin
  /// starts here.
  void begin_turn(uint64_t now_ns) {
    turn_ns_ = now_ns;
    if (!is_resuming_) spin_from_ns_ = now_ns;
    is_resuming_ = false;
  }

  /// Something was delivered. `is_sudden`: we were spinning or asleep for it, so spinning pays.
  void delivered(uint64_t now_ns, bool is_sudden) {
    delivered_ns_ = spin_from_ns_ = now_ns;
    if (is_sudden) spin_ns_ = spin_ns_max_;
  }

  /// A spin found nothing.
  void missed() { spin_ns_ = std::max(spin_ns_ / 2, std::min(SPIN_NS_MIN, spin_ns_max_)); }

  /// This turn's budget is spent; the next turn goes on with the same spin.
  void resume_next_turn() { is_resuming_ = true; }

  bool is_quiet(uint64_t now_ns) const {
    return spin_ns_max_ == 0 || delivered_ns_ == 0 || now_ns - delivered_ns_ > QUIET_NS;
  }
  bool is_budget_spent(uint64_t now_ns) const { return now_ns - turn_ns_ >= budget_ns_; }
  uint64_t spin_end_ns() const { return spin_from_ns_ + spin_ns_; }
  uint64_t budget_end_ns() const { return turn_ns_ + budget_ns_; }

 private:
  static constexpr uint64_t SPIN_NS_MIN = 2000;
  /// An engine to which nothing was delivered for this long does not spin at all.
  static constexpr uint64_t QUIET_NS = 1'000'000'000;

  const uint64_t spin_ns_max_;
  const uint64_t budget_ns_;
  uint64_t spin_ns_;
  uint64_t spin_from_ns_ = 0;
  uint64_t delivered_ns_ = 0;
  uint64_t turn_ns_ = 0;
  bool is_resuming_ = false;
};

}  // namespace flyshuttle::glue
