// The figures INFO shows that only the running process knows.
#include "daemon.h"

#include <array>
#include <fstream>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/base/memory.h>

namespace skein {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string system_name() {
  utsname name{};
  uname(&name);
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

}  // namespace

InfoFacts Daemon::info_facts() {
  const Settings& settings = config_.settings();
  InfoFacts facts;
  facts.executable = process_.executable;
  facts.commit = process_.build.commit;
  facts.commit_modified = process_.build.modified;
  facts.commit_time = process_.build.time;
  facts.build_id = build_id(process_.build);
  facts.config_file = process_.config_file;
  facts.run_id = run_id_;
  facts.os = system_name();
  facts.multiplexing_api = "epoll";
  facts.compiler_version = fmt::format("{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
  facts.supervised = process_.supervised;
  facts.allocator = allocator_name();
  facts.process_id = getpid();
  facts.uptime_seconds = std::chrono::duration_cast<seconds>(read_boot_clock() - started_).count();
  facts.wall_micros = read_wall_micros();
  facts.hz = settings.hz;
  for (const auto& address : listeners_.tcp_addresses()) {
    facts.listeners.push_back(fmt::format("name=tcp,bind={},port={}", address, settings.port));
  }
  if (!settings.unixsocket.empty()) facts.listeners.push_back(fmt::format("name=unix,bind={}", settings.unixsocket));
  if (ending_.is_under_way()) {
    facts.shutdown_in_millis = std::chrono::duration_cast<milliseconds>(ending_.deadline() - read_boot_clock()).count();
  }
  if (cluster_ != nullptr) {
    const auto figures = cluster_->figures();
    facts.cluster_connections = figures.connections;
    facts.cluster_links_memory = figures.links_memory;
  }
  const AllocatorFigures allocator = read_allocator_figures();
  facts.used_memory = allocated_bytes();
  peak_memory_ = std::max(peak_memory_, facts.used_memory);
  facts.peak_memory = peak_memory_;
  facts.startup_memory = process_.startup_memory;
  facts.resident = resident_bytes();
  facts.allocator_allocated = allocator.allocated;
  facts.allocator_active = allocator.active;
  facts.allocator_resident = allocator.resident;
  facts.total_system_memory =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  facts.lazyfree_pending = lazyfree_pending_;
  facts.lazyfreed = lazyfreed_;
  facts.connections_received = connections_received_;
  facts.connections_rejected = connections_rejected_;
  const ClientNet& net = turns_.net();
  facts.net_input_bytes = net.bytes_in;
  facts.net_output_bytes = net.bytes_out;
  facts.reads = net.reads;
  facts.writes = net.writes;
  facts.ops_per_second = rates_.operations.per_second();
  facts.input_kbps = rates_.input.per_second() / 1024;
  facts.output_kbps = rates_.output.per_second() / 1024;
  facts.client_query_buffer_limit_disconnections = turns_.query_limit_disconnections();
  facts.client_output_buffer_limit_disconnections = turns_.output_limit_disconnections();
  facts.migrate_cached_sockets = migrations_.cached_connections();
  facts.expire_cycle_cpu_ms = expire_cycle_micros_ / 1000;
  facts.expire_time_cap_reached = expire_time_cap_reached_;
  facts.uncounted_memory = uncounted_memory();
  facts.eviction_exceeded_ms = memory_limit_.exceeded_in_all().count() / 1000;
  facts.eviction_exceeded_now_ms = memory_limit_.exceeded_now().count() / 1000;
  rusage self{};
  rusage children{};
  rusage thread{};
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  getrusage(RUSAGE_THREAD, &thread);
  facts.cpu_system = seconds_of(self.ru_stime);
  facts.cpu_user = seconds_of(self.ru_utime);
  facts.cpu_system_children = seconds_of(children.ru_stime);
  facts.cpu_user_children = seconds_of(children.ru_utime);
  facts.cpu_system_main_thread = seconds_of(thread.ru_stime);
  facts.cpu_user_main_thread = seconds_of(thread.ru_utime);
  return facts;
}

void Daemon::reset_statistics() {
  ClientNet& net = turns_.net();
  net.bytes_in = net.bytes_out = net.reads = net.writes = 0;
  rates_ = {};
  connections_received_ = connections_rejected_ = 0;
  expire_cycle_micros_ = expire_time_cap_reached_ = 0;
  lazyfreed_ = 0;
  memory_limit_.reset_statistics();
  turns_.reset_statistics();
  snapshots_.reset_statistics();
  replication_.replicas().reset_statistics();
}

}  // namespace skein
