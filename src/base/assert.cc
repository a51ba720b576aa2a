#include <skein/base/assert.h>

#include <cstdio>
#include <cstdlib>

namespace skein {

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "skein: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace skein
