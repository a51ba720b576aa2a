// The request parser: what it cuts, what it refuses, and that neither depends on how the
// bytes arrive.
#include <skein/resp/request_parser.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skein {
namespace {

using Status = RequestParser::Status;
using Requests = std::vector<std::vector<std::string>>;

struct Outcome {
  Requests requests;
  std::string error;  // empty: none
  std::size_t left = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds `input` in pieces of `step` bytes, into a buffer that moves each time.
Outcome parse_in_steps(std::string_view input, std::size_t step, const RequestLimits& limits = {}) {
  Outcome outcome;
  RequestParser parser;
  std::string pending;
  for (std::size_t at = 0; at < input.size(); at += step) {
    std::string moved = pending + std::string(input.substr(at, step));
    pending = std::move(moved);
    for (;;) {
      Arguments arguments;
      const Status status = parser.parse(pending, limits, arguments);
      if (status == Status::kNeedMore) {
        EXPECT_TRUE(arguments.empty());
        break;
      }
      if (status == Status::kError) {
        outcome.error = parser.error();
        return outcome;
      }
      if (status == Status::kRequest) outcome.requests.emplace_back(arguments.begin(), arguments.end());
      pending.erase(0, parser.consumed());
      if (pending.empty()) break;
    }
  }
  outcome.left = pending.size();
  return outcome;
}

Outcome parse(std::string_view input, const RequestLimits& limits = {}) {
  return parse_in_steps(input, input.size(), limits);
}

std::string protocol_error(std::string_view reason) { return "ERR Protocol error: " + std::string(reason); }

TEST(RequestParser, PiecesOfAnySizeMeanTheSame) {
  const std::string inputs[] = {
      "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nva\r\nl\r\n*1\r\n$4\r\nPING\r\n",
      "*0\r\n*-1\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\nPING\r\n",
      "PING \"a b\\x41\\n\" 'it\\'s'\r\nECHO x\n\n  \r\n*1\r\n$4\r\nPING\r\n",
      "*2\r\n$4\r\nECHO\r\n$3000\r\n" + std::string(3000, 'x') + "\r\nPING\r\n",
      "*1\r\n$4\r\nPING\r\n*1\r\n:4\r\nPING\r\n",
      "SET \"unbalanced\r\n",
      "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nva",
  };
  for (const auto& input : inputs) {
    const Outcome whole = parse(input);
    for (const std::size_t step : {1U, 2U, 3U, 7U, 64U, 1000U}) {
      EXPECT_EQ(parse_in_steps(input, step), whole) << input.substr(0, 60) << " in steps of " << step;
    }
  }
}

TEST(RequestParser, CutsArraysAndLines) {
  EXPECT_EQ(parse("*2\r\n$3\r\nGET\r\n$0\r\n\r\n*0\r\n*-5\r\nPING 'a b' \"\\x00\"\r\n").requests,
            (Requests{{"GET", ""}, {"PING", "a b", std::string(1, '\0')}}));
  EXPECT_EQ(parse("   \r\n\nPING\n").requests, (Requests{{"PING"}}));
}

TEST(RequestParser, ArgumentsAreViewsIntoTheInput) {
  const std::string input = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n";
  RequestParser parser;
  Arguments arguments;
  ASSERT_EQ(parser.parse(input, {}, arguments), Status::kRequest);
  EXPECT_EQ(arguments[1].data(), input.data() + 17);
  EXPECT_FALSE(parser.was_inline());
}

TEST(RequestParser, RefusalsAreRedisOwn) {
  const std::pair<std::string, std::string> cases[] = {
      {"*a\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*99999999999999999999\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*1\r\n:1\r\n", "expected '$', got ':'"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"GET \"a\r\n", "unbalanced quotes in request"},
      {"GET \"a\"b\r\n", "unbalanced quotes in request"},
      {"*" + std::string(65536, '1'), "too big mbulk count string"},
      {"*1\r\n$" + std::string(65536, '1'), "too big bulk count string"},
      {std::string(65537, 'x'), "too big inline request"},
      {std::string("PING\0", 5) + "\r\n" + std::string(65536, 'x'), "too big inline request"},
  };
  for (const auto& [input, reason] : cases) {
    EXPECT_EQ(parse(input).error, protocol_error(reason)) << input.substr(0, 30);
  }
}

TEST(RequestParser, AZeroByteHidesTheEndOfItsLine) {
  const std::string_view inputs[] = {{"PING\0\r\nPING\r\n", 13},
                                     {"*1\0\r\n$4\r\nPING\r\n", 15},
                                     {"*1\r\n$4\0\r\nPING\r\n", 15},
                                     {"*1\r\nx\0\r\nPING\r\n", 14}};
  for (const auto input : inputs) EXPECT_EQ(parse(input), (Outcome{.left = input.size()})) << input;
}

TEST(RequestParser, LinesEndAtTheirLimitOnlyWhenTheyHaveNoEnd) {
  EXPECT_EQ(parse(std::string(65536, 'x')).left, 65536U);
  EXPECT_EQ(parse("*" + std::string(65535, '1')).left, 65536U);
}

TEST(RequestParser, UnauthenticatedClientsAreKeptShort) {
  const RequestLimits limits{.unauthenticated = true};
  EXPECT_EQ(parse("*11\r\n", limits).error, protocol_error("unauthenticated multibulk length"));
  EXPECT_EQ(parse("*1\r\n$16385\r\n", limits).error, protocol_error("unauthenticated bulk length"));
  EXPECT_EQ(parse("*10\r\n$16384\r\n", limits).error, "");
}

TEST(RequestParser, ALongestBulkMayBeConfigured) {
  EXPECT_EQ(parse("*1\r\n$1048577\r\n", {.max_bulk = 1048576}).error, protocol_error("invalid bulk length"));
  EXPECT_EQ(parse("*1\r\n$1048576\r\n", {.max_bulk = 1048576}).error, "");
}

TEST(RequestParser, TellsHowMuchALargeArgumentStillNeeds) {
  const std::string head = "*2\r\n$3\r\nSET\r\n$100000\r\n";
  RequestParser parser;
  Arguments arguments;
  ASSERT_EQ(parser.parse(head + "abc", {}, arguments), Status::kNeedMore);
  EXPECT_EQ(parser.wanted(), head.size() + 100002);
  EXPECT_TRUE(parser.in_request());
}

// Nothing of a request is handled again because another byte of it has come.
TEST(RequestParser, WhatHasBeenFoundIsNotGoneThroughAgain) {
  std::string bytes = "*1000\r\n";
  for (int i = 0; i < 999; ++i) bytes += "$1\r\nx\r\n";
  RequestParser parser;
  Arguments first;
  ASSERT_EQ(Status::kNeedMore, parser.parse(bytes, {}, first));
  for (const char next : std::string("$5\r\nabcde\r")) {
    bytes += next;
    Arguments arguments;
    ASSERT_EQ(Status::kNeedMore, parser.parse(bytes, {}, arguments));
    EXPECT_EQ(0U, arguments.capacity());
  }
  bytes += '\n';
  Arguments arguments;
  ASSERT_EQ(Status::kRequest, parser.parse(bytes, {}, arguments));
  ASSERT_EQ(1000U, arguments.size());
  EXPECT_EQ("x", arguments[0]);
  EXPECT_EQ("abcde", arguments[999]);
  EXPECT_EQ(0U, parser.memory());
}

TEST(RequestParser, TellsWhichArgumentIsMissingAndTakesItFromBesideTheInput) {
  RequestParser parser;
  Arguments arguments;
  const std::string head = "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n";
  ASSERT_EQ(Status::kNeedMore, parser.parse(head + "vv", {}, arguments));
  EXPECT_EQ(head.size(), parser.missing().at);
  EXPECT_EQ(20000U, parser.missing().size);
  std::vector<SetAside> asides(1);
  asides[0].at = head.size();
  asides[0].size = 20000;
  asides[0].received = 2;
  asides[0].bytes.reallocate(20000, 0);
  ASSERT_EQ(Status::kNeedMore, parser.parse(head, {}, arguments, {asides}));
  asides[0].received = 20000;
  ASSERT_EQ(Status::kNeedMore, parser.parse(head + "\r", {}, arguments, {asides}));
  const std::string whole = head + "\r\n$2\r\nNX\r\nPING\r\n";
  ASSERT_EQ(Status::kRequest, parser.parse(whole, {}, arguments, {asides}));
  ASSERT_EQ(4U, arguments.size());
  EXPECT_EQ(static_cast<const void*>(asides[0].bytes.data()), arguments[2].data());
  EXPECT_EQ(20000U, arguments[2].size());
  EXPECT_EQ("NX", arguments[3]);
  EXPECT_EQ(whole.size() - 6, parser.consumed());
  // Told to start over it finds it again, wherever the request stands in the input.
  arguments.clear();
  asides[0].at += 6;
  ASSERT_EQ(Status::kRequest, parser.parse(whole, {}, arguments, {asides, 6}));
  EXPECT_EQ(20000U, arguments[2].size());
}

TEST(RequestParser, StartsAgainWhenTold) {
  RequestParser parser;
  Arguments arguments;
  ASSERT_EQ(parser.parse("*2\r\n$3\r\nGET\r\n", {}, arguments), Status::kNeedMore);
  parser.start_over();
  ASSERT_EQ(parser.parse("*1\r\n$4\r\nPING\r\n", {}, arguments), Status::kRequest);
  EXPECT_THAT(arguments, testing::ElementsAre("PING"));
}

TEST(RequestParser, TheLimitHoldsForTheShortestHeadsToo) {
  const RequestLimits limits{.max_bulk = 4};
  EXPECT_EQ(parse("*1\r\n$5\r\nhello\r\n", limits).error, protocol_error("invalid bulk length"));
  EXPECT_EQ(parse("*1\r\n$16\r\n", limits).error, protocol_error("invalid bulk length"));
}

}  // namespace
}  // namespace skein
