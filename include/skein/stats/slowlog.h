// The latest calls that took longer than a limit, newest first.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/time.h>

namespace skein {

struct SlowCall {
  std::int64_t id = 0;
  std::int64_t unix_seconds = 0;
  microseconds took{};
  std::vector<std::string> arguments;  // at most 32 of at most 128 bytes; what was cut is said
  std::string client_address;
  std::string client_name;
};

class Slowlog {
 public:
  void add(std::span<const std::string_view> arguments, microseconds took, UnixMillis at, std::string_view address,
           std::string_view name);
  void set_limit(std::size_t calls);
  void clear() { calls_.clear(); }
  [[nodiscard]] const std::deque<SlowCall>& calls() const { return calls_; }

 private:
  std::int64_t next_id_ = 0;
  std::size_t limit_ = 128;
  std::deque<SlowCall> calls_;
};

}  // namespace skein
