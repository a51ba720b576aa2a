// What handlers of all families share: the parts of a node, by reference.
#pragma once

#include <skein/cluster/node/node.h>
#include <skein/command/call.h>
#include <skein/commands/migration_actions.h>
#include <skein/commands/node_actions.h>
#include <skein/commands/replication_actions.h>
#include <skein/commands/snapshot_actions.h>
#include <skein/config/config.h>
#include <skein/dispatch/dispatcher.h>
#include <skein/session/registry.h>
#include <skein/session/watch.h>
#include <skein/stats/command_stats.h>
#include <skein/stats/slowlog.h>

namespace skein {

struct Services {
  Config& config;
  CommandTable& commands;
  CommandStats& stats;
  Slowlog& slowlog;
  SessionRegistry& sessions;
  WatchTable& watch;
  NodeFacts& facts;
  NodeActions& actions;
  ReplicationActions* replication = nullptr;  // these three are set once they have been built
  SnapshotActions* snapshots = nullptr;
  MigrationActions* migrations = nullptr;  // set like these
  Dispatcher* dispatcher = nullptr;
  ClusterNode* cluster = nullptr;    // null outside cluster mode
};

}  // namespace skein
