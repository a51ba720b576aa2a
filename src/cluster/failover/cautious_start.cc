#include <skein/cluster/failover/cautious_start.h>

#include <algorithm>

namespace skein {

namespace {

// Whether it can be told that nothing of this node's data is with that replica.
bool has_nothing(const FormerReplica& replica) {
  if (!replica.was_heard) return false;
  if (replica.still_follows) return replica.offset == ReplOffset{};
  return replica.new_primary_was_heard;
}

}  // namespace

std::string_view name_of(CautionVerdict verdict) {
  switch (verdict) {
    case CautionVerdict::kHoldBack: return "kHoldBack";
    case CautionVerdict::kReplaced: return "kReplaced";
    case CautionVerdict::kNobodyHasData: return "kNobodyHasData";
    case CautionVerdict::kTimeIsOver: return "kTimeIsOver";
  }
  return "";
}

void CautiousStart::begin(std::vector<NodeId> replicas, MonoTime now) {
  replicas_ = std::move(replicas);
  begun_ = now;
}

CautionVerdict CautiousStart::judge(bool has_place, std::span<const FormerReplica> known, MonoTime now,
                                    milliseconds node_timeout) const {
  if (!has_place) return CautionVerdict::kReplaced;
  if (std::all_of(known.begin(), known.end(), has_nothing)) return CautionVerdict::kNobodyHasData;
  if (now - *begun_ >= 2 * node_timeout + kElectionTime) return CautionVerdict::kTimeIsOver;
  return CautionVerdict::kHoldBack;
}

}  // namespace skein
