// The lines of CLUSTER NODES and nodes.conf.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <skein/cluster/node/saved_state.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

using SlotRanges = std::vector<std::pair<Slot, Slot>>;

// Every node's slot ranges in one pass over the map, by node index.
[[nodiscard]] std::vector<SlotRanges> all_slot_ranges(const Topology& topology);

// One line, without its end. `ranges` are the node's own.
[[nodiscard]] std::string format_node_line(const Topology& topology, NodeIndex index, const SlotRanges& ranges,
                                           const LineFacts& facts, bool client_uses_tls);

// A line for each node of which `facts` tells something.
[[nodiscard]] std::string format_node_lines(const Topology& topology,
                                            const std::function<std::optional<LineFacts>(NodeIndex)>& facts,
                                            bool client_uses_tls);

}  // namespace skein
