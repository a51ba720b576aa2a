#include <skein/cluster/failover/lease.h>

#include <algorithm>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include <skein/base/random.h>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

constexpr milliseconds kTimeout{1000};
constexpr milliseconds kStep{100};

// This node and other primaries, each with a slot. Link numbers are of no concern to most tests.
struct Cluster {
  Topology topology{node_called(0, NodeFlag::kPrimary | NodeFlag::kMyself)};
  std::vector<NodeIndex> others;
  Lease lease;
  Epoch epoch{10};
  MonoTime now{std::chrono::hours{1}};

  explicit Cluster(std::size_t voters) {
    topology.edit(kSelf, [](Node& node) { node.config_epoch = {1}; });
    topology.set_owner({0}, kSelf);
    while (others.size() + 1 < voters) join();
    judge();
  }

  static Node node_called(std::size_t number, NodeFlags flags) {
    Node node;
    std::string id(40, '0');
    for (std::size_t i = 0; number > 0; ++i, number /= 10) id[39 - i] = static_cast<char>('0' + number % 10);
    node.id = *NodeId::parse(id);
    node.flags = flags;
    return node;
  }

  NodeIndex join() {
    const std::size_t number = others.size() + 1;
    const NodeIndex index = *topology.add(node_called(number, NodeFlag::kPrimary));
    topology.edit(index, [&](Node& node) { node.config_epoch = {number + 1}; });
    topology.set_owner({static_cast<std::uint16_t>(number)}, index);
    others.push_back(index);
    return index;
  }

  LeaseVerdict judge() { return lease.judge(topology, epoch, kTimeout, now); }
  LeaseVerdict after(milliseconds span) {
    now += span;
    return judge();
  }
  void ping(std::size_t which) { lease.on_ping(others[which], 1, now); }
  LeaseVerdict answer(std::size_t which) {
    lease.on_answer(others[which], 1);
    return judge();
  }
  // All are pinged and answer at once.
  LeaseVerdict round() {
    for (std::size_t i = 0; i < others.size(); ++i) ping(i);
    for (std::size_t i = 0; i < others.size(); ++i) answer(i);
    return judge();
  }
};

TEST(Lease, OnlyPrimariesWithSlotsAmongOthersNeedIt) {
  Cluster alone(1);
  EXPECT_EQ(alone.judge(), LeaseVerdict::kAlone);
  EXPECT_EQ(alone.lease.end(), MonoTime::max());
  Cluster three(3);
  EXPECT_EQ(three.round(), LeaseVerdict::kHeld);
  three.topology.edit(kSelf, [](Node& node) { node.flags.clear(NodeFlag::kPrimary).set(NodeFlag::kReplica); });
  EXPECT_EQ(three.judge(), LeaseVerdict::kNotNeeded);
  EXPECT_EQ(three.lease.end(), MonoTime::max());
}

TEST(Lease, BeginsWithTheAnswersOfAMajority) {
  Cluster five(5);
  EXPECT_EQ(five.judge(), LeaseVerdict::kTooFewAnswers);
  EXPECT_LT(five.lease.end(), five.now);
  for (std::size_t i = 0; i < 4; ++i) five.ping(i);
  EXPECT_EQ(five.answer(0), LeaseVerdict::kTooFewAnswers);
  EXPECT_EQ(five.answer(1), LeaseVerdict::kHeld);
  EXPECT_EQ(five.lease.end(), five.now + kTimeout);
}

TEST(Lease, CountsFromTheSendingTime) {
  Cluster three(3);
  three.ping(0);
  const MonoTime sent = three.now;
  EXPECT_EQ(three.after(300ms), LeaseVerdict::kTooFewAnswers);
  EXPECT_EQ(three.answer(0), LeaseVerdict::kHeld);
  EXPECT_EQ(three.lease.end(), sent + kTimeout);
  EXPECT_EQ(three.after(699ms), LeaseVerdict::kHeld);
  EXPECT_EQ(three.after(1ms), LeaseVerdict::kTooFewAnswers);
}

TEST(Lease, OfAnEvenNumberHalfOfTheOthersAreNotAMajority) {
  Cluster four(4);
  four.ping(0);
  four.ping(1);
  EXPECT_EQ(four.answer(0), LeaseVerdict::kTooFewAnswers);
  EXPECT_EQ(four.answer(1), LeaseVerdict::kHeld);
}

TEST(Lease, AnswersBelongToTheirPingsInOrder) {
  Cluster three(3);
  three.round();
  const MonoTime first = three.now + 100ms;
  three.after(100ms);
  three.ping(0);
  three.after(100ms);
  three.ping(0);
  three.answer(0);
  EXPECT_EQ(three.lease.end(), first + kTimeout);
  three.answer(0);
  EXPECT_EQ(three.lease.end(), first + 100ms + kTimeout);
  // What was not asked for says nothing.
  three.after(100ms);
  three.answer(0);
  EXPECT_EQ(three.lease.end(), first + 100ms + kTimeout);
}

TEST(Lease, ANewLinkForgetsWhatTheOldOneOwed) {
  Cluster three(3);
  three.round();
  const MonoTime end = three.lease.end();
  three.after(100ms);
  three.lease.on_ping(three.others[0], 1, three.now);
  three.after(100ms);
  three.lease.on_ping(three.others[0], 2, three.now);
  three.lease.on_answer(three.others[0], 1);
  EXPECT_EQ(three.lease.end(), end);
  three.lease.on_answer(three.others[0], 2);
  three.judge();
  EXPECT_EQ(three.lease.end(), three.now + kTimeout);
}

TEST(Lease, AnswersToPingsFromBeforeTheLapseRenewNothing) {
  Cluster three(3);
  three.round();
  three.after(900ms);
  three.ping(0);
  three.ping(1);
  // Stopped; it wakes up with the answers in its buffers.
  three.now += 5000ms;
  EXPECT_EQ(three.answer(0), LeaseVerdict::kTooFewAnswers);
  EXPECT_EQ(three.answer(1), LeaseVerdict::kTooFewAnswers);
  EXPECT_LT(three.lease.end(), three.now);
  three.ping(0);
  three.after(1ms);
  EXPECT_EQ(three.answer(0), LeaseVerdict::kHeld);
  EXPECT_EQ(three.lease.figures().lapses, 1U);
}

TEST(Lease, AnUnexplainedEpochIsWaitedFor) {
  Cluster three(3);
  three.round();
  three.now += 3000ms;
  three.epoch = {11};
  EXPECT_EQ(three.judge(), LeaseVerdict::kTooFewAnswers);
  three.ping(0);
  EXPECT_EQ(three.answer(0), LeaseVerdict::kElectionPossible);
  EXPECT_LT(three.lease.end(), three.now);
  // The owner makes itself known: another shard's.
  three.topology.edit(three.others[1], [](Node& node) { node.config_epoch = {11}; });
  EXPECT_EQ(three.judge(), LeaseVerdict::kHeld);
}

TEST(Lease, AnEpochThatNobodyEverOwnsIsWaitedForAsLongAsRedisDoes) {
  Cluster three(3);
  three.round();
  three.now += 3000ms;
  three.epoch = {12};
  three.topology.edit(three.others[1], [](Node& node) { node.config_epoch = {12}; });
  three.judge();
  EXPECT_EQ(three.round(), LeaseVerdict::kElectionPossible);
  for (int i = 0; i < 9; ++i) {
    three.now += 100ms;
    EXPECT_EQ(three.round(), LeaseVerdict::kElectionPossible);
  }
  three.now += 100ms;
  EXPECT_EQ(three.round(), LeaseVerdict::kHeld);
}

TEST(Lease, AReplicaThatShowsAnEpochDoesNotExplainIt) {
  Cluster three(3);
  three.round();
  three.now += 3000ms;
  three.epoch = {11};
  const NodeIndex replica = *three.topology.add(Cluster::node_called(77, NodeFlag::kReplica));
  three.topology.edit(replica, [](Node& node) { node.config_epoch = {11}; });
  three.judge();
  EXPECT_EQ(three.round(), LeaseVerdict::kElectionPossible);
}

TEST(Lease, TheMajorityIsLostAgainWhileItWaits) {
  Cluster three(3);
  three.round();
  three.now += 3000ms;
  three.epoch = {11};
  three.judge();
  EXPECT_EQ(three.round(), LeaseVerdict::kElectionPossible);
  // Nobody answers any more: the time of waiting does not count.
  EXPECT_EQ(three.after(1100ms), LeaseVerdict::kTooFewAnswers);
  EXPECT_EQ(three.round(), LeaseVerdict::kElectionPossible);
}

TEST(Lease, CalledFailedByThoseWhoWouldVoteAnywayItWaits) {
  Cluster three(3);
  three.round();
  three.lease.on_called_failed(three.now);
  EXPECT_LT(three.lease.end(), three.now);
  EXPECT_EQ(three.round(), LeaseVerdict::kCalledFailed);
  for (int i = 0; i < 10; ++i) {
    three.now += 100ms;
    three.round();
  }
  EXPECT_EQ(three.judge(), LeaseVerdict::kHeld);
}

TEST(Lease, WhoJoinsNeitherShortensNorLengthensIt) {
  Cluster cluster(1);
  EXPECT_EQ(cluster.judge(), LeaseVerdict::kAlone);
  cluster.join();
  EXPECT_EQ(cluster.judge(), LeaseVerdict::kHeld);
  const MonoTime end = cluster.lease.end();
  EXPECT_EQ(end, cluster.now + kTimeout);
  for (int i = 0; i < 5; ++i) {
    cluster.after(50ms);
    cluster.join();
    EXPECT_EQ(cluster.judge(), LeaseVerdict::kHeld);
    EXPECT_EQ(cluster.lease.end(), end);
  }
  // The others' epochs are theirs.
  cluster.now = end;
  EXPECT_EQ(cluster.judge(), LeaseVerdict::kTooFewAnswers);
}

TEST(Lease, WhoJoinsWhileItHasLapsedHasAnsweredNothing) {
  Cluster three(3);
  three.round();
  three.after(2000ms);
  three.join();
  EXPECT_EQ(three.judge(), LeaseVerdict::kTooFewAnswers);
}

TEST(Lease, FewerVotersNeedFewerAnswers) {
  Cluster five(5);
  for (std::size_t i = 0; i < 4; ++i) five.ping(i);
  EXPECT_EQ(five.answer(0), LeaseVerdict::kTooFewAnswers);
  for (std::uint16_t slot = 3; slot <= 4; ++slot) five.topology.set_owner({slot}, kSelf);
  EXPECT_EQ(five.judge(), LeaseVerdict::kHeld);
}

TEST(Lease, FollowsTheNodeTimeout) {
  Cluster three(3);
  three.round();
  const MonoTime sent = three.now;
  EXPECT_EQ(three.lease.judge(three.topology, three.epoch, 4000ms, three.now), LeaseVerdict::kHeld);
  EXPECT_EQ(three.lease.end(), sent + 4000ms);
  EXPECT_EQ(three.lease.judge(three.topology, three.epoch, 500ms, three.now + 600ms), LeaseVerdict::kTooFewAnswers);
}

TEST(Lease, AVoterThatLeavesIsForgotten) {
  Cluster three(3);
  three.round();
  const NodeIndex gone = three.others[1];
  three.lease.forget(gone);
  three.topology.remove(gone);
  EXPECT_EQ(three.judge(), LeaseVerdict::kHeld);
  EXPECT_EQ(three.lease.figures().voters, 2U);
}

TEST(Lease, AsksAMajorityAndAFewMoreOften) {
  Cluster large(101);
  const auto all = [](NodeIndex) { return true; };
  std::vector<MonoTime> last(200, large.now);
  std::size_t pings = 0;
  std::vector<NodeIndex> silent;
  for (int i = 0; i < 600; ++i) {
    large.now += kStep;
    large.judge();
    if (i == 300) silent.assign(large.others.begin(), large.others.begin() + 40);
    const auto chosen = large.lease.choose_pings(all, large.now, kStep);
    for (const NodeIndex index : chosen) {
      ++pings;
      large.lease.on_ping(index, 1, large.now);
      if (std::find(silent.begin(), silent.end(), index) == silent.end()) large.lease.on_answer(index, 1);
    }
    // Even when a good part of those who were asked falls silent at one moment.
    ASSERT_TRUE(large.judge() == LeaseVerdict::kHeld || i < 2) << i;
  }
  // 53 of 100 three times a timeout, which is three steps here; the second half asks some in vain.
  EXPECT_LT(pings, 600U / 3 * 60 + 400);
}

TEST(Lease, ALinkThatLostAnAnswerIsOutOfStep) {
  Cluster three(3);
  const auto round = [&](milliseconds pause) {
    three.after(pause);
    three.ping(0);
    three.answer(0);
  };
  three.round();
  three.ping(0);  // lost
  for (int i = 0; i < 20; ++i) {
    round(300ms);
    EXPECT_EQ(three.judge(), LeaseVerdict::kHeld);
    EXPECT_FALSE(three.lease.is_out_of_step(three.others[0], three.now));
  }
  three.ping(0);  // lost, too
  round(300ms);
  round(300ms);
  EXPECT_TRUE(three.lease.is_out_of_step(three.others[0], three.now));
  // One that is silent altogether is another matter.
  EXPECT_FALSE(three.lease.is_out_of_step(three.others[0], three.now - 600ms));
  three.lease.on_ping(three.others[0], 2, three.now);
  EXPECT_FALSE(three.lease.is_out_of_step(three.others[0], three.now + 200ms));
}

TEST(Lease, PingsBeyondWhatIsKeptOnlyMakeItShorter) {
  UnansweredPings pings;
  std::deque<MonoTime> real;
  Random random{7};
  MonoTime now{std::chrono::hours{1}};
  for (int i = 0; i < 100000; ++i) {
    now += milliseconds(1 + random.below(50));
    if (random.below(100) < 52) {
      pings.add(now);
      real.push_back(now);
    } else {
      const MonoTime taken = pings.take();
      if (real.empty()) {
        ASSERT_EQ(taken, MonoTime{});
        continue;
      }
      ASSERT_LE(taken, real.front());
      real.pop_front();
    }
    ASSERT_EQ(pings.empty(), real.empty());
    if (i % 1000 == 0) {
      pings = {};
      real.clear();
    }
  }
}

// A random world: links that delay, lose and break, stops of the process, votes at any moment. Whatever
// happens, while the lease is held a majority of voters has, within the node timeout, heard a ping, and
// after a lapse one that was sent later.
TEST(Lease, NeverOutlastsWhatAMajorityHasHeard) {
  struct Flight {
    std::size_t to;
    std::uint64_t link;
    MonoTime sent;
    MonoTime arrives;
    MonoTime answered;
  };
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random{seed};
    const std::size_t voters = 2 + random.below(11);
    Cluster cluster(voters);
    std::vector<Flight> flights;
    std::vector<std::uint64_t> links(voters, 1);
    std::vector<bool> cut(voters);
    std::vector<MonoTime> heard(voters, MonoTime{});  // the sending time of the newest ping
    MonoTime noticed{};                               // the last lapse
    int held_steps = 0;
    for (int step = 0; step < 2000; ++step) {
      milliseconds passes{1 + random.below(60)};
      const bool stops = random.below(200) == 0;
      if (stops) passes = milliseconds{random.below(4000)};
      cluster.now += passes;
      if (cluster.lease.verdict() == LeaseVerdict::kHeld && cluster.now >= cluster.lease.end()) noticed = cluster.now;
      if (random.below(50) == 0) cut[random.below(voters - 1)] = random.below(5) == 0;
      for (auto& flight : flights) {
        if (flight.arrives <= cluster.now) heard[flight.to] = std::max(heard[flight.to], flight.sent);
      }
      // Answers in the order of their pings, with each looked at on its own.
      std::vector<Flight> left;
      for (const auto& flight : flights) {
        if (flight.answered > cluster.now) {
          left.push_back(flight);
          continue;
        }
        cluster.lease.on_answer(cluster.others[flight.to], flight.link);
        if (random.below(2) == 0) cluster.judge();
      }
      flights = std::move(left);
      cluster.judge();
      const auto send = [&](std::size_t to) {
        cluster.lease.on_ping(cluster.others[to], links[to], cluster.now);
        if (cut[to] || random.below(50) == 0) return;  // lost, or swallowed by somebody on the way
        const MonoTime arrives = cluster.now + milliseconds{random.below(120)};
        MonoTime answered = arrives + milliseconds{random.below(120)};
        for (const auto& other : flights) {
          if (other.to == to && other.link == links[to]) answered = std::max(answered, other.answered);
        }
        flights.push_back({to, links[to], cluster.now, arrives, answered});
      };
      const auto usable = [](NodeIndex) { return true; };
      const auto chosen = cluster.lease.choose_pings(usable, cluster.now, kStep);
      for (std::size_t to = 0; to + 1 < voters; ++to) {
        // A link that lost something is opened anew, as the owner does, and begins with a ping.
        const bool anew = cluster.lease.is_out_of_step(cluster.others[to], cluster.now) || random.below(1000) == 0;
        if (anew) ++links[to];
        if (anew || std::find(chosen.begin(), chosen.end(), cluster.others[to]) != chosen.end()) send(to);
      }
      if (cluster.now >= cluster.lease.end()) continue;
      ++held_steps;
      std::size_t counts = 1;
      for (std::size_t to = 0; to + 1 < voters; ++to) {
        counts += heard[to] + kTimeout >= cluster.lease.end() && heard[to] >= noticed ? 1 : 0;
      }
      ASSERT_GE(counts, voters / 2 + 1) << "seed " << seed << ", step " << step;
    }
    EXPECT_GT(held_steps, 300) << seed;
  }
}

}  // namespace
}  // namespace skein
