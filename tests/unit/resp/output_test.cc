// The output: bytes come out as they went in, whatever their sizes and however they are sent.
#include <skein/resp/output.h>

#include <gtest/gtest.h>

#include <skein/base/random.h>

namespace skein {
namespace {

TEST(Output, HoldsNothingUntilItIsWritten) {
  Output output;
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.memory(), 0U);
  output.append("abc");
  EXPECT_EQ(output.size(), 3U);
  EXPECT_LE(output.memory(), 1024U);
  output.consume(3);
  EXPECT_EQ(output.memory(), 0U);
}

TEST(Output, BytesKeepTheirOrderThroughAnyWritesAndReads) {
  Random random{7};
  Output output;
  std::string expected;
  std::string received;
  for (int round = 0; round < 3000; ++round) {
    if (random.below(3) != 0) {
      const std::string piece(random.below(round % 50 == 0 ? 100000 : 200), static_cast<char>('a' + round % 26));
      if (random.one_in(2)) {
        output.append(piece);
      } else {
        char* at = output.reserve(piece.size() + 10);
        std::memcpy(at, piece.data(), piece.size());
        output.commit(at + piece.size());
      }
      expected += piece;
    } else {
      const std::size_t count = std::min<std::size_t>(random.below(5000), output.size());
      received += output.str().substr(0, count);
      output.consume(count);
    }
    ASSERT_EQ(output.size(), expected.size() - received.size());
  }
  received += output.str();
  EXPECT_EQ(received, expected);
}

TEST(Output, PiecesStayWhereTheyAreWhileMoreIsWritten) {
  Output output;
  output.append("first");
  const char* address = nullptr;
  output.for_each_piece(1, [&](std::string_view piece) { address = piece.data(); });
  output.append(std::string(100000, 'x'));
  output.for_each_piece(1, [&](std::string_view piece) {
    EXPECT_EQ(piece.data(), address);
    EXPECT_EQ(piece.substr(0, 5), "first");
  });
}

TEST(Output, AppendsAndExchangesOthers) {
  Output a;
  Output b;
  a.append("one");
  b.append(std::string(5000, 'x'));
  a.append(b);
  EXPECT_EQ(a.size(), 5003U);
  EXPECT_EQ(b.size(), 5000U);
  a.swap(b);
  EXPECT_EQ(b.size(), 5003U);
  Output c(std::move(b));
  EXPECT_EQ(c.size(), 5003U);
}

TEST(Output, WhatPassesItsBoundIsDroppedAndNothingIsHeldAfterwards) {
  Output output;
  output.set_bound(64 * 1024);
  output.append(std::string(60 * 1024, 'a'));
  EXPECT_FALSE(output.has_passed_bound());
  EXPECT_EQ(output.size(), 60U * 1024);
  output.append(std::string(10 * 1024 * 1024, 'b'));
  EXPECT_TRUE(output.has_passed_bound());
  EXPECT_GT(output.passed_at(), 10U * 1024 * 1024);
  EXPECT_TRUE(output.empty());
  for (int i = 0; i < 1000; ++i) {
    output.append(std::string(100'000, 'c'));
    char* at = output.reserve(5000);
    std::memset(at, 'd', 5000);
    output.commit(at + 5000);
  }
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.str(), "");
  EXPECT_LE(output.memory(), 8U * 1024);
  output.clear();
  EXPECT_TRUE(output.has_passed_bound());
  output.append("more");
  EXPECT_TRUE(output.empty());
}

TEST(Output, SmallWritesPassTheBoundToo) {
  Output output;
  output.set_bound(20'000);
  std::size_t most = 0;
  for (int i = 0; i < 100'000; ++i) {
    output.append("+OK\r\n");
    most = std::max(most, output.memory());
  }
  EXPECT_TRUE(output.has_passed_bound());
  EXPECT_LE(most, 64U * 1024);
}

TEST(Output, WhatWasSentDoesNotCountForTheBound) {
  Output output;
  output.set_bound(64 * 1024);
  for (int i = 0; i < 100; ++i) {
    output.append(std::string(40 * 1024, 'a'));
    output.consume(output.size());
  }
  EXPECT_FALSE(output.has_passed_bound());
  output.set_bound(0);
  output.append(std::string(1024 * 1024, 'a'));
  EXPECT_EQ(output.size(), 1024U * 1024);
}

TEST(Output, APassedBoundTravelsWithTheBytesItCost) {
  Output held;
  held.set_bound(20'000);
  held.append(std::string(30'000, 'a'));
  ASSERT_TRUE(held.has_passed_bound());
  Output output;
  output.append("abc");
  output.append(held);
  EXPECT_TRUE(output.has_passed_bound());
  Output other;
  other.swap(held);
  EXPECT_TRUE(other.has_passed_bound());
  EXPECT_FALSE(held.has_passed_bound());
}

}  // namespace
}  // namespace skein
