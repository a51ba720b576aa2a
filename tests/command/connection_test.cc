// The connection family: logging in, protocols, and CLIENT.
#include "fixture.h"

#include <skein/base/text.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

class Connection : public CommandTest {
 protected:
  void require_password(std::string_view password) {
    ASSERT_TRUE(config.set("requirepass", password));
    client().session.shut(gate::kAuth, true);
  }
};

const std::string kWrongPass = error("WRONGPASS invalid username-password pair or user is disabled.");
const std::string kSyntax = error("ERR syntax error");

std::string field(const std::string& line, const std::string& name) {
  const std::size_t at = line.find(" " + name + "=");
  if (at == std::string::npos) return "?";
  const std::size_t begin = at + name.size() + 2;
  return line.substr(begin, line.find_first_of(" \n", begin) - begin);
}

TEST_F(Connection, PingEchoSelect) {
  EXPECT_EQ(run("PING"), status("PONG"));
  EXPECT_EQ(run("ping", "x"), bulk("x"));
  EXPECT_EQ(run("PING", "a", "b"), error("ERR wrong number of arguments for 'ping' command"));
  EXPECT_EQ(run("ECHO", "hello"), bulk("hello"));
  EXPECT_EQ(run("SELECT", "15"), ok());
  EXPECT_EQ(client().session.db, 15);
  EXPECT_EQ(run("SELECT", "16"), error("ERR DB index is out of range"));
  EXPECT_EQ(run("SELECT", "-1"), error("ERR DB index is out of range"));
  EXPECT_EQ(run("SELECT", "x"), error("ERR value is not an integer or out of range"));
  EXPECT_EQ(run("SELECT", "2147483648"),
            error("ERR value is out of range, value must between -2147483648 and 2147483647"));
  EXPECT_EQ(client().session.db, 15);
}

TEST_F(Connection, NothingButLoggingInWithoutThePassword) {
  require_password("sesame");
  EXPECT_EQ(run("PING"), error("NOAUTH Authentication required."));
  EXPECT_EQ(run("AUTH", "wrong"), kWrongPass);
  EXPECT_EQ(run("AUTH", "sesam"), kWrongPass);
  EXPECT_EQ(run("AUTH", ""), kWrongPass);
  EXPECT_EQ(run("AUTH", "nobody", "sesame"), kWrongPass);
  EXPECT_EQ(run("AUTH", "default", "sesame", "x"), kSyntax);
  EXPECT_FALSE(client().session.authenticated());
  EXPECT_EQ(run("AUTH", "sesame"), ok());
  EXPECT_EQ(run("PING"), status("PONG"));
  EXPECT_EQ(run("RESET"), status("RESET"));
  EXPECT_EQ(run("PING"), error("NOAUTH Authentication required."));
  EXPECT_EQ(run("AUTH", "default", "sesame"), ok());
  // A failed try takes nothing away.
  EXPECT_EQ(run("AUTH", "wrong"), kWrongPass);
  EXPECT_EQ(run("PING"), status("PONG"));
}

TEST_F(Connection, AuthWithoutAPassword) {
  EXPECT_TRUE(run("AUTH", "x").starts_with("-ERR AUTH <password> called without any password configured"));
  EXPECT_EQ(run("AUTH", "default", "anything"), ok());
  EXPECT_EQ(run("AUTH", "other", "anything"), kWrongPass);
}

TEST_F(Connection, TakingThePasswordAwayLetsEverybodyIn) {
  require_password("sesame");
  BedClient& other = connect();
  EXPECT_EQ(other.run("CONFIG", "SET", "requirepass", ""), ok());
  EXPECT_EQ(run("PING"), status("PONG"));
}

TEST_F(Connection, HelloTellsAndSwitches) {
  const std::string two = run("HELLO");
  EXPECT_TRUE(two.starts_with("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"))
      << two;
  const std::string three = run("HELLO", "3", "SETNAME", "joe");
  EXPECT_TRUE(three.starts_with("%7\r\n"));
  EXPECT_NE(three.find("$5\r\nproto\r\n:3\r\n"), std::string::npos);
  EXPECT_NE(three.find("$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"),
            std::string::npos);
  EXPECT_EQ(run("CLIENT", "GETNAME"), bulk("joe"));
  EXPECT_EQ(run("GET", "missing"), "_\r\n");
  EXPECT_EQ(run("HELLO", "4"), error("NOPROTO unsupported protocol version"));
  EXPECT_EQ(run("HELLO", "x"), error("ERR Protocol version is not an integer or out of range"));
  EXPECT_EQ(run("HELLO", "3", "AUTH", "default"), error("ERR Syntax error in HELLO option 'AUTH'"));
  EXPECT_EQ(run("HELLO", "2", "SETNAME", "a b"),
            error("ERR Client names cannot contain spaces, newlines or special characters."));
  // What came before the refused word has acted; the protocol has not changed.
  EXPECT_EQ(run("HELLO", "2", "SETNAME", "jim", "WHAT"), error("ERR Syntax error in HELLO option 'WHAT'"));
  EXPECT_EQ(run("CLIENT", "GETNAME"), bulk("jim"));
  EXPECT_EQ(client().session.protocol(), 3);
}

TEST_F(Connection, HelloLogsIn) {
  require_password("sesame");
  EXPECT_TRUE(run("HELLO", "3").starts_with("-NOAUTH HELLO must be called with the client already authenticated"));
  EXPECT_EQ(run("HELLO", "3", "AUTH", "default", "wrong"), kWrongPass);
  EXPECT_TRUE(run("HELLO", "3", "AUTH", "default", "sesame").starts_with("%7\r\n"));
  EXPECT_EQ(run("PING"), status("PONG"));
}

TEST_F(Connection, ResetMakesAConnectionNew) {
  run("HELLO", "3", "SETNAME", "joe");
  run("SELECT", "3");
  run("WATCH", "k");
  run("MULTI");
  EXPECT_EQ(run("RESET"), status("RESET"));
  const Session& session = client().session;
  EXPECT_EQ(session.db, 0);
  EXPECT_EQ(session.protocol(), 2);
  EXPECT_TRUE(session.name.empty());
  EXPECT_TRUE(session.watched.empty());
  EXPECT_EQ(run("EXEC"), error("ERR EXEC without MULTI"));
}

TEST_F(Connection, QuitAnswersAndCloses) {
  run("MULTI");
  EXPECT_EQ(run("QUIT", "whatever"), ok());
  EXPECT_TRUE(client().closed);
  EXPECT_TRUE(client().closed_after_replies);
}

TEST_F(Connection, WordsOfHttpCloseAtOnce) {
  require_password("sesame");
  EXPECT_EQ(run("POST", "/", "HTTP/1.1"), "");
  EXPECT_TRUE(client().closed);
  EXPECT_FALSE(client().closed_after_replies);
  EXPECT_TRUE(actions.asked.front().starts_with("log_outsider "));
  BedClient& other = connect();
  EXPECT_EQ(other.run("Host:", "x"), "");
  EXPECT_TRUE(other.closed);
}

TEST_F(Connection, ClientNames) {
  EXPECT_EQ(run("CLIENT", "GETNAME"), null());
  EXPECT_EQ(run("CLIENT", "SETNAME", "joe"), ok());
  EXPECT_EQ(run("CLIENT", "GETNAME"), bulk("joe"));
  EXPECT_EQ(run("CLIENT", "SETNAME", "\x01"),
            error("ERR Client names cannot contain spaces, newlines or special characters."));
  EXPECT_EQ(run("CLIENT", "SETNAME", ""), ok());
  EXPECT_EQ(run("CLIENT", "GETNAME"), null());
}

TEST_F(Connection, ClientInfoAndList) {
  BedClient& other = connect();
  other.run("CLIENT", "SETNAME", "other");
  other.run("SELECT", "2");
  other.run("MULTI");
  other.run("GET", "k");
  advance(5s);
  const std::string info = run("CLIENT", "INFO");
  EXPECT_EQ(field(info, "age"), "5");
  EXPECT_EQ(field(info, "flags"), "N");
  EXPECT_EQ(field(info, "cmd"), "client|info");
  const std::string list = run("CLIENT", "LIST", "ID", std::to_string(other.session.id()));
  EXPECT_EQ(field(list, "name"), "other");
  EXPECT_EQ(field(list, "db"), "2");
  EXPECT_EQ(field(list, "idle"), "5");
  EXPECT_EQ(field(list, "flags"), "x");
  EXPECT_EQ(field(list, "multi"), "1");
  EXPECT_EQ(run("CLIENT", "LIST", "TYPE", "pubsub"), bulk(""));
  EXPECT_EQ(run("CLIENT", "LIST", "TYPE", "what"), error("ERR Unknown client type 'what'"));
  EXPECT_EQ(run("CLIENT", "LIST", "ID"), kSyntax);
  EXPECT_EQ(run("CLIENT", "LIST", "ID", "1", "x"), error("ERR Invalid client ID"));
  EXPECT_EQ(run("CLIENT", "LIST", "ID", "9223372036854775807"), bulk(""));
  run("HELLO", "3");
  EXPECT_TRUE(run("CLIENT", "INFO").starts_with("="));
}

TEST_F(Connection, KillOldForm) {
  BedClient& other = connect();
  EXPECT_EQ(run("CLIENT", "KILL", "1.2.3.4:5"), error("ERR No such client"));
  EXPECT_EQ(run("CLIENT", "KILL", other.session.address), ok());
  EXPECT_TRUE(other.closed);
  EXPECT_FALSE(other.closed_after_replies);
  // It is as good as gone.
  EXPECT_EQ(run("CLIENT", "KILL", other.session.address), error("ERR No such client"));
  EXPECT_EQ(run("CLIENT", "KILL", client().session.address), ok());
  EXPECT_TRUE(client().closed_after_replies);
}

TEST_F(Connection, KillByFilters) {
  BedClient& other = connect();
  const std::string id = std::to_string(other.session.id());
  EXPECT_EQ(run("CLIENT", "KILL", "ID", id, "ADDR", "1.2.3.4:5"), integer(0));
  EXPECT_EQ(run("CLIENT", "KILL", "ID", id, "USER", "default", "TYPE", "normal"), integer(1));
  EXPECT_TRUE(other.closed);
  EXPECT_EQ(run("CLIENT", "KILL", "TYPE", "normal"), integer(0));
  EXPECT_FALSE(client().closed);
  EXPECT_EQ(run("CLIENT", "KILL", "LADDR", "127.0.0.1:6379", "SKIPME", "no"), integer(1));
  EXPECT_TRUE(client().closed_after_replies);
}

TEST_F(Connection, KillRefusesWhatIsNoFilter) {
  EXPECT_EQ(run("CLIENT", "KILL", "ID", "0"), error("ERR client-id should be greater than 0"));
  EXPECT_EQ(run("CLIENT", "KILL", "ID", "9223372036854775808"), error("ERR client-id should be greater than 0"));
  EXPECT_EQ(run("CLIENT", "KILL", "USER", "x"), error("ERR No such user 'x'"));
  EXPECT_EQ(run("CLIENT", "KILL", "TYPE", "x"), error("ERR Unknown client type 'x'"));
  EXPECT_EQ(run("CLIENT", "KILL", "SKIPME", "x"), kSyntax);
  EXPECT_EQ(run("CLIENT", "KILL", "ID", "1", "ADDR"), kSyntax);
}

TEST_F(Connection, Pause) {
  EXPECT_EQ(run("CLIENT", "PAUSE", "1500"), ok());
  EXPECT_EQ(actions.paused, PauseKind::kAll);
  EXPECT_EQ(actions.paused_until, facts.now.mono + 1500ms);
  EXPECT_EQ(run("CLIENT", "PAUSE", "9223372036854775807", "write"), ok());
  EXPECT_EQ(actions.paused, PauseKind::kWrite);
  EXPECT_GT(actions.paused_until, facts.now.mono + std::chrono::hours{24 * 365});
  EXPECT_EQ(run("CLIENT", "UNPAUSE"), ok());
  EXPECT_EQ(actions.paused, PauseKind::kNone);
  EXPECT_EQ(run("CLIENT", "PAUSE", "-1"), error("ERR timeout is negative"));
  EXPECT_EQ(run("CLIENT", "PAUSE", "x"), error("ERR timeout is not an integer or out of range"));
  EXPECT_EQ(run("CLIENT", "PAUSE", "x", "y"), error("ERR CLIENT PAUSE mode must be WRITE or ALL"));
}

TEST_F(Connection, RepliesSwitchedOff) {
  EXPECT_EQ(run("CLIENT", "REPLY", "OFF"), "");
  EXPECT_EQ(run("PING"), "");
  EXPECT_EQ(run("nosuch"), "");
  EXPECT_EQ(run("CLIENT", "REPLY", "SKIP"), "");
  EXPECT_EQ(run("PING"), "");
  EXPECT_EQ(run("CLIENT", "REPLY", "ON"), ok());
  EXPECT_EQ(run("PING"), status("PONG"));
}

TEST_F(Connection, OneReplySkipped) {
  EXPECT_EQ(run("CLIENT", "REPLY", "SKIP"), "");
  EXPECT_EQ(run("PING"), "");
  EXPECT_EQ(run("PING"), status("PONG"));
  EXPECT_EQ(run("CLIENT", "REPLY", "SKIP"), "");
  EXPECT_EQ(run("CLIENT", "REPLY", "SKIP"), "");
  EXPECT_EQ(run("nosuch"), "");
  EXPECT_EQ(run("PING"), status("PONG"));
  EXPECT_EQ(run("CLIENT", "REPLY", "maybe"), kSyntax);
}

TEST_F(Connection, SkipInATransactionMeansWhatFollowsIt) {
  run("MULTI");
  run("CLIENT", "REPLY", "SKIP");
  run("PING");
  EXPECT_EQ(run("EXEC"), "*2\r\n+PONG\r\n");
  EXPECT_EQ(run("PING"), "");
  EXPECT_EQ(run("PING"), status("PONG"));
}

TEST_F(Connection, PasswordsStayOutOfTheSlowlog) {
  facts.slow_ticks = 0;
  run("AUTH", "default", "secret");
  run("HELLO", "2", "AUTH", "default", "secret", "SETNAME", "joe");
  run("CONFIG", "SET", "hz", "11", "requirepass", "secret");
  ASSERT_EQ(slowlog.calls().size(), 3U);
  for (const SlowCall& call : slowlog.calls()) {
    for (const std::string& argument : call.arguments) EXPECT_NE(argument, "secret") << call.arguments[0];
  }
  EXPECT_EQ(slowlog.calls()[1].arguments,
            (std::vector<std::string>{"HELLO", "2", "AUTH", "(redacted)", "(redacted)", "SETNAME", "joe"}));
  EXPECT_EQ(slowlog.calls()[0].arguments[3], "11");
}

// Whatever else is wrong with the call.
TEST_F(Connection, PasswordsStayOutOfTheSlowlogWhenTheCallIsRefused) {
  facts.slow_ticks = 0;
  const std::vector<std::string> calls{
      "HELLO 2 SETNAME \"a b\" AUTH default secret", "HELLO abc AUTH default secret", "HELLO 7 AUTH default secret",
      "HELLO 2 BOGUS AUTH default secret",           "HELLO 2 AUTH secret",           "CONFIG SET requirepasss secret",
      "CONFIG SET master-auth secret hz 10",         "CONFIG SET nosuch x masterauth secret"};
  for (const auto& text : calls) {
    line(text);
    for (const std::string& argument : slowlog.calls().front().arguments) EXPECT_NE(argument, "secret") << text;
  }
  EXPECT_EQ(slowlog.calls().size(), calls.size());
}

class ClusterConnection : public CommandTest {
 protected:
  ClusterConnection() : CommandTest({.cluster_mode = true}) {}
};

TEST_F(ClusterConnection, HasOneDatabase) {
  EXPECT_EQ(run("SELECT", "0"), ok());
  EXPECT_EQ(run("SELECT", "1"), error("ERR SELECT is not allowed in cluster mode"));
  EXPECT_NE(run("HELLO").find("$4\r\nmode\r\n$7\r\ncluster\r\n"), std::string::npos);
}

}  // namespace
}  // namespace skein
