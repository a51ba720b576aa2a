// What the sources of the examination share: how findings name things, and their parts.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/cluster/node/doctor.h>

namespace skein::doctor {

using Findings = std::vector<Finding>;
using Nodes = std::vector<NodeIndex>;

// doctor_service.cc: what stops the service, or will. doctor_data.cc: replicas, and slots on their way.
// doctor_reach.cc: ids, addresses, links, hosts.
[[nodiscard]] Findings examine_service(const Patient& patient);
[[nodiscard]] Findings examine_data(const Patient& patient);
[[nodiscard]] Findings examine_reach(const Patient& patient);
[[nodiscard]] Findings examine_ports(const Patient& patient);

using Examination = Findings (*)(const Patient&);
[[nodiscard]] Findings collect(std::span<const Examination> examinations, const Patient& patient);

// Below this many voters the loss of one leaves no majority.
inline constexpr std::size_t kFewestPrimaries = 3;

// Where this node is reached, for commands.
[[nodiscard]] std::string own_address(const Patient& p);
[[nodiscard]] std::string cli_at(const Node& node);
[[nodiscard]] std::string forget_everywhere(const Patient& p, const Node& node);
// One command for each of them.
[[nodiscard]] std::string forget_all(const Patient& p, const Nodes& nodes);
[[nodiscard]] std::string list_nodes(const Patient& p, const Nodes& nodes);
[[nodiscard]] std::string span_text(nanoseconds span);
// Past its handshake, and where it listens is known.
[[nodiscard]] bool is_settled(const Node& node);
[[nodiscard]] bool is_unreachable(const Node& node);
// For how long an answer has been due.
[[nodiscard]] milliseconds silence(const Patient& p, NodeIndex index);

// A list in a finding names so many and counts the rest.
inline constexpr std::size_t kNamed = 6;

template <typename Items, typename Show>
std::string list(const Items& items, Show&& show, std::string_view between = ", ") {
  std::string text;
  std::size_t named = 0;
  for (const auto& item : items) {
    if (named == kNamed) return fmt::format("{} and {} more", text, items.size() - named);
    fmt::format_to(std::back_inserter(text), "{}{}", named++ == 0 ? "" : between, show(item));
  }
  return text;
}

template <typename Wanted>
Nodes nodes_that(const Patient& p, Wanted&& wanted) {
  Nodes found;
  p.topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (wanted(index, node)) found.push_back(index);
  });
  return found;
}

}  // namespace skein::doctor
