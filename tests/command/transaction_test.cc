// MULTI, EXEC, DISCARD, WATCH and UNWATCH.
#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;

class Transactions : public CommandTestInBothModes {};
INSTANTIATE_TEST_SUITE_P(BothModes, Transactions, testing::Bool());

const std::string kExecAbort = error("EXECABORT Transaction discarded because of previous errors.");

TEST_P(Transactions, RunTogether) {
  EXPECT_EQ(run("MULTI"), ok());
  EXPECT_EQ(run("SET", "k", "1"), queued());
  EXPECT_EQ(run("INCR", "k"), queued());
  EXPECT_EQ(run("GET", "k"), queued());
  EXPECT_EQ(connect().run("GET", "k"), null());
  EXPECT_EQ(run("EXEC"), array({ok(), integer(2), bulk("2")}));
  EXPECT_EQ(take_effects(), (std::vector<std::string>{"MULTI", "0 SET k 1", "0 INCR k", "EXEC"}));
  EXPECT_EQ(run("EXEC"), error("ERR EXEC without MULTI"));
}

TEST_P(Transactions, AnErrorInsideStopsNothing) {
  run("SET", "k", "text");
  run("MULTI");
  run("INCR", "k");
  run("SET", "k", "2");
  EXPECT_EQ(run("EXEC"), array({error("ERR value is not an integer or out of range"), ok()}));
}

TEST_P(Transactions, ACallThatCannotBeQueuedSpoilsAll) {
  run("MULTI");
  run("SET", "k", "v");
  EXPECT_TRUE(run("nosuch").starts_with("-ERR unknown command"));
  EXPECT_EQ(run("SET", "k", "w"), queued());
  EXPECT_EQ(run("EXEC"), kExecAbort);
  EXPECT_EQ(run("GET", "k"), null());
  run("MULTI");
  EXPECT_TRUE(run("GET").starts_with("-ERR wrong number"));
  EXPECT_EQ(run("EXEC"), kExecAbort);
  EXPECT_TRUE(take_effects().empty());
}

TEST_P(Transactions, MistakesThatSpoilNothing) {
  EXPECT_EQ(run("DISCARD"), error("ERR DISCARD without MULTI"));
  run("MULTI");
  EXPECT_EQ(run("MULTI"), error("ERR MULTI calls can not be nested"));
  EXPECT_EQ(run("WATCH", "k"), error("ERR WATCH inside MULTI is not allowed"));
  EXPECT_EQ(run("PING"), queued());
  EXPECT_EQ(run("EXEC"), array({status("PONG")}));
}

TEST_P(Transactions, ShutdownCannotBeQueued) {
  run("MULTI");
  EXPECT_EQ(run("SHUTDOWN"), error("ERR Command not allowed inside a transaction"));
  EXPECT_EQ(run("EXEC"), kExecAbort);
}

TEST_P(Transactions, DiscardForgetsCallsAndKeys) {
  run("WATCH", "k");
  run("MULTI");
  run("SET", "k", "v");
  EXPECT_EQ(run("DISCARD"), ok());
  EXPECT_EQ(watch.watched_keys(), 0U);
  EXPECT_EQ(run("GET", "k"), null());
}

TEST_P(Transactions, AChangedKeyBreaksIt) {
  run("WATCH", "k", "k2");
  connect().run("SET", "k2", "v");
  run("MULTI");
  run("SET", "k", "v");
  EXPECT_EQ(run("EXEC"), null_array());
  EXPECT_EQ(run("GET", "k"), null());
  // EXEC forgets what was watched, kept or broken.
  run("MULTI");
  run("PING");
  EXPECT_EQ(run("EXEC"), array({status("PONG")}));
}

TEST_P(Transactions, OnesOwnChangeBreaksItToo) {
  run("WATCH", "k");
  run("SET", "k", "v");
  run("MULTI");
  EXPECT_EQ(run("EXEC"), null_array());
}

TEST_P(Transactions, ErrorsComeBeforeBrokenKeys) {
  run("WATCH", "k");
  run("SET", "k", "v");
  run("MULTI");
  run("nosuch");
  EXPECT_EQ(run("EXEC"), kExecAbort);
}

TEST_P(Transactions, UnwatchForgets) {
  run("WATCH", "k");
  run("SET", "k", "v");
  EXPECT_EQ(run("UNWATCH"), ok());
  run("MULTI");
  EXPECT_EQ(run("EXEC"), "*0\r\n");
}

TEST_P(Transactions, AKeyThatExpiresBreaksIt) {
  run("SET", "k", "v", "PX", "100");
  run("WATCH", "k");
  advance(101ms);
  run("MULTI");
  run("PING");
  EXPECT_EQ(run("EXEC"), null_array());
}

TEST_P(Transactions, FlushingBreaksWhatWasThere) {
  run("SET", "k", "v");
  run("WATCH", "k");
  BedClient& other = connect();
  other.run("WATCH", "missing");
  run("FLUSHALL");
  run("MULTI");
  EXPECT_EQ(run("EXEC"), null_array());
  other.run("MULTI");
  EXPECT_EQ(other.run("EXEC"), "*0\r\n");
}

TEST_P(Transactions, FlushingWhatHadExpiredBeforeTheWatchBreaksNothing) {
  run("SET", "k", "v", "PX", "10");
  advance(50ms);
  run("WATCH", "k");
  run("FLUSHALL");
  run("MULTI");
  EXPECT_EQ(run("EXEC"), "*0\r\n");
}

TEST_P(Transactions, AWrongExecEndsIt) {
  run("MULTI");
  EXPECT_EQ(run("EXEC", "x"),
            error("EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"));
  EXPECT_EQ(run("EXEC"), error("ERR EXEC without MULTI"));
}

TEST_P(Transactions, ErrorsAreCountedOnce) {
  run("MULTI");
  run("INCR", "k");
  run("SET", "k", "text");
  run("INCR", "k");
  run("EXEC");
  EXPECT_EQ(stats.total_errors(), 1U);
  EXPECT_EQ(stats.figures()[commands.find("exec")->index].failed, 0U);
  EXPECT_EQ(stats.figures()[commands.find("incr")->index].failed, 1U);
  run("EXEC");
  EXPECT_EQ(stats.figures()[commands.find("exec")->index].failed, 1U);
}

TEST_P(Transactions, AClientSeesItselfInIt) {
  run("MULTI");
  run("CLIENT", "INFO");
  run("PING");
  const std::string reply = run("EXEC");
  EXPECT_NE(reply.find(" flags=x db=0 sub=0 psub=0 ssub=0 multi=2 "), std::string::npos) << reply;
  EXPECT_NE(reply.find(" cmd=exec "), std::string::npos) << reply;
}

TEST_P(Transactions, InResp3AbortIsNull) {
  run("HELLO", "3");
  run("WATCH", "k");
  run("SET", "k", "v");
  run("MULTI");
  EXPECT_EQ(run("EXEC"), "_\r\n");
}

}  // namespace
}  // namespace skein
