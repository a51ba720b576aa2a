// DUMP and RESTORE: payloads, options, refusals in redis's words and order, effects.
#include <skein/base/checksums.h>
#include <skein/commands/version.h>
#include <skein/persist/dump_payload.h>
#include <skein/persist/rdb_writer.h>

#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// A payload with the right footer around a type byte and a value.
std::string payload(std::string_view body, int version = 10) {
  std::string bytes(body);
  bytes += static_cast<char>(version);
  bytes += static_cast<char>(version >> 8);
  const std::uint64_t sum = crc64(0, bytes);
  return bytes + std::string(reinterpret_cast<const char*>(&sum), 8);
}

class Dump : public CommandTest {
 protected:
  std::string moment(milliseconds from_now) { return std::to_string((wall() + from_now).value); }
  const std::string v = payload("\0\1v"s);
};

TEST_F(Dump, GivesTheBytesThatRedisGives) {
  run("SET", "k", "v");
  EXPECT_EQ(run("DUMP", "k"), bulk("\x00\x01\x76\x0a\x00\x91\x08\xce\xb2\x19\x38\x8a\xce"s));
  run("SET", "i", "5");
  EXPECT_EQ(run("DUMP", "i"), bulk("\x00\xc0\x05\x0a\x00\x63\x2f\x5f\x66\x83\x2f\xb3\x51"s));
  run("SET", "long", std::string(100, 'x'));
  const std::string packed = "\x00\xc3\x09\x40\x64\x01xx\xe0\x57\x00\x01xx\x0a\x00\x5d\xb7\xf6\x63\xbb\x08\x62\x5f"s;
  EXPECT_EQ(run("DUMP", "long"), bulk(packed));
  run("CONFIG", "SET", "rdbcompression", "no");
  EXPECT_EQ(run("DUMP", "long"), bulk(payload("\x00\x40\x64"s + std::string(100, 'x'))));
  EXPECT_EQ(run("DUMP", "missing"), null());
}

TEST_F(Dump, IsTakenBack) {
  for (const auto& value : {""s, "v"s, "-17"s, "9223372036854775807"s, std::string(100, 'x'), std::string(70000, 'y')}) {
    run("SET", "from", value);
    const std::string dumped = run("DUMP", "from");
    const auto texts = texts_of("*1\r\n" + dumped);
    ASSERT_EQ(texts.size(), 1U);
    EXPECT_EQ(run("RESTORE", "to", "0", texts[0], "REPLACE"), ok());
    EXPECT_EQ(run("GET", "to"), bulk(value));
    EXPECT_EQ(run("OBJECT", "ENCODING", "to"), run("OBJECT", "ENCODING", "from"));
    EXPECT_EQ(run("PTTL", "to"), integer(-1));
  }
}

TEST_F(Dump, RefusesInRedissWordsAndOrder) {
  run("SET", "there", "old");
  const std::string broken = v.substr(0, v.size() - 1) + "x";
  const auto syntax = error("ERR syntax error");
  const auto number = error("ERR value is not an integer or out of range");
  const auto wrong = error("ERR DUMP payload version or checksum are wrong");
  const auto format = error("ERR Bad data format");
  EXPECT_EQ(run("RESTORE", "k", "0"), error("ERR wrong number of arguments for 'restore' command"));
  EXPECT_EQ(run("DUMP"), error("ERR wrong number of arguments for 'dump' command"));
  EXPECT_EQ(run("RESTORE", "there", "x", "junk", "NOSUCH"), syntax);
  EXPECT_EQ(run("RESTORE", "there", "x", "junk"), error("BUSYKEY Target key name already exists."));
  EXPECT_EQ(run("RESTORE", "there", "x", "junk", "REPLACE"), number);
  EXPECT_EQ(run("RESTORE", "k", "-1", "junk"), error("ERR Invalid TTL value, must be >= 0"));
  EXPECT_EQ(run("RESTORE", "k", "0", "junk"), wrong);
  EXPECT_EQ(run("RESTORE", "k", "0", ""), wrong);
  EXPECT_EQ(run("RESTORE", "k", "0", broken), wrong);
  EXPECT_EQ(run("RESTORE", "k", "0", payload("\0\1v"s, 12)), wrong);
  EXPECT_EQ(run("RESTORE", "k", "0", payload("")), format);
  EXPECT_EQ(run("RESTORE", "k", "0", payload("\0\2v"s)), format);
  EXPECT_EQ(run("RESTORE", "k", "0", payload("\0\1vv"s)), format) << "bytes behind the value";
  EXPECT_EQ(run("RESTORE", "k", "0", payload("\x12\1\2\1v"s)), format) << "a list";
  EXPECT_EQ(run("RESTORE", "k", "0", payload("\x7f\1v"s)), format) << "no type at all";
  EXPECT_EQ(run("RESTORE", "k", "0", v, "IDLETIME"), syntax);
  EXPECT_EQ(run("RESTORE", "k", "0", v, "IDLETIME", "x"), number);
  EXPECT_EQ(run("RESTORE", "k", "0", v, "IDLETIME", "-1"), error("ERR Invalid IDLETIME value, must be >= 0"));
  EXPECT_EQ(run("RESTORE", "k", "0", v, "FREQ", "256"), error("ERR Invalid FREQ value, must be >= 0 and <= 255"));
  EXPECT_EQ(run("RESTORE", "k", "0", v, "FREQ", "-1"), error("ERR Invalid FREQ value, must be >= 0 and <= 255"));
  EXPECT_EQ(run("RESTORE", "k", "0", v, "FREQ", "1", "IDLETIME", "1"), syntax);
  EXPECT_EQ(run("RESTORE", "k", "0", v, "IDLETIME", "1", "FREQ", "1"), syntax);
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
  EXPECT_EQ(run("GET", "there"), bulk("old"));
  EXPECT_EQ(take_effects(), (std::vector<std::string>{"0 SET there old"}));
}

TEST_F(Dump, TakesPayloadsOfTheVersionsThatFilesMayHave) {
  for (const int version : {1, 9, 10, 11}) {
    EXPECT_EQ(run("RESTORE", "k" + std::to_string(version), "0", payload("\0\1v"s, version)), ok());
  }
}

TEST_F(Dump, KeepsWhatIsToldOfTheKeysUse) {
  EXPECT_EQ(run("RESTORE", "k", "0", v, "IDLETIME", "1000"), ok());
  EXPECT_EQ(run("OBJECT", "IDLETIME", "k"), integer(1000));
  EXPECT_EQ(run("RESTORE", "k", "0", v, "FREQ", "100", "REPLACE"), ok());
  EXPECT_EQ(run("OBJECT", "IDLETIME", "k"), integer(0));
}

TEST_F(Dump, GivesTheKeyItsExpiry) {
  EXPECT_EQ(run("RESTORE", "k", "1500", v), ok());
  EXPECT_EQ(run("PTTL", "k"), integer(1500));
  EXPECT_EQ(run("RESTORE", "a", moment(700ms), v, "ABSTTL"), ok());
  EXPECT_EQ(run("PTTL", "a"), integer(700));
  EXPECT_EQ(run("RESTORE", "a", "0", v, "ABSTTL", "REPLACE"), ok());
  EXPECT_EQ(run("PTTL", "a"), integer(-1));
  advance(2s);
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
}

TEST_F(Dump, TellsReplicasTheMoment) {
  run("RESTORE", "a", "0", v);
  run("RESTORE", "b", "1500", v, "IDLETIME", "3");
  run("restore", "c", moment(5s), v, "ABSTTL");
  const auto shown = [&](std::string_view command, std::string_view key, std::string_view ttl, std::string_view rest) {
    return "0 " + std::string(command) + " " + std::string(key) + " " + std::string(ttl) + " " + v + std::string(rest);
  };
  EXPECT_EQ(take_effects(), (std::vector<std::string>{shown("RESTORE", "a", "0", ""),
                                                      shown("RESTORE", "b", moment(1500ms), " IDLETIME 3 ABSTTL"),
                                                      shown("restore", "c", moment(5s), " ABSTTL")}));
}

TEST_F(Dump, WhatHasExpiredAlreadyOnlyDeletes) {
  run("SET", "k", "old");
  take_effects();
  EXPECT_EQ(run("RESTORE", "k", "1", v, "ABSTTL", "REPLACE"), ok());
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
  EXPECT_EQ(take_effects(), (std::vector<std::string>{"0 DEL k"}));
  EXPECT_EQ(run("RESTORE", "k", "1", v, "ABSTTL"), ok());
  EXPECT_EQ(run("RESTORE", "k", "9223372036854775807", v, "REPLACE"), ok());
  EXPECT_EQ(run("EXISTS", "k"), integer(0));
  EXPECT_TRUE(take_effects().empty());
}

TEST_F(Dump, ReplacesWhateverIsThere) {
  run("SET", "k", "old", "PX", "100");
  EXPECT_EQ(run("RESTORE", "k", "0", v, "REPLACE"), ok());
  EXPECT_EQ(run("GET", "k"), bulk("v"));
  EXPECT_EQ(run("PTTL", "k"), integer(-1));
  run("SET", "k", "old", "PX", "100");
  advance(1s);
  EXPECT_EQ(run("RESTORE", "k", "0", v), ok()) << "an expired key is in nobody's way";
}

TEST_F(Dump, AWatcherHearsOfIt) {
  auto& other = connect();
  run("WATCH", "k");
  other.run("RESTORE", "k", "0", v);
  run("MULTI");
  run("PING");
  EXPECT_EQ(run("EXEC"), null_array());
}

TEST(RdbVersion, IsThatOfTheCommands) { EXPECT_EQ(kRdbWriterVersion, kRedisVersion); }

}  // namespace
}  // namespace skein
