// What INFO tells about work done: statistics, commands, errors, and where data goes.
#include <algorithm>

#include "command_replies.h"
#include "info.h"

namespace skein {

namespace {

// Where no size is known (a full sync without a file) the memory it took at its origin has to do.
void write_loading(const PersistenceFacts& facts, std::int64_t now, InfoText& to) {
  to.field("loading_start_time", facts.loading_since);
  to.field("loading_total_bytes", facts.loading_total_bytes);
  to.field("loading_rdb_used_mem", facts.loading_rdb_used_memory);
  to.field("loading_loaded_bytes", facts.loading_loaded_bytes);
  const bool known = facts.loading_total_bytes > 0;
  const auto total = static_cast<double>(known ? facts.loading_total_bytes : facts.loading_rdb_used_memory);
  const auto loaded = static_cast<double>(facts.loading_loaded_bytes);
  double percent = total > 0 ? loaded / total * 100 : 0;
  if (!known) percent = std::min(percent, 99.99);
  const double remaining = total > 0 ? std::max(known ? 0.0 : 1.0, total - loaded) : 1;
  const std::int64_t elapsed = now - facts.loading_since;
  to.decimals("loading_loaded_perc", percent);
  to.field("loading_eta_seconds",
           elapsed <= 0 ? 1 : static_cast<std::int64_t>(static_cast<double>(elapsed) * remaining / (loaded + 1)));
}

}  // namespace

void write_persistence_section(const InfoSource& from, InfoText& to) {
  const PersistenceFacts facts = from.services.snapshots->persistence_facts();
  to.field("loading", facts.loading);
  to.field("async_loading", facts.loading_beside);
  to.field("current_cow_peak", facts.cow_peak);
  to.field("current_cow_size", facts.cow_now);
  to.field("current_cow_size_age", facts.cow_age_seconds);
  to.decimals("current_fork_perc", facts.fork_percent);
  to.field("current_save_keys_processed", facts.keys_processed);
  to.field("current_save_keys_total", facts.keys_total);
  to.field("rdb_changes_since_last_save", from.call.keyspace.context().dirty);
  to.field("rdb_bgsave_in_progress", facts.saving);
  to.field("rdb_last_save_time", facts.last_save_unix);
  to.field("rdb_last_bgsave_status", facts.last_background_ok ? "ok" : "err");
  to.field("rdb_last_bgsave_time_sec", facts.last_background_seconds);
  to.field("rdb_current_bgsave_time_sec", facts.saving_seconds);
  to.field("rdb_saves", facts.saves);
  to.field("rdb_last_cow_size", facts.last_cow);
  to.field("rdb_last_load_keys_expired", facts.last_load_expired);
  to.field("rdb_last_load_keys_loaded", facts.last_load_loaded);
  to.zeros({"aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"});
  to.field("aof_last_rewrite_time_sec", -1);
  to.field("aof_current_rewrite_time_sec", -1);
  to.field("aof_last_bgrewrite_status", "ok");
  to.zeros({"aof_rewrites", "aof_rewrites_consecutive_failures"});
  to.field("aof_last_write_status", "ok");
  to.zeros({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
  if (facts.loading || facts.loading_beside) write_loading(facts, from.call.now.wall.value / 1000, to);
}

void write_stats_section(const InfoSource& from, InfoText& to) {
  const InfoFacts& facts = from.facts;
  const KeyspaceContext& keyspace = from.call.keyspace.context();
  to.field("total_connections_received", facts.connections_received);
  to.field("total_commands_processed", from.services.stats.total_calls());
  to.field("instantaneous_ops_per_sec", static_cast<std::int64_t>(facts.ops_per_second));
  to.field("total_net_input_bytes", facts.net_input_bytes);
  to.field("total_net_output_bytes", facts.net_output_bytes);
  const ReplicationFacts replication = from.services.replication->replication_facts();
  to.field("total_net_repl_input_bytes", replication.net_input_bytes);
  to.field("total_net_repl_output_bytes", replication.net_output_bytes);
  to.decimals("instantaneous_input_kbps", facts.input_kbps);
  to.decimals("instantaneous_output_kbps", facts.output_kbps);
  to.decimals("instantaneous_input_repl_kbps", replication.input_kbps);
  to.decimals("instantaneous_output_repl_kbps", replication.output_kbps);
  to.field("rejected_connections", facts.connections_rejected);
  to.field("sync_full", replication.full_syncs);
  to.field("sync_partial_ok", replication.partial_syncs);
  to.field("sync_partial_err", replication.partial_refusals);
  to.field("expired_keys", keyspace.expired_keys);
  to.decimals("expired_stale_perc", facts.expired_stale_percent);
  to.field("expired_time_cap_reached_count", facts.expire_time_cap_reached);
  to.field("expire_cycle_cpu_milliseconds", facts.expire_cycle_cpu_ms);
  to.field("evicted_keys", keyspace.evicted_keys);
  to.field("evicted_clients", 0);
  to.field("total_eviction_exceeded_time", facts.eviction_exceeded_ms);
  to.field("current_eviction_exceeded_time", facts.eviction_exceeded_now_ms);
  to.field("keyspace_hits", keyspace.hits);
  to.field("keyspace_misses", keyspace.misses);
  to.zeros({"pubsub_channels", "pubsub_patterns", "pubsubshard_channels"});
  const PersistenceFacts persistence = from.services.snapshots->persistence_facts();
  to.field("latest_fork_usec", persistence.last_fork_micros);
  to.field("total_forks", persistence.forks);
  to.field("migrate_cached_sockets", facts.migrate_cached_sockets);
  to.zeros({"slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses",
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
