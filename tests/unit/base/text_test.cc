#include <skein/base/text.h>

namespace skein {
namespace {

TEST(Glob, StarsClassesAndEscapes) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("h?llo", "hello"));
  EXPECT_TRUE(glob_match("h*llo*", "heeeello world"));
  EXPECT_TRUE(glob_match("h[a-e]llo", "hello"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_TRUE(glob_match("a\\*b", "a*b"));
  EXPECT_FALSE(glob_match("a\\*b", "axb"));
  EXPECT_TRUE(glob_match("FOO", "foo", true));
  EXPECT_FALSE(glob_match("", "x"));
  EXPECT_TRUE(glob_match("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(glob_match("a*b*c", "a-b-b"));
}

TEST(Glob, ManyStarsStayCheap) {
  EXPECT_FALSE(glob_match(std::string(1000, '*') + "b", std::string(10000, 'a')));
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(10000, 'a')));
}

TEST(Numbers, Int64IsStrict) {
  EXPECT_EQ(parse_int64("0"), 0);
  EXPECT_EQ(parse_int64("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(parse_int64("9223372036854775807"), INT64_MAX);
  for (const auto* bad : {"", "-", "+1", " 1", "1 ", "01", "-0", "9223372036854775808", "-9223372036854775809", "1x"}) {
    EXPECT_FALSE(parse_int64(bad)) << bad;
  }
}

TEST(Numbers, HumanLongDouble) {
  EXPECT_EQ(format_human_long_double(*parse_long_double("10.50") + *parse_long_double("0.1")), "10.6");
  EXPECT_EQ(format_human_long_double(5.0e3L), "5000");
  EXPECT_EQ(format_human_long_double(-0.0L), "0");
}

TEST(Words, QuotingGoesBothWays) {
  EXPECT_EQ(*split_words(R"(set "a b" 'c\'d' e)"), (std::vector<std::string>{"set", "a b", "c'd", "e"}));
  EXPECT_EQ((*split_words(quote(std::string("\x00\n\"x\xff", 5))))[0], std::string("\x00\n\"x\xff", 5));
  EXPECT_EQ(*split_words("\v\fa\fb \v c\v"), (std::vector<std::string>{"a\fb", "c\v"}));
  EXPECT_FALSE(split_words("\"open"));
  EXPECT_FALSE(split_words("\"a\"b"));
}

TEST(EditDistance, CountsEdits) { EXPECT_EQ(edit_distance("cluster-enable", "cluster-enabled"), 1U); }

}  // namespace
}  // namespace skein
