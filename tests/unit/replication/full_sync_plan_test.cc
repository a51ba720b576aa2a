#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <skein/replication/full_sync_plan.h>

namespace skein {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Arrival = FullSyncPlan::Arrival;
using Kind = FullSyncPlan::Kind;

constexpr MonoTime kStart{1000s};
constexpr FullSyncPolicy kStreamed{.diskless = true, .delay = 5s};
constexpr FullSyncPolicy kToDisk{.diskless = false, .delay = 5s};

FullSyncPlan::Applicant replica(std::uint64_t number, MonoTime since = kStart) {
  return {.number = number, .takes_stream = true, .wish = {}, .since = since};
}
FullSyncPlan::Applicant old_replica(std::uint64_t number, MonoTime since = kStart) {
  return {.number = number, .takes_stream = false, .wish = {}, .since = since};
}

TEST(FullSyncPlan, NobodyWaitsNothingStarts) {
  const FullSyncPlan plan;
  EXPECT_FALSE(plan.next_start(kStart, kStreamed, false));
}

TEST(FullSyncPlan, AStreamWaitsForOthersToCome) {
  FullSyncPlan plan;
  EXPECT_EQ(plan.on_arrival(replica(1), false, false), Arrival::kWaits);
  EXPECT_FALSE(plan.next_start(kStart + 4s, kStreamed, false));
  EXPECT_EQ(plan.on_arrival(replica(2, kStart + 4s), false, false), Arrival::kWaits);
  const auto start = plan.next_start(kStart + 5s, kStreamed, false);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->kind, Kind::kStream);
  EXPECT_THAT(start->who, ElementsAre(1, 2));
}

TEST(FullSyncPlan, EnoughReplicasNeedNotWait) {
  FullSyncPlan plan;
  FullSyncPolicy policy = kStreamed;
  policy.max_replicas = 2;
  plan.on_arrival(replica(1), false, false);
  EXPECT_FALSE(plan.next_start(kStart, policy, false));
  plan.on_arrival(replica(2), false, false);
  EXPECT_TRUE(plan.next_start(kStart, policy, false));
}

TEST(FullSyncPlan, AFileStartsAtOnce) {
  FullSyncPlan plan;
  plan.on_arrival(replica(1), false, false);
  const auto start = plan.next_start(kStart, kToDisk, false);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->kind, Kind::kFile);
}

TEST(FullSyncPlan, OneWithoutEofTurnsTheStreamIntoAFile) {
  FullSyncPlan plan;
  plan.on_arrival(replica(1), false, false);
  plan.on_arrival(old_replica(2), false, false);
  const auto start = plan.next_start(kStart, kStreamed, false);
  ASSERT_TRUE(start) << "nobody gains by waiting for a file";
  EXPECT_EQ(start->kind, Kind::kFile);
  EXPECT_THAT(start->who, ElementsAre(1, 2));
}

TEST(FullSyncPlan, OnlyOneChildAtATime) {
  FullSyncPlan plan;
  EXPECT_EQ(plan.on_arrival(replica(1), true, false), Arrival::kWaitsBehindForeign);
  EXPECT_FALSE(plan.next_start(kStart + 10s, kToDisk, true));
  EXPECT_TRUE(plan.next_start(kStart + 10s, kToDisk, false));
}

TEST(FullSyncPlan, AFileUnderWayMayBeShared) {
  FullSyncPlan plan;
  plan.on_arrival(replica(1), false, false);
  plan.on_started(*plan.next_start(kStart, kToDisk, false), ReplOffset{50});
  EXPECT_EQ(plan.on_arrival(replica(2), true, true), Arrival::kJoins);
  EXPECT_EQ(plan.waiting(), 0U);
  EXPECT_EQ(plan.on_arrival(replica(3), true, false), Arrival::kWaitsBehindLog);
  FullSyncPlan::Applicant filtered = replica(4);
  filtered.wish.keys = false;
  EXPECT_EQ(plan.on_arrival(filtered, true, true), Arrival::kWaitsBehindOther);
  EXPECT_EQ(plan.under_way()->at, ReplOffset{50});
}

TEST(FullSyncPlan, AStreamUnderWayMayNot) {
  FullSyncPlan plan;
  plan.on_arrival(replica(1), false, false);
  plan.on_started(*plan.next_start(kStart + 5s, kStreamed, false), ReplOffset{50});
  EXPECT_EQ(plan.on_arrival(replica(2, kStart + 6s), true, true), Arrival::kWaitsBehindStream);
  EXPECT_FALSE(plan.next_start(kStart + 60s, kStreamed, true));
  EXPECT_FALSE(plan.next_start(kStart + 60s, kStreamed, false)) << "its end has not been told";
  plan.on_ended();
  const auto next = plan.next_start(kStart + 60s, kStreamed, false);
  ASSERT_TRUE(next);
  EXPECT_THAT(next->who, ElementsAre(2));
}

TEST(FullSyncPlan, DifferentWishesNeverShare) {
  FullSyncPlan plan;
  FullSyncPlan::Applicant functions_only = replica(2);
  functions_only.wish = {.keys = false, .functions = true};
  plan.on_arrival(replica(1), false, false);
  plan.on_arrival(functions_only, false, false);
  plan.on_arrival(replica(3), false, false);
  const auto first = plan.next_start(kStart + 5s, kStreamed, false);
  ASSERT_TRUE(first);
  EXPECT_THAT(first->who, ElementsAre(1, 3));
  plan.on_started(*first, ReplOffset{0});
  plan.on_ended();
  const auto second = plan.next_start(kStart + 5s, kStreamed, false);
  ASSERT_TRUE(second);
  EXPECT_THAT(second->who, ElementsAre(2));
  EXPECT_TRUE(second->wish.is_filtered());
}

TEST(FullSyncPlan, WhatIsFilteredIsStreamedWhateverTheSettingSays) {
  FullSyncPlan plan;
  FullSyncPlan::Applicant functions_only = replica(1);
  functions_only.wish = {.keys = false, .functions = true};
  plan.on_arrival(functions_only, false, false);
  const auto start = plan.next_start(kStart, kToDisk, false);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->kind, Kind::kStream);
}

TEST(FullSyncPlan, AGroupThatIsDueDoesNotWaitForAnOlderOne) {
  FullSyncPlan plan;
  FullSyncPlan::Applicant filtered = replica(1);
  filtered.wish.functions = false;
  plan.on_arrival(filtered, false, false);
  plan.on_arrival(old_replica(2), false, false);
  const auto start = plan.next_start(kStart + 1s, kStreamed, false);
  ASSERT_TRUE(start);
  EXPECT_THAT(start->who, ElementsAre(2));
}

TEST(FullSyncPlan, WhoLeavesIsForgotten) {
  FullSyncPlan plan;
  plan.on_arrival(replica(1), false, false);
  plan.on_arrival(replica(2), false, false);
  plan.on_left(1);
  EXPECT_THAT(plan.next_start(kStart, kToDisk, false)->who, ElementsAre(2));
  plan.on_left(2);
  EXPECT_FALSE(plan.next_start(kStart, kToDisk, false));
}

TEST(FullSyncPlan, AFailedStartTakesItsApplicantsWithIt) {
  FullSyncPlan plan;
  plan.on_arrival(replica(1), false, false);
  plan.on_failed(*plan.next_start(kStart, kToDisk, false));
  EXPECT_EQ(plan.waiting(), 0U);
  EXPECT_FALSE(plan.under_way());
}

}  // namespace
}  // namespace skein
