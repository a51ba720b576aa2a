// Replica migration: a replica that its primary can spare goes to a primary that has none.
//
// Redis's rule. An orphan is a working primary with slots that has had replicas (kMigrateTo)
// and has no working one for five seconds. It is given the replica with the smallest id of
// those whose primaries have most working ones.
#pragma once

#include <string_view>
#include <vector>

#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

inline constexpr milliseconds kOrphanWait{5000};

enum class OrphanVerdict {
  kFollow,
  kNotAReplica,
  kForbidden,         // cluster-allow-replica-migration no
  kClusterDown,
  kNoOrphan,
  kPrimaryNeedsUs,    // at most `barrier` working replicas, or it has failed
  kOthersHaveMore,    // another primary can better spare one
  kAnotherGoes,       // a replica with a smaller id
  kTooSoon
};

class Orphans {
 public:
  struct Choice {
    OrphanVerdict verdict = OrphanVerdict::kNoOrphan;
    NodeIndex orphan = kNoNode;
  };
  // At each tick. Costs one pass over the nodes.
  Choice judge(const Topology& topology, bool allowed, int barrier, bool cluster_serves, MonoTime now);

 private:
  std::vector<MonoTime> orphaned_at_;  // by index; MonoTime{}: it is none
};

}  // namespace skein
