#include <skein/cluster/node/doctor.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include <skein/cluster/bus/packet.h>

#include "loopback.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

NodeId id_of(char letter) { return *NodeId::parse(std::string(40, letter)); }

// A healthy cluster to spoil: three primaries a, b, c and their replicas d, e, f, each on a
// host of its own; seen by a.
class Doctor : public testing::Test {
 protected:
  Doctor() {
    health_.on_added(kSelf, now_ - 60s);
    share(kSelf, 0, 5460);
    for (const char letter : {'b', 'c'}) add(letter, NodeFlag::kPrimary);
    share(at('b'), 5461, 10922);
    share(at('c'), 10923, 16383);
    for (const char letter : {'d', 'e', 'f'}) {
      const NodeIndex index = add(letter, NodeFlag::kReplica);
      topology_.edit(index, [&](Node& node) { node.primary = at(static_cast<char>(letter - 3)); });
    }
  }

  static Node make(char letter, NodeFlags flags) {
    Node node;
    node.id = id_of(letter);
    node.flags = flags;
    node.address = {"10.0.0." + std::to_string(letter - 'a' + 1), 7000, 0, 17000};
    node.config_epoch = {static_cast<std::uint64_t>(letter - 'a' + 1)};
    return node;
  }
  NodeIndex add(char letter, NodeFlags flags) {
    const NodeIndex index = *topology_.add(make(letter, flags));
    health_.on_added(index, now_ - 60s);
    auto& heard = health_.at(index);
    heard.pong_received = heard.data_received = now_ - 500ms;
    heard.offset = {1000};
    links_.resize(topology_.index_limit(), LinkFacts{true, true, now_ - 60s});
    return index;
  }
  NodeIndex at(char letter) const { return topology_.find(id_of(letter)); }
  void share(NodeIndex to, int first, int last) {
    for (int s = first; s <= last; ++s) topology_.set_owner({static_cast<std::uint16_t>(s)}, to);
  }
  void flag(char letter, NodeFlags flags) {
    topology_.edit(at(letter), [&](Node& node) { node.flags.set(flags); });
  }
  void edit_address(char letter, const NodeAddress& address) {
    topology_.edit(at(letter), [&](Node& node) { node.address = address; });
  }

  std::vector<Finding> examined() {
    return examine({.topology = topology_,
                    .health = health_,
                    .settings = settings_,
                    .state = state_,
                    .data = data_,
                    .write_lease_end = lease_end_,
                    .holding_back = holding_back_,
                    .links = [&](NodeIndex index) { return links_[index.value]; },
                    .lost_handshakes = lost_handshakes_,
                    .twins = twins_,
                    .started = now_ - 60s,
                    .now = now_});
  }
  // The one finding of this kind; a failure when there is none.
  Finding found(Ailment ailment) {
    for (const Finding& finding : examined()) {
      if (finding.ailment == ailment) return finding;
    }
    ADD_FAILURE() << "no finding " << ailment_name(ailment);
    return {ailment, "", ""};
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const Finding& finding : examined()) all.emplace_back(ailment_name(finding.ailment));
    return all;
  }

  MonoTime now_{std::chrono::hours{5}};
  Topology topology_{make('a', NodeFlag::kMyself | NodeFlag::kPrimary)};
  HealthTable health_;
  NodeSettings settings_{.port = 7000, .node_timeout = 2000ms};
  ClusterState state_ = ClusterState::kOk;
  DataFacts data_{.offset = {1000}};
  MonoTime lease_end_ = MonoTime::max();
  bool holding_back_ = false;
  std::vector<LinkFacts> links_{LinkFacts{}};
  std::vector<LostHandshake> lost_handshakes_;
  std::vector<TwinSighting> twins_;
};

TEST_F(Doctor, AHealthyClusterHasNoFindings) { EXPECT_THAT(names(), IsEmpty()); }

TEST_F(Doctor, SlotsWithoutOwner) {
  share(kNoNode, 7, 7);
  share(kNoNode, 100, 199);
  state_ = ClusterState::kFail;
  const auto finding = found(Ailment::kSlotsWithoutOwner);
  EXPECT_EQ(finding.text, "101 slots have no owner: 7, 100-199");
  EXPECT_THAT(finding.cure, HasSubstr("redis-cli --cluster fix 10.0.0.1:7000"));
  EXPECT_EQ(found(Ailment::kStateFail).text, "cluster_state is fail: 101 slots have no owner");
  EXPECT_THAT(found(Ailment::kStateFail).cure, HasSubstr("cluster-require-full-coverage no"));
}

TEST_F(Doctor, AFailedPrimaryAndWhoCouldReplaceIt) {
  flag('b', NodeFlag::kFail);
  health_.at(at('b')).failed_at = now_ - 4s;
  const auto finding = found(Ailment::kFailedPrimary);
  EXPECT_THAT(finding.text, HasSubstr("10.0.0.2:7000 (bbbbbbbb) has failed for 4 s and still owns 5462 slots"));
  EXPECT_THAT(finding.text, HasSubstr("10.0.0.5:7000"));
  EXPECT_THAT(finding.cure, HasSubstr("redis-cli -h 10.0.0.5 -p 7000 CLUSTER FAILOVER FORCE"));
  flag('e', NodeFlag::kFail);
  EXPECT_THAT(found(Ailment::kFailedPrimary).cure, HasSubstr("--cluster-fix-with-unreachable-masters"));
}

TEST_F(Doctor, AMinority) {
  flag('b', NodeFlag::kFail);
  flag('c', NodeFlag::kPfail);
  state_ = ClusterState::kFail;
  EXPECT_THAT(found(Ailment::kMinority).text, HasSubstr("only 1 of 3 primaries with slots answer here, 2 are needed"));
  EXPECT_THAT(found(Ailment::kStateFail).text, HasSubstr("most primaries are out of reach"));
}

TEST_F(Doctor, AStateThatEndsByItself) {
  state_ = ClusterState::kFail;
  EXPECT_THAT(names(), testing::ElementsAre("kStateFail"));
  EXPECT_THAT(found(Ailment::kStateFail).cure, HasSubstr("ends by itself"));
}

TEST_F(Doctor, HoldingBackAndNoLease) {
  holding_back_ = true;
  lease_end_ = now_ - 1ms;
  EXPECT_THAT(found(Ailment::kHoldingBack).text, HasSubstr("started without its data"));
  EXPECT_THAT(found(Ailment::kHoldingBack).cure, HasSubstr("14 s"));
  EXPECT_THAT(found(Ailment::kNoWriteLease).text, HasSubstr("writes to this primary wait"));
}

TEST_F(Doctor, AnIdThatIsTwoNodes) {
  twins_.push_back({id_of('b'), "10.0.0.2:7000", "10.0.0.9:7000", now_ - 10s});
  EXPECT_THAT(found(Ailment::kDuplicateId).text, HasSubstr("10.0.0.2:7000 and 10.0.0.9:7000"));
  EXPECT_THAT(found(Ailment::kDuplicateId).cure, HasSubstr("nodes.conf"));
  now_ += 400s;
  for (auto& link : links_) link.out_created = now_ - 60s;
  EXPECT_THAT(names(), Not(testing::Contains("kDuplicateId"))) << "long ago";
}

TEST_F(Doctor, AClosedBusPortOfANodeThatIsHeard) {
  links_[at('c').value].out_is_up = false;
  health_.at(at('c')).ping_sent = now_ - 30s;
  const auto finding = found(Ailment::kBusPortClosed);
  EXPECT_THAT(finding.text, HasSubstr("is heard, but no connection to its bus port 10.0.0.3:17000 has come up for 30 s"));
  EXPECT_THAT(finding.cure, HasSubstr("open TCP port 17000"));
  health_.at(at('c')).ping_sent = now_ - 300ms;
  EXPECT_THAT(names(), IsEmpty()) << "a link that has only just broken";
}

TEST_F(Doctor, ANodeOnlyThisOneCannotReach) {
  links_[at('c').value] = {false, false, now_};
  health_.at(at('c')).ping_sent = health_.at(at('c')).data_received = now_ - 30s;
  flag('c', NodeFlag::kPfail);
  EXPECT_THAT(found(Ailment::kBusPortClosed).text, HasSubstr("the other primaries do not call it failed"));
}

TEST_F(Doctor, AClosedBusPortOfItsOwn) {
  for (auto& link : links_) link.in_exists = false;
  const auto finding = found(Ailment::kOwnBusPortClosed);
  EXPECT_THAT(finding.text, HasSubstr("5 members answer, but none has a connection to this node's bus port 10.0.0.1:17000"));
  for (auto& link : links_) link.out_created = now_ - 100ms;
  EXPECT_THAT(names(), IsEmpty()) << "it has only just joined";
}

TEST_F(Doctor, AMeetThatNobodyAnswered) {
  lost_handshakes_.push_back({{"10.0.0.9", 7000, 0, 17000}, false, now_ - 3s});
  const auto finding = found(Ailment::kUnansweredMeet);
  EXPECT_THAT(finding.text, HasSubstr("nobody accepts connections at bus port 17000"));
  EXPECT_THAT(finding.cure, HasSubstr("CLUSTER MEET 10.0.0.9 7000 17000"));
  lost_handshakes_[0].address.ip = "10.0.0.3";
  EXPECT_THAT(names(), IsEmpty()) << "a member is there by now";
}

TEST_F(Doctor, AnAddressNobodyKnows) {
  edit_address('f', {});
  flag('f', NodeFlag::kNoAddress);
  EXPECT_THAT(found(Ailment::kAddressUnknown).cure,
              HasSubstr("redis-cli --cluster call 10.0.0.1:7000 CLUSTER FORGET " + std::string(40, 'f')));
}

TEST_F(Doctor, AnnouncedAddresses) {
  edit_address('b', {"127.0.0.1", 7000, 0, 17000});
  EXPECT_THAT(found(Ailment::kLoopbackAnnounced).text, HasSubstr("127.0.0.1:7000 (bbbbbbbb) announce a loopback address"));
  edit_address('b', {"localhost", 7000, 0, 17000});
  EXPECT_THAT(names(), testing::Contains("kLoopbackAnnounced"));
  settings_.announce_ip = "redis.example";
  EXPECT_THAT(names(), testing::Not(testing::Contains("kAnnouncedNameIsNoAddress"))) << "others look it up";
  settings_.announce_ip = "redis-cluster-0.redis-cluster-headless.default.svc.cluster.local";
  EXPECT_THAT(found(Ailment::kAnnouncedNameIsNoAddress).cure, HasSubstr("cluster-announce-hostname"));
}

TEST_F(Doctor, ASilentNode) {
  flag('e', NodeFlag::kPfail);
  health_.at(at('e')).ping_sent = now_ - 3s;
  health_.at(at('e')).reports.push_back({at('b'), now_});
  health_.at(at('e')).reports.push_back({at('c'), now_ - 3600s});  // too old to count
  EXPECT_THAT(found(Ailment::kSuspected).text, HasSubstr("has not answered for 3 s; 1 other primaries say so too, 2 must agree"));
}

TEST_F(Doctor, AReplicaWithoutItsPrimary) {
  topology_.edit(kSelf, [&](Node& node) {
    node.flags.clear(NodeFlag::kPrimary).set(NodeFlag::kReplica);
    node.primary = at('b');
  });
  share(at('b'), 0, 5460);
  data_ = {.offset = {1000}, .primary_link_up = false, .primary_silence = 90s};
  EXPECT_THAT(found(Ailment::kPrimaryLinkDown).text, HasSubstr("down for 90 s: its data is too old to take over by itself "
                                                               "(cluster-replica-validity-factor allows 32 s)"));
  data_.primary_silence = milliseconds::max();
  EXPECT_THAT(found(Ailment::kPrimaryLinkDown).text, HasSubstr("not in sync with it since"));
  EXPECT_THAT(found(Ailment::kPrimaryLinkDown).cure, HasSubstr("masterauth"));
  // Its data comes, and cannot be taken.
  data_.sync_trouble = "the data set cannot be held here: key \"l\" is of type 1 (list), which is not supported";
  EXPECT_THAT(found(Ailment::kPrimaryLinkDown).text, HasSubstr("key \"l\" is of type 1 (list), which is not supported"));
  EXPECT_THAT(found(Ailment::kPrimaryLinkDown).cure, HasSubstr("has to go from the primary"));
}

TEST_F(Doctor, AReplicaThatIsBehindForLong) {
  health_.at(at('b')).offset = {5000};
  health_.at(at('e')).offset = {4000};
  health_.at(at('e')).in_step_at = now_ - 20s;
  EXPECT_THAT(found(Ailment::kReplicaLags).text,
              HasSubstr("replica 10.0.0.5:7000 (eeeeeeee) is behind its primary 10.0.0.2:7000 (bbbbbbbb): it lacks 1000 bytes, "
                        "and what was written 20 s ago"));
  EXPECT_THAT(found(Ailment::kReplicaLags).cure, HasSubstr("redis-cli -h 10.0.0.5 -p 7000 INFO replication"));
  health_.at(at('e')).in_step_at = now_ - 9s;
  EXPECT_THAT(names(), Not(testing::Contains("kReplicaLags")));
  health_.at(at('e')).in_step_at = now_ - 20s;
  health_.at(at('e')).offset = {5000};
  EXPECT_THAT(names(), Not(testing::Contains("kReplicaLags"))) << "nothing was written since";
}

TEST_F(Doctor, AReplicaWithoutALinkToThisPrimary) {
  data_.replicas_in_sync = 0;
  EXPECT_THAT(found(Ailment::kReplicasNotInSync).text,
              HasSubstr("0 of 1 replicas of this primary are in sync, so what is written is here alone: 10.0.0.4:7000"));
  data_.replicas_in_sync = 1;
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Doctor, ANodeThatWasKilledIsNoFirewall) {
  auto& link = links_[at('e').value];
  // The process is gone for 3 s: our link went with it, and the last packet had come just before.
  link = {.out_is_up = false, .in_exists = false, .out_created = now_ - 100ms, .out_lost = now_ - 3s};
  health_.at(at('e')).ping_sent = now_ - 3s;
  health_.at(at('e')).data_received = now_ - 3s;
  settings_.node_timeout = 5s;
  EXPECT_THAT(names(), Not(testing::Contains("kBusPortClosed")));
  // It speaks by its own link all the same.
  health_.at(at('e')).data_received = now_ - 1s;
  EXPECT_THAT(found(Ailment::kBusPortClosed).text, HasSubstr("10.0.0.5:7000 (eeeeeeee) is heard"));
}

TEST_F(Doctor, WhomNobodyCouldCallFailedIsNoFirewall) {
  auto& link = links_[at('c').value];
  link = {.out_is_up = false, .in_exists = false, .out_created = now_ - 100ms, .out_lost = now_ - 60s};
  health_.at(at('c')).ping_sent = now_ - 60s;
  health_.at(at('c')).data_received = now_ - 60s;
  EXPECT_THAT(found(Ailment::kBusPortClosed).text, HasSubstr("the other primaries do not call it failed"));
  flag('b', NodeFlag::kFail);
  EXPECT_THAT(names(), Not(testing::Contains("kBusPortClosed"))) << "one primary of three is left";
}

TEST_F(Doctor, AMoveThatStandsStillElsewhere) {
  const std::vector<ShownSlot> leaving{{{5461}, false, id_of('c')}, {{5462}, false, id_of('c')}};
  const std::vector<ShownSlot> arriving{{{5462}, true, id_of('b')}, {{5463}, true, id_of('b')}};
  links_[at('b').value].open_slots = leaving;
  links_[at('b').value].open_since = now_ - 30s;
  links_[at('c').value].open_slots = arriving;
  links_[at('c').value].open_since = now_ - 9s;
  auto finding = found(Ailment::kOpenSlotsElsewhere);
  EXPECT_THAT(finding.text, HasSubstr("has stood still for 30 s: 5461-5462 leaving 10.0.0.2:7000 (bbbbbbbb) for 10.0.0.3:7000"));
  EXPECT_THAT(finding.text, Not(HasSubstr("arriving"))) << "it has just begun";
  links_[at('c').value].open_since = now_ - 10s;
  EXPECT_THAT(found(Ailment::kOpenSlotsElsewhere).text, HasSubstr("; 5463 arriving at 10.0.0.3:7000 (cccccccc) from 10.0.0.2:7000"));
  EXPECT_THAT(found(Ailment::kOpenSlotsElsewhere).cure, HasSubstr("redis-cli --cluster fix 10.0.0.1:7000"));
}

TEST_F(Doctor, CountsBySeverity) {
  flag('b', NodeFlag::kFail);
  state_ = ClusterState::kFail;
  flag('f', NodeFlag::kFail);
  const auto counts = count_findings(examined());
  EXPECT_EQ(counts.critical, 2u) << "kStateFail, kFailedPrimary";
  EXPECT_EQ(counts.warning, 1u) << "kNoReplica";
  EXPECT_EQ(counts.all, 4u) << "and kFailedNodeKnown";
}

TEST_F(Doctor, AReplicaWithoutData) {
  health_.at(at('d')).offset = {};
  EXPECT_THAT(found(Ailment::kReplicaWithoutData).text, HasSubstr("10.0.0.4:7000 (dddddddd)"));
}

TEST_F(Doctor, OpenSlots) {
  for (const std::uint16_t s : {5, 6, 7}) topology_.set_migrating({s}, at('b'));
  topology_.set_importing({11000}, at('c'));
  const auto finding = found(Ailment::kOpenSlots);
  EXPECT_THAT(finding.text, HasSubstr("5-7 leaving for 10.0.0.2:7000"));
  EXPECT_THAT(finding.text, HasSubstr("11000 arriving from 10.0.0.3:7000"));
  EXPECT_THAT(finding.cure, HasSubstr("redis-cli --cluster fix 10.0.0.1:7000"));
  EXPECT_THAT(finding.cure, HasSubstr("STABLE"));
}

TEST_F(Doctor, EqualEpochs) {
  topology_.edit(at('c'), [](Node& node) { node.config_epoch = {2}; });
  EXPECT_THAT(found(Ailment::kEqualEpochs).text, HasSubstr("have the same config epoch 2"));
  EXPECT_THAT(found(Ailment::kEqualEpochs).cure, HasSubstr("redis-cli -h 10.0.0.2 -p 7000 CLUSTER BUMPEPOCH"));
}

TEST_F(Doctor, PrimariesWithoutAReplicaOfUse) {
  topology_.remove(at('d'));
  EXPECT_THAT(found(Ailment::kNoReplica).cure, HasSubstr("--cluster-slave --cluster-master-id " + std::string(40, 'a')));
  flag('e', NodeFlag::kNoFailover);
  std::string all;
  for (const auto& finding : examined()) all += finding.text + "\n";
  EXPECT_THAT(all, HasSubstr("no replica that could take over: 10.0.0.2:7000"));
}

TEST_F(Doctor, Hosts) {
  edit_address('e', {"10.0.0.2", 7001, 0, 17001});
  EXPECT_THAT(found(Ailment::kSameHost).text, HasSubstr("10.0.0.2:7000"));
  edit_address('b', {"10.0.0.3", 7005, 0, 17005});
  EXPECT_THAT(found(Ailment::kMajorityOnOneHost).text, HasSubstr("2 of 3 primaries with slots are on 10.0.0.3"));
}

TEST_F(Doctor, TooFewPrimaries) {
  share(at('b'), 10923, 16383);
  EXPECT_THAT(found(Ailment::kTooFewPrimaries).text, HasSubstr("only two primaries"));
}

TEST_F(Doctor, FailedNodesStillKnown) {
  flag('f', NodeFlag::kFail);
  EXPECT_THAT(found(Ailment::kFailedNodeKnown).cure, HasSubstr("CLUSTER FORGET " + std::string(40, 'f')));
  flag('e', NodeFlag::kFail);
  for (const char letter : {'e', 'f'}) {
    EXPECT_THAT(found(Ailment::kFailedNodeKnown).cure, HasSubstr("CLUSTER FORGET " + std::string(40, letter)));
  }
}

TEST_F(Doctor, AVeryLowNodeTimeout) {
  settings_.node_timeout = 200ms;
  EXPECT_THAT(found(Ailment::kNodeTimeoutLow).cure, HasSubstr("set-timeout 10.0.0.1:7000 2000"));
}

// docs/doctor.md says of each what it means and what cures it, under its severity.
TEST(DoctorDocs, HaveASectionForEachFinding) {
  std::ifstream file(std::string(SKEIN_SOURCE_DIR) + "/docs/doctor.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto section = [&](Severity severity) {
    constexpr std::string_view kHeadings[] = {"\n## Critical\n", "\n## Warnings\n", "\n## Notices\n"};
    return text.find(kHeadings[static_cast<std::size_t>(severity)]);
  };
  for (int i = 0; i <= static_cast<int>(Ailment::kNodeTimeoutLow); ++i) {
    const auto ailment = static_cast<Ailment>(i);
    const auto at = text.find("\n### " + std::string(ailment_name(ailment)) + "\n");
    ASSERT_NE(at, std::string::npos) << ailment_name(ailment);
    const auto next = severity_of(ailment) == Severity::kNotice
                          ? std::string::npos
                          : section(static_cast<Severity>(static_cast<int>(severity_of(ailment)) + 1));
    EXPECT_GT(at, section(severity_of(ailment))) << ailment_name(ailment);
    EXPECT_LT(at, next) << ailment_name(ailment);
  }
}

TEST_F(Doctor, LongListsAreCut) {
  SlotBitmap slots;
  for (std::uint16_t s = 0; s < 40; s += 2) slots.set({s});
  EXPECT_EQ(describe_slots(slots), "0, 2, 4, 6, 8, 10 and 14 more");
}

TEST(DoctorText, OfANodeByItself) {
  Loopback net(1);
  const auto text = net.node(0).doctor_text(net.now());
  EXPECT_THAT(text, HasSubstr("this node is in no cluster yet"));
  EXPECT_THAT(text, HasSubstr("cure: redis-cli --cluster create"));
}

TEST(DoctorText, HealthyAndThenNot) {
  Loopback net(6);
  net.form(3);
  for (std::size_t i = 3; i < 6; ++i) ASSERT_TRUE(net.node(i).replicate(net.id(i - 3), net.now()));
  net.run_for(5000ms);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_THAT(net.node(i).doctor_text(net.now()), HasSubstr("Nothing is wrong that this node could see.")) << i;
  }
  net.crash(4);
  net.run_for(6000ms);
  EXPECT_THAT(net.node(0).doctor_text(net.now()), HasSubstr("[kFailedNodeKnown]"));
  EXPECT_THAT(net.node(0).doctor_text(net.now()), HasSubstr("[kNoReplica]"));
}

TEST(DoctorText, AMeetIntoTheVoidIsTold) {
  Loopback net(2);
  net.cut(1);
  const std::vector<std::string_view> args{"127.0.0.1", "7001"};
  ASSERT_TRUE(net.node(0).meet(args, net.now()));
  net.run_for(3000ms);
  const auto text = net.node(0).doctor_text(net.now());
  EXPECT_THAT(text, HasSubstr("nobody accepts connections at bus port 17001"));
  EXPECT_THAT(text, HasSubstr("kNoConnection: Handshake with 127.0.0.1:7001 ended"));
}

TEST(DoctorText, AnIdCopiedToAnotherPlaceIsTold) {
  Loopback net(4);
  net.form(3);
  // The folder of node 1, copied to where node 3 was, which starts from it.
  net.crash(3);
  net.host(3).saved = net.host(1).saved;
  net.restart(3);
  net.run_for(10000ms);
  std::string all;
  for (std::size_t i = 0; i < 4; ++i) all += net.node(i).doctor_text(net.now());
  EXPECT_THAT(all, HasSubstr("two processes answer as " + net.id(1)));
}

// redis-cli tells a third primary of the next slot before the packet about the first one is there.
TEST(Decisions, TheOperatorsWordIsNotUndoneByAnOlderPacket) {
  Loopback net(3);
  net.form(3);
  const auto set_slot = [&](std::size_t at, const std::string& slot, const std::string& action, std::size_t node) {
    const std::vector<std::string> texts{slot, action, net.id(node)};
    ASSERT_TRUE(net.node(at).set_slot(std::vector<std::string_view>(texts.begin(), texts.end()), net.now()));
    net.pump();
  };
  set_slot(1, "1", "importing", 0);
  set_slot(1, "2", "importing", 0);
  net.host(1).saves = false;
  set_slot(1, "1", "node", 1);
  set_slot(2, "1", "node", 1);
  set_slot(1, "2", "node", 1);
  set_slot(2, "2", "node", 1);
  ASSERT_EQ(net.view(2, 1).config_epoch, Epoch{2});
  net.finish_save(1);
  EXPECT_EQ(net.view(2, 1).config_epoch, Epoch{4}) << "the packet of the first slot is there";
  EXPECT_EQ(net.node(2).topology().assigned_slots(), kSlotCount);
  EXPECT_EQ(net.node(2).state(), ClusterState::kOk);
}

std::size_t lines_with(Loopback& net, std::size_t i, const std::string& text) {
  std::size_t lines = 0;
  for (const auto& event : net.seen<LogEvent>(i)) {
    lines += event.level >= EventLevel::kNotice && event.text.find(text) != std::string::npos ? 1 : 0;
  }
  return lines;
}

void set_slot(Loopback& net, std::size_t at, int slot, const std::string& action, std::optional<std::size_t> node = {}) {
  std::vector<std::string> texts{std::to_string(slot), action};
  if (node) texts.push_back(net.id(*node));
  ASSERT_TRUE(net.node(at).set_slot(std::vector<std::string_view>(texts.begin(), texts.end()), net.now()));
  net.pump();
}

TEST(Decisions, AReshardIsAFewLinesASecond) {
  Loopback net(3);
  net.form(2);
  for (int slot = 0; slot < 200; ++slot) {
    set_slot(net, 2, slot, "importing", 0);
    set_slot(net, 0, slot, "migrating", 2);
    set_slot(net, 2, slot, "node", 2);
    set_slot(net, 0, slot, "node", 2);
    if (slot % 20 == 0) net.run_for(100ms);
  }
  net.run_for(3s);
  for (const std::size_t i : {0, 2}) {
    EXPECT_LE(lines_with(net, i, "slot"), 12u) << i;
  }
  EXPECT_THAT(net.node(2).doctor_text(net.now()), HasSubstr("slots 0-199 now belong to this node"));
}

TEST(Decisions, WhatIsOpenedIsSaidToBeClosed) {
  Loopback net(3);
  net.form(2);
  set_slot(net, 2, 1, "importing", 0);
  set_slot(net, 0, 1, "migrating", 2);
  net.run_for(2s);
  EXPECT_EQ(lines_with(net, 2, "slot 1 is arriving from " + net.id(0)), 1u);
  set_slot(net, 2, 1, "stable");
  set_slot(net, 0, 1, "stable");
  EXPECT_EQ(lines_with(net, 2, "slot 1 is not arriving from " + net.id(0)), 1u);
  EXPECT_EQ(lines_with(net, 0, "slot 1 is not leaving for " + net.id(2)), 1u);
  // As redis-cli --cluster fix ends it: the owner is named at the end it was arriving at.
  net.run_for(2s);
  set_slot(net, 2, 1, "importing", 0);
  set_slot(net, 0, 1, "migrating", 2);
  net.run_for(2s);
  set_slot(net, 0, 1, "node", 0);
  set_slot(net, 2, 1, "node", 2);
  EXPECT_EQ(lines_with(net, 0, "slot 1 is not leaving for " + net.id(2)), 2u);
  EXPECT_EQ(lines_with(net, 2, "slot 1 now belongs to this node"), 1u) << "that closes it as well";
}

TEST(DoctorText, AHalfMovedSlotIsSeenByAll) {
  Loopback net(5);
  net.form(3);
  ASSERT_TRUE(net.node(3).replicate(net.id(0), net.now()));
  net.run_for(3s);
  set_slot(net, 1, 1, "importing", 0);
  set_slot(net, 0, 1, "migrating", 1);
  net.run_for(15s);
  for (const std::size_t i : {2, 3, 4}) {
    EXPECT_THAT(net.node(i).doctor_text(net.now()), HasSubstr(": 1 leaving 127.0.0.1:7000")) << i;
  }
  for (const std::size_t i : {0, 1}) {
    EXPECT_THAT(net.node(i).doctor_text(net.now()), Not(HasSubstr("kOpenSlotsElsewhere"))) << "an end has another finding " << i;
  }
  set_slot(net, 1, 1, "stable");
  set_slot(net, 0, 1, "stable");
  net.run_for(3s);
  EXPECT_THAT(net.node(2).doctor_text(net.now()), Not(HasSubstr("kOpenSlotsElsewhere")));
}

TEST(DoctorText, AReplicaWhoseOffsetStandsStillIsSeenByAll) {
  Loopback net(6);
  net.form(3);
  for (std::size_t i = 3; i < 6; ++i) {
    net.host(i).data = DataFacts{.offset = {1000}, .primary_link_up = true, .primary_silence = 0ms};
    net.host(i - 3).data = DataFacts{.offset = {1000}};
    ASSERT_TRUE(net.node(i).replicate(net.id(i - 3), net.now()));
  }
  net.run_for(5s);
  for (int second = 0; second < 20; ++second) {
    for (const std::size_t i : {0, 1, 3}) net.host(i).data->offset = net.host(i).data->offset + 100;
    net.run_for(1s);
  }
  for (std::size_t i = 0; i < 6; ++i) {
    const auto text = net.node(i).doctor_text(net.now());
    EXPECT_THAT(text, HasSubstr("replica 127.0.0.1:7004")) << i;
    EXPECT_THAT(text, Not(HasSubstr("replica 127.0.0.1:7003"))) << "it keeps up: " << i;
  }
}

TEST(Decisions, ABusPortNobodyReachesIsALineOnBothSides) {
  Loopback net(3);
  net.form(3);
  net.run_for(3s);
  net.host(2).is_hidden = true;
  net.drop_links_to(2);
  net.run_for(10s);
  EXPECT_EQ(lines_with(net, 0, "is heard, but no connection to its bus port 127.0.0.1:17002 has come up"), 1u);
  EXPECT_EQ(lines_with(net, 1, "[kBusPortClosed]"), 1u);
  EXPECT_EQ(lines_with(net, 2, "[kOwnBusPortClosed]"), 1u);
  net.host(2).is_hidden = false;
  net.run_for(5s);
  EXPECT_EQ(lines_with(net, 0, "A connection to the bus port of 127.0.0.1:7002"), 1u);
  EXPECT_EQ(lines_with(net, 2, "Others have a connection to this node's bus port again"), 1u);
}

// Who was cut off hears the others a moment before it reaches them again.
TEST(Decisions, ANetworkThatIsMendedHasNoClosedPort) {
  for (milliseconds behind{100}; behind < 1000ms; behind += 100ms) {
    Loopback net(3);
    net.form(3);
    net.run_for(3s);
    net.cut(2);
    for (const std::size_t i : {0, 1}) net.host(i).is_hidden = true;
    net.run_for(12s);
    net.join(2);
    net.run_for(behind);
    for (const std::size_t i : {0, 1}) net.host(i).is_hidden = false;
    net.run_for(5s);
    EXPECT_EQ(lines_with(net, 2, "[kBusPortClosed]"), 0u) << behind.count();
  }
}

TEST(Decisions, SlotsThatChangeHandsAreToldOnce) {
  Loopback net(3);
  net.form(2);
  for (const std::string slot : {"5", "6", "7"}) {
    const std::vector<std::string> texts{slot, "importing", net.id(0)};
    ASSERT_TRUE(net.node(2).set_slot(std::vector<std::string_view>(texts.begin(), texts.end()), net.now()));
    const std::vector<std::string> node{slot, "node", net.id(2)};
    ASSERT_TRUE(net.node(2).set_slot(std::vector<std::string_view>(node.begin(), node.end()), net.now()));
    net.pump();
  }
  net.run_for(2000ms);
  const auto giver = net.node(0).doctor_text(net.now());
  EXPECT_THAT(giver, HasSubstr("kNewerClaim: slots 5-7 now belong to " + net.id(2)));
  EXPECT_THAT(giver, HasSubstr("before to this node (config epoch"));
  EXPECT_THAT(giver, HasSubstr("kAddedByOperator: slots 0-8191 now belong to this node, before to nobody"));
  const auto taker = net.node(2).doctor_text(net.now());
  EXPECT_THAT(taker, HasSubstr("kImporting: slots 5-7 are arriving from " + net.id(0)));
  EXPECT_THAT(taker, HasSubstr("kAssignedByOperator: slots 5-7 now belong to this node, before to " + net.id(0)));

  std::size_t lines = 0;
  for (const auto& event : net.seen<LogEvent>(0)) lines += event.text.find("[kNewerClaim]") != std::string::npos ? 1 : 0;
  EXPECT_GE(lines, 1u) << "a line of the log names the verdict";
}


}  // namespace
}  // namespace skein
