// How far a replica may lag behind: what the replica class of client-output-buffer-limit means
// where replicas share one log.
//
// A replica costs memory by holding back the log's blocks, so what counts is the distance of its
// reader from the end. What follows from a verdict depends on the replica: one that is
// online is cut, one that is still in its full sync has its part of the log moved to a file.
#pragma once

#include <cstddef>
#include <cstdint>

#include <skein/base/time.h>

namespace skein {

struct LagLimit {
  std::uint64_t hard = 0;  // 0: none
  std::uint64_t soft = 0;  // 0: none
  seconds soft_for{};
};

enum class LagVerdict : std::uint8_t { kWithin, kAboveSoft, kTooLongAboveSoft, kAboveHard };

// `backlog`: that many bytes are kept anyway, so a smaller hard limit would save nothing and
// only cut those who were let in by the backlog. `above_since`: of the
// first kAboveSoft in a row; MonoTime{} if the last verdict was kWithin.
[[nodiscard]] LagVerdict judge_lag(std::size_t behind, const LagLimit& limit, std::size_t backlog, MonoTime above_since,
                                   MonoTime now);

[[nodiscard]] constexpr bool is_over(LagVerdict verdict) { return verdict >= LagVerdict::kTooLongAboveSoft; }

}  // namespace skein
