#include <skein/cluster/failover/orphans.h>

#include <algorithm>

namespace skein {

Orphans::Choice Orphans::judge(const Topology& topology, bool allowed, int barrier, bool cluster_serves, MonoTime now) {
  const Node& self = topology.self();
  if (!self.is_replica() || self.primary.is_none()) return {OrphanVerdict::kNotAReplica};
  if (!allowed) return {OrphanVerdict::kForbidden};

  std::vector<int> working(topology.index_limit(), 0);
  topology.for_each_node([&](NodeIndex, const Node& node) {
    if (node.is_replica() && !node.primary.is_none() && !node.has_failed()) ++working[node.primary.value];
  });
  orphaned_at_.resize(topology.index_limit());
  NodeIndex orphan = kNoNode;
  int most = 0;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    const bool works = node.is_primary() && !node.has_failed();
    if (works) most = std::max(most, working[index.value]);
    const bool is_orphan = works && node.is_voter() && node.flags.has(NodeFlag::kMigrateTo) && working[index.value] == 0;
    MonoTime& since = orphaned_at_[index.value];
    if (!is_orphan) {
      since = {};
      return;
    }
    if (since == MonoTime{}) since = now;
    if (orphan.is_none()) orphan = index;
  });
  if (orphan.is_none()) return {OrphanVerdict::kNoOrphan};
  if (!cluster_serves) return {OrphanVerdict::kClusterDown, orphan};

  const int ours = working[self.primary.value];
  if (ours <= barrier || ours < 2 || topology.node(self.primary).has_failed()) return {OrphanVerdict::kPrimaryNeedsUs, orphan};
  if (ours < most) return {OrphanVerdict::kOthersHaveMore, orphan};
  bool is_smallest = true;
  topology.for_each_node([&](NodeIndex, const Node& node) {
    if (!node.is_replica() || node.primary.is_none() || node.has_failed() || !(node.id < self.id)) return;
    const Node& primary = topology.node(node.primary);
    if (primary.is_primary() && !primary.has_failed() && working[node.primary.value] == most) is_smallest = false;
  });
  if (!is_smallest) return {OrphanVerdict::kAnotherGoes, orphan};
  if (now - orphaned_at_[orphan.value] <= kOrphanWait) return {OrphanVerdict::kTooSoon, orphan};
  return {OrphanVerdict::kFollow, orphan};
}

}  // namespace skein
