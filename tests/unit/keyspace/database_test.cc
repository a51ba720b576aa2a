#include <skein/keyspace/keyspace.h>

#include <map>
#include <set>

#include <skein/base/memory.h>

namespace skein {
namespace {

class DatabaseTest : public testing::TestWithParam<bool> {
 protected:
  DatabaseTest() { keyspace_.context().now = {1'000'000}; }

  std::optional<std::string> get(std::string_view key) {
    Entry* entry = db().read(db().ref(key));
    if (entry == nullptr) return std::nullopt;
    Entry::Scratch scratch;
    return std::string(entry->bytes(scratch));
  }
  Database& db() { return keyspace_.db(0); }
  void set_now(std::int64_t millis) { keyspace_.context().now = {millis}; }

  Keyspace keyspace_{2, GetParam(), 42};
};

INSTANTIATE_TEST_SUITE_P(PlainAndCluster, DatabaseTest, testing::Bool());

TEST_P(DatabaseTest, ValuesOfEverySizeReplaceEachOther) {
  const std::size_t sizes[] = {0, 1, 5, 16, 44, 45, 200, 255, 256, 300, 5000, 100000};
  for (const std::size_t key_size : {std::size_t{0}, std::size_t{3}, std::size_t{255}, std::size_t{256}, std::size_t{70000}}) {
    const std::string key(key_size, 'k');
    for (const auto first : sizes) {
      for (const auto second : sizes) {
        for (const bool expiring : {false, true}) {
          db().set_string(db().ref(key), std::string(first, 'a'));
          if (expiring) db().set_expiry(db().ref(key), UnixMillis{2'000'000});
          db().set_string(db().ref(key), std::string(second, 'b'), Database::Expiry::kKeep);
          ASSERT_EQ(get(key), std::string(second, 'b'));
          ASSERT_EQ(db().peek(db().ref(key))->has_expiry(), expiring);
          ASSERT_EQ(db().expiring(), expiring ? 1U : 0U);
          db().set_integer(db().ref(key), -77);
          ASSERT_EQ(get(key), "-77");
          char* bytes = db().resize_string(db().ref(key), second + 3, KeyEvent::kAppend);
          std::memset(bytes + second, 'c', 3);
          ASSERT_EQ(get(key)->size(), second + 3);
          ASSERT_EQ(db().peek(db().ref(key))->key(), key);
        }
      }
    }
    db().erase(db().ref(key));
  }
  EXPECT_EQ(db().size(), 0U);
  EXPECT_EQ(db().expiring(), 0U);
}

// Memory that holds just the value becomes the entry's: nothing is copied, whatever stood there before.
TEST_P(DatabaseTest, AValueInMemoryOfItsOwnIsTakenOver) {
  for (const std::size_t before : {0U, 20U, 300U, 50'000U}) {
    for (const bool expiring : {false, true}) {
      for (const std::size_t key_size : {3U, 300U}) {
        const std::string key(key_size, 'k');
        if (before != 0) db().set_string(db().ref(key), std::string(before, 'b'));
        OwnedBytes own;
        own.reallocate(20'000, 0);
        std::memset(own.data(), 'o', 20'000);
        const char* const place = own.data();
        const std::string_view value{place, 20'000};
        if (expiring) {
          db().set_string_until(db().ref(key), value, UnixMillis{2'000'000}, std::move(own));
        } else {
          db().set_string(db().ref(key), value, Database::Expiry::kDrop, KeyEvent::kSet, std::move(own));
        }
        Entry::Scratch scratch;
        EXPECT_EQ(place, db().peek(db().ref(key))->bytes(scratch).data());
        EXPECT_EQ(std::string(20'000, 'o'), get(key));
        db().erase(db().ref(key));
      }
    }
  }
}

TEST_P(DatabaseTest, NumbersAreStoredAsNumbers) {
  for (const auto* text : {"0", "-1", "9223372036854775807", "-9223372036854775808"}) {
    db().set_string(db().ref("n"), text);
    EXPECT_EQ(db().peek(db().ref("n"))->encoding(), Encoding::kInt) << text;
    EXPECT_EQ(get("n"), text);
  }
  db().set_string(db().ref("n"), "007");
  EXPECT_EQ(db().peek(db().ref("n"))->encoding(), Encoding::kEmbstr);
}

TEST_P(DatabaseTest, ExpiredKeysVanishOnAccess) {
  db().set_string_until(db().ref("k"), "v", UnixMillis{1'000'100});
  EXPECT_EQ(get("k"), "v");
  set_now(1'000'101);
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_EQ(db().size(), 0U);
  EXPECT_EQ(keyspace_.context().expired_keys, 1U);
}

TEST_P(DatabaseTest, AReplicaHidesExpiredKeysAndKeepsThem) {
  db().set_string_until(db().ref("k"), "v", UnixMillis{1'000'100});
  keyspace_.context().delete_expired = false;
  set_now(1'000'101);
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_EQ(db().size(), 1U);
  EXPECT_EQ(db().expire_some(1000), 0U);
}

TEST_P(DatabaseTest, TheMeanTimeToLiveBearsKeysThatLiveToTheEndOfTime) {
  for (int i = 0; i < 40; ++i) {
    db().set_string_until(db().ref("k" + std::to_string(i)), "v", UnixMillis{INT64_MAX});
  }
  for (int round = 0; round < 300; ++round) (void)db().expire_some(100);
  EXPECT_GT(db().average_ttl(), INT64_MAX / 2);
}

TEST_P(DatabaseTest, SweepingFindsEveryExpiredKey) {
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (i % 5 == 0) {
      db().set_string(db().ref(key), "v");
    } else {
      db().set_string_until(db().ref(key), "v", UnixMillis{i % 5 == 1 ? 9'000'000 : 1'000'050});
    }
  }
  set_now(1'000'051);
  std::size_t removed = 0;
  for (int round = 0; round < 200; ++round) removed += db().expire_some(100);
  EXPECT_EQ(removed, 3000U);
  EXPECT_EQ(db().size(), 2000U);
  EXPECT_EQ(db().expiring(), 1000U);
}

TEST_P(DatabaseTest, ScanVisitsEverything) {
  for (int i = 0; i < 3000; ++i) db().set_string(db().ref("k" + std::to_string(i)), "v");
  std::map<std::string, int> seen;
  std::uint64_t cursor = 0;
  int calls = 0;
  do {
    cursor = db().scan(cursor, 10, [&](const Entry& e) { ++seen[std::string(e.key())]; });
    ++calls;
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), 3000U);
  EXPECT_GT(calls, 100);
}

TEST_P(DatabaseTest, ScanKeepsItsPromiseWhileTheTableGrowsAndShrinks) {
  for (const bool growing : {true, false}) {
    for (int i = 0; i < 500; ++i) db().set_string(db().ref("stays" + std::to_string(i)), "v");
    if (!growing) {
      for (int i = 0; i < 20000; ++i) db().set_string(db().ref("other" + std::to_string(i)), "v");
    }
    std::map<std::string, int> seen;
    std::uint64_t cursor = 0;
    int step = 0;
    do {
      cursor = db().scan(cursor, 10, [&](const Entry& e) { ++seen[std::string(e.key())]; });
      for (int i = 0; i < 150; ++i, ++step) {
        const std::string key = "other" + std::to_string(step % 20000);
        if (growing && step < 20000) db().set_string(db().ref(key), "v");
        if (!growing) db().erase(db().ref(key));
      }
    } while (cursor != 0);
    for (int i = 0; i < 500; ++i) ASSERT_EQ(seen.count("stays" + std::to_string(i)), 1U) << i << ' ' << growing;
    (void)keyspace_.flush(-1);
  }
}

TEST_P(DatabaseTest, ScanTakesAnyCursorAndAnyCount) {
  for (int i = 0; i < 1000; ++i) db().set_string(db().ref("k" + std::to_string(i)), "v");
  for (const std::uint64_t cursor : {std::uint64_t{1}, std::uint64_t{16383}, UINT64_MAX, UINT64_MAX >> 1}) {
    for (const std::size_t count : {std::size_t{1}, SIZE_MAX / 10, SIZE_MAX}) {
      (void)db().scan(cursor, count, [](const Entry&) {});
    }
  }
}

TEST_P(DatabaseTest, TextStaysText) {
  db().set_text(db().ref("t"), "5", KeyEvent::kIncrbyfloat);
  EXPECT_EQ(db().peek(db().ref("t"))->encoding(), Encoding::kEmbstr);
  db().set_string(db().ref("t"), "77");
  db().set_expiry(db().ref("t"), UnixMillis{2'000'000});
  for (const std::size_t size : {std::size_t{44}, std::size_t{300}, std::size_t{1}}) {
    db().set_text(db().ref("t"), std::string(size, '7'), KeyEvent::kIncrbyfloat);
    EXPECT_EQ(get("t"), std::string(size, '7'));
    EXPECT_EQ(db().peek(db().ref("t"))->encoding(), size <= 44 ? Encoding::kEmbstr : Encoding::kRaw);
    EXPECT_EQ(db().expiring(), 1U);
  }
}

TEST_P(DatabaseTest, ReplacingAKeyAReplicaHidesLeavesOne) {
  for (const auto* name : {"a", "b"}) db().set_string_until(db().ref(name), "old", UnixMillis{1'000'050});
  db().set_string(db().ref("c"), "v");
  db().set_string(db().ref("d"), "v");
  keyspace_.context().delete_expired = false;
  set_now(1'000'100);
  db().copy_from(db(), db().ref("c"), db().ref("a"));
  db().rename(db().ref("d"), db().ref("b"));
  EXPECT_EQ(get("a"), "v");
  EXPECT_EQ(get("b"), "v");
  EXPECT_EQ(db().size(), 3U);
  EXPECT_EQ(db().expiring(), 0U);
}

TEST_P(DatabaseTest, RemovalByExpiryIsNoChangeOfItsOwn) {
  db().set_string_until(db().ref("k"), "v", UnixMillis{1'000'100});
  const auto dirty = keyspace_.context().dirty;
  set_now(1'000'101);
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_EQ(keyspace_.context().dirty, dirty);
}

TEST_P(DatabaseTest, RandomEntryReachesEveryKey) {
  for (int i = 0; i < 50; ++i) db().set_string(db().ref("k" + std::to_string(i)), "v");
  std::map<std::string, int> seen;
  for (int i = 0; i < 5000; ++i) ++seen[std::string(db().random_entry()->key())];
  EXPECT_EQ(seen.size(), 50U);
}

TEST_P(DatabaseTest, RenameCopyAndSwapCarryTheExpiry) {
  db().set_string_until(db().ref("a"), "v", UnixMillis{2'000'000});
  db().rename(db().ref("a"), db().ref("b"));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(db().peek(db().ref("b"))->expiry().value, 2'000'000);
  auto& other = keyspace_.db(1);
  other.copy_from(db(), db().ref("b"), other.ref("c"));
  EXPECT_EQ(other.expiring(), 1U);
  keyspace_.swap(0, 1);
  EXPECT_EQ(get("c"), "v");
}

TEST_P(DatabaseTest, LoadedEntriesAreNoChangeAndNeverReplace) {
  db().reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "k" + std::to_string(i);
    OwnedEntry entry(Entry::create(key, "v", i % 2 == 0 ? std::optional(UnixMillis{2'000'000}) : std::nullopt));
    ASSERT_TRUE(db().load(db().ref(key), entry));
    ASSERT_EQ(entry, nullptr);
    OwnedEntry again(Entry::create_integer(key, 7, std::nullopt));
    ASSERT_FALSE(db().load(db().ref(key), again));
    ASSERT_NE(again, nullptr);
  }
  db().shrink_to_fit();
  EXPECT_EQ(db().size(), 1000U);
  EXPECT_EQ(db().expiring(), 500U);
  EXPECT_EQ(keyspace_.context().dirty, 0U);
  EXPECT_EQ(get("k999"), "v");
  std::map<std::string, int> seen;
  db().walk([&](const Entry& entry) { ++seen[std::string(entry.key())]; });
  EXPECT_EQ(seen.size(), 1000U);
}

TEST_P(DatabaseTest, AnAdoptedEntryTakesTheKeysPlace) {
  db().set_string_until(db().ref("k"), "old", UnixMillis{2'000'000});
  db().adopt(db().ref("k"), OwnedEntry(Entry::create_integer("k", -12, std::nullopt)), KeyEvent::kRestore);
  EXPECT_EQ(get("k"), "-12");
  EXPECT_EQ(db().find(db().ref("k"))->encoding(), Encoding::kInt);
  EXPECT_EQ(db().size(), 1U);
  EXPECT_EQ(db().expiring(), 0U);
  EXPECT_EQ(keyspace_.context().dirty, 2U);
}

TEST_P(DatabaseTest, KnownUseBecomesTheClockOfItsOwnPolicyOnly) {
  const auto clocked = [&](const Database::KnownUse& use) {
    OwnedEntry entry(Entry::create("k", "v", std::nullopt));
    entry->set_access_clock(db().access_clock(use));
    return entry;
  };
  set_now(1'700'000'000'000);
  EXPECT_EQ(db().idle_time(*clocked({.idle = seconds{77}})), seconds{77});
  EXPECT_EQ(db().idle_time(*clocked({.frequency = 9})), seconds{0});
  EXPECT_EQ(db().idle_time(*clocked({.idle = seconds{INT64_MAX}})), seconds{0xffffff});
  keyspace_.context().lfu = true;
  EXPECT_EQ(db().frequency(*clocked({.frequency = 9})), 9U);
  EXPECT_EQ(db().frequency(*clocked({.idle = seconds{77}})), 5U);
}

// Read as if it were its own, a clock of seconds is a counter long decayed, and one of minutes weeks ago.
TEST_P(DatabaseTest, AClockOfAnotherPolicyIsAsThatOfAKeyNewWithTheChange) {
  const auto change_to = [&](bool lfu) {
    keyspace_.context().lfu = lfu;
    keyspace_.context().lfu_changed = keyspace_.context().now;
  };
  const auto entry = [&](std::string_view key) -> const Entry& { return *db().peek(db().ref(key)); };
  for (const char* key : {"a", "b", "long"}) db().set_string(db().ref(key), key);
  for (std::int64_t time = 1'700'000'000'000; time < 1'700'000'600'000; time += 77'000) {
    set_now(time);
    db().set_string(db().ref("a"), "seconds");
    change_to(true);
    EXPECT_EQ(db().frequency(entry("a")), 5U);
    set_now(time + 2 * 60'000);
    EXPECT_EQ(db().frequency(entry("a")), 3U);
    db().set_string(db().ref("b"), "counted");
    // The clock stays what it is when its entry changes its shape.
    db().set_expiry(db().ref("b"), UnixMillis{time + 1'000'000});
    db().set_string(db().ref("b"), std::string(1000, 'x'), Database::Expiry::kKeep);
    EXPECT_GE(db().frequency(entry("b")), 5U);
    change_to(false);
    EXPECT_EQ(db().idle_time(entry("b")), seconds{0});
    set_now(time + 3 * 60'000);
    EXPECT_EQ(db().idle_time(entry("b")), seconds{60});
    // Nobody used it meanwhile: what was known of it still holds.
    EXPECT_EQ(db().idle_time(entry("a")), seconds{180});
    db().set_string(db().ref("b"), "seconds");
    EXPECT_EQ(db().idle_time(entry("b")), seconds{0});
  }
}

TEST_P(DatabaseTest, MemoryComesBackToTheByte) {
  const auto before = allocated_bytes();
  {
    for (int i = 0; i < 20000; ++i) db().set_string(db().ref("key" + std::to_string(i)), std::string(i % 700, 'x'));
    for (int i = 0; i < 20000; i += 2) db().erase(db().ref("key" + std::to_string(i)));
    auto gone = keyspace_.flush(-1);
  }
  EXPECT_LE(allocated_bytes(), before + 4096);
}

TEST(ClusterDatabase, SlotsThatMoveEachOthersBucketsLoseNothing) {
  Keyspace keyspace{1, true, 1};
  auto& db = keyspace.db(0);
  std::set<std::string> model;
  Random random{9};
  const auto check = [&] {
    ASSERT_EQ(db.size(), model.size());
    for (const auto& key : model) ASSERT_NE(db.peek(db.ref(key)), nullptr) << key;
    std::size_t seen = 0;
    db.for_each([&](const Entry& entry) { seen += model.count(std::string(entry.key())); });
    ASSERT_EQ(seen, model.size());
  };
  for (int step = 0; step < 120'000; ++step) {
    // Grows all slots together, then shrinks them.
    const bool adds = random.below(4) < (step < 80'000 ? 3U : 1U);
    const std::string key = "{" + std::to_string(random.below(30)) + "}" + std::to_string(random.below(1500));
    if (adds) {
      db.set_string(db.ref(key), "v");
      model.insert(key);
    } else {
      ASSERT_EQ(db.erase(db.ref(key)), model.erase(key) == 1);
    }
    if (step % 10'000 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(check());
  }
  ASSERT_NO_FATAL_FAILURE(check());
  const auto gone = keyspace.flush(-1);
  EXPECT_EQ(gone.at(0).keys(), model.size());
  model.clear();
  check();
}

TEST(ClusterDatabase, CountsListsAndErasesASlot) {
  Keyspace keyspace{1, true, 1};
  auto& db = keyspace.db(0);
  for (int i = 0; i < 100; ++i) db.set_string(db.ref("{foo}" + std::to_string(i)), "v");
  db.set_string(db.ref("bar"), "v");
  EXPECT_EQ(db.count_in_slot(Slot{12182}), 100U);
  EXPECT_EQ(db.keys_in_slot(Slot{12182}, 10).size(), 10U);
  EXPECT_EQ(db.erase_slot(Slot{12182}), 100U);
  EXPECT_EQ(db.size(), 1U);
}

}  // namespace
}  // namespace skein
