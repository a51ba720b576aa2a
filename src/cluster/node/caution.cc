// A primary that starts without its data lets itself be replaced by a replica that has it.
//
// While it holds back nothing leaves (`send`, `open_link`) and nothing is served (`judge_state`).
#include <fmt/format.h>

#include "member.h"

namespace skein {

void ClusterNode::Member::hold_back_without_data(Now now) {
  const bool has_something_to_lose = self().is_voter() || has_only_arriving_slots();
  if (!has_something_to_lose || is_holding_back() || settings_.bugs.empty_primary_serves) return;
  std::vector<NodeId> replicas;
  for (const NodeIndex replica : topology_.replicas_of(kSelf)) replicas.push_back(topology_.node(replica).id);
  if (replicas.empty()) return;
  const auto longest = 2 * settings_.node_timeout + CautiousStart::kElectionTime;
  decide(EventLevel::kWarning, name_of(CautionVerdict::kHoldBack),
         fmt::format("This node starts without data, has slots and {} replica(s): it waits to be replaced by one that "
                     "has the data, and neither serves nor answers the others for {} ms at most",
                     replicas.size(), longest.count()),
         now);
  caution_.begin(std::move(replicas), now.mono);
  state_revision_ = 0;
}

void ClusterNode::Member::watch_caution(Now now) {
  if (!is_holding_back()) return;
  const auto was_heard = [&](NodeIndex index) { return health_.at(index).data_received >= caution_.begun_at(); };
  std::vector<FormerReplica> known;
  for (const NodeId& id : caution_.replicas()) {
    const NodeIndex index = topology_.find(id);
    if (index.is_none()) continue;
    const Node& node = topology_.node(index);
    known.push_back({.was_heard = was_heard(index),
                     .still_follows = node.is_replica() && node.primary == kSelf,
                     .new_primary_was_heard = node.is_primary() || (!node.primary.is_none() && was_heard(node.primary)),
                     .offset = health_.at(index).offset});
  }
  const bool has_place = self().is_voter() || has_only_arriving_slots();
  const CautionVerdict verdict = caution_.judge(has_place, known, now.mono, settings_.node_timeout);
  if (verdict == CautionVerdict::kHoldBack) return;
  // It follows the new owner once that is saved; until then a replica would still copy from it.
  if (verdict == CautionVerdict::kReplaced && outbox_.has_barrier()) return;
  caution_.end();
  state_revision_ = 0;
  // Pings that wait for an answer are not repeated as long as this node is heard at all.
  each_other([&](NodeIndex index) { send_heartbeat(MessageType::kPong, links(index).in, index, now); });
  switch (verdict) {
    case CautionVerdict::kHoldBack: return;
    case CautionVerdict::kReplaced:
      decide(EventLevel::kNotice, name_of(verdict), "Another node owns the slots of this one, which started without data",
             now);
      return;
    case CautionVerdict::kNobodyHasData:
      decide(EventLevel::kNotice, name_of(verdict),
             "None of the replicas of this node, which started without data, has any: it serves its slots", now);
      return;
    case CautionVerdict::kTimeIsOver:
      decide(EventLevel::kWarning, name_of(verdict),
             fmt::format("No replica has taken over from this node, which started without data, within {} ms: it serves "
                         "its slots EMPTY. Replicas that still have the data will copy the empty data set and lose it: "
                         "to keep it, stop this node now and send CLUSTER FAILOVER TAKEOVER to one of them",
                         std::chrono::duration_cast<milliseconds>(2 * settings_.node_timeout +
                                                                  CautiousStart::kElectionTime)
                             .count()),
             now);
      return;
  }
}

bool ClusterNode::Member::is_holding_back() const { return caution_.is_holding_back(); }

}  // namespace skein
