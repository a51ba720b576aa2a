// Taking over on request: CLUSTER FAILOVER on the replica, MFSTART on its primary, and a
// primary that hands over before it ends.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <skein/base/text.h>

#include "member.h"

namespace skein {

namespace {

Error refusal(std::string_view text) { return Error("ERR " + std::string(text)); }

}  // namespace

Result<void> ClusterNode::Member::failover(Args options, Now now) {
  bool force = false;
  bool takeover = false;
  if (!options.empty()) {
    takeover = equals_ignore_case(options[0], "takeover");
    force = takeover || equals_ignore_case(options[0], "force");
    if (!force || options.size() > 1) return refusal("syntax error");
  }
  if (self().is_primary()) return refusal("You should send CLUSTER FAILOVER to a replica");
  if (self().primary.is_none()) return refusal("I'm a replica but my master is unknown to me");
  const bool reachable = !topology_.node(self().primary).has_failed() && !links(self().primary).out.is_none();
  if (!reachable && !force) return refusal("Master is down or failed, please use CLUSTER FAILOVER FORCE");

  bid_.end();
  election_.stop();
  if (takeover) {
    decide(EventLevel::kWarning, "kTakeover", "Taking over the master (user request).", now);
    // Where its own is the greatest already, its claims win without a new one.
    (void)take_new_epoch();
    replace_primary(std::nullopt, now);
  } else if (force) {
    decide(EventLevel::kWarning, "kForced", "Forced failover user request accepted.", now);
    bid_.force(now.mono);
    run_election(now);
  } else {
    decide(EventLevel::kWarning, "kRequested", "Manual failover user request accepted.", now);
    bid_.ask(now.mono);
    send_bare(MessageType::kMfStart, self().primary, now.mono + kTakeoverLimit);
  }
  return {};
}

void ClusterNode::Member::run_takeover(Now now) {
  if (bid_.expire(now.mono)) {
    decide(EventLevel::kWarning, "kTimedOut", "Manual failover timed out.", now);
    election_.stop();
  }
  pursue_bid(now);
  if (!yield_.is_under_way()) return;
  const bool was_handover = yield_.is_handover();
  if (!self().is_voter()) {
    end_takeovers();
  } else if (yield_.expire(now.mono)) {
    decide(EventLevel::kWarning, "kTimedOut", "Manual failover timed out.", now);
    outbox_.push(ResumeWriters{});
    if (was_handover) outbox_.push(HandoverEnded{false, "the replica has not taken over in time", {}});
  } else {
    show_pause(now.mono);
  }
}

// The replica's end, as far as the data allow.
void ClusterNode::Member::pursue_bid(Now now) {
  if (data_.primary_link_up && bid_.on_processed(data_.offset)) {
    decide(EventLevel::kWarning, "kCaughtUp",
           "All master replication stream processed, manual failover can start.", now);
    election_.stop();
    run_election(now);
  }
}

void ClusterNode::Member::on_takeover_wish(const Arrival& arrival) {
  const NodeIndex replica = arrival.sender;
  // It may have become one just now.
  learn_role(arrival);
  // While it hands over it has chosen already.
  if (!self().is_primary() || topology_.node(replica).primary != kSelf || yield_.is_handover()) return;
  decide(EventLevel::kWarning, "kYield",
         fmt::format("Manual failover requested by replica {}.", topology_.node(replica).id.view()), arrival.now);
  yield_.begin(replica, is_leaving_, arrival.now.mono);
  outbox_.push(PauseWriters{arrival.now.mono + kTakeoverPause});
}

// At once when the offset is that of the last write, and with each tick.
void ClusterNode::Member::show_pause(MonoTime now) {
  const NodeIndex replica = yield_.replica();
  if (replica.is_none() || !yield_.is_paused_towards(replica) || !links(replica).out_is_up) return;
  tell_about(MessageType::kPing, replica, {}, {now, {}});
}

void ClusterNode::Member::on_paused_primary(const Arrival& arrival) {
  if (!self().is_replica() || self().primary != arrival.sender) return;
  // Redis shows its pause to everybody; of a Skein it is meant for whom it is sent to.
  const bool offered = arrival.packet.marked && !settings_.replica_no_failover;
  const bool asked = bid_.is_under_way();
  if (!bid_.on_paused(arrival.packet.offset, offered, arrival.now.mono)) return;
  if (!asked) {
    decide(EventLevel::kWarning, "kOffered",
           fmt::format("Master {} is about to end and hands over to this replica.",
                       topology_.node(arrival.sender).id.view()),
           arrival.now);
  }
  log(EventLevel::kWarning, fmt::format("Received replication offset for paused master manual failover: {}",
                                        arrival.packet.offset.value));
  pursue_bid(arrival.now);
}

void ClusterNode::Member::on_unpaused_primary(const Arrival& arrival) {
  if (arrival.packet.type != MessageType::kPing || self().primary != arrival.sender || !bid_.on_unpaused()) return;
  decide(EventLevel::kWarning, "kWithdrawn", "The master does not hand over any more.", arrival.now);
  election_.stop();
}

bool ClusterNode::Member::is_handing_over() const { return yield_.is_handover(); }

bool ClusterNode::Member::wants_data() const { return bid_.is_catching_up() || yield_.is_pausing(); }

void ClusterNode::Member::begin_handover(Now now, std::span<const AcknowledgedOffset> acknowledged) {
  if (yield_.is_handover() || !gone_to_.is_none()) return;
  std::vector<ReplicaFacts> replicas;
  for (const NodeIndex index : topology_.replicas_of(kSelf)) {
    const NodeAddress& address = topology_.node(index).address;
    ReplOffset offset = health(index).offset;
    for (const AcknowledgedOffset& known : acknowledged) {
      const bool same_port = known.port == address.port || known.port == address.plain_port;
      if (same_port && known.ip == address.ip) offset = std::max(offset, known.offset);
    }
    replicas.push_back({index, links(index).out_is_up, health(index).marks_packets, offset});
  }
  const auto choice = choose_successor(topology_, replicas);
  const auto end = [&](std::string why, std::optional<HandoverEnded::AskAsClient> ask = {}) {
    decide(EventLevel::kNotice, name_of(choice.verdict), fmt::format("This node hands over to nobody: {}", why), now);
    outbox_.push(HandoverEnded{false, std::move(why), std::move(ask)});
  };
  switch (choice.verdict) {
    case HandoverVerdict::kNoSlots: return end("it owns no slots");
    case HandoverVerdict::kNoReplica: return end("it has no replica that may stand");
    case HandoverVerdict::kNotReachable: return end("no replica can be reached");
    case HandoverVerdict::kNoData: return end("no replica is known to have data");
    case HandoverVerdict::kAskAsClient: {
      const Node& node = topology_.node(choice.replica);
      is_leaving_ = true;
      const std::uint16_t port = node.address.plain_port != 0 ? node.address.plain_port : node.address.port;
      return end(fmt::format("replica {} is no Skein and has to be asked as a client is", node.id.view()),
                 HandoverEnded::AskAsClient{node.id, node.address.ip, port});
    }
    case HandoverVerdict::kHandOver: break;
  }
  decide(EventLevel::kNotice, name_of(choice.verdict),
         fmt::format("Handing over to replica {}", topology_.node(choice.replica).id.view()), now);
  yield_.begin(choice.replica, true, now.mono);
  outbox_.push(PauseWriters{now.mono + kTakeoverPause});
}

void ClusterNode::Member::abandon_handover(Now now) {
  is_leaving_ = false;
  if (!gone_to_.is_none()) {
    // It does not end after all: what it is saved as, it becomes.
    const NodeIndex primary = topology_.find(std::exchange(gone_to_, {}));
    if (!primary.is_none()) become_replica_of(primary, Successor::kHeir, now.mono);
    each_other([&](NodeIndex index) { send_heartbeat(MessageType::kPong, links(index).in, index, now); });
    return;
  }
  if (!yield_.is_handover()) return;
  const NodeIndex replica = yield_.replica();
  yield_.end();
  // Without the mark: it is not to stand any more.
  if (links(replica).out_is_up) ping(replica, now);
  outbox_.push(ResumeWriters{});
  outbox_.push(HandoverEnded{false, "it was abandoned", {}});
}

// Nothing leaves any more: the others are to see the primary that ends, not one more replica.
// What is saved says the replica, so that it comes back as one.
void ClusterNode::Member::on_all_slots_lost_to(NodeIndex claimant) {
  gone_to_ = topology_.node(claimant).id;
  yield_.end();
  log(EventLevel::kNotice, fmt::format("Handed over to {}", gone_to_.view()));
  save_lazily();
  outbox_.push(HandoverEnded{true, {}, {}});
}

void ClusterNode::Member::end_takeovers() {
  bid_.end();
  if (!yield_.is_under_way()) return;
  const bool was_handover = yield_.is_handover();
  yield_.end();
  outbox_.push(ResumeWriters{});
  if (was_handover) outbox_.push(HandoverEnded{false, "this node's slots have gone otherwise", {}});
}

}  // namespace skein
