// Reading the operating system's clocks. For `net`, `disk` and `server` only: everything
// above is told the time.
#pragma once

#include <skein/base/time.h>

namespace skein {

[[nodiscard]] MonoTime read_boot_clock();
[[nodiscard]] UnixMillis read_wall_clock();
[[nodiscard]] std::int64_t read_wall_micros();
[[nodiscard]] inline Now read_clocks() { return {read_boot_clock(), read_wall_clock()}; }

}  // namespace skein
