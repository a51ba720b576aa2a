// What a line of the log may look like, and how often one cause gets one.
#include "log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_limiter.h"

namespace skein {
namespace {

TEST(LogLine, OrdinaryTextStaysAsItIs) {
  for (const std::string& text : {std::string(), std::string("Replica 127.0.0.1:7000 asks for synchronization"),
                                 std::string("'\"\\ %s"), std::string(kLongestLogLine, 'x')}) {
    EXPECT_TRUE(is_plain_log_line(text));
    EXPECT_EQ(log_line(text), text);
  }
  EXPECT_EQ(log_line("/srv/d\xc3\xa4ten \xe6\x97\xa5 \xf0\x9f\x98\x80"), "/srv/d\xc3\xa4ten \xe6\x97\xa5 \xf0\x9f\x98\x80");
}

TEST(LogLine, ControlBytesAreShown) {
  EXPECT_FALSE(is_plain_log_line("a\nb"));
  EXPECT_EQ(log_line("x\n99999:M 01 Jan 2030 00:00:00.000 # FORGED\r\n"), "x\\n99999:M 01 Jan 2030 00:00:00.000 # FORGED\\r\\n");
  EXPECT_EQ(log_line(std::string_view("\t\0\x1b[31m\x7f", 8)), "\\t\\x00\\x1b[31m\\x7f");
}

// A terminal may take some of them for commands.
TEST(LogLine, WhatIsNoTextIsShownByte) {
  EXPECT_EQ(log_line("\x9b" "31m"), "\\x9b31m");
  EXPECT_EQ(log_line("\xc2\x9b"), "\\xc2\\x9b") << "a control character in two bytes";
  EXPECT_EQ(log_line("\xc0\xaf"), "\\xc0\\xaf") << "an overlong form";
  EXPECT_EQ(log_line("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a pair";
  EXPECT_EQ(log_line("\xe6\x97"), "\\xe6\\x97") << "cut short";
  EXPECT_EQ(log_line("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80") << "beyond Unicode";
}

TEST(LogLine, IsCutAndSaysHowLongItWas) {
  const std::string line = log_line(std::string(5'000'000, 'x'));
  EXPECT_LE(line.size(), kLongestLogLine);
  EXPECT_TRUE(line.ends_with("x... (5000000 bytes)")) << line;
  EXPECT_LE(log_line(std::string(5'000'000, '\n')).size(), kLongestLogLine);
  EXPECT_EQ(log_line(std::string(kLongestLogLine + 1, 'x')).substr(kLongestLogLine - 40, 6), "xxxxxx");
  for (std::size_t size = 1000; size < 1100; ++size) {
    EXPECT_LE(log_line(std::string(size, 'x')).size(), kLongestLogLine);
    EXPECT_LE(log_line(std::string(size, '\x01')).size(), kLongestLogLine);
    EXPECT_LE(log_line("a" + std::string(size, '\xff')).size(), kLongestLogLine);
  }
}

TEST(LogLimiter, OneLineASecondForEachCause) {
  LogLimiter limiter;
  const MonoTime start{std::chrono::hours{1}};
  EXPECT_EQ(limiter.allow("a", start), 0U);
  for (int i = 0; i < 999; ++i) EXPECT_EQ(limiter.allow("a", start + milliseconds{i}), std::nullopt);
  EXPECT_EQ(limiter.allow("b", start), 0U) << "another cause has lines of its own";
  EXPECT_EQ(limiter.allow("a", start + seconds{1}), 999U) << "it tells how many were left out";
  EXPECT_EQ(limiter.allow("a", start + seconds{2}), 0U);
}

TEST(LogLimiter, AQuietCauseMayHaveSeveralAtOnce) {
  LogLimiter limiter;
  const MonoTime start{std::chrono::hours{1}};
  int lines = 0;
  for (int i = 0; i < 100; ++i) lines += limiter.allow("a", start, 8) ? 1 : 0;
  EXPECT_EQ(lines, 8);
  for (int i = 0; i < 10'000; ++i) lines += limiter.allow("a", start + milliseconds{i}, 8) ? 1 : 0;
  EXPECT_LE(lines, 8 + 10) << "in the long run it is one a second";
}

TEST(LogLimiter, WhatWasLeftOutIsToldOnceItIsQuiet) {
  LogLimiter limiter;
  const MonoTime start{std::chrono::hours{1}};
  for (int i = 0; i < 10; ++i) (void)limiter.allow("a", start);
  (void)limiter.allow("b", start);
  EXPECT_TRUE(limiter.take_left_out(start + milliseconds{900}).empty());
  const auto left_out = limiter.take_left_out(start + milliseconds{1100});
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_EQ(left_out[0].cause, "a");
  EXPECT_EQ(left_out[0].lines, 9U);
  EXPECT_TRUE(limiter.take_left_out(start + seconds{10}).empty());
}

}  // namespace
}  // namespace skein
