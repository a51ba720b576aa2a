#include <skein/base/text.h>
#include <skein/config/config.h>
#include <skein/config/directives.h>

#include <set>

#include "fixture.h"

namespace skein {
namespace {

TEST(Directives, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const auto& row : all_directives()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_directive(row.name), &row);
    EXPECT_EQ(find_directive(to_upper(row.name)), &row);
    if (row.alias.empty()) continue;
    EXPECT_TRUE(names.insert(row.alias).second) << row.alias;
    EXPECT_EQ(find_directive(row.alias), &row);
  }
  EXPECT_EQ(find_directive("nonsense"), nullptr);
  EXPECT_EQ(find_directive(""), nullptr);
}

TEST(Directives, RowsAreComplete) {
  for (const auto& row : all_directives()) {
    EXPECT_FALSE(row.group.empty()) << row.name;
    const int places = (row.number.read != nullptr) + (row.string != nullptr) + (row.special.read != nullptr);
    EXPECT_EQ(places, row.has_value() ? 1 : 0) << row.name;
    if (row.standing == Standing::kRefused) {
      EXPECT_FALSE(row.note.empty()) << row.name;
    }
    const bool ranged = row.kind == ValueKind::kInteger || row.kind == ValueKind::kMemory ||
                        row.kind == ValueKind::kMemoryOrPercent || row.kind == ValueKind::kOctal;
    if (ranged) {
      EXPECT_GT(row.highest, 0U) << row.name;
    }
    const bool listed = row.kind == ValueKind::kEnum || row.kind == ValueKind::kEnumBits;
    EXPECT_EQ(listed, !row.words.empty()) << row.name;
  }
}

// Every default comes back as it was, and setting a value to what it is changes nothing.
TEST(Directives, DefaultsRoundTrip) {
  Config config;
  for (const auto& row : all_directives()) {
    if (!row.has_value()) continue;
    EXPECT_EQ(config.text(row), row.default_text) << row.name;
    EXPECT_TRUE(config.is_default(row)) << row.name;
    if (row.name == "replicaof") continue;  // no value says "none"
    if (auto result = config.set(row, config.text(row)); !result) {
      // Empty texts that may not be set again.
      ADD_FAILURE() << row.name << ": " << result.error().message();
    }
    EXPECT_EQ(config.text(row), row.default_text) << row.name;
  }
}

TEST(Directives, DefaultsAreRedis) {
  Config config;
  ASSERT_TRUE(config.set("port", "17817"));
  ASSERT_TRUE(config.set("bind", "127.0.0.1"));
  config.found_directory("/tmp");
  std::set<std::string> names(std::begin(kOwnDirectives), std::end(kOwnDirectives));
  for (const auto& line : fixture_lines("config_get.txt")) {
    const auto words = split_words(line);
    ASSERT_TRUE(words && words->size() == 2) << line;
    names.insert((*words)[0]);
    EXPECT_EQ(config.text((*words)[0]), (*words)[1]) << line;
  }
  for (const auto& row : all_directives()) {
    if (!row.has_value()) continue;
    EXPECT_TRUE(names.contains(std::string(row.name))) << row.name;
    if (!row.alias.empty()) {
      EXPECT_TRUE(names.contains(std::string(row.alias))) << row.alias;
    }
  }
}

TEST(Directives, NumbersKeepTheirEnds) {
  Config config;
  for (const auto& row : all_directives()) {
    if (row.kind != ValueKind::kInteger) continue;
    if (row.name == "hz") continue;  // clamped
    const std::string lowest = std::to_string(row.lowest);
    const std::string highest = std::to_string(row.highest);
    EXPECT_TRUE(config.set(row, lowest)) << row.name;
    EXPECT_EQ(config.text(row), lowest) << row.name;
    EXPECT_TRUE(config.set(row, highest)) << row.name;
    EXPECT_EQ(config.text(row), highest) << row.name;
    if (row.lowest > INT64_MIN) {
      EXPECT_FALSE(config.set(row, std::to_string(row.lowest - 1))) << row.name;
    }
    if (row.highest < UINT64_MAX) {
      EXPECT_FALSE(config.set(row, std::to_string(row.highest + 1))) << row.name;
    }
    EXPECT_EQ(config.text(row), highest) << row.name;
  }
}

TEST(Directives, EveryWordOfAnEnumerationIsTaken) {
  Config config;
  for (const auto& row : all_directives()) {
    for (const auto word : row.words) {
      EXPECT_TRUE(config.set(row, word)) << row.name << " " << word;
      const bool same = row.name != "oom-score-adj" || word != "relative";
      EXPECT_EQ(config.text(row), same ? word : "yes") << row.name;
    }
  }
}

TEST(Directives, NearNames) {
  EXPECT_EQ(nearest_directive("Cluster-enable"), "cluster-enabled");
  EXPECT_EQ(nearest_directive("prot"), "port");
  EXPECT_EQ(nearest_directive("max-memory"), "maxmemory");
  EXPECT_EQ(nearest_directive("slave-of"), "slaveof");
  EXPECT_EQ(nearest_directive("xyzzy-frobnicate"), "");
  EXPECT_EQ(nearest_directive(""), "");
  EXPECT_EQ(nearest_directive(std::string(100000, 'p')), "");
}

}  // namespace
}  // namespace skein
