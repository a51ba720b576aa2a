// What of the machine and its settings harms a server: told at start, and by --check-system.
//
// The judgements are pure; the kernel is read in one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/config/settings.h>

namespace skein {

// Nothing: it could not be read.
struct SystemFacts {
  std::optional<std::int64_t> overcommit_memory;  // vm.overcommit_memory
  std::optional<std::int64_t> somaxconn;          // net.core.somaxconn
  std::optional<std::string> huge_pages;          // "[always] madvise never"
  std::optional<std::string> clock_source;
};
[[nodiscard]] SystemFacts read_system_facts();

struct SystemCheck {
  std::string_view name;
  std::string trouble;  // a sentence or more; empty: fine
};
[[nodiscard]] std::vector<SystemCheck> check_system(const SystemFacts& facts);

// What an operator is told when a server with these settings starts: a sentence or more each.
[[nodiscard]] std::vector<std::string> start_warnings(const SystemFacts& facts, const Settings& settings);

}  // namespace skein
