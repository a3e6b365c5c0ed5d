// Bells: compiled once with eventfds and once with pipes, which must keep the same promises.

#include "../platform/bell.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "check.h"

using namespace flyshuttle;

namespace {

/// Whether an event loop would find it readable now.
bool is_ringing(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return poll(&watched, 1, 0) == 1 && (watched.revents & POLLIN) != 0;
}

}  // namespace

TEST("a bell is readable from the ring until it is cleared") {
  const int fd = bell::create();
  CHECK(fd >= 0);
  CHECK(!is_ringing(fd));
  CHECK(bell::ring(fd));
  CHECK(bell::ring(fd));
  CHECK(is_ringing(fd));
  CHECK(bell::clear(fd));
  CHECK(!is_ringing(fd));
  CHECK(bell::close(fd));
}

TEST("a bell is not inherited and never blocks") {
  const int fd = bell::create();
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(bell::clear(fd));
  // More rings than a pipe has room for.
  for (int count = 0; count < 200'000; count++) bell::ring(fd);
  CHECK(is_ringing(fd));
  while (is_ringing(fd)) bell::clear(fd);
  CHECK(bell::close(fd));
}

TEST("what is no bell is not rung, closed or retained") {
  for (const int fd : {-1, -1000, bell::DESCRIPTORS_MAX, 0x7fffffff}) {
    CHECK(!bell::ring(fd));
    CHECK(!bell::close(fd));
    CHECK_EQ(bell::retain(fd), -EBADF);
  }
  const int fd = bell::create();
  CHECK(bell::close(fd));
  CHECK(!bell::ring(fd));
  CHECK(!bell::close(fd));
  CHECK_EQ(bell::retain(fd), -EBADF);
}

TEST("a number that another file has taken is never written to") {
  const int fd = bell::create();
  CHECK(bell::close(fd));
  int ends[2];
  CHECK_EQ(pipe(ends), 0);
  CHECK(!bell::ring(ends[0]));
  CHECK(!bell::ring(ends[1]));
  CHECK(!is_ringing(ends[0]));
  close(ends[0]);
  close(ends[1]);
}

TEST("what was retained outlives the bell") {
  const int fd = bell::create();
  const int copy = bell::retain(fd);
  CHECK(copy >= 0);
  CHECK(bell::ring(fd));
  CHECK(is_ringing(copy));
  CHECK(bell::close(fd));
  bell::clear(copy);
  bell::release(copy);
  CHECK_EQ(fcntl(copy, F_GETFD), -1);
}

TEST("bells may be rung while they are closed and made anew") {
  std::atomic<int> shared{-1};
  std::atomic<bool> has_ended{false};
  std::vector<std::thread> ringers;
  ringers.reserve(2);
  for (int count = 0; count < 2; count++) {
    ringers.emplace_back([&] {
      while (!has_ended) {
        bell::ring(shared);
        std::this_thread::yield();
      }
    });
  }
  const uint32_t rounds = check::stress_count(5000);
  for (uint32_t round = 0; round < rounds; round++) {
    const int fd = bell::create();
    if (fd < 0) CHECK_EQ(fd, 0);
    shared = fd;
    CHECK(bell::ring(fd));
    CHECK(is_ringing(fd));
    CHECK(bell::close(fd));
  }
  has_ended = true;
  for (std::thread& ringer : ringers) ringer.join();
}
