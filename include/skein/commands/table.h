// All commands there are.
#pragma once

#include <span>

#include <skein/command/spec.h>

namespace skein {

// Every top-level spec, family by family. Listed by hand in table.cc.
[[nodiscard]] std::span<const CommandSpec* const> all_command_specs();

}  // namespace skein
