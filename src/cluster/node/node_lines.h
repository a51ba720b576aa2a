// The lines of CLUSTER NODES and nodes.conf.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// What a line shows that the topology does not hold.
struct LineFacts {
  UnixMillis ping_sent;  // 0: none waits
  UnixMillis pong_received;
  bool connected = false;
};

using SlotRanges = std::vector<std::pair<Slot, Slot>>;

// Every node's slot ranges in one pass over the map, by node index.
[[nodiscard]] std::vector<SlotRanges> all_slot_ranges(const Topology& topology);

// One line, without its end. `ranges` are the node's own.
[[nodiscard]] std::string format_node_line(const Topology& topology, NodeIndex index, const SlotRanges& ranges,
                                           const LineFacts& facts, bool client_uses_tls);

// All nodes for which `shown` says so, a line each. `facts` is asked for each of them.
[[nodiscard]] std::string format_node_lines(const Topology& topology,
                                            const std::function<bool(NodeIndex)>& shown,
                                            const std::function<LineFacts(NodeIndex)>& facts, bool client_uses_tls);

// The last line of nodes.conf.
[[nodiscard]] std::string format_vars_line(Epoch current_epoch, Epoch last_vote_epoch);

}  // namespace skein
