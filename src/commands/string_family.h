// What the files of the string family share.
#pragma once

#include <skein/command/call.h>

#include "families.h"

namespace skein {

// Refuses a key that holds something else.
[[nodiscard]] inline bool is_string(Call& call, const Entry& entry) {
  if (entry.type() == ValueType::kString) [[likely]] return true;
  call.reply.error(errors::kWrongType);
  return false;
}

[[nodiscard]] SpecList string_set_commands();     // strings_set.cc
[[nodiscard]] SpecList string_many_commands();    // strings_many.cc
[[nodiscard]] SpecList string_number_commands();  // strings_numbers.cc
[[nodiscard]] SpecList string_part_commands();    // strings_parts.cc
[[nodiscard]] SpecList string_lcs_commands();     // strings_lcs.cc

// Writes the string at `key`, or null; counts as a read. False when it holds something else.
bool reply_value(Call& call, const KeyRef& key);

}  // namespace skein
