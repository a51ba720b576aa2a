// Moving averages for INFO: operations and bytes per second over the last 16 samples.
#pragma once

#include <array>
#include <cstdint>

#include <skein/base/time.h>

namespace skein {

class Rate {
 public:
  // Every 100 ms or so, with a counter that only grows.
  void sample(std::uint64_t counter, MonoTime now) {
    if (last_time_ != MonoTime{}) {
      const double span = std::chrono::duration<double>(now - last_time_).count();
      if (span > 0 && counter >= last_counter_) samples_[next_++ % samples_.size()] = static_cast<double>(counter - last_counter_) / span;
    }
    last_counter_ = counter;
    last_time_ = now;
  }
  [[nodiscard]] double per_second() const {
    double sum = 0;
    for (const double sample : samples_) sum += sample;
    return sum / static_cast<double>(samples_.size());
  }
  void reset() { *this = Rate{}; }

 private:
  std::array<double, 16> samples_{};
  std::size_t next_ = 0;
  std::uint64_t last_counter_ = 0;
  MonoTime last_time_{};
};

struct Rates {
  Rate operations;
  Rate input;
  Rate output;
};

}  // namespace skein
