// The server family: CONFIG, INFO, DEBUG, flushing, SHUTDOWN and the rest.
#include "fixture.h"

#include <skein/base/text.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

class ServerCommands : public CommandTest {
 protected:
  std::string info_field(std::string_view section, std::string_view name) {
    const std::string text = run("INFO", section);
    const std::size_t at = text.find(fmt::format("\n{}:", name));
    if (at == std::string::npos) return "?";
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\r', begin) - begin);
  }
};

const std::string kSyntax = error("ERR syntax error");

TEST_F(ServerCommands, SizesAndFlushes) {
  run("MSET", "a", "1", "b", "2");
  run("SELECT", "1");
  run("SET", "c", "3");
  EXPECT_EQ(run("DBSIZE"), integer(1));
  take_effects();
  EXPECT_EQ(run("FLUSHDB"), ok());
  EXPECT_EQ(run("DBSIZE"), integer(0));
  EXPECT_EQ(run("FLUSHDB", "SYNC"), ok());
  EXPECT_EQ(take_effects(), (std::vector<std::string>{"1 FLUSHDB", "1 FLUSHDB SYNC"}));
  EXPECT_EQ(run("FLUSHALL", "ASYNC"), ok());
  EXPECT_EQ(actions.freed_keys, 2U);
  EXPECT_EQ(keyspace.total_keys(), 0U);
  EXPECT_EQ(run("FLUSHALL", "NOW"), kSyntax);
  EXPECT_EQ(run("FLUSHALL", "SYNC", "x"), kSyntax);
}

TEST_F(ServerCommands, TimeRoleLolwut) {
  EXPECT_EQ(run("TIME"), bulks({"1700000000", "0"}));
  EXPECT_EQ(run("ROLE"), "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  EXPECT_EQ(run("LOLWUT"), bulk("Redis ver. 7.0.15\n"));
  EXPECT_EQ(run("LOLWUT", "VERSION", "x"), error("ERR value is not an integer or out of range"));
}

TEST_F(ServerCommands, ConfigGetAndSet) {
  EXPECT_EQ(run("CONFIG", "GET", "hz"), bulks({"hz", "10"}));
  EXPECT_EQ(run("CONFIG", "GET", "nosuch"), "*0\r\n");
  EXPECT_EQ(run("CONFIG", "SET", "hz", "20", "maxmemory-samples", "7"), ok());
  EXPECT_EQ(actions.applied_directives, (std::vector<std::string>{"hz", "maxmemory-samples"}));
  EXPECT_EQ(config->hz, 20);
  EXPECT_EQ(run("CONFIG", "SET", "hz", "30", "nosuch", "1"),
            error("ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"));
  EXPECT_EQ(config->hz, 20);
  EXPECT_EQ(run("CONFIG", "SET", "hz", "1", "maxmemory-samples"), kSyntax);
  EXPECT_EQ(run("CONFIG", "SET", "databases", "1"),
            error("ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"));
  run("HELLO", "3");
  EXPECT_EQ(run("CONFIG", "GET", "hz"), "%1\r\n$2\r\nhz\r\n$2\r\n20\r\n");
}

TEST_F(ServerCommands, AChangeThatCannotActIsTakenBack) {
  actions.apply_failure = NodeActions::ApplyFailure{&directive("port"), "Unable to listen on this port."};
  EXPECT_EQ(run("CONFIG", "SET", "hz", "20", "port", "7000"),
            error("ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port."));
  EXPECT_EQ(config->hz, 10);
  EXPECT_EQ(config->port, 6379);
  // Once to make it act, once to put back what had acted.
  EXPECT_EQ(std::count(actions.asked.begin(), actions.asked.end(), "apply_config"), 2);
}

TEST_F(ServerCommands, ProtectedDirectivesNeedLeave) {
  const std::string refused =
      error("ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config");
  EXPECT_EQ(run("CONFIG", "SET", "dbfilename", "x.rdb"), refused);
  ASSERT_TRUE(config.set("enable-protected-configs", "local"));
  EXPECT_EQ(run("CONFIG", "SET", "dbfilename", "x.rdb"), ok());
  client().session.local = false;
  EXPECT_EQ(run("CONFIG", "SET", "dbfilename", "y.rdb"), refused);
}

TEST_F(ServerCommands, ConfigRewrite) {
  EXPECT_EQ(run("CONFIG", "REWRITE"), error("ERR The server is running without a config file"));
  actions.info.config_file = "/etc/skein.conf";
  EXPECT_EQ(run("CONFIG", "REWRITE"), ok());
  actions.rewrite_failure = "Permission denied";
  EXPECT_EQ(run("CONFIG", "REWRITE"), error("ERR Rewriting CONFIG file: Permission denied"));
}

TEST_F(ServerCommands, ResetstatBeginsAnew) {
  run("GET", "missing");
  run("nosuch");
  EXPECT_EQ(info_field("stats", "keyspace_misses"), "1");
  EXPECT_EQ(info_field("errorstats", "errorstat_ERR"), "count=1");
  EXPECT_EQ(run("CONFIG", "RESETSTAT"), ok());
  EXPECT_EQ(info_field("stats", "keyspace_misses"), "0");
  EXPECT_EQ(info_field("errorstats", "errorstat_ERR"), "?");
  EXPECT_EQ(std::count(actions.asked.begin(), actions.asked.end(), "reset_statistics"), 1);
}

TEST_F(ServerCommands, InfoSections) {
  EXPECT_EQ(run("INFO", "nosuch"), bulk(""));
  EXPECT_EQ(run("INFO", "keyspace", "CLUSTER", "cluster"), bulk("# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"));
  const std::string usual = run("INFO");
  EXPECT_EQ(usual.find("# Commandstats"), std::string::npos);
  EXPECT_EQ(run("INFO", "default").find("# Commandstats"), std::string::npos);
  EXPECT_NE(run("INFO", "all").find("# Commandstats"), std::string::npos);
  EXPECT_NE(run("INFO", "server", "everything").find("# Latencystats"), std::string::npos);
  EXPECT_EQ(info_field("server", "redis_version"), "7.0.15");
  EXPECT_EQ(info_field("replication", "role"), "master");
}

TEST_F(ServerCommands, InfoTellsWhatIsKnown) {
  run("SET", "k", "v", "EX", "100");
  run("SET", "k2", "v");
  EXPECT_TRUE(info_field("keyspace", "db0").starts_with("keys=2,expires=1,avg_ttl="));
  actions.info.used_memory = 3 * 1024 * 1024 / 2;
  actions.info.resident = 3 * 1024 * 1024;
  EXPECT_EQ(info_field("memory", "used_memory_human"), "1.50M");
  EXPECT_EQ(info_field("memory", "mem_fragmentation_ratio"), "2.00");
  EXPECT_TRUE(info_field("commandstats", "cmdstat_set").starts_with("calls=2,usec="));
  EXPECT_TRUE(info_field("latencystats", "latency_percentiles_usec_set").starts_with("p50="));
  connect();
  EXPECT_EQ(info_field("clients", "connected_clients"), "2");
}

TEST_F(ServerCommands, DebugDigestIsThatOfRedis) {
  const std::string nothing(40, '0');
  EXPECT_EQ(run("DEBUG", "DIGEST"), status(nothing));
  run("SET", "k", "v");
  EXPECT_EQ(run("DEBUG", "DIGEST-VALUE", "k", "missing"),
            array({status("d79ee9fe5d5ad902d7f6620efc3b07b75ddd742f"), status(nothing)}));
  EXPECT_EQ(run("DEBUG", "DIGEST"), status("264ccf65edec66bccfa7cc659414ccca432057d2"));
  run("EXPIRE", "k", "1000");
  EXPECT_EQ(run("DEBUG", "DIGEST"), status("bf83f210388eea94f06fb90d517490e16a08d7dd"));
  run("SELECT", "3");
  run("SET", "x", "123");
  EXPECT_EQ(run("DEBUG", "DIGEST"), status("49e442e63fd909cc8524b1802da4db9d5e8495b4"));
}

TEST_F(ServerCommands, DebugPopulate) {
  run("SET", "key:1", "mine");
  take_effects();
  EXPECT_EQ(run("DEBUG", "POPULATE", "3"), ok());
  EXPECT_EQ(run("MGET", "key:0", "key:1", "key:2", "key:3"), array({bulk("value:0"), bulk("mine"), bulk("value:2"), null()}));
  EXPECT_EQ(run("DEBUG", "POPULATE", "1", "p", "10"), ok());
  EXPECT_EQ(run("GET", "p:0"), bulk(std::string("value:0\0\0\0", 10)));
  EXPECT_EQ(run("DEBUG", "POPULATE", "1", "q", "3"), ok());
  EXPECT_EQ(run("GET", "q:0"), bulk("val"));
  EXPECT_TRUE(take_effects().empty());
  EXPECT_EQ(run("DEBUG", "POPULATE", "-1"), error("ERR value is out of range, must be positive"));
  EXPECT_EQ(run("DEBUG", "POPULATE", "9223372036854775807"), error("ERR value is out of range"));
  EXPECT_TRUE(run("DEBUG", "POPULATE", "1", "q", "9223372036854775807").starts_with("-ERR"));
}

TEST_F(ServerCommands, DebugObject) {
  run("SET", "n", "12");
  const std::string number = run("DEBUG", "OBJECT", "n");
  EXPECT_NE(number.find(" refcount:2147483647 encoding:int serializedlength:2 lru:"), std::string::npos) << number;
  run("SET", "s", "some text");
  EXPECT_NE(run("DEBUG", "OBJECT", "s").find(" refcount:1 encoding:embstr serializedlength:10 lru:"), std::string::npos);
  EXPECT_EQ(run("DEBUG", "OBJECT", "missing"), error("ERR no such key"));
}

TEST_F(ServerCommands, DebugAsksTheNode) {
  EXPECT_EQ(run("DEBUG", "SLEEP", "0.25"), ok());
  EXPECT_EQ(actions.slept, 250ms);
  for (const auto* text : {"nan", "1x", "", " 1", "x"}) {
    EXPECT_EQ(run("DEBUG", "SLEEP", text), error("ERR value is not a valid float")) << text;
    EXPECT_EQ(run("DEBUG", "SET-ACTIVE-EXPIRE", text), error("ERR value is not an integer or out of range")) << text;
  }
  EXPECT_EQ(run("DEBUG", "SLEEP", "-3"), ok());
  EXPECT_EQ(actions.slept, 250ms);
  EXPECT_EQ(run("DEBUG", "SET-ACTIVE-EXPIRE", "0"), ok());
  EXPECT_EQ(actions.asked.back(), "set_active_expire false");
  EXPECT_EQ(run("DEBUG", "LOG", "a line"), ok());
  EXPECT_EQ(actions.asked.back(), "log_warning DEBUG LOG: a line");
  EXPECT_EQ(run("DEBUG", "CHANGE-REPL-ID"), ok());
  EXPECT_EQ(actions.asked.back(), "change_replication_id");
  EXPECT_DEATH(run("DEBUG", "SEGFAULT"), "asked to crash");
  EXPECT_DEATH(run("DEBUG", "PANIC"), "asked to crash by assert");
}

TEST_F(ServerCommands, DebugProtocol) {
  EXPECT_EQ(run("DEBUG", "PROTOCOL", "null"), null());
  EXPECT_EQ(run("DEBUG", "PROTOCOL", "push"), error("ERR RESP2 is not supported by this command"));
  EXPECT_EQ(run("DEBUG", "ERROR", "MY\nERR text"), "-MY ERR text\r\n");
  run("HELLO", "3");
  EXPECT_EQ(run("DEBUG", "PROTOCOL", "map"), "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
  EXPECT_EQ(run("DEBUG", "PROTOCOL", "double"), ",3.141\r\n");
  EXPECT_TRUE(run("DEBUG", "PROTOCOL", "attrib").starts_with("|1\r\n$14\r\nkey-popularity\r\n"));
}

TEST_F(ServerCommands, DebugIsGuarded) {
  facts.gates |= gate::kDebug;
  EXPECT_TRUE(run("DEBUG", "DIGEST").starts_with("-ERR DEBUG command not allowed."));
  facts.debug_for_local = true;
  EXPECT_EQ(run("DEBUG", "DIGEST"), status(std::string(40, '0')));
  client().session.local = false;
  EXPECT_TRUE(run("DEBUG", "DIGEST").starts_with("-ERR DEBUG command not allowed."));
}

TEST_F(ServerCommands, UnknownSubcommands) {
  EXPECT_EQ(run("DEBUG", "nosuch"),
            error("ERR unknown subcommand or wrong number of arguments for 'nosuch'. Try DEBUG HELP."));
  EXPECT_EQ(run("debug", "sleep"),
            error("ERR unknown subcommand or wrong number of arguments for 'sleep'. Try DEBUG HELP."));
  EXPECT_EQ(run("SLOWLOG", "GET", "1", "2"),
            error("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."));
}

TEST_F(ServerCommands, Shutdown) {
  EXPECT_EQ(run("SHUTDOWN", "SAVE", "NOSAVE"), kSyntax);
  EXPECT_EQ(run("SHUTDOWN", "ABORT", "NOW"), kSyntax);
  EXPECT_EQ(run("SHUTDOWN", "ABORT"), error("ERR No shutdown in progress."));
  actions.shutdown_under_way = true;
  EXPECT_EQ(run("SHUTDOWN", "ABORT"), ok());
  EXPECT_EQ(run("SHUTDOWN", "now", "FORCE", "nosave"), "");
  EXPECT_TRUE(actions.shutdown.now && actions.shutdown.force && actions.shutdown.nosave && !actions.shutdown.save);
  actions.shutdown_failure = "ERR Errors trying to SHUTDOWN. Check logs.";
  EXPECT_EQ(run("SHUTDOWN"), error("ERR Errors trying to SHUTDOWN. Check logs."));
  // What is being loaded must not be saved over its own source.
  actions.shutdown_failure.reset();
  facts.gates |= gate::kLoading;
  run("SHUTDOWN", "SAVE");
  EXPECT_TRUE(actions.shutdown.nosave && !actions.shutdown.save);
}

TEST_F(ServerCommands, AShutdownThatWaitsIsAnsweredLater) {
  actions.shutdown_waits = true;
  EXPECT_EQ(run("SHUTDOWN"), "");
  ASSERT_NE(client().session.suspended, nullptr);
  EXPECT_EQ(client().session.suspended->reason, SuspendReason::kHandover);
}

TEST_F(ServerCommands, InfoTellsHowLongAShutdownWaits) {
  EXPECT_EQ(run("INFO", "server").find("shutdown_in_milliseconds"), std::string::npos);
  actions.info.shutdown_in_millis = 1500;
  EXPECT_NE(run("INFO", "server").find("shutdown_in_milliseconds:1500\r\n"), std::string::npos);
}

TEST_F(ServerCommands, SlowlogTells) {
  facts.slow_ticks = 0;
  client().session.name = "joe";
  run("SET", "k", "v");
  facts.slow_ticks = UINT64_MAX;
  EXPECT_EQ(run("SLOWLOG", "LEN"), integer(1));
  const std::string reply = run("SLOWLOG", "GET", "-1");
  EXPECT_TRUE(reply.starts_with("*1\r\n*6\r\n:0\r\n:1700000000\r\n:")) << reply;
  EXPECT_EQ(texts_of(reply), (std::vector<std::string>{"SET", "k", "v", client().session.address, "joe"}));
  EXPECT_EQ(run("SLOWLOG", "GET", "0"), "*0\r\n");
  EXPECT_EQ(run("SLOWLOG", "GET", "-2"), error("ERR count should be greater than or equal to -1"));
  EXPECT_EQ(run("SLOWLOG", "RESET"), ok());
  EXPECT_EQ(run("SLOWLOG", "GET"), "*0\r\n");
}

TEST_F(ServerCommands, LatencyHistogramOfWhatRan) {
  run("SET", "k", "v");
  const std::string reply = run("LATENCY", "HISTOGRAM", "set", "nosuch", "get");
  EXPECT_TRUE(reply.starts_with("*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:")) << reply;
  EXPECT_EQ(run("LATENCY", "LATEST"), "*0\r\n");
}

TEST_F(ServerCommands, MemoryUsage) {
  run("SET", "k", "v");
  EXPECT_TRUE(run("MEMORY", "USAGE", "k", "SAMPLES", "5").starts_with(":"));
  EXPECT_EQ(run("MEMORY", "USAGE", "missing"), null());
  EXPECT_EQ(run("MEMORY", "USAGE", "k", "SAMPLES", "-1"), kSyntax);
}

TEST_F(ServerCommands, AclKnowsOneUser) {
  EXPECT_EQ(run("ACL", "WHOAMI"), bulk("default"));
  EXPECT_EQ(run("ACL", "LIST"), bulks({"user default on nopass ~* &* +@all"}));
  ASSERT_TRUE(config.set("requirepass", "foo"));
  EXPECT_EQ(run("ACL", "LIST"),
            bulks({"user default on #2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae ~* &* +@all"}));
  EXPECT_EQ(run("ACL", "GETUSER", "nobody"), null());
  EXPECT_EQ(run("ACL", "CAT", "nosuch"), error("ERR Unknown category 'nosuch'"));
  EXPECT_EQ(texts_of(run("ACL", "CAT", "transaction")),
            (std::vector<std::string>{"discard", "exec", "multi", "unwatch", "watch"}));
}

}  // namespace
}  // namespace skein
