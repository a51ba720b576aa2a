// What Replicas holds: each replica with what it is sent, the snapshots under way, waiting calls.
//
// A replica is sent, in this order: lines of the protocol, its snapshot (from a file, or as the
// child writes it), what was moved from the log to a file meanwhile, the log. Files:
// replicas.cc introduces replicas, replicas_sync.cc has full syncs, replicas_send.cc the
// sockets and limits, replicas_time.cc what happens by time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/steady_timer.hpp>

#include <skein/base/clock.h>
#include <skein/base/random.h>
#include <skein/disk/file_reader.h>
#include <skein/disk/spill_file.h>
#include <skein/net/client_connection.h>
#include <skein/replication/full_sync_plan.h>
#include <skein/replication/lag_verdict.h>
#include <skein/replication/snapshot_pace.h>
#include <skein/replication/sync_backoff.h>
#include <skein/replication/sync_verdict.h>

#include "replicas.h"

namespace skein {

// A snapshot that is made for replicas, and then sent to them.
struct SyncSnapshot {
  SyncSnapshot(FullSyncPlan::Kind its_kind, ReplOffset where) : kind(its_kind), at(where) {}

  FullSyncPlan::Kind kind;
  ReplOffset at;           // the data is as of there
  bool joinable = true;    // its history is still ours
  bool complete = false;   // everything is in `file`, or in `payload` with the mark behind it
  std::optional<FileReader> file;
  std::string mark;        // kStream: ends the payload
  ReplicationLog payload{0};
};

struct Follower {
  Follower(Session& its_session, ClientConnection& its_connection)
      : session(its_session), connection(its_connection) {}

  Session& session;
  ClientConnection& connection;
  bool old_protocol = false;
  MonoTime held_until{};  // its full sync is not even planned before
  bool doomed = false;  // is gone but for the object
  std::string head;     // lines of the protocol, before everything else
  std::shared_ptr<SyncSnapshot> snapshot;
  std::uint64_t file_sent = 0;
  std::optional<ReplicationLog::Reader> payload;  // of `snapshot`; goes before it
  // The end of a streamed snapshot is found by its mark, so nothing may follow until the
  // replica says that it has it.
  bool awaits_acknowledgement = false;
  std::optional<ReplicationLog::Reader> stream;
  std::optional<SpillFile> spill;  // lies between what was sent and `stream`
  // Replies waited in vain for it to acknowledge this: until it does, none wait for it again.
  ReplOffset too_late_for;
  // Once it has been at the end of the log its limit cuts it; before, its part is spilled.
  bool caught_up = false;
  MonoTime progress_at{};  // the last time it took something, or had nothing to take

  [[nodiscard]] ReplicaSession& facts() const { return *session.replica; }
  [[nodiscard]] ReplicaSession::Phase phase() const { return facts().phase; }
};

class Replicas::State {
 public:
  State(Parts parts, Hooks hooks);

  // replicas.cc
  void serve(Session& session, const SyncRequest& request);
  void on_acknowledged(Session& session, ReplOffset offset, MonoTime now);
  void on_closed(Session& session);
  void disconnect_all(std::string_view why);
  void fill(ReplicationFacts& facts, Now now) const;
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::uint64_t good_count(Now now) const;
  [[nodiscard]] std::uint64_t acknowledged_by(ReplOffset written) const;

  // replicas_send.cc
  void flush();
  void on_writable(Session& session);

  // replicas_replies.cc
  void hold_replies(Session& session);
  void release_replies(bool all);

  // replicas_time.cc
  void on_cron(Now now);
  void await(Session& session, ReplOffset written, std::uint64_t wanted, MonoTime until);
  void answer_waits(bool all);
  void break_off_waits();

  std::uint64_t full_syncs_ = 0;
  std::uint64_t partial_syncs_ = 0;
  std::uint64_t partial_refusals_ = 0;
  std::uint64_t bytes_sent_ = 0;

 private:
  struct Wait {
    Session* session;
    ReplOffset written;
    std::uint64_t wanted;
    MonoTime until;
  };

  struct HeldReplies {
    Session* session;
    std::optional<ReplOffset> written;  // nothing: this turn is not over
    MonoTime until{};
  };

  // replicas.cc
  [[nodiscard]] bool take_over(Session& session, const SyncRequest& request);
  void tell_refusal(const Session& session, const SyncRequest& request, SyncVerdict verdict);
  void go_on(Session& session, ReplOffset at);
  void go_online(Follower& follower);
  Follower& add(Session& session);
  [[nodiscard]] Follower* find(const Session& session) const;
  // It is no replica any more from now on; its object goes with the next settle().
  void doom(Follower& follower);
  // To be called last by whatever may have doomed somebody or changed their number.
  void settle();
  // Anybody may ask for a synchronization. Several replicas that begin one together stay below this.
  static constexpr int kLinesAtOnce = 64;
  // A replica that is in sync again is told though others ask in vain.
  void synchronized(std::string_view text) {
    parts_.logger.outsider("replicas in sync", LogLevel::kNotice, text, kLinesAtOnce);
  }
  void notice(std::string_view text) { parts_.logger.outsider("replicas", LogLevel::kNotice, text, kLinesAtOnce); }
  void warning(std::string_view text) { parts_.logger.outsider("replicas", LogLevel::kWarning, text, kLinesAtOnce); }

  // replicas_sync.cc
  void begin_full_sync(Session& session, bool old_protocol);
  [[nodiscard]] bool hold_back(Follower& follower);
  void plan_for(Follower& follower);
  void plan_for_held(MonoTime now);
  void start_later();
  void start_due();
  [[nodiscard]] bool begin(const FullSyncPlan::Start& start);
  [[nodiscard]] Result<void> begin_child(const FullSyncPlan::Start& start, const std::shared_ptr<SyncSnapshot>& snapshot);
  void attach(Follower& follower, const std::shared_ptr<SyncSnapshot>& snapshot);
  void on_file_written(const std::shared_ptr<SyncSnapshot>& snapshot, const Snapshots::FileOutcome& outcome);
  void on_stream_bytes(SyncSnapshot& snapshot, std::string_view bytes);
  void on_stream_ended(const std::shared_ptr<SyncSnapshot>& snapshot, const Result<void>& outcome);
  [[nodiscard]] bool wants_more(const SyncSnapshot& snapshot) const;
  void resume_stream_later();
  void finish_snapshot(Follower& follower);
  void abandon_unneeded_snapshot();
  [[nodiscard]] bool removes_sync_files() const;

  // replicas_send.cc
  void push(Follower& follower);
  void send_last(Follower& follower);
  [[nodiscard]] std::size_t send_some(Follower& follower);
  [[nodiscard]] std::size_t send_file(Follower& follower);
  [[nodiscard]] std::size_t send_payload(Follower& follower);
  [[nodiscard]] std::size_t send_spill(Follower& follower);
  [[nodiscard]] std::size_t send_pieces(Follower& follower, ReplicationLog::Reader& reader);
  void hold_to_limit(Follower& follower);
  void spill(Follower& follower, const LagLimit& limit);
  // Nothing while the files of all take `bound` bytes or less.
  [[nodiscard]] Follower* largest_spill_above(std::uint64_t bound) const;
  void cut_by_limit(Follower& follower);
  void note_owed(Follower& follower) const;

  // replicas_replies.cc
  [[nodiscard]] bool is_in_sync(const Follower& follower) const;
  void note_written();
  void arm_held_timer();

  // replicas_time.cc
  void keep_alive(MonoTime now);
  [[nodiscard]] std::string_view overdue(Follower& follower, MonoTime now) const;
  void cut_silent(MonoTime now);
  void free_backlog(MonoTime now);
  void answer(Wait& wait, std::uint64_t count);
  void arm_wait_timer();

  // Of a file, at a time.
  static constexpr std::size_t kBuffer = 256 * 1024;

  Parts parts_;
  Hooks hooks_;
  Random random_ = Random::from_system();
  FullSyncPlan plan_;
  SnapshotPace pace_;
  SyncBackoff backoff_;
  std::shared_ptr<SyncSnapshot> current_;  // whose child runs
  std::vector<std::unique_ptr<Follower>> followers_;  // in the order they came
  std::vector<Wait> waits_;
  asio::steady_timer wait_timer_;
  std::vector<HeldReplies> held_;
  asio::steady_timer held_timer_;
  bool held_timer_set_ = false;
  std::vector<std::string_view> pieces_;  // of the write under way
  std::unique_ptr<char[]> buffer_;        // for what is read from files, while there are replicas
  MonoTime now_ = read_boot_clock();      // of the last cron, or of the start before the first
  MonoTime judges_silence_from_{};        // after a standstill of our own
  MonoTime last_ping_ = now_;             // or of the last round without replicas
  MonoTime last_newline_{};
  MonoTime without_replicas_since_{};
  bool asks_acknowledgements_ = false;    // with the end of this turn
  bool changed_ = false;
  bool start_posted_ = false;
  bool resume_posted_ = false;
  // Operations posted or begun hold a weak reference: none runs when the state has gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// As log lines show it: "ip:port", the port being the one it listens on.
[[nodiscard]] std::string name_of_replica(const Session& session);
[[nodiscard]] std::string ip_of_replica(const Session& session);
// Where it really comes from, with the port it listens on: what it announces may be another's address.
[[nodiscard]] std::string origin_of_replica(const Session& session);

}  // namespace skein
