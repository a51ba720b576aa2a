// A packet that changes nothing allocates nothing. This program counts its allocations.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>

#include "loopback.h"

namespace {
std::size_t allocations = 0;
}  // namespace

// Not inlined: where they are, gcc takes malloc and free for a pair that does not match.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// std::stable_sort asks for its buffer this way.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace skein {
namespace {

TEST(Allocation, NoneForAPongWithoutNews) {
  Loopback net(8);
  net.form(4);
  net.run_for(milliseconds{3000});

  const Topology& theirs = net.node(1).topology();
  const SlotBitmap slots = theirs.slots_of(kSelf);
  std::vector<GossipEntry> gossip;
  theirs.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf) return;
    gossip.push_back({.id = node.id,
                      .ip = node.address.ip,
                      .port = node.address.port,
                      .bus_port = node.address.bus_port,
                      .flags = node.flags});
  });
  PacketHeader header;
  header.type = MessageType::kPong;
  header.sender = net.node(1).id();
  header.current_epoch = net.node(1).current_epoch();
  header.config_epoch = theirs.self().config_epoch;
  header.slots = slots.wire();
  header.port = 7001;
  header.bus_port = 17001;
  header.flags = theirs.self().flags;
  header.state_ok = true;
  header.understands_extensions = true;
  const auto bytes = encode_heartbeat(header, gossip, {});
  LinkId link;
  for (const auto& [inbound, end] : net.host(0).inbound) {
    if (end.first == 1) link = inbound;
  }
  ASSERT_FALSE(link.is_none());
  const Now now = net.now();
  net.node(0).on_packet({link, "127.0.0.1", "127.0.0.1"}, bytes, now);

  const std::size_t before = allocations;
  for (int i = 0; i < 100; ++i) net.node(0).on_packet({link, "127.0.0.1", "127.0.0.1"}, bytes, now);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(net.node(0).take_effects().empty());
}

}  // namespace
}  // namespace skein
