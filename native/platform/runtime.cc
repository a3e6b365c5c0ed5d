// The little that the C++ runtime library gives us, for prebuilt binaries alone.
//
// libstdc++ as a shared library ties a binary to one C library and to a minimum version of both;
// linked in, it brings an unwinder that wants a newer C library still. The addon throws nothing, so
// it needs very little of it: here it is, on functions that every libc has. With it a prebuilt
// binary names no library and no version, and loads under old and new glibc and under musl alike
// (`scripts/build-prebuilds.mjs` checks that nothing else is left undefined).
//
// What libstdc++ would throw ends the process here, as it does with `-fno-exceptions` everywhere.

#include <bits/functexcept.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace {

[[noreturn]] void end(const char* why) {
  const char* const parts[] = {"flyshuttle: ", why, "\n"};
  for (const char* part : parts) {
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  std::abort();
}

void* allocate(std::size_t bytes) {
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) end("out of memory");
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" void __cxa_pure_virtual() { end("a pure virtual function was called"); }

/// Which atomics the core has, asked by libgcc on arm64 by a name that only glibc has.
extern "C" unsigned long __getauxval(unsigned long type) { return getauxval(type); }

namespace std {

void terminate() noexcept { end("terminated"); }
void __throw_bad_alloc() { end("out of memory"); }
void __throw_bad_array_new_length() { end("an array of impossible length"); }
void __throw_length_error(const char* what) { end(what); }
void __throw_logic_error(const char* what) { end(what); }
void __throw_out_of_range_fmt(const char* what, ...) { end(what); }

}  // namespace std
