#include <skein/cluster/failover/voting.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace skein {

namespace {

// A claimed slot whose owner's claim is newer than the one the candidate wants to replace.
std::optional<Slot> find_newer_claim(const VoteRequest& ask, const Topology& topology) {
  std::optional<Slot> newer;
  SlotBitmap::from_wire(ask.slots).for_each([&](Slot slot) {
    const NodeIndex owner = topology.owner(slot);
    if (!newer && !owner.is_none() && topology.node(owner).config_epoch > ask.config_epoch) newer = slot;
  });
  return newer;
}

// Rival elections about one primary are this many node timeouts apart.
constexpr int kVoteSpacing = 2;

long long whole_millis(nanoseconds span) {
  return static_cast<long long>(std::chrono::duration_cast<milliseconds>(span).count());
}

}  // namespace

const Voter::Vote* Voter::last_vote_for(NodeIndex primary) const {
  const auto at = std::find_if(last_votes.begin(), last_votes.end(),
                               [&](const Vote& vote) { return vote.primary == primary; });
  return at == last_votes.end() ? nullptr : &*at;
}

void Voter::note_vote(NodeIndex primary, NodeIndex candidate, MonoTime now) {
  std::erase_if(last_votes, [&](const Vote& vote) { return vote.primary == primary; });
  last_votes.push_back({primary, candidate, current_epoch, now});
  last_vote_epoch = current_epoch;
}

void Voter::forget(NodeIndex node) {
  std::erase_if(last_votes, [&](const Vote& vote) { return vote.primary == node || vote.candidate == node; });
}

std::string_view name_of(VoteVerdict verdict) {
  switch (verdict) {
    case VoteVerdict::kGrant: return "kGrant";
    case VoteVerdict::kGrantAgain: return "kGrantAgain";
    case VoteVerdict::kNotAVoter: return "kNotAVoter";
    case VoteVerdict::kStaleEpoch: return "kStaleEpoch";
    case VoteVerdict::kEpochSpent: return "kEpochSpent";
    case VoteVerdict::kNotAReplica: return "kNotAReplica";
    case VoteVerdict::kPrimaryUnknown: return "kPrimaryUnknown";
    case VoteVerdict::kPrimaryStillUp: return "kPrimaryStillUp";
    case VoteVerdict::kPrimaryHeard: return "kPrimaryHeard";
    case VoteVerdict::kJustRestarted: return "kJustRestarted";
    case VoteVerdict::kJustPromoted: return "kJustPromoted";
    case VoteVerdict::kVotedTooRecently: return "kVotedTooRecently";
    case VoteVerdict::kSlotsMovedOn: return "kSlotsMovedOn";
  }
  return "";
}

VoteVerdict judge_vote(const VoteRequest& ask, const Voter& us, const Topology& topology, const VoteFacts& facts) {
  if (!topology.self().is_voter()) return VoteVerdict::kNotAVoter;
  if (ask.current_epoch < us.current_epoch) return VoteVerdict::kStaleEpoch;

  const Node& candidate = topology.node(ask.candidate);
  const Voter::Vote* last = candidate.primary.is_none() ? nullptr : us.last_vote_for(candidate.primary);
  const bool same_candidate = last != nullptr && last->candidate == ask.candidate;
  const bool is_spent = us.last_vote_epoch == us.current_epoch;
  if (is_spent && !(same_candidate && last->epoch == us.current_epoch)) return VoteVerdict::kEpochSpent;

  // Also of a vote that was given already: it is asked for again so that it is no older than what
  // this node has heard.
  if (!candidate.is_replica()) return VoteVerdict::kNotAReplica;
  if (candidate.primary.is_none()) return VoteVerdict::kPrimaryUnknown;
  if (!ask.forced) {
    const auto is_within_timeout = [&](MonoTime at) {
      return at != MonoTime{} && facts.now - at <= facts.node_timeout;
    };
    if (!topology.node(candidate.primary).has_failed()) return VoteVerdict::kPrimaryStillUp;
    if (is_within_timeout(facts.primary_heard)) return VoteVerdict::kPrimaryHeard;
    if (is_within_timeout(facts.restarted)) return VoteVerdict::kJustRestarted;
    if (is_within_timeout(facts.promoted)) return VoteVerdict::kJustPromoted;
  }

  // Not needed for safety, the epoch check is; this spaces out rival elections. One that was
  // given a vote and asks in a newer epoch is no rival.
  if (last != nullptr && !same_candidate && facts.now - last->at < kVoteSpacing * facts.node_timeout) {
    return VoteVerdict::kVotedTooRecently;
  }

  if (find_newer_claim(ask, topology)) return VoteVerdict::kSlotsMovedOn;
  return is_spent ? VoteVerdict::kGrantAgain : VoteVerdict::kGrant;
}

std::string describe_vote(VoteVerdict verdict, const VoteRequest& ask, const Voter& us, const Topology& topology,
                          const VoteFacts& facts) {
  const Node& candidate = topology.node(ask.candidate);
  const auto id = candidate.id.view();
  if (is_grant(verdict)) return fmt::format("Failover auth granted to {} for epoch {}", id, us.current_epoch.value);
  const auto denied = [&](std::string_view why) { return fmt::format("Failover auth denied to {}: {}", id, why); };
  switch (verdict) {
    case VoteVerdict::kStaleEpoch:
      return denied(fmt::format("reqEpoch ({}) < curEpoch({})", ask.current_epoch.value, us.current_epoch.value));
    case VoteVerdict::kEpochSpent: return denied(fmt::format("already voted for epoch {}", us.current_epoch.value));
    case VoteVerdict::kNotAReplica: return denied("it is a master node");
    case VoteVerdict::kPrimaryUnknown: return denied("I don't know its master");
    case VoteVerdict::kPrimaryStillUp: return denied("its master is up");
    case VoteVerdict::kPrimaryHeard:
      return denied(fmt::format("its master was heard {} ms ago", whole_millis(facts.now - facts.primary_heard)));
    case VoteVerdict::kJustRestarted:
      return denied(fmt::format("this node was restarted {} ms ago", whole_millis(facts.now - facts.restarted)));
    case VoteVerdict::kJustPromoted:
      return denied(fmt::format("this node was promoted {} ms ago", whole_millis(facts.now - facts.promoted)));
    case VoteVerdict::kVotedTooRecently: {
      const Voter::Vote* last = us.last_vote_for(candidate.primary);
      const auto left = last == nullptr ? nanoseconds{0} : last->at + kVoteSpacing * facts.node_timeout - facts.now;
      return denied(fmt::format("can't vote about this master before {} milliseconds", whole_millis(left)));
    }
    case VoteVerdict::kSlotsMovedOn:
      if (const auto slot = find_newer_claim(ask, topology)) {
        const Node& owner = topology.node(topology.owner(*slot));
        return denied(fmt::format("slot {} epoch ({}) > reqEpoch ({})", slot->value, owner.config_epoch.value,
                                  ask.config_epoch.value));
      }
      return denied("its slots moved on");
    case VoteVerdict::kNotAVoter: return denied("this node has no vote");
    case VoteVerdict::kGrant:
    case VoteVerdict::kGrantAgain: break;
  }
  return denied("");
}

}  // namespace skein
