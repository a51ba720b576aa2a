#include "fixture.h"

namespace skein {
namespace {

class RoleTest : public CommandTest {};

TEST_F(RoleTest, APrimaryListsThoseWhoAreOnline) {
  replication.facts.offset = {42};
  replication.facts.replicas = {
      {.ip = "10.0.0.2", .port = 6380, .state = "online", .offset = {40}, .lag_seconds = 1, .is_online = true},
      {.ip = "10.0.0.3", .port = 6381, .state = "send_bulk", .offset = {}, .lag_seconds = 0, .is_online = false}};
  EXPECT_EQ(run("ROLE"), "*3\r\n$6\r\nmaster\r\n:42\r\n*1\r\n*3\r\n$8\r\n10.0.0.2\r\n$4\r\n6380\r\n$2\r\n40\r\n");
}

TEST_F(RoleTest, AReplicaTellsWhomItFollowsAndHowFarItIs) {
  ReplicationFacts::Primary primary;
  primary.host = "10.0.0.1";
  primary.port = 6379;
  primary.link = ReplicationFacts::Primary::Link::kConnected;
  primary.offset = {7};
  replication.facts.primary = primary;
  EXPECT_EQ(run("ROLE"), "*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.1\r\n:6379\r\n$9\r\nconnected\r\n:7\r\n");
  replication.facts.primary->link = ReplicationFacts::Primary::Link::kSyncing;
  EXPECT_EQ(run("ROLE"), "*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.1\r\n:6379\r\n$4\r\nsync\r\n:-1\r\n");
}

TEST_F(RoleTest, InfoShowsEachReplica) {
  replication.facts.replicas = {
      {.ip = "10.0.0.2", .port = 6380, .state = "online", .offset = {40}, .lag_seconds = 1, .is_online = true}};
  EXPECT_THAT(run("INFO", "replication"),
              testing::HasSubstr("connected_slaves:1\r\nslave0:ip=10.0.0.2,port=6380,state=online,offset=40,lag=1\r\n"));
}

TEST_F(RoleTest, FailoverPassesOnWhatWasAsked) {
  EXPECT_EQ(run("FAILOVER", "TO", "10.0.0.2", "6380", "FORCE", "TIMEOUT", "100"), ok());
  EXPECT_EQ(run("FAILOVER", "ABORT"), ok());
  EXPECT_THAT(replication.asked, testing::ElementsAre("failover 10.0.0.2 6380 true 100", "abort failover"));
}

TEST_F(RoleTest, FailoverRefusesAsRedisDoes) {
  EXPECT_EQ(run("FAILOVER", "TIMEOUT", "0"), "-ERR FAILOVER timeout must be greater than 0\r\n");
  EXPECT_EQ(run("FAILOVER", "TO", "a", "b"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("FAILOVER", "ABORT", "TIMEOUT", "3"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("FAILOVER", "TIMEOUT", "3", "TIMEOUT", "4"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace skein
