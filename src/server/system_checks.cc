#include "system_checks.h"

#include <fstream>

#include <fmt/format.h>

#include <skein/base/text.h>

namespace skein {

namespace {

constexpr std::uint64_t kSmallMemory = 1024 * 1024;

std::optional<std::string> first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<std::int64_t> first_number(const char* path) {
  const auto line = first_line(path);
  return line ? parse_int64(*line) : std::nullopt;
}

std::string overcommit_trouble(const SystemFacts& facts) {
  if (facts.overcommit_memory != 0) return "";
  return "Memory overcommit must be enabled: with vm.overcommit_memory = 0 the kernel may refuse the fork of a background "
         "save or a full sync although there is memory. Run 'sysctl vm.overcommit_memory=1', and put "
         "'vm.overcommit_memory = 1' into /etc/sysctl.conf for the next boot.";
}

std::string huge_page_trouble(const SystemFacts& facts) {
  if (!facts.huge_pages || facts.huge_pages->find("[always]") == std::string::npos) return "";
  return "Transparent huge pages are on for all: while a child saves, a changed byte copies 2 MB, which costs time and "
         "memory. Run 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled', and have it run at each boot.";
}

// Those that ask a device or the hypervisor each time; every turn of the server reads the clock.
std::string clock_trouble(const SystemFacts& facts) {
  if (!facts.clock_source) return "";
  for (const std::string_view slow : {"hpet", "acpi_pm", "jiffies", "xen", "pit"}) {
    if (*facts.clock_source == slow) {
      return fmt::format("The kernel's clock source '{}' is slow. See "
                         "/sys/devices/system/clocksource/clocksource0/available_clocksource for others.",
                         slow);
    }
  }
  return "";
}

}  // namespace

SystemFacts read_system_facts() {
  return {.overcommit_memory = first_number("/proc/sys/vm/overcommit_memory"),
          .somaxconn = first_number("/proc/sys/net/core/somaxconn"),
          .huge_pages = first_line("/sys/kernel/mm/transparent_hugepage/enabled"),
          .clock_source = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource")};
}

std::vector<SystemCheck> check_system(const SystemFacts& facts) {
  return {{"slow-clocksource", clock_trouble(facts)},
          {"overcommit", overcommit_trouble(facts)},
          {"THP", huge_page_trouble(facts)}};
}

std::vector<std::string> start_warnings(const SystemFacts& facts, const Settings& settings) {
  std::vector<std::string> warnings;
  if (facts.somaxconn && settings.tcp_backlog > *facts.somaxconn) {
    warnings.push_back(fmt::format("The TCP backlog setting of {} cannot be enforced because /proc/sys/net/core/somaxconn "
                                   "is set to the lower value of {}.",
                                   settings.tcp_backlog, *facts.somaxconn));
  }
  for (const auto& check : check_system(facts)) {
    if (!check.trouble.empty()) warnings.push_back(check.trouble);
  }
  if (settings.maxmemory > 0 && settings.maxmemory < kSmallMemory) {
    warnings.push_back(fmt::format("maxmemory is less than 1MB ({} bytes): was a unit forgotten?", settings.maxmemory));
  }
  return warnings;
}

}  // namespace skein
