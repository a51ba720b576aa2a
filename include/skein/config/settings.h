// Every directive's value, typed: what the configuration says, and nothing about how it
// is written or who may change it; that is the directive's row (directives.h).
//
// A plain struct on purpose: reading a setting on the path of a request is one load.
// `Settings{}` is all zeros; the defaults are in the rows and arrive with a Config.
#pragma once

#include <skein/base/endpoint_type.h>
#include <skein/base/time.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace skein {

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning };
enum class Supervised { kUpstart, kSystemd, kAuto, kNo };
enum class SyslogFacility { kUser, kLocal0, kLocal1, kLocal2, kLocal3, kLocal4, kLocal5, kLocal6, kLocal7 };
enum class DisklessLoad { kDisabled, kOnEmptyDb, kSwapdb };
enum class MaxmemoryPolicy {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction
};
enum class AppendFsync { kEverySecond, kAlways, kNo };
enum class OomScoreAdj { kNo, kYes, kRelative, kAbsolute };  // kRelative is read as kYes
enum class PubsubDefault { kAllChannels, kResetChannels };
enum class SanitizePayload { kNo, kYes, kClients };
// Who may use what a directive guards: nobody, everybody, or clients on this machine.
enum class Permit { kNo, kYes, kLocal };
enum class PropagationErrors { kIgnore, kPanic, kPanicOnReplicas };
enum class TlsAuthClients { kNo, kYes, kOptional };

[[nodiscard]] constexpr bool counts_frequency(MaxmemoryPolicy policy) {
  return policy == MaxmemoryPolicy::kVolatileLfu || policy == MaxmemoryPolicy::kAllkeysLfu;
}

// What a signal's shutdown does: bits, none of them being "save if save points are set".
enum ShutdownBits : std::uint8_t {
  kShutdownSave = 1,
  kShutdownNosave = 2,
  kShutdownNow = 4,
  kShutdownForce = 8
};

// Save when this many changes are at least this old.
struct SavePoint {
  seconds within{0};
  std::int64_t changes = 0;
  friend bool operator==(const SavePoint&, const SavePoint&) = default;
};

// When a client that does not read is cut: at once above `hard`, after `soft_for` above `soft`.
struct OutputLimit {
  std::uint64_t hard = 0;
  std::uint64_t soft = 0;
  seconds soft_for{0};
  friend bool operator==(const OutputLimit&, const OutputLimit&) = default;
};
// Indexes of `client_output_buffer_limit`.
enum OutputLimitClass : std::uint8_t { kNormalClients, kReplicaClients, kPubsubClients };

// Bits of `notify_keyspace_events`, one per letter of the directive.
enum NotifyBits : std::uint32_t {
  kNotifyKeyspace = 1U << 0,
  kNotifyKeyevent = 1U << 1,
  kNotifyGeneric = 1U << 2,
  kNotifyString = 1U << 3,
  kNotifyList = 1U << 4,
  kNotifySet = 1U << 5,
  kNotifyHash = 1U << 6,
  kNotifyZset = 1U << 7,
  kNotifyExpired = 1U << 8,
  kNotifyEvicted = 1U << 9,
  kNotifyStream = 1U << 10,
  kNotifyKeyMiss = 1U << 11,
  kNotifyModule = 1U << 13,
  kNotifyNew = 1U << 14,
};

struct PrimaryAddress {
  std::string host;  // empty: not a replica
  std::uint16_t port = 0;
  friend bool operator==(const PrimaryAddress&, const PrimaryAddress&) = default;
};

// A configured span as something that can be added to a MonoTime: the ranges of some
// directives reach beyond what nanoseconds hold, so it is capped at a century.
template <typename Rep, typename Period>
[[nodiscard]] constexpr nanoseconds as_timeout(std::chrono::duration<Rep, Period> span) {
  constexpr seconds kCentury{100LL * 365 * 24 * 3600};
  return span > kCentury ? nanoseconds{kCentury} : std::chrono::duration_cast<nanoseconds>(span);
}

struct Settings {
  // Network and clients.
  std::vector<std::string> bind;  // as written: "-" in front makes an address optional, "*" is all
  std::string bind_source_addr;
  std::uint16_t port{};
  int tcp_backlog{};
  std::string unixsocket;
  std::uint32_t unixsocketperm{};
  bool protected_mode{};
  seconds timeout{};
  seconds tcp_keepalive{};
  std::uint32_t maxclients{};
  std::uint32_t socket_mark_id{};
  std::uint64_t client_query_buffer_limit{};
  std::uint64_t proto_max_bulk_len{};
  std::int64_t maxmemory_clients{};  // negative: percent of maxmemory
  std::array<OutputLimit, 3> client_output_buffer_limit{};
  std::uint64_t tracking_table_max_keys{};
  int io_threads{};
  bool io_threads_do_reads{};

  // Process.
  bool daemonize{};
  Supervised supervised{};
  std::string pidfile;
  std::string dir;  // as written; the daemon replaces it by where it really is
  std::string logfile;
  LogLevel loglevel{};
  bool syslog_enabled{};
  std::string syslog_ident;
  SyslogFacility syslog_facility{};
  bool always_show_logo{};
  bool set_proc_title{};
  std::string proc_title_template;
  bool crash_log_enabled{};
  bool crash_memcheck_enabled{};
  bool use_exit_on_panic{};
  bool disable_thp{};
  OomScoreAdj oom_score_adj{};
  std::array<int, 3> oom_score_adj_values{};
  std::string ignore_warnings;
  std::string server_cpulist;
  std::string bio_cpulist;
  std::string aof_rewrite_cpulist;
  std::string bgsave_cpulist;
  seconds shutdown_timeout{};
  std::uint8_t shutdown_on_sigint{};   // ShutdownBits
  std::uint8_t shutdown_on_sigterm{};  // ShutdownBits
  milliseconds watchdog_period{};

  // Who may do what.
  std::string requirepass;
  std::string aclfile;
  PubsubDefault acl_pubsub_default{};
  std::uint64_t acllog_max_len{};
  Permit enable_protected_configs{};
  Permit enable_debug_command{};
  Permit enable_module_command{};
  SanitizePayload sanitize_dump_payload{};

  // Keyspace and the loop.
  int databases{};
  int hz{};  // clamped to 1..500
  bool dynamic_hz{};
  bool activerehashing{};
  int active_expire_effort{};
  bool lazyfree_lazy_eviction{};
  bool lazyfree_lazy_expire{};
  bool lazyfree_lazy_server_del{};
  bool lazyfree_lazy_user_del{};
  bool lazyfree_lazy_user_flush{};
  std::uint32_t notify_keyspace_events{};  // NotifyBits

  // Memory.
  std::uint64_t maxmemory{};
  MaxmemoryPolicy maxmemory_policy{};
  int maxmemory_samples{};
  int maxmemory_eviction_tenacity{};
  int lfu_log_factor{};
  int lfu_decay_time{};
  bool activedefrag{};
  int active_defrag_cycle_min{};
  int active_defrag_cycle_max{};
  int active_defrag_threshold_lower{};
  int active_defrag_threshold_upper{};
  std::uint64_t active_defrag_max_scan_fields{};
  std::uint64_t active_defrag_ignore_bytes{};
  bool jemalloc_bg_thread{};

  // Encodings.
  std::uint64_t hash_max_listpack_entries{};
  std::uint64_t hash_max_listpack_value{};
  int list_max_listpack_size{};
  int list_compress_depth{};
  std::uint64_t set_max_intset_entries{};
  std::uint64_t zset_max_listpack_entries{};
  std::uint64_t zset_max_listpack_value{};
  std::uint64_t hll_sparse_max_bytes{};
  std::uint64_t stream_node_max_bytes{};
  std::int64_t stream_node_max_entries{};

  // Scripts.
  milliseconds busy_reply_threshold{};
  bool lua_enable_deprecated_api{};

  // Statistics.
  microseconds slowlog_log_slower_than{};  // negative: off
  std::uint64_t slowlog_max_len{};
  milliseconds latency_monitor_threshold{};
  bool latency_tracking{};
  std::vector<double> latency_tracking_info_percentiles;

  // Snapshots and the append-only file.
  std::vector<SavePoint> save;
  std::string dbfilename;
  bool rdbcompression{};
  bool rdbchecksum{};
  bool rdb_del_sync_files{};
  bool rdb_save_incremental_fsync{};
  bool stop_writes_on_bgsave_error{};
  bool appendonly{};
  std::string appendfilename;
  std::string appenddirname;
  AppendFsync appendfsync{};
  bool no_appendfsync_on_rewrite{};
  bool aof_rewrite_incremental_fsync{};
  bool aof_load_truncated{};
  bool aof_use_rdb_preamble{};
  bool aof_timestamp_enabled{};
  bool aof_disable_auto_gc{};
  int auto_aof_rewrite_percentage{};
  std::uint64_t auto_aof_rewrite_min_size{};
  std::int64_t rdb_key_save_delay{};
  std::int64_t key_load_delay{};
  std::int64_t loading_process_events_interval_bytes{};

  // Replication.
  PrimaryAddress replicaof;
  std::string masteruser;
  std::string masterauth;
  bool replica_serve_stale_data{};
  bool replica_read_only{};
  bool replica_lazy_flush{};
  bool replica_ignore_maxmemory{};
  bool replica_announced{};
  bool replica_ignore_disk_write_errors{};
  int replica_priority{};
  std::string replica_announce_ip;
  std::uint16_t replica_announce_port{};
  bool repl_diskless_sync{};
  seconds repl_diskless_sync_delay{};
  int repl_diskless_sync_max_replicas{};
  DisklessLoad repl_diskless_load{};
  bool repl_disable_tcp_nodelay{};
  seconds repl_ping_replica_period{};
  seconds repl_timeout{};
  std::uint64_t repl_backlog_size{};
  seconds repl_backlog_ttl{};
  int min_replicas_to_write{};
  seconds min_replicas_max_lag{};
  PropagationErrors propagation_error_behavior{};

  // Cluster.
  bool cluster_enabled{};
  std::string cluster_config_file;
  milliseconds cluster_node_timeout{};
  std::uint16_t cluster_port{};  // 0: port + 10000
  std::string cluster_announce_ip;
  std::string cluster_announce_hostname;
  std::uint16_t cluster_announce_port{};
  std::uint16_t cluster_announce_tls_port{};
  std::uint16_t cluster_announce_bus_port{};
  EndpointType cluster_preferred_endpoint_type{};
  bool cluster_require_full_coverage{};
  bool cluster_allow_reads_when_down{};
  bool cluster_allow_pubsubshard_when_down{};
  bool cluster_allow_replica_migration{};
  int cluster_migration_barrier{};
  bool cluster_replica_no_failover{};
  int cluster_replica_validity_factor{};
  std::uint64_t cluster_link_sendbuf_limit{};
  bool cluster_handover_on_shutdown{};  // our own

  // TLS: known, and refused at start until it acts.
  std::uint16_t tls_port{};
  int tls_session_cache_size{};
  seconds tls_session_cache_timeout{};
  bool tls_cluster{};
  bool tls_replication{};
  TlsAuthClients tls_auth_clients{};
  bool tls_prefer_server_ciphers{};
  bool tls_session_caching{};
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_key_file_pass;
  std::string tls_client_cert_file;
  std::string tls_client_key_file;
  std::string tls_client_key_file_pass;
  std::string tls_dh_params_file;
  std::string tls_ca_cert_file;
  std::string tls_ca_cert_dir;
  std::string tls_protocols;
  std::string tls_ciphers;
  std::string tls_ciphersuites;
};

}  // namespace skein
