// LCS: against known answers, its refusals, and a plain implementation on random strings.
#include <random>

#include "fixture.h"

namespace skein {
namespace {

class Lcs : public CommandTest {
 protected:
  Lcs() { run("MSET", "a", "ohmytext", "b", "mynewtext"); }
};

TEST_F(Lcs, TextLengthAndRuns) {
  EXPECT_EQ(run("LCS", "a", "b"), bulk("mytext"));
  EXPECT_EQ(run("LCS", "a", "b", "LEN"), integer(6));
  EXPECT_EQ(run("LCS", "a", "b", "IDX"),
            "*4\r\n$7\r\nmatches\r\n*2\r\n"
            "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
            "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n"
            "$3\r\nlen\r\n:6\r\n");
  EXPECT_EQ(run("LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"),
            "*4\r\n$7\r\nmatches\r\n*1\r\n"
            "*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"
            "$3\r\nlen\r\n:6\r\n");
}

TEST_F(Lcs, MissingKeysAreEmpty) {
  EXPECT_EQ(run("LCS", "a", "none"), bulk(""));
  EXPECT_EQ(run("LCS", "none", "none2", "LEN"), integer(0));
  EXPECT_EQ(run("LCS", "none", "b", "IDX"), "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

TEST_F(Lcs, InResp3RunsAreAMap) {
  client().session.writer().set_protocol(3);
  EXPECT_EQ(run("LCS", "a", "none", "IDX"), "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

TEST_F(Lcs, Refusals) {
  EXPECT_EQ(run("LCS", "a", "b", "LEN", "IDX"),
            error("ERR If you want both the length and indexes, please just use IDX."));
  EXPECT_EQ(run("LCS", "a", "b", "FOO"), error("ERR syntax error"));
  EXPECT_EQ(run("LCS", "a", "b", "MINMATCHLEN"), error("ERR syntax error"));
  EXPECT_EQ(run("LCS", "a", "b", "MINMATCHLEN", "x"), error("ERR value is not an integer or out of range"));
  ASSERT_TRUE(config.set("proto-max-bulk-len", "1048576").has_value());
  run("MSET", "a", std::string(1000, 'x'), "b", std::string(300, 'x'));
  EXPECT_EQ(run("LCS", "a", "b"),
            error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"));
}

// The length by the textbook's table; the text by being a subsequence of both.
TEST_F(Lcs, AgreesWithATableOnRandomStrings) {
  std::mt19937 random(7);
  const auto text = [&] {
    std::string out(random() % 40, ' ');
    for (char& c : out) c = static_cast<char>('a' + random() % 3);
    return out;
  };
  const auto holds = [](const std::string& whole, const std::string& part) {
    std::size_t at = 0;
    for (const char c : whole) at += at < part.size() && part[at] == c ? 1 : 0;
    return at == part.size();
  };
  for (int round = 0; round < 300; ++round) {
    const std::string a = text();
    const std::string b = text();
    std::vector<std::vector<int>> table(a.size() + 1, std::vector<int>(b.size() + 1));
    for (std::size_t i = 1; i <= a.size(); ++i) {
      for (std::size_t j = 1; j <= b.size(); ++j) {
        table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1 : std::max(table[i - 1][j], table[i][j - 1]);
      }
    }
    run("MSET", "a", a, "b", b);
    const auto common = texts_of(run("LCS", "a", "b"));
    ASSERT_EQ(common.size(), 1U);
    ASSERT_EQ(static_cast<int>(common[0].size()), table[a.size()][b.size()]) << a << ' ' << b;
    ASSERT_TRUE(holds(a, common[0]) && holds(b, common[0])) << a << ' ' << b << ' ' << common[0];
    ASSERT_EQ(run("LCS", "a", "b", "LEN"), integer(static_cast<std::int64_t>(common[0].size())));
  }
}

}  // namespace
}  // namespace skein
