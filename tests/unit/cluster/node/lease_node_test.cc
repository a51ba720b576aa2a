// The lease to write among members that hear each other at once.
#include <gtest/gtest.h>

#include "loopback.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

constexpr milliseconds kTimeout{2000};

bool may_write(Loopback& cluster, std::size_t i) { return cluster.now().mono < cluster.node(i).write_lease_end(); }

bool said(Loopback& cluster, std::size_t i, std::string_view text) {
  for (const auto& line : cluster.seen<LogEvent>(i)) {
    if (line.text.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST(LeaseOfAMember, IsHeldFromTheMomentTheClusterServes) {
  Loopback cluster(3, kTimeout);
  cluster.give_slots(0, 0, 5000);
  cluster.give_slots(1, 5001, 10000);
  cluster.give_slots(2, 10001, 16383);
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(cluster.node(i).set_config_epoch(std::to_string(i + 1), cluster.now()));
  for (std::size_t i = 1; i < 3; ++i) cluster.meet(0, i);
  for (int tick = 0; tick < 80; ++tick) {
    cluster.run_for(kClusterTick);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(may_write(cluster, i) || cluster.node(i).state() == ClusterState::kFail) << tick;
    }
  }
  EXPECT_EQ(cluster.node(0).lease_figures().verdict, LeaseVerdict::kHeld);
  EXPECT_EQ(cluster.node(0).lease_figures().lapses, 0U);
}

TEST(LeaseOfAMember, NeverLapsesWhileAllAreThere) {
  for (const milliseconds timeout : {300ms, 500ms, 2000ms, 15000ms}) {
    Loopback cluster(4, timeout);
    cluster.form(3);
    cluster.run_for(4 * timeout);
    for (int tick = 0; tick < 300; ++tick) {
      cluster.run_for(kClusterTick);
      for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_TRUE(may_write(cluster, i)) << timeout.count() << " ms, tick " << tick;
        // With a third of the timeout to spare, less what passes between two ticks.
        ASSERT_GE(cluster.node(i).write_lease_end() - cluster.now().mono, timeout / 3) << tick;
      }
    }
    EXPECT_EQ(cluster.node(3).write_lease_end(), MonoTime::max());
    EXPECT_EQ(cluster.node(0).lease_figures().lapses, 0U);
  }
}

TEST(LeaseOfAMember, EndsWithinTheNodeTimeoutOfBeingCutOff) {
  Loopback cluster(3, kTimeout);
  cluster.form(3);
  const MonoTime cut = cluster.now().mono;
  cluster.cut(0);
  EXPECT_LE(cluster.node(0).write_lease_end(), cut + kTimeout);
  cluster.run_for(kTimeout);
  EXPECT_FALSE(may_write(cluster, 0));
  EXPECT_TRUE(may_write(cluster, 1));
  EXPECT_TRUE(said(cluster, 0, "Writes wait: 0 of 1 voters needed"));
  EXPECT_FALSE(said(cluster, 1, "Writes wait"));
  cluster.run_for(3 * kTimeout);
  EXPECT_EQ(cluster.node(0).state(), ClusterState::kFail);

  cluster.join(0);
  cluster.run_for(3 * kTimeout);
  EXPECT_TRUE(may_write(cluster, 0));
  EXPECT_EQ(cluster.node(0).state(), ClusterState::kOk);
  EXPECT_TRUE(said(cluster, 0, "Writes go on"));
}

TEST(LeaseOfAMember, OneOfTheOthersIsEnoughForThree) {
  Loopback cluster(3, kTimeout);
  cluster.form(3);
  cluster.crash(2);
  for (int tick = 0; tick < 60; ++tick) {
    cluster.run_for(kClusterTick);
    ASSERT_TRUE(may_write(cluster, 0)) << tick;
  }
}

TEST(LeaseOfAMember, BeginsAnewAfterARestart) {
  Loopback cluster(3, kTimeout);
  cluster.form(3);
  cluster.crash(0);
  cluster.run_for(500ms);
  cluster.cut(1);
  cluster.cut(2);
  cluster.restart(0);
  EXPECT_FALSE(may_write(cluster, 0));
  cluster.run_for(kTimeout);
  EXPECT_FALSE(may_write(cluster, 0));
  cluster.join(1);
  cluster.run_for(500ms);
  EXPECT_TRUE(may_write(cluster, 0));
}

TEST(LeaseOfAMember, AStoppedPrimaryWritesNothingBeforeItHasAsked) {
  Loopback cluster(3, kTimeout);
  cluster.form(3);
  cluster.host(0).is_frozen = true;
  cluster.run_for(kTimeout + 500ms);
  EXPECT_FALSE(may_write(cluster, 0));
  cluster.host(0).is_frozen = false;
  cluster.run_for(kClusterTick);
  EXPECT_TRUE(may_write(cluster, 0));
  EXPECT_EQ(cluster.node(0).lease_figures().lapses, 1U);
}

TEST(LeaseOfAMember, AShortStopChangesNothing) {
  Loopback cluster(3, kTimeout);
  cluster.form(3);
  cluster.host(0).is_frozen = true;
  cluster.run_for(kTimeout / 2);
  cluster.host(0).is_frozen = false;
  EXPECT_TRUE(may_write(cluster, 0));
  cluster.run_for(kTimeout);
  EXPECT_TRUE(may_write(cluster, 0));
  EXPECT_EQ(cluster.node(0).lease_figures().lapses, 0U);
}

TEST(LeaseOfAMember, WithAReplicaThatTookOverMeanwhileItBecomesAReplicaWithoutEverWriting) {
  Loopback cluster(4, kTimeout);
  cluster.form(3);
  const std::string primary = cluster.id(0);
  ASSERT_TRUE(cluster.node(3).replicate(primary, cluster.now()));
  cluster.run_for(kTimeout);
  cluster.host(0).is_frozen = true;
  cluster.run_for(kTimeout + 500ms);
  const std::vector<std::string_view> takeover{"TAKEOVER"};
  ASSERT_TRUE(cluster.node(3).failover(takeover, cluster.now()));
  cluster.run_for(500ms);
  ASSERT_TRUE(cluster.node(3).topology().self().is_voter());
  EXPECT_TRUE(may_write(cluster, 3));
  cluster.host(0).is_frozen = false;
  for (int tick = 0; tick < 50; ++tick) {
    cluster.run_for(kClusterTick);
    const bool owns = cluster.node(0).topology().self().is_voter();
    ASSERT_FALSE(owns && may_write(cluster, 0)) << tick;
    if (!owns) break;
  }
  EXPECT_TRUE(cluster.node(0).topology().self().is_replica());
}

TEST(LeaseOfAMember, FirstSlotsNeedALeaseAndTheLastNone) {
  Loopback cluster(4, kTimeout);
  cluster.form(3);
  cluster.run_for(3 * kTimeout);
  EXPECT_EQ(cluster.node(3).lease_figures().verdict, LeaseVerdict::kNotNeeded);
  const std::string id = cluster.id(3);
  const std::string source = cluster.id(0);
  const std::vector<std::string_view> importing{"7", "IMPORTING", source};
  const std::vector<std::string_view> to_it{"7", "NODE", id};
  ASSERT_TRUE(cluster.node(3).set_slot(importing, cluster.now()));
  ASSERT_TRUE(cluster.node(3).set_slot(to_it, cluster.now()));
  cluster.pump();
  // The voters answer at once.
  EXPECT_EQ(cluster.node(3).lease_figures().verdict, LeaseVerdict::kHeld);
  EXPECT_TRUE(may_write(cluster, 3));
  ASSERT_TRUE(cluster.node(0).set_slot(to_it, cluster.now()));
  cluster.run_for(kTimeout);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(may_write(cluster, i)) << i;
  EXPECT_EQ(cluster.node(0).lease_figures().voters, 4U);
  EXPECT_EQ(cluster.node(0).lease_figures().needed, 2U);
}

TEST(LeaseOfAMember, AnElectionElsewhereIsNoReasonToWaitOnceItsWinnerIsKnown) {
  Loopback cluster(3, kTimeout);
  cluster.form(3);
  cluster.cut(0);
  cluster.run_for(2 * kTimeout);
  ASSERT_TRUE(cluster.node(1).bump_epoch(cluster.now()));
  cluster.pump();
  cluster.join(0);
  cluster.run_for(3 * kTimeout);
  EXPECT_TRUE(may_write(cluster, 0));
}

}  // namespace
}  // namespace skein
