// Loads a packed binary the way Node does, but binds every symbol at once, and calls into it. Built
// with a C library that Node for it is not at hand; `stubs.h`, written by the test, defines the
// functions of Node-API that the binary names. Prints the version of Node-API that it was made for.
#include <dlfcn.h>
#include <stdio.h>

#include "stubs.h"

int main(int argc, char** argv) {
  void* addon = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (addon == NULL) {
    puts(dlerror());
    return 1;
  }
  int (*version)(void) = (int (*)(void))dlsym(addon, "node_api_module_get_api_version_v1");
  printf("%d\n", version());
  return 0;
}
