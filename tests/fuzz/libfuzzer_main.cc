// libFuzzer's entry for one target, named by the build: fuzz_<target>_main corpus/<target>.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skein::fuzz::SKEIN_FUZZ_TARGET({data, size});  // a Finding ends the program, and its input is kept
  return 0;
}
