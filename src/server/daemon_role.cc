// Primary or replica: what follows for the gates, and who says so (REPLICAOF, or the cluster).
#include "daemon.h"

#include <asio/post.hpp>

namespace skein {

Replication::Hooks Daemon::replication_hooks() {
  return {.changed = [this] { refresh_gates(); },
          .free_later = [this](std::vector<DetachedTables> tables) { free_later(std::move(tables)); },
          .begin_turn = [this] { begin_turn(); },
          .following =
              [this](const PrimaryAddress& primary) {
                if (!config_->cluster_enabled) config_.found_primary(primary);
              },
          .new_data = [this](const RdbFacts& facts) { functions_ = facts.functions; },
          .pause_writers =
              [this](bool on) {
                handing_over_ = on;
                refresh_gates();
                if (!on) asio::post(loop_, [this] { turns_.resume(SuspendReason::kPaused); });
              }};
}

// The role itself, not whether its data may be fetched already: a replica that waits for its
// role to be saved must neither take writes nor decide what has expired.
bool Daemon::is_replica() const {
  return cluster_ != nullptr ? cluster_->is_replica() : replication_.is_replica();
}

std::uint32_t Daemon::role_gates() const {
  const Settings& settings = config_.settings();
  std::uint32_t gates = 0;
  if (handing_over_) gates |= gate::kPauseWrite;
  if (is_replica()) {
    if (settings.replica_read_only) gates |= gate::kReadOnly;
    if (!settings.replica_serve_stale_data && !replication_.is_link_up()) gates |= gate::kStale;
  } else if (!replication_.has_enough_replicas(facts_.now)) {
    gates |= gate::kFewReplicas;
  }
  return gates;
}

// In cluster mode the member says whom to follow; the data on disk is loaded first.
void Daemon::follow_cluster_role() {
  if (cluster_ == nullptr || loading_.is_loading()) return;
  if (const auto& source = cluster_->replication_source()) {
    (void)replication_.follow(source->ip, source->port);
  } else {
    replication_.stop_following();
  }
}

DataFacts Daemon::data_facts() const {
  return {.offset = replication_.offset(), .primary_link_up = replication_.is_link_up()};
}

}  // namespace skein
