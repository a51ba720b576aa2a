#include <skein/base/text.h>
#include <skein/config/config.h>

#include <chrono>

#include "fixture.h"

namespace skein {
namespace {

using namespace std::chrono_literals;

std::vector<std::string_view> views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

// What the CONFIG SET command would answer.
std::string reply(Config& config, const std::vector<std::string>& words) {
  const auto outcome = set_all(config, views(words), {});
  if (std::holds_alternative<SettingsChange>(outcome)) return "+OK";
  return "-ERR " + std::get<SetRefusal>(outcome).message();
}

TEST(Config, TypedValues) {
  Config config;
  EXPECT_EQ(config->port, 6379);
  EXPECT_EQ(config->tcp_keepalive, 300s);
  EXPECT_EQ(config->cluster_node_timeout, 15000ms);
  EXPECT_EQ(config->slowlog_log_slower_than, 10000us);
  EXPECT_EQ(config->loglevel, LogLevel::kNotice);
  EXPECT_EQ(config->bind, (std::vector<std::string>{"*", "-::*"}));
  EXPECT_EQ(config->save.size(), 3U);
  EXPECT_EQ(config->client_output_buffer_limit[kReplicaClients],
            (OutputLimit{256ULL << 20, 64ULL << 20, 60s}));
  EXPECT_EQ(config->latency_tracking_info_percentiles, (std::vector<double>{50, 99, 99.9}));
  ASSERT_TRUE(config.set("maxmemory-policy", "ALLKEYS-LFU"));
  EXPECT_TRUE(counts_frequency(config->maxmemory_policy));
  ASSERT_TRUE(config.set("unixsocketperm", "0750"));
  EXPECT_EQ(config->unixsocketperm, 0750U);
  EXPECT_EQ(config.text("unixsocketperm"), "750");
}

TEST(Config, SpansBeyondNanosecondsAreCapped) {
  Config config;
  ASSERT_TRUE(config.set("cluster-node-timeout", "9223372036854775807"));
  EXPECT_EQ(as_timeout(config->cluster_node_timeout), nanoseconds{100LL * 365 * 24 * 3600 * 1'000'000'000});
  EXPECT_EQ(as_timeout(15ms), nanoseconds{15ms});
}

TEST(ConfigSet, AnswersAsRedis) {
  Config config;
  ASSERT_TRUE(config.set("port", "17817"));
  ASSERT_TRUE(config.set("bind", "127.0.0.1"));
  config.found_directory("/tmp");
  const auto lines = fixture_lines("config_set.txt");
  ASSERT_EQ(lines.size() % 3, 0U);
  for (std::size_t i = 0; i < lines.size(); i += 3) {
    const auto words = split_words(lines[i]);
    ASSERT_TRUE(words) << lines[i];
    EXPECT_EQ("  " + reply(config, *words), lines[i + 1]) << lines[i];
    const auto value = config.text((*words)[0]);
    EXPECT_EQ("  " + (value ? quote(*value) : "-"), lines[i + 2]) << lines[i];
  }
}

// redis takes the largest number there is for what does not fit.
TEST(ConfigSet, WhatDoesNotFitIsRefused) {
  Config config;
  for (const std::string value : {"18446744073709551616", "99999999999999999999999", "18446744073709551615kb", "17179869184gb",
                                  "99999999999999999999%"}) {
    for (const std::string name : {"maxmemory", "client-query-buffer-limit", "repl-backlog-size", "maxmemory-clients"}) {
      const auto before = config.text(name);
      EXPECT_FALSE(config.set(name, value)) << name << " " << value;
      EXPECT_EQ(config.text(name), before);
    }
  }
  EXPECT_FALSE(config.set("client-output-buffer-limit", "normal 99999999999999999999 0 0"));
  EXPECT_FALSE(config.set("client-output-buffer-limit", "normal 0 99999999999999999999 0"));
  EXPECT_FALSE(config.set("save", "99999999999 1"));
}

// Every directive with a number: whatever stands before or behind it makes it none.
TEST(ConfigSet, NumbersAreWholeTexts) {
  Config config;
  for (const auto& row : all_directives()) {
    const bool numeric = row.has_value() && (row.kind == ValueKind::kInteger || row.kind == ValueKind::kMemory ||
                                             row.kind == ValueKind::kOctal || row.kind == ValueKind::kMemoryOrPercent);
    if (!numeric) continue;
    const std::string before = config.text(row);
    for (const std::string& value : {std::string("1\0", 2), std::string("1\0x", 3), std::string("1 "), std::string(" 1"),
                                     std::string("1\n"), std::string("+1"), std::string("0x1"), std::string("1e1"),
                                     std::string("99999999999999999999999999999999999")}) {
      EXPECT_FALSE(config.set(row, value)) << row.name << " " << quote(value);
    }
    EXPECT_EQ(config.text(row), before) << row.name;
  }
}

TEST(ConfigSet, NoPathIsCutAtAZeroByte) {
  Config config;
  for (const auto& row : all_directives()) {
    if (!row.has_value() || row.kind != ValueKind::kString || row.is(kSensitive)) continue;
    EXPECT_FALSE(config.set(row, std::string("a\0b", 3))) << row.name;
  }
  EXPECT_TRUE(config.set("requirepass", std::string("a\0b", 3)));
}

TEST(ConfigSet, HostsHaveNothingThatEndsALineOrAField) {
  Config config;
  for (const auto* name : {"replica-announce-ip", "cluster-announce-ip", "bind-source-addr"}) {
    for (const auto* value : {"1.2.3.4\r\nforged_field:1", "a b", "1.2.3.4,port=1", "\x1b[31m", "\x7f"}) {
      EXPECT_FALSE(config.set(name, value)) << name << " " << quote(value);
    }
    for (const auto* value : {"", "1.2.3.4", "::1", "fe80::1%eth0", "node_1.example"}) {
      EXPECT_TRUE(config.set(name, value)) << value;
    }
  }
  EXPECT_FALSE(config.set("bind", "127.0.0.1\n"));
}

TEST(ConfigSet, AllOrNothing) {
  Config config;
  EXPECT_EQ(
      reply(config, {"timeout", "5", "save", "9 9", "maxmemory", "oops"}),
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value");
  EXPECT_EQ(config.text("timeout"), "0");
  EXPECT_EQ(config.text("save"), "3600 1 300 100 60 10000");
}

TEST(ConfigSet, TellsWhatChangedAndCanBeUndone) {
  Config config;
  const std::vector<std::string> words{"timeout", "5", "port", "6379", "slave-priority", "7"};
  auto outcome = set_all(config, views(words), {});
  auto& change = std::get<SettingsChange>(outcome);
  EXPECT_TRUE(change.changes("timeout"));
  EXPECT_FALSE(change.changes("port"));
  EXPECT_TRUE(change.changes("replica-priority"));
  EXPECT_EQ(change.changed().size(), 2U);
  EXPECT_EQ(change.before().timeout, 0s);
  EXPECT_EQ(config->timeout, 5s);
  undo(config, change);
  EXPECT_EQ(config->timeout, 0s);
  EXPECT_EQ(
      failed_to_apply(directive("port"), "Unable to listen on this port. Check server logs.").message(),
      "CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server "
      "logs.");
}

TEST(ConfigSet, ProtectedAndLoading) {
  Config config;
  const std::vector<std::string_view> name{"dbfilename", "x.rdb"};
  EXPECT_TRUE(std::holds_alternative<SetRefusal>(set_all(config, name, {})));
  EXPECT_TRUE(std::holds_alternative<SettingsChange>(set_all(config, name, {.may_set_protected = true})));
  EXPECT_EQ(config->dbfilename, "x.rdb");
  const std::vector<std::string_view> path{"dbfilename", "a/b"};
  const auto outcome = set_all(config, path, {.may_set_protected = true});
  EXPECT_EQ(
      std::get<SetRefusal>(outcome).message(),
      "CONFIG SET failed (possibly related to argument 'dbfilename') - dbfilename can't be a path, just a "
      "filename");
  EXPECT_EQ(config->dbfilename, "x.rdb");
  const std::vector<std::string_view> appendonly{"appendonly", "yes"};
  const auto loading = set_all(config, appendonly, {.loading = true});
  EXPECT_EQ(std::get<SetRefusal>(loading).kind, SetRefusal::Kind::kLoading);
  const std::vector<std::string_view> odd{"port"};
  EXPECT_EQ(std::get<SetRefusal>(set_all(config, odd, {})).kind, SetRefusal::Kind::kSyntax);
}

// A directive that would stop the next start cannot be set while running either.
TEST(ConfigSet, RefusedDirectives) {
  Config config;
  EXPECT_EQ(reply(config, {"tls-cert-file", "/x"}),
            "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS "
            "configuration. Check server logs.");
  EXPECT_EQ(config->tls_cert_file, "");
  EXPECT_EQ(reply(config, {"tls-port", "0"}), "+OK");
}

TEST(ConfigSet, SensitiveValues) {
  const std::vector<std::string_view> words{"timeout", "1", "RequirePass", "secret", "masterauth", "x"};
  EXPECT_EQ(sensitive_positions(words), (std::vector<std::size_t>{3, 5}));
  const std::vector<std::string_view> others{"tls-key-file-pass", "x", "nosuch", "x", "requirepasss", "x"};
  EXPECT_EQ(sensitive_positions(others), (std::vector<std::size_t>{1, 5})) << "what is nearly one was meant as one";
}

TEST(ConfigGet, NamesGlobsAliasesAndCase) {
  Config config;
  const auto get = [&](std::vector<std::string_view> patterns) { return get_matching(config, patterns); };
  using Pairs = std::vector<NamedValue>;
  EXPECT_EQ(get({"PORT", "port", "PoRt"}), (Pairs{{"PORT", "6379"}}));
  EXPECT_EQ(get({"tcp-*", "slave-p*", "tcp-backlog"}),
            (Pairs{{"tcp-backlog", "511"}, {"tcp-keepalive", "300"}, {"slave-priority", "100"}}));
  EXPECT_EQ(get({"SLAVEOF", "replicaof"}), (Pairs{{"SLAVEOF", ""}, {"replicaof", ""}}));
  EXPECT_EQ(get({"rdb-key*", "nonsense", "include", "user"}), Pairs{});
  EXPECT_EQ(get({"rdb-key-save-delay"}), (Pairs{{"rdb-key-save-delay", "0"}}));
  EXPECT_EQ(get({"TIMEOU[S-U]"}), (Pairs{{"timeout", "0"}}));
}

// Every name redis lists for `*`, and no other but our own.
TEST(ConfigGet, EverythingIsWhatRedisLists) {
  Config config;
  const std::vector<std::string_view> everything{"*"};
  std::vector<std::string> ours;
  for (const auto& [name, value] : get_matching(config, everything)) ours.push_back(name);
  std::vector<std::string> theirs(std::begin(kOwnDirectives), std::end(kOwnDirectives));
  for (const auto& line : fixture_lines("config_get.txt")) {
    const std::string name = line.substr(0, line.find(' '));
    if (!directive(find_directive(name)->name).is(kHidden)) theirs.push_back(name);
  }
  EXPECT_THAT(ours, testing::UnorderedElementsAreArray(theirs));
}

TEST(Config, WhatWouldBeAPromiseIsRefusedWhileRunning) {
  Config config;
  for (const std::string_view value : {"yes", "YES"}) {
    const std::string_view words[] = {"appendonly", value};
    const auto refusal = set_all(config, words, {});
    ASSERT_TRUE(std::holds_alternative<SetRefusal>(refusal));
    EXPECT_NE(std::get<SetRefusal>(refusal).message().find("append-only file"), std::string::npos);
    EXPECT_EQ(config.text("appendonly"), "no");
  }
  const std::string_view no[] = {"appendonly", "no"};
  EXPECT_TRUE(std::holds_alternative<SettingsChange>(set_all(config, no, {})));
}

TEST(Config, WhatDoesNotActIsNamedWithItsValue) {
  Config config;
  EXPECT_EQ(idle_notice(config, directive("hll-sparse-max-bytes")), "");
  ASSERT_TRUE(config.set("hll-sparse-max-bytes", "77"));
  EXPECT_NE(idle_notice(config, directive("hll-sparse-max-bytes")), "");
  ASSERT_TRUE(config.set("timeout", "77"));
  EXPECT_EQ(idle_notice(config, directive("timeout")), "");
  ASSERT_TRUE(config.set("sanitize-dump-payload", "yes"));
  EXPECT_EQ(idle_notice(config, directive("sanitize-dump-payload")), "");
}

}  // namespace
}  // namespace skein
