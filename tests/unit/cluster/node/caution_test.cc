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
  EXPECT_TRUE(net.host(kPrimary).sent.empty());
  EXPECT_TRUE(net.host(kPrimary).outbound.empty());
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
