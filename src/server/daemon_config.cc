// Settings that act: what follows from CONFIG SET, and writing the configuration file.
#include "daemon.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/base/memory.h>
#include <skein/config/rewrite.h>
#include <skein/disk/safe_file.h>

#include "config_files.h"
#include "process.h"

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
  if (const bool lfu = counts_frequency(settings.maxmemory_policy); lfu != context.lfu) {
    context.lfu = lfu;
    context.lfu_changed = context.now;
  }
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
  log_.warning("Warning: " + result.error().message());
  return result;
}

// What a relative path means changes with it, so the files that stand under one go along: whoever hears that it is done
// may rewrite the configuration and start anew. The pid file and the socket stay where others look for them.
Result<void> Daemon::apply_directory() {
  if (::chdir(config_->dir.c_str()) != 0) return Error(std::strerror(errno));
  std::array<char, 4096> path;
  if (::getcwd(path.data(), path.size()) != nullptr) config_.found_directory(path.data());
  if (auto result = log_.follow_directory(); !result) return result;
  if (cluster_ != nullptr) return cluster_->follow_directory();
  return {};
}

void Daemon::warn_of_memory_limit() {
  const std::uint64_t limit = config_->maxmemory;
  const std::uint64_t used = allocated_bytes() - std::min(uncounted_memory(), allocated_bytes());
  if (limit == 0 || limit >= used) return;
  log_.warning(fmt::format("WARNING: the new maxmemory value set via CONFIG SET ({}) is smaller than the current memory "
                           "usage ({}): as maxmemory-policy is {}, {}.",
                           limit, used, config_.text("maxmemory-policy").value_or(""),
                           config_->maxmemory_policy == MaxmemoryPolicy::kNoEviction ? "writes are refused"
                                                                                      : "keys are evicted"));
}

Result<void> Daemon::apply(const Directive& directive, const SettingsChange& change) {
  const Settings& settings = config_.settings();
  const std::string_view name = directive.name;
  if (name == "bind" || name == "port") {
    // Both act together, when the first of them is reached.
    const auto changed = change.changed();
    const auto first = std::find_if(changed.begin(), changed.end(),
                                    [](const Directive* d) { return d->name == "bind" || d->name == "port"; });
    if (*first != &directive || apply_listeners(change.before())) return {};
    return Error(name == "bind" ? "Failed to bind to specified addresses."
                                : "Unable to listen on this port. Check server logs.");
  }
  if (name == "dir") return apply_directory();
  if (name == "loglevel") log_.set_level(settings.loglevel);
  if (name == "maxmemory") warn_of_memory_limit();
  if (name == "latency-tracking") stats_.set_latency_tracking(settings.latency_tracking);
  if (name == "crash-log-enabled") install_crash_reports(log_.descriptor(), settings.crash_log_enabled);
  if (name == "maxclients") {
    const std::uint32_t room = raise_descriptor_limit(settings.maxclients).clients;
    if (room < settings.maxclients) {
      return Error(fmt::format("The operating system is not able to handle the specified number of clients, try with {}",
                               room));
    }
  }
  return {};
}

std::optional<NodeActions::ApplyFailure> Daemon::apply_config(const SettingsChange& change) {
  for (const Directive* directive : change.changed()) {
    if (auto result = apply(*directive, change); !result) return ApplyFailure{directive, result.error().message()};
  }
  apply_limits();
  refresh_gates();
  if (cluster_ != nullptr) cluster_->apply_settings();
  replication_.apply_settings();
  memory_limit_.apply_settings();
  if (on_title_changed) on_title_changed(config_.settings());
  return std::nullopt;
}

Result<void> Daemon::rewrite_config() {
  auto file = LockedFile::open(process_.config_file);
  if (!file) return file.error();
  const auto old_text = file->read();
  RewrittenConfig rewritten;
  Result<void> result;
  if (!old_text) {
    result = old_text.error();
  } else {
    const NextStart next{.command_line = process_.command_line,
                         .standard_input = process_.standard_input,
                         .files = [this] { return std::make_unique<ConfigFilesFrom>(process_.start_directory); }};
    rewritten = skein::rewrite_config(*old_text, config_, next);
    result = file->replace(rewritten.text);
  }
  if (!result) {
    log_.warning(fmt::format("CONFIG REWRITE failed: {}", result.error().message()));
    return result;
  }
  log_.notice("CONFIG REWRITE executed with success.");
  if (!rewritten.refusal.empty()) {
    log_.warning(fmt::format("With the configuration as it is now the next start will fail: {}", rewritten.refusal));
  }
  for (const std::string_view name : rewritten.lost) {
    log_.warning(fmt::format("A file that the command line includes will give '{}' another value at the next start", name));
  }
  const auto& lost = rewritten.lost;
  const bool moves = std::find(lost.begin(), lost.end(), "dir") != lost.end();
  if (cluster_ != nullptr && !moves && rewritten.refusal.empty()) cluster_->on_config_rewritten();
  return result;
}

}  // namespace skein
