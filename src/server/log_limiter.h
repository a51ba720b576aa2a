// What outsiders can bring about as often as they like is told in the log once a second for each cause,
// with the number of lines that were left out.
//
// Decides; Log writes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/time.h>

namespace skein {

class LogLimiter {
 public:
  // Whether a line about `cause` may be written now, and how many were not since the last. A cause that was quiet
  // may have `burst` lines at once.
  [[nodiscard]] std::optional<std::uint64_t> allow(std::string_view cause, MonoTime now, int burst = 1);

  struct LeftOut {
    std::string cause;
    std::uint64_t lines;
  };
  // Of causes that could have a line again and are quiet; they are told once.
  [[nodiscard]] std::vector<LeftOut> take_left_out(MonoTime now);

 private:
  // Causes are words of this program. Should there be more they share the last.
  static constexpr std::size_t kMostCauses = 64;

  struct State {
    MonoTime paid_until{};  // a second for each line
    std::uint64_t left_out = 0;
  };
  std::map<std::string, State, std::less<>> causes_;
};

}  // namespace skein
