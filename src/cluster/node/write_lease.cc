// The right of a primary to acknowledge writes, from the pings that voters have answered.
#include <fmt/format.h>

#include "member.h"

namespace skein {

void ClusterNode::Member::note_ping(NodeIndex index, MonoTime now) {
  // Made now, it may leave later: behind a save. So its time is early, which is the safe side.
  if (const LinkId link = links(index).out; !link.is_none()) lease_.on_ping(index, link.value(), now);
}

void ClusterNode::Member::note_answer(const Arrival& arrival) {
  lease_.on_answer(arrival.link_node, arrival.origin.link.value());
}

// Before this node is back in everybody's eyes, voters that do not ask themselves whether they
// hear it may still elect a replica of its.
void ClusterNode::Member::note_own_failure(Now now) {
  bool somebody_might = false;
  each_other([&](NodeIndex index) {
    somebody_might = somebody_might || (topology_.node(index).is_voter() && !health(index).marks_packets);
  });
  if (somebody_might && !topology_.replicas_of(kSelf).empty()) lease_.on_called_failed(now.mono);
}

void ClusterNode::Member::keep_lease(Now now) {
  judge_lease(now);
  if (!lease_.is_needed()) return;
  each_other([&](NodeIndex index) {
    auto& link = links(index);
    if (!link.out_is_up || !topology_.node(index).is_voter()) return;
    if (now.mono - link.out_created <= settings_.node_timeout) return;
    if (!lease_.is_out_of_step(index, health(index).data_received)) return;
    log(EventLevel::kVerbose, fmt::format("Link to node {} opened anew: pings or answers were lost on it",
                                          topology_.node(index).id.view()));
    outbox_.push(CloseLink{link.out});
    link.out = {};
    link.out_is_up = false;
    link.out_lost = now.mono;
    open_link(index, now.mono);
  });
  ping_for_lease(now, kClusterTick);
}

// A replica that has not heard of it may ask for votes in that very epoch.
void ClusterNode::Member::note_own_epoch() {
  unheard_epoch_ = self().config_epoch;
  lease_.set_unheard_epoch(unheard_epoch_);
}

// While the lease is held no replica of ours stands for election, so one that shows the epoch has it
// from this node, and will ask in a later one.
void ClusterNode::Member::watch_own_epoch() {
  if (!unheard_epoch_ || (lease_.is_needed() && lease_.verdict() != LeaseVerdict::kHeld)) return;
  bool all_know = true;
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (node.primary == kSelf && health(index).current_epoch < *unheard_epoch_) all_know = false;
  });
  if (!all_know) return;
  unheard_epoch_.reset();
  lease_.set_unheard_epoch(unheard_epoch_);
}

// After each input. What has lapsed is asked for again at once.
void ClusterNode::Member::judge_lease(Now now) {
  watch_own_epoch();
  const LeaseVerdict before = lease_.verdict();
  const LeaseVerdict verdict = lease_.judge(topology_, voter_.current_epoch, settings_.node_timeout, now.mono);
  if (verdict != before) tell_lease(before, now);
  if (lease_.is_needed() && verdict != LeaseVerdict::kHeld) ping_for_lease(now, milliseconds{0});
}

void ClusterNode::Member::tell_lease(LeaseVerdict before, Now now) {
  const LeaseFigures lease = lease_.figures();
  const auto name = lease_verdict_name(lease.verdict);
  const auto say = [&](EventLevel level, std::string text) {
    writers_were_told_ = lease.verdict != LeaseVerdict::kHeld;
    decide(level, name, std::move(text), now);
  };
  // How it begins, and that it is not needed any more, is no news.
  if (!lease_.is_needed()) writers_were_told_ = false;
  if (before == LeaseVerdict::kNotNeeded || before == LeaseVerdict::kAlone) return;
  switch (lease.verdict) {
    case LeaseVerdict::kTooFewAnswers:
      say(EventLevel::kWarning,
          fmt::format("Writes wait: {} of {} voters needed beside this one have answered within the node timeout, so a "
                      "replica may have taken over",
                      lease.answering, lease.needed));
      break;
    case LeaseVerdict::kElectionPossible:
      say(EventLevel::kWarning,
          fmt::format("Writes wait: a majority answers, but the cluster's epoch has become {} and not every owner of the "
                      "new ones is known; {} ms at most",
                      voter_.current_epoch.value, rejoin_delay(settings_.node_timeout).count()));
      break;
    case LeaseVerdict::kCalledFailed:
      say(EventLevel::kWarning,
          fmt::format("Writes wait: a majority answers, but others called this node failed and may still elect a replica; "
                      "{} ms at most",
                      rejoin_delay(settings_.node_timeout).count()));
      break;
    case LeaseVerdict::kHeld:
      if (!writers_were_told_) break;
      say(EventLevel::kNotice,
          fmt::format("Writes go on: a majority of voters has answered and nobody has taken over. They waited {} ms",
                      std::chrono::duration_cast<milliseconds>(now.mono - lease_.lapsed_at()).count()));
      break;
    case LeaseVerdict::kNotNeeded:
    case LeaseVerdict::kAlone: break;
  }
}

void ClusterNode::Member::ping_for_lease(Now now, milliseconds next_look) {
  // Who asks as nobody in particular earns no lease by it, and would ask again with each answer.
  if (is_holding_back()) return;
  const auto usable = [&](NodeIndex index) { return topology_.contains(index) && links(index).out_is_up; };
  for (const NodeIndex index : lease_.choose_pings(usable, now.mono, next_look)) {
    // While somebody is suspected every packet helps to agree on it.
    if (topology_.census().suspected > 0 && !health(index).ping_pending()) {
      ping(index, now);
    } else {
      ping_without_gossip(index, now);
    }
  }
}

// The header alone: these are many in a large cluster, and the answers bring the gossip.
void ClusterNode::Member::ping_without_gossip(NodeIndex index, Now now) {
  send_heartbeat(MessageType::kPing, links(index).out, index, {}, {}, now);
}

MonoTime ClusterNode::Member::write_lease_end() const {
  return settings_.bugs.ignore_lease ? MonoTime::max() : lease_.end();
}

bool ClusterNode::Member::may_assign_slots(bool holds_lease, MonoTime now) const {
  if (is_yielding()) return false;
  if (holds_lease) return true;
  return state_ == ClusterState::kFail && !is_starting(now) && !is_holding_back();
}

LeaseFigures ClusterNode::Member::lease_figures() const { return lease_.figures(); }

}  // namespace skein
