// The bed itself: that what tests rely on is there.
#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;

class Bed : public CommandTestInBothModes {};
INSTANTIATE_TEST_SUITE_P(BothModes, Bed, testing::Bool());

TEST_P(Bed, RunsCallsAndSeesTheirEffects) {
  EXPECT_EQ(run("SET", "k", "v"), ok());
  EXPECT_EQ(run("get", "k"), bulk("v"));
  EXPECT_EQ(take_effects(), std::vector<std::string>{"0 SET k v"});
  EXPECT_EQ(line("PING \"a b\""), bulk("a b"));
}

TEST_P(Bed, ClientsAreApart) {
  BedClient& other = connect();
  EXPECT_NE(other.session.id(), client().session.id());
  other.session.db = GetParam() ? 0 : 1;
  EXPECT_EQ(other.run("SET", "k", "v"), ok());
  EXPECT_EQ(run("GET", "k"), GetParam() ? bulk("v") : null());
  EXPECT_EQ(sessions.size(), 2U);
  disconnect(other);
  EXPECT_EQ(sessions.size(), 1U);
}

TEST_P(Bed, TheRouterIsAskedForSlotsNotServedHere) {
  if (!GetParam()) return;
  run("SET", "k", "v");
  EXPECT_EQ(router.asked, 0);
  std::fill(served_slots.begin(), served_slots.end(), std::uint8_t{0});
  router.refusal = "MOVED 7629 127.0.0.1:7001";
  EXPECT_EQ(run("SET", "k", "v"), error("MOVED 7629 127.0.0.1:7001"));
}

TEST_P(Bed, TextsOfAReply) {
  EXPECT_EQ(texts_of(bulks({"a", "", "b\r\n"})), (std::vector<std::string>{"a", "", "b\r\n"}));
}

}  // namespace
}  // namespace skein
