// What the sources of the examination share: how findings name things, and their two halves.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <skein/cluster/node/doctor.h>

namespace skein::doctor {

using Findings = std::vector<Finding>;
using Nodes = std::vector<NodeIndex>;

// doctor.cc: slots, roles, epochs, data. doctor_reach.cc: ids, addresses, links, hosts.
[[nodiscard]] Findings examine_service(const Patient& patient);
[[nodiscard]] Findings examine_reach(const Patient& patient);

using Examination = Findings (*)(const Patient&);
[[nodiscard]] Findings collect(std::span<const Examination> examinations, const Patient& patient);

// Below this many voters the loss of one leaves no majority.
inline constexpr std::size_t kFewestPrimaries = 3;

// Where this node is reached, for commands.
[[nodiscard]] std::string own_address(const Patient& p);
[[nodiscard]] std::string cli_at(const Node& node);
[[nodiscard]] std::string forget_everywhere(const Patient& p, const Node& node);
[[nodiscard]] std::string list_nodes(const Patient& p, const Nodes& nodes);
[[nodiscard]] std::string span_text(nanoseconds span);
// Past its handshake, and where it listens is known.
[[nodiscard]] bool is_settled(const Node& node);
[[nodiscard]] bool is_unreachable(const Node& node);
// For how long an answer has been due.
[[nodiscard]] milliseconds silence(const Patient& p, NodeIndex index);

template <typename Wanted>
Nodes nodes_that(const Patient& p, Wanted&& wanted) {
  Nodes found;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (wanted(index, node)) found.push_back(index);
  });
  return found;
}

}  // namespace skein::doctor
