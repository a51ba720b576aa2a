// What the files of the generic family share.
#pragma once

#include <skein/keyspace/entry.h>

#include "families.h"

namespace skein {

[[nodiscard]] SpecList key_expiry_commands();  // keys_expiry.cc
[[nodiscard]] SpecList key_move_commands();    // keys_move.cc
[[nodiscard]] SpecList key_scan_commands();    // keys_scan.cc
[[nodiscard]] SpecList key_object_commands();  // keys_object.cc

// What TYPE answers.
[[nodiscard]] std::string_view type_name(ValueType type);

}  // namespace skein
