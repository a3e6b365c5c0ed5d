// Runs the tests of one program, all or those whose name holds the first argument. See check.h.

#include <cstring>

#include "check.h"

int main(int count, char** arguments) {
  using namespace flyshuttle::check;
  int run = 0;
  for (const Test& test : tests()) {
    if (count > 1 && std::strstr(test.name, arguments[1]) == nullptr) continue;
    const int before = failures();
    test.body();
    std::cout << (failures() == before ? "ok    " : "FAILED ") << test.name << '\n';
    run++;
  }
  std::cout << run << " tests, " << failures() << " checks failed\n";
  return failures() == 0 && run > 0 ? 0 : 1;
}
