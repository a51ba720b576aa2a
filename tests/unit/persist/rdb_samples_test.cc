// Files that other servers have written, tests/data/rdb: what they hold is known here by the rules it
// was made by.
#include <array>
#include <fstream>
#include <iterator>

#include "rdb_bed.h"

namespace skein {
namespace {

std::string read_sample(const std::string& name) {
  std::ifstream file(std::string(SKEIN_SOURCE_DIR) + "/tests/data/rdb/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string repeated(std::string_view text, std::size_t size) {
  std::string all;
  while (all.size() < size) all += text;
  all.resize(size);
  return all;
}

Content expected_strings() {
  Content content;
  for (const char* number : {"0", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769", "2147483647", "2147483648",
                             "-2147483648", "9223372036854775807", "-9223372036854775808", "007", "1.5"}) {
    content["0 number:" + std::string(number)] = std::string(number) + " -1";
    content["0 " + std::string(number)] = "named by a number -1";
  }
  for (const std::size_t size : {0, 1, 11, 20, 21, 44, 45, 63, 64, 255, 256, 4000, 16383, 16384, 20000}) {
    const std::string digits = std::to_string(size);
    content["0 same:" + digits] = std::string(size, 'x') + " -1";
    content["0 expiring:" + digits] =
        repeated("text " + digits + " ", size) + " " + std::to_string(4'102'444'800'000 + static_cast<std::int64_t>(size));
  }
  content["0 " + std::string(300, 'k')] = "long key -1";
  content["0 " + std::string(70, 'k') + "packs"] = "v -1";
  std::string upwards;
  for (int byte = 0; byte < 256; ++byte) upwards += static_cast<char>(byte);
  content["0 " + upwards] = std::string(upwards.rbegin(), upwards.rend()) + " -1";
  for (int i = 0; i < 50; ++i) content["9 key:" + std::to_string(i)] = "value:" + std::to_string(i) + " -1";
  content["9 appended"] = "56 -1";
  return content;
}

TEST(RdbSamples, StringsOfRedisAreReadInPiecesOfAnySize) {
  for (const char* name : {"redis-7.0.15-strings.rdb", "redis-7.0.15-strings-plain.rdb", "redis-7.0.15-strings-lru.rdb",
                           "redis-7.0.15-strings-lfu.rdb"}) {
    const std::string file = read_sample(name);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{17}, std::size_t{4096}, SIZE_MAX}) {
      const Loaded loaded = load_rdb(file, {.piece = piece});
      EXPECT_EQ(loaded.error, "") << name;
      EXPECT_TRUE(loaded.content == expected_strings()) << name;
    }
  }
}

// What we write of the same data is as long: every string got the same coding.
TEST(RdbSamples, OurFilesAreAsSmall) {
  for (const bool compress : {true, false}) {
    const std::string theirs = read_sample(compress ? "redis-7.0.15-strings.rdb" : "redis-7.0.15-strings-plain.rdb");
    Keyspace keyspace{16, false, 5};
    keyspace.context().now = kNow;
    RdbLoader loader(&keyspace, {.now = kNow});
    ASSERT_TRUE(loader.feed(theirs));
    const std::string ours = write_all(keyspace, {.compress = compress}, loader.facts());
    EXPECT_EQ(ours.size(), theirs.size());
  }
}

TEST(RdbSamples, OtherTypesAreRefusedByTypeKeyAndOffset) {
  const std::array<std::pair<const char*, const char*>, 4> refusals{{
      {"keydb-2024-head.rdb", "RDB file, at offset 94: key \"set:int:1\" is of type 11 (set as an intset), which is not supported"},
      {"redis-7.0.15-head.rdb", "RDB file, at offset 10447: key \"zset:1\" is of type 17 (sorted set as a listpack), which is not supported"},
      {"valkey-2024-head.rdb", "RDB file, at offset 170: key \"set:int64:600\" is of type 2 (set), which is not supported"},
      {"redis-2024-head.rdb", "RDB file, at offset 5: version 12 is not supported, those from 1 to 11 are"},
  }};
  for (const auto& [name, refusal] : refusals) {
    const std::string file = read_sample(name);
    for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
      EXPECT_EQ(load_rdb(file, {.piece = piece}).error, refusal) << name;
      EXPECT_EQ(load_rdb(file, {.piece = piece, .dry = true}).error, refusal) << name;
    }
  }
}

}  // namespace
}  // namespace skein
