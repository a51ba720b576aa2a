// A node without sockets: commands run in process, by a clock that is moved by hand.
//
//   class Strings : public CommandTest {};
//   TEST_F(Strings, SetsAndGets) {
//     EXPECT_EQ(run("SET", "k", "v"), ok());
//     advance(1s);
//     EXPECT_EQ(run("GET", "k"), bulk("v"));
//   }
//
// Every call passes the real dispatcher: gates, queueing, statistics, effects. What a
// handler asks of the node is recorded by RecordedActions; what replicas would get by
// RecordedEffects; refusals of the router come from ScriptedRouter.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/commands/services.h>
#include <skein/commands/table.h>
#include <skein/dispatch/dispatcher.h>

#include "recorded_replication.h"

namespace skein {

// Remembers what was asked of it, in order; answers what the test has set.
class RecordedActions : public NodeActions {
 public:
  std::vector<std::string> asked;
  std::optional<ApplyFailure> apply_failure;
  std::optional<std::string> rewrite_failure;
  std::optional<std::string> shutdown_failure;
  bool shutdown_under_way = false;
  bool shutdown_waits = false;
  InfoFacts info;
  // What apply_config, pause_clients and shut_down were last told.
  std::vector<std::string> applied_directives;
  PauseKind paused = PauseKind::kNone;
  MonoTime paused_until{};
  ShutdownRequest shutdown{};
  std::size_t freed_keys = 0;
  microseconds slept{};

  std::optional<ApplyFailure> apply_config(const SettingsChange& change) override;
  Result<void> rewrite_config() override;
  void pause_clients(PauseKind kind, MonoTime until) override;
  void close_session(Session& session, bool after_replies) override;
  Result<void> shut_down(const ShutdownRequest& request) override;
  [[nodiscard]] bool waits_to_shut_down() const override { return shutdown_waits; }
  bool abort_shutdown() override;
  void free_later(std::vector<DetachedTables> tables) override;
  InfoFacts info_facts() override;
  void reset_statistics() override;
  void carry_out_cluster_effects() override;
  void sleep(microseconds time) override;
  [[noreturn]] void crash(bool by_assert) override;
  void log_notice(std::string_view line) override;
  void log_warning(std::string_view line) override;
  void log_outsider(std::string_view cause, std::string_view line) override;
  std::int64_t wall_micros() override { return 1'700'000'000'000'000; }
  void set_active_expire(bool on) override;
  void change_replication_id() override;
};

// Effects as lines: "0 SET k v", with MULTI and EXEC around a unit.
class RecordedEffects : public EffectSink {
 public:
  std::vector<std::string> lines;

  void add(int db, std::span<const std::string_view> arguments) override;
  void begin_unit() override { lines.emplace_back("MULTI"); }
  void end_unit() override { lines.emplace_back("EXEC"); }
};

// Refuses with what the test has set, else nothing.
class ScriptedRouter : public Router {
 public:
  std::optional<std::string> refusal;
  std::optional<std::string> transaction_refusal;
  int asked = 0;

  std::optional<std::string> refuse(const Command& command, std::span<const std::string_view> arguments,
                                    const Session& session) override;
  std::optional<std::string> refuse_transaction(const Transaction& transaction, const Session& session) override;
};

class CommandBed;

// One client of the bed: a session and the connection that would carry it.
class BedClient : public Peer {
 public:
  BedClient(CommandBed& bed, std::uint64_t id);
  ~BedClient() override;

  Session session;
  bool closed = false;
  bool closed_after_replies = false;
  int woken = 0;
  InputFigures input;

  // The reply's bytes; empty while the call is suspended. Arguments may hold any bytes.
  std::string run(std::span<const std::string_view> arguments);
  template <typename... Args>
  std::string run(const Args&... arguments) {
    const std::string_view list[] = {std::string_view(arguments)...};
    return run(std::span<const std::string_view>(list));
  }
  std::string run(const std::vector<std::string>& words) {
    return run(std::span<const std::string_view>(std::vector<std::string_view>(words.begin(), words.end())));
  }
  // A whole line, split as the inline protocol splits it.
  std::string line(std::string_view text);
  // What has been written to the client since the last call.
  std::string take_output();
  // Runs the suspended call again, as `server` does when what it waits for has come.
  std::string resume();
  [[nodiscard]] bool suspended() const { return session.suspended != nullptr; }

  void close(bool after_replies) override;
  InputFigures input_figures() const override { return input; }
  void wake() override { ++woken; }

 private:
  CommandBed& bed_;
};

struct BedOptions {
  bool cluster_mode = false;
  int databases = 16;
  std::uint64_t seed = 42;
};

class CommandBed {
 public:
  explicit CommandBed(BedOptions options = {});
  CommandBed(const CommandBed&) = delete;
  CommandBed& operator=(const CommandBed&) = delete;

  // A client more; it lives as long as the bed, or until it is disconnected.
  BedClient& connect();
  void disconnect(BedClient& client);
  // The client that `run` speaks for.
  BedClient& client() { return *clients_.front(); }

  template <typename... Args>
  std::string run(const Args&... arguments) {
    return client().run(arguments...);
  }
  std::string line(std::string_view text) { return client().line(text); }

  void advance(milliseconds by);
  [[nodiscard]] UnixMillis wall() const { return facts.now.wall; }
  // What the calls since the last look handed over to replicas, removals of expired keys first.
  std::vector<std::string> take_effects();

  Config config;
  Keyspace keyspace;
  CommandTable commands{all_command_specs()};
  CommandStats stats{commands.all().size()};
  Slowlog slowlog;
  SessionRegistry sessions;
  WatchTable watch{keyspace};
  NodeFacts facts;
  std::vector<std::uint8_t> served_slots;
  ScriptedRouter router;
  RecordedActions actions;
  RecordedReplication replication;
  RecordedSnapshots snapshots;
  RecordedEffects effects;
  Services services;
  Dispatcher dispatcher;

 private:
  std::vector<std::unique_ptr<BedClient>> clients_;
};

// Replies, to compare with.
[[nodiscard]] inline std::string ok() { return "+OK\r\n"; }
[[nodiscard]] inline std::string queued() { return "+QUEUED\r\n"; }
[[nodiscard]] inline std::string null() { return "$-1\r\n"; }
[[nodiscard]] inline std::string null_array() { return "*-1\r\n"; }
[[nodiscard]] std::string status(std::string_view text);
[[nodiscard]] std::string error(std::string_view text);  // "ERR ...", without the `-`
[[nodiscard]] std::string integer(std::int64_t value);
[[nodiscard]] std::string bulk(std::string_view text);
// Elements are whole replies.
[[nodiscard]] std::string array(const std::vector<std::string>& elements);
// Elements are texts, sent as bulk strings.
[[nodiscard]] std::string bulks(const std::vector<std::string>& texts);
// The bulk strings of a flat array reply, in order.
[[nodiscard]] std::vector<std::string> texts_of(std::string_view reply);

class CommandTest : public testing::Test, public CommandBed {
 protected:
  explicit CommandTest(BedOptions options = {}) : CommandBed(options) {}
};

// Once plain and once in cluster mode, with every slot served here:
//   INSTANTIATE_TEST_SUITE_P(BothModes, MyTest, testing::Bool());
class CommandTestInBothModes : public testing::TestWithParam<bool>, public CommandBed {
 protected:
  CommandTestInBothModes() : CommandBed({.cluster_mode = GetParam()}) {}
};

}  // namespace skein
