// When to spin and when to sleep, by a clock of numbers.

#include "../glue/spin_policy.h"

#include "check.h"

using flyshuttle::glue::SpinPolicy;

namespace {
constexpr uint64_t US = 1000;
constexpr uint64_t START = 1'000'000;
}  // namespace

TEST("a spin that finds nothing halves the next, down to two microseconds") {
  SpinPolicy policy(50, 100);
  policy.delivered(START, true);
  policy.begin_turn(START);
  CHECK_EQ(policy.spin_end_ns(), START + 50 * US);
  policy.missed();
  CHECK_EQ(policy.spin_end_ns(), START + 25 * US);
  for (int count = 0; count < 10; count++) policy.missed();
  CHECK_EQ(policy.spin_end_ns(), START + 2 * US);
}

TEST("a delivery that a spin or a bell brought restores the whole spin") {
  SpinPolicy policy(50, 100);
  policy.begin_turn(START);
  policy.missed();
  policy.delivered(START, false);
  CHECK_EQ(policy.spin_end_ns(), START + 25 * US);
  policy.delivered(START, true);
  CHECK_EQ(policy.spin_end_ns(), START + 50 * US);
}

TEST("a turn whose budget is spent leaves its spin to the next") {
  SpinPolicy policy(50, 100);
  policy.begin_turn(START);
  policy.delivered(START + 90 * US, true);
  CHECK(!policy.is_budget_spent(START + 99 * US));
  CHECK(policy.is_budget_spent(START + 100 * US));
  policy.resume_next_turn();
  policy.begin_turn(START + 110 * US);
  CHECK_EQ(policy.spin_end_ns(), START + 140 * US);
  CHECK_EQ(policy.budget_end_ns(), START + 210 * US);
}

TEST("nothing spins before a first delivery, after a quiet second, or when told not to") {
  SpinPolicy policy(50, 100);
  CHECK(policy.is_quiet(START));
  policy.delivered(START, true);
  CHECK(!policy.is_quiet(START + 1'000'000'000));
  CHECK(policy.is_quiet(START + 1'000'000'001));
  SpinPolicy never(0, 100);
  never.delivered(START, true);
  never.missed();
  CHECK(never.is_quiet(START));
  CHECK_EQ(never.spin_end_ns(), START);
}
