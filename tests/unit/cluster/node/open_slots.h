// A slot that moves from one shard to another, and what its ends and their replicas make of it.
#pragma once

#include <gtest/gtest.h>

#include "shards.h"

namespace skein {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Slots of primary 1 move to primary 0; 3 follows 0, 4 follows 1.
class OpenSlots : public testing::Test {
 protected:
  explicit OpenSlots(milliseconds node_timeout = 2s) : net_(3, 1, node_timeout) {}

  static constexpr Slot kSlot{8000};

  bool set_slot(std::size_t at, std::string_view action, std::size_t other, Slot slot = kSlot) {
    const std::string number = std::to_string(slot.value);
    const std::string id = net_.id(other);
    const std::string_view words[] = {number, action, id};
    const bool done = net_.node(at).set_slot(words, net_.now()).has_value();
    net_.pump();
    return done;
  }
  void open(Slot slot = kSlot) {
    ASSERT_TRUE(set_slot(0, "importing", 1, slot));
    ASSERT_TRUE(set_slot(1, "migrating", 0, slot));
  }
  std::string leaves_for(std::size_t at, Slot slot = kSlot) { return name_of(at, net_.node(at).topology().migrating_to(slot)); }
  std::string arrives_from(std::size_t at, Slot slot = kSlot) {
    return name_of(at, net_.node(at).topology().importing_from(slot));
  }
  std::string owner(std::size_t at, Slot slot = kSlot) { return name_of(at, net_.node(at).topology().owner(slot)); }
  std::string name_of(std::size_t at, NodeIndex index) {
    return index.is_none() ? "nobody" : net_.node(at).topology().node(index).id.str();
  }
  // The target gives itself an epoch by SETSLOT and dies or stands still before anybody has heard of it.
  void take_slot_unheard() {
    net_.host(0).is_mute = true;  // what it says from now on is lost
    ASSERT_TRUE(set_slot(0, "node", 0));
  }
  void expect_no_write_in_its_old_name() {
    for (int i = 0; i < 3000; ++i) {
      net_.run_finely(1ms);
      const ClusterNode& old = net_.node(0);
      EXPECT_FALSE(old.write_lease_end() > net_.now().mono && old.topology().owner(net_.slot_of(0)) == kSelf);
    }
    EXPECT_EQ(net_.owner_of(0), 3u) << "the elected one keeps what it was elected for";
  }
  // What its predecessor had been given is the heir's, as the keys are, once anybody has heard of it.
  void expect_slot_with_heir() {
    net_.run_for(5s);
    EXPECT_EQ(owner(3), net_.id(3));
    EXPECT_EQ(arrives_from(3), "nobody");
    EXPECT_EQ(net_.primary_of(0), 3u);
    net_.expect_one_view();
  }
  // It stands still until its own replica has taken its place.
  void replace_target_that_stands_still() {
    net_.host(0).is_frozen = true;
    net_.host(3).data->primary_link_up = false;
    ASSERT_TRUE(net_.run_finely(10s, [&] { return net_.serves(3, 0); }));
    net_.run_for(1s);
  }
  void take_over(std::size_t replica) {
    ASSERT_TRUE(net_.node(replica).failover({}, net_.now()));
    net_.pump();
    net_.run_for(1s);
    ASSERT_TRUE(net_.node(replica).topology().self().is_primary());
  }

  Shards net_;
};

}  // namespace skein
