// What a packet changes.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include <skein/cluster/gossip/judgement.h>
#include <skein/cluster/node/doctor.h>

#include "member.h"

namespace skein {

namespace {

// An epoch this far ahead of the own one is no election missed but a damaged number: it
// would spread over the whole cluster and never be got rid of.
constexpr std::uint64_t kMaxEpochLead = std::uint64_t{1} << 32;
// An epoch grows by one with each election. Beyond this a member was away for long, or somebody gave a number by hand:
// that happens once, and not again at once, or a flood of forged packets would use the numbers up.
constexpr std::uint64_t kGreatLeap = std::uint64_t{1} << 16;
constexpr seconds kBetweenLeaps{1};
// A member that stops marking its packets was replaced by another implementation; one
// packet without the mark is a damaged one.
constexpr std::uint8_t kUnmarkedUntilBelieved = 3;
// Other members' clocks may be this far ahead before their pong times are not believed.
constexpr milliseconds kClockTolerance{500};

bool shows_failure(NodeFlags flags) { return flags.has_any(NodeFlag::kPfail | NodeFlag::kFail); }

}  // namespace

void ClusterNode::Member::on_packet(const PacketOrigin& origin, std::string_view bytes, Now now) {
  const auto decoded = decode_packet(bytes);
  const auto* packet = std::get_if<Packet>(&decoded);
  if (packet == nullptr) {
    note_drop(origin, sender_of(bytes), packet_fault_name(std::get<PacketFault>(decoded)), now);
    return settle(now);
  }
  // A packet of a link closed meanwhile says nothing any more.
  const NodeIndex link_node = node_of_out_link(origin.link);
  if (!origin.link.is_inbound() && link_node.is_none()) return;

  Arrival arrival{origin, *packet, topology_.find(packet->sender), link_node, false, now};
  // An answer in a name nobody knows may be the damaged one of whom the link was opened to.
  const std::string_view fault = find_fault(*packet, arrival.sender.is_none() ? link_node : arrival.sender, now.mono);
  if (!fault.empty()) {
    note_drop(origin, packet->sender, fault, now);
    return settle(now);
  }
  outbox_.count_received(packet->type);
  const bool known = !arrival.sender.is_none() && arrival.sender != kSelf;
  // Where others say that it is, it is.
  if (known && link_node == arrival.sender) end_hearsay(arrival.sender);
  arrival.sender_is_settled =
      known && !topology_.node(arrival.sender).in_handshake() && !health(arrival.sender).hearsay;
  if (settings_.bugs.believe_unknown_sender && arrival.sender.is_none() && is_heartbeat(packet->type)) {
    Node stranger;
    stranger.id = packet->sender;
    stranger.address = address_in(arrival);
    stranger.flags = NodeFlag::kPrimary;
    if (const auto index = add_node(std::move(stranger), now.mono)) {
      arrival.sender = *index;
      arrival.sender_is_settled = true;
    }
  }

  if (arrival.sender == kSelf) note_own_name(arrival);
  note_inbound_link(arrival);
  if (known) health(arrival.sender).data_received = now.mono;
  learn_epochs(arrival);

  if (is_heartbeat(packet->type)) {
    on_heartbeat(arrival);
  } else if (arrival.sender_is_settled) {
    if (const auto* fail = std::get_if<FailBody>(&packet->body)) on_fail(arrival, *fail);
    if (const auto* update = std::get_if<UpdateBody>(&packet->body)) on_update(arrival, *update);
    if (packet->type == MessageType::kAuthRequest) {
      on_vote_request(arrival);
      on_rival(arrival);
    }
    if (packet->type == MessageType::kAuthAck) on_vote(arrival);
    if (packet->type == MessageType::kMfStart) on_takeover_wish(arrival);
  }
  if (is_election_due(arrival)) run_election(now);
  watch_caution(now);
  settle(now);
}

// Why a packet that is well formed is not believed; empty when it is.
std::string_view ClusterNode::Member::find_fault(const Packet& packet, NodeIndex sender, MonoTime now) {
  std::uint64_t greatest = std::max(packet.current_epoch.value, packet.config_epoch.value);
  if (const auto* update = std::get_if<UpdateBody>(&packet.body)) greatest = std::max(greatest, update->config_epoch.value);
  const std::uint64_t lead = greatest - std::min(greatest, voter_.current_epoch.value);
  if (lead > kMaxEpochLead) return "its epoch is far ahead of the cluster's";
  if (sender.is_none() || sender == kSelf) return {};
  NodeHealth& heard = health(sender);
  if (packet.marked) {
    heard.marks_packets = true;
    heard.unmarked_in_a_row = 0;
  } else if (heard.marks_packets) {
    if (++heard.unmarked_in_a_row < kUnmarkedUntilBelieved) return "it has no checksum, unlike those before";
    heard.marks_packets = false;
  }
  if (lead > kGreatLeap && !topology_.node(sender).in_handshake() && !heard.hearsay) {
    if (last_leap_ != MonoTime{} && now - last_leap_ < kBetweenLeaps) return "its epoch is ahead of the cluster's again";
    last_leap_ = now;
  }
  return {};
}

// Checks that redis lacks must not be silent: two programs that do not understand each other would look like a broken
// network.
void ClusterNode::Member::note_drop(const PacketOrigin& origin, const NodeId& named, std::string_view reason, Now now) {
  ++refused_packets_;
  log(EventLevel::kDebug, fmt::format("Packet from {} dropped: {}", origin.remote_ip, reason));
  NodeIndex peer = node_of_out_link(origin.link);
  if (peer.is_none() && !named.is_none()) peer = topology_.find(named);
  const bool is_member =
      !peer.is_none() && peer != kSelf && !topology_.node(peer).in_handshake() && !health(peer).hearsay;
  const std::string_view whose = is_member ? topology_.node(peer).id.view() : origin.remote_ip;
  if (!drops_.note(whose, is_member, reason, now.mono)) return;
  if (is_member) {
    return decide(EventLevel::kWarning, "kPacketDropped",
                  fmt::format("A packet of {} was dropped: {}. It is not told again within the hour",
                              name_node(topology_.node(peer)), reason), now);
  }
  if (strange_drop_pace_.next(now.mono)) {
    log(EventLevel::kNotice, fmt::format("A packet from {}, where no member is known, was dropped: {}", origin.remote_ip, reason));
  }
}

void ClusterNode::Member::learn_epochs(const Arrival& arrival) {
  if (!arrival.sender_is_settled) return;
  const Packet& packet = arrival.packet;
  if (packet.current_epoch > voter_.current_epoch ||
      (settings_.bugs.lower_current_epoch && packet.current_epoch < voter_.current_epoch)) {
    voter_.current_epoch = packet.current_epoch;
    save_first();
  }
  const Node& sender = topology_.node(arrival.sender);
  if (packet.config_epoch > sender.config_epoch) {
    // A replica shows its primary's, and is saved with that one.
    if (sender.is_primary()) save_lazily();
    set_config_epoch_of(arrival.sender, packet.config_epoch);
  }
  health(arrival.sender).offset = packet.offset;
  if (const NodeIndex primary = sender.primary; !primary.is_none()) {
    note_progress(health(arrival.sender), packet.offset, shown_offset(primary), arrival.now.mono);
  }
  health(arrival.sender).current_epoch = packet.current_epoch;
}

void ClusterNode::Member::on_heartbeat(Arrival& arrival) {
  const Packet& packet = arrival.packet;
  if (packet.type != MessageType::kPong) {
    learn_own_ip(arrival);
    if (packet.type == MessageType::kMeet && arrival.sender.is_none()) start_handshake_with_sender(arrival);
    if (arrival.sender.is_none()) learn_again(arrival);
    send_heartbeat(MessageType::kPong, arrival.origin.link, arrival.sender_is_settled ? arrival.sender : kNoNode,
                   arrival.now);
  }
  if (!arrival.link_node.is_none() && !on_answer_by_own_link(arrival)) return;

  if (arrival.sender_is_settled) {
    const bool no_failover = packet.flags.has(NodeFlag::kNoFailover);
    if (topology_.node(arrival.sender).flags.has(NodeFlag::kNoFailover) != no_failover) {
      topology_.edit(arrival.sender, [&](Node& node) {
        no_failover ? node.flags.set(NodeFlag::kNoFailover) : node.flags.clear(NodeFlag::kNoFailover);
      });
    }
    if (packet.type == MessageType::kPing) update_address(arrival);
  }
  if (!arrival.link_node.is_none() && packet.type == MessageType::kPong) {
    note_answer(arrival);
    on_pong(arrival);
  }
  if (!arrival.sender_is_settled) return;
  packet.paused ? on_paused_primary(arrival) : on_unpaused_primary(arrival);

  const NodeIndex former = topology_.node(arrival.sender).primary;
  learn_role(arrival);
  learn_claim(arrival, former);
  note_heir(former, arrival.sender, arrival.now.mono);
  learn_open_slots(arrival);
  note_open_elsewhere(arrival);
  leave_shared_epoch(arrival.sender, packet.config_epoch);
  on_gossip(arrival);
  if (packet.hostname != topology_.node(arrival.sender).hostname) {
    topology_.edit(arrival.sender, [&](Node& node) { node.hostname = packet.hostname; });
    save_lazily();
  }
  on_forgotten(arrival);
}

// Whether the packet is from whom this node's own link was opened to; false ends its handling.
bool ClusterNode::Member::on_answer_by_own_link(Arrival& arrival) {
  const Node& node = topology_.node(arrival.link_node);
  if (node.in_handshake()) return finish_handshake(arrival);
  if (node.id == arrival.packet.sender) return true;
  // Somebody else is where it was said to be.
  if (health(arrival.link_node).hearsay) {
    remove_node(arrival.link_node);
    return false;
  }

  log(EventLevel::kDebug, fmt::format("PONG contains mismatching sender ID. About node {} added {} ms ago, having "
                                      "flags {}",
                                      node.id.view(),
                                      std::chrono::duration_cast<milliseconds>(
                                          arrival.now.mono - health(arrival.link_node).added).count(),
                                      node.flags.wire()));
  lose_address(arrival.link_node, arrival.now.mono);
  return false;
}

bool ClusterNode::Member::finish_handshake(Arrival& arrival) {
  const NodeIndex met = arrival.link_node;
  places_.remove(met);
  // What others only say of it does not count beside its own answer.
  if (!arrival.sender.is_none() && health(arrival.sender).hearsay) {
    remove_node(arrival.sender);
    arrival.sender = kNoNode;
  }
  if (!arrival.sender.is_none()) {
    log(EventLevel::kVerbose, fmt::format("Handshake: we already know node {}, updating the address if needed.",
                                          arrival.packet.sender.view()));
    if (arrival.sender_is_settled) adopt_address(arrival.sender, address_in(arrival), arrival.now.mono);
    remove_node(met);
    return false;
  }
  topology_.rename(met, arrival.packet.sender);
  topology_.edit(met, [&](Node& node) {
    node.flags.clear(NodeFlag::kHandshake | NodeFlag::kMeet);
    node.flags.set(arrival.packet.flags.has(NodeFlag::kPrimary) ? NodeFlag::kPrimary : NodeFlag::kReplica);
  });
  // Meeting it again on purpose ends what kept it out.
  bans_.erase(arrival.packet.sender);
  health(met).data_received = arrival.now.mono;
  health(met).marks_packets = arrival.packet.marked;
  log(EventLevel::kDebug, fmt::format("Handshake with node {} completed.", arrival.packet.sender.view()));
  save_lazily();
  return true;
}

void ClusterNode::Member::on_pong(const Arrival& arrival) {
  NodeHealth& heard = health(arrival.link_node);
  heard.pong_received = arrival.now.mono;
  heard.ping_sent = {};
  const Node& node = topology_.node(arrival.link_node);
  if (node.is_suspected()) {
    topology_.edit(arrival.link_node, [](Node& edited) { edited.flags.clear(NodeFlag::kPfail); });
  } else if (node.has_failed()) {
    clear_fail_if_due(arrival.link_node, arrival.now.mono);
  }
}

void ClusterNode::Member::on_fail(const Arrival& arrival, const FailBody& body) {
  const NodeIndex failed = topology_.find(body.failed);
  if (failed == kSelf) note_own_failure(arrival.now);
  if (failed.is_none() || failed == kSelf || topology_.node(failed).has_failed()) return;
  log(EventLevel::kNotice, fmt::format("FAIL message received from {} about {}", arrival.packet.sender.view(),
                                       body.failed.view()));
  topology_.edit(failed, [](Node& node) { node.flags.clear(NodeFlag::kPfail).set(NodeFlag::kFail); });
  health(failed).failed_at = arrival.now.mono;
  save_lazily();
}

void ClusterNode::Member::on_update(const Arrival& arrival, const UpdateBody& body) {
  const NodeIndex about = topology_.find(body.node);
  if (about.is_none() || about == kSelf || health(about).hearsay || settings_.bugs.ignore_update) return;
  if (is_about_predecessor(about, body.config_epoch)) return claim_arrived(lost_to_predecessor(arrival, body), arrival.now);
  const Node& known = topology_.node(about);
  if (known.config_epoch > body.config_epoch) return;
  if (known.config_epoch == body.config_epoch) {
    // Nothing new, but for the last slots of a primary that died before it could tell of them.
    if (!arrival.packet.marked || !known.is_primary() || !known.has_failed()) return;
    const bool is_own = self().is_replica() && self().primary == about;
    SlotBitmap slots = SlotBitmap::from_wire(body.slots);
    // The voter may not have heard yet what our primary gave away at last.
    if (is_own) given_slots_.for_each([&](Slot slot) { slots.reset(slot); });
    take_claim({about, body.config_epoch, kNoNode, arrival.now}, slots.wire());
    if (is_own) take_arrived_slots(body.slots);
    return;
  }
  const NodeIndex former = known.primary;
  set_primary(about);
  set_config_epoch_of(about, body.config_epoch);
  voter_.current_epoch = std::max(voter_.current_epoch, body.config_epoch);
  save_first();
  take_claim({about, body.config_epoch, former, arrival.now}, body.slots);
  note_heir(former, about, arrival.now.mono);
}

void ClusterNode::Member::on_gossip(const Arrival& arrival) {
  bool has_room = true;
  for (std::size_t i = 0; i < arrival.packet.gossip_count; ++i) {
    const GossipEntry entry = arrival.packet.gossip(i);
    if (entry.id.is_none()) {
      note_drop(arrival.origin, arrival.packet.sender, "what it says of another node makes no sense", arrival.now);
      continue;
    }
    const NodeIndex index = topology_.find(entry.id);
    if (index.is_none()) {
      // Looking for room for each of thousands takes long.
      if (has_room) has_room = on_gossip_about_unknown(arrival, entry);
    } else {
      on_gossip_about_known(arrival, entry, index);
    }
  }
}

void ClusterNode::Member::on_gossip_about_known(const Arrival& arrival, const GossipEntry& entry, NodeIndex index) {
  const MonoTime now = arrival.now.mono;
  const Node& sender = topology_.node(arrival.sender);
  const bool failing = shows_failure(entry.flags);
  NodeHealth& heard = health(index);
  if (index != kSelf && arrival.sender != index && sender.is_primary()) {
    if (failing) {
      if (add_fail_report(heard, arrival.sender, now)) {
        log(EventLevel::kVerbose,
            fmt::format("Node {} reported node {} as not reachable.", sender.id.view(), entry.id.view()));
      }
      // What this node would find out with its next tick it says now.
      const bool silent = is_silent(heard, now, settings_.node_timeout);
      silent && !topology_.node(index).is_suspected() ? suspect(index, arrival.now) : mark_failed_if_agreed(index, now);
    } else if (withdraw_fail_report(heard, arrival.sender)) {
      log(EventLevel::kVerbose,
          fmt::format("Node {} reported node {} is back online.", sender.id.view(), entry.id.view()));
    }
  }
  if (settings_.bugs.lease_by_gossip && !failing && index != kSelf) lease_.on_answer(index, links(index).out.value());
  heard.named_at = now;

  // What others hear of a healthy node spares pinging it; but FAIL ends with an answer of its own.
  if (!failing) drop_old_fail_reports(heard, now, settings_.node_timeout);
  if (!failing && !topology_.node(index).has_failed() && !heard.ping_pending() &&
      count_fail_reports(heard, topology_, now, settings_.node_timeout) == 0) {
    const auto ago = arrival.now.wall - UnixMillis{std::int64_t{entry.pong_received_seconds} * 1000};
    const MonoTime pong = now - ago;
    if (ago >= -kClockTolerance && pong > heard.pong_received && pong != MonoTime{}) heard.pong_received = pong;
  }

  // It looks dead from here, or as if it were nowhere, and alive from there: it has moved.
  learn_address_from(entry, index, now);
}

}  // namespace skein
