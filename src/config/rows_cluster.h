// Rows of the directive table: replication, cluster, Sentinel, TLS.
#pragma once

#include <array>

#include "rows_server.h"

namespace skein {

inline constexpr std::string_view kDisklessLoadWords[] = {"disabled", "on-empty-db", "swapdb"};
inline constexpr std::string_view kPropagationWords[] = {"ignore", "panic", "panic-on-replicas"};
inline constexpr std::string_view kEndpointWords[] = {"ip", "hostname", "unknown-endpoint"};
inline constexpr std::string_view kTlsAuthWords[] = {"no", "yes", "optional"};

// A smaller backlog than 16 KiB would not hold what is written while a replica reconnects.
inline constexpr NumberField kBacklogField{
    [](const Settings& s) { return static_cast<std::int64_t>(s.repl_backlog_size); },
    [](Settings& s, std::int64_t value) {
      s.repl_backlog_size = static_cast<std::uint64_t>(value < 16384 ? 16384 : value);
    }};

inline constexpr std::array kReplicationRows{
    special("replicaof", "", kReplicaofField).also("slaveof").at_start().trait(kManyWords).needs(2).acts(),
    text<&S::masteruser>("masteruser", "").trait(kSensitive).acts(),
    text<&S::masterauth>("masterauth", "").trait(kSensitive).acts(),
    boolean<&S::replica_serve_stale_data>("replica-serve-stale-data", "yes").also("slave-serve-stale-data").acts(),
    boolean<&S::replica_read_only>("replica-read-only", "yes").also("slave-read-only").acts(),
    boolean<&S::replica_lazy_flush>("replica-lazy-flush", "no").also("slave-lazy-flush").acts(),
    boolean<&S::replica_ignore_maxmemory>("replica-ignore-maxmemory", "yes").also("slave-ignore-maxmemory").acts(),
    boolean<&S::replica_announced>("replica-announced", "yes").acts(),
    boolean<&S::replica_ignore_disk_write_errors>("replica-ignore-disk-write-errors", "no"),
    integer<&S::replica_priority>("replica-priority", "100", 0, kIntMax).also("slave-priority").acts(),
    text<&S::replica_announce_ip>("replica-announce-ip", "").checked(check_host).also("slave-announce-ip").acts(),
    integer<&S::replica_announce_port>("replica-announce-port", "0", 0, kPortMax).also("slave-announce-port").acts(),
    boolean<&S::repl_diskless_sync>("repl-diskless-sync", "yes").acts(),
    integer<&S::repl_diskless_sync_delay>("repl-diskless-sync-delay", "5", 0, kIntMax).acts(),
    integer<&S::repl_diskless_sync_max_replicas>("repl-diskless-sync-max-replicas", "0", 0, kIntMax).acts(),
    choice<&S::repl_diskless_load>("repl-diskless-load", "disabled", kDisklessLoadWords)
        .trait(kNotWhileLoading)
        .acts()
        .noted("what comes is checked to its last byte before it replaces anything, whatever this says"),
    boolean<&S::repl_disable_tcp_nodelay>("repl-disable-tcp-nodelay", "no").acts(),
    integer<&S::repl_ping_replica_period>("repl-ping-replica-period", "10", 1, kIntMax)
        .also("repl-ping-slave-period")
        .acts(),
    integer<&S::repl_timeout>("repl-timeout", "60", 1, kIntMax).acts(),
    with_field(memory<&S::repl_backlog_size>("repl-backlog-size", "1048576", 1, kLongMax), kBacklogField)
        .acts()
        .noted("taken as at least 16 KiB"),
    integer<&S::repl_backlog_ttl>("repl-backlog-ttl", "3600", 0, kLongMax).acts(),
    integer<&S::min_replicas_to_write>("min-replicas-to-write", "0", 0, kIntMax).also("min-slaves-to-write").acts(),
    integer<&S::min_replicas_max_lag>("min-replicas-max-lag", "10", 0, kIntMax).also("min-slaves-max-lag").acts(),
    choice<&S::propagation_error_behavior>("propagation-error-behavior", "ignore", kPropagationWords),
};

inline constexpr std::array kClusterRows{
    boolean<&S::cluster_enabled>("cluster-enabled", "no").at_start().acts(),
    text<&S::cluster_config_file>("cluster-config-file", "nodes.conf").at_start().trait(kEmptyIsValue).acts(),
    integer<&S::cluster_node_timeout>("cluster-node-timeout", "15000", 0, kLongMax)
        .acts()
        .noted("milliseconds"),
    integer<&S::cluster_port>("cluster-port", "0", 0, kPortMax).at_start().acts().noted("0: port + 10000"),
    text<&S::cluster_announce_ip>("cluster-announce-ip", "").checked(check_host).acts(),
    text<&S::cluster_announce_hostname>("cluster-announce-hostname", "").checked(check_hostname).acts(),
    integer<&S::cluster_announce_port>("cluster-announce-port", "0", 0, kPortMax).acts(),
    integer<&S::cluster_announce_tls_port>("cluster-announce-tls-port", "0", 0, kPortMax),
    integer<&S::cluster_announce_bus_port>("cluster-announce-bus-port", "0", 0, kPortMax).acts(),
    choice<&S::cluster_preferred_endpoint_type>("cluster-preferred-endpoint-type", "ip", kEndpointWords)
        .acts(),
    boolean<&S::cluster_require_full_coverage>("cluster-require-full-coverage", "yes").acts(),
    boolean<&S::cluster_allow_reads_when_down>("cluster-allow-reads-when-down", "no").acts(),
    boolean<&S::cluster_allow_pubsubshard_when_down>("cluster-allow-pubsubshard-when-down", "yes"),
    boolean<&S::cluster_allow_replica_migration>("cluster-allow-replica-migration", "yes")
        .acts(),
    integer<&S::cluster_migration_barrier>("cluster-migration-barrier", "1", 0, kIntMax).acts(),
    boolean<&S::cluster_replica_no_failover>("cluster-replica-no-failover", "no")
        .also("cluster-slave-no-failover")
        .acts(),
    integer<&S::cluster_replica_validity_factor>("cluster-replica-validity-factor", "10", 0, kIntMax)
        .also("cluster-slave-validity-factor")
        .acts(),
    memory<&S::cluster_link_sendbuf_limit>("cluster-link-sendbuf-limit", "0", 0, UINT64_MAX)
        .acts()
        .noted("0: still at most 64 MiB"),
    boolean<&S::cluster_handover_on_shutdown>("cluster-handover-on-shutdown", "yes")
        .acts()
        .noted("not redis's: a primary that ends lets a replica in sync take over first"),
};

// The words after "sentinel" are counted from the second part of the name on.
inline constexpr std::array kSentinelRows{
    file_only("sentinel", 1).trait(kRepeats).noted("<setting> ..., as below; in Sentinel mode only"),
    file_only("sentinel monitor", 4).noted("<name> <ip> <port> <quorum>"),
    file_only("sentinel down-after-milliseconds", 2).noted("<name> <milliseconds>"),
    file_only("sentinel parallel-syncs", 2).noted("<name> <count>"),
    file_only("sentinel failover-timeout", 2).noted("<name> <milliseconds>"),
    file_only("sentinel deny-scripts-reconfig", 1).noted("yes or no"),
    file_only("sentinel auth-pass", 2).trait(kSensitive).noted("<name> <password>"),
    file_only("sentinel auth-user", 2).trait(kSensitive).noted("<name> <user>"),
    file_only("sentinel notification-script", 2).noted("<name> <path>"),
    file_only("sentinel client-reconfig-script", 2).noted("<name> <path>"),
    file_only("sentinel rename-command", 3).noted("<name> <command> <new name>"),
    file_only("sentinel announce-ip", 1).noted("<ip>"),
    file_only("sentinel announce-port", 1).noted("<port>"),
    file_only("sentinel sentinel-user", 1).trait(kSensitive).noted("<user>"),
    file_only("sentinel sentinel-pass", 1).trait(kSensitive).noted("<password>"),
    file_only("sentinel resolve-hostnames", 1).noted("yes or no"),
    file_only("sentinel announce-hostnames", 1).noted("yes or no"),
    file_only("sentinel master-reboot-down-after-period", 2).noted("<name> <milliseconds>"),
    file_only("sentinel myid", 1).noted("state: <id>"),
    file_only("sentinel current-epoch", 1).noted("state: <epoch>"),
    file_only("sentinel config-epoch", 2).noted("state: <name> <epoch>"),
    file_only("sentinel leader-epoch", 2).noted("state: <name> <epoch>"),
    file_only("sentinel known-replica", 3).also("sentinel known-slave").noted("state: <name> <ip> <port>"),
    file_only("sentinel known-sentinel", 3).noted("state: <name> <ip> <port> [id]"),
};

inline constexpr std::string_view kNoTls = "TLS does not act yet";

inline constexpr std::array kTlsRows{
    integer<&S::tls_port>("tls-port", "0", 0, kPortMax).refused(kNoTls),
    boolean<&S::tls_cluster>("tls-cluster", "no").refused(kNoTls),
    boolean<&S::tls_replication>("tls-replication", "no").refused(kNoTls),
    choice<&S::tls_auth_clients>("tls-auth-clients", "yes", kTlsAuthWords).refused(kNoTls),
    text<&S::tls_cert_file>("tls-cert-file", "").refused(kNoTls),
    text<&S::tls_key_file>("tls-key-file", "").refused(kNoTls),
    text<&S::tls_key_file_pass>("tls-key-file-pass", "").trait(kSensitive).refused(kNoTls),
    text<&S::tls_client_cert_file>("tls-client-cert-file", "").refused(kNoTls),
    text<&S::tls_client_key_file>("tls-client-key-file", "").refused(kNoTls),
    text<&S::tls_client_key_file_pass>("tls-client-key-file-pass", "").trait(kSensitive).refused(kNoTls),
    text<&S::tls_dh_params_file>("tls-dh-params-file", "").refused(kNoTls),
    text<&S::tls_ca_cert_file>("tls-ca-cert-file", "").refused(kNoTls),
    text<&S::tls_ca_cert_dir>("tls-ca-cert-dir", "").refused(kNoTls),
    text<&S::tls_protocols>("tls-protocols", "").refused(kNoTls),
    text<&S::tls_ciphers>("tls-ciphers", "").refused(kNoTls),
    text<&S::tls_ciphersuites>("tls-ciphersuites", "").refused(kNoTls),
    boolean<&S::tls_prefer_server_ciphers>("tls-prefer-server-ciphers", "no").refused(kNoTls),
    boolean<&S::tls_session_caching>("tls-session-caching", "yes").refused(kNoTls),
    integer<&S::tls_session_cache_size>("tls-session-cache-size", "20480", 0, kIntMax).refused(kNoTls),
    integer<&S::tls_session_cache_timeout>("tls-session-cache-timeout", "300", 0, kIntMax).refused(kNoTls),
};

}  // namespace skein
