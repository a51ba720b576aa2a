// The figures INFO, ROLE and CLIENT LIST print and only the running process knows.
//
// Filled by `server`; what the keyspace, the statistics and the configuration know
// themselves is not repeated here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <skein/base/time.h>

namespace skein {

struct InfoFacts {
  // Server.
  std::string executable;
  std::string commit = "00000000";  // that it was built from
  bool commit_modified = false;
  std::string commit_time = "unknown";
  std::string build_id = "0";
  std::string config_file;
  std::string run_id;
  std::string os;
  std::string multiplexing_api;
  std::string compiler_version;
  std::string supervised = "no";  // "no", "upstart" or "systemd": what was found, not what was asked for
  std::string allocator;          // "jemalloc-5.3.0"
  std::int64_t process_id = 0;
  std::int64_t uptime_seconds = 0;
  std::int64_t wall_micros = 0;
  int hz = 0;
  std::vector<std::string> listeners;  // "name=tcp,bind=127.0.0.1,port=6379"
  std::optional<std::int64_t> shutdown_in_millis;  // while it waits for replicas to end
  // Clients.
  std::uint64_t cluster_connections = 0;
  // Memory, in bytes.
  std::uint64_t used_memory = 0;
  std::uint64_t peak_memory = 0;
  std::uint64_t startup_memory = 0;
  std::uint64_t resident = 0;
  std::uint64_t allocator_allocated = 0;
  std::uint64_t allocator_active = 0;
  std::uint64_t allocator_resident = 0;
  std::uint64_t total_system_memory = 0;
  std::uint64_t lazyfree_pending = 0;
  std::uint64_t lazyfreed = 0;
  std::uint64_t cluster_links_memory = 0;
  std::uint64_t uncounted_memory = 0;  // by maxmemory
  // Stats.
  std::uint64_t connections_received = 0;
  std::uint64_t connections_rejected = 0;
  std::uint64_t net_input_bytes = 0;
  std::uint64_t net_output_bytes = 0;
  double ops_per_second = 0;
  double input_kbps = 0;
  double output_kbps = 0;
  std::uint64_t client_query_buffer_limit_disconnections = 0;
  std::uint64_t client_output_buffer_limit_disconnections = 0;
  std::uint64_t migrate_cached_sockets = 0;
  std::uint64_t expire_cycle_cpu_ms = 0;
  double expired_stale_percent = 0;            // of the keys the active expiry looked at, how many had expired
  std::uint64_t expire_time_cap_reached = 0;   // active expiry cycles that ran out of time
  std::int64_t eviction_exceeded_ms = 0;       // how long memory was above maxmemory: in all, and now
  std::int64_t eviction_exceeded_now_ms = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t unexpected_errors = 0;
  // CPU, seconds.
  double cpu_system = 0;
  double cpu_user = 0;
  double cpu_system_children = 0;
  double cpu_user_children = 0;
  double cpu_system_main_thread = 0;
  double cpu_user_main_thread = 0;
};

}  // namespace skein
