// Whom to ping, whom to tell about, and when silence is failure.
//
// Free functions over the topology and the health table; acting on their answers is
// cluster/node's.
#pragma once

#include <functional>
#include <vector>

#include <skein/base/random.h>
#include <skein/base/time.h>
#include <skein/cluster/gossip/health.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// How many primaries must agree before a node is FAIL. Only primaries that own slots
// count: they are the ones who vote, and a verdict carried by anyone else would start
// elections that nobody can win.
[[nodiscard]] std::size_t fail_quorum(const Topology& topology);

// Silence for longer than the node timeout, while an answer is due.
[[nodiscard]] bool is_silent(const NodeHealth& health, MonoTime now, milliseconds node_timeout);

// The link may be what is broken: an answer is due for half the timeout and nothing came.
[[nodiscard]] bool should_reopen_link(const NodeHealth& health, MonoTime link_created, MonoTime now,
                                      milliseconds node_timeout);

// Nothing heard for half the timeout and no ping under way.
[[nodiscard]] bool should_ping(const NodeHealth& health, MonoTime now, milliseconds node_timeout);

enum class FailVerdict {
  kFail,
  kReachable,     // not suspected by this node itself
  kAlreadyFailed,
  kTooFewReports
};
[[nodiscard]] FailVerdict judge_fail(const Topology& topology, NodeIndex suspect, std::size_t reports,
                                     bool no_quorum_needed = false);

// A node that is FAIL and answers again. A primary with slots stays FAIL for a while, so
// that an election about it can finish.
[[nodiscard]] bool may_clear_fail(const Node& node, const NodeHealth& health, MonoTime now, milliseconds node_timeout);

// Whether a node's outbound link exists, by index.
using HasLink = std::function<bool(NodeIndex)>;

// Of five random members the one whose pong is oldest; kNoNode when none of them can be pinged.
[[nodiscard]] NodeIndex choose_random_ping(const Topology& topology, const HealthTable& health, const HasLink& has_link,
                                           Random& random);

// Which members a heartbeat tells about: a tenth of them at random (3 at least), and besides
// all that are suspected. `round` is new for each heartbeat.
[[nodiscard]] std::vector<NodeIndex> choose_gossip(const Topology& topology, HealthTable& health,
                                                   const HasLink& has_link, std::uint32_t round,
                                                   Random& random);

}  // namespace skein
