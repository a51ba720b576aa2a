#include "log_limiter.h"

#include <algorithm>
#include <utility>

namespace skein {

namespace {
constexpr seconds kForEachLine{1};
constexpr std::string_view kOthers = "other things";
}  // namespace

std::optional<std::uint64_t> LogLimiter::allow(std::string_view cause, MonoTime now, int burst) {
  auto at = causes_.find(cause);
  if (at == causes_.end()) at = causes_.try_emplace(std::string(causes_.size() < kMostCauses ? cause : kOthers)).first;
  State& state = at->second;
  const MonoTime from = std::max(state.paid_until, now);
  if (from - now > kForEachLine * (burst - 1)) {
    ++state.left_out;
    return std::nullopt;
  }
  state.paid_until = from + kForEachLine;
  return std::exchange(state.left_out, 0);
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_left_out(MonoTime now) {
  std::vector<LeftOut> found;
  for (auto& [cause, state] : causes_) {
    if (state.left_out == 0 || state.paid_until > now) continue;
    found.push_back({cause, std::exchange(state.left_out, 0)});
    state.paid_until = now + kForEachLine;
  }
  return found;
}

}  // namespace skein
