// The primary's side of replication: who follows us, how far each is, and what it is sent.
//
// A replica is a client whose session has become one by PSYNC. It is sent a snapshot unless it
// can go on from where it is, and then the replication log. Decisions that need no socket
// (who may continue, when the next snapshot starts and who shares it) are replication's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <asio/io_context.hpp>

#include <skein/commands/replication_actions.h>
#include <skein/config/config.h>
#include <skein/replication/history.h>
#include <skein/replication/log.h>
#include <skein/session/registry.h>

#include "log.h"
#include "snapshots.h"

namespace skein {

class EffectFeed;
class ClientTurns;

class Replicas {
 public:
  struct Parts {
    asio::io_context& loop;
    const Config& config;
    SessionRegistry& sessions;
    ClientTurns& turns;
    Snapshots& snapshots;
    ReplicationLog& log;
    EffectFeed& feed;        // where PING and GETACK enter the stream
    const History& history;  // stays at its address
    Log& logger;
  };
  struct Hooks {
    // The first replica has come, or one has gone: gates (min-replicas), the feed.
    std::function<void()> changed;
    // PSYNC ... FAILOVER came from a replica we are handing over to; false: we are not.
    std::function<bool(const SyncRequest&)> on_takeover_request;
    // We are a replica ourselves and our own data is not complete: replicas are told to come later.
    std::function<bool()> has_data;
    std::function<bool()> is_replica;
    // Nobody has followed for repl-backlog-ttl and the log was closed: a new history begins.
    std::function<void()> on_backlog_freed;
    // While the node is handed over nothing of ours may enter the stream. Not set: never.
    std::function<bool()> stream_is_held = {};
    // What we have is not to be copied for the time being. Not set: never.
    std::function<bool()> refuses_replicas = {};
  };
  Replicas(Parts parts, Hooks hooks);
  ~Replicas();
  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  void serve(Session& session, const SyncRequest& request);
  void on_acknowledged(Session& session, ReplOffset offset, MonoTime now);
  // A session is about to go. For every session; cheap for those that are no replicas.
  void on_closed(Session& session);
  // Sends what is new to those who are online, as far as their sockets take it. At the end of each turn.
  void flush();
  // A replica's socket takes more.
  void on_writable(Session& session);
  // Keep-alives, silent replicas, the diskless delay, the backlog's time to live.
  void on_cron(Now now);
  // The history they follow is no more, or has another name: they come back and ask again.
  void disconnect_all(std::string_view why);

  [[nodiscard]] std::uint64_t acknowledged_by(ReplOffset written) const;
  void await(Session& session, ReplOffset written, std::uint64_t wanted, MonoTime until);
  // Replies from here on wait until a replica in sync has what this turn writes, or for half a second.
  void hold_replies(Session& session);
  // Waiting calls end with what they have: this node stops.
  void end_waits();
  // It is no primary any more: what a call waited for cannot come. It ends with an error, and its connection.
  void break_off_waits();

  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::uint64_t bytes_out() const;  // since the start, or the last reset
  [[nodiscard]] std::uint64_t good_count(Now now) const;  // online, and heard within min-replicas-max-lag
  // Replicas, log_memory, replicas_memory, and the counters of syncs and of bytes sent.
  void fill(ReplicationFacts& facts, Now now) const;
  void reset_statistics();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace skein
