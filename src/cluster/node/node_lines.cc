#include "node_lines.h"

#include <fmt/format.h>

#include <iterator>

namespace skein {

namespace {

constexpr std::size_t kUsualLine = 160;

// A replica has the epoch of its primary.
Epoch shown_epoch(const Topology& topology, const Node& node) {
  return node.is_replica() && !node.primary.is_none() ? topology.node(node.primary).config_epoch : node.config_epoch;
}

}  // namespace

std::vector<SlotRanges> all_slot_ranges(const Topology& topology) {
  std::vector<SlotRanges> ranges(topology.index_limit());
  for (std::uint16_t s = 0; s < kSlotCount; ++s) {
    const NodeIndex owner = topology.owner({s});
    if (owner.is_none()) continue;
    auto& runs = ranges[owner.value];
    if (!runs.empty() && runs.back().second.value + 1 == s) {
      runs.back().second = {s};
    } else {
      runs.emplace_back(Slot{s}, Slot{s});
    }
  }
  return ranges;
}

std::string format_node_line(const Topology& topology, NodeIndex index, const SlotRanges& ranges,
                             const LineFacts& facts, bool client_uses_tls) {
  const Node& node = topology.node(index);
  std::string line;
  line.reserve(kUsualLine);
  // By hand: a thousand lines are written whenever one member of a thousand changes.
  const auto number = [&](auto value) {
    const fmt::format_int digits(value);
    line.append(digits.data(), digits.size());
  };
  line.append(node.id.view()).append(" ").append(node.address.ip).append(":");
  number(client_port(node, client_uses_tls));
  line += '@';
  number(node.address.bus_port);
  if (!node.hostname.empty()) line.append(",").append(node.hostname);
  line.append(" ").append(format_node_flags(node.flags)).append(" ");
  line.append(node.is_replica() && !node.primary.is_none() ? topology.node(node.primary).id.view() : "-");
  for (const auto value : {facts.ping_sent.value, facts.pong_received.value}) {
    line += ' ';
    number(value);
  }
  line += ' ';
  number(shown_epoch(topology, node).value);
  line += facts.connected ? " connected" : " disconnected";
  for (const auto& [first, last] : ranges) {
    line += ' ';
    number(first.value);
    if (first == last) continue;
    line += '-';
    number(last.value);
  }
  if (index != kSelf) return line;
  const auto out = std::back_inserter(line);
  // In the order of slots, as redis lists them.
  auto leaving = topology.migrating().begin();
  auto arriving = topology.importing().begin();
  while (leaving != topology.migrating().end() || arriving != topology.importing().end()) {
    const bool leaves = arriving == topology.importing().end() ||
                        (leaving != topology.migrating().end() && leaving->slot <= arriving->slot);
    const OpenSlot& open = leaves ? *leaving++ : *arriving++;
    fmt::format_to(out, " [{}{}{}]", open.slot.value, leaves ? "->-" : "-<-", topology.node(open.other).id.view());
  }
  return line;
}

std::string format_node_lines(const Topology& topology,
                              const std::function<std::optional<LineFacts>(NodeIndex)>& facts, bool client_uses_tls) {
  const auto ranges = all_slot_ranges(topology);
  std::string text;
  text.reserve(topology.node_count() * kUsualLine);
  topology.for_each_node([&](NodeIndex index, const Node&) {
    const auto shown = facts(index);
    if (!shown) return;
    text += format_node_line(topology, index, ranges[index.value], *shown, client_uses_tls);
    text += '\n';
  });
  return text;
}

std::string UnsavedState::text() const {
  return format_node_lines(
             state.topology, [this](NodeIndex index) { return lines[index.value]; }, true) +
         fmt::format("vars currentEpoch {} lastVoteEpoch {}\n", state.current_epoch.value, state.last_vote_epoch.value);
}

}  // namespace skein
