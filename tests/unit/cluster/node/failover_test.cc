// Automatic failover among members that hear each other, in virtual time.
#include <gtest/gtest.h>

#include "shards.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(Failover, AReplicaTakesOverSoonAfterTheNodeTimeout) {
  for (int phase = 0; phase < 100; phase += 9) {
    Shards net(3, 1);
    net.run_finely(milliseconds{phase});
    const auto took = net.kill_and_wait(0, 3);
    ASSERT_TRUE(took);
    EXPECT_GT(*took, 2000ms);
    EXPECT_LT(*took, 2300ms) << "a kill at phase " << phase;
    EXPECT_TRUE(net.logged(3, "Failover election won: I'm the new master."));
    net.run_finely(100ms);
    for (std::size_t i = 1; i < 6; ++i) {
      EXPECT_EQ(net.view(i, 3).slot_count, 5461) << "as " << i << " sees it";
      EXPECT_EQ(net.node(i).state(), ClusterState::kOk);
    }
  }
}

// Voters heard of it from whoever moved the slot, its own replica did not.
TEST(Failover, ASlotThePrimaryGotJustBeforeIsTakenOverToo) {
  Shards net(3, 1);
  const std::string primary(net.id(0));
  const auto set_slot = [&](std::size_t at, std::string_view slot, std::string_view action, std::string_view other) {
    const std::string_view words[] = {slot, action, other};
    ASSERT_TRUE(net.node(at).set_slot(words, net.now()));
  };
  const auto move = [&](std::string_view slot) {
    const std::string source(net.id(1));
    set_slot(0, slot, "importing", source);
    set_slot(1, slot, "migrating", primary);
    for (const std::size_t at : {0u, 1u, 2u}) set_slot(at, slot, "node", primary);
  };
  move("8000");  // takes a new epoch, which everybody hears
  net.run_for(2s);
  net.host(0).is_mute = true;
  move("8001");
  ASSERT_TRUE(net.kill_and_wait(0, 3));
  net.run_for(1s);
  for (const std::size_t at : {1u, 2u, 3u, 4u, 5u}) {
    const Topology& topology = net.node(at).topology();
    for (const std::uint16_t slot : {8000, 8001}) {
      EXPECT_EQ(topology.node(topology.owner({slot})).id.view(), net.id(3)) << "slot " << slot << " as " << at << " sees it";
    }
  }
}

TEST(Failover, TheReturningPrimaryBecomesAReplica) {
  Shards net(3, 1);
  ASSERT_TRUE(net.kill_and_wait(0, 3));
  net.run_for(1s);
  net.restart(0);
  net.run_for(3s);
  EXPECT_TRUE(net.node(0).topology().self().is_replica());
  EXPECT_EQ(net.primary_of(0), 3u);
  EXPECT_EQ(net.view(1, 0).slot_count, 0);
}

TEST(Failover, SlowDisksAndLinksCostWhatTheyTake) {
  Shards net(3, 1);
  net.set_lag(10ms, 30ms);
  net.run_finely(3s);
  const auto took = net.kill_and_wait(0, 3);
  ASSERT_TRUE(took);
  EXPECT_LT(*took, 2450ms);
}

TEST(Failover, TheMostAdvancedReplicaWins) {
  Shards net(3, 2);
  net.host(3).data->offset = {900};
  net.host(6).data->offset = {1000};
  const auto took = net.kill_and_wait(0, 6);
  ASSERT_TRUE(took);
  EXPECT_LT(*took, 2300ms);
  net.run_for(1s);
  EXPECT_EQ(net.primary_of(3), 6u);
}

TEST(Failover, EqualReplicasAgreeWithoutAVoteLost) {
  Shards net(3, 3);
  net.set_lag(5ms, 5ms);
  net.kill(0);
  ASSERT_TRUE(net.run_finely(2300ms, [&] { return net.owner_of(0) < 12; }));
  net.run_finely(3s);
  EXPECT_EQ(net.node(1).current_epoch().value, net.epoch_at_start() + 1) << "one election";
  const std::size_t heir = net.owner_of(0);
  for (const std::size_t replica : {3u, 6u, 9u}) {
    if (replica == heir) continue;
    EXPECT_EQ(net.primary_of(replica), heir);
  }
}

TEST(Failover, TheNextReplicaStandsWhenTheBestOneDiesToo) {
  Shards net(3, 2);
  net.host(6).data->offset = {2000};
  net.run_for(2s);
  net.kill(6);
  const auto took = net.kill_and_wait(0, 3);
  ASSERT_TRUE(took);
  EXPECT_LT(*took, 2300ms) << "the dead one is not waited for";
}

TEST(Failover, AWorsePlacedReplicaWaitsAsWithRedis) {
  Shards net(3, 2);
  net.host(3).data->offset = {900};
  // The best one is well but never gets to ask: what it sends is lost.
  net.run_for(2s);
  net.kill(0);
  net.run_finely(1900ms);
  net.host(6).is_mute = true;
  const MonoTime at = net.now().mono;
  ASSERT_TRUE(net.run_finely(5s, [&] { return net.serves(3, 0); }));
  EXPECT_GT(net.now().mono - at, 1500ms);
  EXPECT_LT(net.now().mono - at, 2400ms);
  EXPECT_TRUE(net.logged(3, "(rank #1, offset 900)"));
}

TEST(Failover, AReplicaToldNotToStandDoesNot) {
  Shards net(3, 1);
  net.host(3).settings.replica_no_failover = true;
  net.node(3).on_settings(net.host(3).settings, net.now());
  EXPECT_FALSE(net.kill_and_wait(0, 3, 6s));
  EXPECT_EQ(net.times_logged(3, "kToldNotTo"), 1u);
  net.host(3).settings.replica_no_failover = false;
  net.node(3).on_settings(net.host(3).settings, net.now());
  EXPECT_TRUE(net.run_finely(1s, [&] { return net.serves(3, 0); })) << "allowed again";
}

TEST(Failover, OldDataIsNotPromoted) {
  Shards net(3, 1);
  // 10 s of ping period and ten node timeouts, and one that every failover takes.
  net.host(3).data->primary_silence = 32001ms;
  EXPECT_FALSE(net.kill_and_wait(0, 3, 6s));
  EXPECT_EQ(net.times_logged(3, "kDataTooOld"), 1u);
  net.host(3).data->primary_silence = 32000ms;
  EXPECT_TRUE(net.run_finely(1s, [&] { return net.serves(3, 0); }));
}

TEST(Failover, AReplicaThatNeverHadDataIsNotPromotedUnlessToldSo) {
  Shards net(3, 1);
  net.host(3).data->primary_silence = milliseconds::max();
  EXPECT_FALSE(net.kill_and_wait(0, 3, 6s));
  EXPECT_EQ(net.times_logged(3, "kNotInSync"), 1u);
  net.host(3).settings.replica_validity_factor = 0;
  net.node(3).on_settings(net.host(3).settings, net.now());
  EXPECT_TRUE(net.run_finely(1s, [&] { return net.serves(3, 0); }));
}

TEST(Failover, AReplicaThatHasNotReachedTheHeirStandsForIt) {
  Shards net(3, 2);
  net.host(3).data->offset = {2000};
  net.run_for(2s);
  net.host(6).reaches_primary = false;
  ASSERT_TRUE(net.kill_and_wait(0, 3));
  ASSERT_EQ(net.primary_of(6), 3u);
  // As old as the change: the heir may live for as long as data may be old.
  net.run_for(25s);
  net.kill(3);
  EXPECT_TRUE(net.run_finely(6s, [&] { return net.serves(6, 0); }));
}

TEST(Failover, WhatAnHeirHasWrittenForTooLongIsNotGivenUp) {
  Shards net(3, 2);
  net.host(3).data->offset = {2000};
  net.run_for(2s);
  net.host(6).reaches_primary = false;
  ASSERT_TRUE(net.kill_and_wait(0, 3));
  net.run_for(32s);
  net.kill(3);
  EXPECT_FALSE(net.run_finely(6s, [&] { return net.serves(6, 0); }));
  EXPECT_TRUE(net.logged(6, " s; allowed are 32). Please check the 'cluster-replica-validity-factor'"));
}

TEST(Failover, AnOldCopyIsNoYoungerForAnHeir) {
  Shards net(3, 2);
  net.host(3).data->offset = {2000};
  net.host(6).data->primary_silence = 33s;  // out of touch long before the primary died
  net.run_for(2s);
  net.host(6).reaches_primary = false;
  ASSERT_TRUE(net.kill_and_wait(0, 3));
  net.kill(3);
  EXPECT_FALSE(net.run_finely(6s, [&] { return net.serves(6, 0); }));
  EXPECT_TRUE(net.logged(6, "kDataTooOld"));
}

TEST(Failover, APrimaryThatHandedOverStandsForItsHeir) {
  Shards net(3, 1);
  net.host(0).reaches_primary = false;
  ASSERT_TRUE(net.node(3).failover({}, net.now()));
  ASSERT_TRUE(net.run_finely(5s, [&] { return net.serves(3, 0); }));
  ASSERT_EQ(net.primary_of(0), 3u);
  ASSERT_EQ(net.host(0).data->primary_silence, milliseconds::max());
  net.kill(3);
  EXPECT_TRUE(net.run_finely(6s, [&] { return net.serves(0, 0); }));
}

TEST(Failover, AReplicaOfAnotherShardDoesNotStandBeforeItIsInSync) {
  Shards net(3, 2);
  net.kill(4);
  net.kill(7);
  net.host(6).reaches_primary = false;
  ASSERT_TRUE(net.node(6).replicate(net.id(1), net.now()));
  net.run_for(3s);
  net.kill(1);
  EXPECT_FALSE(net.run_finely(6s, [&] { return net.serves(6, 1); }));
  EXPECT_EQ(net.times_logged(6, "kNotInSync"), 1u);
  EXPECT_TRUE(net.logged(6, "'cluster-replica-validity-factor 0'"));
}

// The owner still copies from the former primary until the change is saved and it is told.
TEST(Failover, WhatComesFromTheFormerPrimaryDoesNotCountForTheNext) {
  Shards net(3, 2);
  net.kill(4);
  net.kill(7);
  net.host(6).saves = false;
  ASSERT_TRUE(net.node(6).replicate(net.id(1), net.now()));
  net.run_for(3s);
  net.kill(1);
  EXPECT_FALSE(net.run_finely(6s, [&] { return net.serves(6, 1); }));
  EXPECT_EQ(net.times_logged(6, "kNotInSync"), 1u);
}

TEST(Failover, AHalfLoadedCopyIsWorthNothing) {
  Shards net(3, 1);
  net.host(3).data->is_whole = false;
  net.run_for(1s);
  net.host(3).data->is_whole = true;
  net.host(3).data->primary_silence = milliseconds::max();
  EXPECT_FALSE(net.kill_and_wait(0, 3, 6s));
  EXPECT_TRUE(net.logged(3, "kNotInSync"));
}

TEST(Failover, AnotherAddressOfThePrimaryTakesNothingAway) {
  Shards net(3, 1);
  net.host(3).reaches_primary = false;
  net.host(0).settings.announce_port = 31000;
  net.node(0).on_settings(net.host(0).settings, net.now());
  net.run_for(4s);
  ASSERT_EQ(net.seen<ReplicateFrom>(3).back().port, 31000);
  ASSERT_EQ(net.host(3).data->primary_silence, milliseconds::max());
  EXPECT_TRUE(net.kill_and_wait(0, 3));
}

TEST(Failover, AMinorityElectsNobody) {
  Shards net(3, 1);
  net.kill(1);
  EXPECT_FALSE(net.kill_and_wait(0, 3, 20s));
}

class SeveralAtOnce : public testing::TestWithParam<std::pair<int, int>> {};
TEST_P(SeveralAtOnce, AreAllReplacedWithoutCollision) {
  const auto [primaries, dead] = GetParam();
  for (const int lag : {0, 5, 20}) {
    Shards net(static_cast<std::size_t>(primaries), 1);
    net.set_lag(milliseconds{lag}, milliseconds{lag});
    net.run_finely(500ms);
    const MonoTime at = net.now().mono;
    for (int i = 0; i < dead; ++i) net.kill(static_cast<std::size_t>(i));
    const auto all_replaced = [&] {
      for (int i = 0; i < dead; ++i) {
        if (!net.serves(static_cast<std::size_t>(primaries + i), static_cast<std::size_t>(i))) return false;
      }
      return true;
    };
    ASSERT_TRUE(net.run_finely(3500ms, all_replaced)) << "with a lag of " << lag;
    RecordProperty("ms_at_lag_" + std::to_string(lag),
                   static_cast<int>(std::chrono::duration_cast<milliseconds>(net.now().mono - at).count()));
    net.run_finely(3s);
    net.expect_one_view();
  }
}
INSTANTIATE_TEST_SUITE_P(Clusters, SeveralAtOnce,
                         testing::Values(std::pair{5, 2}, std::pair{7, 3}, std::pair{9, 4}, std::pair{9, 2}));

// Each leaves the one before it 20 ms, and is awake then: the next tick may be a tenth of a second away.
TEST(Failover, WhereManyFailEachCandidateActsWhenItsMomentHasCome) {
  constexpr std::size_t kPrimaries = 39;
  constexpr std::size_t kDead = 19;
  Shards net(kPrimaries, 1);
  net.set_lag(1ms, 1ms);
  net.run_finely(500ms);
  for (std::size_t i = 0; i < kDead; ++i) net.kill(i);
  const auto begun = [&] {
    std::size_t count = 0;
    for (std::size_t i = 0; i < kDead; ++i) count += net.logged(kPrimaries + i, "Starting a failover election") ? 1 : 0;
    return count;
  };
  ASSERT_TRUE(net.run_finely(4s, [&] { return begun() > 0; }));
  const MonoTime first = net.now().mono;
  ASSERT_TRUE(net.run_finely(4s, [&] { return begun() == kDead; }));
  // The last eight are few, and leave each other nothing.
  EXPECT_LE(net.now().mono - first, (kDead - 8) * 25ms);
}

TEST(Failover, SeveralAtOnceAtAnyPhase) {
  milliseconds longest{0};
  for (int phase = 0; phase < 100; phase += 7) {
    Shards net(9, 1);
    net.set_lag(3ms, 8ms);
    net.run_finely(milliseconds{1000 + phase});
    const MonoTime at = net.now().mono;
    for (std::size_t i = 0; i < 4; ++i) {
      net.kill(i);
      net.run_finely(milliseconds{phase % 3 * 15});
    }
    const auto all_replaced = [&] {
      return net.serves(9, 0) && net.serves(10, 1) && net.serves(11, 2) && net.serves(12, 3);
    };
    ASSERT_TRUE(net.run_finely(6500ms, all_replaced)) << "at phase " << phase;
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(net.now().mono - at));
  }
  EXPECT_LT(longest, 3500ms);
}

TEST(Failover, ACollisionInOneEpochIsSoonMadeUpFor) {
  // Two primaries fail so far apart that the candidates know nothing of each other when they
  // ask, and both requests travel slowly.
  Shards net(5, 1);
  net.set_lag(40ms, 40ms);
  net.run_finely(2s);
  net.kill(1);
  net.run_finely(3ms);
  net.kill(0);
  ASSERT_TRUE(net.run_finely(6500ms, [&] { return net.serves(5, 0) && net.serves(6, 1); }));
}

TEST(Failover, ClocksThatJumpDelayNothing) {
  for (const int hours : {1, -1}) {
    for (const bool all : {false, true}) {
      Shards net(3, 1);
      if (all) {
        net.jump_wall(hours * 3600'000ms);
      } else {
        net.jump_wall_of(4, hours * 3600'000ms);
      }
      net.run_finely(500ms);
      const auto took = net.kill_and_wait(0, 3);
      ASSERT_TRUE(took);
      EXPECT_LT(*took, 2300ms) << hours << " hours, " << (all ? "all" : "one");
      net.jump_wall(-hours * 3600'000ms);
      const auto next = net.kill_and_wait(3, 0, 100ms);
      EXPECT_FALSE(next);
    }
  }
}

TEST(Failover, ASilentNodeIsFoundOutWhateverTheClocksSay) {
  for (const int hours : {1, -1}) {
    Shards net(3, 1);
    net.jump_wall_of(1, hours * 3600'000ms);
    net.run_finely(300ms);
    net.host(0).is_frozen = true;
    net.jump_wall_of(2, -hours * 3600'000ms);
    EXPECT_TRUE(net.run_finely(3500ms, [&] { return net.serves(3, 0); }));
  }
}

TEST(Failover, AMemberThatStoodStillBlamesItselfFirst) {
  Shards net(3, 1);
  // Two of three voters wake up at once and find the third silent, as everybody.
  const auto sent_before = net.host(1).sent.size();
  net.skip(5s);
  net.run_finely(300ms);
  EXPECT_GT(net.host(1).sent.size(), sent_before);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FALSE(net.logged(i, "possibly failing")) << i;
}

TEST(Failover, AVoterThatStillHearsThePrimaryRefuses) {
  // Host 0 is FAIL for the others by a forged word, but well.
  Shards net(3, 1);
  net.fail_by_word(0);
  net.run_finely(3s);
  EXPECT_EQ(net.owner_of(0), 0u);
  EXPECT_TRUE(net.logged(1, "kPrimaryHeard") || net.logged(2, "kPrimaryHeard"));
}

TEST(Failover, NothingIsShownOfAnElectionBeforeItIsSaved) {
  Shards net(3, 1);
  net.host(3).saves = false;
  net.kill(0);
  net.run_finely(3s);
  ASSERT_TRUE(net.host(3).open_save);
  net.host(3).sent.clear();
  const auto asked = [&] {
    return std::count(net.host(3).sent.begin(), net.host(3).sent.end(), MessageType::kAuthRequest);
  };
  EXPECT_EQ(asked(), 0);
  net.finish_save(3);
  net.run_finely(200ms);
  if (net.host(3).open_save) net.finish_save(3);
  EXPECT_GT(asked(), 0);
  EXPECT_TRUE(net.host(3).saved.find("currentEpoch") != std::string::npos);
}

}  // namespace
}  // namespace skein
