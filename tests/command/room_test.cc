// What is refused because there is no memory for it, before anything is done.
#include "fixture.h"

namespace skein {
namespace {

constexpr std::string_view kOom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

class Room : public CommandTest {
 protected:
  Room() {
    facts.lacks_room = [this](std::size_t bytes, std::size_t in_one_piece) {
      ++asked_;
      return bytes > room_ || in_one_piece > room_;
    };
  }
  std::size_t room_ = 100'000;
  int asked_ = 0;
};

TEST_F(Room, WhatIsSmallIsNotAskedFor) {
  run("SET", "k", std::string(1000, 'x'));
  run("APPEND", "k", "x");
  run("SETRANGE", "k", "2000", "x");
  run("COPY", "k", "l");
  EXPECT_EQ(asked_, 0);
}

TEST_F(Room, ARequestThatCannotFitIsRefusedAndChangesNothing) {
  const std::string large(200'000, 'x');
  EXPECT_EQ(run("SET", "k", large), kOom);
  EXPECT_EQ(run("MSET", "a", std::string(60'000, 'x'), "b", std::string(60'000, 'x')), kOom);
  EXPECT_EQ(run("SETEX", "k", "10", large), kOom);
  EXPECT_EQ(run("APPEND", "k", large), kOom);
  EXPECT_EQ(run("SETRANGE", "k", "0", large), kOom);
  EXPECT_EQ(run("DBSIZE"), integer(0));
  EXPECT_EQ(run("SET", "k", std::string(60'000, 'x')), "+OK\r\n");
  // What frees memory may be as long as it likes.
  EXPECT_EQ(run("DEL", large, "k"), integer(1));
}

TEST_F(Room, WhatACallMakesOfLittleIsJudgedToo) {
  EXPECT_EQ(run("SETRANGE", "k", "500000000", "x"), kOom);
  EXPECT_EQ(run("DBSIZE"), integer(0));
  EXPECT_EQ(run("SET", "k", std::string(60'000, 'x')), "+OK\r\n");
  EXPECT_EQ(run("SETRANGE", "k", "200000", "x"), kOom);
  EXPECT_EQ(run("STRLEN", "k"), integer(60'000));
  EXPECT_EQ(run("SETRANGE", "k", "59000", std::string(1000, 'y')), integer(60'000));
  room_ = 50'000;
  EXPECT_EQ(run("COPY", "k", "l"), kOom);
  EXPECT_EQ(run("APPEND", "k", std::string(20'000, 'x')), kOom) << "the whole has to move";
  EXPECT_EQ(run("STRLEN", "k"), integer(60'000));
  EXPECT_EQ(run("COPY", "none", "l"), integer(0));
  EXPECT_EQ(run("EXISTS", "l"), integer(0));
}

TEST_F(Room, OfATransactionTheWholeCounts) {
  run("MULTI");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("SET", "k", std::string(50'000, 'x')), "+QUEUED\r\n");
  EXPECT_EQ(run("EXEC"), "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_EQ(run("DBSIZE"), integer(0));
  run("MULTI");
  EXPECT_EQ(run("SET", "k", std::string(200'000, 'x')), kOom);
  EXPECT_EQ(run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  // Keys of reads are long, and nobody keeps them.
  run("MULTI");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("GET", std::string(50'000, 'x')), "+QUEUED\r\n");
  EXPECT_EQ(run("EXEC"), "*3\r\n$-1\r\n$-1\r\n$-1\r\n");
}

TEST_F(Room, OverTheLimitATransactionMayHoldWhatAddsNothing) {
  run("SET", "k", "v");
  facts.gates |= gate::kMemory;
  facts.is_memory_short = [] { return false; };
  EXPECT_EQ(run("SET", "l", "v"), "+OK\r\n") << "asked again, there is room for it";
  facts.is_memory_short = [] { return true; };
  run("MULTI");
  for (const char* words : {"GET k", "DEL k", "INFO server", "EXISTS k", "PERSIST k"}) EXPECT_EQ(line(words), "+QUEUED\r\n") << words;
  EXPECT_THAT(run("EXEC"), testing::StartsWith("*5\r\n$1\r\nv\r\n:1\r\n$"));
  run("MULTI");
  EXPECT_EQ(run("SET", "k", "v"), kOom);
  EXPECT_EQ(run("DEL", "k"), "+QUEUED\r\n");
  EXPECT_EQ(run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

}  // namespace
}  // namespace skein
