// How fast nodes are learnt of that nobody but others has shown.
#pragma once

#include <algorithm>
#include <cstdint>

#include <skein/base/time.h>

namespace skein {

// Whoever can send a packet in a member's name can name nodes: a newcomer to a cluster of a thousand
// hears of all of them within seconds, and of no more than so many.
class HearsayRate {
 public:
  static constexpr std::int64_t kBurst = 256;
  static constexpr std::int64_t kPerSecond = 128;

  // Whether one more may be added now; then it counts.
  bool take(MonoTime now) {
    if (last_ == MonoTime{}) last_ = now;
    const std::int64_t grown = (now - last_) / seconds(1) * kPerSecond;
    if (grown > 0) {
      left_ = std::min(kBurst, left_ + grown);
      last_ = now;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::int64_t left_ = kBurst;
  MonoTime last_{};
};

}  // namespace skein
