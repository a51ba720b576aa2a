// Whether this node gives its vote to a replica that wants to replace its primary.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

// What a voter remembers. `last_vote_epoch` is saved before the answer leaves; the times
// only space out rival elections.
struct Voter {
  Epoch current_epoch;
  Epoch last_vote_epoch;
  std::vector<std::pair<NodeIndex, MonoTime>> last_votes;  // by the primary they were about

  [[nodiscard]] std::optional<MonoTime> last_vote_for(NodeIndex primary) const;
  void note_vote(NodeIndex primary, MonoTime now);
  void forget(NodeIndex primary);
};

enum class VoteVerdict {
  kGrant,
  kNotAVoter,
  kStaleEpoch,
  kEpochSpent,
  kNotAReplica,
  kPrimaryUnknown,
  kPrimaryStillUp,
  kVotedTooRecently,
  kSlotsMovedOn
};

// `us` has already caught up with a newer epoch in `ask`, so here it can only be equal or ahead.
[[nodiscard]] VoteVerdict judge_vote(const VoteRequest& ask, const Voter& us, const Topology& topology, MonoTime now,
                                     milliseconds node_timeout);

// The refusal or grant in the words of the log.
[[nodiscard]] std::string describe_vote(VoteVerdict verdict, const VoteRequest& ask, const Voter& us,
                                        const Topology& topology);

}  // namespace skein
