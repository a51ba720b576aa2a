#include <skein/stats/slowlog.h>

#include <algorithm>

#include <fmt/format.h>

namespace skein {

namespace {
constexpr std::size_t kMaxArguments = 32;
constexpr std::size_t kMaxBytes = 128;
}  // namespace

void Slowlog::add(std::span<const std::string_view> arguments, microseconds took, UnixMillis at,
                  std::string_view address, std::string_view name) {
  if (limit_ == 0) return;
  SlowCall call;
  call.id = next_id_++;
  call.unix_seconds = at.value / 1000;
  call.took = took;
  call.client_address = address;
  call.client_name = name;
  const std::size_t count = std::min(arguments.size(), kMaxArguments);
  for (std::size_t i = 0; i < count; ++i) {
    if (arguments.size() > kMaxArguments && i == kMaxArguments - 1) {
      call.arguments.push_back(fmt::format("... ({} more arguments)", arguments.size() - kMaxArguments + 1));
    } else if (arguments[i].size() > kMaxBytes) {
      call.arguments.push_back(
          fmt::format("{}... ({} more bytes)", arguments[i].substr(0, kMaxBytes), arguments[i].size() - kMaxBytes));
    } else {
      call.arguments.emplace_back(arguments[i]);
    }
  }
  calls_.push_front(std::move(call));
  set_limit(limit_);
}

void Slowlog::set_limit(std::size_t calls) {
  limit_ = calls;
  while (calls_.size() > limit_) calls_.pop_back();
}

}  // namespace skein
