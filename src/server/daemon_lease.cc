// A primary's lease in the server: when writers wait, and when replies may leave.
//
// The member decides (skein/cluster/failover/lease.h). Here its end is compared with the clock:
// before anything of a turn is executed, and once more before the replies of a turn that wrote
// leave, since the process may have been stopped in between.
#include "daemon.h"

#include <skein/base/clock.h>

namespace skein {

void Daemon::judge_lease(MonoTime now) {
  if (cluster_ == nullptr) return;
  const bool held = now < cluster_->node().write_lease_end();
  if (held != ((facts_.gates & gate::kLease) == 0)) facts_.gates ^= gate::kLease;
}

bool Daemon::may_acknowledge() const {
  if (cluster_ == nullptr) return true;
  const MonoTime end = cluster_->node().write_lease_end();
  return end == MonoTime::max() || read_boot_clock() < end;
}

// Role, slots, state or lease have changed, or somebody waits and time has passed. What was executed and not acknowledged in time never is
// once the slots are another's, or when the majority stays out of reach: its clients are let go and
// may ask elsewhere. What waits unexecuted is judged again.
void Daemon::follow_lease() {
  if (cluster_ == nullptr) return;
  const Topology& topology = cluster_->node().topology();
  const bool owns_slots = topology.self().is_voter();
  const bool serves = cluster_->node().state() == ClusterState::kOk;
  judge_lease(read_boot_clock());
  const bool held = (facts_.gates & gate::kLease) == 0;
  if ((owned_slots_ && !owns_slots) || (!held && !serves)) {
    turns_.drop_unacknowledged();
  } else if (held) {
    turns_.acknowledge_held();
  }
  owned_slots_ = owns_slots;
  if (turns_.has_lease_waiters() && (held || !serves || topology.slots_revision() != slots_seen_)) {
    resume_later(SuspendReason::kNoLease);
  }
  slots_seen_ = topology.slots_revision();
}

}  // namespace skein
