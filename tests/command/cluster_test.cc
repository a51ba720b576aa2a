// CLUSTER and its kin against a real member that has no bus.
#include <gmock/gmock.h>

#include <skein/base/checksums.h>

#include "fixture.h"

namespace skein {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class NoKeys : public SlotKeys {
 public:
  explicit NoKeys(const Keyspace& keyspace) : keyspace_(keyspace) {}
  std::uint64_t keys_in(Slot slot) const override { return keyspace_.db(0).count_in_slot(slot); }
  std::uint64_t total_keys() const override { return keyspace_.total_keys(); }

 private:
  const Keyspace& keyspace_;
};

class ClusterCommands : public CommandTest {
 protected:
  ClusterCommands() : CommandTest({.cluster_mode = true}) { services.cluster = &member; }

  // As the daemon does behind carry_out_cluster_effects: everything is saved at once.
  void settle() {
    for (Effects todo = member.take_effects(); !todo.empty(); todo = member.take_effects()) {
      for (const Effect& effect : todo) {
        if (const auto* save = std::get_if<SaveTopology>(&effect)) member.on_saved(save->ticket, facts.now);
      }
    }
  }
  // A member more, in the table as if it had been met.
  std::string meet(std::uint16_t port) {
    EXPECT_EQ(run("CLUSTER", "MEET", "127.0.0.1", std::to_string(port)), ok());
    settle();
    std::string id;
    member.topology().for_each_node([&](NodeIndex, const Node& node) {
      if (node.address.port == port) id = node.id.str();
    });
    return id;
  }
  std::string cluster(std::initializer_list<std::string_view> words) {
    std::vector<std::string_view> arguments{"CLUSTER"};
    arguments.insert(arguments.end(), words);
    return client().run(std::span<const std::string_view>(arguments));
  }

  NoKeys keys{keyspace};
  ClusterNode member{NodeSettings{.port = 7001}, std::nullopt, Random(5), keys, facts.now};
};

// What a primary says of slots is believed by others: it must not say it in a name that is another's by now.
TEST_F(ClusterCommands, SetslotWaitsWhileThisPrimaryMayHaveBeenReplaced) {
  EXPECT_EQ(run("CLUSTER", "ADDSLOTSRANGE", "0", "16383"), ok());
  facts.now.mono += std::chrono::seconds(3);
  member.on_tick(facts.now);
  settle();
  ASSERT_EQ(member.state(), ClusterState::kOk);
  facts.gates |= gate::kLease;
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "STABLE"), "");
  ASSERT_TRUE(client().suspended());
  EXPECT_EQ(client().session.suspended->reason, SuspendReason::kNoLease);
  facts.gates &= ~std::uint32_t{gate::kLease};
  EXPECT_EQ(client().resume(), ok());
}

// A later epoch in a name that is another's by now would take all of its slots back.
TEST_F(ClusterCommands, BumpepochWaitsAsSetslotDoes) {
  EXPECT_EQ(run("CLUSTER", "ADDSLOTSRANGE", "0", "16383"), ok());
  facts.now.mono += std::chrono::seconds(3);
  member.on_tick(facts.now);
  settle();
  facts.gates |= gate::kLease;
  const Epoch before = member.current_epoch();
  EXPECT_EQ(run("CLUSTER", "BUMPEPOCH"), "");
  ASSERT_TRUE(client().suspended());
  EXPECT_EQ(member.current_epoch(), before);
  facts.gates &= ~std::uint32_t{gate::kLease};
  EXPECT_EQ(client().resume(), "+BUMPED 1\r\n");
}

// A cluster that is down is the operator's to repair, but for a primary that has just started: it is not
// known yet whether it was replaced.
TEST_F(ClusterCommands, SetslotDoesNotWaitWhileTheClusterIsDown) {
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "1"), ok());
  facts.gates |= gate::kLease;
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "STABLE"), "");
  ASSERT_TRUE(client().suspended());
  facts.now.mono += std::chrono::seconds(3);
  member.on_tick(facts.now);
  settle();
  ASSERT_EQ(member.state(), ClusterState::kFail);
  EXPECT_EQ(client().resume(), ok());
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "STABLE"), ok());
}

class OutsideCluster : public CommandTest {};

TEST_F(OutsideCluster, EverythingIsRefused) {
  const std::string disabled = error("ERR This instance has cluster support disabled");
  for (const auto* word : {"INFO", "NODES", "MYID", "SLOTS", "SHARDS", "LINKS", "HELP", "SAVECONFIG"}) {
    EXPECT_EQ(run("CLUSTER", word), disabled) << word;
  }
  EXPECT_EQ(run("CLUSTER", "KEYSLOT", "k"), disabled);
  EXPECT_EQ(run("READONLY"), disabled);
  EXPECT_EQ(run("READWRITE"), disabled);
  EXPECT_EQ(run("ASKING"), disabled);
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS"), error("ERR wrong number of arguments for 'cluster|addslots' command"));
}

TEST_F(ClusterCommands, NumbersOfArguments) {
  EXPECT_EQ(run("CLUSTER"), error("ERR wrong number of arguments for 'cluster' command"));
  EXPECT_EQ(run("CLUSTER", "xx"), error("ERR unknown subcommand 'xx'. Try CLUSTER HELP."));
  EXPECT_EQ(run("CLUSTER", "INFO", "x"), error("ERR wrong number of arguments for 'cluster|info' command"));
  EXPECT_EQ(run("CLUSTER", "ADDSLOTSRANGE", "1", "2", "3"),
            error("ERR wrong number of arguments for 'cluster|addslotsrange' command"));
  EXPECT_EQ(run("CLUSTER", "DELSLOTSRANGE", "1", "2", "3"),
            error("ERR wrong number of arguments for 'cluster|delslotsrange' command"));
  EXPECT_EQ(run("CLUSTER", "FAILOVER", "FORCE", "x"),
            error("ERR unknown subcommand or wrong number of arguments for 'FAILOVER'. Try CLUSTER HELP."));
  EXPECT_EQ(run("cluster", "reset", "HARD", "x"),
            error("ERR unknown subcommand or wrong number of arguments for 'reset'. Try CLUSTER HELP."));
  EXPECT_EQ(cluster({"MEET", "a", "1", "2", "3"}),
            error("ERR unknown subcommand or wrong number of arguments for 'MEET'. Try CLUSTER HELP."));
}

TEST_F(ClusterCommands, SlotsAreGivenAndTaken) {
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "a"), error("ERR Invalid or out of range slot"));
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "16384"), error("ERR Invalid or out of range slot"));
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "1", "1"), error("ERR Slot 1 specified multiple times"));
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "1"), ok());
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "1"), error("ERR Slot 1 is already busy"));
  EXPECT_EQ(run("CLUSTER", "DELSLOTS", "2"), error("ERR Slot 2 is already unassigned"));
  EXPECT_EQ(run("CLUSTER", "DELSLOTS", "1"), ok());
  EXPECT_EQ(run("CLUSTER", "ADDSLOTSRANGE", "2", "1"),
            error("ERR start slot number 2 is greater than end slot number 1"));
  EXPECT_EQ(run("CLUSTER", "ADDSLOTSRANGE", "0", "5", "10", "12"), ok());
  EXPECT_EQ(member.topology().assigned_slots(), 9U);
  EXPECT_EQ(run("CLUSTER", "DELSLOTSRANGE", "0", "3"), ok());
  EXPECT_EQ(run("CLUSTER", "FLUSHSLOTS"), ok());
  EXPECT_EQ(member.topology().assigned_slots(), 0U);
}

TEST_F(ClusterCommands, KeysOfASlot) {
  EXPECT_EQ(run("CLUSTER", "KEYSLOT", "foo"), integer(12182));
  EXPECT_EQ(run("CLUSTER", "KEYSLOT", "a{foo}b"), integer(12182));
  EXPECT_EQ(run("CLUSTER", "COUNTKEYSINSLOT", "12182"), integer(0));
  run("SET", "foo", "v");
  EXPECT_EQ(run("CLUSTER", "COUNTKEYSINSLOT", "12182"), integer(1));
  EXPECT_EQ(run("CLUSTER", "GETKEYSINSLOT", "12182", "10"), bulks({"foo"}));
  EXPECT_EQ(run("CLUSTER", "GETKEYSINSLOT", "12182", "0"), array({}));
  EXPECT_EQ(run("CLUSTER", "COUNTKEYSINSLOT", "abc"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("CLUSTER", "COUNTKEYSINSLOT", "16384"), error("ERR Invalid slot"));
  EXPECT_EQ(run("CLUSTER", "GETKEYSINSLOT", "16384", "1"), error("ERR Invalid slot or number of keys"));
  EXPECT_EQ(run("CLUSTER", "GETKEYSINSLOT", "1", "-1"), error("ERR Invalid slot or number of keys"));
  EXPECT_EQ(run("CLUSTER", "GETKEYSINSLOT", "1", "9223372036854775807"), array({}));
  EXPECT_EQ(run("CLUSTER", "FLUSHSLOTS"), error("ERR DB must be empty to perform CLUSTER FLUSHSLOTS."));
}

TEST_F(ClusterCommands, MembersAreMetAndForgotten) {
  EXPECT_EQ(run("CLUSTER", "MEET", "a", "b"), error("ERR Invalid TCP base port specified: b"));
  EXPECT_EQ(run("CLUSTER", "MEET", "a", "1", "b"), error("ERR Invalid TCP bus port specified: b"));
  EXPECT_EQ(run("CLUSTER", "MEET", "a", "1"), error("ERR Invalid node address specified: a:1"));
  const auto id = meet(7002);
  EXPECT_EQ(member.topology().node_count(), 2U);
  EXPECT_EQ(run("CLUSTER", "FORGET", "abc"), error("ERR Unknown node abc"));
  EXPECT_EQ(run("CLUSTER", "FORGET", member.id().str()), error("ERR I tried hard but I can't forget myself..."));
  EXPECT_EQ(run("CLUSTER", "FORGET", id), ok());
  EXPECT_EQ(member.topology().node_count(), 1U);
}

TEST_F(ClusterCommands, RolesAndEpochs) {
  EXPECT_EQ(run("CLUSTER", "REPLICATE", "abc"), error("ERR Unknown node abc"));
  EXPECT_EQ(run("CLUSTER", "REPLICAS", "abc"), error("ERR Unknown node abc"));
  EXPECT_EQ(run("CLUSTER", "SLAVES", member.id().str()), array({}));
  EXPECT_EQ(run("CLUSTER", "COUNT-FAILURE-REPORTS", "abc"), error("ERR Unknown node abc"));
  EXPECT_EQ(run("CLUSTER", "COUNT-FAILURE-REPORTS", member.id().str()), integer(0));
  EXPECT_EQ(run("CLUSTER", "FAILOVER", "xx"), error("ERR syntax error"));
  EXPECT_EQ(run("CLUSTER", "FAILOVER"), error("ERR You should send CLUSTER FAILOVER to a replica"));
  EXPECT_EQ(run("CLUSTER", "RESET", "xx"), error("ERR syntax error"));
  EXPECT_EQ(run("CLUSTER", "SET-CONFIG-EPOCH", "a"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("CLUSTER", "SET-CONFIG-EPOCH", "-1"), error("ERR Invalid config epoch specified: -1"));
  EXPECT_EQ(run("CLUSTER", "SET-CONFIG-EPOCH", "3"), ok());
  EXPECT_EQ(run("CLUSTER", "SET-CONFIG-EPOCH", "4"), error("ERR Node config epoch is already non-zero"));
  EXPECT_EQ(run("CLUSTER", "BUMPEPOCH"), status("STILL 3"));
  const auto before = member.id();
  EXPECT_EQ(run("CLUSTER", "RESET", "HARD"), ok());
  EXPECT_NE(member.id(), before);
}

TEST_F(ClusterCommands, MovingASlot) {
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "x"),
            error("ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"));
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "x", "STABLE"), error("ERR Invalid or out of range slot"));
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "MIGRATING", "abc"), error("ERR I'm not the owner of hash slot 1"));
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "IMPORTING", "abc"), error("ERR I don't know about node abc"));
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "NODE", "abc"), error("ERR Unknown node abc"));
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "1", "STABLE"), ok());
}

// What an operator was told is on disk; where it is not, he is told so.
TEST_F(ClusterCommands, EffectsAreCarriedOutBeforeTheAnswer) {
  actions.asked.clear();
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "7"), ok());
  EXPECT_THAT(actions.asked, ElementsAre("carry_out_cluster_effects"));
  EXPECT_EQ(run("CLUSTER", "SAVECONFIG"), ok());
  actions.asked.clear();
  run("CLUSTER", "NODES");
  EXPECT_TRUE(actions.asked.empty());
}

// redis-cli --cluster fix hands a slot over this way.
TEST_F(ClusterCommands, InATransaction) {
  EXPECT_EQ(run("MULTI"), ok());
  EXPECT_EQ(run("CLUSTER", "ADDSLOTS", "3"), queued());
  EXPECT_EQ(run("CLUSTER", "SETSLOT", "3", "STABLE"), queued());
  EXPECT_EQ(run("CLUSTER", "BUMPEPOCH"), queued());
  EXPECT_EQ(run("EXEC"), array({ok(), ok(), status("BUMPED 1")}));
}

TEST_F(ClusterCommands, ViewsOfANodeAlone) {
  EXPECT_EQ(run("CLUSTER", "MYID"), bulk(member.id().view()));
  EXPECT_EQ(run("CLUSTER", "NODES"),
            bulk(fmt::format("{} :7001@17001 myself,master - 0 0 0 connected\n", member.id().view())));
  EXPECT_EQ(run("CLUSTER", "SLOTS"), array({}));
  EXPECT_EQ(run("CLUSTER", "LINKS"), array({}));
  EXPECT_EQ(run("CLUSTER", "INFO"),
            bulk("cluster_state:fail\r\ncluster_slots_assigned:0\r\ncluster_slots_ok:0\r\ncluster_slots_pfail:0\r\n"
                 "cluster_slots_fail:0\r\ncluster_known_nodes:1\r\ncluster_size:0\r\ncluster_current_epoch:0\r\n"
                 "cluster_my_epoch:0\r\ncluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
                 "total_cluster_links_buffer_limit_exceeded:0\r\n"));
  EXPECT_EQ(run("CLUSTER", "SHARDS"),
            array({array({bulk("slots"), array({}), bulk("nodes"),
                          array({array({bulk("id"), bulk(member.id().view()), bulk("port"), integer(7001), bulk("ip"),
                                        bulk(""), bulk("endpoint"), bulk(""), bulk("role"), bulk("master"),
                                        bulk("replication-offset"), integer(0), bulk("health"), bulk("online")})})})}));
}

TEST_F(ClusterCommands, ViewsInResp3) {
  client().session.writer().set_protocol(3);
  EXPECT_THAT(run("CLUSTER", "INFO"), StartsWith("="));
  EXPECT_THAT(run("CLUSTER", "NODES"), HasSubstr("\r\ntxt:" + member.id().str() + " :7001@17001 myself,master"));
  EXPECT_THAT(run("CLUSTER", "SHARDS"), StartsWith("*1\r\n%2\r\n$5\r\nslots\r\n*0\r\n$5\r\nnodes\r\n*1\r\n%7\r\n"));
  run("CLUSTER", "ADDSLOTSRANGE", "0", "5");
  EXPECT_EQ(run("CLUSTER", "SLOTS"),
            fmt::format("*1\r\n*3\r\n:0\r\n:5\r\n*4\r\n$0\r\n\r\n:7001\r\n$40\r\n{}\r\n%0\r\n", member.id().view()));
  (void)config.set("cluster-preferred-endpoint-type", "unknown-endpoint");
  member.on_settings({.port = 7001, .announce_ip = "10.1.1.1", .endpoint_type = EndpointType::kUnknownEndpoint},
                     facts.now);
  EXPECT_EQ(run("CLUSTER", "SLOTS"),
            fmt::format("*1\r\n*3\r\n:0\r\n:5\r\n*4\r\n_\r\n:7001\r\n$40\r\n{}\r\n%1\r\n$2\r\nip\r\n$8\r\n10.1.1.1\r\n",
                        member.id().view()));
}

TEST_F(ClusterCommands, LinksOfAMemberThatWasMet) {
  const auto id = meet(7002);
  const auto texts = texts_of(run("CLUSTER", "LINKS"));
  EXPECT_THAT(texts, testing::Contains("direction"));
  EXPECT_THAT(texts, testing::Contains(id));
}

TEST_F(ClusterCommands, WhatAConnectionSaysOfItself) {
  EXPECT_EQ(run("READONLY"), ok());
  EXPECT_TRUE(client().session.readonly);
  EXPECT_EQ(run("READWRITE"), ok());
  EXPECT_FALSE(client().session.readonly);
  EXPECT_EQ(run("ASKING"), ok());
  EXPECT_TRUE(client().session.asking);
  run("GET", "k");
  EXPECT_FALSE(client().session.asking) << "good for one command";
  run("ASKING");
  run("GET");
  EXPECT_FALSE(client().session.asking) << "even for one that is refused";
  run("ASKING");
  run("ASKING");
  EXPECT_TRUE(client().session.asking) << "said again";
  run("MULTI");
  run("GET", "k");
  run("GET");
  EXPECT_TRUE(client().session.asking) << "for the whole transaction";
  run("EXEC");
  EXPECT_FALSE(client().session.asking);
  run("ASKING");
  run("MULTI");
  run("DISCARD");
  EXPECT_FALSE(client().session.asking);
}

TEST_F(ClusterCommands, DoctorTellsFindingsWithTheirCures) {
  const auto reply = run("CLUSTER", "DOCTOR");
  EXPECT_THAT(reply, StartsWith("$"));
  EXPECT_THAT(reply, HasSubstr("this node is in no cluster yet"));
  EXPECT_THAT(reply, HasSubstr("cure: redis-cli --cluster create"));
  EXPECT_EQ(run("CLUSTER", "ADDSLOTSRANGE", "0", "16383"), ok());
  EXPECT_THAT(run("CLUSTER", "DOCTOR"), HasSubstr("kAddedByOperator: slots 0-16383 now belong to this node"));
  const auto json = run("CLUSTER", "DOCTOR", "json");
  EXPECT_THAT(json, HasSubstr(R"("role":"primary","slots":16384,"state":)"));
  EXPECT_THAT(json, HasSubstr(R"("verdict":"kAddedByOperator","text":"slots 0-16383 now belong to this node)"));
  EXPECT_THAT(json, HasSubstr(R"("severity":)"));
  EXPECT_THAT(run("INFO", "cluster"), HasSubstr("cluster_write_lease_held:"));
  EXPECT_THAT(run("INFO", "cluster"), HasSubstr("cluster_doctor_findings:"));
  EXPECT_EQ(run("CLUSTER", "DOCTOR", "JSON", "x"), error("ERR wrong number of arguments for 'cluster|doctor' command"));
  EXPECT_EQ(run("CLUSTER", "DOCTOR", "x"), error("ERR wrong number of arguments for 'cluster|doctor' command"));
}

TEST_F(ClusterCommands, HelpNamesEverySubcommand) {
  const auto reply = run("CLUSTER", "HELP");
  const Command* container = commands.find("CLUSTER");
  ASSERT_NE(container, nullptr);
  EXPECT_EQ(container->subcommands.size(), 28U);
  for (const Command* sub : container->subcommands) {
    EXPECT_THAT(reply, HasSubstr(fmt::format("\r\n+{}", sub->spec->name)));
  }
}

}  // namespace
}  // namespace skein
