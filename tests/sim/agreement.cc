#include "agreement.h"

#include <fmt/format.h>

#include <set>

namespace skein::sim {

namespace {

std::optional<std::string> compare_members(const Host& viewer, const Hosts& hosts) {
  const Topology& topology = viewer.node().topology();
  for (const auto& host : hosts) {
    const NodeIndex index = topology.find(host->node().id());
    if (index.is_none()) return fmt::format("{} does not know {}", viewer.name(), host->name());
    const Node& node = topology.node(index);
    if (node.in_handshake()) return fmt::format("{} is still meeting {}", viewer.name(), host->name());
    if (index != kSelf && (node.address.ip != host->ip() || node.address.port != host->settings().port)) {
      return fmt::format("{} looks for {} at {}:{}", viewer.name(), host->name(), node.address.ip,
                         node.address.port);
    }
  }
  if (topology.node_count() != hosts.size()) {
    return fmt::format("{} knows {} nodes", viewer.name(), topology.node_count());
  }
  return std::nullopt;
}

std::optional<std::string> compare_roles(const Host& viewer, const Hosts& hosts) {
  const Topology& topology = viewer.node().topology();
  for (const auto& host : hosts) {
    const Node& seen = topology.node(topology.find(host->node().id()));
    const Topology& own = host->node().topology();
    if (seen.is_primary() != own.self().is_primary()) {
      return fmt::format("{} takes {} for a {}", viewer.name(), host->name(),
                         seen.is_primary() ? "primary" : "replica");
    }
    if (own.self().is_primary()) continue;
    const auto primary_of = [](const Topology& in, const Node& node) {
      return node.primary.is_none() ? NodeId{} : in.node(node.primary).id;
    };
    if (primary_of(topology, seen) != primary_of(own, own.self())) {
      return fmt::format("{} gives {} another primary than its own", viewer.name(), host->name());
    }
  }
  return std::nullopt;
}

// The owners by name, one entry for each unbroken run.
std::map<std::uint16_t, NodeId> owners_of(const Topology& topology) {
  std::map<std::uint16_t, NodeId> runs;
  NodeIndex last;
  for (Slot slot{0}; slot.value < kSlotCount; ++slot.value) {
    const NodeIndex owner = topology.owner(slot);
    if (slot.value != 0 && owner == last) continue;
    runs[slot.value] = owner.is_none() ? NodeId{} : topology.node(owner).id;
    last = owner;
  }
  return runs;
}

std::optional<std::string> compare_slots(const Hosts& hosts) {
  const auto reference = owners_of(hosts.front()->node().topology());
  for (const auto& [slot, owner] : reference) {
    if (owner.is_none()) return fmt::format("slot {} has no owner", slot);
  }
  for (const auto& host : hosts) {
    if (host != hosts.front() && owners_of(host->node().topology()) != reference) {
      return fmt::format("{} and {} have different slot maps", hosts.front()->name(), host->name());
    }
    const Node& self = host->node().topology().self();
    if (!self.is_primary() && self.slot_count > 0)
      return fmt::format("{} is a replica and owns slots", host->name());
  }
  return std::nullopt;
}

std::optional<std::string> find_ill_health(const Host& viewer) {
  std::optional<std::string> found;
  std::set<Epoch> epochs;
  viewer.node().topology().for_each_node([&](NodeIndex, const Node& node) {
    if (node.has_failed()) found = fmt::format("{} holds {} for failed", viewer.name(), node.id.view());
    if (node.is_suspected()) found = fmt::format("{} suspects {}", viewer.name(), node.id.view());
    if (node.is_primary() && !epochs.insert(node.config_epoch).second) {
      found =
          fmt::format("{} sees two primaries with config epoch {}", viewer.name(), node.config_epoch.value);
    }
  });
  if (!found && viewer.node().state() != ClusterState::kOk) found = viewer.name() + " does not serve";
  return found;
}

std::optional<std::string> compare_epochs(const Hosts& hosts) {
  for (const auto& host : hosts) {
    if (host->node().current_epoch() != hosts.front()->node().current_epoch()) {
      return fmt::format("{} and {} are in different epochs", hosts.front()->name(), host->name());
    }
  }
  return std::nullopt;
}

// Everyone `to` hears from, directly or by what others pass on.
std::set<std::uint32_t> heard_by(const Host& to, const Hosts& hosts, const Network& network) {
  std::set<std::uint32_t> reached{to.id().value};
  std::vector<const Host*> open{&to};
  while (!open.empty()) {
    const Host* listener = open.back();
    open.pop_back();
    for (const auto& speaker : hosts) {
      if (!speaker->is_running() || network.is_cut(speaker->machine(), listener->machine())) continue;
      if (reached.insert(speaker->id().value).second) open.push_back(speaker.get());
    }
  }
  return reached;
}

}  // namespace

std::optional<std::string> find_disagreement(const Hosts& hosts, Agreement wanted) {
  for (const auto& host : hosts) {
    if (!host->is_running()) return host->name() + " is not running";
  }
  for (const auto& host : hosts) {
    if (auto found = compare_members(*host, hosts)) return found;
    if (wanted == Agreement::kMembers) continue;
    if (auto found = compare_roles(*host, hosts)) return found;
    if (wanted == Agreement::kSlotMap) continue;
    if (auto found = find_ill_health(*host)) return found;
  }
  if (wanted == Agreement::kMembers) return std::nullopt;
  if (auto found = compare_slots(hosts)) return found;
  return wanted == Agreement::kHealth ? compare_epochs(hosts) : std::nullopt;
}

void IsolationWatch::look(const Hosts& hosts, const Network& network, WorldTime now, Journal& journal) {
  for (const auto& host : hosts) {
    if (host->is_up()) ids_[host->id().value] = host->node().id();
  }
  for (const auto& viewer : hosts) {
    auto& last = last_heard_[viewer->id().value];
    last.resize(hosts.size(), now);
    const bool serves = viewer->is_running() && viewer->node().state() == ClusterState::kOk;
    if (!serves) serving_since_[viewer->id().value] = now;
    if (!viewer->is_running()) {
      std::fill(last.begin(), last.end(), now);  // what waits for it is news when it wakes
      continue;
    }
    for (const auto host : heard_by(*viewer, hosts, network)) last[host] = now;
    // A ping goes out within half the node timeout, its answer is missed after a whole one,
    // and what was on its way when the network was cut may still have arrived.
    const auto limit = 5 * viewer->settings().node_timeout / 2 + seconds{2};
    if (now - serving_since_.try_emplace(viewer->id().value, now).first->second <= limit) continue;
    const Topology& topology = viewer->node().topology();
    std::size_t voters = 0;
    for (const auto& host : hosts) {
      if (now - last[host->id().value] > limit) continue;
      const NodeIndex index = topology.find(ids_[host->id().value]);
      if (!index.is_none() && topology.node(index).is_voter()) ++voters;
    }
    if (topology.voter_count() > 0 && voters < topology.voter_count() / 2 + 1) {
      journal.violation(viewer->name() + " goes on serving though it hears from no majority");
    }
  }
}

}  // namespace skein::sim
