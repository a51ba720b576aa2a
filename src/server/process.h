// The process around a node: daemon, pid file, supervisor, title, limits, crash reports.
#pragma once

#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/config/settings.h>

namespace skein {

// All but the standard ones. What its starter left open (a lock, a pipe somebody reads to its
// end) a daemon would hold for as long as it lives. Before anything of our own is open.
void close_inherited_descriptors();

// Goes into the background: only the child returns, unless there could be none. Before
// anything that a fork would tear: threads, the loop, logging.
Result<void> daemonize();

// Writes "<pid>\n". Failing to is told, not fatal.
Result<void> write_pid_file(const std::string& path);

// What supervises this process, by its environment and `supervised`: "no", "upstart" or "systemd".
[[nodiscard]] std::string detect_supervisor(Supervised wanted);
// Tells the supervisor: "READY=1", "STATUS=...", "STOPPING=1".
void notify_supervisor(std::string_view supervisor, std::string_view message);

// From now on TERM, INT and QUIT put their number, one byte, into the descriptor returned;
// a second one of them ends the process at once, whatever it is doing. Once in a process.
[[nodiscard]] Result<int> catch_stop_signals();
// The process could not be ended: the next of them asks again and does not insist.
void forget_stop_signals();

// Room for `clients` connections and what the server itself needs; how many clients there
// is room for after all.
[[nodiscard]] std::uint32_t raise_descriptor_limit(std::uint32_t clients);
// How many descriptors there may be now.
[[nodiscard]] std::uint64_t descriptor_limit();

// The memory behind argv and the environment can hold a title. Call it first in main.
void prepare_title(int argc, char** argv);
void set_title(std::string_view title);

// On SEGV, ABRT and their like: writes a report with a backtrace to `descriptor` without
// allocating, and lets the process die by the same signal. `enabled` is crash-log-enabled.
void install_crash_reports(int descriptor, bool enabled);

}  // namespace skein
