// The processor's time-stamp counter: how long a command took, at a few nanoseconds a look.
//
// For statistics only. Nothing is decided by it; timeouts are MonoTime.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <ctime>
#endif

namespace skein {

using Ticks = std::uint64_t;

[[nodiscard]] inline Ticks read_ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<Ticks>(t.tv_sec) * 1'000'000'000 + static_cast<Ticks>(t.tv_nsec);
#endif
}

}  // namespace skein
