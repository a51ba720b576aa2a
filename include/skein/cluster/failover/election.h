// A replica's way into its primary's place: whether it may stand, when it asks for votes,
// which of them count.
//
// Free functions and values: packets, saving and the role itself are cluster/node's. Whether
// others give their vote is failover/voting.h.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/random.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

struct StandingFacts {
  bool slots_arrive = false; // at its primary: keys of theirs may be with this shard alone
  bool by_request = false;   // a takeover on request: the primary may be well, and the data is known to be
  bool told_not_to = false;  // cluster-replica-no-failover
  milliseconds node_timeout;
  int validity_factor = 10;  // 0: data of any age may be promoted
  seconds ping_period;       // repl-ping-replica-period
  milliseconds data_age;         // failover/data_age.h; max(): the data is not its primary's
};

enum class StandVerdict {
  kStand,
  kNotAReplica,
  kPrimaryUnknown,
  kPrimaryUp,
  kNothingToTake,  // the failed primary owns no slots, and none were arriving there
  kToldNotTo,
  kNotInSync,      // what it holds is not known to be its primary's data
  kDataTooOld
};
[[nodiscard]] std::string_view name_of(StandVerdict verdict);
[[nodiscard]] StandVerdict judge_standing(const Topology& topology, const StandingFacts& facts);
// How old data may be: the silence that every failover has to wait for, and what is allowed beyond it; max() when any
// age will do.
[[nodiscard]] milliseconds oldest_data(const StandingFacts& facts);

// The other replicas of this one's primary that could stand.
[[nodiscard]] std::vector<NodeIndex> rival_replicas(const Topology& topology);

// How many of `rivals` are better placed: more of the primary's data, or as much and a smaller id.
using OffsetOf = std::function<ReplOffset(NodeIndex)>;
[[nodiscard]] int rank_among(std::span<const NodeIndex> rivals, const Topology& topology, ReplOffset own,
                             const OffsetOf& offset_of);

// How long a vote counts without being given again: less than a primary that comes back waits before it
// writes (rejoin_delay). A voter that has heard the primary since does not give it again, so no election is won
// by what voters thought before.
[[nodiscard]] milliseconds vote_lifetime(milliseconds node_timeout);

// One replica's rounds of asking.
//
// A round is one epoch. Each voter is asked again every 100 ms while it has no fresh vote and the
// round goes on: one that had not heard of the failure yet, or still heard the primary,
// grants then. A round that a newer epoch has overtaken is followed by another one soon; one
// that just got no majority, by another one after as long again, as with redis.
class Election {
 public:
  enum class Step {
    kRest,
    kWaitForRank,     // better placed replicas first
    kWaitForOffsets,  // the others' offsets are being asked for
    kWaitForTurn,     // the election of another primary comes first
    kWaitToRetry,
    kAsk,             // `begin_round` with a new epoch, then ask everybody
    kRepeat,          // ask those who have not answered
    kWaitForVotes,
    kExpired          // no majority: the round is over
  };
  struct Situation {
    milliseconds node_timeout;
    int rank = 0;
    bool offsets_known = true;
    bool is_turn = true;
    bool by_request = false;  // at once
    Epoch current_epoch;
  };

  // To be asked at each tick, and when anything in the situation has changed.
  Step step(const Situation& situation, MonoTime now, Random& random);
  void begin_round(Epoch epoch, milliseconds node_timeout, MonoTime now);
  // Another replica has asked in this epoch: votes may have gone to it.
  void on_rival(Epoch epoch, MonoTime now, Random& random);
  // True when it counts: in this round. A voter that never repeats its vote (`lasts`: a redis-server) has
  // given it for the whole of it.
  bool on_vote(NodeIndex voter, Epoch epoch, MonoTime now, bool lasts = false);
  void stop() { phase_ = Resting{}; }

  [[nodiscard]] bool is_resting() const { return std::holds_alternative<Resting>(phase_); }
  [[nodiscard]] std::optional<Epoch> round() const;
  [[nodiscard]] MonoTime round_begun() const;
  // It has asked before about the same failure.
  [[nodiscard]] bool is_again() const;
  [[nodiscard]] std::size_t votes(MonoTime now) const;
  // And need not ask for it again yet.
  [[nodiscard]] bool has_vote_of(NodeIndex voter, MonoTime now) const;
  // Until when a replica of this rank waits. Of kWaitForRank and kWaitToRetry.
  [[nodiscard]] MonoTime waits_until(int rank) const;

 private:
  struct Resting {};
  struct Waiting {
    MonoTime since;
    milliseconds jitter;
    MonoTime not_before{};
    bool again = false;
  };
  struct Granted {
    NodeIndex voter;
    MonoTime at;  // max() of one that lasts
  };
  struct Asking {
    Epoch epoch;
    MonoTime stood_since;
    milliseconds jitter;
    MonoTime since;
    MonoTime ends;
    MonoTime repeat_at;
    MonoTime again_at{};  // once overtaken
    milliseconds vote_lifetime;
    std::vector<Granted> granted;
  };
  Step step_waiting(const Situation& situation, MonoTime now) const;
  static void overtake(Asking& asking, MonoTime now, Random& random);

  std::variant<Resting, Waiting, Asking> phase_;
};

}  // namespace skein
