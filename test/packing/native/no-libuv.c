// Preloaded into Node it makes a runtime that speaks Node-API and does not show libuv: looking up
// any name that begins with `uv_` finds nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#ifdef __aarch64__
#define VERSION "GLIBC_2.17"
#else
#define VERSION "GLIBC_2.2.5"
#endif

void* dlsym(void* handle, const char* name) {
  static void* (*original)(void*, const char*);
  if (!original) *(void**)&original = dlvsym(RTLD_NEXT, "dlsym", VERSION);
  return strncmp(name, "uv_", 3) == 0 ? NULL : original(handle, name);
}
