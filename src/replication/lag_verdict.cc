#include <skein/replication/lag_verdict.h>

#include <algorithm>

namespace skein {

LagVerdict judge_lag(std::size_t behind, const LagLimit& limit, std::size_t backlog, MonoTime above_since, MonoTime now) {
  if (limit.hard != 0 && behind >= std::max<std::uint64_t>(limit.hard, backlog)) return LagVerdict::kAboveHard;
  if (limit.soft == 0 || behind < limit.soft) return LagVerdict::kWithin;
  const bool too_long = above_since != MonoTime{} && now - above_since > limit.soft_for;
  return too_long ? LagVerdict::kTooLongAboveSoft : LagVerdict::kAboveSoft;
}

}  // namespace skein
