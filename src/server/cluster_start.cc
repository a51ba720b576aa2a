#include "cluster_start.h"

#include <algorithm>

#include <fmt/format.h>

#include <skein/base/host_text.h>
#include <skein/cluster/node/twin_probe.h>
#include <skein/net/bus_probe.h>

namespace skein {

namespace {

constexpr milliseconds kTwinTimeout{1000};

// The one loopback address this node listens on, if that is what it does.
std::string loopback_address(const std::vector<std::string>& bind) {
  if (bind.size() != 1) return "";
  const std::string address = bind[0].starts_with('-') ? bind[0].substr(1) : bind[0];
  return address.starts_with("127.") ? address : "";
}

milliseconds capped(milliseconds span) { return std::chrono::duration_cast<milliseconds>(as_timeout(span)); }

}  // namespace

NodeSettings node_settings(const Settings& s, std::uint16_t listening_at) {
  NodeSettings node;
  node.port = s.port;
  node.tls_port = s.tls_port;
  node.bus_port = listening_at;
  node.tls_cluster = s.tls_cluster;
  node.announce_ip = s.cluster_announce_ip;
  node.announce_hostname = s.cluster_announce_hostname;
  node.announce_port = s.cluster_announce_port;
  node.announce_tls_port = s.cluster_announce_tls_port;
  node.announce_bus_port = s.cluster_announce_bus_port;
  node.node_timeout = capped(s.cluster_node_timeout);
  node.require_full_coverage = s.cluster_require_full_coverage;
  node.replica_no_failover = s.cluster_replica_no_failover;
  node.allow_replica_migration = s.cluster_allow_replica_migration;
  node.migration_barrier = s.cluster_migration_barrier;
  node.replica_validity_factor = s.cluster_replica_validity_factor;
  node.replica_ping_period = s.repl_ping_replica_period;
  node.endpoint_type = s.cluster_preferred_endpoint_type;
  return node;
}

// Links leave a quarter of the descriptors to clients. Nodes that join send from links of strangers, so there must be
// some of them; but they take from what is kept beside the places of clients, which is little where descriptors are few.
BusSettings bus_settings(const Settings& s, std::uint64_t descriptors) {
  constexpr std::uint64_t kShareOfStrangers = 64;
  const milliseconds timeout = capped(s.cluster_node_timeout);
  return {.backlog = s.tcp_backlog,
          .source_address = s.bind_source_addr,
          .loopback_source_address = loopback_address(s.bind),
          .send_limit = s.cluster_link_sendbuf_limit,
          .connect_timeout = std::max(timeout, milliseconds{1000}),
          .keepalive = 2 * timeout,
          .max_strangers = std::clamp<std::uint64_t>(descriptors / kShareOfStrangers, 16, 128),
          .max_links = std::max<std::uint64_t>(descriptors / 4 * 3, 32),
          .strangers_patience = std::max(timeout, milliseconds{1000})};
}

std::vector<std::string> bound_ips(const std::vector<std::string>& bind) {
  std::vector<std::string> sure;
  std::vector<std::string> perhaps;
  for (std::string_view text : bind) {
    const bool may_be_missing = text.starts_with('-');
    if (may_be_missing) text.remove_prefix(1);
    if (!is_ip_address(text) || text == "0.0.0.0" || text == "::") return {};
    (may_be_missing ? perhaps : sure).emplace_back(text);
  }
  sure.insert(sure.end(), perhaps.begin(), perhaps.end());
  return sure;
}

std::uint16_t bus_port(const Settings& s) {
  return s.cluster_port != 0 ? s.cluster_port : static_cast<std::uint16_t>(s.port + kBusPortAbove);
}

Result<void> check_cluster_ports(const Settings& s) {
  if (s.port == 0) return Error("cluster mode needs a port for clients: port is 0");
  if (s.bind.empty()) return Error("No bind address is configured, but it is required for the Cluster bus.");
  if (s.cluster_port == 0 && s.port + kBusPortAbove > 65535) {
    return Error(fmt::format("port {} is too high for cluster mode: the bus listens on port + {}, which must be at "
                             "most 65535, unless cluster-port names another",
                             s.port, kBusPortAbove));
  }
  return {};
}

Result<void> check_no_twin(const SavedState& saved, const Settings& settings, const std::string& file) {
  const NodeSettings own = node_settings(settings, bus_port(settings));
  const auto there = choose_twin_address(saved, own, listening_ips(settings.bind));
  if (!there) return {};
  Random random = Random::from_system();
  const auto answer = ask_bus({.host = there->ip,
                               .port = there->bus_port,
                               .source_address = settings.bind_source_addr,
                               .packet = encode_ping_of_nobody(random, own),
                               .timeout = kTwinTimeout});
  if (!answer || judge_twin_answer(*answer, saved.topology.self().id) != TwinVerdict::kOwnIdAnswers) return {};
  return Error(fmt::format("{} was copied from a node that is running: the one at {}:{} answers with the same id {}. "
                           "Remove the file to start this node with an identity of its own",
                           file, there->ip, there->port, saved.topology.self().id.view()));
}

}  // namespace skein
