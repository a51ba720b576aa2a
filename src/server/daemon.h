// One node: builds all its parts, owns them, and carries out what handlers ask for.
//
// Everything runs on the thread that calls run(); helper threads get values and post their
// results back. The parts, in the order they depend on each other: configuration, keyspace,
// sessions, dispatch, client turns, loading and snapshots, listeners, the cluster member.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <skein/commands/services.h>
#include <skein/config/parse.h>
#include <skein/net/listeners.h>

#include "build_info.h"
#include "client_turns.h"
#include "cluster_runner.h"
#include "ending.h"
#include "job_thread.h"
#include "loading.h"
#include "replication.h"
#include "log.h"
#include "memory_limit.h"
#include "migrations.h"
#include "rates.h"
#include "snapshots.h"
#include "takeover_request.h"
#include "tick_clock.h"

namespace skein {

// What the process knows and the configuration does not.
struct ProcessFacts {
  BuildInfo build;
  std::string program;      // as it was started
  std::string executable;   // its path
  std::string config_file;  // absolute; empty: none
  CommandLine command_line;
  std::optional<std::string> standard_input;  // the configuration that came that way
  std::string start_directory;
  std::string supervised = "no";
  std::uint64_t startup_memory = 0;
};

class Daemon final : public NodeActions {
 public:
  // The commands that `loaded` renames exist, and their new names are free.
  Daemon(LoadedConfig loaded, ProcessFacts process, Log& log);
  ~Daemon() override;

  // Listens and joins the cluster. The error is ready to be logged.
  Result<void> start();
  // Loads the data and serves until it is told to stop; the exit code.
  int run();

  // What the process's title shows, and how to change it.
  std::function<void(const Settings&)> on_title_changed;
  // The data is there, clients are served.
  std::function<void()> on_ready;
  // There will be nothing to serve: why.
  std::function<void(std::string_view)> on_given_up;

  std::optional<ApplyFailure> apply_config(const SettingsChange& change) override;
  Result<void> rewrite_config() override;
  void pause_clients(PauseKind kind, MonoTime until) override;
  void close_session(Session& session, bool after_replies) override;
  Result<void> shut_down(const ShutdownRequest& request) override;
  [[nodiscard]] bool waits_to_shut_down() const override { return ending_.is_under_way(); }
  bool abort_shutdown() override;
  void free_later(std::vector<DetachedTables> tables) override;
  [[nodiscard]] InfoFacts info_facts() override;
  void reset_statistics() override;
  void carry_out_cluster_effects() override;
  void carry_out_slot_move() override;
  [[nodiscard]] BusLinkFigures bus_link_figures(LinkId link) override;
  [[nodiscard]] std::uint64_t bus_links_over_limit() override;
  [[nodiscard]] bool is_cluster_saved() override;
  void sleep(microseconds time) override;
  [[noreturn]] void crash(bool by_assert) override;
  void log_notice(std::string_view line) override;
  void log_warning(std::string_view line) override;
  void log_outsider(std::string_view cause, std::string_view line) override;
  [[nodiscard]] std::int64_t wall_micros() override;
  void set_active_expire(bool on) override;
  void change_replication_id() override;

 private:
  // daemon.cc: building, running, the loop's own events.
  [[nodiscard]] Result<void> start_cluster();
  void become_ready();
  void accept(Accepted accepted);
  void begin_turn();
  void end_turn();
  void refresh_gates();
  [[nodiscard]] Result<void> handle_signals();
  void wait_for_signal();
  void on_stop_signal(int signal);
  void reopen_log();
  void give_up(std::string_view why);
  void stop_serving();

  // daemon_ending.cc: from the wish to end to the end.
  [[nodiscard]] EndingFacts ending_facts();
  [[nodiscard]] Result<void> take_step(Ending::Step step);
  void take_step_later(Ending::Step step);
  void judge_ending();
  void hand_over();
  void ask_to_take_over(const HandoverEnded::AskAsClient& whom);
  void on_handover_ended(const HandoverEnded& outcome);
  void on_handed_over();
  void on_not_handed_over(std::string_view why);
  void abandon_handover();
  void wait_for_replicas();
  [[nodiscard]] Result<void> end(const ShutdownRequest& request);
  void call_off_ending();
  void tell_lagging_replicas();
  void finish();

  // daemon_data.cc: the data on disk: loading it at start, what a snapshot says of it.
  void load_data();
  void on_loaded(const Loading::Loaded& loaded, MonoTime begun);
  void hold_back_without_data();
  [[nodiscard]] Result<void> claim_held_slots();
  [[nodiscard]] RdbFacts snapshot_facts() const;

  // daemon_role.cc: primary or replica, outside the cluster and in it.
  [[nodiscard]] Replication::Hooks replication_hooks();
  // Who keeps writers waiting, besides CLIENT PAUSE. While one does nothing changes, not even by
  // time, and nothing enters the stream to replicas.
  enum Holder : std::uint8_t { kFailover = 1, kTakeover = 2, kEnding = 4 };
  void hold_writers(Holder holder, bool on);
  void hold_writers_for_takeover(MonoTime until);
  void resume_later(SuspendReason reason);
  [[nodiscard]] bool is_replica() const;
  [[nodiscard]] bool is_being_promoted() const;
  void follow_cluster_role();
  void on_cluster_changed();
  [[nodiscard]] DataFacts data_facts() const;
  void offer_data();
  [[nodiscard]] std::uint32_t role_gates() const;
  [[nodiscard]] MemoryLimit::Hooks memory_hooks();
  [[nodiscard]] bool may_evict() const;
  [[nodiscard]] std::size_t uncounted_memory() const;
  [[nodiscard]] Result<void> save_before_the_end(const ShutdownRequest& request);

  // daemon_lease.cc: whether a primary may write and say so.
  void judge_lease(MonoTime now);
  [[nodiscard]] bool may_acknowledge() const;  // by a fresh one
  void follow_lease();
  bool owned_slots_ = false;       // when it was last followed
  std::uint64_t slots_seen_ = 0;

  // daemon_cron.cc: what happens by time.
  void cron_later();
  void cron();
  void expire_keys();
  void end_pause();

  // daemon_config.cc: settings that act.
  [[nodiscard]] Result<void> apply(const Directive& directive, const SettingsChange& change);
  [[nodiscard]] Result<void> apply_listeners(const Settings& before);
  [[nodiscard]] Result<void> apply_directory();
  void apply_limits();
  void warn_of_memory_limit();

  Log& log_;
  ProcessFacts process_;
  Config config_;
  asio::io_context loop_;
  JobThread jobs_;
  TickClock tick_clock_;
  Keyspace keyspace_;
  CommandTable commands_;
  CommandStats stats_;
  Slowlog slowlog_;
  SessionRegistry sessions_;
  WatchTable watch_;
  NodeFacts facts_;
  Services services_;
  Dispatcher dispatcher_;
  ClientTurns turns_;
  Loading loading_;
  Snapshots snapshots_;
  Replication replication_;
  Migrations migrations_;
  MemoryLimit memory_limit_;
  std::vector<std::string> functions_;  // libraries that came with the data: kept, not run
  Listeners listeners_;
  std::unique_ptr<ClusterRunner> cluster_;
  asio::steady_timer cron_timer_;
  asio::steady_timer pause_timer_;
  asio::posix::stream_descriptor signals_;
  char signal_ = 0;  // the last one
  std::string run_id_;
  MonoTime started_;
  Rates rates_;
  PauseKind pause_ = PauseKind::kNone;
  std::uint8_t writers_held_by_ = 0;  // bits of Holder
  asio::steady_timer takeover_timer_;
  Ending ending_;
  bool handover_begun_ = false;
  bool handed_over_ = false;  // while it ends: another node owns its slots
  ReplOffset last_offset_;    // that replicas must have acknowledged before it ends
  std::shared_ptr<TakeoverRequest> takeover_request_;
  bool active_expire_ = true;
  bool stopping_ = false;
  int exit_code_ = 0;
  std::uint64_t cron_rounds_ = 0;
  std::uint64_t peak_memory_ = 0;
  std::uint64_t connections_received_ = 0;
  std::uint64_t connections_rejected_ = 0;
  std::uint64_t lazyfreed_ = 0;
  std::uint64_t lazyfree_pending_ = 0;
  std::uint64_t expire_cycle_micros_ = 0;
  std::uint64_t expire_time_cap_reached_ = 0;
};

}  // namespace skein
