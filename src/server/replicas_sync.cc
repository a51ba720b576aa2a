// Full syncs: the snapshots replicas wait for, and who is sent which.
#include "replicas_state.h"

#include <algorithm>

#include <unistd.h>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>

#include "effect_feed.h"

namespace skein {

using Phase = ReplicaSession::Phase;
using Kind = FullSyncPlan::Kind;
using Arrival = FullSyncPlan::Arrival;

namespace {

// What of a streamed snapshot may wait here for the slowest replica before the child has to wait.
constexpr std::size_t kStreamAhead = 2 * 1024 * 1024;

SnapshotWish wish_of(const ReplicaSession& replica) {
  return {.keys = replica.wants_keys, .functions = replica.wants_functions};
}

}  // namespace

void Replicas::State::begin_full_sync(Session& session, bool old_protocol) {
  Follower& follower = add(session);
  follower.old_protocol = old_protocol;
  follower.facts().phase = Phase::kWaitingForSnapshot;
  ++full_syncs_;
  if (!hold_back(follower)) plan_for(follower);
}

// It is kept waiting as any that waits for a snapshot: with a line end each second.
bool Replicas::State::hold_back(Follower& follower) {
  const std::string name = name_of_replica(follower.session);
  follower.held_until = backoff_.may_begin_at(origin_of_replica(follower.session));
  const MonoTime now = read_boot_clock();
  if (follower.held_until <= now) return false;
  const OutputLimit& limit = parts_.config->client_output_buffer_limit[kReplicaClients];
  warning(fmt::format("Replica {} waits {} seconds for its full sync: it took the last one so much slower than we write that "
                      "this one would fail too. What helps is a larger client-output-buffer-limit for replicas (now {} {} "
                      "{}), fewer writes or a faster replica",
                      name, std::chrono::ceil<seconds>(follower.held_until - now).count(), limit.hard, limit.soft,
                      limit.soft_for.count()));
  return true;
}

void Replicas::State::plan_for_held(MonoTime now) {
  for (const auto& follower : followers_) {
    if (follower->doomed || follower->held_until == MonoTime{} || now < follower->held_until) continue;
    follower->held_until = {};
    if (follower->phase() == Phase::kWaitingForSnapshot) plan_for(*follower);
  }
}

void Replicas::State::plan_for(Follower& follower) {
  follower.held_until = {};
  const Session& session = follower.session;
  const ReplicaSession& replica = follower.facts();
  const bool log_holds_start = current_ != nullptr && current_->joinable && parts_.log.holds(current_->at);
  const Arrival arrival = plan_.on_arrival(
      {.number = session.id(), .takes_stream = replica.capable_of_eof, .wish = wish_of(replica), .since = read_boot_clock()},
      parts_.snapshots.has_child(), log_holds_start);
  switch (arrival) {
    case Arrival::kJoins:
      notice("Waiting for end of BGSAVE for SYNC");
      attach(follower, current_);
      return;
    case Arrival::kWaitsBehindStream:
      notice("Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC");
      return;
    case Arrival::kWaitsBehindForeign:
    case Arrival::kWaitsBehindOther:
    case Arrival::kWaitsBehindLog:
      notice("Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC");
      return;
    case Arrival::kWaits:
      if (parts_.config->repl_diskless_sync && replica.capable_of_eof &&
          parts_.config->repl_diskless_sync_delay.count() > 0) {
        notice("Delay next BGSAVE for diskless SYNC");
      }
      start_later();
      return;
  }
}

// Not from inside the call or the callback that made it possible.
void Replicas::State::start_later() {
  if (start_posted_) return;
  start_posted_ = true;
  asio::post(parts_.loop, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    start_posted_ = false;
    start_due();
    settle();
  });
}

void Replicas::State::start_due() {
  const Settings& settings = parts_.config.settings();
  const FullSyncPolicy policy{.diskless = settings.repl_diskless_sync,
                              .delay = settings.repl_diskless_sync_delay,
                              .max_replicas = static_cast<std::size_t>(settings.repl_diskless_sync_max_replicas)};
  while (plan_.waiting() > 0) {
    const MonoTime now = read_boot_clock();
    const auto start = plan_.next_start(now, policy, parts_.snapshots.has_child());
    // Who has to wait is asked again by the cron.
    if (!start || !pace_.may_start(now)) return;
    pace_.on_started(now);
    if (begin(*start)) return;
  }
}

// With persistence switched off nobody wants the file that a full sync leaves behind, if the
// user says so.
bool Replicas::State::removes_sync_files() const {
  const Settings& settings = parts_.config.settings();
  if (settings.dbfilename.empty()) return true;  // there is no name under which it could stay
  return settings.rdb_del_sync_files && settings.save.empty() && !settings.appendonly;
}

bool Replicas::State::begin(const FullSyncPlan::Start& start) {
  notice(fmt::format("Starting BGSAVE for SYNC with target: {}", start.kind == Kind::kFile ? "disk" : "replicas sockets"));
  // From here on every write must be in the log: the snapshot ends at this offset.
  if (!parts_.log.is_open()) {
    parts_.log.open();
    notice(fmt::format("Replication backlog created, my replication IDs are '{}' and '{}'", parts_.history.id.view(),
                       parts_.history.former ? parts_.history.former->id.view() : ReplicationId{}.view()));
    hooks_.changed();
  }
  if (!hooks_.is_replica()) parts_.feed.forget_database();
  auto snapshot = std::make_shared<SyncSnapshot>(start.kind, parts_.log.end());
  if (start.kind == Kind::kStream) snapshot->mark = random_.hex(40);
  const auto begun = begin_child(start, snapshot);
  if (begun) {
    plan_.on_started(start, snapshot->at);
    current_ = snapshot;
  } else {
    warning(fmt::format("BGSAVE for replication failed: {}", begun.error().message()));
    plan_.on_failed(start);
  }
  for (const auto& follower : followers_) {
    const auto& who = start.who;
    if (follower->doomed || std::find(who.begin(), who.end(), follower->session.id()) == who.end()) continue;
    if (begun) {
      attach(*follower, snapshot);
    } else {
      follower->head += "-ERR BGSAVE failed, replication can't continue\r\n";
      push(*follower);
      doom(*follower);
    }
  }
  return begun.has_value();
}

Result<void> Replicas::State::begin_child(const FullSyncPlan::Start& start, const std::shared_ptr<SyncSnapshot>& snapshot) {
  const RdbWriteOptions options{.compress = parts_.config->rdbcompression,
                                .checksum = parts_.config->rdbchecksum,
                                .with_keys = start.wish.keys,
                                .with_functions = start.wish.functions,
                                .progress = {}};
  const std::weak_ptr alive(alive_);
  if (start.kind == Kind::kFile) {
    return parts_.snapshots.snapshot_to_file(options, removes_sync_files(), [=, this](Snapshots::FileOutcome outcome) {
      if (!alive.expired()) on_file_written(snapshot, outcome);
    });
  }
  return parts_.snapshots.snapshot_to_stream(
      options, {.on_bytes =
                    [=, this](std::string_view bytes) {
                      if (!alive.expired()) on_stream_bytes(*snapshot, bytes);
                    },
                .want_more = [=, this] { return alive.expired() || wants_more(*snapshot); },
                .on_end =
                    [=, this](const Result<void>& outcome) {
                      if (!alive.expired()) on_stream_ended(snapshot, outcome);
                    }});
}

void Replicas::State::attach(Follower& follower, const std::shared_ptr<SyncSnapshot>& snapshot) {
  follower.snapshot = snapshot;
  if (!follower.old_protocol) {
    follower.head += fmt::format("+FULLRESYNC {} {}\r\n", parts_.history.id.view(), snapshot->at.value);
  }
  if (!follower.facts().rdb_only) follower.stream.emplace(parts_.log.read_from(snapshot->at));
  if (snapshot->kind == Kind::kStream) {
    follower.facts().phase = Phase::kReceivingSnapshot;
    follower.head += fmt::format("$EOF:{}\r\n", snapshot->mark);
    follower.payload.emplace(snapshot->payload.read_from(snapshot->payload.end()));
  }
  follower.progress_at = read_boot_clock();
  push(follower);
}

void Replicas::State::on_file_written(const std::shared_ptr<SyncSnapshot>& snapshot, const Snapshots::FileOutcome& outcome) {
  if (current_ == snapshot) current_.reset();
  plan_.on_ended();
  if (outcome.written) {
    if (auto file = FileReader::open(outcome.path)) {
      snapshot->file.emplace(std::move(*file));
      snapshot->complete = true;
    } else {
      warning(fmt::format("SYNC failed. Can't open/stat DB after BGSAVE: {}", file.error().message()));
    }
    if (removes_sync_files()) (void)::unlink(outcome.path.c_str());
  }
  for (const auto& follower : followers_) {
    if (follower->doomed || follower->snapshot != snapshot) continue;
    if (!snapshot->complete) {
      if (!outcome.written) warning("SYNC failed. BGSAVE child returned an error");
      doom(*follower);
      continue;
    }
    follower->facts().phase = Phase::kReceivingSnapshot;
    follower->progress_at = read_boot_clock();
    follower->head += fmt::format("${}\r\n", snapshot->file->size());
    push(*follower);
  }
  settle();
  start_later();
}

void Replicas::State::on_stream_bytes(SyncSnapshot& snapshot, std::string_view bytes) {
  snapshot.payload.append(bytes);
  for (const auto& follower : followers_) {
    if (!follower->doomed && follower->snapshot.get() == &snapshot) push(*follower);
  }
  settle();
}

bool Replicas::State::wants_more(const SyncSnapshot& snapshot) const {
  std::size_t farthest = 0;
  for (const auto& follower : followers_) {
    if (follower->snapshot.get() == &snapshot && follower->payload) farthest = std::max(farthest, follower->payload->behind());
  }
  return farthest < kStreamAhead;
}

void Replicas::State::resume_stream_later() {
  if (resume_posted_ || current_ == nullptr || current_->kind != Kind::kStream || !wants_more(*current_)) return;
  resume_posted_ = true;
  asio::post(parts_.loop, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    resume_posted_ = false;
    if (current_ != nullptr && current_->kind == Kind::kStream) parts_.snapshots.resume_stream();
  });
}

void Replicas::State::on_stream_ended(const std::shared_ptr<SyncSnapshot>& snapshot, const Result<void>& outcome) {
  if (current_ == snapshot) current_.reset();
  plan_.on_ended();
  if (outcome) {
    snapshot->payload.append(snapshot->mark);
    snapshot->complete = true;
  }
  std::size_t still_up = 0;
  for (const auto& follower : followers_) {
    if (follower->doomed || follower->snapshot != snapshot) continue;
    if (!outcome) {
      warning(fmt::format("Diskless rdb transfer to replica {} failed: {}", name_of_replica(follower->session),
                          outcome.error().message()));
      doom(*follower);
      continue;
    }
    ++still_up;
    push(*follower);
  }
  if (outcome) notice(fmt::format("Diskless rdb transfer, done reading from pipe, {} replicas still up.", still_up));
  settle();
  start_later();
}

// All of it has left for this replica.
void Replicas::State::finish_snapshot(Follower& follower) {
  const bool streamed = follower.snapshot->kind == Kind::kStream;
  const std::string name = name_of_replica(follower.session);
  follower.payload.reset();
  follower.snapshot.reset();
  follower.progress_at = read_boot_clock();
  if (follower.facts().rdb_only) {
    follower.facts().phase = Phase::kSnapshotSent;
    notice(fmt::format("RDB transfer completed, rdb only replica ({}) should be disconnected asap", name));
  } else if (streamed) {
    follower.awaits_acknowledgement = true;
    notice(fmt::format("Streamed RDB transfer with replica {} succeeded (socket). Waiting for REPLCONF ACK from slave to "
                       "enable streaming",
                       name));
  } else {
    go_online(follower);
    synchronized(fmt::format("Synchronization with replica {} succeeded", name));
  }
}

// Nobody waits any more for what the child writes. A file may be wanted by the user's save points.
void Replicas::State::abandon_unneeded_snapshot() {
  if (current_ == nullptr) return;
  for (const auto& follower : followers_) {
    if (follower->snapshot == current_) return;
  }
  if (current_->kind == Kind::kFile && !parts_.config->save.empty()) return;
  if (current_->kind == Kind::kStream) warning("Diskless rdb transfer, last replica dropped, killing fork child.");
  current_.reset();
  parts_.snapshots.kill_child();
}

}  // namespace skein
