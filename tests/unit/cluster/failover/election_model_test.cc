// Many elections at once, by the machines alone: candidates, voters with one vote an epoch,
// and messages and saves that take a while.
#include <skein/cluster/failover/election.h>
#include <skein/cluster/failover/election_queue.h>

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class Model {
 public:
  struct Figures {
    milliseconds took{0};
    std::size_t rounds = 0;
  };

  // Primaries 1..dead have failed at one moment; each has one replica. Those above vote.
  Model(std::size_t primaries, std::size_t dead, milliseconds lag, milliseconds save, std::uint64_t seed)
      : quorum_(primaries / 2 + 1), lag_(lag), save_(save), random_(seed), voters_(primaries - dead), candidates_(dead) {
    for (std::size_t i = 0; i < dead; ++i) {
      failed_.push_back({static_cast<std::uint16_t>(i + 1)});
      candidates_[i].random = Random{seed * 1000 + i};
    }
  }

  // As the simulator's network: one packet in fifty takes ten times as long, one in a thousand a hundred times.
  Model& with_late_packets() {
    some_are_late_ = true;
    return *this;
  }

  // Nothing when some are not replaced within `limit`.
  std::optional<Figures> run(milliseconds limit) {
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      // FAIL reaches them within a few milliseconds; each ticks at a phase of its own.
      later(delay(lag_), [this, i] { start(i); });
    }
    while (!events_.empty() && !unreplaced_ends()) {
      const auto first = events_.begin();
      now_ = first->first;
      if (now_ - kStart > limit) return std::nullopt;
      const auto action = std::move(first->second);
      events_.erase(first);
      action();
    }
    return Figures{std::chrono::duration_cast<milliseconds>(now_ - kStart), rounds_};
  }

 private:
  static constexpr MonoTime kStart{std::chrono::hours{1}};
  struct VoterState {
    Epoch current;
    Epoch voted;
    std::map<std::size_t, Epoch> votes;
  };
  struct Candidate {
    Election election;
    ElectionQueue queue;
    Random random{0};
    Epoch current;
    std::vector<NodeIndex> seen_failed;
    bool is_up = false;
    bool has_won = false;
  };

  bool unreplaced_ends() const { return replaced_ == candidates_.size(); }
  milliseconds delay(milliseconds up_to) {
    return milliseconds{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(up_to.count()) + 1))};
  }
  milliseconds travel() {
    const milliseconds usual = delay(lag_);
    if (!some_are_late_) return usual;
    if (random_.one_in(1000)) return usual * 100;
    return random_.one_in(50) ? usual * 10 : usual;
  }
  void later(milliseconds in, std::function<void()> action) {
    // Equal times keep their order.
    events_.emplace(now_ + in + nanoseconds{++sequence_ % 1000}, std::move(action));
  }

  void start(std::size_t i) {
    candidates_[i].is_up = true;
    candidates_[i].seen_failed = failed_;
    later(delay(100ms), [this, i] { tick(i); });
    run_candidate(i);
  }
  void tick(std::size_t i) {
    if (candidates_[i].has_won) return;
    later(100ms, [this, i] { tick(i); });
    run_candidate(i);
  }

  void run_candidate(std::size_t i) {
    Candidate& us = candidates_[i];
    if (us.has_won || !us.is_up) return;
    const auto turn = us.queue.judge(us.seen_failed, {failed_[i], us.election.is_again(), save_}, now_);
    // A packet comes soon with so many nodes.
    if (turn.not_before > now_) {
      later(std::chrono::ceil<milliseconds>(turn.not_before - now_) + delay(5ms), [this, i] { run_candidate(i); });
    }
    const Election::Situation situation{.node_timeout = 2000ms, .is_turn = turn.is_ours, .current_epoch = us.current};
    const auto step = us.election.step(situation, now_, us.random);
    if (step == Election::Step::kAsk) {
      us.current = {us.current.value + 1 + std::min<std::size_t>(us.election.is_again() ? turn.ahead : turn.silent, 16)};
      us.election.begin_round(us.current, 2000ms, now_);
      ++rounds_;
      later(save_, [this, i, epoch = us.current] { ask_everybody(i, epoch); });
    } else if (step == Election::Step::kRepeat && us.current == us.election.round()) {
      for (std::size_t v = 0; v < voters_.size(); ++v) {
        if (!us.election.has_vote_of(voter_index(v), now_)) ask(i, v, us.current);
      }
    }
  }
  NodeIndex voter_index(std::size_t v) const { return {static_cast<std::uint16_t>(1000 + v)}; }

  void ask_everybody(std::size_t i, Epoch epoch) {
    for (std::size_t v = 0; v < voters_.size(); ++v) ask(i, v, epoch);
    for (std::size_t other = 0; other < candidates_.size(); ++other) {
      if (other != i) later(travel(), [this, i, other, epoch] { hear_rival(other, i, epoch); });
    }
  }
  void ask(std::size_t i, std::size_t v, Epoch epoch) {
    later(travel(), [this, i, v, epoch] {
      VoterState& voter = voters_[v];
      voter.current = std::max(voter.current, epoch);
      if (epoch < voter.current) return;
      const bool again = voter.votes.contains(i) && voter.votes[i] == epoch;
      if (voter.voted == voter.current && !again) return;
      voter.voted = voter.current;
      voter.votes[i] = epoch;
      later(save_ + travel(), [this, i, v, epoch] { hear_vote(i, v, epoch); });
    });
  }
  void hear_rival(std::size_t us, std::size_t rival, Epoch epoch) {
    Candidate& candidate = candidates_[us];
    candidate.current = std::max(candidate.current, epoch);
    candidate.queue.note_asked(failed_[rival], epoch, now_);
    candidate.election.on_rival(epoch, now_, candidate.random);
    run_candidate(us);
  }
  void hear_vote(std::size_t i, std::size_t v, Epoch epoch) {
    Candidate& us = candidates_[i];
    if (us.has_won || !us.election.on_vote(voter_index(v), epoch, now_) || us.election.votes(now_) < quorum_) return;
    us.has_won = true;
    later(save_, [this, i] {
      ++replaced_;
      for (std::size_t other = 0; other < candidates_.size(); ++other) {
        later(travel(), [this, i, other] {
          std::erase(candidates_[other].seen_failed, failed_[i]);
          run_candidate(other);
        });
      }
    });
  }

  bool some_are_late_ = false;
  std::size_t quorum_;
  milliseconds lag_;
  milliseconds save_;
  Random random_;
  MonoTime now_ = kStart;
  std::uint64_t sequence_ = 0;
  std::multimap<MonoTime, std::function<void()>> events_;
  std::vector<NodeIndex> failed_;
  std::vector<VoterState> voters_;
  std::vector<Candidate> candidates_;
  std::size_t replaced_ = 0;
  std::size_t rounds_ = 0;
};

TEST(ManyElections, AFewOfAFewAreAllOverSoon) {
  for (const milliseconds lag : {1ms, 5ms, 20ms}) {
    for (std::size_t primaries = 5; primaries <= 9; ++primaries) {
      for (std::size_t dead = 2; primaries - dead >= primaries / 2 + 1; ++dead) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
          for (const milliseconds save : {0ms, lag}) {
            const auto figures = Model(primaries, dead, lag, save, seed).run(2500ms);
            ASSERT_TRUE(figures) << dead << " of " << primaries << ", lag " << lag.count() << ", seed " << seed;
          }
        }
      }
    }
  }
}

TEST(ManyElections, HalfOfAThousandNodes) {
  for (const milliseconds save : {0ms, 5ms, 30ms}) {
    const auto figures = Model(500, 249, 2ms, save, 7).run(30s);
    ASSERT_TRUE(figures);
    RecordProperty("ms_" + std::to_string(save.count()), static_cast<int>(figures->took.count()));
    RecordProperty("rounds_" + std::to_string(save.count()), static_cast<int>(figures->rounds));
    EXPECT_LT(figures->took, 10s);
  }
}

// Every one of the living voters is needed, and of so many packets a few are late.
TEST(ManyElections, HalfOfAThousandNodesWithLatePackets) {
  for (const milliseconds save : {0ms, 5ms, 30ms}) {
    const auto figures = Model(500, 249, 2ms, save, 7).with_late_packets().run(60s);
    ASSERT_TRUE(figures);
    EXPECT_LT(figures->took, 15s);
    EXPECT_LT(figures->rounds, 3 * 249U) << "asked in vain";
  }
}

}  // namespace
}  // namespace skein
