#include <skein/keyspace/keyspace.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

class FlyingKeysTest : public testing::Test {
 protected:
  Keyspace keyspace_{16, true, 7};
  FlyingKeys& flying_ = keyspace_.context().flying;
  std::vector<FlyingKeys::FlightId> taken_;

  void SetUp() override {
    keyspace_.context().now = UnixMillis{1'000'000};
    flying_.on_taken = [this](FlyingKeys::FlightId id) {
      taken_.push_back(id);
      flying_.remove(id);
    };
  }
  KeyRef ref(std::string_view key, int db = 0) { return keyspace_.db(db).ref(key); }
};

TEST_F(FlyingKeysTest, AreKnownInWhateverDatabaseUntilTheyLand) {
  const KeyRef keys[] = {ref("a"), ref("b"), ref("a longer one")};
  flying_.add(1, 0, keys);
  const KeyRef more[] = {ref("c", 3)};
  flying_.add(2, 3, more);
  for (const std::string_view key : {"a", "b", "a longer one", "c"}) EXPECT_TRUE(flying_.has(ref(key))) << key;
  EXPECT_TRUE(flying_.has(ref("a", 5)));
  EXPECT_FALSE(flying_.has(ref("d")));
  flying_.remove(1);
  EXPECT_FALSE(flying_.has(ref("a")));
  EXPECT_TRUE(flying_.has(ref("c")));
  flying_.remove(2);
  EXPECT_TRUE(flying_.empty());
}

TEST_F(FlyingKeysTest, NeitherExpireNorAreEvicted) {
  Database& db = keyspace_.db(0);
  db.set_string_until(ref("a"), "1", UnixMillis{1'000'100});
  const KeyRef keys[] = {ref("a")};
  flying_.add(1, 0, keys);
  keyspace_.context().now = UnixMillis{1'000'200};
  EXPECT_EQ(db.find(ref("a")), nullptr);
  (void)db.expire_some(1 << 20);
  EXPECT_FALSE(db.evict(ref("a")));
  EXPECT_EQ(db.size(), 1U);
  flying_.remove(1);
  (void)db.expire_some(1 << 20);
  EXPECT_EQ(db.size(), 0U);
}

TEST_F(FlyingKeysTest, HearOfWhatTakesThemAway) {
  const KeyRef one[] = {ref("a")};
  const KeyRef other[] = {ref("b", 1)};
  flying_.add(1, 0, one);
  flying_.add(2, 1, other);
  (void)keyspace_.db(0).erase_slot(ref("b").slot);
  EXPECT_EQ(taken_, std::vector<FlyingKeys::FlightId>{2});
  (void)keyspace_.flush(1);
  EXPECT_EQ(taken_.size(), 1U);
  (void)keyspace_.flush(-1);
  EXPECT_EQ(taken_, (std::vector<FlyingKeys::FlightId>{2, 1}));
  flying_.add(3, 0, one);
  keyspace_.swap(4, 4);
  EXPECT_EQ(taken_.size(), 2U);
  keyspace_.swap(4, 0);
  EXPECT_EQ(taken_.size(), 3U);
}

}  // namespace
}  // namespace skein
