#include <skein/cluster/gossip/judgement.h>

#include <algorithm>

namespace skein {

namespace {

constexpr int kRandomPingSample = 5;
// A tenth of the members in each heartbeat: with four heartbeats per member and node timeout
// in both directions, every failure is reported by most within its lifetime.
constexpr std::size_t kGossipShare = 10;
constexpr std::size_t kMinGossip = 3;
constexpr NodeFlags kNotToldAbout = NodeFlag::kHandshake | NodeFlag::kNoAddress;

NodeIndex random_node(const Topology& topology, Random& random) {
  // Places of forgotten nodes are few: a draw rarely has to be repeated.
  for (int tries = 0; tries < 64; ++tries) {
    const NodeIndex index{static_cast<std::uint16_t>(random.below(topology.index_limit()))};
    if (topology.contains(index)) return index;
  }
  return kSelf;
}

}  // namespace

std::size_t fail_quorum(const Topology& topology) { return topology.voter_count() / 2 + 1; }

bool is_silent(const NodeHealth& health, MonoTime now, milliseconds node_timeout) {
  if (!health.ping_pending()) return false;
  return std::min(now - health.ping_sent, now - health.data_received) > node_timeout;
}

bool should_reopen_link(const NodeHealth& health, MonoTime link_created, MonoTime now, milliseconds node_timeout) {
  return health.ping_pending() && now - link_created > node_timeout && now - health.ping_sent > node_timeout / 2 &&
         now - health.data_received > node_timeout / 2;
}

bool should_ping(const NodeHealth& health, MonoTime now, milliseconds node_timeout) {
  return !health.ping_pending() && now - health.pong_received > node_timeout / 2;
}

FailVerdict judge_fail(const Topology& topology, NodeIndex suspect, std::size_t reports, bool no_quorum_needed) {
  const Node& node = topology.node(suspect);
  if (node.has_failed()) return FailVerdict::kAlreadyFailed;
  if (!node.is_suspected()) return FailVerdict::kReachable;
  const std::size_t words = reports + (topology.self().is_voter() ? 1 : 0);
  if (words < fail_quorum(topology) && !no_quorum_needed) return FailVerdict::kTooFewReports;
  return FailVerdict::kFail;
}

bool may_clear_fail(const Node& node, const NodeHealth& health, MonoTime now, milliseconds node_timeout) {
  return !node.is_voter() || now - health.failed_at > kReportLifetimes * node_timeout;
}

NodeIndex choose_random_ping(const Topology& topology, const HealthTable& health, const HasLink& has_link,
                             Random& random) {
  NodeIndex oldest = kNoNode;
  for (int i = 0; i < kRandomPingSample; ++i) {
    const NodeIndex index = random_node(topology, random);
    if (index == kSelf || topology.node(index).in_handshake()) continue;
    if (!has_link(index) || health.at(index).ping_pending()) continue;
    if (oldest.is_none() || health.at(index).pong_received < health.at(oldest).pong_received) oldest = index;
  }
  return oldest;
}

std::vector<NodeIndex> choose_gossip(const Topology& topology, HealthTable& health, const HasLink& has_link,
                                     std::uint32_t round, Random& random) {
  const std::size_t members = topology.node_count();
  // Not this node, and not the one the heartbeat goes to.
  std::size_t candidates = members < 2 ? 0 : members - 2;
  const std::size_t wanted = std::min(std::max(kMinGossip, members / kGossipShare), candidates);

  std::vector<NodeIndex> chosen;
  chosen.reserve(wanted);
  for (std::size_t tries = wanted * 3; candidates > 0 && chosen.size() < wanted && tries > 0; --tries) {
    const NodeIndex index = random_node(topology, random);
    if (index == kSelf) continue;
    const Node& node = topology.node(index);
    if (node.is_suspected()) continue;  // told about below
    if (node.flags.has_any(kNotToldAbout) || health.at(index).hearsay || (node.slot_count == 0 && !has_link(index))) {
      --candidates;
      continue;
    }
    if (health.at(index).last_gossip_round == round) continue;
    health.at(index).last_gossip_round = round;
    chosen.push_back(index);
    --candidates;
  }
  if (topology.census().suspected == 0) return chosen;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    // One without an address as well: its failure is for most to agree on, wherever it was.
    if (index == kSelf || !node.is_suspected() || node.in_handshake()) return;
    if (health.at(index).hearsay) return;
    chosen.push_back(index);
  });
  return chosen;
}

}  // namespace skein
