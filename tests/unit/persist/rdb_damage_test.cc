// Files that are cut, changed or hostile: nothing crashes, nothing wrong is taken for right, and
// nothing costs more than the bytes that came.
#include "rdb_bed.h"

#include <skein/base/memory.h>
#include <skein/base/random.h>

#include <chrono>

namespace skein {
namespace {

using namespace std::string_literals;

// A little of everything.
std::string sample_file() {
  Keyspace keyspace{16, false, 3};
  keyspace.context().now = kNow;
  Database& db = keyspace.db(0);
  db.set_string(db.ref("text"), "value");
  db.set_string(db.ref("number"), "-12345");
  db.set_string(db.ref("packed"), std::string(300, 'p'));
  db.set_string_until(db.ref("expiring"), "soon", kNow + milliseconds{1});
  keyspace.db(7).set_string(keyspace.db(7).ref(std::string(100, 'k')), std::string(70, 'v'));
  RdbFacts facts{.created = kNow, .functions = {"#!lua name=a\n"}};
  facts.replication = {*ReplicationId::parse(std::string(40, 'a')), ReplOffset{123}, 7};
  return write_all(keyspace, {.use = RdbWriteOptions::Use::kIdle}, facts);
}

TEST(RdbDamage, ACutFileIsNeverComplete) {
  const std::string file = sample_file();
  for (std::size_t size = 0; size < file.size(); ++size) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{10}, SIZE_MAX}) {
      ASSERT_EQ(load_rdb(file.substr(0, size), {.piece = piece}).error,
                "RDB file, at offset " + std::to_string(size) + ": it ends too early");
    }
  }
  EXPECT_EQ(load_rdb(file).error, "");
  EXPECT_EQ(load_rdb(file + "x").error, "RDB file, at offset " + std::to_string(file.size()) + ": there are bytes behind the end");
}

TEST(RdbDamage, NoChangeOfABitIsAccepted) {
  const std::string file = sample_file();
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      ASSERT_NE(load_rdb(damaged).error, "") << at << " " << bit;
      ASSERT_NE(load_rdb(damaged, {.piece = 5, .dry = true}).error, "") << at << " " << bit;
    }
  }
}

TEST(RdbDamage, WithoutAChecksumItIsStillDecodedSafely) {
  const std::string file = sample_file();
  int accepted = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(value);
      accepted += load_rdb(damaged, {.options = {.now = kNow, .verify_checksum = false}}).error.empty() ? 1 : 0;
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST(RdbDamage, ASumOfZeroStandsForNone) {
  std::string file = rdb_file(key_record("k", "v"));
  file.replace(file.size() - 8, 8, 8, '\0');
  EXPECT_EQ(load_rdb(file).error, "");
  file.back() = 1;
  EXPECT_TRUE(load_rdb(file).error.starts_with("RDB file, at offset 15: the checksum is 0100000000000000, but"));
  EXPECT_EQ(load_rdb(file, {.options = {.now = kNow, .verify_checksum = false}}).error, "");
}

TEST(RdbDamage, AKeyThatIsThereTwiceIsDamage) {
  const std::string twice = rdb_file(key_record("a", "1") + key_record("b", "2") + key_record("a", "3"));
  const Loaded loaded = load_rdb(twice);
  EXPECT_EQ(loaded.error, "RDB file, at offset 19: key \"a\" is there already");
  EXPECT_EQ(loaded.content, (Content{{"0 a", "1 -1"}, {"0 b", "2 -1"}}));
  const Loaded dry = load_rdb(twice, {.dry = true});
  EXPECT_EQ(dry.error, "RDB file, at offset 19: a key is there for the second time");
  // The same name in another database is another key.
  EXPECT_EQ(load_rdb(rdb_file(key_record("a", "1") + "\xfe\x01" + key_record("a", "3")), {.dry = true}).error, "");
  EXPECT_EQ(load_rdb(rdb_file(key_record("a", "1") + "\xfe\x01" + key_record("a", "3"))).error, "");

  std::string many;
  for (int i = 0; i < 1000; ++i) many += key_record("k" + std::to_string(i), "v");
  const std::string offset = std::to_string(9 + many.size());
  EXPECT_EQ(load_rdb(rdb_file(many + key_record("k500", "v"))).error,
            "RDB file, at offset " + offset + ": key \"k500\" is there already");
  EXPECT_EQ(load_rdb(rdb_file(many + key_record("k500", "v")), {.dry = true}).error,
            "RDB file, at offset " + offset + ": a key is there for the second time");
  EXPECT_EQ(load_rdb(rdb_file(many), {.dry = true}).loaded, 1000U);

  Keyspace keyspace{1, false, 3};
  keyspace.db(0).set_string(keyspace.db(0).ref("a"), "old");
  RdbLoader loader(&keyspace, {});
  EXPECT_FALSE(loader.feed(rdb_file(key_record("a", "1"))));
}

TEST(RdbDamage, WhatCameBeforeItIsKeptAndNothingMoreIsTaken) {
  Keyspace keyspace{1, false, 3};
  RdbLoader loader(&keyspace, {});
  ASSERT_TRUE(loader.feed("REDIS0010"));
  ASSERT_TRUE(loader.feed(key_record("a", "1") + key_record("b", "2")));
  EXPECT_EQ(loader.offset(), 19U);
  const auto refused = loader.feed("\x12\1x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(keyspace.db(0).size(), 2U);
  EXPECT_EQ(loader.feed(key_record("c", "3")).error().message(), refused.error().message());
  EXPECT_EQ(loader.finish().error().message(), refused.error().message());
  EXPECT_FALSE(loader.is_complete());
  EXPECT_EQ(keyspace.db(0).size(), 2U);
}

TEST(RdbDamage, RandomDamageAndRandomPieces) {
  const std::string file = sample_file();
  Random random{99};
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = file;
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      const std::size_t at = random.below(damaged.size());
      switch (random.below(4)) {
        case 0: damaged.erase(at, 1 + random.below(4)); break;
        case 1: damaged.insert(at, 1 + random.below(4), static_cast<char>(random.next())); break;
        case 2: damaged[at] = static_cast<char>(random.next()); break;
        default: damaged += damaged.substr(at, 100); break;
      }
      if (damaged.empty()) damaged = "x";
    }
    if (damaged == file) continue;
    ASSERT_NE(load_rdb(damaged, {.piece = 1 + random.below(damaged.size())}).error, "");
    (void)load_rdb(damaged, {.piece = 1 + random.below(20), .options = {.now = kNow, .verify_checksum = false}});
  }
}

// Work and memory follow the bytes that come, not the sizes they announce.
TEST(RdbDamage, SizesThatAreOnlyAnnouncedCostNothing) {
  const std::string announcements[] = {
      "\0\1k\x81\0\0\x10\0\0\0\0\0"s,            // a value of 16 TiB
      "\0\x80\xff\xff\xff\xff"s,                 // a key of 4 GiB
      "\xfb\x81\0\0\xff\xff\xff\xff\xff\xff\0"s, // keys without end
      "\xfa\x80\xff\xff\xff\xff"s,               // an aux field's name
      "\0\1k\xc3\x80\x10\0\0\0\x80\xff\xff\xff\xff"s,
  };
  for (const auto& announced : announcements) {
    Keyspace keyspace{1, false, 3};
    RdbLoader loader(&keyspace, {});
    ASSERT_TRUE(loader.feed("REDIS0010"));
    const std::size_t before = allocated_bytes();
    ASSERT_TRUE(loader.feed(announced));
    for (int i = 0; i < 1000; ++i) {
      if (!loader.feed("x")) break;
    }
    EXPECT_LT(allocated_bytes() - before, 1024U * 1024);
    EXPECT_FALSE(loader.finish());
  }
}

TEST(RdbDamage, ALargeValueInSmallPiecesTakesLinearTime) {
  const std::string value(20'000'000, 'x');
  std::string record = "\0\1k\x80"s + std::string{"\x01\x31\x2d\x00", 4} + value;
  const std::string file = rdb_file(record);
  const auto begun = std::chrono::steady_clock::now();
  const Loaded loaded = load_rdb(file, {.piece = 100});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.content.at("0 k").size(), value.size() + 3);
  // Quadratic would be hours.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{20});
}

}  // namespace
}  // namespace skein
