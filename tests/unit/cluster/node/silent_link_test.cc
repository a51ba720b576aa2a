// Links of which nothing is ever heard again: neither up nor down.
#include <gtest/gtest.h>

#include <algorithm>

#include <skein/cluster/node/node.h>

#include "loopback.h"

namespace skein {
namespace {

constexpr std::string_view kSaved =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460\n"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 127.0.0.1:7001@17001 master - 0 0 2 connected 5461-10922\n"
    "cccccccccccccccccccccccccccccccccccccccc 127.0.0.1:7002@17002 master - 0 0 3 connected 10923-16383\n"
    "vars currentEpoch 3 lastVoteEpoch 0\n";

// Runs one member alone for `span`, letting every connection attempt hang.
class SilentNetwork {
 public:
  SilentNetwork() : node_(settings(), parse_nodes_conf(kSaved).value(), Random{1}, keys_, now_) { carry_out(); }

  void run_for(milliseconds span) {
    for (milliseconds done{0}; done < span; done += kClusterTick) {
      now_.mono += kClusterTick;
      node_.on_tick(now_);
      carry_out();
    }
  }

  const ClusterNode& node() const { return node_; }
  std::size_t opened() const { return opened_; }
  std::size_t open() const { return open_; }

 private:
  static NodeSettings settings() {
    NodeSettings settings;
    settings.port = 7000;
    settings.node_timeout = milliseconds{2000};
    return settings;
  }
  void carry_out() {
    for (const auto& effect : node_.take_effects()) {
      if (std::holds_alternative<OpenLink>(effect)) {
        ++opened_;
        ++open_;
      }
      if (std::holds_alternative<CloseLink>(effect)) --open_;
      if (const auto* save = std::get_if<SaveTopology>(&effect)) node_.on_saved(save->ticket, now_);
    }
  }

  FakeKeys keys_;
  Now now_{MonoTime{std::chrono::hours{1}}, UnixMillis{1700000000000}};
  std::size_t opened_ = 0;
  std::size_t open_ = 0;
  ClusterNode node_;
};

TEST(SilentLinks, AMemberThatStartsCutOffDoesNotGoOnServing) {
  SilentNetwork net;
  net.run_for(milliseconds{3000});
  EXPECT_EQ(net.node().state(), ClusterState::kFail);
  EXPECT_EQ(net.node().info().slots_pfail, 10923u);
}

TEST(SilentLinks, AnAttemptThatHangsIsGivenUpForAnother) {
  SilentNetwork net;
  net.run_for(milliseconds{10000});
  EXPECT_GE(net.opened(), 6u);
  EXPECT_EQ(net.open(), 2u);
}

}  // namespace
}  // namespace skein
