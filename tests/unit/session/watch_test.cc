// WATCH's table: which changes break a transaction, and which do not.
#include <skein/session/watch.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

class Watch : public testing::Test {
 protected:
  Watch() { keyspace.context().now = {1000}; }

  Database& db(int index = 0) { return keyspace.db(index); }
  void watch(std::string_view key, int database = 0) { table.watch(session, database, db(database).ref(key)); }
  [[nodiscard]] bool broken() const { return table.is_broken(session); }

  Keyspace keyspace{3, false, 1};
  WatchTable table{keyspace};
  Session session{1, nullptr};
};

TEST_F(Watch, ListensOnlyWhileSomethingIsWatched) {
  EXPECT_EQ(keyspace.context().listener, nullptr);
  watch("k");
  EXPECT_NE(keyspace.context().listener, nullptr);
  EXPECT_EQ(table.watched_keys(), 1U);
  watch("k");
  EXPECT_EQ(session.watched.size(), 1U);
  table.unwatch_all(session);
  EXPECT_EQ(keyspace.context().listener, nullptr);
  EXPECT_EQ(table.watched_keys(), 0U);
}

// Each is looked up, not compared with all the others.
TEST_F(Watch, ManyKeysStayCheap) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 200'000; ++i) watch("key:" + std::to_string(i));
  }
  EXPECT_EQ(session.watched.size(), 200'000U);
  table.unwatch_all(session);
  EXPECT_EQ(table.watched_keys(), 0U);
}

TEST_F(Watch, AnyChangeBreaks) {
  watch("k");
  db().set_string(db().ref("other"), "v");
  EXPECT_FALSE(broken());
  db().set_string(db().ref("k"), "v");
  EXPECT_TRUE(broken());
  table.unwatch_all(session);
  EXPECT_FALSE(broken());
}

TEST_F(Watch, EveryWayToChangeIsSeen) {
  const std::vector<std::function<void()>> changes = {
      [&] { db().set_integer(db().ref("k"), 5); },
      [&] { db().resize_string(db().ref("k"), 10, KeyEvent::kAppend); },
      [&] { db().set_text(db().ref("k"), "1.5", KeyEvent::kIncrbyfloat); },
      [&] { db().erase(db().ref("k")); },
      [&] { db().set_expiry(db().ref("k"), UnixMillis{5000}); },
      [&] { db().rename(db().ref("k"), db().ref("x")); },
      [&] { db().rename(db().ref("y"), db().ref("k")); },
      [&] { db().copy_from(db(), db().ref("y"), db().ref("k")); },
      [&] { db(1).move_from(db(), db().ref("k")); },
      [&] { (void)keyspace.flush(0); },
      [&] { (void)keyspace.flush(-1); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    db(1).erase(db(1).ref("k"));
    db().set_string(db().ref("k"), "1");
    db().set_string(db().ref("y"), "2");
    watch("k");
    ASSERT_FALSE(broken()) << i;
    changes[i]();
    EXPECT_TRUE(broken()) << i;
    table.unwatch_all(session);
  }
}

TEST_F(Watch, AKeyThatExpiresMeanwhileBreaks) {
  db().set_string_until(db().ref("k"), "v", UnixMillis{2000});
  watch("k");
  EXPECT_FALSE(broken());
  keyspace.context().now = {2001};
  EXPECT_TRUE(broken());
  (void)db().find(db().ref("k"));
  EXPECT_TRUE(broken());
}

TEST_F(Watch, AKeyThatHadExpiredBeforeDoesNot) {
  db().set_string_until(db().ref("k"), "v", UnixMillis{2000});
  keyspace.context().now = {2001};
  watch("k");
  EXPECT_FALSE(broken());
  (void)db().find(db().ref("k"));
  EXPECT_FALSE(broken());
  db().set_string(db().ref("k"), "again");
  EXPECT_TRUE(broken());
}

TEST_F(Watch, FlushingBreaksOnlyWhatWasThere) {
  watch("missing");
  (void)keyspace.flush(-1);
  EXPECT_FALSE(broken());
  watch("k", 1);
  db(1).set_string(db(1).ref("k"), "v");
  session.dirty_watch = false;
  (void)keyspace.flush(0);
  EXPECT_FALSE(broken());
  (void)keyspace.flush(1);
  EXPECT_TRUE(broken());
}

TEST_F(Watch, SwappingDatabasesBreaksWhatIsInOneOfThem) {
  watch("k");
  keyspace.swap(0, 1);
  table.on_swapped(0, 1);
  EXPECT_FALSE(broken());
  db(2).set_string(db(2).ref("k"), "v");
  keyspace.swap(0, 2);
  table.on_swapped(0, 2);
  EXPECT_TRUE(broken());
}

TEST_F(Watch, SessionsAreTold) {
  Session other{2, nullptr};
  watch("k");
  table.watch(other, 0, db().ref("k"));
  db().set_string(db().ref("k"), "v");
  EXPECT_TRUE(broken());
  EXPECT_TRUE(table.is_broken(other));
  table.unwatch_all(session);
  EXPECT_TRUE(table.is_broken(other));
  table.unwatch_all(other);
}

TEST_F(Watch, DiscardingATransactionUnwatches) {
  watch("k");
  session.begin_transaction();
  EXPECT_TRUE(session.shuts(gate::kMulti));
  session.discard_transaction();
  EXPECT_FALSE(session.shuts(gate::kMulti));
  EXPECT_TRUE(session.watched.empty());
  EXPECT_EQ(table.watched_keys(), 0U);
}

}  // namespace
}  // namespace skein
