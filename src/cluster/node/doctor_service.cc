// What stops the service, or will: slots, majorities, epochs, and who is not there.
#include <algorithm>
#include <map>

#include "doctor_parts.h"

namespace skein::doctor {

namespace {

// Any fork, slow command or busy disk takes this long now and then.
constexpr milliseconds kLowNodeTimeout{1000};

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
  if (p.topology.assigned_slots() == kSlotCount) return {};  // INFO asks often
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
           fmt::format("start them again; {}: {}", failed.size() == 1 ? "if it is gone for good" : "for those that are gone for good",
                       forget_all(p, failed))}};
}

Findings low_node_timeout(const Patient& p) {
  if (p.settings.node_timeout >= kLowNodeTimeout) return {};
  return {{Ailment::kNodeTimeoutLow,
           fmt::format("cluster-node-timeout is {} ms: a slow command or a pause of the machine that long makes a failover",
                       p.settings.node_timeout.count()),
           fmt::format("redis-cli --cluster set-timeout {} 2000", own_address(p))}};
}

}  // namespace

Findings examine_service(const Patient& patient) {
  constexpr Examination kExaminations[] = {
      state_fail,     minority,     slots_without_owner, failed_primaries,   holding_back,
      no_write_lease, equal_epochs, too_few_primaries,   failed_nodes_known, low_node_timeout,
  };
  return collect(kExaminations, patient);
}

}  // namespace skein::doctor
