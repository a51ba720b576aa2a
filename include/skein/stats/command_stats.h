// How often each command ran, how long it took, how often it failed: exact, for every call.
//
// Time is counted in ticks of the processor (skein/base/ticks.h), turned into microseconds
// only when somebody reads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ticks.h>

namespace skein {

// A histogram with eight steps to each doubling: 12 % wide at worst.
class LatencyHistogram {
 public:
  static constexpr int kStepBits = 3;
  static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;

  void record(Ticks ticks) { ++counts_[bucket_of(ticks)]; }
  [[nodiscard]] std::uint64_t count() const;
  // The upper edge of the bucket in which the share `percentile` (0..100) of calls lies.
  [[nodiscard]] Ticks value_at(double percentile) const;
  // Calls no slower than `ticks`.
  [[nodiscard]] std::uint64_t count_up_to(Ticks ticks) const;

 private:
  static std::size_t bucket_of(Ticks ticks) {
    if (ticks < (Ticks{1} << kStepBits)) return ticks;
    const int top = 63 - __builtin_clzll(ticks);
    return (static_cast<std::size_t>(top - kStepBits + 1) << kStepBits) + ((ticks >> (top - kStepBits)) & ((1 << kStepBits) - 1));
  }
  static Ticks upper_edge(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
};

struct CommandFigures {
  std::uint64_t calls = 0;
  std::uint64_t ticks = 0;
  std::uint64_t rejected = 0;
  std::uint64_t failed = 0;
  std::unique_ptr<LatencyHistogram> latency;  // made with the first call, while tracking is on
};

class CommandStats {
 public:
  explicit CommandStats(std::size_t commands) : figures_(commands) {}

  void record(std::size_t command, Ticks ticks) {
    CommandFigures& f = figures_[command];
    ++f.calls;
    f.ticks += ticks;
    ++total_calls_;
    if (f.latency != nullptr) [[likely]] {
      f.latency->record(ticks);
    } else if (track_latency_) {
      begin_tracking(f, ticks);
    }
  }
  void reject(std::size_t command) { ++figures_[command].rejected; }
  void fail(std::size_t command) { ++figures_[command].failed; }
  // An error reply left, by its code ("ERR", "WRONGTYPE").
  void count_error(std::string_view code);
  void set_latency_tracking(bool on);
  void reset();

  [[nodiscard]] std::span<const CommandFigures> figures() const { return figures_; }
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& errors() const { return errors_; }
  [[nodiscard]] std::uint64_t total_errors() const { return total_errors_; }
  [[nodiscard]] std::uint64_t total_calls() const { return total_calls_; }

 private:
  static void begin_tracking(CommandFigures& figures, Ticks ticks);

  std::vector<CommandFigures> figures_;
  std::map<std::string, std::uint64_t, std::less<>> errors_;
  std::uint64_t total_calls_ = 0;
  std::uint64_t total_errors_ = 0;
  bool track_latency_ = true;
};

}  // namespace skein
