// CLUSTER subcommands about members: who belongs to the cluster, in which role and epoch.
#include "cluster.h"

namespace skein {

namespace {

constexpr std::uint32_t kEditFlags = flag::kAdmin | flag::kStale | flag::kNoAsyncLoading;

constexpr ArgSpec kNodeIdArg[] = {{.name = "node-id"}};

void bumpepoch(Call& call, ClusterNode& member) {
  if (waits_in_doubt(call, member)) return;
  const auto bumped = member.bump_epoch(call.now);
  conclude(call, bumped, [&] { call.reply.status(*bumped); });
}

void count_failure_reports(Call& call, ClusterNode& member) {
  const auto count = member.count_failure_reports(call.arg(2), call.now);
  if (count) {
    call.reply.integer(*count);
  } else {
    call.reply.error(count.error().message());
  }
}

void failover(Call& call, ClusterNode& member) {
  if (call.size() > 3) {
    refuse_extra_arguments(call);
    return;
  }
  conclude(call, member.failover(own_arguments(call), call.now));
}

void forget(Call& call, ClusterNode& member) { conclude(call, member.forget(call.arg(2), call.now)); }

void meet(Call& call, ClusterNode& member) {
  if (call.size() > 5) {
    refuse_extra_arguments(call);
    return;
  }
  conclude(call, member.meet(own_arguments(call), call.now));
}

// Of the primary it has already: what that link waits for is tried at once, as by REPLICAOF.
void replicate(Call& call, ClusterNode& member) {
  const auto result = member.replicate(call.arg(2), call.now);
  if (result) call.services.replication->hurry_link();
  conclude(call, result);
}

void reset(Call& call, ClusterNode& member) {
  if (call.size() > 3) {
    refuse_extra_arguments(call);
    return;
  }
  conclude(call, member.reset(own_arguments(call), call.now));
}

void saveconfig(Call& call, ClusterNode& member) {
  member.save_config(call.now);
  conclude(call, Result<void>{});
}

void set_config_epoch(Call& call, ClusterNode& member) {
  conclude(call, member.set_config_epoch(call.arg(2), call.now));
}

constexpr ArgSpec kFailoverOptions[] = {{.name = "force", .type = ArgType::kPureToken, .token = "FORCE"},
                                        {.name = "takeover", .type = ArgType::kPureToken, .token = "TAKEOVER"}};
constexpr ArgSpec kFailoverArgs[] = {
    {.name = "options", .type = ArgType::kOneOf, .flags = arg_flag::kOptional, .arguments = kFailoverOptions}};
constexpr ArgSpec kMeetArgs[] = {
    {.name = "ip"},
    {.name = "port", .type = ArgType::kInteger},
    {.name = "cluster_bus_port", .type = ArgType::kInteger, .flags = arg_flag::kOptional, .since = "4.0.0"}};
constexpr HistoryEntry kMeetHistory[] = {{"4.0.0", "The optional bus port."}};
constexpr ArgSpec kResetKinds[] = {{.name = "hard", .type = ArgType::kPureToken, .token = "HARD"},
                                   {.name = "soft", .type = ArgType::kPureToken, .token = "SOFT"}};
constexpr ArgSpec kResetArgs[] = {
    {.name = "hard_soft", .type = ArgType::kOneOf, .flags = arg_flag::kOptional, .arguments = kResetKinds}};
constexpr ArgSpec kEpochArg[] = {{.name = "config-epoch", .type = ArgType::kInteger}};

}  // namespace

constexpr CommandSpec kClusterBumpepoch{
    .name = "BUMPEPOCH",
    .summary = "Takes a new config epoch, unless this node's is the greatest.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = kEditFlags,
    .tips = {"nondeterministic_output"},
    .handler = on_member<bumpepoch>,
};

constexpr CommandSpec kClusterCountFailureReports{
    .name = "COUNT-FAILURE-REPORTS",
    .summary = "Tells how many primaries say that a node is down.",
    .complexity = "O(N) where N is the number of failure reports",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kStale,
    .args = kNodeIdArg,
    .tips = {"nondeterministic_output"},
    .handler = on_member<count_failure_reports>,
};

constexpr CommandSpec kClusterFailover{
    .name = "FAILOVER",
    .summary = "Lets a replica take its primary's place.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(2),
    .flags = kEditFlags,
    .args = kFailoverArgs,
    .handler = on_member<failover>,
};

constexpr CommandSpec kClusterForget{
    .name = "FORGET",
    .summary = "Removes a node from this node's table.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = kEditFlags,
    .args = kNodeIdArg,
    .handler = on_member<forget>,
};

constexpr CommandSpec kClusterMeet{
    .name = "MEET",
    .summary = "Joins this node and another one into one cluster.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(4),
    .flags = kEditFlags,
    .args = kMeetArgs,
    .history = kMeetHistory,
    .handler = on_member<meet>,
};

constexpr CommandSpec kClusterReplicate{
    .name = "REPLICATE",
    .summary = "Makes this node a replica of a primary.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = kEditFlags,
    .args = kNodeIdArg,
    .handler = on_member<replicate>,
};

constexpr CommandSpec kClusterReset{
    .name = "RESET",
    .summary = "Makes this node leave the cluster and begin anew.",
    .complexity = "O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kStale | flag::kNoScript,
    .args = kResetArgs,
    .handler = on_member<reset>,
};

constexpr CommandSpec kClusterSaveconfig{
    .name = "SAVECONFIG",
    .summary = "Writes the file of nodes now.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = kEditFlags,
    .handler = on_member<saveconfig>,
};

constexpr CommandSpec kClusterSetConfigEpoch{
    .name = "SET-CONFIG-EPOCH",
    .summary = "Gives a new node its first config epoch.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = kEditFlags,
    .args = kEpochArg,
    .handler = on_member<set_config_epoch>,
};

}  // namespace skein
