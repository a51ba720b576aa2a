// The CLUSTER family, spread over several sources: members of the cluster, slots, views.
#pragma once

#include <skein/command/call.h>
#include <skein/commands/services.h>

namespace skein {

// What hands the command to the member, and refuses it outside cluster mode.
using ClusterBody = void (*)(Call&, ClusterNode&);
template <ClusterBody kBody>
void on_member(Call& call) {
  if (call.services.cluster == nullptr) {
    call.reply.error(errors::kClusterDisabled);
  } else {
    kBody(call, *call.services.cluster);
  }
}

// The arguments behind the subcommand's name.
[[nodiscard]] inline ClusterNode::Args own_arguments(const Call& call) { return call.arguments.subspan(2); }

// Answers once what the member decided has been carried out. `answer` writes the reply of a success.
template <typename Value, typename Answer>
void answer_carried_out(Call& call, const Result<Value>& result, Answer&& answer) {
  if (!result) {
    call.reply.error(result.error().message());
  } else if (!call.services.actions.is_cluster_saved()) {
    // The change is made and goes on being tried; but OK would promise more than the disk holds.
    call.reply.error("ERR error saving the cluster node config: see the log");
  } else {
    answer();
  }
}
// Has what the member decided carried out, and saved; then answers.
template <typename Value, typename Answer>
void conclude(Call& call, const Result<Value>& result, Answer&& answer) {
  call.services.actions.carry_out_cluster_effects();
  answer_carried_out(call, result, answer);
}
inline void conclude(Call& call, const Result<void>& result) {
  conclude(call, result, [&] { call.reply.ok(); });
}

// What claims slots, or claims them anew with a later epoch, waits as a write does while this primary may have been
// replaced, and while a replica takes over: the epoch would win over that of the election.
[[nodiscard]] inline bool waits_in_doubt(Call& call, const ClusterNode& member) {
  const bool holds_lease = (call.services.facts.gates & gate::kLease) == 0;
  if (call.origin != CallOrigin::kClient || member.may_assign_slots(holds_lease, call.now.mono)) return false;
  call.suspend(member.is_yielding() ? SuspendReason::kPaused : SuspendReason::kNoLease);
  return true;
}

// More arguments than any form of the subcommand has.
void refuse_extra_arguments(Call& call);

// cluster_slots.cc
extern const CommandSpec kClusterAddslots;
extern const CommandSpec kClusterAddslotsrange;
extern const CommandSpec kClusterCountkeysinslot;
extern const CommandSpec kClusterDelslots;
extern const CommandSpec kClusterDelslotsrange;
extern const CommandSpec kClusterFlushslots;
extern const CommandSpec kClusterGetkeysinslot;
extern const CommandSpec kClusterKeyslot;
extern const CommandSpec kClusterSetslot;
// cluster_members.cc
extern const CommandSpec kClusterBumpepoch;
extern const CommandSpec kClusterCountFailureReports;
extern const CommandSpec kClusterFailover;
extern const CommandSpec kClusterForget;
extern const CommandSpec kClusterMeet;
extern const CommandSpec kClusterReplicate;
extern const CommandSpec kClusterReset;
extern const CommandSpec kClusterSaveconfig;
extern const CommandSpec kClusterSetConfigEpoch;
// cluster_doctor.cc
extern const CommandSpec kClusterDoctor;
// cluster_views.cc
extern const CommandSpec kClusterInfo;
extern const CommandSpec kClusterLinks;
extern const CommandSpec kClusterMyid;
extern const CommandSpec kClusterNodes;
extern const CommandSpec kClusterReplicas;
extern const CommandSpec kClusterShards;
extern const CommandSpec kClusterSlaves;
extern const CommandSpec kClusterSlots;

}  // namespace skein
