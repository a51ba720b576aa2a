// Slots on their way, as a shard's replicas know them, and where they go when an end is replaced.
//
// The keys of a slot that is moving are at two nodes, and only the marks of SETSLOT say which of
// them answers for one that is absent here. A replica that takes over without them would make
// absent keys anew, beside those that had moved. So a primary shows its replicas its open slots,
// at once and in each heartbeat; whoever takes its place opens them again. The other end of a
// move follows such a replacement.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "member.h"

namespace skein {

namespace {

// So many of a node's open slots everybody is told of, and keeps.
constexpr std::size_t kShownToAll = 64;

// Slots with the same other end stand together: the wire names it once.
void sort_by_other_end(std::vector<ShownSlot>& open) {
  std::stable_sort(open.begin(), open.end(), [](const ShownSlot& a, const ShownSlot& b) {
    return std::tie(a.arrives, a.other) < std::tie(b.arrives, b.other);
  });
}

}  // namespace

std::vector<ShownSlot> ClusterNode::Member::own_open_slots() const {
  std::vector<ShownSlot> open;
  for (const OpenSlot& slot : topology_.migrating()) open.push_back({slot.slot, false, topology_.node(slot.other).id});
  for (const OpenSlot& slot : topology_.importing()) open.push_back({slot.slot, true, topology_.node(slot.other).id});
  sort_by_other_end(open);
  return open;
}

// What those who are no replicas of ours are shown, for CLUSTER DOCTOR: the first ones will do.
std::vector<ShownSlot> ClusterNode::Member::open_slots_for_all() const {
  if (!settings_.mark_packets) return {};
  auto open = own_open_slots();
  if (open.size() > kShownToAll) open.resize(kShownToAll);
  return open;
}

void ClusterNode::Member::note_open_elsewhere(const Arrival& arrival) {
  if (!arrival.sender_is_settled || !arrival.packet.marked) return;
  std::vector<ShownSlot> open;
  arrival.packet.for_each_open_slot([&](const ShownSlot& shown) {
    if (open.size() < kShownToAll) open.push_back(shown);
  });
  auto& link = links(arrival.sender);
  if (open == link.open_slots) return;
  link.open_slots = std::move(open);
  link.open_since = arrival.now.mono;
}

// A replica of ours that is known to understand it.
bool ClusterNode::Member::shows_open_slots_to(NodeIndex to) const {
  if (to.is_none() || !settings_.mark_packets || settings_.bugs.hide_open_slots) return false;
  return topology_.node(to).primary == kSelf && health_.at(to).marks_packets;
}

// What has changed, at once: the keys that move next must not be ahead of it by much.
void ClusterNode::Member::show_open_slots(Now now) {
  if (own_open_revision_ == topology_.slots_revision()) return;
  own_open_revision_ = topology_.slots_revision();
  auto open = open_slots_to_show();
  if (open == told_open_slots_ && !std::exchange(has_new_replica_, false)) return;
  told_open_slots_ = std::move(open);
  tell_replicas(now);
}

void ClusterNode::Member::tell_replicas(Now now) {
  each_other([&](NodeIndex index) {
    if (!shows_open_slots_to(index) || !links(index).out_is_up) return;
    send_heartbeat(MessageType::kPong, links(index).out, index, {}, {}, now);
  });
}

// Nodes.conf is nearly always being written while slots move one after the other, and marks that waited for it would
// be behind the keys. So replicas are shown the claims that are saved, with the marks that belong to them: a slot whose
// change of hands is not saved yet is still on its way.
std::vector<ShownSlot> ClusterNode::Member::open_slots_to_show() const {
  auto open = own_open_slots();
  if (!shows_saved_claims()) return open;
  const std::size_t current = open.size();
  for (const ShownSlot& shown : told_open_slots_) {
    const bool is_open = std::any_of(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(current),
                                     [&](const ShownSlot& slot) { return slot.slot == shown.slot; });
    const bool is_ours = topology_.owner(shown.slot) == kSelf;
    if (!is_open && saved_claims_->slots.has(shown.slot) != is_ours) open.push_back(shown);
  }
  if (open.size() != current) sort_by_other_end(open);
  return open;
}

ClusterNode::Member::Claims ClusterNode::Member::own_claims() const {
  if (!self().is_primary()) return {};
  return {true, voter_.current_epoch, self().config_epoch, topology_.slots_of(kSelf)};
}

bool ClusterNode::Member::shows_saved_claims() const {
  return outbox_.has_barrier() && self().is_primary() && saved_claims_ && saved_claims_->is_primary;
}

void ClusterNode::Member::on_claims_saved(Now now) {
  const bool is_news = !saved_claims_ || *saved_claims_ != claims_under_way_;
  saved_claims_ = std::exchange(claims_under_way_, {});
  if (!is_news || !saved_claims_->is_primary) return;
  told_open_slots_ = open_slots_to_show();
  tell_replicas(now);
}

// By the primary's own link alone: its answers come by another one, and the two may overtake each
// other. Of two connections, one of them half dead, the later one counts.
void ClusterNode::Member::learn_open_slots(const Arrival& arrival) {
  const LinkId link = arrival.origin.link;
  if (!self().is_replica() || self().primary != arrival.sender) return;
  // Another implementation shows none, whatever the one before it did.
  if (!arrival.packet.marked) return forget_shown_slots();
  if (!link.is_inbound() || link < shown_by_) return;
  shown_by_ = link;
  shown_slots_.clear();
  arrival.packet.for_each_open_slot([&](const ShownSlot& shown) { shown_slots_.push_back(shown); });
  drop_given_slots(arrival);
}

// What our primary has given away it does not claim any more, although its epoch is the same: who has it now
// may not have said so yet, and an heir must not claim it back.
void ClusterNode::Member::drop_given_slots(const Arrival& arrival) {
  const Node& primary = topology_.node(arrival.sender);
  if (!primary.is_primary() || primary.has_failed() || arrival.packet.config_epoch != primary.config_epoch) return;
  const SlotBitmap claimed = SlotBitmap::from_wire(arrival.packet.slots);
  const SlotBitmap given = given_slots_;
  given.for_each([&](Slot slot) {
    if (claimed.has(slot)) given_slots_.reset(slot);
  });
  if (claimed.count() >= primary.slot_count) return;
  topology_.slots_of(arrival.sender).for_each([&](Slot slot) {
    if (claimed.has(slot)) return;
    move_slot(slot, kNoNode);
    given_slots_.set(slot);
  });
}

// These were on their way to or from their new owner, and their keys may be here alone. redis-cli --cluster fix, which
// makes the node with the most keys the owner first, moves them there.
void ClusterNode::Member::keep_keys(std::span<const Slot> slots, NodeIndex owner) {
  for (const Slot slot : slots) {
    note_slot("kKeysKept", slot, owner, kSelf);
    topology_.set_importing(slot, owner);
  }
}

// The slot was leaving for the claimant when this node took its primary's place, perhaps in the very epoch that
// SETSLOT NODE gave the claimant meanwhile: the keys are there, and no epoch brings them back.
bool ClusterNode::Member::is_delivered(const Claim& claim, Slot slot) const {
  return topology_.migrating_to(slot) == claim.claimant && replaced_ && replaced_->epoch < claim.epoch;
}

// SETSLOT NODE has given this node the slot, and its former owner, or the heir of that one, claims it with a newer epoch
// because neither has heard of it: all keys are here.
bool ClusterNode::Member::is_from_former_owner(const Claim& claim, Slot slot) const {
  const auto is = [&](NodeIndex index, const NodeId& id) { return !index.is_none() && topology_.node(index).id == id; };
  return std::any_of(taken_.begin(), taken_.end(), [&](const Moved& moved) {
    return moved.slot == slot && (is(claim.claimant, moved.other) || is(claim.former, moved.other));
  });
}

// By a primary's own header: of what moved from it here it knows; and what was left to it as delivered, but it has just
// lost to our claim, is moving on.
void ClusterNode::Member::settle_moves(const Arrival& arrival) {
  if (taken_.empty() && left_.empty()) return;
  const SlotBitmap claimed = SlotBitmap::from_wire(arrival.packet.slots);
  const NodeId& sender = topology_.node(arrival.sender).id;
  std::erase_if(taken_, [&](const Moved& moved) { return moved.other == sender && !claimed.has(moved.slot); });
  std::erase_if(left_, [&](const Moved& moved) {
    if (arrival.now.mono - moved.at > settings_.node_timeout) return true;
    if (moved.other != sender || claimed.has(moved.slot)) return false;
    if (topology_.owner(moved.slot) == arrival.sender && self().is_primary()) {
      move_slot(moved.slot, kSelf);
      reopen(moved.slot, false, arrival.sender);
    }
    return true;
  });
}

// The primary that this node has replaced claims a slot that is still arriving here: it had been given it, and was
// replaced before it could tell of it. The keys are here, and so is what clients have written since.
bool ClusterNode::Member::has_arrived_before(const Claim& claim, Slot slot) const {
  const NodeIndex source = topology_.importing_from(slot);
  if (source.is_none() || source == claim.claimant || !self().is_primary() || !replaced_) return false;
  const NodeIndex owner = topology_.owner(slot);
  return topology_.node(claim.claimant).id == replaced_->id && claim.epoch <= self().config_epoch &&
         (owner.is_none() || topology_.node(owner).config_epoch < claim.epoch);
}

// The sender has become a replica with slots that its heir does not claim: it may have told everybody of them but the heir.
void ClusterNode::Member::tell_heir_of_slots(const Arrival& arrival) {
  const NodeIndex heir = topology_.find(arrival.packet.replica_of);
  if (heir.is_none() || heir == kSelf || !health_.at(heir).marks_packets) return;
  send_update(heir, arrival.sender);
}

// Its claims are below ours, and it has nothing any more: of what it had, only those slots matter that arrive here.
bool ClusterNode::Member::is_about_predecessor(NodeIndex about, Epoch epoch) const {
  const Node& node = topology_.node(about);
  return self().is_primary() && replaced_ && replaced_->id == node.id && node.slot_count == 0 && epoch <= self().config_epoch;
}

// Their source says so itself, and does not claim them any more: the others have heard what this node has not.
std::vector<Slot> ClusterNode::Member::lost_to_predecessor(const Arrival& arrival, const UpdateBody& body) const {
  const SlotBitmap told = SlotBitmap::from_wire(body.slots);
  const SlotBitmap kept = SlotBitmap::from_wire(arrival.packet.slots);
  std::vector<Slot> lost;
  for (const OpenSlot& open : topology_.importing()) {
    if (open.other == arrival.sender && told.has(open.slot) && !kept.has(open.slot)) lost.push_back(open.slot);
  }
  return lost;
}

void ClusterNode::Member::claim_arrived(std::span<const Slot> slots, Now now) {
  if (slots.empty()) return;
  slot_verdict_ = "kArrivedBefore";
  for (const Slot slot : slots) {
    move_slot(slot, kSelf);
    topology_.set_importing(slot, kNoNode);
  }
  slot_verdict_ = {};
  broadcast_pong(now);
}

// A voter's word of what our failed primary owned: of slots that were arriving there nobody's claim is
// known yet, and what the operator gave it at last, it may have told nobody else.
void ClusterNode::Member::take_arrived_slots(std::string_view slots) {
  const SlotBitmap told = SlotBitmap::from_wire(slots);
  for (const ShownSlot& shown : shown_slots_) {
    if (shown.arrives && told.has(shown.slot)) move_slot(shown.slot, self().primary);
  }
}

void ClusterNode::Member::open_inherited_slots(std::span<const ShownSlot> shown) {
  for (const ShownSlot& open : shown) {
    NodeIndex other = topology_.find(open.other);
    if (!other.is_none() && topology_.node(other).is_replica()) other = topology_.node(other).primary;
    if (other.is_none() || other == kSelf) continue;
    const bool is_ours = topology_.owner(open.slot) == kSelf;
    if (open.arrives == is_ours) continue;  // it has arrived, or gone, meanwhile
    reopen(open.slot, open.arrives, other);
  }
}

void ClusterNode::Member::reopen(Slot slot, bool arrives, NodeIndex other) {
  if (arrives) {
    note_slot("kStillImporting", slot, other, kSelf);
    topology_.set_importing(slot, other);
  } else {
    note_slot("kStillMigrating", slot, kSelf, other);
    topology_.set_migrating(slot, other);
  }
  save_lazily();
}

// `heir` followed `former` and has just shown itself a primary: in its place, if that one has
// failed or has no slots any more, and the heir's claim is the newer one.
void ClusterNode::Member::note_heir(NodeIndex former, NodeIndex heir, MonoTime now) {
  if (former.is_none() || !topology_.contains(former) || !topology_.node(heir).is_primary()) return;
  const Node& before = topology_.node(former);
  if (before.config_epoch >= topology_.node(heir).config_epoch) return;
  // Without slots to lose nothing else tells this node so.
  if (former == kSelf && has_only_arriving_slots() && may_have_been_replaced(now)) {
    log(EventLevel::kWarning, fmt::format("Configuration change detected. Reconfiguring myself as a replica of {}",
                                          topology_.node(heir).id.view()));
    return become_replica_of(heir, Successor::kHeir, now);
  }
  if (before.has_failed() || before.slot_count == 0) redirect_open_slots(former, heir);
}

// A new primary that is being given its first slots: what has arrived is with it and its replicas alone.
bool ClusterNode::Member::has_only_arriving_slots() const {
  return self().is_primary() && self().slot_count == 0 && !topology_.importing().empty();
}

// A replica that an operator made a primary of its own (CLUSTER RESET) is no successor: it was not
// out of touch that this node found it so.
bool ClusterNode::Member::may_have_been_replaced(MonoTime now) const {
  const auto is_recent = [&](MonoTime at) { return at != MonoTime{} && now - at <= 4 * settings_.node_timeout; };
  return is_holding_back() || is_recent(restarted_) || is_recent(stood_still_at_) || is_recent(minority_at_);
}

void ClusterNode::Member::redirect_open_slots(NodeIndex from, NodeIndex to) {
  if (to == kSelf || settings_.bugs.hide_open_slots) return;
  const NodeId& id = topology_.node(to).id;
  for (ShownSlot& shown : shown_slots_) {
    if (shown.other == topology_.node(from).id) shown.other = id;
  }
  for (const ShownSlot& open : own_open_slots()) {
    if (open.other == topology_.node(from).id) reopen(open.slot, open.arrives, to);
  }
}

}  // namespace skein
