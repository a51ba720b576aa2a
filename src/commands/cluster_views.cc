// CLUSTER subcommands that show: INFO, LINKS, MYID, NODES, REPLICAS, SHARDS, SLOTS.
#include "cluster.h"

namespace skein {

namespace {

constexpr ArgSpec kNodeIdArg[] = {{.name = "node-id"}};

// "cluster_stats_messages_ping_sent:3" for every kind there was, then their sum.
void print_messages(std::string& out, const std::array<std::uint64_t, kMessageTypes>& counts, std::string_view way) {
  std::uint64_t sum = 0;
  for (std::size_t type = 0; type < counts.size(); ++type) {
    sum += counts[type];
    if (counts[type] == 0) continue;
    fmt::format_to(std::back_inserter(out), "cluster_stats_messages_{}_{}:{}\r\n",
                   message_type_name(static_cast<MessageType>(type)), way, counts[type]);
  }
  fmt::format_to(std::back_inserter(out), "cluster_stats_messages_{}:{}\r\n", way, sum);
}

void info(Call& call, ClusterNode& member) {
  const ClusterInfo facts = member.info();
  std::string out = fmt::format(
      "cluster_state:{}\r\n"
      "cluster_slots_assigned:{}\r\n"
      "cluster_slots_ok:{}\r\n"
      "cluster_slots_pfail:{}\r\n"
      "cluster_slots_fail:{}\r\n"
      "cluster_known_nodes:{}\r\n"
      "cluster_size:{}\r\n"
      "cluster_current_epoch:{}\r\n"
      "cluster_my_epoch:{}\r\n",
      facts.state == ClusterState::kOk ? "ok" : "fail", facts.slots_assigned, facts.slots_ok, facts.slots_pfail,
      facts.slots_fail, facts.known_nodes, facts.size, facts.current_epoch.value, facts.my_epoch.value);
  print_messages(out, facts.messages.sent, "sent");
  print_messages(out, facts.messages.received, "received");
  fmt::format_to(std::back_inserter(out), "total_cluster_links_buffer_limit_exceeded:{}\r\n",
                 call.services.actions.bus_links_over_limit());
  call.reply.verbatim("txt", out);
}

void links(Call& call, ClusterNode& member) {
  const auto views = member.links_view(call.now);
  call.reply.array(views.size());
  for (const LinkView& view : views) {
    const auto figures = call.services.actions.bus_link_figures(view.link);
    std::string events;
    if (figures.readable) events += 'r';
    if (figures.writable) events += 'w';
    call.reply.map(6);
    call.reply.bulk("direction");
    call.reply.bulk(view.to_node ? "to" : "from");
    call.reply.bulk("node");
    call.reply.bulk(view.node.view());
    call.reply.bulk("create-time");
    call.reply.integer(view.created.value);
    call.reply.bulk("events");
    call.reply.bulk(events);
    call.reply.bulk("send-buffer-allocated");
    call.reply.integer(static_cast<std::int64_t>(figures.send_buffer_allocated));
    call.reply.bulk("send-buffer-used");
    call.reply.integer(static_cast<std::int64_t>(figures.send_buffer_used));
  }
}

void myid(Call& call, ClusterNode& member) { call.reply.bulk(member.id().view()); }

void nodes(Call& call, ClusterNode& member) { call.reply.verbatim("txt", member.nodes_text(call.now)); }

void replicas(Call& call, ClusterNode& member) {
  const auto lines = member.replicas(call.arg(2), call.now);
  if (!lines) {
    call.reply.error(lines.error().message());
    return;
  }
  call.reply.array((*lines).size());
  for (const auto& line : *lines) call.reply.bulk(line);
}

std::string_view health_word(ShardHealth health) {
  switch (health) {
    case ShardHealth::kOnline: return "online";
    case ShardHealth::kFailed: return "fail";
    case ShardHealth::kLoading: return "loading";
  }
  return "";
}

void write_shard_node(ReplyWriter& reply, const ShardNode& node) {
  reply.map(6 + (node.port != 0 ? 1U : 0U) + (node.tls_port != 0 ? 1U : 0U) + (node.hostname.empty() ? 0U : 1U));
  reply.bulk("id");
  reply.bulk(node.id.view());
  if (node.port != 0) {
    reply.bulk("port");
    reply.integer(node.port);
  }
  if (node.tls_port != 0) {
    reply.bulk("tls-port");
    reply.integer(node.tls_port);
  }
  reply.bulk("ip");
  reply.bulk(node.ip);
  reply.bulk("endpoint");
  reply.bulk(node.endpoint ? std::string_view(*node.endpoint) : std::string_view());
  if (!node.hostname.empty()) {
    reply.bulk("hostname");
    reply.bulk(node.hostname);
  }
  reply.bulk("role");
  reply.bulk(node.is_primary ? "master" : "replica");
  reply.bulk("replication-offset");
  reply.integer(node.offset.value);
  reply.bulk("health");
  reply.bulk(health_word(node.health));
}

void shards(Call& call, ClusterNode& member) {
  const auto views = member.shards_view();
  call.reply.array(views.size());
  for (const Shard& shard : views) {
    call.reply.map(2);
    call.reply.bulk("slots");
    call.reply.array(shard.ranges.size() * 2);
    for (const auto& [first, last] : shard.ranges) {
      call.reply.integer(first.value);
      call.reply.integer(last.value);
    }
    call.reply.bulk("nodes");
    call.reply.array(shard.nodes.size());
    for (const ShardNode& node : shard.nodes) write_shard_node(call.reply, node);
  }
}

void write_slots_node(ReplyWriter& reply, const SlotsNode& node) {
  reply.array(4);
  if (node.endpoint) {
    reply.bulk(*node.endpoint);
  } else {
    reply.null();
  }
  reply.integer(node.port);
  reply.bulk(node.id.view());
  reply.map(node.metadata.size());
  for (const auto& [name, value] : node.metadata) {
    reply.bulk(name);
    reply.bulk(value);
  }
}

void slots(Call& call, ClusterNode& member) {
  const auto entries = member.slots_view();
  call.reply.array(entries.size());
  for (const SlotsEntry& entry : entries) {
    call.reply.array(2 + entry.nodes.size());
    call.reply.integer(entry.first.value);
    call.reply.integer(entry.last.value);
    for (const SlotsNode& node : entry.nodes) write_slots_node(call.reply, node);
  }
}

constexpr HistoryEntry kSlotsHistory[] = {{"4.0.0", "Ids of the nodes."},
                                          {"7.0.0", "A fourth element: what the endpoint leaves out."}};

}  // namespace

constexpr CommandSpec kClusterInfo{
    .name = "INFO",
    .summary = "Shows the state of the cluster and the packets exchanged.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kStale,
    .tips = {"nondeterministic_output"},
    .handler = on_member<info>,
};

constexpr CommandSpec kClusterLinks{
    .name = "LINKS",
    .summary = "Lists the bus connections to and from the other nodes.",
    .complexity = "O(N) where N is the total number of Cluster nodes",
    .since = "7.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kStale,
    .tips = {"nondeterministic_output"},
    .handler = on_member<links>,
};

constexpr CommandSpec kClusterMyid{
    .name = "MYID",
    .summary = "Shows this node's id.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kStale,
    .handler = on_member<myid>,
};

constexpr CommandSpec kClusterNodes{
    .name = "NODES",
    .summary = "Shows all nodes as this one sees them.",
    .complexity = "O(N) where N is the total number of Cluster nodes",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kStale,
    .tips = {"nondeterministic_output"},
    .handler = on_member<nodes>,
};

constexpr CommandSpec kClusterReplicas{
    .name = "REPLICAS",
    .summary = "Lists the replicas of a primary.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kStale,
    .args = kNodeIdArg,
    .tips = {"nondeterministic_output"},
    .handler = on_member<replicas>,
};

constexpr CommandSpec kClusterShards{
    .name = "SHARDS",
    .summary = "Shows slots and nodes, shard by shard.",
    .complexity = "O(N) where N is the total number of cluster nodes",
    .since = "7.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kStale,
    .tips = {"nondeterministic_output"},
    .handler = on_member<shards>,
};

constexpr CommandSpec kClusterSlaves{
    .name = "SLAVES",
    .summary = "Lists the replicas of a primary.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kStale,
    .args = kNodeIdArg,
    .tips = {"nondeterministic_output"},
    .doc_flags = doc_flag::kDeprecated,
    .deprecated_since = "5.0.0",
    .replaced_by = "`CLUSTER REPLICAS`",
    .handler = on_member<replicas>,
};

constexpr CommandSpec kClusterSlots{
    .name = "SLOTS",
    .summary = "Shows ranges of slots with their nodes.",
    .complexity = "O(N) where N is the total number of Cluster nodes",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kStale,
    .tips = {"nondeterministic_output"},
    .history = kSlotsHistory,
    .doc_flags = doc_flag::kDeprecated,
    .deprecated_since = "7.0.0",
    .replaced_by = "`CLUSTER SHARDS`",
    .handler = on_member<slots>,
};

}  // namespace skein
