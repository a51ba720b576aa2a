// Whom this node follows, as INFO and ROLE show it.
#pragma once

#include <optional>

#include <skein/commands/services.h>

namespace skein {

// Nothing for a primary. A replica of the cluster whose new role has not been saved yet follows
// its primary by name and is connected to nobody.
inline std::optional<ReplicationFacts::Primary> followed_primary(const ReplicationFacts& facts, const Services& services) {
  if (facts.primary) return facts.primary;
  const ClusterNode* node = services.cluster;
  if (node == nullptr || !node->topology().self().is_replica()) return std::nullopt;
  const Topology& topology = node->topology();
  const NodeIndex index = topology.self().primary;
  ReplicationFacts::Primary primary;
  if (!index.is_none() && topology.contains(index)) {
    primary.host = topology.node(index).address.ip;
    primary.port = topology.node(index).address.port;
  }
  return primary;
}

}  // namespace skein
