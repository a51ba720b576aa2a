// Every opcode, every version, every coding: what is taken, and with which words the rest is refused.
#include "rdb_bed.h"

namespace skein {
namespace {

using namespace std::string_literals;

std::string error_of(std::string_view records) { return load_rdb(rdb_file(records)).error; }

TEST(RdbHeader, VersionsOneToElevenAreRead) {
  for (int version = 1; version <= 11; ++version) {
    char header[10];
    std::snprintf(header, sizeof header, "REDIS%04d", version);
    std::string file = rdb_file(key_record("k", "v"), header);
    // There was no checksum yet.
    if (version < 5) file.resize(file.size() - 8);
    const Loaded loaded = load_rdb(file);
    EXPECT_EQ(loaded.error, "") << version;
    EXPECT_EQ(loaded.content, (Content{{"0 k", "v -1"}})) << version;
  }
}

TEST(RdbHeader, OthersAreRefusedByVersion) {
  const auto refused = [](std::string_view header) { return load_rdb(rdb_file("", header)).error; };
  EXPECT_EQ(refused("REDIS0012"), "RDB file, at offset 5: version 12 is not supported, those from 1 to 11 are");
  EXPECT_EQ(refused("REDIS0000"), "RDB file, at offset 5: version 0 is not supported, those from 1 to 11 are");
  EXPECT_EQ(refused("VALKEY080"), "RDB file, at offset 6: version of Valkey 80 is not supported, those from 1 to 11 are");
  EXPECT_EQ(refused("REDIS001x"), "RDB file, at offset 5: there is no version where one belongs");
  EXPECT_EQ(refused("RODIS0010"), "RDB file, at offset 0: it does not begin with REDIS and a version");
}

TEST(RdbOpcodes, ExpiryInBothUnits) {
  const Loaded loaded = load_rdb(rdb_file("\xfc" + little_endian(kNow.value + 5, 8) + key_record("ms", "v") + "\xfd" +
                                          little_endian(1'900'000'000, 4) + key_record("s", "v") +
                                          key_record("none", "v") + "\xfc" + little_endian(UINT64_MAX, 8) +
                                          key_record("minus one", "v")));
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.content, (Content{{"0 ms", "v 1700000000005"},
                                     {"0 s", "v 1900000000000"},
                                     {"0 none", "v -1"},
                                     {"0 minus one", "v -1"}}));
}

TEST(RdbOpcodes, ExpiredKeysAreLeftOutWhereThatIsWanted) {
  const std::string file = rdb_file("\xfc" + little_endian(kNow.value - 1, 8) + key_record("gone", "v") + "\xfc" +
                                    little_endian(kNow.value, 8) + key_record("last moment", "v"));
  const Loaded dropped = load_rdb(file);
  EXPECT_EQ(dropped.content, (Content{{"0 last moment", "v 1700000000000"}}));
  EXPECT_EQ(dropped.loaded, 1U);
  EXPECT_EQ(dropped.expired, 1U);
  const Loaded kept = load_rdb(file, {.options = {.now = kNow, .drop_expired = false}});
  EXPECT_EQ(kept.content.size(), 2U);
  EXPECT_EQ(kept.expired, 0U);
  // What is left out is checked all the same.
  EXPECT_NE(error_of("\xfc" + little_endian(1, 8) + "\0\1k\xc3\2\5xy"s), "");
}

TEST(RdbOpcodes, DatabasesAreSelected) {
  const std::string file = rdb_file(key_record("a", "0") + "\xfe\x03" + key_record("a", "3") + "\xfe\x0f\xfb\x02\x01" +
                                    key_record("a", "15"));
  EXPECT_EQ(load_rdb(file).content, (Content{{"0 a", "0 -1"}, {"3 a", "3 -1"}, {"15 a", "15 -1"}}));
  EXPECT_EQ(load_rdb(file, {.databases = 4}).error,
            "RDB file, at offset 21: database 15 is selected, but there are 4");
  EXPECT_EQ(load_rdb(file, {.cluster = true}).error,
            "RDB file, at offset 16: key \"a\" is in database 3, and a cluster's node has only database 0");
  EXPECT_EQ(load_rdb(rdb_file("\xfe\x03\xfe"s + '\0' + key_record("a", "0")), {.cluster = true}).error, "");
}

TEST(RdbOpcodes, AHugeAnnouncementReservesLittle) {
  const std::string announced = "\xfb\x81" + std::string(8, '\x7f') + "\x05" + key_record("k", "v");
  const Loaded loaded = load_rdb(rdb_file(announced));
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.content.size(), 1U);
}

TEST(RdbOpcodes, AuxFieldsTellOfReplicationWhenTheyAreSound) {
  const std::string id(40, 'b');
  const auto facts = [](std::string_view records) {
    const Loaded loaded = load_rdb(rdb_file(records));
    EXPECT_EQ(loaded.error, "");
    return loaded.facts;
  };
  const RdbFacts good = facts(aux("unknown", "x") + aux("repl-offset", "77") + aux("repl-id", id) +
                              aux("repl-stream-db", "9") + aux("ctime", "12") + aux("used-mem", "345") +
                              aux("aof-base", "1") + aux("lua", "return 1") + aux("redis-ver", "99"));
  ASSERT_TRUE(good.replication);
  EXPECT_EQ(good.replication->id.view(), id);
  EXPECT_EQ(good.replication->offset, ReplOffset{77});
  EXPECT_EQ(good.replication->selected_db, 9);
  EXPECT_EQ(good.created.value, 12000);
  EXPECT_EQ(good.used_memory, 345U);
  EXPECT_TRUE(good.aof_base);
  EXPECT_FALSE(facts(aux("repl-id", id)).replication);
  EXPECT_FALSE(facts(aux("repl-id", "short") + aux("repl-offset", "1")).replication);
  EXPECT_FALSE(facts(aux("repl-id", id) + aux("repl-offset", "x")).replication);
  EXPECT_EQ(facts(aux("ctime", "9223372036854775807")).created.value, 0);
  EXPECT_EQ(facts(aux("repl-offset", "77") + aux("repl-id", id) + aux("repl-stream-db", "16")).replication->selected_db, 0);
}

TEST(RdbOpcodes, FunctionsAreKeptAndThoseFromBeforeTheReleaseRefused) {
  const Loaded loaded = load_rdb(rdb_file("\xf5" + plain("#!lua name=a\ncode")));
  EXPECT_EQ(loaded.facts.functions, (std::vector<std::string>{"#!lua name=a\ncode"}));
  EXPECT_EQ(error_of("\xf6" + plain("name")),
            "RDB file, at offset 9: a function library of a form from before Redis 7.0's release is not supported");
}

TEST(RdbOpcodes, ModulesDataIsRefusedByTheModulesName) {
  // "ReJSON-RL", version 3, as nine times six bits and ten.
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::uint64_t id = 0;
  for (const char c : std::string_view("ReJSON-RL")) id = (id << 6) | kAlphabet.find(c);
  id = __builtin_bswap64((id << 10) | 3);
  EXPECT_EQ(error_of("\xf7\x81" + little_endian(id, 8) + "\2\2"),
            "RDB file, at offset 9: data of the module type \"ReJSON-RL\", and modules are not supported");
}

TEST(RdbOpcodes, SlotInfoIsPassedOver) {
  EXPECT_EQ(load_rdb(rdb_file("\xf4\x7f\xff\x01\x01" + key_record("k", "v"))).content.size(), 1U);
}

TEST(RdbOpcodes, UnknownOnesAreRefusedByNumber) {
  for (const int code : {8, 22, 24, 26, 31, 32, 100, 200, 242, 243}) {
    EXPECT_EQ(error_of(std::string(1, static_cast<char>(code)) + "\1k\1v"),
              "RDB file, at offset 9: " + std::to_string(code) + " is neither a type nor an opcode that is supported");
  }
}

TEST(RdbTypes, WhatIsNotBuiltIsRefusedByTypeKeyAndOffset) {
  EXPECT_EQ(error_of(key_record("a", "b") + "\x12" + plain("my list") + "\1\2"),
            "RDB file, at offset 14: key \"my list\" is of type 18 (list of listpacks), which is not supported");
  for (const int type : {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}) {
    const std::string error = error_of(std::string(1, static_cast<char>(type)) + "\xc0\x11" + plain("anything"));
    EXPECT_TRUE(error.starts_with("RDB file, at offset 9: key \"17\" is of type " + std::to_string(type) + " (")) << error;
  }
  // A long key is cut.
  EXPECT_LT(error_of("\1\x43\xe8" + std::string(1000, 'k')).size(), 300U);
}

TEST(RdbStrings, EveryCodingIsUnderstood) {
  const auto value = [](std::string_view coded) {
    const Loaded loaded = load_rdb(rdb_file("\0\1k"s + std::string(coded)));
    return loaded.error.empty() ? loaded.content.at("0 k") : loaded.error;
  };
  EXPECT_EQ(value("\x03xyz"), "xyz -1");
  EXPECT_EQ(value("\x40\x03xyz"), "xyz -1") << "14 bits";
  EXPECT_EQ(value("\x80\0\0\0\x03xyz"s), "xyz -1") << "32 bits";
  EXPECT_EQ(value("\x81\0\0\0\0\0\0\0\x03xyz"s), "xyz -1") << "64 bits";
  EXPECT_EQ(value("\xc0\xff"), "-1 -1");
  EXPECT_EQ(value("\xc1\x00\x80"s), "-32768 -1");
  EXPECT_EQ(value("\xc2\xff\xff\xff\x7f"), "2147483647 -1");
  EXPECT_EQ(value("\xc3\x05\x0a\x00z\xe0\x00\x00"s), "zzzzzzzzzz -1");
}

TEST(RdbStrings, KeysMayBeCodedToo) {
  EXPECT_EQ(load_rdb(rdb_file("\0\xc0\x7b\1v\0\xc3\x05\x0a\x00z\xe0\x00\x00\1v"s)).content,
            (Content{{"0 123", "v -1"}, {"0 zzzzzzzzzz", "v -1"}}));
}

TEST(RdbStrings, HostileOnesAreRefused) {
  const std::string codings[] = {
      "\xc4x",                                  // a coding there is not
      "\xffx",                                  // nor this
      "\x82xxxx",                               // a head of a length there is not
      "\x81\xff\xff\xff\xff\xff\xff\xff\xff",   // more bytes than there can be
      "\xc3\0\x05z"s,                           // nothing compressed
      "\xc3\x05\x0b\x00z\xe0\x00\x00"s,         // longer than it unpacks to
      "\xc3\x05\x09\x00z\xe0\x00\x00"s,         // shorter
      "\xc3\x05\x0a\x00z\xe0\x00\x05"s,         // refers to what lies before its beginning
      "\xc3\x03\x0a\x1fzz",                     // literals beyond its end
      "\xc3\x02\x80\x10\0\0\0zz"s,              // 256 MiB out of two bytes
      "\xc3\x81\0\0\0\1\0\0\0\0\1z"s,           // more than the compressor counts
      "\xc3\xc0\1z",                            // an integer for a length
  };
  for (const auto& coded : codings) {
    for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
      const Loaded loaded = load_rdb(rdb_file("\0\1k"s + coded), {.piece = piece});
      EXPECT_NE(loaded.error, "") << testing::PrintToString(coded);
      EXPECT_TRUE(loaded.content.empty());
    }
  }
}

}  // namespace
}  // namespace skein
