// The right of a primary to acknowledge writes, from the pings that voters have answered.
#include "member.h"

namespace skein {

void ClusterNode::Member::note_ping(NodeIndex, MonoTime) {}
void ClusterNode::Member::note_answer(const Arrival&) {}
void ClusterNode::Member::keep_lease(Now) {}
MonoTime ClusterNode::Member::write_lease_end() const { return MonoTime::max(); }

}  // namespace skein
