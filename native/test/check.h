// The unit tests' own small frame: named tests that register themselves, and checks that say what
// was found. No library, so that a clean clone needs nothing but a compiler.
//
//     TEST("a ring that is empty has no frames") { CHECK_EQ(reader.has_frames(), false); }
//
// Each file of tests is a program of its own (check_main.cc has its `main`); CTest runs them all.
// A check that fails is counted and the test goes on, so one run shows everything that is wrong.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace flyshuttle::check {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

inline int& failures() {
  static int count = 0;
  return count;
}

template <class Found, class Wanted>
void expect_equal(const char* file, int line, const char* what, const Found& found,
                  const Wanted& wanted) {
  if (found == wanted) return;
  failures()++;
  std::cerr << file << ':' << line << ": " << what << " is " << found << "; wanted " << wanted
            << '\n';
}

/// FLYSHUTTLE_STRESS multiplies the counts of stress tests; a sanitizer divides them by ten.
inline uint32_t stress_count(uint32_t count) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets a variable while tests run
  const char* const factor = std::getenv("FLYSHUTTLE_STRESS");
  const uint32_t times =
      factor == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(factor, nullptr, 10));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  count /= 10;
#endif
  return times == 0 ? count : count * times;
}

}  // namespace flyshuttle::check

// NOLINTBEGIN(bugprone-macro-parentheses): the name of a function cannot stand in parentheses
#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
#define TEST_(name, body)                                                                  \
  static void body();                                                                      \
  static const flyshuttle::check::Registration CHECK_JOIN(register_, body){(name), &body}; \
  static void body()
#define TEST(name) TEST_(name, CHECK_JOIN(test_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)

#define CHECK_EQ(found, wanted) \
  flyshuttle::check::expect_equal(__FILE__, __LINE__, #found, (found), (wanted))
#define CHECK(condition) CHECK_EQ(static_cast<bool>(condition), true)
