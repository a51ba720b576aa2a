// Calls with their keys against a slot map: what the client is told.
#include <skein/dispatch/cluster_router.h>

#include <gtest/gtest.h>

#include <algorithm>

#include <skein/base/checksums.h>
#include <skein/config/config.h>

namespace skein {
namespace {

void nothing(Call&) {}

constexpr CommandSpec kRead{.name = "READ",
                            .arity = at_least(2),
                            .flags = flag::kReadOnly,
                            .keys = {keys_from(1, -1, 1, key_use::kReadOnly)},
                            .handler = nothing};
constexpr CommandSpec kPut{.name = "PUT",
                           .arity = at_least(2),
                           .flags = flag::kWrite,
                           .keys = {keys_from(1, -1, 1, key_use::kReadWrite)},
                           .handler = nothing};
constexpr CommandSpec kPutAsking{.name = "PUTASKING",
                                 .arity = at_least(2),
                                 .flags = flag::kWrite | flag::kAsking,
                                 .keys = {keys_from(1, -1, 1, key_use::kReadWrite)},
                                 .handler = nothing};
constexpr CommandSpec kCounted{.name = "COUNTED",
                               .arity = at_least(2),
                               .flags = flag::kReadOnly,
                               .keys = {counted_keys(1, key_use::kReadOnly)},
                               .handler = nothing};
constexpr CommandSpec kHello{.name = "HELLO", .arity = at_least(1), .handler = nothing};
constexpr const CommandSpec* kSpecs[] = {&kRead, &kPut, &kPutAsking, &kCounted, &kHello};

Node node_called(char c, NodeFlags flags) {
  Node node;
  node.id = *NodeId::parse(std::string(40, c));
  node.flags = flags;
  node.address = {"10.0.0.2", 7001, 0, 17001};
  return node;
}

// Tags whose slots play the parts: "mine" ours, "theirs" another's, "leaving", "arriving",
// "nobody".
class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    keyspace.context().now = UnixMillis{1'000'000};
    for (const auto* tag : {"mine", "leaving"}) topology.set_owner(slot_of_key(tag), kSelf);
    for (const auto* tag : {"theirs", "arriving"}) topology.set_owner(slot_of_key(tag), other);
    topology.set_migrating(slot_of_key("leaving"), other);
    topology.set_importing(slot_of_key("arriving"), other);
    router.update(topology, true);
  }

  std::optional<std::string> refusal(std::initializer_list<std::string_view> words) {
    const std::vector<std::string_view> arguments(words);
    return router.refuse(*commands.find(arguments[0]), arguments, session);
  }
  std::string redirection(std::string_view word, std::string_view tag) const {
    return fmt::format("{} {} 10.0.0.2:7001", word, slot_of_key(tag).value);
  }
  void store(std::string_view key) {
    auto& db = keyspace.db(0);
    db.set_string(db.ref(key), "v");
  }
  bool is_served(std::string_view tag) const { return router.served_slots()[slot_of_key(tag).value] != 0; }

  CommandTable commands{kSpecs};
  Config config;
  Keyspace keyspace{1, true, 7};
  Topology topology{node_called('a', NodeFlag::kPrimary | NodeFlag::kMyself)};
  NodeIndex other = *topology.add(node_called('b', NodeFlag::kPrimary));
  ClusterRouter router{keyspace, config.settings()};
  Session session{1, nullptr};
};

TEST_F(RouterTest, ServesOwnSlotsAndSendsOthersAway) {
  EXPECT_EQ(refusal({"READ", "mine"}), std::nullopt);
  EXPECT_EQ(refusal({"READ", "theirs"}), redirection("MOVED", "theirs"));
  EXPECT_EQ(refusal({"READ", "nobody"}), "CLUSTERDOWN Hash slot not served");
  EXPECT_EQ(refusal({"READ", "mine", "x{mine}"}), std::nullopt);
  EXPECT_EQ(refusal({"READ", "mine", "theirs"}), "CROSSSLOT Keys in request don't hash to the same slot");
  EXPECT_EQ(refusal({"READ", "nobody", "theirs"}), "CLUSTERDOWN Hash slot not served") << "the first key comes first";
}

TEST_F(RouterTest, CallsWithoutKeysAreNotRouted) {
  router.update(topology, false);
  EXPECT_EQ(refusal({"HELLO"}), std::nullopt);
  EXPECT_EQ(refusal({"COUNTED", "0"}), std::nullopt);
  for (const auto* count : {"3", "2147483647", "-1", "x"}) {
    EXPECT_EQ(refusal({"COUNTED", count, "theirs"}), kCounted.unroutable) << "it has no slot to run in";
    EXPECT_EQ(refusal({"COUNTED", count, "mine"}), kCounted.unroutable);
  }
}

TEST_F(RouterTest, ALeavingSlotServesWhatIsStillHere) {
  EXPECT_EQ(refusal({"READ", "leaving"}), redirection("ASK", "leaving"));
  store("leaving");
  EXPECT_EQ(refusal({"READ", "leaving"}), std::nullopt);
  EXPECT_EQ(refusal({"PUT", "leaving", "x{leaving}"}), "TRYAGAIN Multiple keys request during rehashing of slot");
  keyspace.db(0).set_expiry(keyspace.db(0).ref("leaving"), UnixMillis{1});
  EXPECT_EQ(refusal({"READ", "leaving"}), redirection("ASK", "leaving")) << "an expired key is not here";
}

TEST_F(RouterTest, AnArrivingSlotServesWhoAsks) {
  EXPECT_EQ(refusal({"PUT", "arriving"}), redirection("MOVED", "arriving"));
  EXPECT_EQ(refusal({"PUTASKING", "arriving"}), std::nullopt);
  session.asking = true;
  EXPECT_EQ(refusal({"PUT", "arriving"}), std::nullopt);
  EXPECT_EQ(refusal({"PUT", "arriving", "arriving"}), std::nullopt) << "one key, twice";
  EXPECT_EQ(refusal({"PUT", "arriving", "x{arriving}"}), "TRYAGAIN Multiple keys request during rehashing of slot");
  EXPECT_EQ(refusal({"PUT", "theirs"}), redirection("MOVED", "theirs")) << "asking opens no other slot";
}

TEST_F(RouterTest, ADownClusterServesReadsWhenTold) {
  router.update(topology, false);
  EXPECT_EQ(refusal({"READ", "mine"}), "CLUSTERDOWN The cluster is down");
  EXPECT_TRUE(config.set("cluster-allow-reads-when-down", "yes"));
  EXPECT_EQ(refusal({"READ", "mine"}), std::nullopt);
  EXPECT_EQ(refusal({"PUT", "mine"}), "CLUSTERDOWN The cluster is down and only accepts read commands");
}

TEST_F(RouterTest, ReplicasServeReadersWhoSaidSo) {
  topology.set_owner(slot_of_key("mine"), kNoNode);
  topology.set_owner(slot_of_key("leaving"), kNoNode);
  topology.edit(kSelf, [&](Node& node) {
    node.flags.clear(NodeFlag::kPrimary).set(NodeFlag::kReplica);
    node.primary = other;
  });
  router.update(topology, true);
  EXPECT_EQ(refusal({"READ", "theirs"}), redirection("MOVED", "theirs"));
  session.readonly = true;
  EXPECT_EQ(refusal({"READ", "theirs"}), std::nullopt);
  EXPECT_EQ(refusal({"PUT", "theirs"}), redirection("MOVED", "theirs"));
  const std::uint8_t* end = router.served_slots() + kSlotCount;
  EXPECT_EQ(std::count(router.served_slots(), end, 1), 0);
}

TEST_F(RouterTest, ATransactionIsRoutedAsOne) {
  const auto queued = [&](std::initializer_list<std::vector<std::string>> calls) {
    Transaction transaction;
    for (const auto& call : calls) transaction.calls.push_back({commands.find(call[0]), call});
    return router.refuse_transaction(transaction, session);
  };
  EXPECT_EQ(queued({}), std::nullopt);
  EXPECT_EQ(queued({{"HELLO"}, {"PUT", "mine"}, {"READ", "y{mine}"}}), std::nullopt);
  EXPECT_EQ(queued({{"PUT", "theirs"}}), redirection("MOVED", "theirs"));
  EXPECT_EQ(queued({{"PUT", "mine"}, {"READ", "theirs"}}), "CROSSSLOT Keys in request don't hash to the same slot");
}

TEST_F(RouterTest, EndpointsAreWhatClientsAreToldToPrefer) {
  EXPECT_TRUE(config.set("cluster-preferred-endpoint-type", "unknown-endpoint"));
  EXPECT_EQ(refusal({"READ", "theirs"}), fmt::format("MOVED {} :7001", slot_of_key("theirs").value));
  EXPECT_TRUE(config.set("cluster-preferred-endpoint-type", "hostname"));
  EXPECT_EQ(refusal({"READ", "theirs"}), fmt::format("MOVED {} ?:7001", slot_of_key("theirs").value));
}

// A byte of 1 promises that no call about the slot would be refused.
TEST_F(RouterTest, TheTableFollowsTheMap) {
  EXPECT_TRUE(is_served("mine"));
  for (const auto* tag : {"theirs", "leaving", "arriving", "nobody"}) EXPECT_FALSE(is_served(tag)) << tag;
  router.update(topology, false);
  EXPECT_FALSE(is_served("mine"));
  router.update(topology, true);
  topology.set_migrating(slot_of_key("leaving"), kNoNode);
  topology.set_owner(slot_of_key("nobody"), kSelf);
  router.update(topology, true);
  EXPECT_TRUE(is_served("leaving"));
  EXPECT_TRUE(is_served("nobody"));
}

TEST(Router, ServesNothingBeforeItKnowsTheMap) {
  const CommandTable commands{kSpecs};
  const Config config;
  Keyspace keyspace{1, true, 7};
  ClusterRouter router(keyspace, config.settings());
  const Session session(1, nullptr);
  const std::vector<std::string_view> call{"READ", "k"};
  EXPECT_EQ(router.refuse(*commands.find("READ"), call, session), "CLUSTERDOWN The cluster is down");
  EXPECT_EQ(router.served_slots()[0], 0);
}

}  // namespace
}  // namespace skein
