// The operator's commands, with redis's refusals.
#include <fmt/format.h>

#include <algorithm>

#include <skein/base/text.h>
#include <skein/cluster/failover/epochs.h>

#include "member.h"

namespace skein {

namespace {

template <typename... Parts>
Error refusal(fmt::format_string<Parts...> text, Parts&&... parts) {
  return Error("ERR " + fmt::format(text, std::forward<Parts>(parts)...));
}

Result<Slot> parse_slot(std::string_view text) {
  const auto number = parse_int64(text);
  if (!number || *number < 0 || *number >= kSlotCount) return refusal("Invalid or out of range slot");
  return Slot{static_cast<std::uint16_t>(*number)};
}

bool is_port(std::int64_t number) { return number > 0 && number <= 65535; }

Error bad_set_slot() {
  return refusal("Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
}

}  // namespace

Result<void> ClusterNode::Member::meet(Args args, Now now) {
  const auto port = parse_int64(args[1]);
  if (!port) return refusal("Invalid TCP base port specified: {}", args[1]);
  // Any number may come: one that is no port must not be added to.
  std::int64_t bus_port = is_port(*port) ? *port + kBusPortAbove : 0;
  if (args.size() > 2) {
    const auto given = parse_int64(args[2]);
    if (!given) return refusal("Invalid TCP bus port specified: {}", args[2]);
    bus_port = *given;
  }
  if (!is_ip_address(args[0]) || !is_port(*port) || !is_port(bus_port)) {
    return refusal("Invalid node address specified: {}:{}", args[0], args[1]);
  }
  Node node;
  node.address = {std::string(args[0]), static_cast<std::uint16_t>(*port), 0, static_cast<std::uint16_t>(bus_port)};
  if (is_handshake_under_way(node.address)) return {};
  node.id = *NodeId::parse(random_.hex(NodeId::kSize));
  node.flags = NodeFlag::kHandshake | NodeFlag::kMeet;
  if (const auto index = add_node(std::move(node), now.mono)) open_link(*index, now.mono);
  return {};
}

Result<void> ClusterNode::Member::check_slot_edit(SlotEdit edit, Slot first, Slot last, SlotBitmap& seen) const {
  // Redis lets a replica own slots in its own view, which nobody else ever sees.
  if (edit == SlotEdit::kAdd && self().is_replica() && topology_.owner(first).is_none()) {
    return refusal("Slots can only be added to masters");
  }
  for (std::uint16_t s = first.value; s <= last.value; ++s) {
    const bool owned = !topology_.owner({s}).is_none();
    if (edit == SlotEdit::kDelete && !owned) return refusal("Slot {} is already unassigned", s);
    if (edit == SlotEdit::kAdd && owned) return refusal("Slot {} is already busy", s);
    if (seen.has({s})) return refusal("Slot {} specified multiple times", s);
    seen.set({s});
  }
  return {};
}

void ClusterNode::Member::apply_slot_edit(SlotEdit edit, const SlotBitmap& slots) {
  slot_verdict_ = edit == SlotEdit::kAdd ? "kAddedByOperator" : "kDeletedByOperator";
  slots.for_each([&](Slot slot) {
    if (!topology_.importing_from(slot).is_none()) topology_.set_importing(slot, kNoNode);
    move_slot(slot, edit == SlotEdit::kAdd ? kSelf : kNoNode);
  });
}

Result<void> ClusterNode::Member::edit_slots(SlotEdit edit, Args texts) {
  std::vector<Slot> slots;
  for (const auto text : texts) {
    const auto slot = parse_slot(text);
    if (!slot) return slot.error();
    slots.push_back(*slot);
  }
  SlotBitmap seen;
  for (const Slot slot : slots) {
    if (auto checked = check_slot_edit(edit, slot, slot, seen); !checked) return checked;
  }
  apply_slot_edit(edit, seen);
  return {};
}

Result<void> ClusterNode::Member::edit_slot_ranges(SlotEdit edit, Args pairs) {
  SlotBitmap seen;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const auto first = parse_slot(pairs[i]);
    if (!first) return first.error();
    const auto last = parse_slot(pairs[i + 1]);
    if (!last) return last.error();
    if (*last < *first) {
      return refusal("start slot number {} is greater than end slot number {}", first->value, last->value);
    }
    if (auto checked = check_slot_edit(edit, *first, *last, seen); !checked) return checked;
  }
  apply_slot_edit(edit, seen);
  return {};
}

Result<void> ClusterNode::Member::flush_slots() {
  if (keys_.total_keys() > 0) return refusal("DB must be empty to perform CLUSTER FLUSHSLOTS.");
  slot_verdict_ = "kDeletedByOperator";
  topology_.slots_of(kSelf).for_each([&](Slot slot) { move_slot(slot, kNoNode); });
  return {};
}

Result<NodeIndex> ClusterNode::Member::find_named(std::string_view text, std::string_view unknown) const {
  const auto id = NodeId::parse(text);
  const NodeIndex index = id ? topology_.find(*id) : kNoNode;
  if (index.is_none()) return Error(fmt::format("ERR {} {}", unknown, text));
  return index;
}

Result<void> ClusterNode::Member::set_slot(Args args, Now now) {
  if (self().is_replica()) return refusal("Please use SETSLOT only with masters.");
  const auto slot = parse_slot(args[0]);
  if (!slot) return slot.error();
  const auto action = args[1];
  if (equals_ignore_case(action, "migrating") && args.size() == 3) return set_slot_migrating(*slot, args[2]);
  if (equals_ignore_case(action, "importing") && args.size() == 3) return set_slot_importing(*slot, args[2]);
  if (equals_ignore_case(action, "node") && args.size() == 3) return set_slot_node(*slot, args[2], now);
  if (!equals_ignore_case(action, "stable") || args.size() != 2) return bad_set_slot();
  topology_.set_migrating(*slot, kNoNode);
  topology_.set_importing(*slot, kNoNode);
  save_lazily();
  return {};
}

Result<void> ClusterNode::Member::set_slot_migrating(Slot slot, std::string_view id) {
  if (topology_.owner(slot) != kSelf) return refusal("I'm not the owner of hash slot {}", slot.value);
  const auto to = find_named(id, "I don't know about node");
  if (!to) return to.error();
  if (!topology_.node(*to).is_primary()) return refusal("Target node is not a master");
  end_hearsay(*to);
  note_slot("kMigrating", slot, kSelf, *to);
  topology_.set_migrating(slot, *to);
  save_lazily();
  return {};
}

Result<void> ClusterNode::Member::set_slot_importing(Slot slot, std::string_view id) {
  if (topology_.owner(slot) == kSelf) return refusal("I'm already the owner of hash slot {}", slot.value);
  const auto from = find_named(id, "I don't know about node");
  if (!from) return from.error();
  if (!topology_.node(*from).is_primary()) return refusal("Target node is not a master");
  end_hearsay(*from);
  note_slot("kImporting", slot, *from, kSelf);
  topology_.set_importing(slot, *from);
  save_lazily();
  return {};
}

Result<void> ClusterNode::Member::set_slot_node(Slot slot, std::string_view id, Now now) {
  const auto named = find_named(id, "Unknown node");
  if (!named) return named.error();
  const NodeIndex to = *named;
  if (!topology_.node(to).is_primary()) return refusal("Target node is not a master");
  const bool was_mine = topology_.owner(slot) == kSelf;
  const bool has_keys = keys_.keys_in(slot) > 0;
  if (was_mine && to != kSelf && has_keys) {
    return refusal("Can't assign hashslot {} to a different node while I still hold keys for this hash slot.",
                   slot.value);
  }
  if (!has_keys) topology_.set_migrating(slot, kNoNode);
  slot_verdict_ = "kAssignedByOperator";
  move_slot(slot, to);
  links(to).assigned = now.mono;
  save_lazily();

  if (was_mine && to != kSelf && self().slot_count == 0 && settings_.allow_replica_migration) {
    log(EventLevel::kWarning, fmt::format("Configuration change detected. Reconfiguring myself as a replica of {}",
                                          topology_.node(to).id.view()));
    become_replica_of(to, Successor::kStranger, now.mono);
  }
  if (to == kSelf && !topology_.importing_from(slot).is_none()) {
    // A new epoch makes the change win over what the former owner still claims.
    if (take_new_epoch()) {
      log(EventLevel::kVerbose, fmt::format("configEpoch updated after importing slot {}", slot.value));
    }
    taken_.push_back({slot, topology_.node(topology_.importing_from(slot)).id});
    topology_.set_importing(slot, kNoNode);
    broadcast_pong(now);
  }
  return {};
}

Result<void> ClusterNode::Member::replicate(std::string_view id, Now now) {
  const auto named = find_named(id, "Unknown node");
  if (!named) return named.error();
  if (*named == kSelf) return refusal("Can't replicate myself");
  if (!topology_.node(*named).is_primary()) return refusal("I can only replicate a master, not a replica.");
  if (self().is_primary() && (self().slot_count != 0 || keys_.total_keys() != 0)) {
    return refusal("To set a master the node must be empty and without assigned slots.");
  }
  become_replica_of(*named, Successor::kStranger, now.mono);
  return {};
}

Result<void> ClusterNode::Member::reset(Args args, Now) {
  bool hard = false;
  if (!args.empty()) {
    hard = equals_ignore_case(args[0], "hard");
    if (args.size() > 1 || (!hard && !equals_ignore_case(args[0], "soft"))) return refusal("syntax error");
  }
  if (self().is_primary() && keys_.total_keys() != 0) {
    return refusal("CLUSTER RESET can't be called with master nodes containing keys");
  }
  save_first();
  data_age_.on_lost();
  if (self().is_replica()) {
    set_primary(kSelf);
    refresh_replication();
    outbox_.push(EmptyDataset{});
  }
  close_all_slots();
  slot_verdict_ = "kReset";
  for (std::uint16_t s = 0; s < kSlotCount; ++s) move_slot({s}, kNoNode);
  each_other([&](NodeIndex index) { remove_node(index); });
  bans_.clear();
  if (!hard) return {};
  voter_ = {};
  set_config_epoch_of(kSelf, Epoch{});
  topology_.rename(kSelf, *NodeId::parse(random_.hex(NodeId::kSize)));
  log(EventLevel::kVerbose, "configEpoch set to 0 via CLUSTER RESET HARD");
  log(EventLevel::kNotice, fmt::format("Node hard reset, now I'm {}", self().id.view()));
  return {};
}

Result<void> ClusterNode::Member::set_config_epoch(std::string_view text) {
  const auto epoch = parse_int64(text);
  if (!epoch) return refusal("value is not an integer or out of range");
  if (*epoch < 0) return refusal("Invalid config epoch specified: {}", *epoch);
  if (topology_.node_count() > 1) {
    return refusal("The user can assign a config epoch only when the node does not know any other node.");
  }
  if (self().config_epoch.value != 0) return refusal("Node config epoch is already non-zero");
  const Epoch given{static_cast<std::uint64_t>(*epoch)};
  set_config_epoch_of(kSelf, given);
  voter_.current_epoch = std::max(voter_.current_epoch, given);
  save_first();
  log(EventLevel::kWarning, fmt::format("configEpoch set to {} via CLUSTER SET-CONFIG-EPOCH", given.value));
  return {};
}

// Told with the next heartbeats and not at once: redis-cli --cluster fix gives the slot's new owner an epoch before it
// takes the slot from those who also have keys of it, and they would delete them.
Result<std::string> ClusterNode::Member::bump_epoch() {
  const bool bumped = take_new_epoch().has_value();
  return fmt::format("{} {}", bumped ? "BUMPED" : "STILL", self().config_epoch.value);
}

Result<std::int64_t> ClusterNode::Member::count_failure_reports(std::string_view id, Now now) {
  const auto named = find_named(id, "Unknown node");
  if (!named) return named.error();
  return static_cast<std::int64_t>(
      count_fail_reports(health(*named), topology_, now.mono, settings_.node_timeout));
}

Result<std::vector<std::string>> ClusterNode::Member::replicas(std::string_view id, Now now) const {
  const auto named = find_named(id, "Unknown node");
  if (!named) return named.error();
  if (topology_.node(*named).is_replica()) return refusal("The specified node is not a master");
  std::vector<std::string> lines;
  for (const NodeIndex index : topology_.replicas_of(*named)) {
    lines.push_back(format_node_line(topology_, index, {}, line_facts(index, now), false));
  }
  return lines;
}

}  // namespace skein
