#include "daemon.h"

#include <csignal>

#include <asio/buffer.hpp>
#include <fmt/format.h>

#include <skein/base/assert.h>
#include <skein/base/clock.h>
#include <skein/base/memory.h>
#include <skein/commands/renaming.h>
#include <skein/commands/table.h>
#include <skein/disk/leftovers.h>

#include "client_room.h"
#include "process.h"
#include "stop_signals.h"

namespace skein {

namespace {

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kTooManyWithCluster = "-ERR max number of clients + cluster connections reached\r\n";
LogLevel log_level(EventLevel level) {
  switch (level) {
    case EventLevel::kDebug: return LogLevel::kDebug;
    case EventLevel::kVerbose: return LogLevel::kVerbose;
    case EventLevel::kNotice: return LogLevel::kNotice;
    case EventLevel::kWarning: break;
  }
  return LogLevel::kWarning;
}

// Lines that follow each other in a cluster that is well.
constexpr std::string_view kBusDetails = "details of the cluster bus";
constexpr int kBusBurst = 200;
constexpr std::string_view kProtectedMode =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    "default user. In this mode connections are only accepted from the loopback interface. If you want to connect "
    "from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode "
    "sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the "
    "same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. "
    "Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by "
    "editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the "
    "server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' "
    "option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above "
    "things in order for the server to start accepting connections from the outside.\r\n";

// Clients' sockets leave asio's own readiness set for ClientNet's.
Stream take_over(Accepted& accepted) {
  asio::error_code ignored;
  return Stream(accepted.socket.release(ignored));
}

void refuse(Accepted& accepted, std::string_view why) {
  asio::error_code ignored;
  take_over(accepted).write(std::span(&why, 1), ignored);
}

}  // namespace

Daemon::Daemon(LoadedConfig loaded, ProcessFacts process, Log& log)
    : log_(log),
      process_(std::move(process)),
      config_(std::move(loaded.config)),
      loop_(1),
      jobs_(loop_),
      keyspace_(config_->databases, config_->cluster_enabled, Random::from_system().next()),
      commands_(all_command_specs()),
      stats_(commands_.all().size()),
      watch_(keyspace_),
      services_{.config = config_,
                .commands = commands_,
                .stats = stats_,
                .slowlog = slowlog_,
                .sessions = sessions_,
                .watch = watch_,
                .facts = facts_,
                .actions = *this},
      dispatcher_({.commands = commands_,
                   .keyspace = keyspace_,
                   .services = services_,
                   .stats = stats_,
                   .slowlog = slowlog_,
                   .facts = facts_}),
      turns_({.loop = loop_,
              .dispatcher = dispatcher_,
              .keyspace = keyspace_,
              .sessions = sessions_,
              .watch = watch_,
              .settings = config_.settings(),
              .facts = facts_},
             {.begin_turn = [this] { begin_turn(); },
              .end_turn = [this] { end_turn(); },
              .may_acknowledge = [this] { return may_acknowledge(); },
              .begin_batch = [this] { memory_limit_.hold(); },
              .log = [this](std::string_view cause, LogLevel level,
                            std::string_view line) { log_.outsider(cause, level, line); },
              .flush_replica = [this](Session& session) { replication_.replicas().on_writable(session); },
              .on_closing =
                  [this](Session& session) {
                    replication_.on_closed(session);
                    migrations_.on_closed(session);
                  }}),
      loading_(loop_, keyspace_, {.changed = [this] { refresh_gates(); }}),
      snapshots_(loop_, config_, keyspace_, loading_, log_,
                 {.facts = [this] { return snapshot_facts(); }, .changed = [this] { refresh_gates(); }}),
      replication_({.loop = loop_,
                    .config = config_,
                    .keyspace = keyspace_,
                    .dispatcher = dispatcher_,
                    .sessions = sessions_,
                    .turns = turns_,
                    .snapshots = snapshots_,
                    .loading = loading_,
                    .logger = log_,
                    .facts = facts_},
                   replication_hooks()),
      migrations_({.loop = loop_,
                   .config = config_,
                   .keyspace = keyspace_,
                   .dispatcher = dispatcher_,
                   .turns = turns_,
                   .facts = facts_},
                  {.begin_turn = [this] { begin_turn(); }, .end_turn = [this] { end_turn(); }}),
      memory_limit_({.loop = loop_, .settings = config_.settings(), .keyspace = keyspace_}, memory_hooks()),
      listeners_(
          loop_, [this](Accepted accepted) { accept(std::move(accepted)); },
          [this](const std::string& why) {
            log_.outsider("connections that cannot be taken", LogLevel::kWarning,
                          fmt::format("Accepting client connection: accept: {}", why));
          }),
      cron_timer_(loop_),
      pause_timer_(loop_),
      signals_(loop_),
      takeover_timer_(loop_) {
  facts_.is_memory_short = [this] {
    memory_limit_.hold();
    return memory_limit_.refuses();
  };
  facts_.lacks_room = [this](std::size_t bytes, std::size_t in_one_piece) {
    return !memory_limit_.fits(bytes) || !can_allocate(in_one_piece);
  };
  services_.dispatcher = &dispatcher_;
  services_.snapshots = &snapshots_;
  services_.replication = &replication_;
  services_.migrations = &migrations_;
  Random random = Random::from_system();
  run_id_ = random.hex(40);
  const bool renamed = rename_commands(commands_, loaded.renamed_commands).has_value();
  SKEIN_ASSERT(renamed);
  replication_.name_commands(commands_);
  started_ = read_boot_clock();
  facts_.now = read_clocks();
  apply_limits();
  refresh_gates();
}

Daemon::~Daemon() = default;

Result<void> Daemon::start() {
  const Settings& settings = config_.settings();
  begin_turn();
  if (auto result = handle_signals(); !result) return result;
  const bool listens = settings.port != 0 && !settings.bind.empty();
  if (!listens && settings.unixsocket.empty()) return Error("Configured to not listen anywhere, exiting.");
  if (auto result = listeners_.listen_tcp(settings.bind, settings.port, settings.tcp_backlog); !result) {
    log_.warning("Warning: " + result.error().message());
    return Error(fmt::format("Failed listening on port {} (TCP), aborting.", settings.port));
  }
  if (!settings.unixsocket.empty()) {
    if (auto result = listeners_.listen_unix(settings.unixsocket, settings.unixsocketperm, settings.tcp_backlog); !result) {
      return result;
    }
  }
  if (settings.cluster_enabled) {
    if (auto result = start_cluster(); !result) return result;
  }
  for (const auto& missing : listeners_.passed_over()) log_.warning("Warning: " + missing);
  log_.notice(fmt::format("Running mode={}, port={}.", settings.cluster_enabled ? "cluster" : "standalone", settings.port));
  cron_later();
  log_.notice("Server initialized");
  if (!process_.config_file.empty()) remove_unfinished_replacements(process_.config_file);
  for (const Leftover& file : remove_leftovers(settings.dir, settings.dbfilename)) {
    log_.notice(fmt::format("Removed {}, {} bytes, which a process that was killed had not finished", file.name, file.bytes));
  }
  return {};
}

void Daemon::become_ready() {
  const Settings& settings = config_.settings();
  if (settings.port != 0 && !settings.bind.empty()) log_.notice("Ready to accept connections");
  if (!settings.unixsocket.empty()) {
    log_.notice(fmt::format("The server is now ready to accept connections at {}", settings.unixsocket));
  }
  notify_supervisor(process_.supervised, "STATUS=Ready to accept connections\nREADY=1\n");
  if (on_ready) on_ready();
  hold_back_without_data();
  if (cluster_ == nullptr) {
    replication_.start();
  } else {
    follow_cluster_role();
  }
}

Result<void> Daemon::start_cluster() {
  ClusterHooks hooks{
      .log =
          [this](EventLevel level, std::string_view text) {
            switch (level) {
              // Among these is what strangers on the bus port bring about.
              case EventLevel::kDebug:
              case EventLevel::kVerbose: log_.outsider(kBusDetails, log_level(level), text, kBusBurst); break;
              case EventLevel::kNotice: log_.notice(text); break;
              case EventLevel::kWarning: log_.warning(text); break;
            }
          },
      .log_outsider = [this](std::string_view cause, EventLevel level,
                             std::string_view text) { log_.outsider(cause, log_level(level), text); },
      .free_later = [this](std::vector<DetachedTables> tables) { free_later(std::move(tables)); },
      .changed = [this] { on_cluster_changed(); },
      .data = [this] { return data_facts(); },
      .losing = [this](Slot slot) { replication_.tell_removal_of(slot); },
      .pause_writers = [this](MonoTime until) { hold_writers_for_takeover(until); },
      .resume_writers = [this] { hold_writers(kTakeover, false); },
      .handover_ended = [this](const HandoverEnded& outcome) { on_handover_ended(outcome); }};
  auto runner = ClusterRunner::start(loop_, config_, keyspace_, jobs_, std::move(hooks));
  if (!runner) return runner.error();
  cluster_ = std::move(*runner);
  services_.cluster = &cluster_->node();
  facts_.router = &cluster_->router();
  facts_.served_slots = cluster_->router().served_slots();
  refresh_gates();
  return {};
}

int Daemon::run() {
  begin_turn();
  load_data();
  loop_.run();
  return exit_code_;
}

void Daemon::accept(Accepted accepted) {
  const std::size_t links = cluster_ != nullptr ? cluster_->link_count() : 0;
  if (judge_room(turns_.count(), links, config_->maxclients, accepted.local) != RoomVerdict::kRoom) {
    ++connections_rejected_;
    refuse(accepted, cluster_ != nullptr ? kTooManyWithCluster : kTooManyClients);
    return;
  }
  if (config_->protected_mode && config_->requirepass.empty() && !accepted.local) {
    ++connections_rejected_;
    refuse(accepted, kProtectedMode);
    return;
  }
  ++connections_received_;
  Session& session = turns_.adopt(take_over(accepted));
  session.address = std::move(accepted.address);
  session.local_address = std::move(accepted.local_address);
  session.local = accepted.local;
  session.unix_socket = accepted.unix_socket;
  session.descriptor = Client::of(session).connection().descriptor();
  session.created = session.last_active = read_boot_clock();
  session.shut(gate::kAuth, !config_->requirepass.empty());
  turns_.start(session);
}

// Clocks are read once a turn. What a command changes for others (a pause, a role) acts
// from the next turn on, or at once where its action says so.
void Daemon::begin_turn() {
  facts_.now = read_clocks();
  keyspace_.context().now = facts_.now.wall;
  judge_lease(facts_.now.mono);
  memory_limit_.hold();
}

void Daemon::end_turn() {
  if (cluster_ != nullptr) cluster_->carry_out_effects(false);
  replication_.on_end_of_turn();
  offer_data();
}

void Daemon::refresh_gates() {
  const Settings& settings = config_.settings();
  std::uint32_t gates = 0;
  if (settings.enable_debug_command != Permit::kYes) gates |= gate::kDebug;
  facts_.debug_for_local = settings.enable_debug_command == Permit::kLocal;
  if (pause_ == PauseKind::kAll) gates |= gate::kPauseAll;
  if (pause_ == PauseKind::kWrite) gates |= gate::kPauseWrite;
  if (settings.cluster_enabled) gates |= gate::kCluster;
  if (loading_.shuts_gate()) gates |= gate::kLoading;
  if (snapshots_.refuses_writes()) gates |= gate::kDisk;
  if (memory_limit_.refuses()) gates |= gate::kMemory;
  gates |= role_gates();
  if (is_replica()) migrations_.end_all();
  if (!keyspace_.context().flying.empty()) gates |= gate::kFlight;
  // While writers wait nothing may change, not even by time.
  keyspace_.context().delete_expired = !is_replica() && pause_ == PauseKind::kNone && (gates & gate::kPauseWrite) == 0;
  log_.set_role(is_replica() ? 'S' : 'M');
  facts_.gates = gates;
  judge_lease(facts_.now.mono);
}

Result<void> Daemon::handle_signals() {
  const auto descriptor = catch_signals();
  if (!descriptor) return descriptor.error().within("signal handlers");
  signals_.assign(*descriptor);
  wait_for_signal();
  return {};
}

void Daemon::wait_for_signal() {
  signals_.async_read_some(asio::buffer(&signal_, 1), [this](const asio::error_code& error, std::size_t) {
    if (error) return;
    if (signal_ == SIGHUP) {
      reopen_log();
    } else {
      on_stop_signal(signal_);
    }
    wait_for_signal();
  });
}

void Daemon::on_stop_signal(int signal) {
  const std::string_view name = signal == SIGINT ? "SIGINT" : signal == SIGQUIT ? "SIGQUIT" : "SIGTERM";
  begin_turn();
  if (ending_.is_under_way() && signal != SIGINT) {
    log_.notice(fmt::format("Received {}: shutting down already", name));
  } else {
    log_.warning(fmt::format("Received {} scheduling shutdown...", name));
    const std::uint8_t how = signal == SIGINT ? config_->shutdown_on_sigint : config_->shutdown_on_sigterm;
    const ShutdownRequest request{.save = (how & kShutdownSave) != 0,
                                  .nosave = (how & kShutdownNosave) != 0,
                                  .now = (how & kShutdownNow) != 0 || ending_.is_under_way(),
                                  .force = (how & kShutdownForce) != 0};
    if (auto result = shut_down(request); !result) {
      log_.warning(
          fmt::format("{} received but errors trying to shut down the server, check the logs for more information", name));
    }
  }
  if (stopping_) return;
  if (ending_.is_under_way()) {
    wait_to_stop();
  } else {
    serve_on();
  }
}

void Daemon::reopen_log() {
  if (auto result = log_.reopen(); !result) {
    log_.warning(result.error().message());
    return;
  }
  log_.notice("Received SIGHUP, log file opened again");
}

}  // namespace skein
