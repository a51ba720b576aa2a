// CLUSTER itself, its HELP, and what a connection tells about itself in a cluster: READONLY,
// READWRITE, ASKING.
#include "cluster.h"

#include <skein/base/text.h>

#include "families.h"
#include "help.h"

namespace skein {

void refuse_extra_arguments(Call& call) {
  call.reply.error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
                               call.arg(1).substr(0, 128), to_upper(call.command.container->called)));
}

namespace {

void cluster_help(Call& call, ClusterNode&) { reply_help(call); }

constexpr CommandSpec kClusterHelp{
    .name = "HELP",
    .summary = "Explains the subcommands.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .handler = on_member<cluster_help>,
};

constexpr const CommandSpec* kSubcommands[] = {
    &kClusterAddslots,      &kClusterAddslotsrange,  &kClusterBumpepoch,      &kClusterCountFailureReports,
    &kClusterCountkeysinslot, &kClusterDelslots,     &kClusterDelslotsrange,  &kClusterDoctor,
    &kClusterFailover,      &kClusterFlushslots,     &kClusterForget,         &kClusterGetkeysinslot,
    &kClusterHelp,          &kClusterInfo,           &kClusterKeyslot,        &kClusterLinks,
    &kClusterMeet,          &kClusterMyid,           &kClusterNodes,          &kClusterReplicas,
    &kClusterReplicate,     &kClusterReset,          &kClusterSaveconfig,     &kClusterSetConfigEpoch,
    &kClusterSetslot,       &kClusterShards,         &kClusterSlaves,         &kClusterSlots,
};
constexpr CommandSpec kCluster{
    .name = "CLUSTER",
    .summary = "Holds the commands about the cluster.",
    .complexity = "Depends on subcommand.",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

void set_readonly(Call& call, bool on) {
  if (call.services.cluster == nullptr) {
    call.reply.error(errors::kClusterDisabled);
    return;
  }
  call.session.readonly = on;
  call.reply.ok();
}
void readonly(Call& call) { set_readonly(call, true); }
void readwrite(Call& call) { set_readonly(call, false); }

constexpr CommandSpec kReadonly{
    .name = "READONLY",
    .summary = "Lets a connection to a replica read what its primary owns.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(1),
    .flags = flag::kFast | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = readonly,
};
constexpr CommandSpec kReadwrite{
    .name = "READWRITE",
    .summary = "Ends READONLY: reads go to the owner of a slot again.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(1),
    .flags = flag::kFast | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = readwrite,
};

void asking(Call& call) {
  if (call.services.cluster == nullptr) {
    call.reply.error(errors::kClusterDisabled);
    return;
  }
  // A transaction has been routed as a whole by then.
  if (call.origin == CallOrigin::kClient) call.session.begin_asking();
  call.reply.ok();
}

constexpr CommandSpec kAsking{
    .name = "ASKING",
    .summary = "Lets the next command use a slot that is only just arriving here, after an ASK redirection.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(1),
    .flags = flag::kFast,
    .acl_also = category::kConnection,
    .handler = asking,
};

}  // namespace

SpecList cluster_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kCluster, &kReadonly, &kReadwrite, &kAsking};
  return kSpecs;
}

}  // namespace skein
