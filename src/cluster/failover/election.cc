#include <skein/cluster/failover/election.h>

#include <algorithm>

namespace skein {

namespace {

// A voter is asked again after this; less than a tick, so that each tick does.
constexpr milliseconds kRepeatEvery{90};
// A round lasts two node timeouts, and this at least; redis's figures.
constexpr milliseconds kMinRound{2000};
// What redis lets every replica wait, and adds for each that is better placed.
constexpr milliseconds kRankHeadStart{500};
constexpr std::uint64_t kMaxJitterMs = 500;
constexpr milliseconds kPerRank{1000};
// The others were asked for their offsets; one that does not answer is not waited for.
constexpr milliseconds kOffsetWait{200};
// An overtaken round: votes on their way, behind a disk perhaps, may still make it. Rivals
// that overtook each other must not do so again, hence the random part.
constexpr milliseconds kOvertakenWait{150};
constexpr std::uint64_t kOvertakenJitterMs = 200;
// A vote's life is a quarter of the node timeout within these: some repetitions, and less than half of
// what rejoin_delay is.
constexpr milliseconds kShortestVote{400};
constexpr milliseconds kLongestVote{2000};

milliseconds round_length(milliseconds node_timeout) { return std::max(2 * node_timeout, kMinRound); }

bool may_stand(const Node& node) {
  return node.is_replica() && !node.has_failed() && !node.is_suspected() && !node.flags.has(NodeFlag::kNoFailover);
}

}  // namespace

std::string_view name_of(StandVerdict verdict) {
  switch (verdict) {
    case StandVerdict::kStand: return "kStand";
    case StandVerdict::kNotAReplica: return "kNotAReplica";
    case StandVerdict::kPrimaryUnknown: return "kPrimaryUnknown";
    case StandVerdict::kPrimaryUp: return "kPrimaryUp";
    case StandVerdict::kNothingToTake: return "kNothingToTake";
    case StandVerdict::kToldNotTo: return "kToldNotTo";
    case StandVerdict::kNotInSync: return "kNotInSync";
    case StandVerdict::kDataTooOld: return "kDataTooOld";
  }
  return "";
}

milliseconds vote_lifetime(milliseconds node_timeout) {
  return std::clamp(node_timeout / 4, kShortestVote, kLongestVote);
}

milliseconds oldest_data(const StandingFacts& facts) {
  if (facts.validity_factor == 0) return milliseconds::max();
  return std::chrono::duration_cast<milliseconds>(facts.ping_period) + facts.node_timeout * (facts.validity_factor + 1);
}

StandVerdict judge_standing(const Topology& topology, const StandingFacts& facts) {
  const Node& self = topology.self();
  if (!self.is_replica()) return StandVerdict::kNotAReplica;
  if (self.primary.is_none()) return StandVerdict::kPrimaryUnknown;
  const Node& primary = topology.node(self.primary);
  if (!primary.has_failed() && !facts.by_request) return StandVerdict::kPrimaryUp;
  if (primary.slot_count == 0 && !facts.slots_arrive) return StandVerdict::kNothingToTake;
  if (facts.by_request) return StandVerdict::kStand;
  if (facts.told_not_to) return StandVerdict::kToldNotTo;
  if (facts.data_age <= oldest_data(facts)) return StandVerdict::kStand;
  return facts.data_age == milliseconds::max() ? StandVerdict::kNotInSync : StandVerdict::kDataTooOld;
}

std::vector<NodeIndex> rival_replicas(const Topology& topology) {
  std::vector<NodeIndex> rivals;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index != kSelf && node.primary == topology.self().primary && may_stand(node)) rivals.push_back(index);
  });
  return rivals;
}

int rank_among(std::span<const NodeIndex> rivals, const Topology& topology, ReplOffset own, const OffsetOf& offset_of) {
  const auto is_better = [&](NodeIndex rival) {
    const ReplOffset offset = offset_of(rival);
    return offset > own || (offset == own && topology.node(rival).id < topology.self().id);
  };
  return static_cast<int>(std::count_if(rivals.begin(), rivals.end(), is_better));
}

Election::Step Election::step(const Situation& situation, MonoTime now, Random& random) {
  const auto draw_jitter = [&] { return milliseconds{static_cast<std::int64_t>(random.below(kMaxJitterMs))}; };
  if (is_resting()) phase_ = Waiting{now, draw_jitter()};
  if (auto* asking = std::get_if<Asking>(&phase_)) {
    if (now > asking->ends) {
      const MonoTime retry = situation.by_request ? now : asking->ends + (asking->ends - asking->since);
      phase_ = Waiting{asking->stood_since, asking->jitter, retry, true};
      return Step::kExpired;
    }
    if (situation.current_epoch > asking->epoch) overtake(*asking, now, random);
    if (asking->again_at == MonoTime{} || now < asking->again_at) {
      if (now < asking->repeat_at) return Step::kWaitForVotes;
      asking->repeat_at = now + kRepeatEvery;
      return Step::kRepeat;
    }
    phase_ = Waiting{asking->stood_since, asking->jitter, {}, true};
  }
  return step_waiting(situation, now);
}

Election::Step Election::step_waiting(const Situation& situation, MonoTime now) const {
  const auto& waiting = std::get<Waiting>(phase_);
  if (situation.by_request) return now < waiting.not_before ? Step::kWaitToRetry : Step::kAsk;
  if (now < waiting.not_before) return Step::kWaitToRetry;
  if (situation.rank > 0 && now < waits_until(situation.rank)) return Step::kWaitForRank;
  if (!situation.offsets_known && now - waiting.since < kOffsetWait) return Step::kWaitForOffsets;
  return situation.is_turn ? Step::kAsk : Step::kWaitForTurn;
}

MonoTime Election::waits_until(int rank) const {
  const auto* waiting = std::get_if<Waiting>(&phase_);
  if (waiting == nullptr) return {};
  if (rank == 0) return waiting->not_before;
  return std::max(waiting->not_before, waiting->since + kRankHeadStart + waiting->jitter + kPerRank * rank);
}

void Election::begin_round(Epoch epoch, milliseconds node_timeout, MonoTime now) {
  const auto* waiting = std::get_if<Waiting>(&phase_);
  const MonoTime stood_since = waiting != nullptr ? waiting->since : now;
  const milliseconds jitter = waiting != nullptr ? waiting->jitter : milliseconds{0};
  phase_ = Asking{epoch, stood_since, jitter, now, now + round_length(node_timeout), now + kRepeatEvery, {},
                  vote_lifetime(node_timeout), {}};
}

void Election::overtake(Asking& asking, MonoTime now, Random& random) {
  if (asking.again_at != MonoTime{}) return;
  asking.again_at = now + kOvertakenWait + milliseconds{static_cast<std::int64_t>(random.below(kOvertakenJitterMs))};
}

void Election::on_rival(Epoch epoch, MonoTime now, Random& random) {
  auto* asking = std::get_if<Asking>(&phase_);
  if (asking != nullptr && epoch >= asking->epoch) overtake(*asking, now, random);
}

bool Election::on_vote(NodeIndex voter, Epoch epoch, MonoTime now, bool lasts) {
  auto* asking = std::get_if<Asking>(&phase_);
  // After a standstill the votes of a round may be read before any tick ends it.
  if (asking == nullptr || epoch < asking->epoch || now > asking->ends) return false;
  std::erase_if(asking->granted, [&](const Granted& vote) { return vote.voter == voter; });
  asking->granted.push_back({voter, lasts ? MonoTime::max() : now});
  return true;
}

std::optional<Epoch> Election::round() const {
  const auto* asking = std::get_if<Asking>(&phase_);
  return asking == nullptr ? std::nullopt : std::optional(asking->epoch);
}

MonoTime Election::round_begun() const {
  const auto* asking = std::get_if<Asking>(&phase_);
  return asking == nullptr ? MonoTime{} : asking->since;
}

bool Election::is_again() const {
  if (std::holds_alternative<Asking>(phase_)) return true;
  const auto* waiting = std::get_if<Waiting>(&phase_);
  return waiting != nullptr && waiting->again;
}

std::size_t Election::votes(MonoTime now) const {
  const auto* asking = std::get_if<Asking>(&phase_);
  if (asking == nullptr) return 0;
  return static_cast<std::size_t>(std::count_if(asking->granted.begin(), asking->granted.end(), [&](const Granted& vote) {
    return vote.at == MonoTime::max() || now - vote.at <= asking->vote_lifetime;
  }));
}

bool Election::has_vote_of(NodeIndex voter, MonoTime now) const {
  const auto* asking = std::get_if<Asking>(&phase_);
  return asking != nullptr && std::any_of(asking->granted.begin(), asking->granted.end(), [&](const Granted& vote) {
    // Half of its life is for the answer.
    return vote.voter == voter && (vote.at == MonoTime::max() || now - vote.at <= asking->vote_lifetime / 2);
  });
}

}  // namespace skein
