#include <skein/keyspace/eviction.h>

#include <deque>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skein {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;

std::string name(int number) { return "key:" + std::to_string(number); }

class EvictionTest : public testing::TestWithParam<bool> {
 protected:
  EvictionTest() { keyspace_.context().now = {kStart}; }

  Database& db(int index = 0) { return keyspace_.db(index); }
  KeyRef key(int number, int index = 0) {
    names_.push_back(name(number));
    return db(index).ref(names_.back());
  }
  void set(int number, int index = 0) { db(index).set_string(key(number, index), "v"); }
  void set_until(int number, std::int64_t millis) { db().set_string_until(key(number), "v", UnixMillis{kStart + millis}); }
  void read(int number) { ASSERT_NE(db().read(key(number)), nullptr); }
  void pass(seconds time) { keyspace_.context().now = keyspace_.context().now + time; }
  bool has(int number, int index = 0) { return db(index).peek(key(number, index)) != nullptr; }

  // How many there were to evict.
  int evict(int count, const EvictionRule& rule) {
    int evicted = 0;
    int vain = 0;
    while (evicted < count && vain < 1000) {
      const auto victim = chooser_.next(keyspace_, rule);
      if (!victim) {
        ++vain;
        if (!has_candidates(keyspace_, rule)) break;
        continue;
      }
      EXPECT_TRUE(victim->db->evict(victim->key));
      ++evicted;
      vain = 0;
    }
    return evicted;
  }
  int left(int from, int to) {
    int count = 0;
    for (int i = from; i < to; ++i) count += has(i) ? 1 : 0;
    return count;
  }

  Keyspace keyspace_{2, GetParam(), 42};
  VictimChooser chooser_;
  std::deque<std::string> names_;
};

INSTANTIATE_TEST_SUITE_P(PlainAndCluster, EvictionTest, testing::Bool());

constexpr EvictionRule kLru{.order = EvictionOrder::kLeastRecent};
constexpr EvictionRule kLfu{.order = EvictionOrder::kLeastFrequent};
constexpr EvictionRule kRandom{.order = EvictionOrder::kAny};

TEST_P(EvictionTest, WithNothingThereNothingGoes) {
  EXPECT_FALSE(has_candidates(keyspace_, kLru));
  EXPECT_FALSE(chooser_.next(keyspace_, kLru));
  set(1);
  EXPECT_TRUE(has_candidates(keyspace_, kLru));
  EXPECT_FALSE(has_candidates(keyspace_, {.expiring_only = true}));
  EXPECT_EQ(evict(10, kLru), 1);
}

// Every second key was read later. Of the victims nearly all must be others.
TEST_P(EvictionTest, TheLongUnusedGoFirst) {
  constexpr int kKeys = 100'000;
  for (int i = 0; i < kKeys; ++i) set(i);
  pass(seconds{60});
  for (int i = 0; i < kKeys; i += 2) read(i);
  pass(seconds{60});
  ASSERT_EQ(evict(kKeys / 4, kLru), kKeys / 4);
  int unused = 0;
  for (int i = 1; i < kKeys; i += 2) unused += has(i) ? 0 : 1;
  EXPECT_GT(unused, kKeys / 4 * 99 / 100);
}

// Keys of a hundred ages; the oldest fifth goes.
TEST_P(EvictionTest, AFifthThatGoesIsTheOldestFifthForTheMostPart) {
  constexpr int kKeys = 50'000;
  for (int i = 0; i < kKeys; ++i) {
    set(i);
    if (i % 500 == 499) pass(seconds{1});
  }
  ASSERT_EQ(evict(kKeys / 5, kLru), kKeys / 5);
  EXPECT_LT(left(0, kKeys / 5), kKeys / 5 * 3 / 10);
  EXPECT_GT(left(kKeys / 2, kKeys), kKeys / 2 * 98 / 100);
}

TEST_P(EvictionTest, TheRarelyUsedGoFirst) {
  constexpr int kKeys = 20'000;
  keyspace_.context().lfu = true;
  for (int i = 0; i < kKeys; ++i) set(i);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < kKeys; i += 2) read(i);
  }
  ASSERT_EQ(evict(kKeys / 4, kLfu), kKeys / 4);
  int rare = 0;
  for (int i = 1; i < kKeys; i += 2) rare += has(i) ? 0 : 1;
  EXPECT_GT(rare, kKeys / 4 * 99 / 100);
}

TEST_P(EvictionTest, WhoseTimeIsOverSoonGoesFirst) {
  constexpr int kKeys = 20'000;
  for (int i = 0; i < kKeys; ++i) set_until(i, 1'000'000 + i);
  for (int i = kKeys; i < 2 * kKeys; ++i) set(i);
  const EvictionRule rule{.order = EvictionOrder::kSoonestExpiry, .expiring_only = true};
  ASSERT_EQ(evict(kKeys / 4, rule), kKeys / 4);
  EXPECT_EQ(left(kKeys, 2 * kKeys), kKeys);
  EXPECT_LT(left(0, kKeys / 4), kKeys / 4 / 4);
  EXPECT_GT(left(kKeys / 2, kKeys), kKeys / 2 * 97 / 100);
}

TEST_P(EvictionTest, FewKeysWithAnExpiryAreFoundAmongMany) {
  constexpr int kKeys = 60'000;
  for (int i = 0; i < kKeys; ++i) set(i);
  for (int i = 0; i < 7; ++i) set_until(kKeys + i, 1'000'000);
  for (const EvictionOrder order : {EvictionOrder::kLeastRecent, EvictionOrder::kAny, EvictionOrder::kSoonestExpiry}) {
    EXPECT_EQ(evict(2, {.order = order, .expiring_only = true}), 2);
  }
  EXPECT_EQ(evict(2, {.order = EvictionOrder::kLeastRecent, .expiring_only = true}), 1);
  EXPECT_EQ(db().size(), std::size_t{kKeys});
}

TEST_P(EvictionTest, AnyKeyMayGoByChance) {
  constexpr int kKeys = 20'000;
  for (int i = 0; i < kKeys; ++i) set(i);
  ASSERT_EQ(evict(kKeys / 2, kRandom), kKeys / 2);
  EXPECT_NEAR(left(0, kKeys / 2), kKeys / 4, kKeys / 50);
  EXPECT_EQ(evict(kKeys, kRandom), kKeys / 2);
  EXPECT_EQ(db().size(), 0U);
}

TEST_P(EvictionTest, WhatWasUsedSinceItWasRememberedIsSafe) {
  constexpr int kKeys = 2000;
  for (int i = 0; i < kKeys; ++i) set(i);
  pass(seconds{100});
  ASSERT_EQ(evict(500, kLru), 500);
  // Now sixteen of the old ones are remembered. All of them, and all others, are read but one.
  std::vector<int> here;
  for (int i = 0; i < kKeys; ++i) {
    if (has(i)) here.push_back(i);
  }
  for (std::size_t i = 1; i < here.size(); ++i) read(here[i]);
  pass(seconds{1});
  const auto victim = chooser_.next(keyspace_, kLru);
  ASSERT_TRUE(victim);
  EXPECT_TRUE(victim->key.bytes == name(here[0]) || db().idle_time(*db().peek(victim->key)) == seconds{1});
}

TEST_P(EvictionTest, WhatHasGoneMeanwhileIsPassedBy) {
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 300; ++i) set(i);
    ASSERT_EQ(evict(10, kLru), 10);
    for (int i = 0; i < 300; ++i) (void)db().erase(key(i));
    EXPECT_FALSE(chooser_.next(keyspace_, kLru));
  }
  // The memory of those that were remembered holds others now, under other names.
  for (int i = 1000; i < 1300; ++i) set(i);
  EXPECT_EQ(evict(300, kLru), 300);
}

TEST_P(EvictionTest, KeysOnTheirWayElsewhereArePassedBy) {
  for (int i = 0; i < 20; ++i) set(i);
  const KeyRef flying[] = {key(3), key(4)};
  keyspace_.context().flying.add(1, 0, flying);
  EXPECT_FALSE(db().evict(key(3)));
  EXPECT_EQ(evict(20, kLru), 18);
  EXPECT_EQ(evict(20, kRandom), 0);
  EXPECT_TRUE(has(3) && has(4));
  keyspace_.context().flying.remove(1);
  EXPECT_EQ(evict(20, kRandom), 2);
}

TEST_P(EvictionTest, AnotherRuleBeginsAnew) {
  for (int i = 0; i < 100; ++i) set_until(i, 1'000'000 - i);
  pass(seconds{10});
  EXPECT_EQ(evict(5, kLru), 5);
  for (int i = 100; i < 200; ++i) set(i);
  EXPECT_EQ(evict(300, {.order = EvictionOrder::kSoonestExpiry, .expiring_only = true}), 95);
  EXPECT_EQ(left(100, 200), 100);
}

TEST_P(EvictionTest, AnEvictionIsNoChangeButAnEventAndAnEffect) {
  struct Listener : KeyListener {
    std::vector<std::pair<std::string, KeyEvent>> heard;
    void on_touched(int, std::string_view key, KeyEvent event) override { heard.emplace_back(key, event); }
    void on_flushed(int) override {}
  } listener;
  KeyspaceContext& context = keyspace_.context();
  set_until(1, 1000);
  set(2);
  context.listener = &listener;
  context.collect_removals = true;
  const auto dirty = context.dirty;
  EXPECT_EQ(evict(1, {.order = EvictionOrder::kAny, .expiring_only = true}), 1);
  EXPECT_EQ(context.evicted_keys, 1U);
  EXPECT_EQ(evict(1, kLru), 1);
  EXPECT_EQ(context.evicted_keys, 2U);
  EXPECT_EQ(context.dirty, dirty);
  using Owed = std::pair<int, std::string>;
  EXPECT_THAT(context.owed_removals, testing::ElementsAre(Owed{0, name(1)}, Owed{0, name(2)}));
  using Heard = std::pair<std::string, KeyEvent>;
  EXPECT_THAT(listener.heard, testing::ElementsAre(Heard{name(1), KeyEvent::kEvicted}, Heard{name(2), KeyEvent::kEvicted}));
}

TEST_P(EvictionTest, WhatHasExpiredGoesAsSuch) {
  set_until(1, 1000);
  pass(seconds{2});
  EXPECT_EQ(evict(1, kLru), 1);
  EXPECT_EQ(keyspace_.context().evicted_keys, 0U);
  EXPECT_EQ(keyspace_.context().expired_keys, 1U);
  // On a replica, which may not let anything expire, it is evicted.
  set_until(2, 3000);
  keyspace_.context().delete_expired = false;
  pass(seconds{2});
  EXPECT_EQ(evict(1, kLru), 1);
  EXPECT_EQ(keyspace_.context().evicted_keys, 1U);
}

TEST(EvictionOverDatabases, ALargeOneLosesMore) {
  Keyspace keyspace{3, false, 1};
  keyspace.context().now = {kStart};
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = name(i);
    keyspace.db(0).set_string(keyspace.db(0).ref(text), "v");
    if (i % 10 == 0) keyspace.db(2).set_string(keyspace.db(2).ref(text), "v");
  }
  VictimChooser chooser;
  for (int i = 0; i < 1100; ++i) {
    const auto victim = chooser.next(keyspace, kLru);
    ASSERT_TRUE(victim);
    EXPECT_TRUE(victim->db->evict(victim->key));
  }
  EXPECT_NEAR(static_cast<double>(keyspace.db(0).size()), 9000, 100);
  EXPECT_NEAR(static_cast<double>(keyspace.db(2).size()), 900, 100);
}

}  // namespace
}  // namespace skein
