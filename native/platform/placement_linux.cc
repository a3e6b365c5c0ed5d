// Placement on Linux: raw system calls with masks of any size. See placement.h.

#include <cerrno>
#include <climits>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "placement.h"

namespace flyshuttle::placement {

namespace {

constexpr size_t WORD_BITS = sizeof(unsigned long) * CHAR_BIT;
/// No kernel knows more CPUs or nodes than this; larger numbers are mistakes.
constexpr int NUMBER_MAX = 1 << 16;

using Mask = std::vector<unsigned long>;

void set_bit(Mask* mask, int number) {
  const size_t bit = static_cast<size_t>(number);
  const size_t word = bit / WORD_BITS;
  if (mask->size() <= word) mask->resize(word + 1);
  (*mask)[word] |= 1UL << (bit % WORD_BITS);
}

int negative_errno() { return -errno; }

/// Whole pages, by address.
struct Pages {
  uintptr_t start;
  uintptr_t end;
  size_t bytes;

  Pages(const uint8_t* from, size_t length) : bytes(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(from);
    start = nearest(address);
    end = nearest(address + length);
  }
  size_t count() const { return (end - start) / bytes; }

 private:
  uintptr_t nearest(uintptr_t address) const { return (address + bytes / 2) / bytes * bytes; }
};

}  // namespace

int set_affinity(const int32_t* cpus, size_t count) {
  Mask mask(1);
  for (size_t index = 0; index < count; index++) {
    if (cpus[index] < 0 || cpus[index] >= NUMBER_MAX) return -EINVAL;
    set_bit(&mask, cpus[index]);
  }
  // Zero: the calling thread, not its process.
  const long result =
      syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof(unsigned long), mask.data());
  return result == 0 ? 0 : negative_errno();
}

int get_affinity(int32_t* cpus, size_t capacity) {
  Mask mask(16);
  long bytes;
  for (;;) {
    bytes = syscall(SYS_sched_getaffinity, 0, mask.size() * sizeof(unsigned long), mask.data());
    if (bytes >= 0) break;
    // The kernel's mask is longer than ours.
    if (errno != EINVAL || mask.size() * WORD_BITS >= NUMBER_MAX) return negative_errno();
    mask.resize(mask.size() * 2);
  }
  size_t count = 0;
  for (size_t cpu = 0; cpu < static_cast<size_t>(bytes) * CHAR_BIT; cpu++) {
    if ((mask[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1) == 0) continue;
    if (count < capacity) cpus[count] = static_cast<int32_t>(cpu);
    count++;
  }
  return static_cast<int>(count);
}

int prefer_node(const uint8_t* start, size_t bytes, int node) {
  if (node < 0 || node >= NUMBER_MAX) return -EINVAL;
  const Pages pages(start, bytes);
  if (pages.count() == 0) return 0;
  Mask mask;
  set_bit(&mask, node);
  // The kernel reads one bit less than it is told.
  const unsigned long bits = mask.size() * WORD_BITS + 1;
  // Preferred, not bound: a node that has run full costs speed then, and not the process.
  if (syscall(SYS_mbind, pages.start, pages.end - pages.start, MPOL_PREFERRED, mask.data(), bits,
              0) != 0) {
    return negative_errno();
  }
  return static_cast<int>(pages.count());
}

int nodes_of(const uint8_t* start, size_t bytes, int32_t* nodes, size_t capacity) {
  const Pages pages(start, bytes);
  const size_t count = std::min(pages.count(), capacity);
  std::vector<void*> addresses(count);
  for (size_t index = 0; index < count; index++) {
    addresses[index] = reinterpret_cast<void*>(pages.start + index * pages.bytes);
  }
  std::vector<int> found(count);
  // Without wanted nodes nothing moves: it only tells.
  if (syscall(SYS_move_pages, 0, count, addresses.data(), nullptr, found.data(), 0) < 0) {
    return negative_errno();
  }
  std::copy(found.begin(), found.end(), nodes);
  return static_cast<int>(pages.count());
}

}  // namespace flyshuttle::placement
