// FORGET: the operator's command, and what others say that they have forgotten.
//
// The command acts as in redis. What is only heard may come from anybody who can send a packet in a member's name: it
// takes no slots away from a node that is up, and does nothing for good.
#include <fmt/format.h>

#include <algorithm>

#include "member.h"

namespace skein {

Result<void> ClusterNode::Member::forget(std::string_view text, Now now) {
  const auto id = NodeId::parse(text);
  // Another member may have passed the word on already; from now on it is this operator's.
  if (id && topology_.find(*id).is_none() && bans_.has(*id, now.mono)) {
    bans_.command(*id, now.mono);
    return {};
  }
  const auto named = find_named(text, "Unknown node");
  if (!named) return named.error();
  if (*named == kSelf) return Error("ERR I tried hard but I can't forget myself...");
  if (self().is_replica() && self().primary == *named) return Error("ERR Can't forget my master!");
  bans_.command(topology_.node(*named).id, now.mono);
  remove_node(*named);
  return {};
}

void ClusterNode::Member::on_forgotten(const Arrival& arrival) {
  if (!arrival.packet.marked) return;
  const MonoTime now = arrival.now.mono;
  arrival.packet.for_each_forgotten([&](const ForgottenNode& forgotten) {
    constexpr auto kMost = static_cast<std::uint64_t>(Bans::kTime.count());
    const seconds left(static_cast<std::int64_t>(std::min(forgotten.ban_seconds, kMost)));
    if (left.count() == 0 || forgotten.id == self().id) return;
    const NodeIndex index = topology_.find(forgotten.id);
    if (index.is_none()) {
      if (!bans_.has(forgotten.id, now)) (void)bans_.hear(forgotten.id, now, left, std::nullopt);
      return;
    }
    if (index == arrival.sender || (self().is_replica() && self().primary == index)) return;
    // Met again after it was forgotten. Times on the wire are whole seconds.
    const MonoTime began = now - (Bans::kTime - left) - seconds(1);
    if (health(index).added > began || !may_forget_unasked(index, now)) return;
    if (!bans_.hear(forgotten.id, now, left, topology_.node(index).address)) return;
    log(EventLevel::kNotice, fmt::format("Node {} was forgotten by {}", forgotten.id.view(),
                                         arrival.packet.sender.view()));
    remove_node(index);
  });
}

// Slots that are served must not be without an owner because somebody says so: their owner has failed, for the others
// and for this node.
bool ClusterNode::Member::may_forget_unasked(NodeIndex index, MonoTime now) const {
  const Node& node = topology_.node(index);
  const NodeHealth& heard = health_.at(index);
  return node.slot_count == 0 || (node.has_failed() && now - heard.data_received > settings_.node_timeout);
}

// One that is not known calls. If it was forgotten only because somebody said so, it is asked where it was.
void ClusterNode::Member::learn_again(const Arrival& arrival) {
  const Packet& packet = arrival.packet;
  if (!arrival.origin.link.is_inbound() || packet.type != MessageType::kPing) return;
  Node node;
  node.id = packet.sender;
  node.address = address_in(arrival);
  if (!bans_.lets_back(node.id, node.address, arrival.now.mono)) return;
  node.flags.set(packet.flags.has(NodeFlag::kPrimary) ? NodeFlag::kPrimary : NodeFlag::kReplica);
  (void)add_hearsay(std::move(node), arrival.now.mono);
}

}  // namespace skein
