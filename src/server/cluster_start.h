// What the cluster member is told by the configuration, and what is checked before it starts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <skein/base/result.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/cluster/node/settings.h>
#include <skein/config/settings.h>
#include <skein/net/bus_link.h>

namespace skein {

// `listening_at`: where the bus listens, which a later change of `port` does not move.
[[nodiscard]] NodeSettings node_settings(const Settings& settings, std::uint16_t listening_at);
// `descriptors`: how many this process may have open.
[[nodiscard]] BusSettings bus_settings(const Settings& settings, std::uint64_t descriptors);
// The only addresses that listening on `bind` means; none where it means all of some network. One that may be missing
// ("-10.0.0.5") stands at the end.
[[nodiscard]] std::vector<std::string> bound_ips(const std::vector<std::string>& bind);
[[nodiscard]] std::uint16_t bus_port(const Settings& settings);

// Refuses ports between which no bus can listen.
[[nodiscard]] Result<void> check_cluster_ports(const Settings& settings);

// Refuses to start when another node answers under the identity in `file`: the file was
// copied. Asks only when the saved address is not this node's own; blocks for two seconds at most.
[[nodiscard]] Result<void> check_no_twin(const SavedState& saved, const Settings& settings, const std::string& file);

}  // namespace skein
