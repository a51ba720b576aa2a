// A replica's election, and where replicas go that one primary does not need.
#include "member.h"

namespace skein {

void ClusterNode::Member::run_election(Now) {}
void ClusterNode::Member::on_vote(const Arrival&) {}
void ClusterNode::Member::on_rival(const Arrival&) {}
void ClusterNode::Member::spread_suspicion(NodeIndex, Now) {}
void ClusterNode::Member::follow_orphan(Now) {}

}  // namespace skein
