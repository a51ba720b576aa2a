// A bus port that is announced and that nobody reaches, as a line of the log: at those who do not come through, and at
// the node whose port it is. Whether it is so is the doctor's to say; here each is told once, and that it is over.
#include <fmt/format.h>

#include <algorithm>

#include <skein/cluster/node/doctor.h>

#include "member.h"

namespace skein {

namespace {

// Told at the second look in a row: when a network is mended those cut off are heard a moment before they are reached.
constexpr std::uint64_t kTicksBetweenLooks = 10;

}  // namespace

void ClusterNode::Member::watch_ports(Now now) {
  if (ticks_ % kTicksBetweenLooks != 0) return;
  const auto find = [](std::vector<ClosedPort>& ports, const NodeId& id) {
    return std::find_if(ports.begin(), ports.end(), [&](const ClosedPort& one) { return one.id == id; });
  };
  std::vector<ClosedPort> closed;
  for (const Finding& finding : find_closed_ports(now.mono)) {
    const Node& node = topology_.node(finding.about);
    const auto before = find(closed_ports_, node.id);
    const bool stays = before != closed_ports_.end();
    closed.push_back({node.id, stays});
    if (!stays || before->is_told) continue;
    decide(EventLevel::kWarning, ailment_name(finding.ailment),
           fmt::format("{}; cure: {}", finding.text, finding.cure), now);
  }
  for (const auto& [id, is_told] : closed_ports_) {
    const NodeIndex index = topology_.find(id);
    if (!is_told || index.is_none() || find(closed, id) != closed.end()) continue;
    // Once it is called failed, its port is no question any more.
    const bool is_open = index == kSelf || links(index).out_is_up;
    if (!is_open) continue;
    log(EventLevel::kNotice, index == kSelf ? std::string("Others have a connection to this node's bus port again")
                                            : fmt::format("A connection to the bus port of {} has come up",
                                                          name_node(topology_.node(index))));
  }
  closed_ports_ = std::move(closed);
}

}  // namespace skein
