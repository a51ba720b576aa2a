#include <skein/cluster/topology/topology.h>

#include <algorithm>

#include <skein/base/assert.h>

namespace skein {

namespace {

// What an edit may write to: the object itself while nobody else holds it, else a copy.
template <typename T>
T& writable_copy(std::shared_ptr<T>& shared) {
  if (shared.use_count() != 1) shared = std::make_shared<T>(*shared);
  return *shared;
}

std::vector<OpenSlot>::const_iterator find_open(const std::vector<OpenSlot>& open, Slot slot) {
  return std::lower_bound(open.begin(), open.end(), slot, [](const OpenSlot& a, Slot b) { return a.slot < b; });
}

NodeIndex other_side(const std::vector<OpenSlot>& open, Slot slot) {
  const auto at = find_open(open, slot);
  return at != open.end() && at->slot == slot ? at->other : kNoNode;
}

void set_open(std::shared_ptr<std::vector<OpenSlot>>& shared, Slot slot, NodeIndex other) {
  if (other_side(*shared, slot) == other) return;
  auto& open = writable_copy(shared);
  const auto at = open.begin() + (find_open(open, slot) - open.begin());
  const bool found = at != open.end() && at->slot == slot;
  if (other.is_none()) {
    open.erase(at);
  } else if (found) {
    at->other = other;
  } else {
    open.insert(at, OpenSlot{slot, other});
  }
}

Census census_of(const Node& node) {
  const bool reachable = !node.has_failed() && !node.is_suspected();
  return {.voters = node.is_voter() ? 1u : 0u,
          .reachable_voters = node.is_voter() && reachable ? 1u : 0u,
          .suspected = node.is_suspected() ? 1u : 0u,
          .failed_owners = node.has_failed() && node.slot_count > 0 ? 1u : 0u,
          .assigned_slots = node.slot_count};
}

}  // namespace

Topology::Topology(Node self)
    : nodes_(std::make_shared<NodeTable>()),
      migrating_(std::make_shared<std::vector<OpenSlot>>()),
      importing_(std::make_shared<std::vector<OpenSlot>>()) {
  // One empty page stands for all of them until slots are given out.
  const auto empty = std::make_shared<SlotPage>();
  slot_pages_.fill(empty);
  const auto index = add(std::move(self));
  SKEIN_ASSERT(index == kSelf);
}

NodeIndex Topology::find(const NodeId& id) const {
  const auto& table = *nodes_;
  const std::size_t mask = table.by_id.size() - 1;
  for (std::size_t at = std::hash<NodeId>{}(id) & mask;; at = (at + 1) & mask) {
    const NodeIndex index = table.by_id[at];
    if (index.is_none()) return kNoNode;
    if (table.entries[index.value]->id == id) return index;
  }
}

std::vector<NodeIndex> Topology::replicas_of(NodeIndex primary) const {
  std::vector<NodeIndex> replicas;
  for_each_node([&](NodeIndex index, const Node& node) {
    if (node.is_replica() && node.primary == primary) replicas.push_back(index);
  });
  return replicas;
}

template <typename Visit>
void Topology::for_each_slot_of(NodeIndex index, Visit&& visit) const {
  std::size_t left = node(index).slot_count;
  for (std::size_t p = 0; left > 0 && p < slot_pages_.size(); ++p) {
    const auto& owners = slot_pages_[p]->owners;
    // A page is counted far faster than it is searched, and most have none.
    auto in_page = static_cast<std::size_t>(std::count(owners.begin(), owners.end(), index));
    left -= in_page;
    for (std::size_t i = 0; in_page > 0; ++i) {
      if (owners[i] != index) continue;
      --in_page;
      visit(Slot{static_cast<std::uint16_t>(p * kPageSlots + i)});
    }
  }
}

SlotBitmap Topology::slots_of(NodeIndex index) const {
  SlotBitmap slots;
  for_each_slot_of(index, [&](Slot slot) { slots.set(slot); });
  return slots;
}

std::vector<std::pair<Slot, Slot>> Topology::slot_ranges_of(NodeIndex index) const {
  std::vector<std::pair<Slot, Slot>> ranges;
  for_each_slot_of(index, [&](Slot slot) {
    if (!ranges.empty() && ranges.back().second.value + 1 == slot.value) {
      ranges.back().second = slot;
    } else {
      ranges.emplace_back(slot, slot);
    }
  });
  return ranges;
}

NodeIndex Topology::migrating_to(Slot slot) const { return other_side(*migrating_, slot); }
NodeIndex Topology::importing_from(Slot slot) const { return other_side(*importing_, slot); }

std::optional<NodeIndex> Topology::add(Node node) {
  SKEIN_ASSERT(nodes_->by_id.empty() || find(node.id).is_none());
  if (nodes_->count >= kMaxNodes) return std::nullopt;
  node.slot_count = 0;
  auto& table = writable_table();
  const auto free = table.count == table.entries.size()
                        ? table.entries.end()
                        : std::find(table.entries.begin(), table.entries.end(), std::nullopt);
  const NodeIndex index{static_cast<std::uint16_t>(free - table.entries.begin())};
  if (free == table.entries.end()) {
    table.entries.emplace_back(std::move(node));
  } else {
    *free = std::move(node);
  }
  ++table.count;
  count_in(*table.entries[index.value], false);
  if (table.by_id.size() < table.count * 2) {
    index_table(table);
  } else {
    enter_by_id(table, index);
  }
  return index;
}

void Topology::remove(NodeIndex index) {
  SKEIN_ASSERT(index != kSelf);
  SKEIN_ASSERT(contains(index));
  if (node(index).slot_count > 0) slots_of(index).for_each([&](Slot slot) { set_owner(slot, kNoNode); });
  for (auto* open : {&migrating_, &importing_}) {
    const auto concerns = [&](const OpenSlot& entry) { return entry.other == index; };
    if (std::none_of((*open)->begin(), (*open)->end(), concerns)) continue;
    std::erase_if(writable_copy(*open), concerns);
    ++slots_revision_;
  }
  auto& table = writable_table();
  for (auto& entry : table.entries) {
    if (entry && entry->primary == index) entry->primary = kNoNode;
  }
  count_out(*table.entries[index.value]);
  table.entries[index.value].reset();
  --table.count;
  index_table(table);
}

void Topology::rename(NodeIndex index, const NodeId& id) {
  if (node(index).id == id) return;
  SKEIN_ASSERT(find(id).is_none());
  auto& table = writable_table();
  table.entries[index.value]->id = id;
  index_table(table);
}

void Topology::set_owner(Slot slot, NodeIndex index) {
  const NodeIndex before = owner(slot);
  if (before == index) return;
  if (!before.is_none()) edit(before, [](Node& node) { --node.slot_count; });
  if (!index.is_none()) edit(index, [](Node& node) { ++node.slot_count; });
  writable_page(slot).owners[slot.value % kPageSlots] = index;
  ++slots_revision_;
}

void Topology::set_migrating(Slot slot, NodeIndex to) {
  set_open(migrating_, slot, to);
  ++revision_;
  ++slots_revision_;
}

void Topology::set_importing(Slot slot, NodeIndex from) {
  set_open(importing_, slot, from);
  ++revision_;
  ++slots_revision_;
}

Node& Topology::writable(NodeIndex index) {
  SKEIN_ASSERT(contains(index));
  return *writable_table().entries[index.value];
}

bool Topology::count_out(const Node& node) {
  const Census one = census_of(node);
  census_.voters -= one.voters;
  census_.reachable_voters -= one.reachable_voters;
  census_.suspected -= one.suspected;
  census_.failed_owners -= one.failed_owners;
  census_.assigned_slots -= one.assigned_slots;
  return one.voters != 0;
}

void Topology::count_in(const Node& node, bool voted) {
  const Census one = census_of(node);
  census_.voters += one.voters;
  census_.reachable_voters += one.reachable_voters;
  census_.suspected += one.suspected;
  census_.failed_owners += one.failed_owners;
  census_.assigned_slots += one.assigned_slots;
  if (voted != node.is_voter()) ++voters_revision_;
}

Topology::NodeTable& Topology::writable_table() {
  ++revision_;
  return writable_copy(nodes_);
}

Topology::SlotPage& Topology::writable_page(Slot slot) {
  return writable_copy(slot_pages_[slot.value / kPageSlots]);
}

void Topology::index_table(NodeTable& table) {
  std::size_t size = 8;
  while (size < table.count * 2) size *= 2;
  table.by_id.assign(size, kNoNode);
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    if (table.entries[i]) enter_by_id(table, NodeIndex{static_cast<std::uint16_t>(i)});
  }
}

void Topology::enter_by_id(NodeTable& table, NodeIndex index) {
  const std::size_t mask = table.by_id.size() - 1;
  std::size_t at = std::hash<NodeId>{}(table.entries[index.value]->id) & mask;
  while (!table.by_id[at].is_none()) at = (at + 1) & mask;
  table.by_id[at] = index;
}

std::string_view preferred_endpoint(const Node& node, EndpointType type) {
  switch (type) {
    case EndpointType::kIp: return node.address.ip;
    case EndpointType::kHostname: return node.hostname.empty() ? std::string_view("?") : node.hostname;
    case EndpointType::kUnknownEndpoint: return "";
  }
  return "";
}

std::uint16_t client_port(const Node& node, bool client_uses_tls) {
  return !client_uses_tls && node.address.plain_port != 0 ? node.address.plain_port : node.address.port;
}

}  // namespace skein
