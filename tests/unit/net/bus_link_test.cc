// Buses on loopback: packets between them, order, limits, and ends that misbehave.
#include <skein/net/bus_link.h>
#include <skein/net/bus_probe.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <skein/base/clock.h>
#include <skein/cluster/bus/packet.h>

namespace skein {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using testing::ElementsAre;

std::uint16_t free_port() {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::make_address_v4("127.0.0.1"), 0});
  return acceptor.local_endpoint().port();
}

PacketHeader header(MessageType type) {
  PacketHeader h;
  h.type = type;
  h.sender = *NodeId::parse(std::string(40, 'a'));
  static const std::string kNoSlots(SlotBitmap::kBytes, '\0');
  h.slots = kNoSlots;
  h.flags = NodeFlag::kPrimary;
  h.port = 7000;
  h.bus_port = 17000;
  return h;
}

std::shared_ptr<const std::string> ping() {
  return std::make_shared<const std::string>(encode_heartbeat(header(MessageType::kPing), {}, {}));
}

// A heartbeat of about this size.
std::shared_ptr<const std::string> long_ping(std::size_t size) {
  const GossipEntry entry{.id = *NodeId::parse(std::string(40, 'e')), .bus_port = 17001, .flags = NodeFlag::kPrimary};
  const std::vector<GossipEntry> gossip(size / kGossipBytes, entry);
  return std::make_shared<const std::string>(encode_heartbeat(header(MessageType::kPing), gossip, {}));
}

std::shared_ptr<const std::string> message(std::size_t size, char fill = 'm') {
  const std::string text(size, fill);
  return std::make_shared<const std::string>(encode_publish(header(MessageType::kPublish), {"channel", text}));
}

// What happened, in order.
class Recorder : public BusOwner {
 public:
  std::vector<std::string> happened;
  std::vector<BusKey> inbound;
  std::vector<std::string> packets;
  std::vector<BusTrouble> troubles;
  std::string remote_ip;
  std::function<void(BusKey)> on_packet;

  BusKey on_bus_accepted() override {
    inbound.push_back(1001 + 2 * inbound.size());
    return inbound.back();
  }
  void on_bus_up(BusKey link) override { happened.push_back("up " + std::to_string(link)); }
  void on_bus_down(BusKey link) override { happened.push_back("down " + std::to_string(link)); }
  void on_bus_packet(BusKey link, std::string_view remote, std::string_view, std::string_view bytes) override {
    packets.emplace_back(bytes);
    remote_ip = remote;
    if (on_packet) on_packet(link);
  }
  void on_bus_trouble(BusKey link, BusTrouble trouble) override {
    happened.push_back("trouble " + std::to_string(link));
    troubles.push_back(trouble);
  }
  void on_bus_accept_failed(std::string_view why) override {
    happened.push_back("not accepted: " + std::string(why));
  }
  void on_bus_name_unknown(std::string_view name, std::string_view) override { happened.push_back("unknown " + std::string(name)); }
};

class BusTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(here.listen({"127.0.0.1"}, port)); }

  // Runs the loop until the fact holds, for ten seconds at most.
  bool until(const std::function<bool()>& fact) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!fact() && std::chrono::steady_clock::now() < end) {
      loop.run_one_for(50ms);
      loop.restart();
    }
    return fact();
  }

  asio::io_context loop{1};
  std::uint16_t port = free_port();
  Recorder at_here;
  Recorder at_there;
  Bus here{loop, at_here, {}};
  Bus there{loop, at_there, {}};
};

TEST_F(BusTest, CarriesWholePacketsBothWays) {
  there.open(2, "127.0.0.1", port);
  there.send(2, ping(), true);  // waits for the link
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 1; }));
  EXPECT_EQ(at_here.packets[0], *ping());
  EXPECT_EQ(at_here.remote_ip, "127.0.0.1");
  here.send(at_here.inbound[0], long_ping(300'000), false);
  ASSERT_TRUE(until([&] { return at_there.packets.size() == 1; }));
  EXPECT_EQ(at_there.packets[0], *long_ping(300'000));
  EXPECT_THAT(at_there.happened, ElementsAre("up 2"));
  EXPECT_EQ(here.link_count(), 1U);
  EXPECT_TRUE(here.figures(at_here.inbound[0]).readable);
  EXPECT_FALSE(here.figures(77).exists);
}

TEST_F(BusTest, TellsOnceThatNobodyIsThere) {
  there.open(2, "127.0.0.1", free_port());
  there.open(4, "not an address", 1);
  ASSERT_TRUE(until([&] { return at_there.happened.size() == 2; }));
  EXPECT_THAT(at_there.happened, testing::UnorderedElementsAre("down 2", "down 4"));
  EXPECT_EQ(there.link_count(), 0U);
  there.send(2, ping(), true);  // dropped
}

TEST_F(BusTest, ANameIsLookedUp) {
  there.open(2, "localhost", port);
  there.send(2, ping(), true);
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 1; })) << "each of its addresses is tried";
  EXPECT_THAT(at_there.happened, ElementsAre("up 2"));
}

TEST_F(BusTest, ANameThatIsNotFoundIsToldOnce) {
  there.open(2, "no-such-host.invalid", port);
  there.open(4, "no-such-host.invalid", port);
  ASSERT_TRUE(until([&] { return at_there.happened.size() == 3; }));
  EXPECT_THAT(at_there.happened,
              testing::UnorderedElementsAre("unknown no-such-host.invalid", "down 2", "down 4"));
  EXPECT_EQ(there.link_count(), 0U);
}

TEST_F(BusTest, ALinkMayBeClosedDuringItsLookup) {
  there.open(2, "localhost", port);
  there.close(2);
  there.open(4, "localhost", port);
  ASSERT_TRUE(until([&] { return at_there.happened.size() == 1; }));
  EXPECT_THAT(at_there.happened, ElementsAre("up 4"));
}

TEST_F(BusTest, TheOtherEndHearsOfAClose) {
  there.open(2, "127.0.0.1", port);
  there.send(2, ping(), true);
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 1; }));
  there.close(2);
  ASSERT_TRUE(until([&] { return !at_here.happened.empty(); }));
  EXPECT_THAT(at_here.happened, ElementsAre("down " + std::to_string(at_here.inbound[0])));
  EXPECT_THAT(at_there.happened, ElementsAre("up 2")) << "who closes knows";
}

TEST_F(BusTest, UrgentPacketsLeaveBeforeMessages) {
  at_here.on_packet = [&](BusKey link) { here.vouch(link); };
  there.open(2, "127.0.0.1", port);
  for (int i = 0; i < 100; ++i) there.send(2, message(60'000), false);
  there.send(2, ping(), true);
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 101; }));
  EXPECT_EQ(at_here.packets[0], *ping());
}

TEST_F(BusTest, TheLinkMayBeClosedFromInsideItsPacket) {
  at_here.on_packet = [&](BusKey link) { here.close(link); };
  there.open(2, "127.0.0.1", port);
  there.send(2, ping(), true);
  there.send(2, ping(), true);
  ASSERT_TRUE(until([&] { return at_there.happened.size() == 2; }));
  EXPECT_EQ(at_here.packets.size(), 1U);
  EXPECT_THAT(at_there.happened, ElementsAre("up 2", "down 2"));
}

TEST_F(BusTest, WhatIsNoPacketEndsTheLink) {
  tcp::socket stranger(loop);
  stranger.connect({asio::ip::make_address_v4("127.0.0.1"), port});
  asio::write(stranger, asio::buffer(std::string_view("GET / HTTP/1.1\r\n\r\n")));
  ASSERT_TRUE(until([&] { return at_here.happened.size() == 2; }));
  const auto key = std::to_string(at_here.inbound[0]);
  EXPECT_THAT(at_here.happened, ElementsAre("trouble " + key, "down " + key));
}

TEST_F(BusTest, PacketsMayComeInPieces) {
  at_here.on_packet = [&](BusKey link) { here.vouch(link); };
  tcp::socket slow(loop);
  slow.connect({asio::ip::make_address_v4("127.0.0.1"), port});
  const std::string bytes = *ping() + *ping() + *message(100'000) + *ping();
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(bytes.size() - at, at < 3000 ? 7 : 9001);
    asio::write(slow, asio::buffer(bytes.data() + at, size));
    loop.poll();
    loop.restart();
    at += size;
  }
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 4; }));
  EXPECT_EQ(at_here.packets[2], *message(100'000));
  EXPECT_EQ(at_here.packets[3], *ping());
}

// A stranger's socket that has sent these bytes.
struct Stranger {
  Stranger(asio::io_context& loop, std::uint16_t port, std::string_view bytes) : socket(loop) {
    socket.connect({asio::ip::make_address_v4("127.0.0.1"), port});
    send(bytes);
  }
  void send(std::string_view bytes) {
    asio::error_code cut_off;
    asio::write(socket, asio::buffer(bytes), cut_off);
  }
  tcp::socket socket;
};

TEST_F(BusTest, AStrangerMayNotAnnounceALargePacket) {
  const Stranger stranger(loop, port, message(3 << 20)->substr(0, 100));
  ASSERT_TRUE(until([&] { return at_here.happened.size() == 2; }));
  const auto key = std::to_string(at_here.inbound[0]);
  EXPECT_THAT(at_here.happened, ElementsAre("trouble " + key, "down " + key));
}

TEST_F(BusTest, AMemberMaySendLargePackets) {
  at_here.on_packet = [&](BusKey link) { here.vouch(link); };
  there.open(2, "127.0.0.1", port);
  there.send(2, ping(), true);
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 1; }));
  EXPECT_TRUE(here.is_vouched_for(at_here.inbound[0]));
  there.send(2, message(9 << 20), false);
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 2; }));
  EXPECT_EQ(at_here.packets[1], *message(9 << 20));
}

TEST_F(BusTest, AllStrangersTogetherHoldABoundedAmount) {
  constexpr std::size_t kSent = kMaxStrangersPacket - 65536;
  constexpr std::size_t kFit = Bus::kMaxHeldOfStrangers / kSent;
  const std::string most = long_ping(kMaxStrangersPacket - 32768)->substr(0, kSent);
  std::vector<std::unique_ptr<Stranger>> strangers;
  std::thread sender([&] {
    for (std::size_t i = 0; i < kFit + 3; ++i) strangers.push_back(std::make_unique<Stranger>(loop, port, most));
  });
  EXPECT_TRUE(until([&] { return at_here.happened.size() >= 6 && here.link_count() == kFit; }));
  sender.join();
  EXPECT_EQ(here.link_count(), kFit);
  EXPECT_LE(here.memory(), 2 * Bus::kMaxHeldOfStrangers + (4 << 20));
  EXPECT_LE(here.buffered(), Bus::kMaxHeldOfStrangers);
  // Whoever goes makes room.
  strangers.clear();
  EXPECT_TRUE(until([&] { return here.link_count() == 0; }));
  EXPECT_EQ(here.buffered(), 0U);
  const Stranger next(loop, port, most);
  EXPECT_TRUE(until([&] { return here.link_count() == 1 && here.memory() > kSent; }));
}

// A message of somebody who is no member would be thrown away when it is there.
TEST_F(BusTest, NothingIsKeptOfWhatIsNotWanted) {
  auto odd = *ping() + std::string(200'000, 'o');  // no FAIL is as long as that
  odd.replace(4, 4, std::string_view("\0\3\x16\x10", 4));
  odd.replace(12, 2, std::string_view("\0\3", 2));
  odd.resize(0x31610);
  for (const std::string& unwanted : {*message(1 << 20), odd}) {
    const std::size_t before = at_here.packets.size();
    Stranger stranger(loop, port, {});
    for (std::size_t at = 0; at < unwanted.size(); at += 50'000) {
      stranger.send(std::string_view(unwanted).substr(at, 50'000));
      loop.poll();
      loop.restart();
      EXPECT_LE(here.buffered(), 16U);
    }
    stranger.send(*ping());
    ASSERT_TRUE(until([&] { return at_here.packets.size() == before + 1; }));
    EXPECT_EQ(at_here.packets.back(), *ping());
  }
  EXPECT_TRUE(at_here.troubles.empty());
}

TEST_F(BusTest, OfTooManyStrangersTheOldestGo) {
  here.set({.max_strangers = 3});
  at_here.on_packet = [&](BusKey link) { here.vouch(link); };
  const Stranger member(loop, port, *ping());
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 1; }));
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (int i = 0; i < 5; ++i) {
    strangers.push_back(std::make_unique<Stranger>(loop, port, std::string_view()));
    ASSERT_TRUE(until([&] { return at_here.inbound.size() == strangers.size() + 1; }));
  }
  EXPECT_EQ(here.stranger_count(), 3U);
  EXPECT_EQ(here.link_count(), 4U) << "a member's link is none of them";
  EXPECT_THAT(at_here.troubles, ElementsAre(BusTrouble::kCrowdedOut, BusTrouble::kCrowdedOut));
  const auto first = std::to_string(at_here.inbound[1]);
  const auto second = std::to_string(at_here.inbound[2]);
  EXPECT_THAT(at_here.happened, ElementsAre("trouble " + first, "down " + first, "trouble " + second, "down " + second));
}

TEST_F(BusTest, WhoNamesNoMemberForLongIsCut) {
  here.set({.strangers_patience = 2000ms});
  at_here.on_packet = [&](BusKey link) { here.vouch(link); };
  const Stranger member(loop, port, *ping());
  const Stranger stranger(loop, port, {});
  ASSERT_TRUE(until([&] { return at_here.packets.size() == 1 && here.link_count() == 2; }));
  const MonoTime now = read_boot_clock();
  here.tick(now + 1000ms);
  EXPECT_EQ(here.link_count(), 2U);
  here.tick(now + 2001ms);
  EXPECT_EQ(here.link_count(), 1U);
  EXPECT_EQ(here.stranger_count(), 0U);
  EXPECT_THAT(at_here.troubles, ElementsAre(BusTrouble::kNoMember));
}

TEST_F(BusTest, LinksLeaveDescriptorsForClients) {
  here.set({.max_links = 3});
  at_here.on_packet = [&](BusKey link) { here.vouch(link); };
  std::vector<std::unique_ptr<Stranger>> members;
  for (std::size_t i = 1; i <= 3; ++i) {
    members.push_back(std::make_unique<Stranger>(loop, port, *ping()));
    ASSERT_TRUE(until([&] { return at_here.packets.size() == i; }));
  }
  Stranger late(loop, port, {});
  bool cut = false;
  char byte = 0;
  late.socket.async_read_some(asio::buffer(&byte, 1), [&](const asio::error_code& error, std::size_t) { cut = bool(error); });
  EXPECT_TRUE(until([&] { return cut; }));
  EXPECT_EQ(here.link_count(), 3U);
  here.open(2, "127.0.0.1", port);
  EXPECT_TRUE(until([&] { return !at_here.happened.empty(); }));
  EXPECT_THAT(at_here.happened, ElementsAre("down 2"));
}

TEST_F(BusTest, StrangersAreHeardSoMuchInATick) {
  std::string flood;
  for (std::size_t i = 0; i < 3 * Bus::kStrangersPacketsPerTick; ++i) flood += *ping();
  Stranger stranger(loop, port, {});
  std::thread sender([&] { stranger.send(flood); });
  ASSERT_TRUE(until([&] { return at_here.packets.size() >= Bus::kStrangersPacketsPerTick; }));
  for (int i = 0; i < 20; ++i) {
    loop.run_one_for(5ms);
    loop.restart();
  }
  EXPECT_LE(at_here.packets.size(), Bus::kStrangersPacketsPerTick + 64);
  // A member is heard meanwhile; and the rest is, tick by tick.
  there.open(2, "127.0.0.1", port);
  there.send(2, long_ping(5000), true);
  at_here.on_packet = [&](BusKey link) {
    if (link == at_here.inbound.back()) here.vouch(link);
  };
  ASSERT_TRUE(until([&] { return at_here.packets.back() == *long_ping(5000); }));
  ASSERT_TRUE(until([&] {
    here.tick(read_boot_clock());
    return at_here.packets.size() == 3 * Bus::kStrangersPacketsPerTick + 1;
  }));
  sender.join();
}

// A peer that accepts and never reads.
class DeafPeer : public BusTest {
 protected:
  tcp::acceptor deaf{loop, {asio::ip::make_address_v4("127.0.0.1"), 0}};

  void fill(std::uint64_t bytes) {
    there.open(2, "127.0.0.1", deaf.local_endpoint().port());
    ASSERT_TRUE(until([&] { return !at_there.happened.empty(); }));
    const auto packet = message(1 << 20);
    std::uint64_t most = 0;
    for (std::uint64_t sent = 0; sent < bytes && there.link_count() > 0; sent += packet->size()) {
      there.send(2, packet, false);
      most = std::max(most, there.memory());
      loop.poll();
      loop.restart();
    }
    most_memory = most;
  }
  std::uint64_t most_memory = 0;
};

TEST_F(DeafPeer, IsCutAtTheLimit) {
  there.set({.send_limit = 4 << 20});
  fill(64 << 20);
  EXPECT_THAT(at_there.happened, ElementsAre("up 2", "trouble 2", "down 2"));
  EXPECT_EQ(there.links_over_limit(), 1U);
  EXPECT_LE(most_memory, 6U << 20);
  EXPECT_EQ(there.memory(), 0U);
}

TEST_F(DeafPeer, IsCutWithoutALimitToo) {
  fill(256 << 20);
  EXPECT_THAT(at_there.happened, ElementsAre("up 2", "trouble 2", "down 2"));
  EXPECT_EQ(there.links_over_limit(), 1U);
  EXPECT_LE(most_memory, Bus::kMaxUnsent + (2 << 20));
}

// One who asks and asks and never reads is owed little; and many of them not much more.
TEST_F(BusTest, StrangersAreOwedLittle) {
  at_here.on_packet = [&](BusKey link) {
    for (int i = 0; i < 40; ++i) here.send(link, long_ping(100'000), true);
  };
  std::vector<std::unique_ptr<Stranger>> strangers;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    strangers.push_back(std::make_unique<Stranger>(loop, port, std::string_view()));
    strangers.back()->socket.set_option(tcp::socket::receive_buffer_size(4096));
    strangers.back()->send(*ping());
    ASSERT_TRUE(until([&] { return at_here.packets.size() == i + 1; }));
    most = std::max(most, here.buffered());
  }
  EXPECT_TRUE(until([&] { return here.links_over_limit() == 40; }));
  EXPECT_LE(most, Bus::kMaxUnsentToStrangers + (1 << 20));
  EXPECT_TRUE(until([&] { return here.link_count() == 0; }));
  EXPECT_EQ(here.buffered(), 0U);
}

TEST_F(BusTest, OnePacketAlwaysFindsRoom) {
  at_here.on_packet = [&](BusKey link) { here.send(link, long_ping(1'500'000), true); };
  there.open(2, "127.0.0.1", port);
  there.send(2, ping(), true);
  ASSERT_TRUE(until([&] { return at_there.packets.size() == 1; }));
  EXPECT_EQ(here.links_over_limit(), 0U);
}

TEST_F(BusTest, NothingHappensAfterStop) {
  there.open(2, "127.0.0.1", port);
  ASSERT_TRUE(until([&] { return here.link_count() == 1 && !at_there.happened.empty(); }));
  here.stop();
  EXPECT_EQ(here.link_count(), 0U);
  ASSERT_TRUE(until([&] { return at_there.happened.size() == 2; }));
  EXPECT_TRUE(at_here.happened.empty());
}

TEST_F(BusTest, AProbeGetsOneAnswer) {
  at_here.on_packet = [&](BusKey link) { here.send(link, ping(), true); };
  std::optional<std::string> answer;
  std::atomic<bool> done = false;
  std::thread asker([&] {
    answer = ask_bus({.host = "127.0.0.1", .port = port, .packet = *ping(), .timeout = 5000ms});
    done = true;
  });
  EXPECT_TRUE(until([&] { return done.load(); }));
  asker.join();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(*answer, *ping());
}

TEST(BusProbe, SilenceIsNoAnswer) {
  asio::io_context loop;
  tcp::acceptor deaf(loop, {asio::ip::make_address_v4("127.0.0.1"), 0});
  EXPECT_FALSE(ask_bus({.host = "127.0.0.1", .port = deaf.local_endpoint().port(), .packet = *ping(), .timeout = 50ms}));
  EXPECT_FALSE(ask_bus({.host = "127.0.0.1", .port = free_port(), .packet = *ping(), .timeout = 5000ms}));
}

TEST(BusProbe, AddressesOfABind) {
  EXPECT_THAT(listening_ips({"127.0.0.5", "-::1"}), ElementsAre("127.0.0.5", "::1"));
  EXPECT_THAT(listening_ips({"*"}), testing::Contains("127.0.0.1"));
}

}  // namespace
}  // namespace skein
