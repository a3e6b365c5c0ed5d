// Bells on Linux: an eventfd each. See bell.h.

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bell.h"

namespace flyshuttle::bell {

int create() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return -errno;
  Slot* const slot = slot_of(fd);
  if (slot == nullptr) {
    ::close(fd);
    return -EMFILE;
  }
  slot->open(fd);
  return fd;
}

bool ring(int fd) {
  Slot* const slot = slot_of(fd);
  if (slot == nullptr) return false;
  return slot->with_writer([](int writer) {
    const uint64_t one = 1;
    // EAGAIN means that the counter is at its end: the bell is ringing as it is.
    while (::write(writer, &one, sizeof one) < 0 && errno == EINTR) {
    }
  });
}

bool clear(int fd) {
  uint64_t count;
  while (::read(fd, &count, sizeof count) < 0 && errno == EINTR) {
  }
  return true;
}

bool close(int fd) {
  Slot* const slot = slot_of(fd);
  if (slot == nullptr || slot->take() < 0) return false;
  ::close(fd);
  return true;
}

int retain(int fd) {
  Slot* const slot = slot_of(fd);
  int copy = -EBADF;
  if (slot == nullptr) return copy;
  slot->with_writer([&](int) {
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) copy = -errno;
  });
  return copy;
}

void release(int fd) { ::close(fd); }

}  // namespace flyshuttle::bell
