// Finds the keys of a call from its command's key specs: one finder for routing, COMMAND
// GETKEYS, ACL, WATCH and tracking.
//
// Arity has been checked before. Numbers in the arguments are a client's: a count that is no
// number, negative or larger than what follows is a refusal, never a position.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <skein/command/command.h>

namespace skein {

struct FoundKey {
  std::size_t position = 0;
  std::uint32_t use = 0;
};

// False when the arguments do not hold what the specs describe; `keys` is undefined then.
// Keys are appended in the order of the specs.
[[nodiscard]] bool find_keys(const Command& command, std::span<const std::string_view> arguments,
                             std::vector<FoundKey>& keys);
// Whether a call of this command can have keys at all.
[[nodiscard]] bool may_have_keys(const Command& command);

}  // namespace skein
