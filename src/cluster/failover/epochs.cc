#include <skein/cluster/failover/epochs.h>

#include <algorithm>

namespace skein {

Epoch max_epoch(const Topology& topology, Epoch current) {
  Epoch greatest = current;
  topology.for_each_node([&](NodeIndex, const Node& node) { greatest = std::max(greatest, node.config_epoch); });
  return greatest;
}

bool must_leave_epoch(const Topology& topology, NodeIndex other, Epoch others_config_epoch) {
  const Node& self = topology.self();
  const Node& node = topology.node(other);
  return self.is_primary() && node.is_primary() && others_config_epoch == self.config_epoch && self.id < node.id;
}

bool needs_new_epoch(const Topology& topology, Epoch current) {
  const Epoch own = topology.self().config_epoch;
  return own.value == 0 || own != max_epoch(topology, current);
}

}  // namespace skein
