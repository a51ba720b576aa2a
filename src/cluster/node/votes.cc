// The epochs this node takes and the votes it gives: what must be on disk before anybody hears of it.
#include <fmt/format.h>

#include <skein/cluster/failover/epochs.h>

#include "member.h"

namespace skein {

void ClusterNode::Member::leave_shared_epoch(NodeIndex other, Epoch others_epoch) {
  if (settings_.bugs.keep_equal_config_epochs || !must_leave_epoch(topology_, other, others_epoch)) return;
  // Whoever may have been replaced must not win its slots back by a new epoch.
  if (is_yielding() || (lease_.is_needed() && lease_.verdict() != LeaseVerdict::kHeld)) return;
  voter_.current_epoch = max_epoch(topology_, voter_.current_epoch).next();
  set_config_epoch_of(kSelf, voter_.current_epoch);
  note_own_epoch();
  save_first();
  log(EventLevel::kVerbose, fmt::format("WARNING: configEpoch collision with node {}. configEpoch set to {}",
                                        topology_.node(other).id.view(), voter_.current_epoch.value));
}

// The epoch this node's claims have from now on; an error when they win already.
Result<Epoch> ClusterNode::Member::take_new_epoch() {
  if (!needs_new_epoch(topology_, voter_.current_epoch)) return Error("the config epoch is the greatest already");
  voter_.current_epoch = max_epoch(topology_, voter_.current_epoch).next();
  set_config_epoch_of(kSelf, voter_.current_epoch);
  note_own_epoch();
  save_first();
  log(EventLevel::kWarning, fmt::format("New configEpoch set to {}", voter_.current_epoch.value));
  return voter_.current_epoch;
}

void ClusterNode::Member::on_vote_request(const Arrival& arrival) {
  // A vote that cannot be sent would be spent for nothing.
  if (!links(arrival.sender).out_is_up) return;
  const Packet& packet = arrival.packet;
  const VoteRequest ask{arrival.sender, packet.current_epoch, packet.config_epoch, packet.slots, packet.forced};
  Voter us = voter_;
  if (settings_.bugs.vote_twice) us = Voter{.current_epoch = voter_.current_epoch};
  const bool asks_itself = !settings_.bugs.vote_for_the_living;

  const NodeIndex primary = topology_.node(arrival.sender).primary;
  tell_of_missing_slots(arrival);
  const VoteFacts facts{.now = arrival.now.mono,
                        .node_timeout = settings_.node_timeout,
                        .primary_heard = primary.is_none() || primary == kSelf || !asks_itself
                                             ? MonoTime{}
                                             : health(primary).data_received,
                        .restarted = restarted_,
                        .promoted = promoted_};
  const VoteVerdict verdict = judge_vote(ask, us, topology_, facts);
  tell_vote(verdict, ask, facts, arrival.now);
  if (!is_grant(verdict)) return;
  if (verdict == VoteVerdict::kGrant) {
    voter_.note_vote(primary, arrival.sender, arrival.now.mono);
    save_first();
  }
  // After that long the candidate has given up.
  send_bare(MessageType::kAuthAck, arrival.sender, arrival.now.mono + settings_.node_timeout);
}

// A slot the failed primary got just before, and its replica has not heard of, would be nobody's
// once the replica has won: its data are there, its owner is dead.
void ClusterNode::Member::tell_of_missing_slots(const Arrival& arrival) {
  const NodeIndex primary = topology_.node(arrival.sender).primary;
  if (primary.is_none() || primary == kSelf || arrival.packet.config_epoch > topology_.node(primary).config_epoch) return;
  std::size_t known = 0;
  SlotBitmap::from_wire(arrival.packet.slots).for_each([&](Slot slot) { known += topology_.owner(slot) == primary ? 1 : 0; });
  if (known < topology_.node(primary).slot_count) send_update(arrival.sender, primary);
}

// A candidate asks again and again; it is told of when the answer changes.
void ClusterNode::Member::tell_vote(VoteVerdict verdict, const VoteRequest& ask, const VoteFacts& facts, Now now) {
  if (verdict == VoteVerdict::kNotAVoter) return;
  ToldVote told{ask.candidate, ask.current_epoch, verdict};
  if (verdict == VoteVerdict::kGrantAgain) told.verdict = VoteVerdict::kGrant;
  if (told == told_vote_) return;
  told_vote_ = told;
  decide(EventLevel::kWarning, name_of(verdict), describe_vote(verdict, ask, voter_, topology_, facts), now);
}

}  // namespace skein
