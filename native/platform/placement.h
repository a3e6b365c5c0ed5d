// Where a thread runs and where memory lies, asked of the kernel and told to it.
//
// One interface, one file per kind of system: `placement_linux.cc` (system calls, no libnuma), and
// `placement_none.cc`, which answers -ENOSYS, for those that have no such calls. Every function
// concerns the calling thread or memory of this process. Refused, it returns a negative errno and
// has changed nothing.

#pragma once

#include <cstddef>
#include <cstdint>

namespace flyshuttle::placement {

/// Lets the calling thread run on these CPUs alone. The kernel leaves out those that are offline or
/// outside the container's set; -EINVAL when none is left.
int set_affinity(const int32_t* cpus, size_t count);

/// The CPUs on which the calling thread may run, ascending: how many there are, of which at most
/// `capacity` are written.
int get_affinity(int32_t* cpus, size_t capacity);

/// From now on pages between two addresses come from `node` when they are first touched, as long as
/// it has memory left. Both ends are moved to the nearest start of a page, so that neighbouring
/// ranges share no page and leave none out. How many pages it concerns, or a negative errno.
int prefer_node(const uint8_t* start, size_t bytes, int node);

/// The node of each page between two addresses, ends moved as above; a negative errno for a page
/// that nobody has touched yet. How many pages there are, of which at most `capacity` are written.
int nodes_of(const uint8_t* start, size_t bytes, int32_t* nodes, size_t capacity);

}  // namespace flyshuttle::placement
