// What is written is read again, equal, however the bytes arrive.
#include "rdb_bed.h"

#include <skein/base/random.h>

namespace skein {
namespace {

constexpr std::size_t kPieces[] = {1, 2, 3, 7, 64, 1000, 4096, 65535, 65536, 65537, SIZE_MAX};

// Strings of every coding and length head, with and without expiry, in several databases.
void fill(Keyspace& keyspace) {
  keyspace.context().now = kNow;
  Random random{17};
  Database& first = keyspace.db(0);
  for (const char* number : {"0", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32768", "-32769", "2147483647",
                             "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "007", "-0", "+1", "1.5"}) {
    first.set_string(first.ref(std::string("number ") + number), number);
    first.set_string(first.ref(number), "by a number");
  }
  for (const std::size_t size : {0, 1, 11, 20, 21, 44, 45, 63, 64, 255, 256, 16383, 16384, 65535, 65536, 200000}) {
    first.set_string(first.ref("same " + std::to_string(size)), std::string(size, 'x'));
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random.next());
    first.set_string_until(first.ref("noise " + std::to_string(size)), noise, kNow + milliseconds{1 + random.below(1000)});
    first.set_string(first.ref(std::string(size, 'k')), "long key");
  }
  Database& last = keyspace.db(keyspace.count() - 1);
  for (int i = 0; i < 5000; ++i) last.set_string(last.ref("key:" + std::to_string(i)), "value");
}

TEST(RdbRoundTrip, EverythingComesBackInPiecesOfAnySize) {
  Keyspace keyspace{16, false, 3};
  fill(keyspace);
  const Content expected = content_of(keyspace);
  for (const bool compress : {true, false}) {
    const std::string file = write_all(keyspace, {.compress = compress});
    for (const std::size_t piece : kPieces) {
      const Loaded loaded = load_rdb(file, {.piece = piece});
      ASSERT_EQ(loaded.error, "") << piece;
      ASSERT_EQ(loaded.content, expected) << piece;
      EXPECT_EQ(loaded.loaded, expected.size());
    }
  }
}

TEST(RdbRoundTrip, ADryRunDecodesAndKeepsNothing) {
  Keyspace keyspace{16, false, 3};
  fill(keyspace);
  const std::string file = write_all(keyspace);
  const Loaded loaded = load_rdb(file, {.piece = 100, .dry = true});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.loaded, keyspace.total_keys());
  EXPECT_TRUE(loaded.content.empty());
  EXPECT_NE(load_rdb(file, {.options = {.now = kNow, .databases = 1}, .dry = true}).error, "");
}

TEST(RdbRoundTrip, AClustersNodeKeepsItsSlots) {
  Keyspace keyspace{1, true, 3};
  keyspace.context().now = kNow;
  Database& db = keyspace.db(0);
  for (int i = 0; i < 40000; ++i) db.set_string(db.ref("{" + std::to_string(i % 9000) + "}" + std::to_string(i)), "v");
  const Loaded loaded = load_rdb(write_all(keyspace), {.cluster = true, .databases = 1});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.content, content_of(keyspace));
}

TEST(RdbRoundTrip, ManyKeysMakeNoDifference) {
  Keyspace keyspace{1, false, 3};
  Database& db = keyspace.db(0);
  for (int i = 0; i < 1'200'000; ++i) db.set_string(db.ref("key:" + std::to_string(i)), "v");
  const std::string file = write_all(keyspace);
  Keyspace other{1, false, 4};
  RdbLoader loader(&other, {});
  ASSERT_TRUE(loader.feed(file));
  ASSERT_TRUE(loader.finish());
  ASSERT_EQ(other.db(0).size(), db.size());
  db.for_each([&](const Entry& entry) {
    const Entry* found = other.db(0).peek(other.db(0).ref(entry.key()));
    ASSERT_NE(found, nullptr);
  });
  EXPECT_LE(other.db(0).bucket_count(), db.bucket_count() * 2);
}

TEST(RdbRoundTrip, FactsComeBack) {
  const Keyspace empty{16, false, 3};
  RdbFacts facts{.created = {1'699'999'999'000}, .used_memory = 5'000'000'000, .functions = {"#!lua name=a\n", "b"}};
  facts.replication = {*ReplicationId::parse(std::string(40, 'a')), ReplOffset{123456789012}, 7};
  facts.aof_base = true;
  const RdbFacts back = load_rdb(write_all(empty, {}, facts)).facts;
  EXPECT_EQ(back.created, facts.created);
  EXPECT_EQ(back.used_memory, facts.used_memory);
  EXPECT_EQ(back.functions, facts.functions);
  ASSERT_TRUE(back.replication);
  EXPECT_EQ(back.replication->id, facts.replication->id);
  EXPECT_EQ(back.replication->offset, facts.replication->offset);
  EXPECT_EQ(back.replication->selected_db, 7);
  EXPECT_TRUE(back.aof_base);
  const RdbFacts without = load_rdb(write_all(empty, {.with_functions = false})).facts;
  EXPECT_TRUE(without.functions.empty());
  EXPECT_FALSE(without.replication);
}

TEST(RdbRoundTrip, UseGoesWithTheKeysWhereThePolicyIsTheSame) {
  for (const bool lfu : {false, true}) {
    Keyspace keyspace{1, false, 3};
    keyspace.context().lfu = lfu;
    keyspace.context().now = {kNow.value - 500'000};
    keyspace.db(0).set_string(keyspace.db(0).ref("k"), "v");
    keyspace.context().now = kNow;
    const std::string file =
        write_all(keyspace, {.use = lfu ? RdbWriteOptions::Use::kFrequency : RdbWriteOptions::Use::kIdle});
    for (const bool same : {true, false}) {
      Keyspace other{1, false, 4};
      other.context().lfu = lfu == same;
      other.context().now = kNow;
      RdbLoader loader(&other, {.now = kNow});
      ASSERT_TRUE(loader.feed(file));
      const Entry* entry = other.db(0).peek(other.db(0).ref("k"));
      ASSERT_NE(entry, nullptr);
      if (!other.context().lfu) {
        EXPECT_EQ(other.db(0).idle_time(*entry), seconds{same ? 500 : 0});
      } else {
        EXPECT_EQ(other.db(0).frequency(*entry), same ? 0U : 5U);  // eight minutes took what it had
      }
    }
  }
}

TEST(RdbWriter, KnowsWhatToLeaveOut) {
  Keyspace keyspace{2, false, 3};
  fill(keyspace);
  const Loaded loaded = load_rdb(write_all(keyspace, {.with_keys = false}, {.functions = {"f"}}));
  EXPECT_EQ(loaded.error, "");
  EXPECT_TRUE(loaded.content.empty());
  EXPECT_EQ(loaded.facts.functions.size(), 1U);
}

TEST(RdbWriter, WritesTheBytesThatRedisWrites) {
  Keyspace keyspace{16, false, 3};
  keyspace.context().now = kNow;
  Database& db = keyspace.db(3);
  db.set_string_until(db.ref("12"), "345", {0x0123456789ab});
  const std::string file = write_all(keyspace, {}, {.created = {1000}, .used_memory = 70000});
  const std::string expected = "REDIS0010" + aux("redis-ver", "7.0.15") + "\xfa" + plain("redis-bits") + "\xc0\x40" +
                               "\xfa" + plain("ctime") + "\xc0\x01" + "\xfa" + plain("used-mem") + "\xc2\x70\x11\x01" +
                               std::string(1, '\0') + "\xfa" + plain("aof-base") + "\xc0" + std::string(1, '\0') +
                               "\xfe\x03\xfb\x01\x01\xfc" + little_endian(0x0123456789ab, 8) +
                               std::string("\0\xc0\x0c\xc1\x59\x01", 6) + "\xff";
  EXPECT_EQ(file, expected + little_endian(crc64(0, expected), 8));
  const std::string unsummed = write_all(keyspace, {.checksum = false}, {.created = {1000}, .used_memory = 70000});
  EXPECT_EQ(unsummed, expected + std::string(8, '\0'));
}

TEST(RdbWriter, StopsAtTheFirstErrorOfItsSink) {
  Keyspace keyspace{16, false, 3};
  fill(keyspace);
  const std::size_t whole = write_all(keyspace).size();
  for (const std::size_t limit : {std::size_t{0}, std::size_t{70'000}, whole / 2, whole - 1}) {
    StringSink sink;
    sink.fails_at = limit;
    const auto written = write_rdb(keyspace, {}, {}, sink);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().message(), "No space left on device");
  }
}

TEST(RdbWriter, HandsOutPiecesAndTellsOfItsProgress) {
  Keyspace keyspace{1, false, 3};
  keyspace.db(0).set_string(keyspace.db(0).ref("large"), std::string(3'000'000, 'x'));
  for (int i = 0; i < 3000; ++i) keyspace.db(0).set_string(keyspace.db(0).ref(std::to_string(i)), "v");
  StringSink sink;
  std::vector<std::uint64_t> told;
  ASSERT_TRUE(write_rdb(keyspace, {}, {.compress = false, .progress = [&](auto keys) { told.push_back(keys); }}, sink));
  EXPECT_LE(sink.largest, 65536U);
  EXPECT_EQ(told, (std::vector<std::uint64_t>{1024, 2048, 3001}));
}

}  // namespace
}  // namespace skein
