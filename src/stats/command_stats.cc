#include <skein/stats/command_stats.h>

#include <numeric>

namespace skein {

std::uint64_t LatencyHistogram::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

Ticks LatencyHistogram::upper_edge(std::size_t bucket) {
  constexpr std::size_t kSteps = 1U << kStepBits;
  if (bucket < kSteps) return bucket;
  const std::size_t shift = (bucket >> kStepBits) - 1;
  return (((bucket & (kSteps - 1)) | kSteps) + 1) * (Ticks{1} << shift) - 1;
}

Ticks LatencyHistogram::value_at(double percentile) const {
  const auto wanted = static_cast<std::uint64_t>(static_cast<double>(count()) * percentile / 100.0 + 0.5);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (counts_[i] != 0 && seen >= wanted) return upper_edge(i);
  }
  return 0;
}

std::uint64_t LatencyHistogram::count_up_to(Ticks ticks) const {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets && upper_edge(i) <= ticks; ++i) seen += counts_[i];
  return seen;
}

void CommandStats::begin_tracking(CommandFigures& figures, Ticks ticks) {
  figures.latency = std::make_unique<LatencyHistogram>();
  figures.latency->record(ticks);
}

void CommandStats::count_error(std::string_view code) {
  ++total_errors_;
  // A bound on what clients' scripts can make up.
  constexpr std::size_t kMaxCodes = 128;
  const auto at = errors_.find(code);
  if (at != errors_.end()) {
    ++at->second;
  } else if (errors_.size() < kMaxCodes) {
    errors_.emplace(code, 1);
  }
}

void CommandStats::set_latency_tracking(bool on) {
  track_latency_ = on;
  if (on) return;
  for (auto& f : figures_) f.latency.reset();
}

void CommandStats::reset() {
  for (auto& f : figures_) f = {};
  errors_.clear();
  total_calls_ = total_errors_ = 0;
}

}  // namespace skein
