// A client's word inside an error text.
#pragma once

#include <algorithm>
#include <string_view>

namespace skein {

// As much of it as redis's formatting shows: up to a zero byte, and not more than `limit`.
[[nodiscard]] inline std::string_view shown_text(std::string_view word, std::size_t limit = std::string_view::npos) {
  return word.substr(0, std::min(limit, word.find('\0')));
}

}  // namespace skein
