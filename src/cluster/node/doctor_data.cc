// Whether each key is where it has to be, and a second time: replicas, their links, slots on their way.
#include <algorithm>
#include <map>

#include "doctor_parts.h"

namespace skein::doctor {

namespace {

// So long a replica may be behind without anybody being told, and the node timeout: by then each has been heard again.
constexpr seconds kShortLag{10};
// A slot that was on its way for so long, as all others were, is not being moved any more.
constexpr seconds kStandingStill{10};

Findings own_primary_link(const Patient& p) {
  const Node& self = p.topology.self();
  if (!self.is_replica()) return {};
  if (self.primary.is_none()) {
    return {{Ailment::kPrimaryLinkDown, "this replica does not know its primary", "CLUSTER REPLICATE <id of a primary>"}};
  }
  if (p.data.primary_link_up) return {};
  const Node& primary = p.topology.node(self.primary);
  const bool never = p.data.primary_silence == milliseconds::max();
  std::string text = fmt::format("this replica's link to its primary {} is down", name_node(primary));
  if (never) {
    text += ", and it was not in sync with it since it was started or began to follow it: it does not take over by itself";
  } else {
    text += fmt::format(" for {}", span_text(p.data.primary_silence));
    const milliseconds limit = p.settings.replica_ping_period + p.settings.node_timeout * (p.settings.replica_validity_factor + 1);
    if (p.settings.replica_validity_factor > 0 && p.data.primary_silence > limit) {
      text += fmt::format(": its data is too old to take over by itself (cluster-replica-validity-factor allows {})",
                          span_text(limit));
    }
  }
  if (!p.data.sync_trouble.empty()) text += fmt::format("; its last full sync was in vain: {}", p.data.sync_trouble);
  std::string cure = fmt::format("see INFO replication and the log here, masterauth against requirepass of the primary, and "
                                 "whether {} connects",
                                 cli_at(primary));
  if (is_unreachable(primary) && !never) {
    cure = "start the primary; if it is gone for good and this data will do: CLUSTER FAILOVER FORCE here";
  }
  if (!p.data.sync_trouble.empty() && !is_unreachable(primary)) {
    cure = "what this node cannot take has to go from the primary, or the two need the same commands under the same names "
           "(rename-command); the link is tried again by itself, INFO replication tells when";
  }
  return {{Ailment::kPrimaryLinkDown, std::move(text), std::move(cure)}};
}

Findings replicas_without_data(const Patient& p) {
  const auto offset = [&](NodeIndex index) { return index == kSelf ? p.data.offset : p.health.at(index).offset; };
  const Nodes empty = nodes_that(p, [&](NodeIndex index, const Node& node) {
    return index != kSelf && node.is_replica() && is_settled(node) && !is_unreachable(node) && !node.primary.is_none() &&
           p.health.at(index).data_received != MonoTime{} && offset(index).value == 0 && offset(node.primary).value > 0;
  });
  if (empty.empty()) return {};
  return {{Ailment::kReplicaWithoutData,
           fmt::format("{} show that they have none of their primary's data: they cannot take over", list_nodes(p, empty)),
           "at each of them: INFO replication (master_link_status) and the log; masterauth must fit the primary's requirepass"}};
}

// By what its packets and its primary's say: their offsets are those of one stream.
Findings lagging_replicas(const Patient& p) {
  Findings found;
  const auto offset = [&](NodeIndex index) { return index == kSelf ? p.data.offset : p.health.at(index).offset; };
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (!node.is_replica() || node.primary.is_none() || !is_settled(node) || is_unreachable(node)) return;
    const Node& primary = p.topology.node(node.primary);
    const NodeHealth& heard = p.health.at(index);
    // Without data it is another finding; without an offset of the primary nothing is known.
    if (offset(index).value == 0 || heard.in_step_at == MonoTime{} || is_unreachable(primary)) return;
    const std::int64_t behind = offset(node.primary) - offset(index);
    const nanoseconds lag = p.now - heard.in_step_at;
    if (behind <= 0 || lag <= std::max<nanoseconds>(kShortLag, p.settings.node_timeout)) return;
    found.push_back({Ailment::kReplicaLags,
                     fmt::format("replica {} is behind its primary {}: it lacks {} bytes, and what was written {} ago: a "
                                 "failover to it would lose that",
                                 name_node(node), name_node(primary), behind, span_text(lag)),
                     fmt::format("{} INFO replication: whether master_link_status is up, and whether the process is stopped, "
                                 "its disk full or the network slow",
                                 cli_at(node))});
  });
  return found;
}

// As the primary itself sees it: whose connection it has, and who is online.
Findings missing_links(const Patient& p) {
  if (!p.topology.self().is_voter() || !p.data.replicas_in_sync) return {};
  const Nodes replicas = nodes_that(p, [&](NodeIndex, const Node& node) {
    return node.primary == kSelf && is_settled(node) && !is_unreachable(node);
  });
  const std::size_t in_sync = *p.data.replicas_in_sync;
  if (in_sync >= replicas.size()) return {};
  return {{Ailment::kReplicasNotInSync,
           fmt::format("{} of {} replicas of this primary are in sync{}: {}", in_sync, replicas.size(),
                       in_sync == 0 ? ", so what is written is here alone" : "", list_nodes(p, replicas)),
           "at each of them INFO replication (master_link_status) and the log; masterauth must fit this node's requirepass. A copy "
           "under way ends it"}};
}

Findings no_replica(const Patient& p) {
  Nodes alone;
  Nodes without_use;
  for (const NodeIndex index : nodes_that(p, [](NodeIndex, const Node& n) { return n.is_voter() && !n.has_failed(); })) {
    const Nodes replicas = p.topology.replicas_of(index);
    const bool any = std::any_of(replicas.begin(), replicas.end(), [&](NodeIndex replica) {
      const Node& node = p.topology.node(replica);
      return !is_unreachable(node) && !node.flags.has(NodeFlag::kNoFailover);
    });
    if (!any) (replicas.empty() ? alone : without_use).push_back(index);
  }
  // A node by itself is no cluster yet.
  if (p.topology.node_count() == 1) return {};
  Findings found;
  if (!alone.empty()) {
    found.push_back({Ailment::kNoReplica,
                     fmt::format("no replica: {}. When such a primary fails its slots are down, and its keys lost if its disk is",
                                 list_nodes(p, alone)),
                     list(alone,
                          [&](NodeIndex index) {
                            return fmt::format(
                                "redis-cli --cluster add-node <new node> {} --cluster-slave --cluster-master-id {}",
                                own_address(p), p.topology.node(index).id.view());
                          },
                          "; ")});
  }
  if (!without_use.empty()) {
    found.push_back({Ailment::kNoReplica,
                     fmt::format("no replica that could take over: {}. All theirs are down or have "
                                 "cluster-replica-no-failover yes",
                                 list_nodes(p, without_use)),
                     "start the replicas, or CONFIG SET cluster-replica-no-failover no there"});
  }
  return found;
}

Findings open_slots(const Patient& p) {
  std::map<std::pair<bool, NodeIndex>, SlotBitmap> open;
  for (const OpenSlot& slot : p.topology.migrating()) open[{true, slot.other}].set(slot.slot);
  for (const OpenSlot& slot : p.topology.importing()) open[{false, slot.other}].set(slot.slot);
  if (open.empty()) return {};
  std::vector<std::string> parts;
  std::string first;
  for (const auto& [way, slots] : open) {
    parts.push_back(fmt::format("{} {} {}", describe_slots(slots), way.first ? "leaving for" : "arriving from",
                                name_node(p.topology.node(way.second))));
    if (!first.empty()) continue;
    slots.for_each([&](Slot slot) {
      if (first.empty()) first = std::to_string(slot.value);
    });
  }
  return {{Ailment::kOpenSlots,
           fmt::format("slots are open at this node: {}. Normal while somebody moves them, else a move was broken off",
                       fmt::join(parts, "; ")),
           fmt::format("redis-cli --cluster fix {}; to leave one where it is: CLUSTER SETSLOT {} STABLE at both nodes",
                       own_address(p), first)}};
}

// As its two ends show it. Each slot is told once: by whom it leaves, else by whom it is to arrive at.
Findings open_slots_elsewhere(const Patient& p) {
  SlotBitmap told;
  for (const OpenSlot& slot : p.topology.migrating()) told.set(slot.slot);
  for (const OpenSlot& slot : p.topology.importing()) told.set(slot.slot);
  std::vector<std::string> parts;
  nanoseconds since{0};
  for (const bool arrives : {false, true}) {
    p.topology.for_each_node([&](NodeIndex index, const Node& node) {
      if (index == kSelf || !node.is_primary() || is_unreachable(node)) return;
      const LinkFacts link = p.links(index);
      if (link.open_slots.empty() || p.now - link.open_since < kStandingStill) return;
      std::map<NodeId, SlotBitmap> ways;
      for (const ShownSlot& shown : link.open_slots) {
        if (shown.arrives != arrives || told.has(shown.slot)) continue;
        ways[shown.other].set(shown.slot);
        told.set(shown.slot);
      }
      for (const auto& [other, slots] : ways) {
        const NodeIndex end = p.topology.find(other);
        parts.push_back(fmt::format("{} {} {} {} {}", describe_slots(slots), arrives ? "arriving at" : "leaving", name_node(node),
                                    arrives ? "from" : "for",
                                    end.is_none() ? other.str() : name_node(p.topology.node(end))));
        since = std::max(since, p.now - link.open_since);
      }
    });
  }
  if (parts.empty()) return {};
  return {{Ailment::kOpenSlotsElsewhere,
           fmt::format("a move of slots has stood still for {}: {}", span_text(since),
                       list(parts, [](const std::string& part) { return part; }, "; ")),
           fmt::format("redis-cli --cluster fix {}", own_address(p))}};
}

}  // namespace

Findings examine_data(const Patient& patient) {
  constexpr Examination kExaminations[] = {
      own_primary_link, replicas_without_data, lagging_replicas, missing_links, no_replica, open_slots, open_slots_elsewhere,
  };
  return collect(kExaminations, patient);
}

}  // namespace skein::doctor
