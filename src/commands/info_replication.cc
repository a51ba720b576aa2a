// INFO's replication section: the node's role, whom it follows, who follows it.
#include "followed_primary.h"
#include "info.h"

namespace skein {

namespace {

using Primary = ReplicationFacts::Primary;

void write_primary(const InfoSource& from, const Primary& primary, InfoText& to) {
  const Settings& settings = from.services.config.settings();
  const bool up = primary.link == Primary::Link::kConnected;
  const bool syncing = primary.link == Primary::Link::kSyncing;
  to.field("role", "slave");
  to.field("master_host", primary.host);
  to.field("master_port", primary.port);
  to.field("master_link_status", up ? "up" : "down");
  to.field("master_last_io_seconds_ago", primary.seconds_since_io);
  to.field("master_sync_in_progress", syncing);
  to.field("slave_read_repl_offset", primary.read_offset.value);
  to.field("slave_repl_offset", primary.offset.value);
  if (syncing) {
    const double share = primary.sync_total > 0 ? static_cast<double>(primary.sync_read) / static_cast<double>(primary.sync_total) : 0;
    to.field("master_sync_total_bytes", std::max<std::int64_t>(primary.sync_total, 0));
    to.field("master_sync_read_bytes", primary.sync_read);
    to.field("master_sync_left_bytes", primary.sync_total - primary.sync_read);
    to.decimals("master_sync_perc", share * 100);
    to.field("master_sync_last_io_seconds_ago", primary.seconds_since_sync_io);
  }
  if (!up) to.field("master_link_down_since_seconds", primary.link_down_seconds);
  if (primary.sync_failures > 0) {
    to.field("master_sync_failures", primary.sync_failures);
    to.field("master_sync_last_failure", primary.sync_failure);
    if (primary.retry_seconds >= 0) to.field("master_sync_retry_in_seconds", primary.retry_seconds);
  }
  to.field("slave_priority", settings.replica_priority);
  to.field("slave_read_only", settings.replica_read_only);
  to.field("replica_announced", settings.replica_announced);
}

void write_replicas(const InfoSource& from, const ReplicationFacts& facts, InfoText& to) {
  to.field("connected_slaves", facts.replicas.size());
  const Settings& settings = from.services.config.settings();
  if (settings.min_replicas_to_write != 0 && settings.min_replicas_max_lag.count() != 0) {
    to.field("min_slaves_good_slaves", facts.good_replicas);
  }
  for (std::size_t i = 0; i < facts.replicas.size(); ++i) {
    const auto& replica = facts.replicas[i];
    to.field(fmt::format("slave{}", i), fmt::format("ip={},port={},state={},offset={},lag={}", replica.ip, replica.port,
                                                    replica.state, replica.offset.value, replica.lag_seconds));
  }
}

}  // namespace

void write_replication_section(const InfoSource& from, InfoText& to) {
  const ReplicationFacts facts = from.services.replication->replication_facts();
  if (const auto primary = followed_primary(facts, from.services)) {
    write_primary(from, *primary, to);
  } else {
    to.field("role", "master");
  }
  write_replicas(from, facts, to);
  to.field("master_failover_state", facts.failover_state);
  to.field("master_replid", facts.id.view());
  to.field("master_replid2", facts.former_id.view());
  to.field("master_repl_offset", facts.offset.value);
  to.field("second_repl_offset", facts.former_until);
  to.field("repl_backlog_active", facts.backlog_active);
  to.field("repl_backlog_size", facts.backlog_size);
  to.field("repl_backlog_first_byte_offset", facts.backlog_first_byte);
  to.field("repl_backlog_histlen", facts.backlog_length);
}

}  // namespace skein
