// Names that are found, names that are not, and lookups that nobody waits for any more.
#include <skein/net/name_lookup.h>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include <asio/io_context.hpp>

#include <skein/base/memory.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

struct Answer {
  NameLookup::Places places;
  std::string why;
};

class NameLookupTest : public testing::Test {
 protected:
  Answer ask(const std::string& host) {
    std::optional<Answer> answer;
    lookup.start(host, 6379, [&](NameLookup::Places places, const std::string& why) { answer = {std::move(places), why}; });
    loop.restart();
    loop.run_for(30s);  // ends with the lookup, which is the only work
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(Answer{});
  }

  asio::io_context loop{1};
  NameLookup lookup{loop.get_executor()};
};

TEST_F(NameLookupTest, FindsPlacesOrSaysWhyNot) {
  const Answer here = ask("localhost");
  ASSERT_FALSE(here.places.empty());
  EXPECT_TRUE(here.places[0].address().is_loopback());
  EXPECT_EQ(6379, here.places[0].port());
  EXPECT_EQ("", here.why);
  const Answer nowhere = ask("two words");
  EXPECT_TRUE(nowhere.places.empty());
  EXPECT_NE("", nowhere.why);
}

TEST_F(NameLookupTest, WhatIsCancelledIsNotTold) {
  for (int i = 0; i < 100; ++i) {
    {
      NameLookup other(loop.get_executor());
      other.start("localhost", 1, [](auto, auto&) { ADD_FAILURE(); });
      if (i % 2 == 0) other.cancel();
    }
    loop.restart();
    loop.poll();
  }
  lookup.start("localhost", 1, [](auto, auto&) { ADD_FAILURE(); });
  EXPECT_FALSE(ask("localhost").places.empty());
}

TEST_F(NameLookupTest, WhoAskedMayGoWithTheAnswer) {
  auto own = std::make_unique<NameLookup>(loop.get_executor());
  bool told = false;
  own->start("localhost", 1, [&](auto, auto&) {
    own.reset();
    told = true;
  });
  loop.run_for(30s);
  EXPECT_TRUE(told);
}

TEST_F(NameLookupTest, ALoopMayGoWhileOneIsUnderWay) {
  for (int i = 0; i < 50; ++i) {
    asio::io_context short_lived{1};
    NameLookup other(short_lived.get_executor());
    other.start("localhost", 1, [](auto, auto&) {});
    if (i % 2 == 0) short_lived.poll();
  }
}

TEST_F(NameLookupTest, AllItsMemoryIsCounted) {
  count_this_thread();
  for (int i = 0; i < 20; ++i) ask("localhost");
  const auto before = static_cast<std::int64_t>(allocated_bytes());
  for (int i = 0; i < 300; ++i) ask("localhost");
  EXPECT_NEAR(static_cast<double>(before), static_cast<double>(allocated_bytes()), 4000);
}

}  // namespace
}  // namespace skein
