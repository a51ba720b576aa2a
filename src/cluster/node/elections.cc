// A replica's election, and where replicas go that one primary does not need.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <skein/cluster/gossip/judgement.h>

#include "member.h"

namespace skein {

namespace {

// So many voters are told of a suspicion at once. Where there are more, a few are, the same
// ones by all: there the words add up to FAIL, and everybody hears of that.
constexpr std::size_t kMaxTold = 16;
constexpr std::size_t kToldOfMany = 5;
// For so many ticks it is told again: to redis each time, to a Skein, which has judged it at
// once, each fifth.
constexpr int kTicksOfNews = 30;
constexpr int kSkeinEvery = 5;
// Candidates that may be asking at one moment do so in epochs of their own.
constexpr std::size_t kMaxEpochGap = 16;
// So much before its time a silent primary counts as failed when candidates take turns: its
// FAIL is about to come.
constexpr milliseconds kFailingSoon = 2 * kClusterTick;

long long whole_millis(nanoseconds span) {
  return static_cast<long long>(std::chrono::duration_cast<milliseconds>(span).count());
}

std::string_view name_of(Election::Step step) {
  switch (step) {
    case Election::Step::kRest: return "kRest";
    case Election::Step::kWaitForRank: return "kWaitForRank";
    case Election::Step::kWaitForOffsets: return "kWaitForOffsets";
    case Election::Step::kWaitForTurn: return "kWaitForTurn";
    case Election::Step::kWaitToRetry: return "kWaitToRetry";
    case Election::Step::kAsk: return "kAsk";
    case Election::Step::kRepeat:
    case Election::Step::kWaitForVotes: return "kWaitForVotes";
    case Election::Step::kExpired: return "kExpired";
  }
  return "";
}

}  // namespace

// Whether a packet may carry an election further: the map or the roles have changed with it,
// another replica of the same primary has shown its offset, or just the moment has come.
bool ClusterNode::Member::is_election_due(const Arrival& arrival) const {
  if (!self().is_replica() || self().primary.is_none()) return false;
  if (!topology_.node(self().primary).has_failed() && !bid_.may_elect()) return false;
  if (election_revision_ != topology_.revision() || arrival.packet.type == MessageType::kAuthRequest) return true;
  if (turn_.has_come(arrival.now.mono)) return true;
  return arrival.sender_is_settled && topology_.node(arrival.sender).primary == self().primary;
}

StandingFacts ClusterNode::Member::standing_facts(MonoTime now) const {
  const bool slots_arrive =
      std::any_of(shown_slots_.begin(), shown_slots_.end(), [](const ShownSlot& slot) { return slot.arrives; });
  return {.slots_arrive = slots_arrive,
          .by_request = bid_.may_elect(),
          .told_not_to = settings_.replica_no_failover,
          .node_timeout = settings_.node_timeout,
          .validity_factor = settings_.replica_validity_factor,
          .ping_period = settings_.replica_ping_period,
          .data_age = settings_.bugs.stand_without_data ? milliseconds{0} : data_age_.at(now)};
}

void ClusterNode::Member::run_election(Now now) {
  election_revision_ = topology_.revision();
  const StandingFacts facts = standing_facts(now.mono);
  const StandVerdict verdict = judge_standing(topology_, facts);
  tell_standing(verdict, facts, now);
  if (verdict != StandVerdict::kStand) {
    if (election_.is_resting()) return;
    election_.stop();
    election_queue_.clear();
    told_step_ = Election::Step::kRest;
    return;
  }
  if (election_.is_resting() && now.mono - rivals_asked_ > settings_.node_timeout) ask_rivals(now.mono);
  const auto situation = election_situation(now);
  const auto step = election_.step(situation, now.mono, random_);
  tell_election(step, situation, now);
  if (step == Election::Step::kWaitForTurn && turn_.not_before > now.mono && turn_.not_before != wakes_at_) {
    wakes_at_ = turn_.not_before;
    outbox_.push(WakeAt{wakes_at_});
  }
  if (step == Election::Step::kAsk) ask_for_votes(now);
  if (step == Election::Step::kRepeat) repeat_request(now);
}

Election::Situation ClusterNode::Member::election_situation(Now now) {
  Election::Situation situation{.node_timeout = settings_.node_timeout,
                                .by_request = bid_.may_elect(),
                                .current_epoch = voter_.current_epoch};
  if (situation.by_request) return situation;
  rivals_ = rival_replicas(topology_);
  situation.rank = rank_among(rivals_, topology_, data_.offset, [&](NodeIndex index) { return health(index).offset; });
  situation.offsets_known = std::all_of(rivals_.begin(), rivals_.end(), [&](NodeIndex index) {
    return health(index).data_received >= rivals_asked_;
  });
  const auto seems_failed = [&](NodeIndex index) {
    const Node& node = topology_.node(index);
    return node.has_failed() || node.is_suspected() ||
           is_silent(health(index), now.mono, settings_.node_timeout - kFailingSoon);
  };
  turn_ = election_queue_.judge(
      primaries_to_replace(topology_, seems_failed),
      {.primary = self().primary, .again = election_.is_again(), .prepares = outbox_.last_save_took()}, now.mono);
  situation.is_turn = turn_.is_ours;
  return situation;
}

// Their answers say how far they are, and the question says it of this node.
void ClusterNode::Member::ask_rivals(MonoTime now) {
  rivals_asked_ = now;
  const Now both{now, {}};
  for (const NodeIndex rival : rival_replicas(topology_)) {
    if (links(rival).out_is_up) tell_about(MessageType::kPing, rival, {}, both);
  }
}

void ClusterNode::Member::ask_for_votes(Now now) {
  // Epochs that others may be asking in at this moment are left to them. No more than that: an
  // epoch that is nobody's keeps primaries that were out of touch waiting (failover/lease.h).
  const std::size_t others = election_.is_again() ? turn_.ahead : turn_.silent;
  const std::size_t gap = bid_.may_elect() ? 0 : std::min(others, kMaxEpochGap);
  if (!settings_.bugs.reuse_election_epoch) voter_.current_epoch = {voter_.current_epoch.value + 1 + gap};
  election_.begin_round(voter_.current_epoch, settings_.node_timeout, now.mono);
  // What is asked must never be asked again in this epoch by one who has forgotten it.
  save_first();
  decide(EventLevel::kWarning, "kAsk",
         fmt::format("Starting a failover election for epoch {}.", voter_.current_epoch.value), now);
  each_other([&](NodeIndex index) {
    if (!topology_.node(index).in_handshake()) send_request(index, now.mono);
  });
}

void ClusterNode::Member::repeat_request(Now now) {
  // An overtaken round only waits for votes on their way.
  if (voter_.current_epoch > *election_.round()) return;
  each_other([&](NodeIndex index) {
    if (topology_.node(index).is_voter() && !election_.has_vote_of(index, now.mono)) send_request(index, now.mono);
  });
}

void ClusterNode::Member::send_request(NodeIndex to, MonoTime now) {
  const LinkId link = links(to).out;
  if (!links(to).out_is_up) return;
  const NodeIndex primary = self().primary;
  // Ahead of the question on the same link, so that no voter has yet to hear of the failure.
  // Only while it is news: it must not fail a primary that has come back.
  const MonoTime failed_at = health(primary).failed_at;
  const bool is_news = topology_.node(primary).has_failed() && failed_at > started_ &&
                       now - failed_at <= settings_.node_timeout;
  if (is_news && to != primary && topology_.node(to).is_voter()) {
    send(link, MessageType::kFail,
         std::make_shared<const std::string>(encode_fail(own_header(MessageType::kFail), topology_.node(primary).id,
                                                         settings_.mark_packets)),
         now + settings_.node_timeout);
  }
  auto header = own_header(MessageType::kAuthRequest);
  header.forced = bid_.may_elect();
  send(link, MessageType::kAuthRequest,
       std::make_shared<const std::string>(encode_bare(header, settings_.mark_packets)), now + settings_.node_timeout);
}

void ClusterNode::Member::on_vote(const Arrival& arrival) {
  if (!topology_.node(arrival.sender).is_voter()) return;
  const bool lasts = !health(arrival.sender).marks_packets;
  if (!election_.on_vote(arrival.sender, arrival.packet.current_epoch, arrival.now.mono, lasts)) return;
  const std::size_t needed = settings_.bugs.elect_without_majority ? 1 : topology_.voter_count() / 2 + 1;
  if (election_.votes(arrival.now.mono) < needed) return;
  decide(EventLevel::kWarning, "kWon", "Failover election won: I'm the new master.", arrival.now);
  const Epoch epoch = *election_.round();
  lease_.on_elected(election_.round_begun());
  replace_primary(epoch, arrival.now);
}

void ClusterNode::Member::on_rival(const Arrival& arrival) {
  const NodeIndex primary = topology_.node(arrival.sender).primary;
  if (primary.is_none() || !self().is_replica()) return;
  election_queue_.note_asked(primary, arrival.packet.current_epoch, arrival.now.mono);
  election_.on_rival(arrival.packet.current_epoch, arrival.now.mono, random_);
}

// Takes the place and the slots of this node's primary. Everything that shows it waits for
// the save.
void ClusterNode::Member::replace_primary(std::optional<Epoch> epoch, Now now) {
  const SlotBitmap slots = topology_.slots_of(self().primary);
  const std::vector<ShownSlot> shown = std::exchange(shown_slots_, {});
  end_takeovers();
  election_.stop();
  election_queue_.clear();
  told_step_ = Election::Step::kRest;
  replaced_ = Replaced{topology_.node(self().primary).id, topology_.node(self().primary).config_epoch};
  set_primary(kSelf);
  promoted_ = now.mono;
  if (epoch) {
    log(EventLevel::kWarning, fmt::format("configEpoch set to {} after successful failover", epoch->value));
    set_config_epoch_of(kSelf, *epoch);
    // The vote it has from now on is spent in this epoch: with that of the primary it has
    // replaced, and which does not know yet, another could win the epoch once more.
    voter_.last_vote_epoch = std::max(voter_.last_vote_epoch, *epoch);
    // It was elected by a majority, so it has neither to wait for one nor for news of a failover.
    was_elected_ = true;
    minority_at_ = {};
  }
  slots.for_each([&](Slot slot) { move_slot(slot, kSelf); });
  open_inherited_slots(shown);
  save_first();
  if (settings_.bugs.claim_before_saving) outbox_.forget_barrier();
  state_revision_ = 0;
  refresh_state(now.mono);
  broadcast_pong(now);
}

void ClusterNode::Member::tell_standing(StandVerdict verdict, const StandingFacts& facts, Now now) {
  if (verdict == told_standing_) return;
  told_standing_ = verdict;
  const auto say = [&](std::string text) { decide(EventLevel::kWarning, name_of(verdict), std::move(text), now); };
  switch (verdict) {
    case StandVerdict::kNothingToTake:
      say("Currently unable to failover: the failed master owns no slots.");
      break;
    case StandVerdict::kToldNotTo:
      say("Currently unable to failover: cluster-replica-no-failover is set.");
      break;
    case StandVerdict::kNotInSync:
      say("Currently unable to failover: this replica has not been in sync with its master since it was started or began "
          "to follow it, so nobody knows what it lacks. With 'cluster-replica-validity-factor 0' it would stand all the "
          "same, and CLUSTER FAILOVER FORCE makes it.");
      break;
    case StandVerdict::kDataTooOld:
      say(fmt::format("Currently unable to failover: Disconnected from master for longer than allowed ({} s; allowed are {}). "
                      "Please check the 'cluster-replica-validity-factor' configuration option.",
                      facts.data_age.count() / 1000, oldest_data(facts).count() / 1000));
      break;
    case StandVerdict::kStand:
    case StandVerdict::kNotAReplica:
    case StandVerdict::kPrimaryUnknown:
    case StandVerdict::kPrimaryUp: break;
  }
}

void ClusterNode::Member::tell_election(Election::Step step, const Election::Situation& situation, Now now) {
  // Votes take a moment: that they do not come is told with the first repetition.
  if (step == told_step_ || step == Election::Step::kWaitForVotes) return;
  told_step_ = step;
  const auto say = [&](EventLevel level, std::string text) { decide(level, name_of(step), std::move(text), now); };
  switch (step) {
    case Election::Step::kWaitForRank:
      say(EventLevel::kWarning,
          fmt::format("Start of election delayed for {} milliseconds (rank #{}, offset {}).",
                      whole_millis(election_.waits_until(situation.rank) - now.mono), situation.rank, data_.offset.value));
      break;
    case Election::Step::kWaitForOffsets:
      say(EventLevel::kNotice, "Start of election waits for the offsets of the other replicas.");
      break;
    case Election::Step::kWaitForTurn:
      say(EventLevel::kNotice, turn_.waits_for.is_none()
                                   ? std::string("Start of election waits: another replica has just begun one.")
                                   : fmt::format("Start of election waits for the one about {}, which failed, too.",
                                                 topology_.node(turn_.waits_for).id.view()));
      break;
    case Election::Step::kWaitToRetry:
      say(EventLevel::kWarning,
          fmt::format("Currently unable to failover: Waiting the delay before I can start a new failover. ({} ms)",
                      whole_millis(election_.waits_until(0) - now.mono)));
      break;
    case Election::Step::kExpired:
      say(EventLevel::kWarning, "Currently unable to failover: Failover attempt expired.");
      break;
    case Election::Step::kRepeat:
      say(EventLevel::kWarning,
          fmt::format("Currently unable to failover: Waiting for votes, but majority still not reached. ({} of {})",
                      election_.votes(now.mono), topology_.voter_count() / 2 + 1));
      break;
    case Election::Step::kRest:
    case Election::Step::kAsk:
    case Election::Step::kWaitForVotes: break;
  }
}

void ClusterNode::Member::spread_suspicion(NodeIndex index, Now now) {
  has_suspicions_to_tell_ = true;
  ticks_of_news_ = kTicksOfNews;
  if (self().is_replica() && self().primary == index) ask_rivals(now.mono);
}

// What was told may have been lost, or come before the other could confirm it: redis judges
// what it hears by what it knows then, and says what it suspects itself when it is pinged.
void ClusterNode::Member::repeat_suspicions() {
  if (ticks_of_news_ == 0 || topology_.census().suspected == 0) return;
  --ticks_of_news_;
  has_suspicions_to_tell_ = true;
}

// A replica's new primary is told by itself, to those who may soon be asked for a vote.
void ClusterNode::Member::tell_new_primary(Now now) {
  if (!has_new_primary_) return;
  has_new_primary_ = false;
  if (self().is_replica()) broadcast_pong(now);
}

// All that are PFAIL, to the voters, whose words count; at once, where gossip by turns would
// take up to half the node timeout.
void ClusterNode::Member::tell_suspicions(Now now) {
  if (!has_suspicions_to_tell_) return;
  has_suspicions_to_tell_ = false;
  if (!self().is_voter()) return;
  std::vector<NodeIndex> suspects;
  std::vector<NodeIndex> voters;
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf) return;
    if (node.is_suspected() && !health(index).hearsay) suspects.push_back(index);
    if (node.is_voter() && !node.is_suspected() && !node.has_failed() && links(index).out_is_up) voters.push_back(index);
  });
  if (suspects.empty()) return;
  if (voters.size() > kMaxTold) {
    const auto by_id = [&](NodeIndex a, NodeIndex b) { return topology_.node(a).id < topology_.node(b).id; };
    std::nth_element(voters.begin(), voters.begin() + kToldOfMany, voters.end(), by_id);
    voters.resize(kToldOfMany);
  }
  const bool first = ticks_of_news_ == kTicksOfNews;
  for (const NodeIndex voter : voters) {
    const bool is_skein = health(voter).marks_packets;
    if (!first && is_skein && ticks_of_news_ % kSkeinEvery != 0) continue;
    tell_about(is_skein ? MessageType::kPong : MessageType::kPing, voter, suspects, now);
  }
}

void ClusterNode::Member::follow_orphan(Now now) {
  const auto choice = orphans_.judge(topology_, settings_.allow_replica_migration, settings_.migration_barrier,
                                     state_ == ClusterState::kOk, now.mono);
  if (choice.verdict != OrphanVerdict::kFollow) return;
  decide(EventLevel::kWarning, "kFollowOrphan",
         fmt::format("Migrating to orphaned master {}", topology_.node(choice.orphan).id.view()), now);
  become_replica_of(choice.orphan, Successor::kStranger, now.mono);
}

}  // namespace skein
