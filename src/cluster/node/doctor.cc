#include <skein/cluster/node/doctor.h>

#include <algorithm>
#include <map>

#include "doctor_parts.h"

namespace skein {
namespace doctor {

namespace {

// A list in a finding names so many and counts the rest.
constexpr std::size_t kNamed = 6;
// Any fork, slow command or busy disk takes this long now and then.
constexpr milliseconds kLowNodeTimeout{1000};

template <typename Items, typename Show>
std::string list(const Items& items, Show&& show) {
  std::string text;
  std::size_t named = 0;
  for (const auto& item : items) {
    if (named == kNamed) return fmt::format("{} and {} more", text, items.size() - named);
    fmt::format_to(std::back_inserter(text), "{}{}", named++ == 0 ? "" : ", ", show(item));
  }
  return text;
}

Findings state_fail(const Patient& p) {
  if (p.state == ClusterState::kOk) return {};
  std::vector<std::string> why;
  std::size_t failed_slots = 0;
  const auto voters = nodes_that(p, [&](NodeIndex, const Node& node) {
    if (node.has_failed()) failed_slots += node.slot_count;
    return node.is_voter();
  });
  const auto lost = std::count_if(voters.begin(), voters.end(),
                                  [&](NodeIndex index) { return is_unreachable(p.topology.node(index)); });
  const std::size_t unowned = kSlotCount - p.topology.assigned_slots();
  if (voters.size() - static_cast<std::size_t>(lost) < voters.size() / 2 + 1) {
    why.push_back("most primaries are out of reach");
  }
  if (p.settings.require_full_coverage) {
    if (unowned > 0) why.push_back(fmt::format("{} slots have no owner", unowned));
    if (failed_slots > 0) why.push_back(fmt::format("{} slots belong to failed nodes", failed_slots));
  }
  if (why.empty()) {
    return {{Ailment::kStateFail,
             "cluster_state is fail: nothing is missing; after a start or an absence a primary waits for news first",
             "none: it ends by itself after 2 to 5 s"}};
  }
  std::string cure = "what the findings below say";
  if (why.size() == 1 && (unowned > 0 || failed_slots > 0)) {
    cure += "; CONFIG SET cluster-require-full-coverage no serves the other slots meanwhile";
  }
  return {{Ailment::kStateFail, fmt::format("cluster_state is fail: {}", fmt::join(why, ", ")), cure}};
}

Findings minority(const Patient& p) {
  const auto voters = nodes_that(p, [](NodeIndex, const Node& node) { return node.is_voter(); });
  Nodes away;
  std::copy_if(voters.begin(), voters.end(), std::back_inserter(away),
               [&](NodeIndex index) { return is_unreachable(p.topology.node(index)); });
  const std::size_t needed = voters.size() / 2 + 1;
  if (voters.empty() || voters.size() - away.size() >= needed) return {};
  return {{Ailment::kMinority,
           fmt::format("only {} of {} primaries with slots answer here, {} are needed; out of reach: {}",
                       voters.size() - away.size(), voters.size(), needed, list_nodes(p, away)),
           "start them or mend the network; if they are gone for good, CLUSTER FAILOVER TAKEOVER at a replica of each"}};
}

Findings slots_without_owner(const Patient& p) {
  SlotBitmap unowned;
  for (std::uint16_t s = 0; s < kSlotCount; ++s) {
    if (p.topology.owner({s}).is_none()) unowned.set({s});
  }
  if (unowned.empty()) return {};
  if (unowned.count() == kSlotCount && p.topology.node_count() == 1) {
    return {{Ailment::kSlotsWithoutOwner, "this node is in no cluster yet: it knows no other node and no slot has an owner",
             fmt::format("redis-cli --cluster create {} <other nodes> --cluster-replicas 1, or --cluster add-node {} <a node "
                         "of the cluster>",
                         own_address(p), own_address(p))}};
  }
  return {{Ailment::kSlotsWithoutOwner,
           fmt::format("{} slots have no owner: {}", unowned.count(), describe_slots(unowned)),
           fmt::format("redis-cli --cluster fix {}, or CLUSTER ADDSLOTSRANGE <first> <last> at one primary",
                       own_address(p))}};
}

Findings failed_primaries(const Patient& p) {
  Findings found;
  for (const NodeIndex index : nodes_that(p, [](NodeIndex, const Node& n) { return n.has_failed() && n.slot_count > 0; })) {
    const Node& node = p.topology.node(index);
    Nodes successors = p.topology.replicas_of(index);
    std::erase_if(successors, [&](NodeIndex replica) { return is_unreachable(p.topology.node(replica)); });
    const auto since = p.health.at(index).failed_at;
    const std::string head = fmt::format("{} has failed{} and still owns {} slots", name_node(node),
                                         since == MonoTime{} ? "" : fmt::format(" for {}", span_text(p.now - since)),
                                         node.slot_count);
    if (successors.empty()) {
      found.push_back({Ailment::kFailedPrimary, head + "; no replica of it is up",
                       fmt::format("start it again; if its data is lost: redis-cli --cluster fix {} "
                                   "--cluster-fix-with-unreachable-masters",
                                   own_address(p))});
      continue;
    }
    const Node& first = p.topology.node(successors.front());
    found.push_back({Ailment::kFailedPrimary,
                     fmt::format("{}; up are its replicas {}, whose logs and CLUSTER DOCTOR tell why none took over", head,
                                 list_nodes(p, successors)),
                     fmt::format("start it again, or {} CLUSTER FAILOVER FORCE (TAKEOVER if most primaries are gone)",
                                 cli_at(first))});
  }
  return found;
}

Findings holding_back(const Patient& p) {
  if (!p.holding_back) return {};
  return {{Ailment::kHoldingBack,
           "this primary has started without its data and keeps still, so that a replica that has them takes over",
           fmt::format("none: it ends within {}; to have its own data back stop it, restore its dump file and start it again",
                       span_text(2 * p.settings.node_timeout + seconds(10)))}};
}

Findings no_write_lease(const Patient& p) {
  if (!p.topology.self().is_voter() || p.write_lease_end > p.now) return {};
  return {{Ailment::kNoWriteLease,
           "writes to this primary wait: most primaries have not answered it lately, and one of its replicas may have "
           "been elected",
           "mend the network or the standstill; it goes on by itself once a majority answers"}};
}

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
    text += ", and it has never had its data: it cannot take over";
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
  if (!p.data.sync_trouble.empty() && !is_unreachable(primary)) {
    cure = "what this node cannot take has to go from the primary, or the two need the same commands under the same names "
           "(rename-command); the link is tried again by itself, INFO replication tells when";
  }
  if (is_unreachable(primary) && !never) {
    cure = "start the primary; if it is gone for good and this data will do: CLUSTER FAILOVER FORCE here";
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

Findings equal_epochs(const Patient& p) {
  std::map<Epoch, Nodes> by_epoch;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (node.is_voter() && !node.has_failed()) by_epoch[node.config_epoch].push_back(index);
  });
  Findings found;
  for (const auto& [epoch, nodes] : by_epoch) {
    if (nodes.size() < 2) continue;
    found.push_back({Ailment::kEqualEpochs,
                     fmt::format("{} have the same config epoch {}: neither's claim of a slot wins over the other's",
                                 list_nodes(p, nodes), epoch.value),
                     fmt::format("it ends by itself once they hear each other; else {} CLUSTER BUMPEPOCH",
                                 cli_at(p.topology.node(nodes.front())))});
  }
  return found;
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
                     fmt::format("redis-cli --cluster add-node <new node> {} --cluster-slave --cluster-master-id {}",
                                 own_address(p), p.topology.node(alone.front()).id.view())});
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

Findings too_few_primaries(const Patient& p) {
  const std::size_t voters = p.topology.voter_count();
  if (p.topology.node_count() == 1 || voters == 0 || voters >= kFewestPrimaries) return {};
  return {{Ailment::kTooFewPrimaries,
           fmt::format("{} with slots: when one fails no majority is left to agree on it, so nothing takes over by itself",
                       voters == 1 ? "only one primary" : "only two primaries"),
           fmt::format("redis-cli --cluster add-node <new node> {}, then redis-cli --cluster rebalance {} "
                       "--cluster-use-empty-masters",
                       own_address(p), own_address(p))}};
}

Findings failed_nodes_known(const Patient& p) {
  const Nodes failed =
      nodes_that(p, [](NodeIndex, const Node& n) { return n.has_failed() && n.slot_count == 0 && is_settled(n); });
  if (failed.empty()) return {};
  return {{Ailment::kFailedNodeKnown, fmt::format("failed and still known: {}", list_nodes(p, failed)),
           fmt::format("start them again; one that is gone for good: {}", forget_everywhere(p, p.topology.node(failed.front())))}};
}

Findings low_node_timeout(const Patient& p) {
  if (p.settings.node_timeout >= kLowNodeTimeout) return {};
  return {{Ailment::kNodeTimeoutLow,
           fmt::format("cluster-node-timeout is {} ms: a slow command or a pause of the machine that long makes a failover",
                       p.settings.node_timeout.count()),
           fmt::format("redis-cli --cluster set-timeout {} 2000", own_address(p))}};
}

}  // namespace

std::string own_address(const Patient& p) {
  const auto& address = p.topology.self().address;
  return fmt::format("{}:{}", address.ip.empty() ? "127.0.0.1" : address.ip, address.port);
}

std::string cli_at(const Node& node) {
  if (!node.address.is_known()) return fmt::format("at node {}, wherever it is:", node.id.view());
  return fmt::format("redis-cli -h {} -p {}", node.address.ip, node.address.port);
}

std::string forget_everywhere(const Patient& p, const Node& node) {
  return fmt::format("redis-cli --cluster call {} CLUSTER FORGET {}", own_address(p), node.id.view());
}

std::string list_nodes(const Patient& p, const Nodes& nodes) {
  return list(nodes, [&](NodeIndex index) { return name_node(p.topology.node(index)); });
}

std::string span_text(nanoseconds span) {
  const auto whole = std::chrono::duration_cast<seconds>(span).count();
  if (whole < 1) return fmt::format("{} ms", std::chrono::duration_cast<milliseconds>(span).count());
  if (whole < 300) return fmt::format("{} s", whole);
  return whole < 7200 ? fmt::format("{} min", whole / 60) : fmt::format("{} h", whole / 3600);
}

bool is_settled(const Node& node) { return !node.flags.has_any(NodeFlag::kHandshake | NodeFlag::kNoAddress); }

bool is_unreachable(const Node& node) { return node.has_failed() || node.is_suspected(); }

milliseconds silence(const Patient& p, NodeIndex index) {
  const NodeHealth& heard = p.health.at(index);
  if (!heard.ping_pending()) return milliseconds{0};
  return std::chrono::duration_cast<milliseconds>(p.now - heard.ping_sent);
}

Findings collect(std::span<const Examination> examinations, const Patient& patient) {
  Findings all;
  for (const Examination examination : examinations) {
    for (Finding& finding : examination(patient)) all.push_back(std::move(finding));
  }
  return all;
}

Findings examine_service(const Patient& patient) {
  constexpr Examination kExaminations[] = {
      state_fail,         minority,          slots_without_owner,   failed_primaries, holding_back,
      no_write_lease,     own_primary_link,  replicas_without_data, open_slots,       equal_epochs,
      no_replica,         too_few_primaries, failed_nodes_known,    low_node_timeout,
  };
  return collect(kExaminations, patient);
}

}  // namespace doctor

std::string_view ailment_name(Ailment ailment) {
  switch (ailment) {
    case Ailment::kStateFail: return "kStateFail";
    case Ailment::kMinority: return "kMinority";
    case Ailment::kSlotsWithoutOwner: return "kSlotsWithoutOwner";
    case Ailment::kFailedPrimary: return "kFailedPrimary";
    case Ailment::kHoldingBack: return "kHoldingBack";
    case Ailment::kNoWriteLease: return "kNoWriteLease";
    case Ailment::kDuplicateId: return "kDuplicateId";
    case Ailment::kBusPortClosed: return "kBusPortClosed";
    case Ailment::kOwnBusPortClosed: return "kOwnBusPortClosed";
    case Ailment::kUnansweredMeet: return "kUnansweredMeet";
    case Ailment::kAddressUnknown: return "kAddressUnknown";
    case Ailment::kLoopbackAnnounced: return "kLoopbackAnnounced";
    case Ailment::kAnnouncedNameIsNoAddress: return "kAnnouncedNameIsNoAddress";
    case Ailment::kSuspected: return "kSuspected";
    case Ailment::kPrimaryLinkDown: return "kPrimaryLinkDown";
    case Ailment::kReplicaWithoutData: return "kReplicaWithoutData";
    case Ailment::kOpenSlots: return "kOpenSlots";
    case Ailment::kEqualEpochs: return "kEqualEpochs";
    case Ailment::kNoReplica: return "kNoReplica";
    case Ailment::kSameHost: return "kSameHost";
    case Ailment::kMajorityOnOneHost: return "kMajorityOnOneHost";
    case Ailment::kTooFewPrimaries: return "kTooFewPrimaries";
    case Ailment::kFailedNodeKnown: return "kFailedNodeKnown";
    case Ailment::kNodeTimeoutLow: return "kNodeTimeoutLow";
  }
  return "";
}

std::string name_node(const Node& node) {
  if (!node.address.is_known()) return fmt::format("{} (address unknown)", node.id.view().substr(0, 8));
  return fmt::format("{}:{} ({})", node.address.ip, node.address.port, node.id.view().substr(0, 8));
}

std::string describe_slots(const SlotBitmap& slots) {
  const SlotRuns runs(slots.wire());
  return doctor::list(runs.ranges(), [](const auto& range) {
    return range.first == range.second ? std::to_string(range.first.value)
                                       : fmt::format("{}-{}", range.first.value, range.second.value);
  });
}

std::vector<Finding> examine(const Patient& patient) {
  auto all = doctor::examine_service(patient);
  for (Finding& finding : doctor::examine_reach(patient)) all.push_back(std::move(finding));
  std::stable_sort(all.begin(), all.end(), [](const Finding& a, const Finding& b) { return a.ailment < b.ailment; });
  return all;
}

}  // namespace skein
