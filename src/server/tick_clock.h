// How many ticks of the processor's counter make a microsecond: measured, not assumed.
#pragma once

#include <skein/base/clock.h>
#include <skein/base/ticks.h>

namespace skein {

class TickClock {
 public:
  TickClock() { calibrate_from_start(); }

  // Better with every call: the longer since the start, the smaller the error.
  void refine() {
    const auto micros = std::chrono::duration<double, std::micro>(read_boot_clock() - start_).count();
    if (micros > 1000) per_micro_ = static_cast<double>(read_ticks() - start_ticks_) / micros;
  }
  [[nodiscard]] double per_micro() const { return per_micro_; }

 private:
  // Half a millisecond of waiting at start gives one part in a thousand.
  void calibrate_from_start() {
    start_ = read_boot_clock();
    start_ticks_ = read_ticks();
    MonoTime now = start_;
    while (now - start_ < microseconds{500}) now = read_boot_clock();
    per_micro_ = static_cast<double>(read_ticks() - start_ticks_) /
                 std::chrono::duration<double, std::micro>(now - start_).count();
  }

  MonoTime start_;
  Ticks start_ticks_ = 0;
  double per_micro_ = 1000;
};

}  // namespace skein
