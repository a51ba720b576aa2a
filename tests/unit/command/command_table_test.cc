// The table of commands and the key finder, on specs made for the purpose.
#include <skein/command/command.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <skein/command/key_finder.h>
#include <skein/session/gates.h>

namespace skein {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void nothing(Call&) {}

constexpr CommandSpec kGet{.name = "GET", .arity = 2, .flags = flag::kReadOnly | flag::kFast,
                           .keys = {key_at(1, key_use::kReadOnly)}, .handler = nothing};
constexpr CommandSpec kMany{.name = "MANY", .arity = -2, .flags = flag::kWrite,
                            .keys = {keys_from(1, -1, 2, key_use::kOverwrite)}, .handler = nothing};
constexpr CommandSpec kTwo{.name = "TWO", .arity = 3, .flags = flag::kWrite,
                           .keys = {key_at(1, key_use::kReadOnly), key_at(2, key_use::kOverwrite)}, .handler = nothing};
constexpr CommandSpec kCounted{.name = "COUNTED", .arity = -3, .flags = flag::kReadOnly,
                               .keys = {counted_keys(2, key_use::kReadOnly)}, .handler = nothing};
constexpr CommandSpec kStreams{
    .name = "STREAMS",
    .arity = -4,
    .flags = flag::kReadOnly,
    .keys = {{.use = key_use::kReadOnly, .search = KeySpec::Search::kKeyword, .index = 1, .keyword = "STREAMS",
              .last = -1, .limit = 2}},
    .handler = nothing};
constexpr CommandSpec kSub{.name = "SUB", .arity = 3, .flags = flag::kReadOnly,
                           .keys = {key_at(2, key_use::kReadOnly)}, .handler = nothing};
constexpr const CommandSpec* kSubs[] = {&kSub};
constexpr CommandSpec kBox{.name = "BOX", .arity = -2, .subcommands = kSubs};
constexpr CommandSpec kLongName{.name = "GEORADIUSBYMEMBER_RO", .arity = 1, .handler = nothing};
constexpr CommandSpec kOtherLongName{.name = "GEORADIUSBYMEMBER_RX", .arity = 1, .handler = nothing};
constexpr const CommandSpec* kAll[] = {&kGet, &kMany, &kTwo, &kCounted, &kStreams, &kBox, &kLongName, &kOtherLongName};

class Commands : public testing::Test {
 protected:
  std::vector<std::size_t> keys(std::vector<std::string_view> words) {
    std::vector<FoundKey> found;
    const Command* command = table.resolve(words);
    EXPECT_NE(command, nullptr) << words[0];
    refused = !find_keys(*command, words, found);
    std::vector<std::size_t> positions;
    for (const FoundKey& key : found) positions.push_back(key.position);
    return positions;
  }

  CommandTable table{kAll};
  bool refused = false;
};

TEST_F(Commands, ServersFindWhatWasRenamedByItsOriginalName) {
  ASSERT_TRUE(table.rename("many", "zzmany"));
  ASSERT_TRUE(table.rename("two", ""));
  ASSERT_TRUE(table.rename("get", "many"));
  ASSERT_TRUE(table.rename("box", "crate"));
  const auto spec_of = [&](std::vector<std::string_view> words) {
    const Command* command = table.resolve_original(words);
    return command != nullptr ? command->spec : nullptr;
  };
  EXPECT_EQ(spec_of({"ZZMANY"}), &kMany);
  EXPECT_EQ(spec_of({"Two"}), &kTwo);
  EXPECT_EQ(spec_of({"many"}), &kGet) << "a name of today goes before one that was given up";
  EXPECT_EQ(spec_of({"get"}), &kGet);
  EXPECT_EQ(spec_of({"box", "sub"}), &kSub);
  EXPECT_EQ(spec_of({"nosuch"}), nullptr);
  EXPECT_EQ(table.find("two"), nullptr) << "clients do not";
  EXPECT_THAT(table.renamed(), testing::SizeIs(4));
}

TEST_F(Commands, AreFoundInAnyCase) {
  EXPECT_EQ(table.find("get")->spec, &kGet);
  EXPECT_EQ(table.find("GeT")->spec, &kGet);
  EXPECT_EQ(table.find("georadiusbymember_ro")->spec, &kLongName);
  EXPECT_EQ(table.find("georadiusbymember_rx")->spec, &kOtherLongName);
  for (const std::string_view unknown : {"", "ge", "gett", "g\0t", "box|sub", "georadiusbymember_r"}) {
    EXPECT_EQ(table.find(unknown), nullptr) << unknown;
  }
  // Folding the case changes other bytes too; the full comparison tells them apart.
  EXPECT_EQ(table.find(std::string_view("\x07\x05\x14", 3)), nullptr);
}

TEST_F(Commands, SubcommandsAreResolvedByTheSecondWord) {
  const std::string_view known[] = {"box", "SUB", "k"};
  EXPECT_EQ(table.resolve(known)->name, "box|sub");
  const std::string_view unknown[] = {"box", "foo"};
  EXPECT_EQ(table.resolve(unknown), nullptr);
  const std::string_view alone[] = {"box"};
  EXPECT_EQ(table.resolve(alone)->name, "box");
  EXPECT_EQ(table.find_full("box|sub")->container, table.find("box"));
}

TEST_F(Commands, RenamingAndRemoving) {
  EXPECT_TRUE(table.rename("GET", "fetch").has_value());
  EXPECT_EQ(table.find("get"), nullptr);
  EXPECT_EQ(table.find("FETCH")->name, "get");
  EXPECT_FALSE(table.rename("get", "x").has_value());
  EXPECT_FALSE(table.rename("two", "MANY").has_value());
  EXPECT_TRUE(table.rename("two", "").has_value());
  EXPECT_EQ(table.find("two"), nullptr);
}

TEST_F(Commands, GatesFollowFromFlags) {
  EXPECT_NE(table.find("get")->gates & gate::kCluster, 0U);
  EXPECT_EQ(table.find("get")->gates & gate::kReadOnly, 0U);
  EXPECT_NE(table.find("two")->gates & gate::kReadOnly, 0U);
  EXPECT_TRUE(table.find("get")->single_key);
  EXPECT_FALSE(table.find("two")->single_key);
  EXPECT_EQ(table.find("counted")->first_key, 0U);
}

TEST_F(Commands, AclCategoriesFollowFromFlags) {
  EXPECT_EQ(acl_categories(kGet), category::kRead | category::kFast);
  EXPECT_EQ(acl_categories(kTwo), category::kWrite | category::kSlow);
}

TEST_F(Commands, KeysAreWhereTheirSpecsSay) {
  EXPECT_THAT(keys({"GET", "k"}), ElementsAre(1));
  EXPECT_THAT(keys({"MANY", "k", "v", "k", "v", "k", "v"}), ElementsAre(1, 3, 5));
  EXPECT_THAT(keys({"TWO", "a", "b"}), ElementsAre(1, 2));
  EXPECT_THAT(keys({"COUNTED", "x", "2", "a", "b", "c"}), ElementsAre(3, 4));
  EXPECT_THAT(keys({"COUNTED", "x", "0"}), IsEmpty());
  EXPECT_FALSE(refused);
  EXPECT_THAT(keys({"STREAMS", "COUNT", "streams", "a", "b", "1", "2"}), ElementsAre(3, 4));
  EXPECT_THAT(keys({"BOX", "SUB", "k"}), ElementsAre(2));
}

TEST_F(Commands, CountsThatLieAreRefused) {
  for (const std::string_view count :
       {"-1", "3", "abc", "", "2147483647", "9223372036854775807", "18446744073709551615", "1e3"}) {
    (void)keys({"COUNTED", "x", count, "a", "b"});
    EXPECT_TRUE(refused) << count;
  }
  (void)keys({"COUNTED", "x"});
  EXPECT_TRUE(refused);
}

TEST_F(Commands, AMissingKeywordBringsNoKeys) {
  EXPECT_THAT(keys({"STREAMS", "COUNT", "5", "x"}), IsEmpty());
  EXPECT_FALSE(refused);
}

}  // namespace
}  // namespace skein
