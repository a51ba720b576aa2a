// Settings that act: what follows from CONFIG SET, and writing the configuration file.
#include "daemon.h"

#include <cerrno>
#include <cstring>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/config/rewrite.h>
#include <skein/disk/safe_file.h>

namespace skein {

// Facts and limits that follow from settings and cost nothing to set again.
void Daemon::apply_limits() {
  const Settings& settings = config_.settings();
  facts_.ticks_per_micro = tick_clock_.per_micro();
  const auto slow = settings.slowlog_log_slower_than.count();
  facts_.slow_ticks =
      slow < 0 ? UINT64_MAX : static_cast<std::uint64_t>(static_cast<double>(slow) * facts_.ticks_per_micro);
  slowlog_.set_limit(settings.slowlog_max_len);
  KeyspaceContext& context = keyspace_.context();
  context.lfu = counts_frequency(settings.maxmemory_policy);
  context.lfu_log_factor = settings.lfu_log_factor;
  context.lfu_decay_minutes = settings.lfu_decay_time;
  listeners_.set_keepalive(settings.tcp_keepalive);
}

Result<void> Daemon::apply_listeners(const Settings& before) {
  const Settings& settings = config_.settings();
  auto result = listeners_.listen_tcp(settings.bind, settings.port, settings.tcp_backlog);
  if (result) return result;
  // What was listened on before is what must be listened on after a refusal.
  (void)listeners_.listen_tcp(before.bind, before.port, before.tcp_backlog);
  log_.warning(result.error().message());
  return result;
}

std::optional<NodeActions::ApplyFailure> Daemon::apply_config(const SettingsChange& change) {
  const Settings& settings = config_.settings();
  for (const Directive* directive : change.changed()) {
    const std::string_view name = directive->name;
    if (name == "bind" || name == "port") {
      if (auto result = apply_listeners(change.before()); !result) {
        return ApplyFailure{directive, name == "bind" ? "Failed to bind to specified addresses."
                                                      : "Unable to listen on this port. Check server logs."};
      }
    } else if (name == "dir") {
      if (::chdir(settings.dir.c_str()) != 0) return ApplyFailure{directive, std::strerror(errno)};
      std::array<char, 4096> path;
      if (::getcwd(path.data(), path.size()) != nullptr) config_.found_directory(path.data());
    } else if (name == "loglevel") {
      log_.set_level(settings.loglevel);
    } else if (name == "latency-tracking") {
      stats_.set_latency_tracking(settings.latency_tracking);
    } else if (name == "maxclients") {
      rlimit limit{};
      const rlim_t wanted = rlim_t{settings.maxclients} + 32;
      ::getrlimit(RLIMIT_NOFILE, &limit);
      if (limit.rlim_cur < wanted) {
        const rlimit raised{wanted, std::max(limit.rlim_max, wanted)};
        if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
          return ApplyFailure{directive, fmt::format("The operating system is not able to handle the specified "
                                                     "number of clients, try with {}",
                                                     limit.rlim_cur > 32 ? limit.rlim_cur - 32 : 0)};
        }
      }
    }
  }
  apply_limits();
  refresh_gates();
  if (cluster_ != nullptr) cluster_->apply_settings();
  if (on_title_changed) on_title_changed(settings);
  return std::nullopt;
}

Result<void> Daemon::rewrite_config() {
  auto file = LockedFile::open(process_.config_file);
  if (!file) return file.error();
  auto old_text = file->read();
  Result<void> result;
  if (!old_text) {
    result = old_text.error();
  } else {
    result = file->replace(skein::rewrite_config(*old_text, config_));
  }
  if (result) {
    log_.notice("CONFIG REWRITE executed with success.");
  } else {
    log_.warning(fmt::format("CONFIG REWRITE failed: {}", result.error().message()));
  }
  return result;
}

}  // namespace skein
