// This node in its shard: primary or replica, of which history, and how far.
//
// Joins the two sides (Replicas, PrimaryLink) over one history and one log, and carries the
// changes of role out. A primary feeds its effects to the log; a replica's log gets its
// primary's bytes. What the sides do with sockets and snapshots is theirs.
#pragma once

#include <functional>

#include <asio/io_context.hpp>

#include <skein/base/random.h>
#include <skein/commands/replication_actions.h>
#include <skein/config/config.h>
#include <skein/dispatch/dispatcher.h>
#include <skein/keyspace/keyspace.h>
#include <skein/replication/handover.h>
#include <skein/replication/history.h>
#include <skein/replication/log.h>
#include <skein/session/registry.h>

#include "client_turns.h"
#include "effect_feed.h"
#include "loading.h"
#include "log.h"
#include "primary_link.h"
#include "rates.h"
#include "replicas.h"
#include "snapshots.h"

namespace skein {

class Replication final : public ReplicationActions {
 public:
  struct Parts {
    asio::io_context& loop;
    const Config& config;
    Keyspace& keyspace;
    Dispatcher& dispatcher;
    SessionRegistry& sessions;
    ClientTurns& turns;
    Snapshots& snapshots;
    Loading& loading;
    Log& logger;
    NodeFacts& facts;
  };
  struct Hooks {
    std::function<void()> changed;  // role, link or number of replicas: refresh the gates
    std::function<void(std::vector<DetachedTables>)> free_later;
    std::function<void()> begin_turn;
    // Whom this node follows, or nobody: for the configuration.
    std::function<void(const PrimaryAddress&)> following;
    // A data set came from the primary: what it says beside its keys is ours now.
    std::function<void(const RdbFacts&)> new_data;
    // Writers wait while the node is handed over.
    std::function<void(bool on)> pause_writers;
    // Somebody takes over or the node ends: nothing of ours may enter the stream. Not set: never.
    std::function<bool()> writers_wait = {};
    // This node's data is no data to copy: whoever asks for it is told to come later.
    std::function<bool()> refuses_replicas = {};
    // A replica has told how far it is.
    std::function<void()> acknowledged = {};
    // Some of the primary's stream was executed.
    std::function<void()> stream_applied = {};
  };
  Replication(Parts parts, Hooks hooks);
  ~Replication() override;

  // What the stream calls them: once, before anybody follows.
  void name_commands(const CommandTable& commands) { feed_.name_commands(commands); }
  // Follows the primary of the configuration, if it names one. Once data has been loaded.
  void start();
  // The data set that was loaded at start says where it stands in which history.
  void on_loaded(const RdbFacts& facts, bool as_replica);

  ReplicationFacts replication_facts() override;
  [[nodiscard]] bool is_replica() const override { return link_.is_following(); }
  bool follow(std::string_view host, std::uint16_t port) override;
  void hurry_link() override { link_.hurry(); }
  void stop_following() override;
  void serve_replica(Session& session, const SyncRequest& request) override;
  void on_acknowledged(Session& session, ReplOffset offset, std::optional<ReplOffset> aof) override;
  void acknowledge_to_primary() override;
  [[nodiscard]] std::uint64_t acknowledged_by(const Session& session) override;
  void await_replicas(Session& session, std::uint64_t wanted, MonoTime until) override;
  void hold_replies(Session& session) override { replicas_.hold_replies(session); }
  Result<void> begin_failover(const FailoverRequest& request) override;
  Result<void> abort_failover() override;
  [[nodiscard]] bool is_failing_over() const override { return handover_.is_under_way(); }

  // For the owner: sockets of replicas, ends of turns, time.
  Replicas& replicas() { return replicas_; }
  void on_end_of_turn();
  void on_cron(Now now);
  void apply_settings();
  void stop();  // for good
  void on_closed(Session& session) { replicas_.on_closed(session); }

  // A new name for the history we have, as DEBUG CHANGE-REPL-ID does.
  void change_id();
  // Keys went without a command of their own: before anything else enters the stream.
  void tell_owed_removals();
  // What replicas make the log hold beyond its backlog.
  [[nodiscard]] std::size_t memory_beyond_backlog() const;
  // The keys of a slot are about to be deleted without a command: their removal is an effect.
  void tell_removal_of(Slot slot);

  [[nodiscard]] bool is_link_up() const { return link_.is_up(); }
  // Since when nothing has come from the primary; max() when its data never has.
  [[nodiscard]] milliseconds primary_silence() const { return link_.silence(); }
  // Why full syncs were in vain lately; empty: they were not.
  [[nodiscard]] std::string sync_trouble() const { return link_.sync_trouble(); }
  // Whom the stream reaches, and who was heard lately; nothing of a replica.
  [[nodiscard]] std::optional<std::size_t> replicas_in_sync(Now now) const;
  // A data set of its primary's could not be loaded to its end, and what was there before is gone.
  [[nodiscard]] bool is_data_lost() const { return link_.is_data_lost(); }
  // Asks replicas how far they are, because the node ends; the offset they have to reach for that.
  ReplOffset ask_for_last_acknowledgements();
  [[nodiscard]] bool has_enough_replicas(Now now) const;
  [[nodiscard]] ReplOffset offset() const { return log_.end(); }
  // What a snapshot says of it.
  [[nodiscard]] std::optional<RdbFacts::Replication> facts_for_snapshot() const;

 private:
  [[nodiscard]] bool tells_effects() const;
  void refresh_feed();
  void begin_new_history();
  void on_new_data(const ReplicationId& id, ReplOffset offset, const RdbFacts& facts);
  void on_link_changed();
  void end_failover(std::string_view why);
  void judge_failover(MonoTime now);
  bool hand_over_to(const SyncRequest& request);
  Replicas::Hooks replicas_hooks();
  PrimaryLink::Hooks link_hooks();

  // In the order of their birth: link_ and replicas_ refer to what stands before.
  Parts parts_;
  Hooks hooks_;
  Random random_;
  History history_;
  ReplicationLog log_;
  EffectFeed feed_;
  Replicas replicas_;
  PrimaryLink link_;
  Handover handover_;
  Rate input_rate_;
  Rate output_rate_;
};

}  // namespace skein
