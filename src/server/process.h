// The process around a node: daemon, pid file, supervisor, title, limits, crash reports.
#pragma once

#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/config/settings.h>

namespace skein {

// Goes into the background. Before anything that a fork would tear: threads, the loop, logging.
void daemonize();

// Writes "<pid>\n". Failing to is told, not fatal.
Result<void> write_pid_file(const std::string& path);

// What supervises this process, by its environment and `supervised`: "no", "upstart" or "systemd".
[[nodiscard]] std::string detect_supervisor(Supervised wanted);
// Tells the supervisor: "READY=1", "STATUS=...", "STOPPING=1".
void notify_supervisor(std::string_view supervisor, std::string_view message);

// Room for `clients` connections and what the server itself needs; how many clients there
// is room for after all.
[[nodiscard]] std::uint32_t raise_descriptor_limit(std::uint32_t clients);

// The memory behind argv and the environment can hold a title. Call it first in main.
void prepare_title(int argc, char** argv);
void set_title(std::string_view title);

// On SEGV, ABRT and their like: writes a report with a backtrace to `descriptor` without
// allocating, and lets the process die by the same signal. `enabled` is crash-log-enabled.
void install_crash_reports(int descriptor, bool enabled);

}  // namespace skein
