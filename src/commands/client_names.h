// What a connection may be called.
#pragma once

#include <algorithm>
#include <string_view>

namespace skein {

inline constexpr std::string_view kBadClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// Printable ASCII without blanks, so that CLIENT LIST stays easy to split. Empty takes a name away.
[[nodiscard]] inline bool is_client_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace skein
