// What INFO tells about the process: server, clients, memory and CPU.
#include <algorithm>

#include <skein/commands/version.h>

#include "client_lines.h"
#include "info.h"

namespace skein {

namespace {

// A ratio of figures of which the second may not be known.
double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::int64_t difference(std::uint64_t larger, std::uint64_t smaller) {
  return static_cast<std::int64_t>(larger) - static_cast<std::int64_t>(smaller);
}

bool is_replica(const Session& session) { return session.replica != nullptr && session.replica->is_replica(); }

// Of normal clients: replicas and the link to the primary are counted elsewhere.
std::uint64_t clients_memory(const Services& services) {
  std::uint64_t sum = 0;
  for (const Session* session : services.sessions.all()) {
    if (!is_replica(*session) && !session->is_primary_link) sum += sizeof *session + memory_of(*session);
  }
  return sum;
}

// Memory that holds no data: tables, clients, links.
std::uint64_t overhead(const InfoSource& from) {
  constexpr std::uint64_t kBucketBytes = 64;
  std::uint64_t sum = from.facts.startup_memory + clients_memory(from.services) + from.facts.cluster_links_memory;
  const Keyspace& keyspace = from.call.keyspace;
  for (int i = 0; i < keyspace.count(); ++i) {
    if (keyspace.db(i).size() != 0) sum += keyspace.db(i).bucket_count() * kBucketBytes;
  }
  return sum;
}

void write_usage(const InfoSource& from, InfoText& to) {
  const InfoFacts& facts = from.facts;
  const std::uint64_t used = facts.used_memory;
  const std::uint64_t peak = std::max(facts.peak_memory, used);
  const std::uint64_t beside_data = std::min(overhead(from), used);
  const std::uint64_t since_start = used - std::min(facts.startup_memory, used);
  to.bytes("used_memory", used);
  to.bytes("used_memory_rss", facts.resident);
  to.bytes("used_memory_peak", peak);
  to.field("used_memory_peak_perc", fmt::format("{:.2f}%", ratio(used, peak) * 100));
  to.field("used_memory_overhead", beside_data);
  to.field("used_memory_startup", facts.startup_memory);
  to.field("used_memory_dataset", used - beside_data);
  to.field("used_memory_dataset_perc", fmt::format("{:.2f}%", ratio(used - beside_data, since_start) * 100));
  to.field("allocator_allocated", facts.allocator_allocated);
  to.field("allocator_active", facts.allocator_active);
  to.field("allocator_resident", facts.allocator_resident);
  to.bytes("total_system_memory", facts.total_system_memory);
}

void write_scripts(InfoText& to) {
  to.zeros({"used_memory_lua", "used_memory_vm_eval"});
  to.human("used_memory_lua_human", 0);
  to.zeros({"used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries",
            "used_memory_vm_functions", "used_memory_vm_total"});
  to.human("used_memory_vm_total_human", 0);
  to.zeros({"used_memory_functions", "used_memory_scripts"});
  to.human("used_memory_scripts_human", 0);
}

}  // namespace

void write_server_section(const InfoSource& from, InfoText& to) {
  const InfoFacts& facts = from.facts;
  const Settings& settings = from.services.config.settings();
  constexpr std::uint32_t kAccessClockMask = 0xffffff;
  to.field("redis_version", kRedisVersion);
  to.field("skein_version", SKEIN_VERSION);
  to.field("redis_git_sha1", facts.commit);
  to.field("redis_git_dirty", facts.commit_modified ? 1 : 0);
  to.field("redis_build_id", facts.build_id);
  to.field("skein_commit_time", facts.commit_time);
  to.field("redis_mode", from.call.keyspace.context().cluster_mode ? "cluster" : "standalone");
  to.field("os", facts.os);
  to.field("arch_bits", sizeof(void*) * 8);
  to.field("monotonic_clock", "POSIX clock_gettime");
  to.field("multiplexing_api", facts.multiplexing_api);
  to.field("atomicvar_api", "c11-builtin");
  to.field("gcc_version", facts.compiler_version);
  to.field("process_id", facts.process_id);
  to.field("process_supervised", facts.supervised);
  to.field("run_id", facts.run_id);
  to.field("tcp_port", settings.port);
  to.field("server_time_usec", facts.wall_micros);
  to.field("uptime_in_seconds", facts.uptime_seconds);
  to.field("uptime_in_days", facts.uptime_seconds / (24 * 3600));
  to.field("hz", facts.hz);
  to.field("configured_hz", settings.hz);
  to.field("lru_clock", static_cast<std::uint32_t>(from.call.now.wall.value / 1000) & kAccessClockMask);
  to.field("executable", facts.executable);
  to.field("config_file", facts.config_file);
  to.field("io_threads_active", 0);
  if (facts.shutdown_in_millis) to.field("shutdown_in_milliseconds", *facts.shutdown_in_millis);
  for (std::size_t i = 0; i < facts.listeners.size(); ++i) to.field(fmt::format("listener{}", i), facts.listeners[i]);
}

void write_clients_section(const InfoSource& from, InfoText& to) {
  std::size_t input = 0;
  std::size_t output = 0;
  std::size_t blocked = 0;
  std::size_t replicas = 0;
  for (const Session* session : from.services.sessions.all()) {
    if (session->peer() != nullptr) input = std::max(input, session->peer()->input_figures().memory);
    output = std::max(output, session->output().memory());
    if (session->suspended != nullptr) ++blocked;
    if (is_replica(*session)) ++replicas;
  }
  to.field("connected_clients", from.services.sessions.size() - replicas);
  to.field("cluster_connections", from.facts.cluster_connections);
  to.field("maxclients", from.services.config->maxclients);
  to.field("client_recent_max_input_buffer", input);
  to.field("client_recent_max_output_buffer", output);
  to.field("blocked_clients", blocked);
  to.zeros({"tracking_clients", "clients_in_timeout_table"});
}

void write_memory_section(const InfoSource& from, InfoText& to) {
  const InfoFacts& facts = from.facts;
  const Config& config = from.services.config;
  write_usage(from, to);
  write_scripts(to);
  to.bytes("maxmemory", config->maxmemory);
  to.field("maxmemory_policy", config.text("maxmemory-policy").value_or(""));
  to.decimals("allocator_frag_ratio", ratio(facts.allocator_active, facts.allocator_allocated));
  to.field("allocator_frag_bytes", difference(facts.allocator_active, facts.allocator_allocated));
  to.decimals("allocator_rss_ratio", ratio(facts.allocator_resident, facts.allocator_active));
  to.field("allocator_rss_bytes", difference(facts.allocator_resident, facts.allocator_active));
  to.decimals("rss_overhead_ratio", ratio(facts.resident, facts.allocator_resident));
  to.field("rss_overhead_bytes", difference(facts.resident, facts.allocator_resident));
  to.decimals("mem_fragmentation_ratio", ratio(facts.resident, facts.used_memory));
  to.field("mem_fragmentation_bytes", difference(facts.resident, facts.used_memory));
  const ReplicationFacts replication = from.services.replication->replication_facts();
  const std::uint64_t backlog = std::min(replication.log_memory, replication.backlog_length);
  to.field("mem_not_counted_for_evict", facts.uncounted_memory);
  to.field("mem_replication_backlog", backlog);
  to.field("mem_total_replication_buffers", replication.log_memory);
  to.field("mem_clients_slaves", replication.replicas_memory + (replication.log_memory - backlog));
  to.field("mem_clients_normal", clients_memory(from.services));
  to.field("mem_cluster_links", facts.cluster_links_memory);
  to.field("mem_aof_buffer", 0);
  to.field("mem_allocator", facts.allocator);
  to.field("active_defrag_running", 0);
  to.field("lazyfree_pending_objects", facts.lazyfree_pending);
  to.field("lazyfreed_objects", facts.lazyfreed);
}

void write_cpu_section(const InfoSource& from, InfoText& to) {
  constexpr int kMicros = 6;
  to.decimals("used_cpu_sys", from.facts.cpu_system, kMicros);
  to.decimals("used_cpu_user", from.facts.cpu_user, kMicros);
  to.decimals("used_cpu_sys_children", from.facts.cpu_system_children, kMicros);
  to.decimals("used_cpu_user_children", from.facts.cpu_user_children, kMicros);
  to.decimals("used_cpu_sys_main_thread", from.facts.cpu_system_main_thread, kMicros);
  to.decimals("used_cpu_user_main_thread", from.facts.cpu_user_main_thread, kMicros);
}

}  // namespace skein
