// Whether this node gives its vote to a replica that wants to replace its primary.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

struct VoteRequest {
  NodeIndex candidate;
  Epoch current_epoch;
  Epoch config_epoch;      // of the claim it wants to replace
  std::string_view slots;  // a bitmap: what it wants to take over
  bool forced = false;     // although the primary is up: a manual failover
};

// What a voter remembers. `last_vote_epoch` is saved before the answer leaves; the rest spaces
// out rival elections, and a restart may forget it.
struct Voter {
  struct Vote {
    NodeIndex primary;    // that was to be replaced
    NodeIndex candidate;  // who was given the vote
    Epoch epoch;
    MonoTime at;
  };
  Epoch current_epoch;
  Epoch last_vote_epoch;
  std::vector<Vote> last_votes;  // at most one for each primary

  [[nodiscard]] const Vote* last_vote_for(NodeIndex primary) const;
  void note_vote(NodeIndex primary, NodeIndex candidate, MonoTime now);
  // A node that is no member any more, whatever it was in a vote.
  void forget(NodeIndex node);
};

// What else a voter goes by.
struct VoteFacts {
  MonoTime now;
  milliseconds node_timeout;
  // When a packet of the candidate's primary came last; MonoTime{}: never.
  MonoTime primary_heard{};
  // When a voter that has lived before was started again; MonoTime{}: it has promised nobody anything.
  MonoTime restarted{};
  MonoTime promoted{};  // from a replica, and so to a vote
};

enum class VoteVerdict {
  kGrant,
  kGrantAgain,  // the same vote as before, whose answer may have been lost
  kNotAVoter,
  kStaleEpoch,
  kEpochSpent,
  kNotAReplica,
  kPrimaryUnknown,
  kPrimaryStillUp,
  kPrimaryHeard,   // FAIL for most, but this node hears it
  kJustRestarted,  // and may have answered a ping before that it knows nothing of
  kJustPromoted,   // and the voter it has replaced may have answered one
  kVotedTooRecently,
  kSlotsMovedOn
};
[[nodiscard]] std::string_view name_of(VoteVerdict verdict);
[[nodiscard]] constexpr bool is_grant(VoteVerdict verdict) {
  return verdict == VoteVerdict::kGrant || verdict == VoteVerdict::kGrantAgain;
}

// `us` has already caught up with a newer epoch in `ask`, so here it can only be equal or ahead.
//
// Beyond redis's rules an unforced vote is withheld for a node timeout after the primary was
// heard, after a restart and after a promotion: until then the primary may rely on an answer
// of this node, or of the voter it has replaced, to acknowledge writes (failover/lease.h).
[[nodiscard]] VoteVerdict judge_vote(const VoteRequest& ask, const Voter& us, const Topology& topology,
                                     const VoteFacts& facts);

// The refusal or grant in the words of the log.
[[nodiscard]] std::string describe_vote(VoteVerdict verdict, const VoteRequest& ask, const Voter& us,
                                        const Topology& topology, const VoteFacts& facts);

}  // namespace skein
