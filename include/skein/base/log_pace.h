// How often something may be told that outsiders can bring about as often as they like.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <skein/base/time.h>

namespace skein {

// For one cause: a line a second, which says how often it was left out before.
class LogPace {
 public:
  // How many were left out since the last line; nothing: this one is left out, too.
  std::optional<std::uint64_t> next(MonoTime now) {
    if (last_ != MonoTime{} && now - last_ < kInterval) {
      ++left_out_;
      return std::nullopt;
    }
    last_ = now;
    return std::exchange(left_out_, 0);
  }

 private:
  static constexpr seconds kInterval{1};
  MonoTime last_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace skein
