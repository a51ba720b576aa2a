#include <skein/cluster/failover/voting.h>

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

std::optional<MonoTime> Voter::last_vote_for(NodeIndex primary) const {
  for (const auto& [about, at] : last_votes) {
    if (about == primary) return at;
  }
  return std::nullopt;
}

void Voter::note_vote(NodeIndex primary, MonoTime now) {
  forget(primary);
  last_votes.emplace_back(primary, now);
}

void Voter::forget(NodeIndex primary) {
  std::erase_if(last_votes, [&](const auto& vote) { return vote.first == primary; });
}

VoteVerdict judge_vote(const VoteRequest& ask, const Voter& us, const Topology& topology, MonoTime now,
                       milliseconds node_timeout) {
  if (!topology.self().is_voter()) return VoteVerdict::kNotAVoter;
  if (ask.current_epoch < us.current_epoch) return VoteVerdict::kStaleEpoch;
  if (us.last_vote_epoch == us.current_epoch) return VoteVerdict::kEpochSpent;

  const Node& candidate = topology.node(ask.candidate);
  if (!candidate.is_replica()) return VoteVerdict::kNotAReplica;
  if (candidate.primary.is_none()) return VoteVerdict::kPrimaryUnknown;
  if (!topology.node(candidate.primary).has_failed() && !ask.forced) return VoteVerdict::kPrimaryStillUp;

  // Not needed for safety, the epoch check is; this spaces out rival elections.
  const auto last = us.last_vote_for(candidate.primary);
  if (last && now - *last < 2 * node_timeout) return VoteVerdict::kVotedTooRecently;

  if (find_newer_claim(ask, topology)) return VoteVerdict::kSlotsMovedOn;
  return VoteVerdict::kGrant;
}

std::string describe_vote(VoteVerdict verdict, const VoteRequest& ask, const Voter& us, const Topology& topology) {
  const Node& candidate = topology.node(ask.candidate);
  const auto id = candidate.id.view();
  if (verdict == VoteVerdict::kGrant) {
    return fmt::format("Failover auth granted to {} for epoch {}", id, us.current_epoch.value);
  }
  const auto denied = [&](std::string_view why) { return fmt::format("Failover auth denied to {}: {}", id, why); };
  switch (verdict) {
    case VoteVerdict::kStaleEpoch:
      return denied(fmt::format("reqEpoch ({}) < curEpoch({})", ask.current_epoch.value, us.current_epoch.value));
    case VoteVerdict::kEpochSpent: return denied(fmt::format("already voted for epoch {}", us.current_epoch.value));
    case VoteVerdict::kNotAReplica: return denied("it is a master node");
    case VoteVerdict::kPrimaryUnknown: return denied("I don't know its master");
    case VoteVerdict::kPrimaryStillUp: return denied("its master is up");
    case VoteVerdict::kVotedTooRecently: return denied("the last vote about this master was too recent");
    case VoteVerdict::kSlotsMovedOn:
      if (const auto slot = find_newer_claim(ask, topology)) {
        const Node& owner = topology.node(topology.owner(*slot));
        return denied(fmt::format("slot {} epoch ({}) > reqEpoch ({})", slot->value, owner.config_epoch.value,
                                  ask.config_epoch.value));
      }
      return denied("its slots moved on");
    case VoteVerdict::kNotAVoter: return denied("this node has no vote");
    case VoteVerdict::kGrant: break;
  }
  return denied("");
}

}  // namespace skein
