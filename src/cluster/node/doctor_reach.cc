#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include <skein/cluster/bus/packet.h>
#include <skein/cluster/gossip/judgement.h>

#include "doctor_parts.h"

namespace skein::doctor {

namespace {

// How long what was seen once is worth telling.
constexpr seconds kMemory{300};
constexpr milliseconds kLastWords{500};

Findings duplicate_ids(const Patient& p) {
  Findings found;
  for (const TwinSighting& twin : p.twins) {
    if (p.now - twin.at > kMemory) continue;
    found.push_back({Ailment::kDuplicateId,
                     fmt::format("two processes answer as {}: {} and {} (last seen {} ago). A folder was copied with its "
                                 "nodes.conf",
                                 twin.id.view(), twin.one, twin.other, span_text(p.now - twin.at)),
                     "stop the copy, delete its cluster-config-file (nodes.conf) and its data, start it, then redis-cli "
                     "--cluster add-node"});
  }
  return found;
}

std::string firewall_cure(const Node& node) {
  return fmt::format("open TCP port {} (cluster-port, by default the client port + {}) on {} in every firewall, and see "
                     "that the node runs with cluster-announce-ip and cluster-announce-bus-port right",
                     node.address.bus_port, kBusPortAbove, node.address.ip);
}

// They are enough to have called it failed by now, and have not.
bool others_hear(const Patient& p, NodeIndex silent) {
  const Nodes voters = nodes_that(p, [&](NodeIndex index, const Node& node) {
    return index != silent && node.is_voter() && !is_unreachable(node);
  });
  const std::size_t reports = count_fail_reports(p.health.at(silent), p.topology, p.now, p.settings.node_timeout);
  const std::size_t own = p.topology.self().is_voter() ? 1 : 0;
  const std::size_t needed = fail_quorum(p.topology);
  return voters.size() >= needed && reports + own < needed;
}

Findings closed_bus_ports(const Patient& p) {
  Findings found;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf || !is_settled(node) || node.has_failed() || p.links(index).out_is_up) return;
    const auto silent = silence(p, index);
    if (silent < p.settings.node_timeout / 2) return;
    const NodeHealth& health = p.health.at(index);
    // A process that ends takes our link with it, and what it had sent until then is read afterwards.
    const MonoTime alone_since = std::max(p.links(index).out_lost, health.added) + kLastWords;
    const bool speaks = health.data_received > alone_since && p.now - health.data_received < p.settings.node_timeout;
    if (speaks) {
      found.push_back({Ailment::kBusPortClosed,
                       fmt::format("{} is heard, but no connection to its bus port {}:{} has come up for {}", name_node(node),
                                   node.address.ip, node.address.bus_port, span_text(silent)),
                       firewall_cure(node), index});
    } else if (silent > 2 * p.settings.node_timeout && others_hear(p, index) && !health.hearsay) {
      // Names that somebody has made up are no members.
      found.push_back({Ailment::kBusPortClosed,
                       fmt::format("no connection to the bus port {}:{} of {} has come up for {}, and the other primaries do "
                                   "not call it failed",
                                   node.address.ip, node.address.bus_port, name_node(node), span_text(silent)),
                       firewall_cure(node), index});
    }
  });
  return found;
}

Findings own_bus_port_closed(const Patient& p) {
  std::size_t connected = 0;
  std::size_t inbound = 0;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf || !is_settled(node) || is_unreachable(node)) return;
    const LinkFacts link = p.links(index);
    if (link.in_exists) ++inbound;
    if (link.out_is_up && p.now - link.out_created > p.settings.node_timeout) ++connected;
  });
  if (connected == 0 || inbound > 0) return {};
  const Node& self = p.topology.self();
  return {{Ailment::kOwnBusPortClosed,
           fmt::format("{} members answer, but none has a connection to this node's bus port {}:{}", connected,
                       self.address.ip, self.address.bus_port),
           firewall_cure(self), kSelf}};
}

Findings unanswered_meets(const Patient& p) {
  Findings found;
  for (const LostHandshake& lost : p.lost_handshakes) {
    const auto& at = lost.address;
    const Nodes there = nodes_that(p, [&](NodeIndex, const Node& node) {
      return is_settled(node) && node.address.ip == at.ip && node.address.bus_port == at.bus_port;
    });
    if (p.now - lost.at > kMemory || !there.empty()) continue;
    found.push_back(
        {Ailment::kUnansweredMeet,
         fmt::format("a handshake with {}:{} ended {} ago without an answer: {} bus port {}", at.ip, at.port,
                     span_text(p.now - lost.at),
                     lost.connected ? "what accepts connections there speaks no cluster bus at" : "nobody accepts connections at",
                     at.bus_port),
         fmt::format("see that the node runs with cluster-enabled yes, open TCP port {} on {} in every firewall, then "
                     "CLUSTER MEET {} {} {}",
                     at.bus_port, at.ip, at.ip, at.port, at.bus_port)});
  }
  return found;
}

Findings unknown_addresses(const Patient& p) {
  Findings found;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf || !node.flags.has(NodeFlag::kNoAddress)) return;
    found.push_back({Ailment::kAddressUnknown,
                     fmt::format("nobody knows where {} is: another node answered at its address", node.id.view()),
                     fmt::format("if it is gone: {}; if it runs: CLUSTER MEET <its ip> <its port>, and set its "
                                 "cluster-announce-ip if the address it announces is not the one to reach it by",
                                 forget_everywhere(p, node))});
  });
  return found;
}

bool is_loopback(std::string_view ip) { return ip.starts_with("127.") || ip == "::1" || ip == "localhost"; }

Findings loopback_announced(const Patient& p) {
  const Nodes local = nodes_that(p, [](NodeIndex, const Node& n) { return is_settled(n) && is_loopback(n.address.ip); });
  const Nodes remote = nodes_that(
      p, [](NodeIndex, const Node& n) { return is_settled(n) && !n.address.ip.empty() && !is_loopback(n.address.ip); });
  if (local.empty() || remote.empty()) return {};
  return {{Ailment::kLoopbackAnnounced,
           fmt::format("{} announce a loopback address in a cluster of several hosts: clients elsewhere are sent to "
                       "themselves",
                       list_nodes(p, local)),
           "at each of them: CONFIG SET cluster-announce-ip <address others reach it by>, then CONFIG REWRITE"}};
}

Findings bad_announced_name(const Patient& p) {
  if (p.settings.announce_ip.empty() || is_host(p.settings.announce_ip)) return {};
  return {{Ailment::kAnnouncedNameIsNoAddress,
           fmt::format("cluster-announce-ip is \"{}\", which is neither an IP address nor a host name of at most {} bytes: it "
                       "is not told to the others",
                       p.settings.announce_ip, kMaxHostText),
           "CONFIG SET cluster-announce-ip <IP address>; a longer name belongs into cluster-announce-hostname"}};
}

Findings suspected(const Patient& p) {
  Findings found;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (!node.is_suspected() || !is_settled(node) || p.health.at(index).hearsay) return;
    const std::size_t reports =
        count_fail_reports(p.health.at(index), p.topology, p.now, p.settings.node_timeout);
    found.push_back({Ailment::kSuspected,
                     fmt::format("{} has not answered for {}; {} other primaries say so too, {} must agree before it is "
                                 "failed",
                                 name_node(node), span_text(silence(p, index)), reports, fail_quorum(p.topology)),
                     fmt::format("see whether its process runs and bus port {}:{} is open", node.address.ip,
                                 node.address.bus_port)});
  });
  return found;
}

std::set<std::string> hosts_of(const Patient& p) {
  std::set<std::string> hosts;
  p.topology.for_each_node([&](NodeIndex, const Node& node) {
    if (is_settled(node) && !node.address.ip.empty()) hosts.insert(node.address.ip);
  });
  return hosts;
}

Findings shared_hosts(const Patient& p) {
  const std::size_t hosts = hosts_of(p).size();
  if (hosts < 2) return {};
  Findings found;
  Nodes together;
  std::map<std::string, Nodes> primaries;
  const Nodes voters = nodes_that(p, [](NodeIndex, const Node& n) { return n.is_voter() && !n.has_failed(); });
  for (const NodeIndex index : voters) {
    const std::string& ip = p.topology.node(index).address.ip;
    primaries[ip].push_back(index);
    const Nodes replicas = p.topology.replicas_of(index);
    if (!replicas.empty() && std::all_of(replicas.begin(), replicas.end(), [&](NodeIndex replica) {
          return p.topology.node(replica).address.ip == ip;
        })) {
      together.push_back(index);
    }
  }
  if (!together.empty()) {
    found.push_back({Ailment::kSameHost,
                     fmt::format("all replicas are on their primary's host: {}", list_nodes(p, together)),
                     "CLUSTER REPLICATE at replicas, so that those of two hosts change places"});
  }
  // With two hosts one always has half of the primaries or more.
  for (const auto& [ip, nodes] : primaries) {
    if (hosts < 3 || voters.size() < kFewestPrimaries || nodes.size() < voters.size() / 2 + 1) continue;
    found.push_back({Ailment::kMajorityOnOneHost,
                     fmt::format("{} of {} primaries with slots are on {}: without that host nothing can fail over: {}",
                                 nodes.size(), voters.size(), ip, list_nodes(p, nodes)),
                     "CLUSTER FAILOVER at a replica of one of them that is on another host"});
  }
  return found;
}

}  // namespace

Findings examine_ports(const Patient& patient) {
  constexpr Examination kExaminations[] = {closed_bus_ports, own_bus_port_closed};
  return collect(kExaminations, patient);
}

Findings examine_reach(const Patient& patient) {
  constexpr Examination kExaminations[] = {
      duplicate_ids,      closed_bus_ports,   own_bus_port_closed, unanswered_meets, unknown_addresses,
      loopback_announced, bad_announced_name, suspected,           shared_hosts,
  };
  return collect(kExaminations, patient);
}

}  // namespace skein::doctor
