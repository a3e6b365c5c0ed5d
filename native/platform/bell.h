// A bell: a file descriptor that one thread rings and another thread's event loop finds readable.
//
// One interface, one file per operating system: `bell_linux.cc` (eventfd), `bell_posix.cc`
// (non-blocking pipe) for the other unixes. Windows has neither; the addon is not built there and
// Flyshuttle runs in pure JavaScript.
//
// A bell is known by its descriptor, the end that an event loop polls. Threads keep such numbers in
// shared memory and may ring one that is being closed, so every open bell is listed in a
// process-wide table: ringing a number that is no bell (any more) does nothing, and never writes
// into a file that has since been given the same number.

#pragma once

#include <atomic>
#include <thread>

namespace flyshuttle::bell {

/// Descriptors above this cannot become bells: the table has one slot for each.
inline constexpr int DESCRIPTORS_MAX = 65536;

/// A fresh bell, or a negative errno.
int create();

/// Makes the bell readable. False when `fd` is no open bell. Any thread, any time.
bool ring(int fd);

/// Makes it unreadable again. For the thread that polls it, with the bell or with what `retain`
/// gave.
/// False when it was closed and will never ring again, where the system tells.
bool clear(int fd);

/// Ends it. False when `fd` is no open bell. Waits for rings that are under way, which never block.
bool close(int fd);

/// A second descriptor of the same bell, which stays valid when the bell is closed; or a negative
/// errno.
int retain(int fd);
void release(int fd);

/// The table of open bells: who writes, and how many rings are under way.
class Slot {
 public:
  void open(int writer) { writer_.store(writer + 1); }

  /// Takes the bell out and waits until nobody rings it. The writer's descriptor, or -1 when there
  /// is no bell.
  int take() {
    const int writer = writer_.exchange(0) - 1;
    while (ringing_.load() != 0) std::this_thread::yield();
    return writer;
  }

  /// Runs `write(writer)` unless the bell is closed; holds up a `take` meanwhile.
  template <class Write>
  bool with_writer(Write&& write) {
    ringing_.fetch_add(1);
    const int writer = writer_.load() - 1;
    if (writer >= 0) write(writer);
    ringing_.fetch_sub(1);
    return writer >= 0;
  }

 private:
  std::atomic<int> writer_{0};  // The descriptor plus one: untouched memory means "no bell".
  std::atomic<int> ringing_{0};
};

/// The slot of a descriptor, or null when it is out of range.
inline Slot* slot_of(int fd) {
  static Slot slots[DESCRIPTORS_MAX];
  return fd >= 0 && fd < DESCRIPTORS_MAX ? &slots[fd] : nullptr;
}

}  // namespace flyshuttle::bell
