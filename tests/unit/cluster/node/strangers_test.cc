// What anybody who reaches the bus can send in a member's name, and how little comes of it: nodes
// that are only named, FORGET that is only heard, and MEET by the thousand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include <fmt/format.h>

#include <skein/cluster/bus/packet.h>

#include "bans.h"
#include "handshake_places.h"
#include "hearsay_rate.h"
#include "loopback.h"
#include "packet_drops.h"

namespace skein {
namespace {

using namespace std::chrono_literals;

NodeId invented(std::uint64_t number) { return *NodeId::parse(fmt::format("{:040x}", 0xabc000000 + number)); }

// A packet as this member might have sent it, checksum and all: nothing in it is secret.
PacketHeader header_of(Loopback& net, std::size_t member, MessageType type) {
  const Node& self = net.node(member).topology().self();
  static std::map<std::size_t, SlotBitmap> slots;
  slots[member] = net.node(member).topology().slots_of(kSelf);
  PacketHeader header;
  header.type = type;
  header.sender = self.id;
  header.current_epoch = net.node(member).current_epoch();
  header.config_epoch = self.config_epoch;
  header.slots = slots[member].wire();
  header.port = self.address.port;
  header.bus_port = self.address.bus_port;
  header.flags = self.flags;
  header.flags.clear(NodeFlag::kMyself);
  header.understands_extensions = true;
  return header;
}

GossipEntry said(const NodeId& id, std::uint16_t bus_port) {
  return {.id = id, .ip = "127.0.0.1", .port = 25000, .bus_port = bus_port, .flags = NodeFlag::kPrimary};
}

std::string forget_packet(Loopback& net, std::size_t as, std::span<const ForgottenNode> forgotten) {
  return encode_heartbeat(header_of(net, as, MessageType::kPing), {}, {.hostname = {}, .forgotten = forgotten, .open_slots = {}});
}

std::size_t handshakes(Loopback& net, std::size_t of) {
  std::size_t count = 0;
  net.node(of).topology().for_each_node([&](NodeIndex, const Node& node) { count += node.in_handshake() ? 1 : 0; });
  return count;
}

TEST(Hearsay, OnePacketOfThousandsOfNamesIsOfLittleConsequence) {
  Loopback net(3);
  net.form(3);
  std::vector<GossipEntry> gossip;
  for (std::uint16_t i = 0; i < 5200; ++i) gossip.push_back(said(invented(i), static_cast<std::uint16_t>(35000 + i % 400)));
  net.tell(1, 0, encode_heartbeat(header_of(net, 1, MessageType::kPing), gossip, {}));
  EXPECT_LE(net.node(0).topology().node_count(), 3u + 64);
  EXPECT_GT(net.node(0).topology().node_count(), 3u) << "they are asked";
  net.node(0).save_config(net.now());
  net.run_for(20s);
  EXPECT_EQ(net.node(0).doctor_text(net.now()).find("(00000000)"), std::string::npos) << "operators have no use for it";
  EXPECT_EQ(net.host(0).saved.find("abc000"), std::string::npos) << "nothing of it is saved";
  EXPECT_EQ(net.node(1).topology().node_count(), 3u) << "nor told on";
  EXPECT_EQ(net.node(2).topology().node_count(), 3u);
  net.run_for(60s);
  EXPECT_EQ(net.node(0).topology().node_count(), 3u) << "and it ends";
}

TEST(Hearsay, WhoAnswersWhereItIsSaidToBeIsAMember) {
  Loopback net(4);
  net.form(3);
  ASSERT_TRUE(net.node(3).reset({}, net.now()));
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(net.node(i).forget(net.id(3), net.now()));
  net.run_for(70s);  // the ban is over
  ASSERT_EQ(net.node(0).topology().node_count(), 3u);
  const GossipEntry entry = said(net.node(3).id(), 17003);
  net.tell(1, 0, encode_heartbeat(header_of(net, 1, MessageType::kPing), {&entry, 1}, {}));
  EXPECT_NE(net.host(0).saved.find(net.id(3)), std::string::npos);
  net.run_for(5s);
  EXPECT_EQ(net.node(1).topology().node_count(), 4u) << "it is told on";
}

TEST(Hearsay, AnInventedNodeThatSpeaksIsNotBelieved) {
  Loopback net(3);
  net.form(3);
  const NodeId fake = invented(7);
  const GossipEntry entry = said(fake, 35001);
  net.tell(1, 0, encode_heartbeat(header_of(net, 1, MessageType::kPing), {&entry, 1}, {}));
  ASSERT_FALSE(net.node(0).topology().find(fake).is_none());
  auto header = header_of(net, 1, MessageType::kPing);
  header.sender = fake;
  header.config_epoch = {900};
  header.current_epoch = {900};
  const std::string all(SlotBitmap::kBytes, '\xff');
  header.slots = all;
  const LinkId link = LinkId::inbound(990);
  for (const auto type : {MessageType::kPing, MessageType::kPong, MessageType::kMeet}) {
    header.type = type;
    net.node(0).on_packet({link, "127.0.0.1", "127.0.0.1"}, encode_heartbeat(header, {}, {}), net.now());
  }
  net.node(0).on_packet({link, "127.0.0.1", "127.0.0.1"}, encode_update(header_of(net, 1, MessageType::kUpdate), {fake, {901}, all}),
                        net.now());
  net.pump();
  EXPECT_EQ(net.node(0).topology().self().slot_count, 5461);
  EXPECT_EQ(net.node(0).current_epoch().value, 3u);
  EXPECT_FALSE(net.node(0).knows_link(link)) << "it may send no large packets";
  EXPECT_EQ(net.host(0).saved.find(fake.str()), std::string::npos);
}

TEST(Hearsay, WhoseAddressIsAnothersIsDroppedAtOnce) {
  Loopback net(3);
  net.form(3);
  std::vector<GossipEntry> gossip;
  for (std::uint64_t i = 0; i < 40; ++i) gossip.push_back(said(invented(i), 17002));
  net.tell(1, 0, encode_heartbeat(header_of(net, 1, MessageType::kPing), gossip, {}));
  EXPECT_EQ(net.node(0).topology().node_count(), 3u);
  EXPECT_EQ(net.node(0).nodes_text(net.now()).find("noaddr"), std::string::npos);
}

// Whatever refers to it: what is saved can be read.
TEST(Hearsay, AReplicaOfANodeThatIsOnlyNamedIsSavedWithoutIt) {
  Loopback net(3);
  net.form(2);
  const NodeId fake = invented(7);
  const GossipEntry entry = said(fake, 35001);
  net.tell(1, 0, encode_heartbeat(header_of(net, 1, MessageType::kPing), {&entry, 1}, {}));
  auto header = header_of(net, 2, MessageType::kPing);
  header.flags = NodeFlag::kReplica;
  header.replica_of = fake;
  net.tell(2, 0, encode_heartbeat(header, {}, {}));
  EXPECT_TRUE(net.view(0, 2).is_replica());
  EXPECT_EQ(net.host(0).saved.find(fake.str()), std::string::npos);
  EXPECT_TRUE(parse_nodes_conf(net.host(0).saved));
}

TEST(Hearsay, ComesAsFastAsACluster) {
  HearsayRate rate;
  MonoTime now{1h};
  const auto take_all = [&] {
    std::int64_t taken = 0;
    while (rate.take(now)) ++taken;
    return taken;
  };
  EXPECT_EQ(take_all(), HearsayRate::kBurst);
  now += 999ms;
  EXPECT_EQ(take_all(), 0);
  now += 1ms;
  EXPECT_EQ(take_all(), HearsayRate::kPerSecond);
  now += 1h;
  EXPECT_EQ(take_all(), HearsayRate::kBurst);
}

TEST(HeardForget, LeavesAPrimaryThatServesItsSlots) {
  Loopback net(4);
  net.form(3);
  const ForgottenNode victim{net.node(2).id(), 60};
  net.tell(1, 0, forget_packet(net, 1, {&victim, 1}));
  EXPECT_EQ(net.node(0).topology().node_count(), 4u);
  EXPECT_EQ(net.view(0, 2).slot_count, 5462);
  net.run_for(5s);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(net.node(i).state(), ClusterState::kOk) << i;
}

// A forged FAIL before it makes no difference.
TEST(HeardForget, NeitherOneThatIsOnlySaidToHaveFailed) {
  Loopback net(4);
  net.form(3);
  net.tell(1, 0, encode_fail(header_of(net, 1, MessageType::kFail), net.node(2).id()));
  ASSERT_TRUE(net.view(0, 2).has_failed());
  const ForgottenNode victim{net.node(2).id(), 60};
  net.tell(1, 0, forget_packet(net, 1, {&victim, 1}));
  EXPECT_EQ(net.view(0, 2).slot_count, 5462);
}

TEST(HeardForget, TakesOneThatHasFailed) {
  Loopback net(4);
  net.form(3);
  const auto id = net.node(2).id();
  net.crash(2);
  net.run_for(6s);
  ASSERT_TRUE(net.node(0).topology().node(net.node(0).topology().find(id)).has_failed());
  const ForgottenNode victim{id, 60};
  net.tell(1, 0, forget_packet(net, 1, {&victim, 1}));
  EXPECT_TRUE(net.node(0).topology().find(id).is_none());
}

TEST(HeardForget, EndsWithItsTime) {
  Loopback net(4);
  net.form(3);
  const auto id = net.node(3).id();  // it has no slots
  const ForgottenNode victim{id, 60};
  for (std::size_t i = 0; i < 3; ++i) net.tell((i + 1) % 3, i, forget_packet(net, (i + 1) % 3, {&victim, 1}));
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(net.node(i).topology().find(id).is_none()) << i;
  net.run_for(50s);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(net.node(i).topology().find(id).is_none()) << i;
  net.run_for(25s);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(net.node(i).topology().find(id).is_none()) << i;
    EXPECT_NE(net.host(i).saved.find(id.str()), std::string::npos) << i;
  }
}

TEST(HeardForget, OneThatWasForgottenByCommandStaysOut) {
  Loopback net(4);
  net.form(3);
  const auto id = net.id(3);
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(net.node(i).forget(id, net.now())) << i;
  net.run_for(150s);  // it pings all the time
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(net.node(i).topology().node_count(), 3u) << i;
}

// As in redis: of one that is up and has slots the others go on to tell.
TEST(HeardForget, TheCommandTypedAtOneNodeOfALivePrimaryEndsByItself) {
  Loopback net(3);
  net.form(3);
  ASSERT_TRUE(net.node(0).forget(net.id(2), net.now()));
  net.run_for(10s);
  EXPECT_EQ(net.node(0).topology().node_count(), 2u);
  EXPECT_EQ(net.node(1).topology().node_count(), 3u);
  net.run_for(60s);
  EXPECT_EQ(net.node(0).topology().node_count(), 3u);
  EXPECT_EQ(net.node(0).state(), ClusterState::kOk);
}

TEST(Bans, OfThoseThatAreHeardThereAreFew) {
  Bans bans;
  const MonoTime now{1h};
  for (std::uint64_t i = 0; i < 1000; ++i) (void)bans.hear(invented(i), now, 60s, std::nullopt);
  EXPECT_EQ(bans.to_tell(now).size(), Bans::kMaxHeard);
  EXPECT_FALSE(bans.hear(invented(1001), now, 60s, NodeAddress{"10.0.0.1", 7000, 0, 17000})) << "so it is not forgotten";
  bans.command(invented(2000), now);
  EXPECT_TRUE(bans.has(invented(2000), now)) << "a command always finds room";
  EXPECT_TRUE(bans.hear(invented(1001), now + 61s, 60s, std::nullopt));
}

TEST(Bans, WhoComesBack) {
  Bans bans;
  const MonoTime now{1h};
  const NodeAddress there{"10.0.0.1", 7000, 0, 17000};
  ASSERT_TRUE(bans.hear(invented(1), now, 60s, there));
  EXPECT_FALSE(bans.lets_back(invented(1), there, now + 59s));
  EXPECT_TRUE(bans.lets_back(invented(1), there, now + 60s));
  EXPECT_FALSE(bans.lets_back(invented(1), {"10.0.0.2", 7000, 0, 17000}, now + 60s));
  EXPECT_FALSE(bans.lets_back(invented(2), there, now + 60s)) << "nobody has forgotten it";
  bans.command(invented(1), now);
  EXPECT_FALSE(bans.lets_back(invented(1), there, now + 200s));
}

TEST(Meets, AFloodOfInventedAddressesLeavesOthersTheirPlaces) {
  Loopback net(3);
  net.form(2);
  ASSERT_TRUE(net.node(2).reset({}, net.now()));
  ASSERT_TRUE(net.node(0).forget(net.id(2), net.now()));
  std::uint64_t number = 0;
  const auto flood = [&](int packets) {
    for (int i = 0; i < packets; ++i) {
      auto header = header_of(net, 1, MessageType::kMeet);
      header.sender = invented(++number);
      const auto ip = fmt::format("127.0.{}.{}", number / 250 % 250, 2 + number % 250);
      header.ip = ip;
      header.bus_port = static_cast<std::uint16_t>(1 + number % 60000);
      net.node(0).on_packet({LinkId::inbound(700), "127.0.0.1", "127.0.0.1"}, encode_heartbeat(header, {}, {}), net.now());
    }
  };
  flood(2000);
  EXPECT_EQ(handshakes(net, 0), HandshakePlaces::kPerOrigin);
  net.meet(2, 0);
  flood(2000);
  net.run_for(3s);
  EXPECT_FALSE(net.node(0).topology().find(net.node(2).id()).is_none()) << "a true one got through";
  net.run_for(3s);
  EXPECT_EQ(handshakes(net, 0), 0u);
  std::size_t lines = 0;
  for (const auto& event : net.seen<LogEvent>(0)) lines += event.text.find("Handshake with") != std::string::npos ? 1 : 0;
  EXPECT_LE(lines, 5u);
}

// A check that redis lacks must not look like a broken network.
TEST(Drops, AreToldOnceAPeer) {
  Loopback net(2);
  net.form(1);
  const auto told = [&](std::size_t of, std::string_view what) {
    std::size_t lines = 0;
    for (const auto& event : net.seen<LogEvent>(of)) {
      lines += event.level >= EventLevel::kNotice && event.text.find(what) != std::string::npos ? 1 : 0;
    }
    return lines;
  };
  auto header = header_of(net, 1, MessageType::kPing);
  auto malformed = encode_heartbeat(header, {}, {}, false);
  malformed[2252] = 7;  // a state of the cluster that there is not
  for (int i = 0; i < 100; ++i) {
    net.tell(1, 0, malformed);
    net.run_for(100ms);
  }
  EXPECT_EQ(told(0, "was dropped: unknown cluster state"), 1u);
  EXPECT_THAT(net.node(0).doctor_text(net.now()), testing::HasSubstr("A packet of 127.0.0.1:7001 ("));
  // Who is no member is heard of once a second, and not by CLUSTER DOCTOR.
  const auto before = net.node(0).doctor_text(net.now());
  for (int i = 0; i < 100; ++i) {
    const auto ip = fmt::format("10.0.0.{}", i);
    malformed.replace(40, 40, invented(static_cast<std::uint64_t>(i)).view());
    net.node(0).on_packet({LinkId::inbound(800), ip, "127.0.0.1"}, malformed, net.now());
    net.pump();
  }
  EXPECT_EQ(told(0, "where no member is known"), 1u);
  EXPECT_EQ(net.node(0).doctor_text(net.now()), before);
}

TEST(Drops, ThoseOfMembersStay) {
  PacketDrops drops;
  const MonoTime now{1h};
  EXPECT_TRUE(drops.note("member", true, "reason", now));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(drops.note(fmt::format("10.0.0.{}", i), false, "reason", now));
  EXPECT_FALSE(drops.note("member", true, "reason", now + 30min));
  EXPECT_FALSE(drops.note("member", true, "reason", now + 60min));
  EXPECT_TRUE(drops.note("member", true, "other", now));
  for (int i = 0; i < 100; ++i) (void)drops.note(fmt::format("m{}", i), true, "reason", now + 60min);
  EXPECT_FALSE(drops.note("stranger", false, "reason", now + 60min)) << "there is enough to look at";
  EXPECT_TRUE(drops.note("member", true, "reason", now + 3h));
}

// Numbers are not used up by packets that anybody can send.
TEST(Epochs, LeapOnceASecond) {
  Loopback net(2);
  net.form(1);
  auto header = header_of(net, 1, MessageType::kPing);
  const auto leap = [&] {
    header.current_epoch = {net.node(0).current_epoch().value + (1u << 30)};
    net.tell(1, 0, encode_heartbeat(header, {}, {}));
  };
  const auto first = net.node(0).current_epoch().value;
  leap();
  EXPECT_EQ(net.node(0).current_epoch().value, first + (1u << 30));
  for (int i = 0; i < 100; ++i) leap();
  EXPECT_EQ(net.node(0).current_epoch().value, first + (1u << 30));
  net.run_for(1s);
  leap();
  EXPECT_EQ(net.node(0).current_epoch().value, first + (2u << 30));
}

TEST(Meets, PlacesGoToWhoHasFew) {
  HandshakePlaces places;
  std::uint16_t next = 1;
  const auto begin = [&](const std::string& origin) {
    const auto ended = places.choose_to_end(origin);
    if (ended) places.remove(*ended);
    places.add(NodeIndex{next}, origin);
    ++next;
    return ended;
  };
  for (std::size_t i = 0; i < HandshakePlaces::kPerOrigin; ++i) EXPECT_FALSE(begin("a"));
  EXPECT_EQ(begin("a"), NodeIndex{1}) << "its own oldest";
  for (std::size_t i = places.size(); i < HandshakePlaces::kInAll; ++i) EXPECT_FALSE(begin(fmt::format("net {}", i % 100)));
  EXPECT_EQ(begin("new"), NodeIndex{2}) << "the oldest of whom has most";
  EXPECT_EQ(places.size(), HandshakePlaces::kInAll);
}

TEST(Meets, WhereOneComesFrom) {
  EXPECT_EQ(handshake_origin("10.0.0.1", "10.0.0.1"), "10.0.0.1");
  EXPECT_NE(handshake_origin("10.0.0.1", "10.0.0.2"), handshake_origin("10.0.0.1", "10.0.0.1"));
  EXPECT_EQ(handshake_origin("10.0.0.1", "10.0.0.2"), handshake_origin("10.0.0.1", "10.0.0.3"));
  EXPECT_EQ(handshake_origin("2001:db8::1", "2001:db8::1"), handshake_origin("2001:db8::ffff:2", "2001:db8::ffff:2"));
  EXPECT_NE(handshake_origin("2001:db8::1", "2001:db8::1"), handshake_origin("2001:db8:0:1::1", "2001:db8:0:1::1"));
}

}  // namespace
}  // namespace skein
