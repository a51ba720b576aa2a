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

}  // namespace
}  // namespace skein
