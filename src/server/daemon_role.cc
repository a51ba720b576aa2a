// Primary or replica: what follows for the gates, and who says so (REPLICAOF, or the cluster).
#include "daemon.h"

#include <algorithm>

#include <asio/post.hpp>

#include <skein/base/clock.h>

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
          .pause_writers = [this](bool on) { hold_writers(kFailover, on); },
          .writers_wait = [this] { return writers_held_by_ != 0; },
          .refuses_replicas = [this] { return cluster_ != nullptr && cluster_->node().is_holding_back(); },
          .acknowledged = [this] { judge_ending(); },
          .stream_applied = [this] { offer_data(); }};
}

void Daemon::hold_writers(Holder holder, bool on) {
  if (holder == kTakeover) takeover_timer_.cancel();
  const std::uint8_t before = writers_held_by_;
  writers_held_by_ = static_cast<std::uint8_t>(on ? before | holder : before & ~holder);
  if (before == writers_held_by_) return;
  // What has gone by time until now belongs to the stream before the pause.
  if (on) replication_.tell_owed_removals();
  refresh_gates();
  if (!on) resume_later(SuspendReason::kPaused);
}

// The cluster member says when it is over; should it not, the time it named ends it.
void Daemon::hold_writers_for_takeover(MonoTime until) {
  hold_writers(kTakeover, true);
  takeover_timer_.expires_after(std::max(until - read_boot_clock(), nanoseconds{0}));
  takeover_timer_.async_wait([this](const asio::error_code& cancelled) {
    if (!cancelled) hold_writers(kTakeover, false);
  });
}

// Not from inside the call that ended it.
void Daemon::resume_later(SuspendReason reason) {
  asio::post(loop_, [this, reason] { turns_.resume(reason); });
}

// The role itself, not whether its data may be fetched already: a replica that waits for its
// role to be saved must neither take writes nor decide what has expired.
bool Daemon::is_replica() const {
  return cluster_ != nullptr ? cluster_->is_replica() : replication_.is_replica();
}

// The cluster has made it a primary, and that is not on disk yet: until it is, the stream of its
// former primary is not left, and writes would not be told to replicas. They wait for that moment.
bool Daemon::is_being_promoted() const {
  return cluster_ != nullptr && !cluster_->is_replica() && replication_.is_replica();
}

std::uint32_t Daemon::role_gates() const {
  const Settings& settings = config_.settings();
  std::uint32_t gates = 0;
  if (writers_held_by_ != 0 || is_being_promoted()) gates |= gate::kPauseWrite;
  // Its slots are down, but reads may be allowed nevertheless: of data it has not.
  if (cluster_ != nullptr && cluster_->node().is_holding_back() && settings.cluster_allow_reads_when_down) {
    gates |= gate::kLoading;
  }
  if (is_replica()) {
    if (settings.replica_read_only) gates |= gate::kReadOnly;
    if (!settings.replica_serve_stale_data && !replication_.is_link_up()) gates |= gate::kStale;
  } else if (!replication_.has_enough_replicas(facts_.now)) {
    gates |= gate::kFewReplicas;
  }
  return gates;
}

MemoryLimit::Hooks Daemon::memory_hooks() {
  return {.may_evict = [this] { return may_evict(); },
          .uncounted = [this] { return uncounted_memory(); },
          .frees_pending = [this] { return lazyfree_pending_ > 0; },
          .evicted = [this] { replication_.tell_owed_removals(); },
          .changed = [this] { refresh_gates(); },
          .turn =
              [this] {
                begin_turn();
                end_turn();
              }};
}

// Where this is not so nothing is refused for lack of memory either: a replica has to take what its
// primary sends, and while writers wait nothing may change.
bool Daemon::may_evict() const {
  constexpr std::uint32_t kWritersWait = gate::kPauseAll | gate::kPauseWrite | gate::kLease;
  if (loading_.is_loading() || (facts_.gates & kWritersWait) != 0) return false;
  return !is_replica() || !config_->replica_ignore_maxmemory;
}

// A client, replica or cluster node that does not read must not cost anybody a key, nor what a stranger has sent by the
// cluster bus, nor what clients have sent and nobody has executed.
std::size_t Daemon::uncounted_memory() const {
  const std::size_t bus = cluster_ != nullptr ? cluster_->buffered() : 0;
  return turns_.unsent() + turns_.unexecuted() + replication_.memory_beyond_backlog() + bus;
}

// In cluster mode the member says whom to follow; the data on disk is loaded first.
void Daemon::follow_cluster_role() {
  if (cluster_ == nullptr || loading_.is_loading() || handed_over_) return;
  if (const auto& source = cluster_->replication_source()) {
    (void)replication_.follow(source->ip, source->port);
  } else if (replication_.is_replica()) {
    replication_.stop_following();
    resume_later(SuspendReason::kPaused);
    // What a slot move has left here while its ends were dying is found by its open slot.
    asio::post(loop_, [this] {
      if (!stopping_) (void)claim_held_slots();
    });
  }
}

void Daemon::on_cluster_changed() {
  // A replica that was asked to as a client has taken over: this node's slots are its.
  if (ending_.stage() == Ending::Stage::kHandingOver && cluster_->is_replica()) on_handed_over();
  follow_cluster_role();
  refresh_gates();
  if (cluster_ != nullptr) {
    if (const auto left = cluster_->router().take_left_slots(); !left.empty()) watch_.on_slots_left(left);
  }
  follow_lease();
}

DataFacts Daemon::data_facts() const {
  DataFacts facts{.offset = replication_.offset(),
                  .primary_link_up = replication_.is_link_up(),
                  .primary_silence = replication_.primary_silence(),
                  .sync_trouble = replication_.sync_trouble(),
                  .is_whole = !loading_.shuts_gate() && !replication_.is_data_lost(),
                  .replicas_in_sync = replication_.replicas_in_sync(facts_.now)};
  // Data without a place in a history (still being loaded, or from a dump that names none) is more
  // than no data: a primary that has lost its own must not take this replica for an empty one.
  const bool has_place = facts.offset != ReplOffset{} || facts.primary_link_up;
  if (is_replica() && !has_place && (loading_.is_loading() || keyspace_.total_keys() > 0)) facts.offset = ReplOffset{1};
  return facts;
}

// A takeover waits for data: it is told of them as they come, not with the next tick.
void Daemon::offer_data() {
  if (cluster_ != nullptr && cluster_->node().wants_data()) cluster_->tell_data();
}

}  // namespace skein
