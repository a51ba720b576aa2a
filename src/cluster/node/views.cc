// What the member shows of itself and the cluster.
#include <algorithm>

#include "member.h"

namespace skein {

namespace {

UnixMillis wall_time(MonoTime time, Now now) {
  if (time == MonoTime{}) return {};
  return {now.wall.value - std::chrono::duration_cast<milliseconds>(now.mono - time).count()};
}

}  // namespace

LineFacts ClusterNode::Member::line_facts(NodeIndex index, Now now) const {
  const NodeHealth& heard = health_.at(index);
  return {.ping_sent = wall_time(heard.ping_sent, now),
          .pong_received = wall_time(heard.pong_received, now),
          .connected = index == kSelf || !links(index).out.is_none()};
}

std::string ClusterNode::Member::nodes_text(Now now, bool client_uses_tls) const {
  return format_node_lines(
      topology_, [&](NodeIndex index) { return line_facts(index, now); }, client_uses_tls);
}

ReplOffset ClusterNode::Member::shown_offset(NodeIndex index) const {
  return index == kSelf ? data_.offset : health_.at(index).offset;
}

// Clients connect to what SLOTS and SHARDS list. This node itself is where they are already.
bool ClusterNode::Member::is_shown(NodeIndex index) const {
  return index == kSelf || topology_.node(index).address.is_known();
}

SlotsNode ClusterNode::Member::slots_node(NodeIndex index, bool client_uses_tls) const {
  const Node& node = topology_.node(index);
  const EndpointType type = settings_.endpoint_type;
  SlotsNode shown{.port = client_port(node, client_uses_tls), .id = node.id};
  if (type != EndpointType::kUnknownEndpoint) shown.endpoint = std::string(preferred_endpoint(node, type));
  if (type != EndpointType::kIp) shown.metadata.emplace_back("ip", node.address.ip);
  if (type != EndpointType::kHostname && !node.hostname.empty()) shown.metadata.emplace_back("hostname", node.hostname);
  return shown;
}

std::vector<SlotsEntry> ClusterNode::Member::slots_view(bool client_uses_tls) const {
  // Replicas that a client can read from, by their primary.
  std::vector<std::vector<NodeIndex>> replicas(topology_.index_limit());
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (!node.is_replica() || node.primary.is_none() || node.has_failed() || !is_shown(index)) return;
    if (shown_offset(index).value != 0) replicas[node.primary.value].push_back(index);
  });

  std::vector<SlotsEntry> entries;
  NodeIndex open = kNoNode;
  for (std::uint16_t s = 0; s < kSlotCount; ++s) {
    const NodeIndex owner = topology_.owner({s});
    if (owner == open) {
      if (!owner.is_none() && is_shown(owner)) entries.back().last = {s};
      continue;
    }
    open = owner;
    if (owner.is_none() || !is_shown(owner)) continue;
    SlotsEntry entry{.first = {s}, .last = {s}};
    entry.nodes.push_back(slots_node(owner, client_uses_tls));
    for (const NodeIndex replica : replicas[owner.value]) entry.nodes.push_back(slots_node(replica, client_uses_tls));
    entries.push_back(std::move(entry));
  }
  return entries;
}

ShardNode ClusterNode::Member::shard_node(NodeIndex index) const {
  const Node& node = topology_.node(index);
  ShardNode shown;
  shown.id = node.id;
  shown.port = settings_.tls_cluster ? node.address.plain_port : node.address.port;
  shown.tls_port = settings_.tls_cluster ? node.address.port : 0;
  shown.ip = node.address.ip;
  if (settings_.endpoint_type != EndpointType::kUnknownEndpoint) {
    shown.endpoint = std::string(preferred_endpoint(node, settings_.endpoint_type));
  }
  shown.hostname = node.hostname;
  shown.is_primary = node.is_primary();
  shown.offset = shown_offset(index);
  if (node.has_failed()) {
    shown.health = ShardHealth::kFailed;
  } else if (node.is_replica() && shown.offset.value == 0) {
    shown.health = ShardHealth::kLoading;
  }
  return shown;
}

std::vector<Shard> ClusterNode::Member::shards_view() const {
  const auto ranges = all_slot_ranges(topology_);
  std::vector<Shard> shards;
  std::vector<std::size_t> shard_of(topology_.index_limit());
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (node.is_replica()) return;
    shard_of[index.value] = shards.size();
    shards.push_back({ranges[index.value], {}});
    if (is_shown(index)) shards.back().nodes.push_back(shard_node(index));
  });
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (!node.is_replica() || node.primary.is_none() || topology_.node(node.primary).is_replica()) return;
    if (!is_shown(index)) return;
    shards[shard_of[node.primary.value]].nodes.push_back(shard_node(index));
  });
  std::erase_if(shards, [](const Shard& shard) { return shard.nodes.empty(); });
  return shards;
}

std::vector<LinkView> ClusterNode::Member::links_view(Now now) const {
  std::vector<LinkView> views;
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    const NodeLinks& link = links(index);
    if (!link.out.is_none()) {
      views.push_back({link.out, true, node.id, wall_time(link.out_created, now), link.out_is_up});
    }
    if (!link.in.is_none()) views.push_back({link.in, false, node.id, wall_time(link.in_created, now), true});
  });
  return views;
}

ClusterInfo ClusterNode::Member::info() const {
  ClusterInfo info;
  info.state = state_;
  topology_.for_each_node([&](NodeIndex, const Node& node) {
    ++info.known_nodes;
    if (node.is_voter()) ++info.size;
    info.slots_assigned += node.slot_count;
    if (node.has_failed()) {
      info.slots_fail += node.slot_count;
    } else if (node.is_suspected()) {
      info.slots_pfail += node.slot_count;
    } else {
      info.slots_ok += node.slot_count;
    }
  });
  info.current_epoch = voter_.current_epoch;
  const Node& node = self();
  info.my_epoch = node.is_replica() && !node.primary.is_none() ? topology_.node(node.primary).config_epoch
                                                               : node.config_epoch;
  info.messages = outbox_.counts();
  return info;
}

}  // namespace skein
