#include <gtest/gtest.h>

#include <skein/replication/sync_backoff.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1000s};

TEST(SyncBackoffs, WhoHasDoneNothingBeginsAtOnce) {
  const SyncBackoff backoff;
  EXPECT_EQ(backoff.may_begin_at("10.0.0.1:6379"), MonoTime{});
}

TEST(SyncBackoffs, EachTimeInARowWaitsTwiceAsLong) {
  SyncBackoff backoff;
  MonoTime now = kStart;
  for (const seconds wait : {5s, 10s, 20s, 40s, 60s, 60s, 60s}) {
    backoff.on_given_up("a", now);
    EXPECT_EQ(backoff.may_begin_at("a") - now, wait);
    now = backoff.may_begin_at("a") + 30s;
  }
  EXPECT_EQ(backoff.may_begin_at("b"), MonoTime{});
}

TEST(SyncBackoffs, WhoHasCaughtUpBeginsAnew) {
  SyncBackoff backoff;
  backoff.on_given_up("a", kStart);
  backoff.on_given_up("a", kStart + 10s);
  backoff.on_caught_up("b");
  EXPECT_NE(backoff.may_begin_at("a"), MonoTime{});
  backoff.on_caught_up("a");
  EXPECT_EQ(backoff.may_begin_at("a"), MonoTime{});
  backoff.on_given_up("a", kStart + 20s);
  EXPECT_EQ(backoff.may_begin_at("a"), kStart + 25s);
}

// Whoever comes under a thousand names is not remembered for all of them.
TEST(SyncBackoffs, OnlySoManyAreKnown) {
  SyncBackoff backoff;
  for (int i = 0; i < 5000; ++i) backoff.on_given_up(std::to_string(i), kStart);
  EXPECT_NE(backoff.may_begin_at("1023"), MonoTime{});
  EXPECT_EQ(backoff.may_begin_at("1024"), MonoTime{});
  backoff.on_given_up("0", kStart + 5s);
  EXPECT_EQ(backoff.may_begin_at("0"), kStart + 15s) << "who is known stays so";
}

TEST(SyncBackoffs, WhoDoesNotComeBackIsForgotten) {
  SyncBackoff backoff;
  backoff.on_given_up("gone", kStart);
  backoff.on_given_up("other", kStart + 1h);
  EXPECT_EQ(backoff.may_begin_at("gone"), MonoTime{});
}

}  // namespace
}  // namespace skein
