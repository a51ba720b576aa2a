#include <skein/cluster/bus/packet.h>

#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include <skein/base/checksums.h>
#include <skein/base/random.h>

namespace skein {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// Packets of a real redis-server, by name.
std::map<std::string, std::string> redis_packets() {
  std::map<std::string, std::string> packets;
  std::ifstream file(SKEIN_SOURCE_DIR "/tests/unit/cluster/bus/redis_7_0_15_packets.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name;
    std::string word;
    words >> name;
    while (words >> word) {
      const auto star = word.find('*');
      if (star == std::string::npos) {
        packets[name] += from_hex(word);
      } else {
        packets[name] += std::string(std::stoul(word.substr(star + 1)), from_hex(word.substr(0, 2))[0]);
      }
    }
  }
  return packets;
}

std::string redis_packet(const std::string& name) { return redis_packets().at(name); }

Packet decoded(std::string_view bytes) {
  const auto result = decode_packet(bytes);
  if (const auto* fault = std::get_if<PacketFault>(&result)) {
    ADD_FAILURE() << packet_fault_name(*fault);
    return {};
  }
  return std::get<Packet>(result);
}

std::optional<PacketFault> fault_of(std::string_view bytes) {
  const auto result = decode_packet(bytes);
  const auto* fault = std::get_if<PacketFault>(&result);
  return fault ? std::optional(*fault) : std::nullopt;
}

NodeId id_of(char c) { return *NodeId::parse(std::string(40, c)); }

SlotBitmap some_slots() {
  SlotBitmap slots;
  slots.set({3});
  slots.set({16383});
  return slots;
}

PacketHeader header_of(MessageType type, const SlotBitmap& slots) {
  PacketHeader header;
  header.type = type;
  header.sender = id_of('a');
  header.current_epoch = {0x0102030405060708 >> 8};
  header.config_epoch = {7};
  header.offset = {99};
  header.slots = slots.wire();
  header.ip = "10.1.2.3";
  header.port = 7000;
  header.plain_port = 6000;
  header.bus_port = 17000;
  header.flags = NodeFlag::kPrimary | NodeFlag::kMyself;
  header.state_ok = true;
  header.understands_extensions = true;
  return header;
}

std::string ping_bytes(bool mark = true) {
  const auto slots = some_slots();
  GossipEntry entry;
  entry.id = id_of('b');
  entry.ping_sent_seconds = 5;
  entry.pong_received_seconds = 6;
  entry.ip = "::1";
  entry.port = 7001;
  entry.bus_port = 17001;
  entry.plain_port = 6001;
  entry.flags = NodeFlag::kReplica;
  const ForgottenNode gone{id_of('f'), 60};
  return encode_heartbeat(header_of(MessageType::kPing, slots), {&entry, 1}, {.hostname = "host.example", .forgotten = {&gone, 1}},
                          mark);
}

void put(std::string& bytes, std::size_t at, std::string_view value) { bytes.replace(at, value.size(), value); }

TEST(Packet, FieldsLieWhereRedisHasThem) {
  const auto b = ping_bytes();
  ASSERT_EQ(b.size(), 2256u + 104 + 24 + 56);
  EXPECT_EQ(b.substr(0, 4), "RCmb");
  EXPECT_EQ(b.substr(4, 4), std::string("\0\0\x09\x88", 4));
  EXPECT_EQ(b.substr(8, 2), std::string("\0\1", 2));
  EXPECT_EQ(b.substr(10, 2), "\x1b\x58");
  EXPECT_EQ(b.substr(12, 2), std::string("\0\0", 2));
  EXPECT_EQ(b.substr(14, 2), std::string("\0\1", 2));
  EXPECT_EQ(b.substr(16, 8), std::string("\0\1\2\3\4\5\6\7", 8));
  EXPECT_EQ(b.substr(24, 8), std::string("\0\0\0\0\0\0\0\7", 8));
  EXPECT_EQ(b.substr(32, 8), std::string("\0\0\0\0\0\0\0\x63", 8));
  EXPECT_EQ(b.substr(40, 40), std::string(40, 'a'));
  EXPECT_EQ(b[80], '\x08');
  EXPECT_EQ(b[80 + 2047], '\x80');
  EXPECT_EQ(b.substr(2128, 40), std::string(40, '\0'));
  EXPECT_EQ(b.substr(2168, 9), std::string("10.1.2.3\0", 9));
  EXPECT_EQ(b.substr(2214, 2), std::string("\0\2", 2));
  EXPECT_EQ(b.substr(2216, 4), "SkCR");
  EXPECT_EQ(b.substr(2224, 22), std::string(22, '\0'));
  EXPECT_EQ(b.substr(2246, 2), "\x17\x70");
  EXPECT_EQ(b.substr(2248, 2), "\x42\x68");
  EXPECT_EQ(b.substr(2250, 2), std::string("\0\x11", 2));
  EXPECT_EQ(b[2252], '\0');
  EXPECT_EQ(b.substr(2253, 3), std::string("\4\0\0", 3));
  EXPECT_EQ(b.substr(2256, 40), std::string(40, 'b'));
  EXPECT_EQ(b.substr(2256 + 40, 8), std::string("\0\0\0\5\0\0\0\6", 8));
  EXPECT_EQ(b.substr(2256 + 48, 4), std::string("::1\0", 4));
  EXPECT_EQ(b.substr(2256 + 94, 10), std::string("\x1b\x59\x42\x69\0\2\x17\x71\0\0", 10));
  EXPECT_EQ(b.substr(2360, 24), std::string("\0\0\0\x18\0\0\0\0host.example\0\0\0\0", 24));
  EXPECT_EQ(b.substr(2384, 8), std::string("\0\0\0\x38\0\2\0\0", 8));
  EXPECT_EQ(b.substr(2392, 40), std::string(40, 'f'));
  EXPECT_EQ(b.substr(2432, 8), std::string("\0\0\0\0\0\0\0\x3c", 8));
}

TEST(Packet, HeartbeatThereAndBack) {
  const auto bytes = ping_bytes();
  const auto packet = decoded(bytes);
  EXPECT_EQ(packet.type, MessageType::kPing);
  EXPECT_TRUE(packet.marked);
  EXPECT_EQ(packet.sender, id_of('a'));
  EXPECT_EQ(packet.slots, some_slots().wire());
  EXPECT_TRUE(packet.replica_of.is_none());
  EXPECT_EQ(packet.ip, "10.1.2.3");
  EXPECT_EQ(packet.port, 7000);
  EXPECT_EQ(packet.plain_port, 6000);
  EXPECT_EQ(packet.bus_port, 17000);
  EXPECT_TRUE(packet.state_ok);
  EXPECT_EQ(packet.hostname, "host.example");
  ASSERT_EQ(packet.gossip_count, 1u);
  const auto entry = packet.gossip(0);
  EXPECT_EQ(entry.id, id_of('b'));
  EXPECT_EQ(entry.ip, "::1");
  EXPECT_EQ(entry.port, 7001);
  EXPECT_EQ(entry.bus_port, 17001);
  EXPECT_EQ(entry.plain_port, 6001);
  EXPECT_EQ(entry.flags, NodeFlags(NodeFlag::kReplica));
  std::vector<NodeId> forgotten;
  packet.for_each_forgotten([&](const ForgottenNode& node) {
    forgotten.push_back(node.id);
    EXPECT_EQ(node.ban_seconds, 60u);
  });
  EXPECT_EQ(forgotten, std::vector{id_of('f')});
}

std::vector<ShownSlot> open_slots_of(const Packet& packet) {
  std::vector<ShownSlot> open;
  packet.for_each_open_slot([&](const ShownSlot& slot) { open.push_back(slot); });
  return open;
}

std::string ping_with_open_slots() {
  const auto slots = some_slots();
  const ShownSlot open[] = {{Slot{7}, false, id_of('b')},
                            {Slot{16383}, false, id_of('b')},
                            {Slot{0}, false, id_of('b')},
                            {Slot{258}, true, id_of('b')},
                            {Slot{9}, true, id_of('c')}};
  return encode_heartbeat(header_of(MessageType::kPing, slots), {}, {.hostname = {}, .forgotten = {}, .open_slots = open});
}

TEST(Packet, OpenSlotsThereAndBack) {
  const auto bytes = ping_with_open_slots();
  const auto packet = decoded(bytes);
  EXPECT_EQ(open_slots_of(packet), (std::vector<ShownSlot>{{Slot{7}, false, id_of('b')},
                                                           {Slot{16383}, false, id_of('b')},
                                                           {Slot{0}, false, id_of('b')},
                                                           {Slot{258}, true, id_of('b')},
                                                           {Slot{9}, true, id_of('c')}}));
  // A run of slots with one other end is one extension, filled up to a multiple of eight.
  EXPECT_EQ(bytes.substr(2214, 2), std::string("\0\3", 2));
  ASSERT_EQ(bytes.size(), 2256u + (8 + 48 + 8) * 3);
  EXPECT_EQ(bytes.substr(2256, 8), std::string("\0\0\0\x40\x53\1\0\0", 8));
  EXPECT_EQ(bytes.substr(2264, 40), std::string(40, 'b'));
  EXPECT_EQ(bytes.substr(2304, 8), std::string("\0\0\0\0\0\0\0\3", 8));
  EXPECT_EQ(bytes.substr(2312, 8), std::string("\0\7\x3f\xff\0\0\0\0", 8));
  EXPECT_TRUE(open_slots_of(decoded(ping_bytes())).empty());
}

TEST(Packet, OpenSlotsThatCannotBeAreRefused) {
  const auto with = [](std::size_t at, std::string_view value) {
    const auto slots = some_slots();
    const ShownSlot open[] = {{Slot{7}, false, id_of('b')}};
    auto bytes = encode_heartbeat(header_of(MessageType::kPing, slots), {},
                                  {.hostname = {}, .forgotten = {}, .open_slots = open}, false);
    put(bytes, at, value);
    return bytes;
  };
  EXPECT_EQ(fault_of(with(2312, std::string_view("\x40\0", 2))), PacketFault::kExtension) << "slot 16384";
  EXPECT_EQ(fault_of(with(2308, std::string_view("\0\0\0\5", 4))), PacketFault::kExtension) << "more than there are";
  EXPECT_EQ(fault_of(with(2308, std::string_view("\x80\0\0\1", 4))), PacketFault::kExtension) << "a count that overflows";
  EXPECT_EQ(fault_of(with(2308, std::string_view("\0\0\0\0", 4))), PacketFault::kExtension) << "fewer than there are";
  EXPECT_EQ(fault_of(with(2304, "\2")), PacketFault::kExtension) << "neither comes nor goes";
  EXPECT_EQ(fault_of(with(2264, "?")), PacketFault::kExtension) << "no id";
}

TEST(Packet, ReadsWhatRedisSends) {
  const auto packets = redis_packets();
  for (const auto& [name, bytes] : packets) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(decoded(bytes).marked);
  }

  const auto meet = decoded(packets.at("meet_with_hostname"));
  EXPECT_EQ(meet.type, MessageType::kMeet);
  EXPECT_EQ(meet.hostname, "host-0.example");
  EXPECT_EQ(meet.port, 17310);
  EXPECT_EQ(meet.bus_port, 37310);
  EXPECT_FALSE(meet.state_ok);

  const auto pong = decoded(packets.at("replica_pong_with_gossip"));
  EXPECT_EQ(pong.replica_of.view(), "6d1ec9247f4680e3a5c1966b8c844a4b443381e6");
  EXPECT_EQ(pong.gossip(0).ip, "127.0.0.1");
  EXPECT_EQ(SlotBitmap::from_wire(pong.slots).count(), 5000u) << "its primary's: 5001-10000";
  EXPECT_TRUE(SlotBitmap::from_wire(pong.slots).has({5001}));

  EXPECT_TRUE(decoded(packets.at("forced_vote_request")).forced);
  EXPECT_TRUE(decoded(packets.at("vote_from_paused_primary")).paused);
  const auto fail = packets.at("fail");
  EXPECT_EQ(std::get<FailBody>(decoded(fail).body).failed.view(), "6a5b91df526e2e70e6fa6f752214a89af541f376");
  const auto publish = packets.at("publish");
  const auto message = std::get<PublishBody>(decoded(publish).body);
  EXPECT_EQ(message.channel, "chan");
  EXPECT_EQ(message.message, "message");
}

TEST(Packet, WritesWhatRedisSends) {
  for (const auto& [name, bytes] : redis_packets()) {
    SCOPED_TRACE(name);
    const auto packet = decoded(bytes);
    const PacketHeader& header = packet;
    std::string again;
    if (const auto* fail = std::get_if<FailBody>(&packet.body)) {
      again = encode_fail(header, fail->failed, false);
    } else if (const auto* publish = std::get_if<PublishBody>(&packet.body)) {
      again = encode_publish(header, *publish, false);
    } else if (packet.type > MessageType::kMeet) {
      again = encode_bare(header, false);
    } else {
      std::vector<GossipEntry> gossip;
      for (std::size_t i = 0; i < packet.gossip_count; ++i) gossip.push_back(packet.gossip(i));
      again = encode_heartbeat(header, gossip, {.hostname = packet.hostname}, false);
    }
    EXPECT_TRUE(again == bytes) << "bytes differ";
  }
}

TEST(Packet, BodiesThereAndBack) {
  const auto slots = some_slots();
  const auto update = encode_update(header_of(MessageType::kUpdate, slots), {id_of('c'), {12}, slots.wire()});
  ASSERT_EQ(update.size(), 2256u + 2096);
  const auto body = std::get<UpdateBody>(decoded(update).body);
  EXPECT_EQ(body.node, id_of('c'));
  EXPECT_EQ(body.config_epoch, Epoch{12});
  EXPECT_EQ(body.slots, slots.wire());

  const auto publish = encode_publish(header_of(MessageType::kPublishShard, slots), {"", "text"});
  EXPECT_EQ(std::get<PublishBody>(decoded(publish).body).message, "text");
  EXPECT_EQ(decoded(encode_bare(header_of(MessageType::kAuthAck, slots))).type, MessageType::kAuthAck);
}

TEST(Packet, AMarkedPacketIsDroppedWhenOneBitChanged) {
  const auto good = ping_bytes();
  Random random{3};
  for (int i = 0; i < 2000; ++i) {
    auto bytes = good;
    const auto at = random.below(bytes.size());
    // A hit on the mark itself makes an unmarked packet; whoever knows the sender drops it.
    if (at >= 2216 && at < 2220) continue;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
    EXPECT_TRUE(fault_of(bytes)) << "byte " << at;
  }
  EXPECT_FALSE(fault_of(ping_bytes(false)));
}

// A container's name, as redis takes it in place of an address.
TEST(Packet, AHostNameIsAnAddressToo) {
  const std::string longest = std::string(kMaxHostText - 4, 'n') + ".svc";
  for (const std::string& host : {std::string("redis-0.redis.svc"), std::string("redis_1"), std::string("::1"), longest}) {
    auto bytes = ping_bytes(false);
    put(bytes, 2168, std::string(46, '\0'));
    put(bytes, 2168, host);
    put(bytes, 2256 + 48, std::string(46, '\0'));
    put(bytes, 2256 + 48, host);
    const auto packet = decoded(bytes);
    EXPECT_EQ(packet.ip, host);
    EXPECT_EQ(packet.gossip(0).ip, host);
  }
}

// Nobody can be reached there: it was something else before it was damaged.
TEST(Packet, ATextNoHostHasIsNoAddress) {
  for (const std::string_view text : {"two words", "a,b", "a@b", "-h", "127.0.0.q", "127.0.0.1.5", "12345", "a\nb", "gr\xc3\xbc"}) {
    auto bytes = ping_bytes(false);
    put(bytes, 2168, std::string(46, '\0'));
    put(bytes, 2168, text);
    EXPECT_EQ(fault_of(bytes), PacketFault::kAddress) << text;
    bytes = ping_bytes(false);
    put(bytes, 2256 + 48, std::string(46, '\0'));
    put(bytes, 2256 + 48, text);
    EXPECT_EQ(decoded(bytes).gossip(0).ip, "") << text;
  }
}

TEST(Packet, AnEntryOfGossipThatMakesNoSenseCostsThatEntryOnly) {
  auto bytes = ping_bytes(false);
  put(bytes, 2256, "x");
  EXPECT_TRUE(decoded(bytes).gossip(0).id.is_none());
  EXPECT_EQ(decoded(bytes).sender, id_of('a'));
  bytes = ping_bytes(false);
  put(bytes, 2256 + 48, std::string(46, '1'));  // not terminated
  EXPECT_EQ(decoded(bytes).gossip(0).id, id_of('b'));
  EXPECT_EQ(decoded(bytes).gossip(0).ip, "");
}

TEST(Packet, RefusesWhatBreaksARule) {
  const auto good = ping_bytes(false);
  const auto with = [&](std::size_t at, std::string_view value) {
    auto bytes = good;
    put(bytes, at, value);
    return fault_of(bytes);
  };
  EXPECT_EQ(fault_of(""), PacketFault::kShort);
  EXPECT_EQ(fault_of(good.substr(0, 2255)), PacketFault::kShort);
  EXPECT_EQ(fault_of(good + "x"), PacketFault::kShort);
  EXPECT_EQ(with(0, "RCmc"), PacketFault::kSignature);
  EXPECT_EQ(with(8, std::string_view("\0\2", 2)), PacketFault::kVersion);
  EXPECT_EQ(with(12, std::string_view("\0\x0b", 2)), PacketFault::kType);
  EXPECT_EQ(with(14, "\xff\xff"), PacketFault::kLength);
  EXPECT_EQ(with(16, "\xff"), PacketFault::kEpoch);
  EXPECT_EQ(with(24, "\x40"), PacketFault::kEpoch);
  EXPECT_EQ(with(32, "\x80"), PacketFault::kEpoch);
  EXPECT_EQ(with(40, "A"), PacketFault::kSender);
  EXPECT_EQ(with(40, std::string(40, '0')), PacketFault::kSender);
  EXPECT_EQ(with(2128, std::string(40, 'b')), PacketFault::kRole) << "a primary of somebody";
  EXPECT_EQ(with(2128, "b"), PacketFault::kRole);
  EXPECT_EQ(with(2250, std::string_view("\0\3", 2)), PacketFault::kRole);
  EXPECT_EQ(with(2250, std::string_view("\0\0", 2)), PacketFault::kRole);
  EXPECT_EQ(with(2168, std::string(46, '1')), PacketFault::kAddress) << "not terminated";
  EXPECT_EQ(with(2248, std::string_view("\0\0", 2)), PacketFault::kAddress);
  EXPECT_EQ(with(2252, "\2"), PacketFault::kState);
  EXPECT_EQ(with(2214, std::string_view("\0\1", 2)), PacketFault::kLength) << "an extension nobody counted";
  EXPECT_EQ(with(2214, std::string_view("\0\3", 2)), PacketFault::kLength);
  EXPECT_EQ(with(2360, "\xff"), PacketFault::kLength);
  EXPECT_EQ(with(2363, std::string_view("\0", 1)), PacketFault::kLength) << "an extension of no length";
  EXPECT_EQ(with(2363, "\x19"), PacketFault::kLength);
  EXPECT_EQ(with(2368, std::string(16, 'x')), PacketFault::kExtension) << "not terminated";
  EXPECT_EQ(with(2368, "a b"), PacketFault::kExtension);
  EXPECT_EQ(with(2392, "x"), PacketFault::kExtension);
  EXPECT_EQ(with(2253, std::string_view("\0", 1)), PacketFault::kLength) << "extensions without their flag";
  EXPECT_EQ(with(2365, "\x09"), std::nullopt) << "an extension of a later version is passed over";

  const auto slots = some_slots();
  auto fail = encode_fail(header_of(MessageType::kFail, slots), id_of('c'), false);
  put(fail, 2256, "-");
  EXPECT_EQ(fault_of(fail), PacketFault::kBody);
  auto publish = encode_publish(header_of(MessageType::kPublish, slots), {"c", "m"}, false);
  put(publish, 2256, "\xff\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_EQ(fault_of(publish), PacketFault::kLength);
  auto update = encode_update(header_of(MessageType::kUpdate, slots), {id_of('c'), {1}, slots.wire()}, false);
  put(update, 2264, "G");
  EXPECT_EQ(fault_of(update), PacketFault::kBody);
}

TEST(Packet, RandomChangesNeverCrash) {
  Random random{17};
  auto packets = redis_packets();
  packets["ours"] = ping_bytes(false);
  packets["open slots"] = ping_with_open_slots();
  for (int round = 0; round < 20000; ++round) {
    auto at = packets.begin();
    std::advance(at, static_cast<long>(random.below(packets.size())));
    auto bytes = at->second;
    for (auto changes = 1 + random.below(8); changes-- > 0;) {
      const auto where = random.one_in(2) ? random.below(bytes.size()) : 2214 + random.below(bytes.size() - 2214);
      bytes[where] = static_cast<char>(random.next());
    }
    if (random.one_in(4)) bytes.resize(random.below(bytes.size() + 1));
    const auto result = decode_packet(bytes);
    if (const auto* packet = std::get_if<Packet>(&result)) {
      for (std::size_t i = 0; i < packet->gossip_count; ++i) static_cast<void>(packet->gossip(i));
      packet->for_each_forgotten([](const ForgottenNode&) {});
      for (const ShownSlot& open : open_slots_of(*packet)) EXPECT_LT(open.slot.value, kSlotCount);
    }
    static_cast<void>(judge_frame(bytes));
  }
}

TEST(Frame, CutsPacketsOutOfAStream) {
  using Kind = Frame::Kind;
  const auto ping = ping_bytes();
  const auto both = ping + redis_packet("fail");
  EXPECT_EQ(judge_frame("").kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame("RC").bytes, 16u);
  EXPECT_EQ(judge_frame("RX").kind, Kind::kBroken);
  EXPECT_EQ(judge_frame("GET / HTTP/1.1").kind, Kind::kBroken);
  EXPECT_EQ(judge_frame(both.substr(0, 16)).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(both.substr(0, 16)).bytes, ping.size());
  EXPECT_EQ(judge_frame(both).kind, Kind::kComplete);
  EXPECT_EQ(judge_frame(both).bytes, ping.size());

  auto lengths = ping;
  put(lengths, 4, std::string_view("\0\0\x08\xcf", 4));
  EXPECT_EQ(judge_frame(lengths).kind, Kind::kBroken) << "2255 is less than a header";
  put(lengths, 4, "\x7f\xff\xff\xff");
  EXPECT_EQ(judge_frame(lengths).kind, Kind::kBroken);
  put(lengths, 12, std::string_view("\0\4", 2));
  EXPECT_EQ(judge_frame(lengths).kind, Kind::kBroken);
  put(lengths, 4, "\x3f\xff\xff\xff");
  EXPECT_EQ(judge_frame(lengths).kind, Kind::kNeedMore) << "a message may be long";
}

TEST(Packet, MoreOpenSlotsThanThereAreAreNone) {
  std::vector<ShownSlot> open;
  const NodeId other = *NodeId::parse(std::string(40, 'c'));
  for (std::uint16_t i = 0; i < kSlotCount; ++i) open.push_back({Slot{i}, false, other});
  PacketHeader header;
  header.sender = *NodeId::parse(std::string(40, 'a'));
  header.bus_port = 17000;
  header.flags = NodeFlag::kPrimary;
  header.understands_extensions = true;
  const auto bytes = [&] { return encode_heartbeat(header, {}, {.hostname = {}, .forgotten = {}, .open_slots = open}); };
  EXPECT_TRUE(std::holds_alternative<Packet>(decode_packet(bytes())));
  open.push_back({Slot{0}, true, other});
  EXPECT_EQ(fault_of(bytes()), PacketFault::kExtension);
}

// Nothing is kept of what would be dropped once it is there.
TEST(Frame, TellsByTheFirstBytesWhatNobodyWants) {
  using Kind = Frame::Kind;
  const auto head = [](std::uint32_t length, std::uint16_t type, std::uint16_t count = 0) {
    std::string bytes = ping_bytes().substr(0, 16);
    for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(length >> (24 - 8 * i));
    for (std::size_t i = 0; i < 2; ++i) bytes[12 + i] = static_cast<char>(type >> (8 - 8 * i));
    for (std::size_t i = 0; i < 2; ++i) bytes[14 + i] = static_cast<char>(count >> (8 - 8 * i));
    return bytes;
  };
  constexpr std::uint32_t kBare = 2256;
  EXPECT_EQ(judge_frame(head(kBare, 5)).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(head(kBare + 1, 5)).kind, Kind::kSkip) << "a vote request has no body";
  EXPECT_EQ(judge_frame(head(7'000'000, 3)).kind, Kind::kSkip) << "nor a FAIL one of megabytes";
  EXPECT_EQ(judge_frame(head(kBare + 40, 3)).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(head(kBare + 2096, 7)).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(head(kBare + 2095, 7)).kind, Kind::kSkip);
  EXPECT_EQ(judge_frame(head(kBare, 300)).kind, Kind::kSkip) << "of a later version perhaps";
  EXPECT_EQ(judge_frame(head(kBare, 300)).bytes, kBare);
  EXPECT_EQ(judge_frame(head(kBare, 0, 1)).kind, Kind::kSkip) << "shorter than its gossip";
  EXPECT_EQ(judge_frame(head(kBare + 104 * 1000, 0, 1000)).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(head(kBare + (2 << 20), 0, 1)).kind, Kind::kSkip) << "longer than gossip and extensions are";

  const auto stranger = FrameSender::kStranger;
  EXPECT_EQ(judge_frame(head(kBare + 104 * 1000, 0, 1000), stranger).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(head(1 << 30, 4), stranger).kind, Kind::kTooLarge);
  EXPECT_EQ(judge_frame(head(1 << 20, 4), stranger).kind, Kind::kSkip) << "it would not be heard";
  EXPECT_EQ(judge_frame(head(1 << 20, 4)).kind, Kind::kNeedMore);
  EXPECT_EQ(judge_frame(head(kBare + 104 * 30'000, 0, 30'000), stranger).kind, Kind::kTooLarge);
}

TEST(Addresses, OnlyWhatTheyAre) {
  EXPECT_TRUE(is_ip_address("127.0.0.1"));
  EXPECT_TRUE(is_ip_address("fe80::1"));
  EXPECT_FALSE(is_ip_address(""));
  EXPECT_FALSE(is_ip_address("127.0.0.1 "));
  EXPECT_FALSE(is_ip_address(std::string_view("127.0.0.1\0x", 11)));
  EXPECT_FALSE(is_ip_address("localhost"));
  EXPECT_FALSE(is_ip_address(std::string(100, '1')));
  EXPECT_TRUE(is_hostname("a-b.C9"));
  EXPECT_FALSE(is_hostname("a,b"));
  EXPECT_FALSE(is_hostname(std::string(256, 'a')));
}

}  // namespace
}  // namespace skein
