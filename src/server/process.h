// The process around a node: supervisor, title, limits, crash reports.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/config/settings.h>

namespace skein {

// What supervises this process, by its environment and `supervised`: "no", "upstart" or "systemd".
[[nodiscard]] std::string detect_supervisor(Supervised wanted);
// Tells the supervisor: "READY=1", "STATUS=...", "STOPPING=1".
void notify_supervisor(std::string_view supervisor, std::string_view message);

// Room for `clients` connections and what the server itself needs.
struct DescriptorRoom {
  std::uint32_t clients = 0;   // how many there is room for after all
  std::uint64_t wanted = 0;    // descriptors
  std::uint64_t granted = 0;   // of them
  std::string error;           // why not all of them
};
[[nodiscard]] DescriptorRoom raise_descriptor_limit(std::uint32_t clients);
// How many descriptors there may be now.
[[nodiscard]] std::uint64_t descriptor_limit();

// The memory behind argv and the environment can hold a title. Call it first in main.
void prepare_title(int argc, char** argv);
void set_title(std::string_view title);

// What a crash report calls this program.
void name_build(std::string text);
// On SEGV, ABRT and their like: writes a report with a backtrace to `descriptor` without
// allocating, and lets the process die by the same signal. `enabled` is crash-log-enabled.
void install_crash_reports(int descriptor, bool enabled);
// Where the report would go. For signal handlers: allocates nothing.
void write_to_log(std::string_view text);

// When memory cannot be had: a line where crash reports go that says how much was asked for, and exit code 1.
// Neither a crash nor a report of one.
void install_out_of_memory();

}  // namespace skein
