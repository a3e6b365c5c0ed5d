// Functions that the process may or may not have, looked up by name when they are first wanted.
//
// An undefined symbol in the addon is bound when it is first called, and ends the process there if
// nobody exports it. So only Node-API and the C and C++ libraries are linked against; libuv
// (glue/uv_functions.h), and whatever else Node happens to carry, may be absent and goes through
// here.

#pragma once

#include <dlfcn.h>

namespace flyshuttle {

/// The function of this name that the process exports; null when there is none.
template <class Function>
Function find_symbol(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace flyshuttle
