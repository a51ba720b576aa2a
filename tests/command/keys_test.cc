// The generic family but for expiry: names, copies, databases, walks, OBJECT.
#include <set>

#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Keys : public CommandTest {
 protected:
  void select(int db) { client().session.db = db; }
};

class KeysInCluster : public CommandTest {
 protected:
  KeysInCluster() : CommandTest({.cluster_mode = true, .databases = 1}) {}
};

TEST_F(Keys, DeletesAndCounts) {
  run("MSET", "a", "1", "b", "2", "c", "3");
  EXPECT_EQ(run("EXISTS", "a", "a", "none"), integer(2));
  EXPECT_EQ(run("DEL", "a", "a", "none", "b"), integer(2));
  EXPECT_EQ(run("UNLINK", "c", "none"), integer(1));
  EXPECT_EQ(run("TOUCH", "c"), integer(0));
  EXPECT_THAT(take_effects(), ElementsAre("0 MSET a 1 b 2 c 3", "0 DEL a a none b", "0 UNLINK c none"));
  run("DEL", "none");
  EXPECT_THAT(take_effects(), IsEmpty());
}

TEST_F(Keys, Type) {
  run("SET", "k", "v");
  EXPECT_EQ(run("TYPE", "k"), status("string"));
  EXPECT_EQ(run("TYPE", "none"), status("none"));
}

TEST_F(Keys, RenameTakesValueAndExpiryAlong) {
  run("SET", "a", "1", "EX", "100");
  run("SET", "b", "2");
  EXPECT_EQ(run("RENAME", "a", "b"), ok());
  EXPECT_EQ(run("GET", "b"), bulk("1"));
  EXPECT_EQ(run("TTL", "b"), integer(100));
  EXPECT_EQ(run("EXISTS", "a"), integer(0));
  EXPECT_EQ(run("RENAME", "a", "c"), error("ERR no such key"));
  EXPECT_EQ(run("RENAME", "a", "a"), error("ERR no such key"));
  EXPECT_EQ(run("RENAME", "b", "b"), ok());
  EXPECT_EQ(run("RENAMENX", "b", "b"), integer(0));
  run("SET", "c", "3");
  EXPECT_EQ(run("RENAMENX", "b", "c"), integer(0));
  EXPECT_EQ(run("RENAMENX", "b", "d"), integer(1));
  EXPECT_EQ(run("RENAMENX", "none", "d"), error("ERR no such key"));
}

TEST_F(Keys, RenameToAnyLengthKeepsTheBytes) {
  for (const std::size_t value_size : {0U, 10U, 255U, 256U, 5000U}) {
    const std::string value(value_size, 'v');
    std::string name = "k";
    run("SET", name, value, "EX", "50");
    for (const std::size_t size : {300U, 1U, 255U, 256U, 70000U, 20U}) {
      std::string next(size, 'n');
      next.back() = static_cast<char>('a' + size % 7);
      ASSERT_EQ(run("RENAME", name, next), ok());
      ASSERT_EQ(run("GET", next), bulk(value));
      ASSERT_EQ(run("TTL", next), integer(50));
      name = next;
    }
    EXPECT_EQ(run("APPEND", name, "x"), integer(static_cast<std::int64_t>(value_size + 1)));
    EXPECT_EQ(run("DEL", name), integer(1));
  }
  EXPECT_EQ(keyspace.total_keys(), 0U);
}

TEST_F(Keys, Copy) {
  run("SET", "a", "12", "EX", "100");
  EXPECT_EQ(run("COPY", "a", "b"), integer(1));
  EXPECT_EQ(run("TTL", "b"), integer(100));
  EXPECT_EQ(run("COPY", "a", "b"), integer(0));
  EXPECT_EQ(run("SET", "a", "13"), ok());
  EXPECT_EQ(run("COPY", "a", "b", "REPLACE"), integer(1));
  EXPECT_EQ(run("TTL", "b"), integer(-1));
  EXPECT_EQ(run("COPY", "a", "a", "DB", "3"), integer(1));
  EXPECT_EQ(run("COPY", "none", "b"), integer(0));
  EXPECT_EQ(run("COPY", "a", "a"), error("ERR source and destination objects are the same"));
  EXPECT_EQ(run("COPY", "a", "b", "DB", "16"), error("ERR DB index is out of range"));
  EXPECT_EQ(run("COPY", "a", "b", "DB", "9999999999"),
            error("ERR value is out of range, value must between -2147483648 and 2147483647"));
  EXPECT_EQ(run("COPY", "a", "b", "DB"), error("ERR syntax error"));
  select(3);
  EXPECT_EQ(run("GET", "a"), bulk("13"));
}

TEST_F(Keys, MoveNeedsAFreePlace) {
  run("SET", "a", "1", "EX", "100");
  EXPECT_EQ(run("MOVE", "a", "1"), integer(1));
  EXPECT_EQ(run("MOVE", "a", "1"), integer(0));
  run("SET", "a", "2");
  EXPECT_EQ(run("MOVE", "a", "1"), integer(0));
  EXPECT_EQ(run("MOVE", "a", "0"), error("ERR source and destination objects are the same"));
  EXPECT_EQ(run("MOVE", "a", "-1"), error("ERR DB index is out of range"));
  EXPECT_EQ(run("MOVE", "a", "x"), error("ERR value is not an integer or out of range"));
  select(1);
  EXPECT_EQ(run("GET", "a"), bulk("1"));
  EXPECT_EQ(run("TTL", "a"), integer(100));
}

TEST_F(Keys, Swapdb) {
  run("SET", "a", "1");
  EXPECT_EQ(run("SWAPDB", "0", "5"), ok());
  EXPECT_EQ(run("EXISTS", "a"), integer(0));
  select(5);
  EXPECT_EQ(run("GET", "a"), bulk("1"));
  EXPECT_EQ(run("SWAPDB", "x", "5"), error("ERR invalid first DB index"));
  EXPECT_EQ(run("SWAPDB", "1", "9999999999"), error("ERR invalid second DB index"));
  EXPECT_EQ(run("SWAPDB", "1", "16"), error("ERR DB index is out of range"));
  EXPECT_EQ(run("SWAPDB", "1", "1"), ok());
}

TEST_F(KeysInCluster, RefuseOtherDatabases) {
  run("SET", "a", "1");
  EXPECT_EQ(run("MOVE", "a", "x"), error("ERR MOVE is not allowed in cluster mode"));
  EXPECT_EQ(run("SWAPDB", "x", "y"), error("ERR SWAPDB is not allowed in cluster mode"));
  EXPECT_EQ(run("COPY", "a", "{a}b", "DB", "1"), error("ERR DB index is out of range"));
  EXPECT_EQ(run("COPY", "a", "{a}b", "DB", "0"), integer(1));
}

class KeyWalks : public CommandTestInBothModes {};
INSTANTIATE_TEST_SUITE_P(BothModes, KeyWalks, testing::Bool());

TEST_P(KeyWalks, KeysMatchesAPatternAndHidesWhatHasExpired) {
  run("MSET", "one", "1", "two", "2", "three", "3");
  run("SET", "t", "x", "PX", "1");
  EXPECT_THAT(texts_of(run("KEYS", "t*")), UnorderedElementsAre("t", "two", "three"));
  advance(2ms);
  EXPECT_THAT(texts_of(run("KEYS", "*")), UnorderedElementsAre("one", "two", "three"));
  EXPECT_EQ(keyspace.total_keys(), 4U);
  EXPECT_EQ(run("KEYS", "x?"), array({}));
}

TEST_P(KeyWalks, ScanReturnsEverythingWhateverTheStep) {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) {
    all.insert("key:" + std::to_string(i));
    run("SET", "key:" + std::to_string(i), "v");
  }
  for (const auto* count : {"1", "10", "333", "9223372036854775807"}) {
    std::set<std::string> seen;
    std::string cursor = "0";
    do {
      auto texts = texts_of(run("SCAN", cursor, "COUNT", count));
      cursor = texts.front();
      seen.insert(texts.begin() + 1, texts.end());
    } while (cursor != "0");
    EXPECT_EQ(seen, all) << count;
  }
}

TEST_P(KeyWalks, ScanFiltersAndRemovesWhatHasExpired) {
  run("MSET", "one", "1", "two", "2");
  run("SET", "three", "x", "PX", "1");
  advance(2ms);
  EXPECT_THAT(texts_of(run("SCAN", "0", "MATCH", "t*", "COUNT", "100")), ElementsAre("0", "two"));
  EXPECT_EQ(keyspace.total_keys(), 2U);
  EXPECT_THAT(texts_of(run("SCAN", "0", "COUNT", "100", "TYPE", "String")), UnorderedElementsAre("0", "one", "two"));
  EXPECT_THAT(texts_of(run("SCAN", "0", "COUNT", "100", "TYPE", "list")), ElementsAre("0"));
  EXPECT_THAT(texts_of(run("SCAN", "0", "COUNT", "100", "TYPE", "nonsense")), ElementsAre("0"));
}

TEST_P(KeyWalks, ScanTakesTheCursorsRedisTakes) {
  const std::string nothing = array({bulk("0"), array({})});
  for (const std::string_view cursor : {"", "+1", "-1", "18446744073709551615", "0"}) {
    EXPECT_EQ(run("SCAN", cursor), nothing) << cursor;
  }
  EXPECT_EQ(run("SCAN", std::string_view("1\0z", 3)), nothing);
  for (const std::string_view cursor : {"abc", " 1", "1 ", "-", "+-1", "18446744073709551616", "0x1"}) {
    EXPECT_EQ(run("SCAN", cursor), error("ERR invalid cursor")) << cursor;
  }
  for (const auto* words : {"SCAN 0 COUNT 0", "SCAN 0 COUNT -1", "SCAN 0 MATCH", "SCAN 0 FOO bar"}) {
    EXPECT_EQ(line(words), error("ERR syntax error")) << words;
  }
  EXPECT_EQ(line("SCAN 0 COUNT x"), error("ERR value is not an integer or out of range"));
}

TEST_P(KeyWalks, Randomkey) {
  EXPECT_EQ(run("RANDOMKEY"), null());
  run("SET", "k", "v", "PX", "1");
  EXPECT_EQ(run("RANDOMKEY"), bulk("k"));
  advance(2ms);
  EXPECT_EQ(run("RANDOMKEY"), null());
}

TEST_F(Keys, ObjectTellsHowAValueIsKept) {
  run("SET", "n", "9999");
  EXPECT_EQ(run("OBJECT", "REFCOUNT", "n"), integer(2147483647));
  run("COPY", "n", "copy");
  EXPECT_EQ(run("OBJECT", "REFCOUNT", "copy"), integer(1));
  EXPECT_EQ(run("OBJECT", "ENCODING", "copy"), bulk("int"));
  run("EXPIRE", "copy", "100");
  run("RENAME", "copy", "copied");
  EXPECT_EQ(run("OBJECT", "REFCOUNT", "copied"), integer(1));
  run("DECR", "copied");
  EXPECT_EQ(run("OBJECT", "REFCOUNT", "copied"), integer(2147483647));
  run("INCR", "n");
  EXPECT_EQ(run("OBJECT", "REFCOUNT", "n"), integer(1));
  EXPECT_EQ(run("OBJECT", "ENCODING", "none"), null());
  EXPECT_EQ(run("OBJECT", "FOO"), error("ERR unknown subcommand 'FOO'. Try OBJECT HELP."));
  EXPECT_EQ(run("OBJECT", "ENCODING"), error("ERR wrong number of arguments for 'object|encoding' command"));
  EXPECT_EQ(run("OBJECT"), error("ERR wrong number of arguments for 'object' command"));
  EXPECT_EQ(run("OBJECT", "HELP").substr(0, 1), "*");
}

TEST_F(Keys, IdleTimeGrowsUntilAKeyIsUsed) {
  run("SET", "k", "v");
  advance(12s);
  EXPECT_EQ(run("OBJECT", "IDLETIME", "k"), integer(12));
  run("TTL", "k");
  run("TYPE", "k");
  run("EXISTS", "k");
  EXPECT_EQ(run("OBJECT", "IDLETIME", "k"), integer(12));
  run("TOUCH", "k");
  EXPECT_EQ(run("OBJECT", "IDLETIME", "k"), integer(0));
  for (const auto* words : {"SETNX k v", "EXPIRE k 100 GT", "PERSIST k", "APPEND k x", "SETRANGE k 0 ''"}) {
    advance(5s);
    line(words);
    EXPECT_EQ(run("OBJECT", "IDLETIME", "k"), integer(0)) << words;
  }
  advance(5s);
  run("RENAME", "k", "l");
  EXPECT_EQ(run("OBJECT", "IDLETIME", "l"), integer(0));
  EXPECT_THAT(run("OBJECT", "FREQ", "l"), testing::StartsWith("-ERR An LFU maxmemory policy is not selected"));
}

TEST_F(Keys, FrequencyDecaysAMinuteAtATime) {
  ASSERT_TRUE(config.set("maxmemory-policy", "allkeys-lfu").has_value());
  keyspace.context().lfu = true;
  run("SET", "k", "v");
  EXPECT_EQ(run("OBJECT", "FREQ", "k"), integer(5));
  advance(std::chrono::minutes{3});
  EXPECT_EQ(run("OBJECT", "FREQ", "k"), integer(2));
  advance(std::chrono::minutes{30});
  EXPECT_EQ(run("OBJECT", "FREQ", "k"), integer(0));
  EXPECT_THAT(run("OBJECT", "IDLETIME", "k"), testing::StartsWith("-ERR An LFU maxmemory policy is selected"));
}

TEST_F(Keys, AskingAboutAKeyCountsAsARead) {
  run("SET", "k", "v");
  const auto& counts = keyspace.context();
  for (const auto* words : {"EXISTS k", "TTL k", "TYPE k", "TOUCH k", "OBJECT ENCODING k", "COPY k l"}) line(words);
  EXPECT_EQ(counts.hits, 6U);
  for (const auto* words : {"EXISTS x", "TTL x", "TYPE x", "TOUCH x", "OBJECT ENCODING x", "COPY x y"}) line(words);
  EXPECT_EQ(counts.misses, 6U);
  for (const auto* words : {"DEL x", "RENAME k m", "EXPIRE m 10", "PERSIST m", "MOVE m 1"}) line(words);
  EXPECT_EQ(counts.hits, 6U);
  EXPECT_EQ(counts.misses, 6U);
}

}  // namespace
}  // namespace skein
