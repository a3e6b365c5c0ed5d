// The functions of libuv that a `LoopBell` calls, as one table that is looked up, not linked.
//
// Node exports them; a runtime that speaks Node-API without them, or a stripped executable, does
// not. Then `obstacle` says what is in the way, `explainLoop` (doorbell.cc) tells JavaScript, and
// Flyshuttle goes on without the addon.

#pragma once

#include <uv.h>

#include <cstring>

#include "../platform/symbols.h"

// Each is used as `uv.poll_init(…)`.
#define FLYSHUTTLE_UV_FUNCTIONS(use) \
  use(backend_timeout)               \
  use(check_init)                    \
  use(check_start)                   \
  use(check_stop)                    \
  use(close)                         \
  use(handle_size)                   \
  use(hrtime)                        \
  use(idle_init)                     \
  use(idle_start)                    \
  use(idle_stop)                     \
  use(now)                           \
  use(poll_init)                     \
  use(poll_start)                    \
  use(poll_stop)                     \
  use(prepare_init)                  \
  use(prepare_start)                 \
  use(prepare_stop)                  \
  use(ref)                           \
  use(strerror)                      \
  use(unref)                         \
  use(update_time)                   \
  use(version)

namespace flyshuttle::glue {

struct UvFunctions {
#define FLYSHUTTLE_DECLARE(name) decltype(&::uv_##name) name = nullptr;
  FLYSHUTTLE_UV_FUNCTIONS(FLYSHUTTLE_DECLARE)
#undef FLYSHUTTLE_DECLARE

  /// Why none of them may be called, or null. Text that lives as long as the addon.
  const char* obstacle = nullptr;
};

/// Looks all of them up. One is taken to be absent if its name, without `uv_`, is `hidden`.
inline UvFunctions look_up_uv(const char* hidden) {
  UvFunctions uv;
#define FLYSHUTTLE_LOOK_UP(name)                                          \
  if (std::strcmp(hidden, #name) != 0) {                                  \
    uv.name = find_symbol<decltype(uv.name)>("uv_" #name);                \
  }                                                                       \
  if (uv.name == nullptr) {                                               \
    uv.obstacle = "libuv's uv_" #name " is not exported by this process"; \
    return uv;                                                            \
  }
  FLYSHUTTLE_UV_FUNCTIONS(FLYSHUTTLE_LOOK_UP)
#undef FLYSHUTTLE_LOOK_UP

  // The handles are ours, made of the headers' structs; libuv keeps them alike within a version.
  if (uv.version() >> 16 != UV_VERSION_MAJOR) {
    uv.obstacle = "libuv has another major version here";
  } else if (uv.handle_size(UV_POLL) != sizeof(uv_poll_t) ||
             uv.handle_size(UV_PREPARE) != sizeof(uv_prepare_t) ||
             uv.handle_size(UV_CHECK) != sizeof(uv_check_t) ||
             uv.handle_size(UV_IDLE) != sizeof(uv_idle_t)) {
    uv.obstacle = "libuv has handles of other sizes here";
  }
  return uv;
}

/// The table of this process, looked up when the addon is loaded, which happens once.
inline const UvFunctions UV_FUNCTIONS = look_up_uv("");

}  // namespace flyshuttle::glue
