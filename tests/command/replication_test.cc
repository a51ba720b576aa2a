#include "fixture.h"

#include <gmock/gmock.h>

namespace skein {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReplicationCommands : public CommandTest {
 protected:
  // As the primary's side does when PSYNC is served.
  void become_replica() {
    if (client().session.replica == nullptr) client().session.replica = std::make_unique<ReplicaSession>();
    client().session.replica->phase = ReplicaSession::Phase::kOnline;
  }
  void follow_somebody() { replication.facts.primary.emplace(); }
};

TEST_F(ReplicationCommands, ReplconfIntroducesAReplica) {
  EXPECT_EQ(run("REPLCONF", "listening-port", "6380", "ip-address", "10.0.0.7"), ok());
  EXPECT_EQ(run("REPLCONF", "capa", "eof", "CAPA", "psync2", "capa", "dual-channel"), ok());
  const ReplicaSession& replica = *client().session.replica;
  EXPECT_EQ(replica.listening_port, 6380);
  EXPECT_EQ(replica.announced_ip, "10.0.0.7");
  EXPECT_TRUE(replica.capable_of_eof);
  EXPECT_TRUE(replica.capable_of_psync2);
  EXPECT_FALSE(replica.is_replica());
}

TEST_F(ReplicationCommands, ReplconfRefusesAsRedis) {
  EXPECT_EQ(run("REPLCONF"), ok());
  EXPECT_EQ(run("REPLCONF", "listening-port"), error("ERR syntax error"));
  EXPECT_EQ(run("REPLCONF", "version", "8.0.0"), error("ERR Unrecognized REPLCONF option: version"));
  EXPECT_EQ(run("REPLCONF", "listening-port", "x"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("REPLCONF", "listening-port", "-5"), ok());
  EXPECT_EQ(run("REPLCONF", "rdb-only", "2"), error("ERR value is out of range, value must between 0 and 1"));
  EXPECT_EQ(run("REPLCONF", "rdb-filter-only", "functions keys"),
            error("ERR Unsupported rdb-filter-only option: keys"));
  EXPECT_EQ(run("REPLCONF", "rdb-filter-only", "\"a"), error("ERR Missing rdb-filter-only values"));
  // What holds more words than anybody writes is not cut into words first.
  const std::string many(5000, 'f');
  EXPECT_EQ(run("REPLCONF", "rdb-filter-only", many),
            error("ERR Unsupported rdb-filter-only option: " + many.substr(0, 128)));
  EXPECT_EQ(run("REPLCONF", "ip-address", std::string(255, 'a')), ok());
  EXPECT_EQ(run("REPLCONF", "ip-address", std::string(256, 'a')),
            error("ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes"));
}

TEST_F(ReplicationCommands, ReplconfTakesWhatToolsWantOfASnapshot) {
  EXPECT_EQ(run("REPLCONF", "rdb-only", "1", "rdb-filter-only", "functions"), ok());
  EXPECT_TRUE(client().session.replica->rdb_only);
  EXPECT_FALSE(client().session.replica->wants_keys);
  EXPECT_TRUE(client().session.replica->wants_functions);
  EXPECT_EQ(run("REPLCONF", "rdb-filter-only", ""), ok());
  EXPECT_FALSE(client().session.replica->wants_functions);
}

TEST_F(ReplicationCommands, AcknowledgementsAreNeverAnswered) {
  EXPECT_EQ(run("REPLCONF", "ACK", "7"), "");
  EXPECT_THAT(replication.asked, IsEmpty()) << "from a client that is no replica";
  become_replica();
  EXPECT_EQ(run("REPLCONF", "ACK", "7"), "");
  EXPECT_EQ(run("REPLCONF", "ACK", "8", "FACK", "5"), "");
  EXPECT_EQ(run("REPLCONF", "ACK", "x"), "");
  EXPECT_THAT(replication.asked, ElementsAre("acknowledged 7 -1", "acknowledged 8 5"));
}

// A replica cannot know what clients here have to call it, and an error would end its link.
TEST_F(ReplicationCommands, AReplicaAcknowledgesUnderTheOriginalName) {
  for (const char* name : {"zzreplconf", ""}) {
    ASSERT_TRUE(commands.rename(commands.find("replconf") != nullptr ? "replconf" : "zzreplconf", name));
    become_replica();
    EXPECT_EQ(run("REPLCONF", "ACK", "7"), "");
    EXPECT_EQ(run("replconf", "GETACK", "*"), "");
  }
  EXPECT_THAT(replication.asked, ElementsAre("acknowledged 7 -1", "acknowledged 7 -1"));
  // That is all a replica gets by it, and nobody else does.
  ASSERT_TRUE(commands.rename("flushall", ""));
  EXPECT_TRUE(run("FLUSHALL").starts_with("-ERR unknown command 'FLUSHALL'"));
  client().session.replica.reset();
  EXPECT_TRUE(run("REPLCONF", "ACK", "7").starts_with("-ERR unknown command 'REPLCONF'"));
}

TEST_F(ReplicationCommands, InfoTellsWhyFullSyncsAreInVain) {
  follow_somebody();
  EXPECT_EQ(run("INFO", "replication").find("master_sync_failures"), std::string::npos);
  replication.facts.primary->sync_failures = 3;
  replication.facts.primary->sync_failure = "key \"l\" is of type 1 (list), which is not supported";
  replication.facts.primary->retry_seconds = 120;
  EXPECT_NE(run("INFO", "replication")
                .find("master_sync_failures:3\r\nmaster_sync_last_failure:key \"l\" is of type 1 (list), which is not "
                      "supported\r\nmaster_sync_retry_in_seconds:120\r\n"),
            std::string::npos);
}

TEST_F(ReplicationCommands, GetackIsForReplicas) {
  EXPECT_EQ(run("REPLCONF", "GETACK", "*"), "");
  EXPECT_THAT(replication.asked, IsEmpty());
  follow_somebody();
  EXPECT_EQ(run("REPLCONF", "GETACK", "*"), "");
  EXPECT_THAT(replication.asked, ElementsAre("acknowledge"));
}

TEST_F(ReplicationCommands, PsyncAndSyncAreHandedOver) {
  EXPECT_EQ(run("PSYNC", "?", "-1"), "");
  EXPECT_EQ(run("PSYNC", "abc", "17", "FAILOVER"), "");
  EXPECT_EQ(run("SYNC"), "");
  EXPECT_THAT(replication.asked, ElementsAre("serve PSYNC ? -1", "serve PSYNC abc 17 takes over", "serve SYNC ? -1"));
  EXPECT_EQ(run("PSYNC", "?", "x"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("PSYNC", "?"), error("ERR wrong number of arguments for 'psync' command"));
}

TEST_F(ReplicationCommands, NoReplicaIsBornInsideATransaction) {
  run("MULTI");
  EXPECT_EQ(run("PSYNC", "?", "-1"), error("ERR Command not allowed inside a transaction"));
  EXPECT_EQ(run("SYNC"), error("ERR Command not allowed inside a transaction"));
  EXPECT_THAT(replication.asked, IsEmpty());
}

TEST_F(ReplicationCommands, WaitAnswersAtOnceWhenEnoughHave) {
  EXPECT_EQ(run("WAIT", "0", "0"), integer(0));
  EXPECT_EQ(run("WAIT", "-1", "0"), integer(0));
  replication.acknowledged = 2;
  EXPECT_EQ(run("WAIT", "1", "0"), integer(2));
  EXPECT_THAT(replication.asked, IsEmpty());
}

TEST_F(ReplicationCommands, WaitIsSuspendedUntilTheyHave) {
  EXPECT_EQ(run("WAIT", "1", "100"), "");
  EXPECT_TRUE(client().suspended());
  EXPECT_EQ(client().session.suspended->reason, SuspendReason::kReplicas);
  EXPECT_THAT(replication.asked, ElementsAre("await 1"));
}

TEST_F(ReplicationCommands, WaitDoesNotHoldUpATransaction) {
  run("MULTI");
  EXPECT_EQ(run("WAIT", "3", "0"), queued());
  EXPECT_EQ(run("EXEC"), array({integer(0)}));
}

TEST_F(ReplicationCommands, WaitRefusesAsRedis) {
  EXPECT_EQ(run("WAIT", "x", "0"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("WAIT", "0", "x"), error("ERR timeout is not an integer or out of range"));
  EXPECT_EQ(run("WAIT", "0", "-1"), error("ERR timeout is negative"));
  EXPECT_EQ(run("WAIT", "0"), error("ERR wrong number of arguments for 'wait' command"));
  follow_somebody();
  EXPECT_EQ(run("WAIT", "x", "0"),
            error("ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is "
                  "configured to be writable (which is not the default) writes to replicas are just local and are not "
                  "propagated."));
}

TEST_F(ReplicationCommands, ClientUnblockEndsAWait) {
  BedClient& waiting = connect();
  const std::string id = std::to_string(waiting.session.id());
  waiting.run("WAIT", "1", "0");
  replication.acknowledged = 0;
  EXPECT_EQ(run("CLIENT", "UNBLOCK", id), integer(1));
  EXPECT_EQ(waiting.take_output(), integer(0));
  EXPECT_FALSE(waiting.suspended());
  EXPECT_EQ(waiting.woken, 1);
  EXPECT_EQ(run("CLIENT", "UNBLOCK", id), integer(0));
  waiting.run("WAIT", "1", "0");
  EXPECT_EQ(run("CLIENT", "UNBLOCK", id, "ERROR"), integer(1));
  EXPECT_EQ(waiting.take_output(), error("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
}

TEST_F(ReplicationCommands, ReplicasAreAClassOfClients) {
  BedClient& replica = connect();
  replica.session.replica = std::make_unique<ReplicaSession>();
  replica.session.replica->phase = ReplicaSession::Phase::kOnline;
  replica.session.replica->owed = 5000;
  const std::string list = run("CLIENT", "LIST", "TYPE", "replica");
  EXPECT_THAT(list, testing::HasSubstr(" flags=S "));
  EXPECT_THAT(list, testing::HasSubstr(" omem=5000 "));
  EXPECT_THAT(list, testing::HasSubstr(" events=rw "));
  EXPECT_THAT(run("CLIENT", "LIST", "TYPE", "normal"), testing::Not(testing::HasSubstr("flags=S")));
  EXPECT_EQ(run("CLIENT", "KILL", "TYPE", "slave"), integer(1));
  EXPECT_THAT(actions.asked, ElementsAre(testing::HasSubstr(std::to_string(replica.session.id()))));
}

}  // namespace
}  // namespace skein
