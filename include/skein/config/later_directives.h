// Directives that came after redis 7.0: a file of a later Redis or of Valkey is told from a misspelt one.
#pragma once

#include <string_view>

namespace skein {

// Since when there is one of this name, as "Redis 7.2" or "Valkey 8.0"; empty: it is none of them. Any case.
[[nodiscard]] std::string_view came_later_in(std::string_view name);

}  // namespace skein
