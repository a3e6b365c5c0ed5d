// Bells on unixes without eventfd: a non-blocking pipe each, known by its reading end. See bell.h.

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "bell.h"

namespace flyshuttle::bell {

static bool prepare_descriptor(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

int create() {
  int ends[2];
  if (pipe(ends) != 0) return -errno;
  Slot* const slot = slot_of(ends[0]);
  if (slot == nullptr || !prepare_descriptor(ends[0]) || !prepare_descriptor(ends[1])) {
    const int error = slot == nullptr ? EMFILE : errno;
    ::close(ends[0]);
    ::close(ends[1]);
    return -error;
  }
  slot->open(ends[1]);
  return ends[0];
}

bool ring(int fd) {
  Slot* const slot = slot_of(fd);
  if (slot == nullptr) return false;
  return slot->with_writer([](int writer) {
    // EAGAIN means that the pipe is full: the bell is ringing as it is.
    while (::write(writer, "", 1) < 0 && errno == EINTR) {
    }
  });
}

bool clear(int fd) {
  char bytes[256];
  for (;;) {
    const ssize_t count = ::read(fd, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < static_cast<ssize_t>(sizeof bytes)) return count != 0;
  }
}

bool close(int fd) {
  Slot* const slot = slot_of(fd);
  const int writer = slot == nullptr ? -1 : slot->take();
  if (writer < 0) return false;
  // The reading end goes last: its number names the bell, and is free for others once it is closed.
  ::close(writer);
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
