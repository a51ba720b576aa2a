// Epochs: who moves when two primaries have the same, and what the next one is.
#pragma once

#include <skein/base/ids.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// The greatest epoch anybody is known to have used.
[[nodiscard]] Epoch max_epoch(const Topology& topology, Epoch current);

// Two primaries with one config epoch, of which the one with the smaller id moves on. True
// when that is this node.
[[nodiscard]] bool must_leave_epoch(const Topology& topology, NodeIndex other, Epoch others_config_epoch);

// Whether a new config epoch has to be taken for this node's claims to win over all others.
[[nodiscard]] bool needs_new_epoch(const Topology& topology, Epoch current);

}  // namespace skein
