#include <skein/cluster/failover/lease.h>

#include <algorithm>
#include <functional>

namespace skein {

namespace {

constexpr milliseconds kMinRejoinDelay{500};
constexpr milliseconds kMaxRejoinDelay{5000};
// How often a voter is pinged, so that two pings in a row may be lost or late.
constexpr int kPingsPerTimeout = 3;
// So many others are all pinged; of more voters a majority is enough, and a few more for those
// that fail before the next round.
constexpr std::size_t kPingedAll = 8;
constexpr std::size_t kSpareVoters = 3;
// A node timeout shorter than the steps in which members look at the time cannot be kept to.
constexpr milliseconds kShortestPeriod{200};

}  // namespace

std::string_view lease_verdict_name(LeaseVerdict verdict) {
  switch (verdict) {
    case LeaseVerdict::kNotNeeded: return "not-needed";
    case LeaseVerdict::kAlone: return "alone";
    case LeaseVerdict::kHeld: return "held";
    case LeaseVerdict::kTooFewAnswers: return "too-few-answers";
    case LeaseVerdict::kElectionPossible: return "election-possible";
    case LeaseVerdict::kCalledFailed: return "called-failed";
  }
  return "";
}

milliseconds rejoin_delay(milliseconds node_timeout) {
  return std::clamp(node_timeout, kMinRejoinDelay, kMaxRejoinDelay);
}

void UnansweredPings::add(MonoTime sent) {
  if (full() || more_ > 0) {
    ++more_;
  } else {
    sent_[count_++] = sent;
  }
}

MonoTime UnansweredPings::take() {
  if (count_ == 0) return {};
  const MonoTime sent = sent_[0];
  if (count_ == 1 && more_ > 0) {
    --more_;
    return sent;
  }
  std::move(sent_.begin() + 1, sent_.begin() + count_, sent_.begin());
  --count_;
  return sent;
}

Lease::Row& Lease::row(NodeIndex node) {
  if (rows_.size() <= node.value) rows_.resize(std::size_t{node.value} + 1);
  return rows_[node.value];
}

void Lease::on_ping(NodeIndex node, std::uint64_t link, MonoTime sent) {
  Row& at = row(node);
  if (at.link != link) {
    at.link = link;
    at.unanswered = {};
  }
  at.unanswered.add(sent);
  at.last_sent = sent;
}

void Lease::on_answer(NodeIndex node, std::uint64_t link) {
  Row& from = row(node);
  if (from.link != link || from.unanswered.empty()) return;
  from.answered = std::max(from.answered, from.unanswered.take());
  has_news_ = has_news_ || from.votes;
}

void Lease::forget(NodeIndex node) {
  if (node.value < rows_.size()) rows_[node.value] = {};
}

void Lease::on_called_failed(MonoTime now) {
  if (!is_needed()) return;
  called_failed_ = true;
  // Whoever answers from now on has not been counted among those who still wait for this node.
  if (verdict_ == LeaseVerdict::kHeld || verdict_ == LeaseVerdict::kElectionPossible) lapse(now);
  has_news_ = true;
}

// A voter that has only now become one counts as if it had answered when the lease's present
// end was earned: the lease of those who voted until now stays good until then, and no longer.
void Lease::follow_voters(const Topology& topology, MonoTime now) {
  if (voters_revision_ == topology.voters_revision()) return;
  voters_revision_ = topology.voters_revision();
  const bool credits = verdict_ == LeaseVerdict::kHeld || verdict_ == LeaseVerdict::kAlone;
  const MonoTime earned = verdict_ == LeaseVerdict::kHeld ? end_ - period_ : now;
  voters_.clear();
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf) return;
    if (!node.is_voter()) {
      if (index.value < rows_.size()) rows_[index.value].votes = false;
      return;
    }
    voters_.push_back(index);
    Row& voter = row(index);
    if (!voter.votes && credits) voter.answered = std::max(voter.answered, earned);
    voter.votes = true;
  });
}

// The sending time of the newest ping that enough voters have answered; half of the others, since
// this node makes them a majority.
MonoTime Lease::majority_answered() {
  times_.clear();
  for (const NodeIndex voter : voters_) times_.push_back(rows_[voter.value].answered);
  const auto last_needed = times_.begin() + static_cast<std::ptrdiff_t>((voters_.size() + 1) / 2) - 1;
  std::nth_element(times_.begin(), last_needed, times_.end(), std::greater<>());
  return *last_needed;
}

// Whether each epoch since the lease was held is that of a primary, whose claim is known then: if
// it had taken this node's slots, this node would have none.
bool Lease::claims_explain(const Topology& topology, Epoch current_epoch) const {
  if (current_epoch <= held_epoch_) return true;
  std::vector<Epoch> claimed;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf && unheard_epoch_ == node.config_epoch) return;  // somebody else's, too, perhaps
    if (node.is_primary() && node.config_epoch > held_epoch_ && node.config_epoch <= current_epoch) {
      claimed.push_back(node.config_epoch);
    }
  });
  std::sort(claimed.begin(), claimed.end());
  const auto distinct = std::unique(claimed.begin(), claimed.end()) - claimed.begin();
  return static_cast<std::uint64_t>(distinct) == current_epoch.value - held_epoch_.value;
}

// What nobody can be elected in any more unheard: of an epoch of its own that is not so.
Epoch Lease::explained(Epoch current_epoch) const {
  if (!unheard_epoch_ || current_epoch < *unheard_epoch_) return current_epoch;
  return Epoch{unheard_epoch_->value - 1};
}

void Lease::lapse(MonoTime now) {
  const bool anew = verdict_ == LeaseVerdict::kHeld || verdict_ == LeaseVerdict::kNotNeeded;
  if (anew) lapsed_at_ = now;
  if (verdict_ == LeaseVerdict::kHeld) ++lapses_;
  verdict_ = LeaseVerdict::kTooFewAnswers;
  end_ = {};
  fresh_after_ = now;
}

void Lease::hold(MonoTime basis, Epoch current_epoch) {
  if (verdict_ != LeaseVerdict::kHeld) ++renewals_;
  verdict_ = LeaseVerdict::kHeld;
  end_ = basis + period_;
  held_epoch_ = explained(current_epoch);
  called_failed_ = false;
}

LeaseVerdict Lease::judge(const Topology& topology, Epoch current_epoch, milliseconds node_timeout, MonoTime now) {
  const milliseconds period = std::max(node_timeout, kShortestPeriod);
  const bool waits = is_needed() && verdict_ != LeaseVerdict::kHeld;
  const bool unchanged = !has_news_ && period == period_ && voters_revision_ == topology.voters_revision() &&
                         judged_epoch_ == current_epoch;
  // What is held ends with time, and so does a doubt; answers that are too few stay so until one comes.
  const bool lasts = verdict_ == LeaseVerdict::kTooFewAnswers || (!waits && now < end_);
  if (unchanged && lasts) return verdict_;
  // First of all, and by its old end: what has arrived meanwhile must not hide that it was over.
  if (verdict_ == LeaseVerdict::kHeld && now >= end_) lapse(now);
  follow_voters(topology, now);
  has_news_ = false;
  period_ = period;
  judged_epoch_ = current_epoch;

  if (!topology.self().is_voter() || voters_.empty()) {
    if (waits) ++renewals_;
    verdict_ = topology.self().is_voter() ? LeaseVerdict::kAlone : LeaseVerdict::kNotNeeded;
    end_ = MonoTime::max();
    held_epoch_ = explained(current_epoch);
    called_failed_ = false;
    return verdict_;
  }
  if (verdict_ == LeaseVerdict::kNotNeeded) {
    // It has just started, or got its first slots: nobody has promised anything yet.
    lapse(now);
    held_epoch_ = explained(current_epoch);
  }
  if (verdict_ == LeaseVerdict::kAlone || verdict_ == LeaseVerdict::kHeld) {
    hold(majority_answered(), current_epoch);
    if (now >= end_) lapse(now);
  } else {
    judge_renewal(topology, current_epoch, now);
  }
  return verdict_;
}

void Lease::judge_renewal(const Topology& topology, Epoch current_epoch, MonoTime now) {
  const MonoTime basis = majority_answered();
  if (basis < fresh_after_) return;
  if (now >= basis + period_) return lapse(now);  // it was, and is no more
  if (verdict_ == LeaseVerdict::kTooFewAnswers) doubt_until_ = now + rejoin_delay(period_);
  if (now < doubt_until_) {
    if (called_failed_) {
      verdict_ = LeaseVerdict::kCalledFailed;
      return;
    }
    const bool just_elected = elected_at_ != MonoTime{} && now - elected_at_ < period_;
    if (!just_elected && !claims_explain(topology, current_epoch)) {
      verdict_ = LeaseVerdict::kElectionPossible;
      return;
    }
  }
  hold(basis, current_epoch);
}

bool Lease::responds(const Row& row, MonoTime now) const {
  return row.unanswered.empty() || now - row.unanswered.oldest() < period_ / kPingsPerTimeout;
}

const std::vector<NodeIndex>& Lease::choose_among_candidates(MonoTime now, milliseconds next_look) {
  const std::size_t wanted = (voters_.size() + 1) / 2 + kSpareVoters;
  if (voters_.size() > kPingedAll && candidates_.size() > wanted) {
    // Those who answered last, so that the same ones are asked again, and none that keeps silent.
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(wanted), candidates_.end(),
                     [&](NodeIndex a, NodeIndex b) {
                       const Row& one = rows_[a.value];
                       const Row& other = rows_[b.value];
                       const bool first = responds(one, now);
                       if (first != responds(other, now)) return first;
                       return one.answered > other.answered;
                     });
    candidates_.resize(wanted);
  }
  std::erase_if(candidates_, [&](NodeIndex voter) {
    const Row& asked = rows_[voter.value];
    // Before the lease lapsed is too early; what the link does not carry off needs no more of it.
    const bool due = asked.last_sent < fresh_after_ ||
                     asked.last_sent + period_ / kPingsPerTimeout <= now + next_look;
    return !due || asked.unanswered.full();
  });
  return candidates_;
}

bool Lease::is_out_of_step(NodeIndex node, MonoTime heard) const {
  if (node.value >= rows_.size()) return false;
  const UnansweredPings& unanswered = rows_[node.value].unanswered;
  // One that was lost makes the others look a ping older, a third of the period, which the lease bears.
  return !unanswered.empty() && heard - unanswered.oldest() > period_ / 4;
}

LeaseFigures Lease::figures() const {
  LeaseFigures shown{.verdict = verdict_,
                     .voters = voters_.size() + 1,
                     .needed = (voters_.size() + 1) / 2,
                     .end = end_,
                     .lapses = lapses_,
                     .renewals = renewals_};
  const bool held = verdict_ == LeaseVerdict::kHeld;
  if (is_needed() && !held) shown.lapsed_at = lapsed_at_;
  const MonoTime counts_from = held ? end_ - period_ : fresh_after_;
  for (const NodeIndex voter : voters_) shown.answering += rows_[voter.value].answered >= counts_from ? 1 : 0;
  return shown;
}

}  // namespace skein
