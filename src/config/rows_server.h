// Rows of the directive table: network, process, access, statistics.
#pragma once

#include <array>

#include "checks.h"
#include "rows.h"
#include "specials.h"

namespace skein {

inline constexpr std::string_view kLogLevelWords[] = {"debug", "verbose", "notice", "warning"};
inline constexpr std::string_view kSupervisedWords[] = {"upstart", "systemd", "auto", "no"};
inline constexpr std::string_view kSyslogWords[] = {"user",   "local0", "local1", "local2", "local3",
                                                    "local4", "local5", "local6", "local7"};
inline constexpr std::string_view kOomWords[] = {"no", "yes", "relative", "absolute"};
inline constexpr std::string_view kShutdownWords[] = {"default", "save", "nosave", "now", "force"};
inline constexpr std::string_view kPermitWords[] = {"no", "yes", "local"};
inline constexpr std::string_view kPubsubWords[] = {"allchannels", "resetchannels"};
inline constexpr std::string_view kSanitizeWords[] = {"no", "yes", "clients"};

// "yes" and "relative" are one setting, shown as "yes".
inline constexpr NumberField kOomScoreAdjField{
    [](const Settings& s) { return static_cast<std::int64_t>(s.oom_score_adj); },
    [](Settings& s, std::int64_t value) {
      const auto wanted = static_cast<OomScoreAdj>(value);
      s.oom_score_adj = wanted == OomScoreAdj::kRelative ? OomScoreAdj::kYes : wanted;
    }};

// The loop cannot run less than once or more than 500 times a second.
inline constexpr NumberField kHzField{[](const Settings& s) -> std::int64_t { return s.hz; },
                                      [](Settings& s, std::int64_t value) {
                                        s.hz = static_cast<int>(value < 1 ? 1 : value > 500 ? 500 : value);
                                      }};

constexpr Row with_field(Row row, NumberField field) {
  row.number = field;
  return row;
}

constexpr Row shutdown_bits(std::string_view name, NumberField field) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kEnumBits;
  row.default_text = "default";
  row.words = kShutdownWords;
  row.traits = kManyWords;
  row.check = check_shutdown_words;
  row.number = field;
  return row;
}

constexpr Row octal_permissions() {
  Row row = integer<&Settings::unixsocketperm>("unixsocketperm", "0", 0, 0777);
  row.kind = ValueKind::kOctal;
  return row;
}

constexpr Row memory_or_percent() {
  Row row = memory<&Settings::maxmemory_clients>("maxmemory-clients", "0", -100, kLongMax);
  row.kind = ValueKind::kMemoryOrPercent;
  return row;
}

using S = Settings;

inline constexpr std::array kNetworkRows{
    special("bind", "* -::*", kBindField).trait(kManyWords).acts(),
    text<&S::bind_source_addr>("bind-source-addr", "").checked(check_host).acts(),
    integer<&S::port>("port", "6379", 0, kPortMax).acts(),
    integer<&S::tcp_backlog>("tcp-backlog", "511", 0, kIntMax).at_start().acts(),
    text<&S::unixsocket>("unixsocket", "").at_start().acts(),
    octal_permissions().at_start().acts(),
    boolean<&S::protected_mode>("protected-mode", "yes").acts(),
    integer<&S::timeout>("timeout", "0", 0, kIntMax).acts(),
    integer<&S::tcp_keepalive>("tcp-keepalive", "300", 0, kIntMax).acts(),
    integer<&S::maxclients>("maxclients", "10000", 1, kUintMax).acts(),
    integer<&S::socket_mark_id>("socket-mark-id", "0", 0, kUintMax).at_start(),
    memory<&S::client_query_buffer_limit>("client-query-buffer-limit", "1073741824", kMebibyte, kLongMax)
        .acts(),
    memory<&S::proto_max_bulk_len>("proto-max-bulk-len", "536870912", kMebibyte, kLongMax).acts(),
    memory_or_percent(),
    special("client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", kOutputLimitField)
        .trait(kManyWords | kRepeats)
        .needs(4)
        .acts()
        .noted("nobody is in the class pubsub yet; see docs/replication.md on a replica in its full sync"),
    integer<&S::tracking_table_max_keys>("tracking-table-max-keys", "1000000", 0, kLongMax),
    integer<&S::io_threads>("io-threads", "1", 1, 128).at_start(),
    boolean<&S::io_threads_do_reads>("io-threads-do-reads", "no").at_start(),
};

inline constexpr std::array kProcessRows{
    boolean<&S::daemonize>("daemonize", "no").at_start().acts(),
    choice<&S::supervised>("supervised", "no", kSupervisedWords).at_start().acts(),
    text<&S::pidfile>("pidfile", "").at_start().acts().noted("/var/run/redis.pid when daemonized"),
    text<&S::dir>("dir", "")
        .trait(kProtected | kNotWhileLoading)
        .acts()
        .noted("the directory the server is started in"),
    text<&S::logfile>("logfile", "").at_start().trait(kEmptyIsValue).acts().noted("empty: standard output"),
    choice<&S::loglevel>("loglevel", "notice", kLogLevelWords).acts(),
    boolean<&S::syslog_enabled>("syslog-enabled", "no").at_start().acts(),
    text<&S::syslog_ident>("syslog-ident", "redis").at_start().trait(kEmptyIsValue).acts(),
    choice<&S::syslog_facility>("syslog-facility", "local0", kSyslogWords).at_start().acts(),
    boolean<&S::always_show_logo>("always-show-logo", "no").at_start().noted("there is no logo"),
    boolean<&S::set_proc_title>("set-proc-title", "yes").at_start().acts(),
    text<&S::proc_title_template>("proc-title-template", "{title} {listen-addr} {server-mode}")
        .trait(kEmptyIsValue)
        .checked(check_title)
        .acts(),
    integer<&S::shutdown_timeout>("shutdown-timeout", "10", 0, kIntMax)
        .acts()
        .noted("seconds; 0: neither replicas nor a handover are waited for"),
    shutdown_bits("shutdown-on-sigint", number_field<&S::shutdown_on_sigint>()).acts(),
    shutdown_bits("shutdown-on-sigterm", number_field<&S::shutdown_on_sigterm>()).acts(),
    boolean<&S::crash_log_enabled>("crash-log-enabled", "yes").acts(),
    boolean<&S::crash_memcheck_enabled>("crash-memcheck-enabled", "yes"),
    boolean<&S::use_exit_on_panic>("use-exit-on-panic", "no").trait(kHidden),
    boolean<&S::disable_thp>("disable-thp", "yes").at_start(),
    with_field(choice<&S::oom_score_adj>("oom-score-adj", "no", kOomWords), kOomScoreAdjField),
    special("oom-score-adj-values", "0 200 800", kOomValuesField).trait(kManyWords).needs(3),
    text<&S::server_cpulist>("server_cpulist", "").at_start(),
    text<&S::bio_cpulist>("bio_cpulist", "").at_start(),
    text<&S::aof_rewrite_cpulist>("aof_rewrite_cpulist", "").at_start(),
    text<&S::bgsave_cpulist>("bgsave_cpulist", "").at_start(),
    text<&S::ignore_warnings>("ignore-warnings", "").trait(kEmptyIsValue),
    integer<&S::watchdog_period>("watchdog-period", "0", 0, kIntMax).trait(kHidden),
};

inline constexpr std::string_view kNoAcl = "access control lists do not act yet";

inline constexpr std::array kAccessRows{
    text<&S::requirepass>("requirepass", "").trait(kSensitive).acts(),
    file_only("rename-command", 2).trait(kRepeats).acts().noted("<command> <new name, or \"\" to remove it>"),
    text<&S::aclfile>("aclfile", "").at_start().refused(kNoAcl),
    file_only("user", 1).trait(kRepeats).refused(kNoAcl),
    choice<&S::acl_pubsub_default>("acl-pubsub-default", "resetchannels", kPubsubWords),
    integer<&S::acllog_max_len>("acllog-max-len", "128", 0, kLongMax),
    choice<&S::enable_protected_configs>("enable-protected-configs", "no", kPermitWords).at_start().acts(),
    choice<&S::enable_debug_command>("enable-debug-command", "no", kPermitWords).at_start().acts(),
    choice<&S::enable_module_command>("enable-module-command", "no", kPermitWords).at_start(),
    file_only("loadmodule", 1)
        .trait(kRepeats)
        .refused("modules cannot be loaded", "clients would miss its commands, and an RDB file its types"),
    choice<&S::sanitize_dump_payload>("sanitize-dump-payload", "no", kSanitizeWords)
        .holds("yes")
        .noted("what comes from outside is always checked, as if this were yes"),
};

inline constexpr std::array kStatisticsRows{
    integer<&S::slowlog_log_slower_than>("slowlog-log-slower-than", "10000", -1, kLongMax)
        .acts()
        .noted("microseconds; negative: off"),
    integer<&S::slowlog_max_len>("slowlog-max-len", "128", 0, kLongMax).acts(),
    integer<&S::latency_monitor_threshold>("latency-monitor-threshold", "0", 0, kLongMax),
    boolean<&S::latency_tracking>("latency-tracking", "yes").acts(),
    special("latency-tracking-info-percentiles", "50 99 99.9", kPercentilesField).trait(kManyWords).acts(),
};

inline constexpr std::array kFileRows{
    file_only("include", 1).trait(kRepeats).acts().noted("<path>, which may be a glob"),
    ignored("list-max-ziplist-entries"),
    ignored("list-max-ziplist-value"),
    ignored("lua-replicate-commands"),
};

}  // namespace skein
