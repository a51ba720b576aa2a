#include <skein/config/later_directives.h>
#include <skein/config/parse.h>

#include <chrono>

#include "fake_files.h"

namespace skein {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

LoadedConfig parsed(std::string_view text) {
  FakeFiles files;
  auto result = parse_config(text, "a.conf", files);
  EXPECT_TRUE(result) << result.error().message();
  return result ? std::move(*result) : LoadedConfig{};
}

std::string refusal(std::string_view text) {
  FakeFiles files;
  const auto result = parse_config(text, "a.conf", files);
  EXPECT_FALSE(result) << text;
  return result ? "" : result.error().message();
}

TEST(Parse, TheSyntax) {
  const auto loaded = parsed(
      "# a comment\r\n\r\n"
      "  Port\t7000  \r\n"
      "requirepass \"a \\\"b\\\" \\x41\"\n"
      "syslog-ident 'it\\'s'\n"
      "MAXMEMORY 100mb\n"
      "maxmemory-clients 5%\n"
      "slaveof 127.0.0.1 6090 \t\n"
      "timeout 7");
  EXPECT_EQ(loaded.config->port, 7000);
  EXPECT_EQ(loaded.config->requirepass, "a \"b\" A");
  EXPECT_EQ(loaded.config->syslog_ident, "it's");
  EXPECT_EQ(loaded.config->maxmemory, 100ULL << 20);
  EXPECT_EQ(loaded.config->maxmemory_clients, -5);
  EXPECT_EQ(loaded.config->replicaof, (PrimaryAddress{"127.0.0.1", 6090}));
  EXPECT_EQ(loaded.config->timeout, 7s);
}

TEST(Parse, RepeatedLines) {
  const auto loaded = parsed(
      "save 900 1\nsave \"300 10\" \nsave 60 5 30 6\n"
      "client-output-buffer-limit normal 1mb 1kb 5\n"
      "client-output-buffer-limit pubsub 2mb 2kb 6\n"
      "rename-command DEBUG \"\"\nrename-command GET fetch\n"
      "bind 127.0.0.1\nbind 127.0.0.2 -::1\n"
      "timeout 1\ntimeout 2\n");
  EXPECT_EQ(loaded.config.text("save"), "900 1 300 10 60 5 30 6");
  EXPECT_EQ(loaded.config->client_output_buffer_limit[kNormalClients].hard, 1ULL << 20);
  EXPECT_EQ(loaded.config->client_output_buffer_limit[kPubsubClients].hard, 2ULL << 20);
  EXPECT_EQ(loaded.config->client_output_buffer_limit[kReplicaClients].hard, 256ULL << 20);
  ASSERT_EQ(loaded.renamed_commands.size(), 2U);
  EXPECT_EQ(loaded.renamed_commands[0].from, "DEBUG");
  EXPECT_EQ(loaded.renamed_commands[0].to, "");
  EXPECT_EQ(loaded.renamed_commands[1].origin.str(), "a.conf:7");
  EXPECT_EQ(loaded.config.text("bind"), "127.0.0.2 -::1");
  EXPECT_EQ(loaded.config->timeout, 2s);
}

TEST(Parse, EmptyLists) {
  EXPECT_EQ(parsed("save \"\"\n").config.text("save"), "");
  EXPECT_EQ(parsed("save 1 1\nsave ''\nsave 2 2\n").config.text("save"), "2 2");
  EXPECT_EQ(parsed("save\n").config.text("save"), "");
  EXPECT_EQ(parsed("bind \"\"\n").config.text("bind"), "");
  EXPECT_EQ(
      parsed("latency-tracking-info-percentiles \"\"\n").config.text("latency-tracking-info-percentiles"),
      "");
  EXPECT_EQ(parsed("replicaof no one\n").config.text("replicaof"), "");
}

TEST(Parse, CommentsBehindValues) {
  const auto loaded = parsed(
      "cluster-enabled yes  #so it's a cluster\n"
      "requirepass #hash\n"
      "masterauth \"a #b\"\n"
      "bind 127.0.0.1 #::1\n"
      "save 900 1 # every quarter of an hour\n"
      "client-output-buffer-limit normal 0 0 0 # none\n");
  EXPECT_TRUE(loaded.config->cluster_enabled);
  EXPECT_EQ(loaded.config->requirepass, "#hash");
  EXPECT_EQ(loaded.config->masterauth, "a #b");
  EXPECT_EQ(loaded.config.text("bind"), "127.0.0.1");
  EXPECT_EQ(loaded.config.text("save"), "900 1");
  ASSERT_EQ(loaded.notices.size(), 4U);
  EXPECT_EQ(loaded.notices[0].origin.str(), "a.conf:1");
  EXPECT_EQ(loaded.notices[0].text, "cluster-enabled: '#so it's a cluster' is taken as a comment");
  EXPECT_EQ(refusal("port 6379#x\n"), "a.conf:1: port: argument couldn't be parsed into an integer: \"6379#x\"");
  EXPECT_EQ(refusal("port 6379 \"#x\"\n"), "a.conf:1: port: wrong number of arguments");
  EXPECT_EQ(parsed("replicaof 127.0.0.1 6379 #comment\n").config->replicaof.port, 6379);
}

TEST(Parse, ManyHashesStayCheap) {
  std::string text = "requirepass \"";
  for (int i = 0; i < 200000; ++i) text += " #";
  EXPECT_EQ(parsed(text + "\"\n").config->requirepass.size(), 400000U);
}

TEST(Parse, DirectivesOfLaterVersionsAreKnownByName) {
  EXPECT_EQ(refusal("hide-user-data-from-log yes\n"), "a.conf:1: hide-user-data-from-log: since Redis 7.4; not known to 7.0");
  EXPECT_EQ(refusal("Set-Max-Listpack-Entries 1\n"), "a.conf:1: set-max-listpack-entries: since Redis 7.2; not known to 7.0");
  EXPECT_EQ(refusal("availability-zone a\n"), "a.conf:1: availability-zone: since Valkey 8.0; not known to 7.0");
  // None of them is one that is known here.
  for (const auto& row : all_directives()) {
    EXPECT_EQ(came_later_in(row.name), "") << row.name;
    EXPECT_EQ(came_later_in(row.alias), "") << row.alias;
  }
}

TEST(Parse, WrongValuesAreShown) {
  EXPECT_EQ(refusal("maxmemory lots\n"), "a.conf:1: maxmemory: argument must be a memory value: \"lots\"");
  EXPECT_EQ(refusal("save 900 x\n"), "a.conf:1: save: Invalid save parameters: \"900 x\"");
  EXPECT_EQ(refusal("port \"\\x01\"\n"), "a.conf:1: port: argument couldn't be parsed into an integer: \"\\x01\"");
  EXPECT_EQ(refusal("port " + std::string(1000, '9') + "\n"),
            "a.conf:1: port: argument couldn't be parsed into an integer: \"" + std::string(64, '9') + "\"...");
  EXPECT_EQ(refusal("replicaof \"a\\nb\" 1\n"), "a.conf:1: replicaof: Invalid master host: \"a\\nb 1\"");
}

TEST(Parse, NoLineIsCutAtAZeroByte) {
  EXPECT_EQ(refusal(std::string("maxmemory 1\0 000000\n", 20)), "a.conf:1: maxmemory: a zero byte in the line");
  EXPECT_EQ(refusal(std::string("port 1\0\n", 8)), "a.conf:1: port: a zero byte in the line");
  EXPECT_EQ(refusal("port \"1\\x00\"\n"), "a.conf:1: port: argument couldn't be parsed into an integer: \"1\\x00\"");
}

TEST(Parse, Errors) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"port\n", "port: wrong number of arguments"},
      {"port 1 2\n", "port: wrong number of arguments"},
      {"port abc\n", "port: argument couldn't be parsed into an integer: \"abc\""},
      {"Cluster-enable yes\n", "cluster-enable: unknown directive; did you mean 'cluster-enabled'?"},
      {"frobnicate-it-all yes\n", "frobnicate-it-all: unknown directive"},
      {"\"\" 1\n", ": unknown directive"},
      {"port \"1\n", "port: Unbalanced quotes in configuration line"},
      {"port \"1\"2\n", "port: Unbalanced quotes in configuration line"},
      {"save 1\n", "save: Invalid save parameters: \"1\""},
      {"save 900 1 \"\" \n", "save: Invalid save parameters: \"900 1 \""},
      {"include\n", "include: wrong number of arguments"},
      {"include a b\n", "include: wrong number of arguments"},
      {"include /gone\n", "include: can't open config file '/gone': No such file or directory"},
      {"rename-command a\n", "rename-command: wrong number of arguments"},
      {"loadmodule\n", "loadmodule: wrong number of arguments"},
      {"user\n", "user: wrong number of arguments"},
      {"sentinel x\n", "sentinel: sentinel directive while not in sentinel mode"},
      {"replicaof\n", "replicaof: wrong number of arguments"},
      {"replicaof a\n", "replicaof: wrong number of arguments"},
      {"replicaof a 1 2\n", "replicaof: wrong number of arguments"},
      {"replicaof a b\n", "replicaof: Invalid master port: \"a b\""},
      {"replicaof a 99999\n", "replicaof: Invalid master port: \"a 99999\""},
      {"slaveof a b\n", "slaveof: Invalid master port: \"a b\""},
      {"replicaof a 5\ncluster-enabled yes\n", "replicaof: replicaof directive not allowed in cluster mode"},
      {"client-output-buffer-limit normal\n",
       "client-output-buffer-limit: Wrong number of arguments in buffer limit configuration: \"normal\""},
      {"oom-score-adj-values 1\n", "oom-score-adj-values: wrong number of arguments"},
      {"notify-keyspace-events K E\n", "notify-keyspace-events: wrong number of arguments"},
      {"dir /nonexist\n", "dir: No such file or directory: \"/nonexist\""},
      {"dbfilename a/b\n", "dbfilename: dbfilename can't be a path, just a filename: \"a/b\""},
      {"appenddirname a/b\n", "appenddirname: appenddirname can't be a path, just a dirname: \"a/b\""},
      {"appenddirname \"\"\n", "appenddirname: appenddirname can't be empty: \"\""},
      {"appendfilename \"\"\n", "appendfilename: appendfilename can't be empty: \"\""},
      {"list-max-ziplist-entries\n", "list-max-ziplist-entries: wrong number of arguments"},
      {"unixsocketperm 9\n", "unixsocketperm: argument couldn't be parsed as an octal number: \"9\""},
      {"unixsocketperm 1777\n", "unixsocketperm: argument must be between 0 and 777 inclusive: \"1777\""},
      {"databases 0\n", "databases: argument must be between 1 and 2147483647 inclusive: \"0\""},
      {"proc-title-template \"{a}\"\n",
       "proc-title-template: template format is invalid or contains unknown variables: \"{a}\""},
  };
  for (const auto& [text, reason] : cases) EXPECT_EQ(refusal(text), "a.conf:1: " + reason) << text;
  EXPECT_EQ(refusal("\n\n# x\nport abc\n"), "a.conf:4: port: argument couldn't be parsed into an integer: \"abc\"");
}

TEST(Parse, RefusesToBeLessProtectedThanSaid) {
  for (const std::string text :
       {"aclfile /etc/users.acl\n", "tls-port 6380\n", "tls-cluster yes\n", "tls-auth-clients no\n",
        "user alice on >x ~* +@all\n", "user default on >x ~* +@all\n", "user default off\n"}) {
    EXPECT_THAT(refusal("timeout 1\n" + text), HasSubstr("a.conf:2: ")) << text;
    EXPECT_THAT(refusal(text), HasSubstr("less protected")) << text;
  }
  EXPECT_TRUE(parsed("aclfile \"\"\ntls-port 0\ntls-auth-clients yes\n").warnings.empty());
  // What CONFIG REWRITE of redis leaves in every file.
  parsed("user default on nopass ~* &* +@all\nuser default on nopass sanitize-payload ~* &* +@all\n");
}

TEST(Parse, DoesNotWarnOfWhatIsTheCaseAnyway) {
  for (const std::string text : {"sanitize-dump-payload yes\n", "sanitize-dump-payload no\n"}) {
    EXPECT_TRUE(parsed(text).warnings.empty()) << text;
  }
  EXPECT_EQ(parsed("sanitize-dump-payload clients\n").warnings.size(), 1U);
}

TEST(Parse, WarnsOnceOfWhatDoesNotActYet) {
  const auto loaded = parsed("hll-sparse-max-bytes 1kb\nhll-sparse-max-bytes 2kb\nappendonly no\ntimeout 4\n");
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_EQ(loaded.warnings[0].text, "hll-sparse-max-bytes is accepted but does not act yet");
  EXPECT_EQ(loaded.warnings[0].origin.str(), "a.conf:2");
}

TEST(Parse, ModulesStopTheStart) {
  EXPECT_THAT(refusal("loadmodule /x.so a b\n"), HasSubstr("modules cannot be loaded"));
}

TEST(Parse, IncludesWithGlobsAndDirectories) {
  FakeFiles files;
  files.files["/etc/skein/main.conf"] =
      "port 1\ninclude /etc/skein/conf.d/*.conf\ninclude /none/*\ntimeout 3\n";
  files.files["/etc/skein/conf.d/a.conf"] = "port 2\ndir /data\n";
  files.files["/etc/skein/conf.d/b.conf"] = "timeout 2\nhz 20\n";
  const auto loaded = parse_config("include /etc/skein/main.conf\n", "top.conf", files);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config->port, 2);
  EXPECT_EQ(loaded->config->timeout, 3s);
  EXPECT_EQ(loaded->config->hz, 20);
  EXPECT_EQ(files.entered, std::vector<std::string>{"/data"});

  files.files["/etc/skein/conf.d/b.conf"] = "\nbind-adress x\n";
  const auto broken = parse_config("include /etc/skein/main.conf\n", "top.conf", files);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(),
              testing::StartsWith("/etc/skein/conf.d/b.conf:2: bind-adress: unknown"));

  files.files["loop.conf"] = "include loop.conf\n";
  const auto loop = parse_config("include loop.conf\n", "top.conf", files);
  ASSERT_FALSE(loop);
  EXPECT_THAT(loop.error().message(), HasSubstr("too many files"));
}

TEST(Load, FileThenInputThenOptions) {
  FakeFiles files;
  files.files["/x.conf"] = "port 1\ntimeout 1\nhz 11\nsave 1 1\n";
  CommandLine line;
  line.config_file = "/x.conf";
  line.options = "port \"3\" \nsave \"3\" \"3\" ";
  const auto loaded = load_config(line, "port 2\ntimeout 2\n", files);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config->port, 3);
  EXPECT_EQ(loaded->config->timeout, 2s);
  EXPECT_EQ(loaded->config->hz, 11);
  EXPECT_EQ(loaded->config.text("save"), "1 1 3 3");

  line.options = "prot \"3\" ";
  const auto broken = load_config(line, std::nullopt, files);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message(), "command line: prot: unknown directive; did you mean 'port'?");
  line.config_file = "/gone.conf";
  EXPECT_EQ(load_config(line, std::nullopt, files).error().message(),
            "can't open config file '/gone.conf': No such file or directory");
}

TEST(Load, SentinelMode) {
  FakeFiles files;
  files.files["/s.conf"] =
      "sentinel monitor mymaster 127.0.0.1 6379 2 # the first\nsentinel auth-pass mymaster #secret\n"
      "SENTINEL resolve-hostnames yes #x\n";
  CommandLine line;
  line.sentinel = true;
  line.config_file = "/s.conf";
  line.options = "sentinel ";
  const auto loaded = load_config(line, std::nullopt, files);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config->port, 26379);
  EXPECT_FALSE(loaded->config->protected_mode);
  ASSERT_EQ(loaded->sentinel_lines.size(), 3U);
  EXPECT_EQ(loaded->sentinel_lines[0].words,
            (std::vector<std::string>{"monitor", "mymaster", "127.0.0.1", "6379", "2"}));
  EXPECT_EQ(loaded->sentinel_lines[1].words, (std::vector<std::string>{"auth-pass", "mymaster", "#secret"}));
  EXPECT_EQ(loaded->sentinel_lines[2].words, (std::vector<std::string>{"resolve-hostnames", "yes"}));
  EXPECT_TRUE(loaded->warnings.empty());
}

// The lines of the five tutorials as they are printed.
TEST(Parse, TutorialLines) {
  parsed(
      "bind 192.168.56.11\nprotected-mode yes\nport 6379\ntcp-backlog 511\ntimeout 0\ntcp-keepalive 300\n"
      "daemonize yes\npidfile /var/run/redis_6379.pid\nlogfile \"/var/log/redis.log\"\ndir /var/redis/\n"
      "cluster-enabled yes\ncluster-config-file nodes-6379.conf\ncluster-node-timeout 15000\n");
  parsed("replicaof 192.168.56.11 6379   #ip and port of the master\nmasterauth 123456\n");
  parsed(
      "client-output-buffer-limit replica 256mb 64mb 60\noom-score-adj-values 0 200 "
      "800\nstream-node-max-bytes 4kb\n"
      "auto-aof-rewrite-min-size 64mb\nproc-title-template \"{title} {listen-addr} {server-mode}\"\n");
}

}  // namespace
}  // namespace skein
