// What INFO tells about work done: statistics, commands, errors, and where data goes.
#include "command_replies.h"
#include "info.h"

namespace skein {

void write_persistence_section(const InfoSource& from, InfoText& to) {
  to.field("loading", (from.services.facts.gates & gate::kLoading) != 0);
  to.zeros({"async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"});
  to.decimals("current_fork_perc", 0);
  to.zeros({"current_save_keys_processed", "current_save_keys_total"});
  to.field("rdb_changes_since_last_save", from.call.keyspace.context().dirty);
  to.field("rdb_bgsave_in_progress", 0);
  to.field("rdb_last_save_time", from.facts.last_save_unix_seconds);
  to.field("rdb_last_bgsave_status", "ok");
  to.field("rdb_last_bgsave_time_sec", -1);
  to.field("rdb_current_bgsave_time_sec", -1);
  to.zeros({"rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded",
            "aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"});
  to.field("aof_last_rewrite_time_sec", -1);
  to.field("aof_current_rewrite_time_sec", -1);
  to.field("aof_last_bgrewrite_status", "ok");
  to.zeros({"aof_rewrites", "aof_rewrites_consecutive_failures"});
  to.field("aof_last_write_status", "ok");
  to.zeros({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
}

void write_stats_section(const InfoSource& from, InfoText& to) {
  const InfoFacts& facts = from.facts;
  const KeyspaceContext& keyspace = from.call.keyspace.context();
  to.field("total_connections_received", facts.connections_received);
  to.field("total_commands_processed", from.services.stats.total_calls());
  to.field("instantaneous_ops_per_sec", static_cast<std::int64_t>(facts.ops_per_second));
  to.field("total_net_input_bytes", facts.net_input_bytes);
  to.field("total_net_output_bytes", facts.net_output_bytes);
  to.zeros({"total_net_repl_input_bytes", "total_net_repl_output_bytes"});
  to.decimals("instantaneous_input_kbps", facts.input_kbps);
  to.decimals("instantaneous_output_kbps", facts.output_kbps);
  to.decimals("instantaneous_input_repl_kbps", 0);
  to.decimals("instantaneous_output_repl_kbps", 0);
  to.field("rejected_connections", facts.connections_rejected);
  to.zeros({"sync_full", "sync_partial_ok", "sync_partial_err"});
  to.field("expired_keys", keyspace.expired_keys);
  to.decimals("expired_stale_perc", facts.expired_stale_percent);
  to.field("expired_time_cap_reached_count", facts.expire_time_cap_reached);
  to.field("expire_cycle_cpu_milliseconds", facts.expire_cycle_cpu_ms);
  to.zeros({"evicted_keys", "evicted_clients", "total_eviction_exceeded_time", "current_eviction_exceeded_time"});
  to.field("keyspace_hits", keyspace.hits);
  to.field("keyspace_misses", keyspace.misses);
  to.zeros({"pubsub_channels", "pubsub_patterns", "pubsubshard_channels", "latest_fork_usec"});
  to.field("total_forks", facts.forks);
  to.zeros({"migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses",
            "active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time",
            "current_active_defrag_time", "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"});
  to.field("unexpected_error_replies", facts.unexpected_errors);
  to.field("total_error_replies", from.services.stats.total_errors());
  to.field("dump_payload_sanitizations", 0);
  to.field("total_reads_processed", facts.reads);
  to.field("total_writes_processed", facts.writes);
  to.zeros({"io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks",
            "reply_buffer_expands"});
}

namespace {

// A replica of the cluster; its data connection is not up.
void write_replica(const InfoSource& from, const Topology& topology, InfoText& to) {
  const NodeIndex primary = topology.self().primary;
  const bool known = !primary.is_none() && topology.contains(primary);
  const Settings& settings = from.services.config.settings();
  to.field("role", "slave");
  to.field("master_host", known ? std::string_view(topology.node(primary).address.ip) : "");
  to.field("master_port", known ? topology.node(primary).address.port : 0);
  to.field("master_link_status", "down");
  to.field("master_last_io_seconds_ago", -1);
  to.zeros({"master_sync_in_progress", "slave_read_repl_offset", "slave_repl_offset"});
  to.field("master_link_down_since_seconds", -1);
  to.field("slave_priority", settings.replica_priority);
  to.field("slave_read_only", settings.replica_read_only);
  to.field("replica_announced", settings.replica_announced);
}

}  // namespace

void write_replication_section(const InfoSource& from, InfoText& to) {
  const ClusterNode* node = from.services.cluster;
  if (node != nullptr && node->topology().self().is_replica()) {
    write_replica(from, node->topology(), to);
  } else {
    to.field("role", "master");
  }
  to.field("connected_slaves", 0);
  to.field("master_failover_state", "no-failover");
  to.field("master_replid", from.facts.replication_id);
  to.field("master_replid2", NodeId{}.view());
  to.field("master_repl_offset", 0);
  to.field("second_repl_offset", -1);
  to.field("repl_backlog_active", 0);
  to.field("repl_backlog_size", from.services.config->repl_backlog_size);
  to.zeros({"repl_backlog_first_byte_offset", "repl_backlog_histlen"});
}

void write_commandstats_section(const InfoSource& from, InfoText& to) {
  const auto figures = from.services.stats.figures();
  for (const auto& command : from.services.commands.all()) {
    const CommandFigures& f = figures[command->index];
    if (!is_listed(*command) || (f.calls == 0 && f.rejected == 0 && f.failed == 0)) continue;
    const double micros = static_cast<double>(f.ticks) / from.services.facts.ticks_per_micro;
    to.field(fmt::format("cmdstat_{}", command->name),
             fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}", f.calls,
                         static_cast<std::uint64_t>(micros),
                         f.calls == 0 ? 0.0 : micros / static_cast<double>(f.calls), f.rejected, f.failed));
  }
}

void write_errorstats_section(const InfoSource& from, InfoText& to) {
  for (const auto& [code, count] : from.services.stats.errors()) {
    to.field(fmt::format("errorstat_{}", code), fmt::format("count={}", count));
  }
}

void write_latencystats_section(const InfoSource& from, InfoText& to) {
  const auto figures = from.services.stats.figures();
  for (const auto& command : from.services.commands.all()) {
    const auto& latency = figures[command->index].latency;
    if (!is_listed(*command) || latency == nullptr) continue;
    std::string values;
    for (const double percentile : from.services.config->latency_tracking_info_percentiles) {
      const double micros = static_cast<double>(latency->value_at(percentile)) / from.services.facts.ticks_per_micro;
      values += fmt::format("{}p{:g}={:.3f}", values.empty() ? "" : ",", percentile, micros);
    }
    to.field(fmt::format("latency_percentiles_usec_{}", command->name), values);
  }
}

}  // namespace skein
