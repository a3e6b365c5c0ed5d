// Placement on systems that cannot be asked for it. See placement.h.

#include <cerrno>

#include "placement.h"

namespace flyshuttle::placement {

int set_affinity(const int32_t*, size_t) { return -ENOSYS; }
int get_affinity(int32_t*, size_t) { return -ENOSYS; }
int prefer_node(const uint8_t*, size_t, int) { return -ENOSYS; }
int nodes_of(const uint8_t*, size_t, int32_t*, size_t) { return -ENOSYS; }

}  // namespace flyshuttle::placement
