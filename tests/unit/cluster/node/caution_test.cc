// A primary that starts without its data, among members that have it.
#include <gtest/gtest.h>

#include <skein/cluster/node/node.h>

#include "loopback.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

// Three primaries; the fourth node is the first one's replica.
class Caution : public testing::Test {
 protected:
  Caution() : net(4) {
    net.form(3);
    EXPECT_TRUE(net.node(kReplica).replicate(net.id(kPrimary), net.now()));
    net.pump();
    give_data(kReplica, 100);
    net.run_for(4000ms);
  }
  void give_data(std::size_t i, std::int64_t offset) { net.node(i).on_data({.offset = ReplOffset{offset}}, net.now()); }
  void start_empty() {
    net.crash(kPrimary);
    net.restart(kPrimary);
    net.host(kPrimary).sent.clear();
    net.node(kPrimary).hold_back_without_data(net.now());
    net.pump();
  }
  static constexpr std::size_t kPrimary = 0;
  static constexpr std::size_t kOther = 1;
  static constexpr std::size_t kReplica = 3;
  Loopback net;
};

TEST_F(Caution, SaysNothingAndServesNothing) {
  start_empty();
  net.run_for(6000ms);
  EXPECT_TRUE(net.node(kPrimary).is_holding_back());
  // It asks, as nobody in particular.
  for (const MessageType type : net.host(kPrimary).sent) EXPECT_EQ(type, MessageType::kPing);
  for (const auto& [link, end] : net.host(kPrimary).outbound) EXPECT_FALSE(net.node(end.first).knows_link(end.second));
  EXPECT_EQ(net.node(kPrimary).state(), ClusterState::kFail);
  EXPECT_TRUE(net.view(kOther, kPrimary).has_failed());
}

TEST_F(Caution, JoinsANewOwnerOfItsSlots) {
  start_empty();
  net.run_for(200ms);
  // Another node takes what was its.
  const std::vector<std::string_view> range{"0", "5460"};
  ASSERT_TRUE(net.node(kOther).del_slot_ranges(range, net.now()));
  ASSERT_TRUE(net.node(kOther).add_slot_ranges(range, net.now()));
  ASSERT_TRUE(net.node(kOther).bump_epoch(net.now()));
  net.run_for(3000ms);
  EXPECT_FALSE(net.node(kPrimary).is_holding_back());
  EXPECT_TRUE(net.node(kPrimary).topology().self().is_replica());
  EXPECT_TRUE(net.view(kOther, kPrimary).is_replica());
  EXPECT_FALSE(net.view(kOther, kPrimary).has_failed());
}

// Where nobody knows to look for it nobody tells it anything, unless it asks.
TEST_F(Caution, AtAnotherAddressItHearsOfItsHeir) {
  net.host(kReplica).data = DataFacts{.offset = ReplOffset{100}, .primary_silence = 0ms};
  net.crash(kPrimary);
  net.host(kPrimary).settings.port = 7700;
  net.restart(kPrimary);
  net.host(kPrimary).sent.clear();
  net.node(kPrimary).hold_back_without_data(net.now());
  const auto ended = net.run_finely(10000ms, [&] { return !net.node(kPrimary).is_holding_back(); });
  EXPECT_TRUE(ended) << "well before its time is over";
  EXPECT_TRUE(net.node(kReplica).topology().self().is_primary());
  net.run_finely(3000ms);
  EXPECT_TRUE(net.node(kPrimary).topology().self().is_replica());
  EXPECT_EQ(net.view(kOther, kPrimary).address.port, 7700);
  for (const auto& event : net.seen<LogEvent>(kPrimary)) EXPECT_EQ(event.text.find("EMPTY"), std::string::npos) << event.text;
}

TEST_F(Caution, AloneItServesNothingAndSaysSo) {
  for (const std::size_t i : {1, 2, 3}) net.crash(i);
  start_empty();
  net.run_for(16000ms);
  EXPECT_FALSE(net.node(kPrimary).is_holding_back());
  EXPECT_EQ(net.node(kPrimary).state(), ClusterState::kFail);
  const auto logged = net.seen<LogEvent>(kPrimary);
  const auto says = [&](std::string_view text) {
    return std::any_of(logged.begin(), logged.end(), [&](const LogEvent& e) { return e.text.find(text) != std::string::npos; });
  };
  EXPECT_TRUE(says("it serves nothing"));
  EXPECT_FALSE(says("TAKEOVER")) << "that would take the slots from an heir";
}

TEST_F(Caution, ServesWhenItsReplicaIsEmptyToo) {
  give_data(kReplica, 0);
  start_empty();
  net.run_for(3000ms);
  EXPECT_FALSE(net.node(kPrimary).is_holding_back());
  EXPECT_EQ(net.node(kPrimary).state(), ClusterState::kOk);
  EXPECT_FALSE(net.view(kOther, kPrimary).is_suspected());
}

TEST_F(Caution, ServesAtLastWhenNobodyTakesOver) {
  net.crash(kReplica);
  start_empty();
  net.run_for(13800ms);
  EXPECT_TRUE(net.node(kPrimary).is_holding_back());
  net.run_for(5000ms);
  EXPECT_FALSE(net.node(kPrimary).is_holding_back());
  EXPECT_TRUE(net.node(kPrimary).topology().self().is_voter());
  const auto logged = net.seen<LogEvent>(kPrimary);
  const bool warned = std::any_of(logged.begin(), logged.end(), [](const LogEvent& event) {
    return event.level == EventLevel::kWarning && event.text.find("serves its slots EMPTY") != std::string::npos;
  });
  EXPECT_TRUE(warned);
}

TEST_F(Caution, StartsAsEverWithoutReplicasOrSlots) {
  net.crash(kOther);
  net.restart(kOther);
  net.node(kOther).hold_back_without_data(net.now());
  EXPECT_FALSE(net.node(kOther).is_holding_back());
  net.node(kReplica).hold_back_without_data(net.now());
  EXPECT_FALSE(net.node(kReplica).is_holding_back());
}

}  // namespace
}  // namespace skein
