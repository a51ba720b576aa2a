// A primary that starts without its data lets itself be replaced by a replica that has it.
//
// While it holds back nothing leaves in its name (`send`) and nothing is served (`judge_state`). It asks the members it
// knows as nobody in particular: what they answer tells who owns its slots, also where they look for it in vain.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <skein/cluster/node/doctor.h>
#include <skein/cluster/node/twin_probe.h>

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
  end_caution(verdict, known, now);
}

// Takes the place of every packet while the node holds back. Only what goes by its own links is a question.
void ClusterNode::Member::ask_as_nobody(MessageType type, LinkId link, NodeIndex to, Now now) {
  if (type == MessageType::kPong || to.is_none() || links(to).out != link || !links(to).out_is_up) return;
  if (!health(to).ping_pending()) health(to).ping_sent = now.mono;
  auto bytes = std::make_shared<const std::string>(encode_ping_of_nobody(random_, settings_));
  outbox_.push(SendPacket{link, MessageType::kPing, std::move(bytes)});
}

void ClusterNode::Member::end_caution(CautionVerdict verdict, std::span<const FormerReplica> known, Now now) {
  caution_.end();
  state_revision_ = 0;
  each_other([&](NodeIndex index) {
    // An answer to nobody must not be taken for one to this node.
    auto& link = links(index);
    if (!link.out.is_none()) outbox_.push(CloseLink{link.out});
    link.out = {};
    if (std::exchange(link.out_is_up, false)) link.out_lost = now.mono;
    // Pings that wait for an answer are not repeated as long as this node is heard at all.
    send_heartbeat(MessageType::kPong, link.in, index, now);
  });
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
    case CautionVerdict::kTimeIsOver: decide(EventLevel::kWarning, name_of(verdict), describe_waiting(known), now); return;
  }
}

// What its waiting in vain comes to. Nothing is served without a majority, and only who is there can take over.
std::string ClusterNode::Member::describe_waiting(std::span<const FormerReplica> known) const {
  const auto waited = 2 * settings_.node_timeout + CautiousStart::kElectionTime;
  const Census& all = topology_.census();
  const bool has_majority = all.reachable_voters >= all.voters / 2 + 1;
  const bool has_heard_data = std::any_of(known.begin(), known.end(), [](const FormerReplica& replica) {
    return replica.was_heard && replica.still_follows && replica.offset.value > 0;
  });
  const std::string text =
      fmt::format("No replica has taken over from this node, which started without data, within {} ms", waited.count());
  if (!has_majority) {
    return text + ". Most primaries are out of reach, so it serves nothing, and whether its slots have another owner is "
                  "not known. Once a majority is back and names none it serves them EMPTY";
  }
  return text + (has_heard_data ? ": it serves its slots EMPTY. A replica that still has the data has not been elected, and "
                                  "copies the empty data set: to keep it, stop this node now and send CLUSTER FAILOVER "
                                  "TAKEOVER to that replica"
                                : ": it serves its slots EMPTY. No replica with data was heard. One that has it would copy "
                                  "the empty data set when it comes back: to keep it, stop this node first, then start the "
                                  "replica");
}

bool ClusterNode::Member::is_holding_back() const { return caution_.is_holding_back(); }

}  // namespace skein
