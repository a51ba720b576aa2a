// REPLICAOF and SLAVEOF: what may be asked for, and what becomes of it.
#include "fixture.h"

namespace skein {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Replicaof : public CommandTest {
 protected:
  void be_replica() { replication.facts.primary.emplace(); }
};

TEST_F(Replicaof, FollowsAndStops) {
  for (const char* name : {"REPLICAOF", "SLAVEOF", "slaveof"}) {
    replication.asked.clear();
    replication.facts.primary.reset();
    EXPECT_EQ(run(name, "10.0.0.1", "6379"), ok());
    EXPECT_THAT(replication.asked, ElementsAre("follow 10.0.0.1 6379"));
    be_replica();
    EXPECT_EQ(run(name, "No", "oNE"), ok());
    EXPECT_THAT(replication.asked, ElementsAre("follow 10.0.0.1 6379", "stop following"));
  }
}

TEST_F(Replicaof, StoppingIsNothingForAPrimary) {
  EXPECT_EQ(run("REPLICAOF", "NO", "ONE"), ok());
  EXPECT_THAT(replication.asked, IsEmpty());
}

TEST_F(Replicaof, TellsWhenItFollowsAlready) {
  replication.follows_already = true;
  EXPECT_EQ(run("REPLICAOF", "h", "1"), status("OK Already connected to specified master"));
  EXPECT_THAT(replication.asked, testing::ElementsAre("follow h 1", "hurry")) << "what the link waits for is tried at once";
}

TEST_F(Replicaof, RefusesPortsThatAreNone) {
  for (const char* port : {"x", "", "-1", "65536", "99999999999999999999", "1.5", "ONE "}) {
    EXPECT_EQ(run("REPLICAOF", "NO", port), error("ERR Invalid master port")) << port;
  }
  EXPECT_THAT(replication.asked, IsEmpty());
  // As redis does. Nobody listens there.
  EXPECT_EQ(run("REPLICAOF", "h", "0"), ok());
  EXPECT_EQ(run("REPLICAOF", "h", "65535"), ok());
}

TEST_F(Replicaof, NotWhileHandingOver) {
  replication.failing_over = true;
  EXPECT_EQ(run("REPLICAOF", "h", "1"), error("ERR REPLICAOF not allowed while failing over."));
  EXPECT_EQ(run("REPLICAOF", "NO", "ONE"), error("ERR REPLICAOF not allowed while failing over."));
  EXPECT_THAT(replication.asked, IsEmpty());
}

TEST_F(Replicaof, NotOverAReplicasConnection) {
  client().session.replica = std::make_unique<ReplicaSession>();
  client().session.replica->phase = ReplicaSession::Phase::kOnline;
  EXPECT_EQ(run("REPLICAOF", "h", "1"), error("ERR Command is not valid when client is a replica."));
}

TEST_F(Replicaof, HasItsArity) {
  EXPECT_EQ(run("REPLICAOF", "h"), error("ERR wrong number of arguments for 'replicaof' command"));
  EXPECT_EQ(run("SLAVEOF"), error("ERR wrong number of arguments for 'slaveof' command"));
}

TEST_F(Replicaof, SaysWhoAsked) {
  EXPECT_EQ(run("REPLICAOF", "h", "1"), ok());
  ASSERT_FALSE(actions.asked.empty());
  EXPECT_NE(actions.asked.back().find("REPLICAOF h:1 enabled (user request from 'id="), std::string::npos)
      << actions.asked.back();
}

class ReplicaofInCluster : public CommandTest {
 protected:
  ReplicaofInCluster() : CommandTest({.cluster_mode = true}) {}
};

TEST_F(ReplicaofInCluster, IsNotAllowed) {
  EXPECT_EQ(run("REPLICAOF", "h", "1"), error("ERR REPLICAOF not allowed in cluster mode."));
  EXPECT_EQ(run("SLAVEOF", "NO", "ONE"), error("ERR REPLICAOF not allowed in cluster mode."));
}

}  // namespace
}  // namespace skein
