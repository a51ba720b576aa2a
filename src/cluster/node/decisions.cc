// What operators are told of decisions: a log line each, and CLUSTER DOCTOR.
//
// Decisions are made elsewhere. Slots that change hands are gathered while an input is
// handled and told when it is settled, a line for each way they went.
#include <fmt/format.h>

#include <algorithm>

#include <skein/cluster/node/doctor.h>

#include "member.h"

namespace skein {

namespace {

constexpr std::size_t kKeptDecisions = 32;
// A slot's move is several decisions in turn, and the next slot's are the same ones again.
constexpr std::size_t kMergedWithin = 4;
constexpr std::size_t kKeptSightings = 8;
constexpr seconds kAddressMemory{300};
constexpr seconds kAddressPause{1};

std::string address_text(const NodeAddress& address) {
  return address.is_known() ? fmt::format("{}:{}", address.ip, address.port) : "address unknown";
}

}  // namespace

void ClusterNode::Member::decide(EventLevel level, std::string_view verdict, std::string text, Now now) {
  if (decisions_.size() >= kKeptDecisions) decisions_.pop_front();
  decisions_.push_back({now.wall, std::string(verdict), text, nullptr});
  log(level, fmt::format("{} [{}]", text, verdict));
}

void ClusterNode::Member::note_slot(std::string_view verdict, Slot slot, NodeIndex from, NodeIndex to) {
  if (!slot_verdict_.empty()) verdict = slot_verdict_;
  const auto id = [&](NodeIndex index) { return index.is_none() ? NodeId{} : topology_.node(index).id; };
  const auto epoch = [&](NodeIndex index) { return index.is_none() ? Epoch{} : topology_.node(index).config_epoch; };
  SlotChange change{verdict, id(from), id(to), epoch(from), epoch(to)};
  auto at = std::find_if(slot_changes_.rbegin(), slot_changes_.rend(),
                         [&](const SlotChange& other) { return other.is_alike(change); });
  if (at == slot_changes_.rend()) {
    change.own = is_own_shard(from) || is_own_shard(to);
    slot_changes_.push_back(std::move(change));
    at = slot_changes_.rbegin();
  }
  at->slots.set(slot);
  if (from == kSelf && to != kSelf) at->keys += keys_.keys_in(slot);
}

bool ClusterNode::Member::is_own_shard(NodeIndex index) const {
  return !index.is_none() && (index == kSelf || (self().is_replica() && self().primary == index));
}

void ClusterNode::Member::note_slot_owner(Slot slot, NodeIndex to) {
  const NodeIndex from = topology_.owner(slot);
  std::string_view verdict = "kGivenUp";
  if (!to.is_none()) verdict = from.is_none() ? "kUnclaimed" : "kNewerClaim";
  note_slot(verdict, slot, from, to);
}

// However that came about: SETSLOT STABLE, redis-cli --cluster fix, a claim, another role. A slot that has become this
// node's, or another's, is told as that.
void ClusterNode::Member::note_closed_slots() {
  if (known_open_revision_ == topology_.slots_revision()) return;
  const bool is_first = known_open_revision_ == 0;
  known_open_revision_ = topology_.slots_revision();
  auto open = own_open_slots();
  if (open == known_open_) return;
  const auto before = std::exchange(known_open_, std::move(open));
  if (is_first) return;
  SlotBitmap still[2];
  for (const ShownSlot& slot : known_open_) still[slot.arrives ? 1 : 0].set(slot.slot);
  slot_verdict_ = {};
  for (const ShownSlot& slot : before) {
    if (still[slot.arrives ? 1 : 0].has(slot.slot)) continue;
    const bool is_told = std::any_of(slot_changes_.begin(), slot_changes_.end(),
                                     [&](const SlotChange& change) { return change.own && change.slots.has(slot.slot); });
    if (is_told) continue;
    const NodeIndex other = topology_.find(slot.other);
    slot.arrives ? note_slot("kStable", slot.slot, other, kSelf) : note_slot("kStable", slot.slot, kSelf, other);
  }
}

// One line for each way that slots went; moves of the same kind are one decision in CLUSTER DOCTOR.
void ClusterNode::Member::tell_decisions(Now now) {
  for (auto& [verdict, text] : std::exchange(untold_, {})) decide(EventLevel::kWarning, verdict, std::move(text), now);
  note_closed_slots();
  slot_verdict_ = {};
  for (const SlotChange& change : std::exchange(slot_changes_, {})) {
    // Changes among others are for those who look closely.
    if (!change.own) {
      log(EventLevel::kVerbose, fmt::format("{} [{}]", describe(change, change.slots), change.verdict));
      continue;
    }
    slot_news_.add(change);
    auto told = std::make_unique<SlotChange>(change);
    const auto last = decisions_.size() - std::min(decisions_.size(), kMergedWithin);
    for (std::size_t i = decisions_.size(); i > last; --i) {
      const SlotChange* before = decisions_[i - 1].slots.get();
      if (before == nullptr || !before->is_alike(change)) continue;
      before->slots.for_each([&](Slot slot) { told->slots.set(slot); });
      told->keys += before->keys;
      decisions_.erase(decisions_.begin() + static_cast<std::ptrdiff_t>(i - 1));
      break;
    }
    if (decisions_.size() >= kKeptDecisions) decisions_.pop_front();
    std::string text = describe(*told, told->slots);
    decisions_.push_back({now.wall, std::string(change.verdict), std::move(text), std::move(told)});
  }
  for (const SlotChange& due : slot_news_.take_due(now.mono)) {
    log(EventLevel::kNotice, fmt::format("{} [{}]", describe(due, due.slots), due.verdict));
  }
}

std::string ClusterNode::Member::describe(const SlotChange& change, const SlotBitmap& slots) const {
  const auto name = [&](const NodeId& id) {
    if (id.is_none()) return std::string("nobody");
    const NodeIndex index = topology_.find(id);
    if (index == kSelf) return fmt::format("this node");
    return index.is_none() ? id.str() : fmt::format("{} ({})", id.view(), address_text(topology_.node(index).address));
  };
  const bool one = slots.count() == 1;
  const std::string head = fmt::format("{} {}", one ? "slot" : "slots", describe_slots(slots));
  const std::string_view is = one ? "is" : "are";
  if (change.verdict == "kMigrating") return fmt::format("{} {} leaving for {}", head, is, name(change.to));
  if (change.verdict == "kImporting") return fmt::format("{} {} arriving from {}", head, is, name(change.from));
  if (change.verdict == "kStillMigrating") return fmt::format("{} {} still leaving for {}", head, is, name(change.to));
  if (change.verdict == "kStillImporting") return fmt::format("{} {} still arriving from {}", head, is, name(change.from));
  if (change.verdict == "kKeysKept") {
    return fmt::format("{}: the keys that have not left for {} are kept, and {} open", head, name(change.from),
                       one ? "it stays" : "they stay");
  }
  if (change.verdict == "kStable") {
    const bool arrived = change.to == self().id;
    return fmt::format("{} {} not {} {} any more", head, is, arrived ? "arriving from" : "leaving for",
                       name(arrived ? change.from : change.to));
  }
  std::string text = fmt::format("{} now {} to {}, before to {}", head, one ? "belongs" : "belong", name(change.to),
                                 name(change.from));
  if (change.verdict == "kNewerClaim") {
    text += fmt::format(" (config epoch {} over {})", change.to_epoch.value, change.from_epoch.value);
  }
  if (change.keys > 0) text += fmt::format("; {} keys were in them", change.keys);
  return text;
}

// For places that do not know the time of day: told when the input is settled.
void ClusterNode::Member::decide_soon(std::string_view verdict, std::string text) {
  untold_.emplace_back(verdict, std::move(text));
}

void ClusterNode::Member::note_lost_handshake(NodeIndex index, MonoTime now) {
  const NodeAddress& address = topology_.node(index).address;
  const bool connected = links(index).out_is_up;
  const auto same = [&](const LostHandshake& lost) {
    return lost.address.ip == address.ip && lost.address.bus_port == address.bus_port;
  };
  const bool by_stranger = places_.has(index);
  // Whoever repeats MEET is told once.
  if (std::erase_if(lost_handshakes_, same) == 0) {
    auto text = fmt::format("Handshake with {} ended: {} its bus port {}", address_text(address),
                            connected ? "no answer came from" : "no connection came up to", address.bus_port);
    if (!by_stranger) {
      decide_soon(connected ? "kNoAnswer" : "kNoConnection", std::move(text));
    } else if (lost_meet_pace_.next(now)) {
      log(EventLevel::kNotice, text + "; it was begun from there");
    }
  }
  // What strangers begin does not push out what operators have.
  if (lost_handshakes_.size() >= kKeptSightings) {
    const auto oldest = std::find_if(lost_handshakes_.begin(), lost_handshakes_.end(),
                                     [&](const LostHandshake& lost) { return !by_stranger || lost.by_stranger; });
    if (oldest == lost_handshakes_.end()) return;
    lost_handshakes_.erase(oldest);
  }
  lost_handshakes_.push_back({address, connected, now, by_stranger});
}

void ClusterNode::Member::note_twin(const NodeId& id, std::string one, std::string other, MonoTime now) {
  if (std::erase_if(twins_, [&](const TwinSighting& twin) { return twin.id == id; }) == 0) {
    decide_soon("kDuplicateId", fmt::format("Two nodes answer as {}: {} and {}", id.view(), one, other));
  }
  if (twins_.size() >= kKeptSightings) twins_.erase(twins_.begin());
  twins_.push_back({id, std::move(one), std::move(other), now});
}

// A packet in this node's own name. Its own ones come back when it is told to meet itself.
void ClusterNode::Member::note_own_name(const Arrival& arrival) {
  const PacketOrigin& origin = arrival.origin;
  const bool own_place = origin.remote_ip == origin.local_ip || origin.remote_ip == self().address.ip;
  if (own_place && arrival.packet.bus_port == self().address.bus_port) return;
  note_twin(self().id, address_text(self().address), fmt::format("{}:{}", origin.remote_ip, arrival.packet.port),
            arrival.now.mono);
}

// A node that goes to and fro between two addresses is two nodes. False when it is too early to
// follow it back: each change makes the one that is left speak up, as fast as the network goes.
bool ClusterNode::Member::note_address(NodeIndex index, const NodeAddress& next, MonoTime now) {
  const Node& node = topology_.node(index);
  if (node.address.ip.empty()) return true;
  std::erase_if(left_addresses_, [&](const LeftAddress& left) { return now - left.at > kAddressMemory; });
  const auto was_left = [&](const NodeAddress& address) {
    return std::any_of(left_addresses_.begin(), left_addresses_.end(),
                       [&](const LeftAddress& left) { return left.id == node.id && left.address == address; });
  };
  const bool just_left = std::any_of(left_addresses_.begin(), left_addresses_.end(), [&](const LeftAddress& left) {
    return left.id == node.id && left.address == next && now - left.at < kAddressPause;
  });
  if (just_left) return false;
  if (was_left(next) && was_left(node.address)) note_twin(node.id, address_text(node.address), address_text(next), now);
  if (left_addresses_.size() >= kKeptSightings) left_addresses_.erase(left_addresses_.begin());
  left_addresses_.push_back({node.id, node.address, now});
  return true;
}

// Its slots have no owner then.
void ClusterNode::Member::note_removal(NodeIndex index) {
  topology_.slots_of(index).for_each([&](Slot slot) { note_slot("kForgotten", slot, index, kNoNode); });
}

}  // namespace skein
