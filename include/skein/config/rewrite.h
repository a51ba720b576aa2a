// CONFIG REWRITE: the old file's text and the present values to the new text.
//
// Keeps order and comments, changes a directive's line where it stands, adds what differs
// from its default at the end. Writes no file.
#pragma once

#include <skein/config/config.h>

#include <string>
#include <string_view>

namespace skein {

[[nodiscard]] std::string rewrite_config(std::string_view old_text, const Config& config);

}  // namespace skein
