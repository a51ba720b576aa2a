// The replica's side of replication: the connection to our primary, the data set it sends, and
// its stream of writes.
//
// What to say next and what an answer means is decided by replication/replica_link.h, a
// state machine. This has the socket, the files and the loading. Until a new data set is
// complete and has been checked to the last byte, the old one stays.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include <skein/commands/replication_actions.h>
#include <skein/config/config.h>
#include <skein/dispatch/dispatcher.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_writer.h>
#include <skein/replication/history.h>
#include <skein/replication/log.h>
#include <skein/session/registry.h>

#include "loading.h"
#include "log.h"
#include "snapshots.h"

namespace skein {

class PrimaryLink {
 public:
  struct Parts {
    asio::io_context& loop;
    const Config& config;
    Keyspace& keyspace;
    Dispatcher& dispatcher;
    ReplicationLog& log;     // gets the primary's bytes unchanged
    const History& history;
    Snapshots& snapshots;    // a child of ours has no business beside a full sync
    Loading& loading;
    Log& logger;
    NodeFacts& facts;
    SessionRegistry* sessions = nullptr;  // where the link is shown as a client
  };
  struct Hooks {
    // A new data set is in place: it stands at `offset` of the history `id`. Our own replicas
    // must ask again, the log is restarted there.
    std::function<void(const ReplicationId& id, ReplOffset offset, const RdbFacts& facts)> on_new_data;
    // The primary continues our stream under another name of the history.
    std::function<void(const ReplicationId& id)> on_renamed;
    // The stream was damaged: what we have can no longer be continued.
    std::function<void()> on_history_lost;
    // The link is up or down, syncing began or ended: refresh the gates and the cluster's facts.
    std::function<void()> changed;
    // What kept the link from being left is over: `stop` ends it now.
    std::function<void()> may_leave;
    // Tables to be freed elsewhere.
    std::function<void(std::vector<DetachedTables>)> free_later;
    std::function<void()> begin_turn;  // clocks, before bytes of the stream are executed
    std::function<void()> end_turn;    // after it: our own replicas are sent what is new
  };
  PrimaryLink(Parts parts, Hooks hooks);
  ~PrimaryLink();
  PrimaryLink(const PrimaryLink&) = delete;
  PrimaryLink& operator=(const PrimaryLink&) = delete;

  // Connects, now and again until told otherwise.
  void follow(std::string host, std::uint16_t port);
  // False: not now. The old data is gone and the new set, which is complete and has been checked, is still
  // being loaded; half of it must not become a primary's data. `may_leave` tells when.
  bool stop();
  // The same primary again after all.
  void stay();
  // Does not wait any longer after full syncs in vain.
  void hurry();
  // The node ends: what is being loaded is on disk as a whole, and left at that.
  void end();
  [[nodiscard]] bool is_following() const;  // has been told whom
  [[nodiscard]] bool is_up() const;         // the stream flows
  [[nodiscard]] bool is_syncing() const;
  [[nodiscard]] const std::string& host() const;
  [[nodiscard]] std::uint16_t port() const;
  // FAILOVER: the next PSYNC to this primary carries the word. Whether it then continues or
  // sends a full sync, it has become a primary.
  void ask_to_take_over();
  // Asked, and neither refused nor up yet. Once it is false and the link is not up, the primary will not.
  [[nodiscard]] bool is_asking_to_take_over() const;
  [[nodiscard]] std::uint64_t bytes_in() const;  // since the start

  // Tells the primary how far we are: every second, after GETACK, at the end of a full sync.
  void acknowledge();
  void on_cron(Now now);
  // masterauth, masteruser, repl-timeout and the like have changed.
  void apply_settings();

  // For how long nothing has come from this primary: while the link is down, since it went down. max(): its data
  // never has.
  [[nodiscard]] milliseconds silence() const;
  // The old data went for a new set that could not be loaded.
  [[nodiscard]] bool is_data_lost() const;
  void fill(ReplicationFacts::Primary& facts, Now now) const;
  // Why full syncs were in vain lately; empty: they were not.
  [[nodiscard]] std::string sync_trouble() const;
  // SelectDB of the stream, for snapshots: aux repl-stream-db.
  [[nodiscard]] int selected_db() const;
  // The data that was loaded at start says in which database the stream goes on.
  void select_db(int db);

 private:
  class State;
  std::shared_ptr<State> state_;  // shared with operations under way
};

}  // namespace skein
