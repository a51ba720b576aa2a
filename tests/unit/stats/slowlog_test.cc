// The slowlog: newest first, bounded, long calls cut as redis cuts them.
#include <skein/stats/slowlog.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skein {
namespace {

void add(Slowlog& log, const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  log.add(views, microseconds{5}, UnixMillis{1'700'000'000'999}, "127.0.0.1:1", "me");
}

TEST(Slowlog, NewestFirstWithIdsThatOnlyGrow) {
  Slowlog log;
  log.set_limit(2);
  add(log, {"A"});
  add(log, {"B"});
  add(log, {"C"});
  ASSERT_EQ(log.calls().size(), 2U);
  EXPECT_EQ(log.calls()[0].arguments[0], "C");
  EXPECT_EQ(log.calls()[0].id, 2);
  EXPECT_EQ(log.calls()[0].unix_seconds, 1'700'000'000);
  EXPECT_EQ(log.calls()[0].client_address, "127.0.0.1:1");
  EXPECT_EQ(log.calls()[0].client_name, "me");
  log.clear();
  add(log, {"D"});
  EXPECT_EQ(log.calls()[0].id, 3);
  log.set_limit(0);
  add(log, {"E"});
  EXPECT_TRUE(log.calls().empty());
}

TEST(Slowlog, SaysWhatItCut) {
  Slowlog log;
  add(log, {"SET", std::string(128, 'x'), std::string(129, 'y')});
  EXPECT_THAT(log.calls()[0].arguments,
              testing::ElementsAre("SET", std::string(128, 'x'), std::string(128, 'y') + "... (1 more bytes)"));
  add(log, std::vector<std::string>(32, "a"));
  EXPECT_EQ(log.calls()[0].arguments.back(), "a");
  add(log, std::vector<std::string>(40, "a"));
  EXPECT_EQ(log.calls()[0].arguments.size(), 32U);
  EXPECT_EQ(log.calls()[0].arguments.back(), "... (9 more arguments)");
}

}  // namespace
}  // namespace skein
