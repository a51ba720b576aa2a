// Roles, and who owns which slot: what others claim, and what becomes of this node when it loses.
#include <fmt/format.h>

#include "member.h"

namespace skein {

void ClusterNode::Member::learn_role(const Arrival& arrival) {
  if (arrival.packet.replica_of.is_none()) return set_primary(arrival.sender);
  const Node& node = topology_.node(arrival.sender);
  if (!node.is_replica()) {
    log(EventLevel::kDebug, fmt::format("Node {} is now a replica of {}", node.id.view(),
                                        arrival.packet.replica_of.view()));
    if (node.slot_count > 0) {
      tell_heir_of_slots(arrival);
      topology_.slots_of(arrival.sender).for_each([&](Slot slot) { move_slot(slot, kNoNode); });
    }
    topology_.edit(arrival.sender, [](Node& edited) {
      edited.flags.clear(NodeFlag::kPrimary | NodeFlag::kMigrateTo).set(NodeFlag::kReplica);
    });
    save_first();
  }
  const NodeIndex primary = topology_.find(arrival.packet.replica_of);
  if (!primary.is_none() && primary != arrival.sender) set_replica_of(arrival.sender, primary);
}

void ClusterNode::Member::set_primary(NodeIndex index) {
  const Node& node = topology_.node(index);
  if (node.is_primary()) return;
  const bool had_primary = !node.primary.is_none();
  if (had_primary) set_replica_of(index, kNoNode);
  topology_.edit(index, [&](Node& edited) {
    edited.flags.clear(NodeFlag::kReplica).set(NodeFlag::kPrimary);
    // One that was promoted is worth being given replicas.
    if (had_primary && index != kSelf) edited.flags.set(NodeFlag::kMigrateTo);
  });
  save_first();
}

// Role bits are the caller's; this keeps who follows whom, and who has ever been followed.
void ClusterNode::Member::set_replica_of(NodeIndex index, NodeIndex primary) {
  const NodeIndex before = topology_.node(index).primary;
  if (before == primary) return;
  topology_.edit(index, [&](Node& node) { node.primary = primary; });
  forget_progress(health(index));
  if (index == kSelf) forget_shown_slots();
  if (primary == kSelf) show_open_slots_again();
  // What was to go to it goes to whom it follows now.
  if (!primary.is_none() && topology_.node(primary).is_primary()) redirect_open_slots(index, primary);
  if (!before.is_none() && topology_.replicas_of(before).empty()) {
    topology_.edit(before, [](Node& node) { node.flags.clear(NodeFlag::kMigrateTo); });
  }
  if (!primary.is_none()) {
    topology_.edit(primary, [](Node& node) { node.flags.set(NodeFlag::kMigrateTo); });
    if (index == kSelf) end_hearsay(primary);
  }
  ++epoch_changes_;
  save_lazily();
}

void ClusterNode::Member::become_replica_of(NodeIndex primary, Successor successor, MonoTime now) {
  end_takeovers();
  if (primary != self().primary) {
    const bool keeps = successor == Successor::kHeir || settings_.bugs.keep_data_of_others;
    keeps ? data_age_.on_heir(primary_dead_for(now), now) : data_age_.on_lost();
  }
  heir_ = {};
  was_elected_ = false;
  replaced_.reset();
  has_new_primary_ = true;
  if (self().is_primary()) {
    topology_.edit(kSelf, [](Node& node) {
      node.flags.clear(NodeFlag::kPrimary | NodeFlag::kMigrateTo).set(NodeFlag::kReplica);
    });
    close_all_slots();
    taken_.clear();
    left_.clear();
  }
  set_replica_of(kSelf, primary);
  save_first();
}

// When it was called failed a majority had not heard it for a node timeout: its lease was over, and whoever else
// was in touch with it got nothing more that counts.
nanoseconds ClusterNode::Member::primary_dead_for(MonoTime now) const {
  const NodeIndex primary = self().primary;
  if (primary.is_none() || !topology_.node(primary).has_failed()) return nanoseconds{0};
  return now - health_.at(primary).failed_at;
}

void ClusterNode::Member::close_all_slots() {
  while (!topology_.migrating().empty()) topology_.set_migrating(topology_.migrating().front().slot, kNoNode);
  while (!topology_.importing().empty()) topology_.set_importing(topology_.importing().front().slot, kNoNode);
}

// A claim with a new epoch is the whole of it. What the sender owned before and does not name
// was lost while this node did not listen; left as it is it would count with the new epoch,
// and its true owner's claim would look old for ever.
void ClusterNode::Member::drop_old_claim(const Arrival& arrival) {
  const Node& sender = topology_.node(arrival.sender);
  const Epoch epoch = arrival.packet.config_epoch;
  if (!sender.is_primary() || epoch <= links(arrival.sender).told_epoch || epoch < sender.config_epoch) return;
  // The operator's word is faster than the sender's packets: this one may be older than it.
  const MonoTime assigned = links(arrival.sender).assigned;
  if (assigned != MonoTime{} && arrival.now.mono - assigned < settings_.node_timeout) return;
  links(arrival.sender).told_epoch = epoch;
  if (sender.slot_count == 0) return;
  const SlotBitmap claimed = SlotBitmap::from_wire(arrival.packet.slots);
  topology_.slots_of(arrival.sender).for_each([&](Slot slot) {
    if (!claimed.has(slot) && topology_.importing_from(slot).is_none()) move_slot(slot, kNoNode);
  });
}

// Compares the slots a header claims with the map: takes what is newer, and tells the sender
// when it is the one behind.
void ClusterNode::Member::learn_claim(const Arrival& arrival, NodeIndex former) {
  drop_old_claim(arrival);
  const Packet& packet = arrival.packet;
  auto& link = links(arrival.sender);
  if (link.claim_stamp == claim_stamp() && link.claim_epoch == packet.config_epoch &&
      link.claim.equals(packet.slots)) {
    return;
  }
  const std::uint64_t stamp = claim_stamp();
  if (topology_.node(arrival.sender).is_primary()) {
    settle_moves(arrival);
    take_claim({arrival.sender, packet.config_epoch, former, arrival.now, stamp}, packet.slots);
  }

  const NodeIndex newer = find_newer_owner(arrival);
  auto& judged = links(arrival.sender);
  if (!newer.is_none()) {
    log(EventLevel::kVerbose, fmt::format("Node {} has old slots configuration, sending an UPDATE message about {}",
                                          packet.sender.view(), topology_.node(newer).id.view()));
    send_update(arrival.sender, newer);
    judged.claim_stamp = 0;  // told again until it has understood
    return;
  }
  if (judged.claim_epoch != packet.config_epoch || !judged.claim.equals(packet.slots)) {
    judged.claim = SlotRuns(packet.slots);
    judged.claim_epoch = packet.config_epoch;
    judged.claim_since = arrival.now.mono;
  }
  // What it has changed may let it take more: a mark is gone.
  judged.claim_stamp = stamp;
}

NodeIndex ClusterNode::Member::find_newer_owner(const Arrival& arrival) const {
  const NodeIndex own_primary = topology_.node(arrival.sender).primary;
  NodeIndex newer = kNoNode;
  SlotBitmap::from_wire(arrival.packet.slots).for_each([&](Slot slot) {
    const NodeIndex owner = topology_.owner(slot);
    if (!newer.is_none() || owner.is_none() || owner == arrival.sender || owner == own_primary) return;
    if (topology_.node(owner).config_epoch > arrival.packet.config_epoch) newer = owner;
  });
  return newer;
}

void ClusterNode::Member::take_claim(const Claim& claim, std::string_view slots) {
  const NodeIndex own_primary = self().is_primary() ? kSelf : self().primary;
  std::vector<Slot> lost_with_keys;
  std::vector<Slot> open_with_keys;
  std::vector<Slot> arrived;
  std::size_t claimed = 0;
  std::size_t taken_from_us = 0;
  SlotBitmap::from_wire(slots).for_each([&](Slot slot) {
    ++claimed;
    const NodeIndex owner = topology_.owner(slot);
    if (owner == claim.claimant) return;
    if (has_arrived_before(claim, slot)) return arrived.push_back(slot);
    if (!is_newer(claim, slot) || (settings_.bugs.ignore_newer_config_epoch && owner == kSelf)) return;
    if (owner == kSelf && keys_.keys_in(slot) > 0) {
      const bool is_open = topology_.migrating_to(slot) == claim.claimant || is_from_former_owner(claim, slot);
      (is_open ? open_with_keys : lost_with_keys).push_back(slot);
    }
    if (owner == kSelf && claim.epoch < self().config_epoch) {
      left_.push_back({slot, topology_.node(claim.claimant).id, claim.now.mono});
    }
    if (!owner.is_none() && owner == own_primary) ++taken_from_us;
    move_slot(slot, claim.claimant);
  });
  claim_arrived(arrived, claim.now);
  const bool lost_some = taken_from_us > 0;
  const bool is_heir = !claim.former.is_none() && claim.former == own_primary && claimed > 0;
  if (lost_some && is_heir) {
    heir_ = {claim.claimant, last_tick_};
    if (own_primary == kSelf && claim.now.mono >= write_lease_end()) leave_all_to_heir();
  }
  if (lost_some && topology_.node(own_primary).slot_count == 0) {
    if (follow_winner(claim.claimant, claimed == taken_from_us, claim.now.mono)) return;
  }
  keep_keys(open_with_keys, claim.claimant);
  if (!follow_above(claim, is_heir) && !lost_with_keys.empty()) outbox_.push(SlotsLost{std::move(lost_with_keys)});
}

// The shard's last slot was lost. `took_ours_alone`: the winner's claim names no others.
bool ClusterNode::Member::follow_winner(NodeIndex winner, bool took_ours_alone, MonoTime now) {
  const NodeIndex heir = find_heir();
  const NodeIndex next = heir.is_none() ? winner : heir;
  if (self().is_primary() && is_handing_over()) {
    on_all_slots_lost_to(next);
    return true;
  }
  if (!settings_.allow_replica_migration && heir.is_none() && !took_ours_alone) return false;
  log(EventLevel::kWarning, fmt::format("Configuration change detected. Reconfiguring myself as a replica of {}",
                                        topology_.node(next).id.view()));
  become_replica_of(next, heir.is_none() ? Successor::kStranger : Successor::kHeir, now);
  return true;
}

// The primary of this replica has become a replica itself. `is_heir`: the claimant was its replica until now.
bool ClusterNode::Member::follow_above(const Claim& claim, bool is_heir) {
  const NodeIndex primary = self().is_replica() ? self().primary : kNoNode;
  const NodeIndex above = primary.is_none() ? kNoNode : topology_.node(primary).primary;
  if (above.is_none() || above == kSelf || !topology_.node(primary).is_replica()) return false;
  log(EventLevel::kNotice,
      fmt::format("I'm a sub-replica! Reconfiguring myself from {} to {}", topology_.node(primary).id.view(),
                  topology_.node(above).id.view()));
  const bool has_place = (is_heir && claim.claimant == above) || find_heir() == above;
  become_replica_of(above, has_place ? Successor::kHeir : Successor::kStranger, claim.now.mono);
  return true;
}

bool ClusterNode::Member::is_newer(const Claim& claim, Slot slot) const {
  const NodeIndex owner = topology_.owner(slot);
  // An importing slot changes hands by the operator's word alone, but for the source's heir.
  const NodeIndex source = topology_.importing_from(slot);
  if (!source.is_none() && source != claim.claimant) return false;
  if (owner.is_none() || topology_.node(owner).config_epoch < claim.epoch) return true;
  if (owner != kSelf) return (self().is_primary() || owner != self().primary) && is_disowned(claim, slot);
  // Our replica, elected in the very epoch we had given ourselves unheard: the votes count for more. Of
  // an epoch of ours that was voted for, a late packet from before must not have it so.
  const bool is_elected =
      claim.former == kSelf && unheard_epoch_ == claim.epoch && self().config_epoch == claim.epoch;
  return is_elected || is_delivered(claim, slot);
}

// Out of touch, this node was replaced. What its heir does not name it was given, or had given away, at the very end:
// alone with that it would stay a primary beside its heir, and bury what clients have written there.
void ClusterNode::Member::leave_all_to_heir() {
  topology_.slots_of(kSelf).for_each([&](Slot slot) { move_slot(slot, kNoNode); });
}

// Its owner, which is up, has not claimed it for a node timeout, nor has the map changed since it last said so: an
// operator has taken the slot away there (DELSLOTS), and given it to one with a lower epoch perhaps. Only those who
// look on learn it in this way. What others say of an owner may be ahead of its own headers, and must not be undone.
bool ClusterNode::Member::is_disowned(const Claim& claim, Slot slot) const {
  const NodeIndex owner = topology_.owner(slot);
  const NodeLinks& told = links(owner);
  const auto is_recent = [&](MonoTime at) {
    return at != MonoTime{} && claim.now.mono - at < settings_.node_timeout;
  };
  if (told.claim_stamp == 0 || told.claim_stamp != claim.stamp) return false;
  if (told.claim_epoch != topology_.node(owner).config_epoch || topology_.node(owner).is_suspected()) return false;
  return !is_recent(told.claim_since) && !is_recent(told.assigned) && !told.claim.has(slot);
}

// Who has just taken our place. It leaves aside what our shard had given away at the end, which this node
// may only hear of afterwards, from the new owner: that one is not whom to follow.
NodeIndex ClusterNode::Member::find_heir() const {
  const bool is_one = !heir_.index.is_none() && topology_.node(heir_.index).is_primary() &&
                      topology_.node(heir_.index).slot_count > 0;
  return is_one && last_tick_ - heir_.since <= 4 * settings_.node_timeout ? heir_.index : kNoNode;
}

void ClusterNode::Member::move_slot(Slot slot, NodeIndex to) {
  if (topology_.owner(slot) == to) return;
  note_slot_owner(slot, to);
  // A slot that left is not leaving any more.
  if (topology_.owner(slot) == kSelf) {
    topology_.set_migrating(slot, kNoNode);
    std::erase_if(taken_, [&](const Moved& moved) { return moved.slot == slot; });
  }
  topology_.set_owner(slot, to);
  if (!to.is_none()) end_hearsay(to);
  save_first();
}

}  // namespace skein
