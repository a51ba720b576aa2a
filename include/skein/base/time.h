// Points in time as types, so that a timeout cannot be compared with an expiry.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace skein {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// The clock that never jumps and goes on while the machine sleeps (CLOCK_BOOTTIME): every
// timeout. Its zero means nothing; MonoTime{} stands for "never".
struct BootClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = BootClock::time_point;

// Milliseconds since 1970, UTC: expiry of keys and what the wire shows. May jump.
struct UnixMillis {
  std::int64_t value = 0;

  friend constexpr auto operator<=>(UnixMillis, UnixMillis) = default;
  friend constexpr UnixMillis operator+(UnixMillis t, milliseconds d) { return {t.value + d.count()}; }
  friend constexpr milliseconds operator-(UnixMillis a, UnixMillis b) { return milliseconds{a.value - b.value}; }
};

// The two clocks read together, once a turn; what a decision is told instead of a clock.
struct Now {
  MonoTime mono;
  UnixMillis wall;
};

}  // namespace skein
