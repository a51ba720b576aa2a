// Taking over on request: CLUSTER FAILOVER on the replica, MFSTART on its primary, and a
// primary that hands over before it ends.
#include <skein/base/text.h>

#include "member.h"

namespace skein {

namespace {

Error refusal(std::string_view text) { return Error("ERR " + std::string(text)); }

}  // namespace

Result<void> ClusterNode::Member::failover(Args options, Now) {
  bool force = false;
  if (!options.empty()) {
    force = equals_ignore_case(options[0], "force") || equals_ignore_case(options[0], "takeover");
    if (!force || options.size() > 1) return refusal("syntax error");
  }
  if (self().is_primary()) return refusal("You should send CLUSTER FAILOVER to a replica");
  if (self().primary.is_none()) return refusal("I'm a replica but my master is unknown to me");
  const bool reachable = !topology_.node(self().primary).has_failed() && !links(self().primary).out.is_none();
  if (!reachable && !force) return refusal("Master is down or failed, please use CLUSTER FAILOVER FORCE");
  return refusal("This replica does not stand for election yet, so it can't replace its master");
}

void ClusterNode::Member::run_takeover(Now) {}
void ClusterNode::Member::on_takeover_wish(const Arrival&) {}
void ClusterNode::Member::on_paused_primary(const Arrival&) {}
bool ClusterNode::Member::is_paused_for_takeover() const { return false; }
bool ClusterNode::Member::is_handing_over() const { return false; }
void ClusterNode::Member::on_all_slots_lost_to(NodeIndex) {}
void ClusterNode::Member::begin_handover(Now) { outbox_.push(HandoverEnded{false, "no replica is in sync"}); }
void ClusterNode::Member::abandon_handover(Now) {}
bool ClusterNode::Member::wants_data() const { return false; }

}  // namespace skein
