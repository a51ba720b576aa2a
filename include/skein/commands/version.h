// The version of redis whose commands and replies these are: what HELLO and INFO say and
// what client libraries decide by.
#pragma once

#include <string_view>

namespace skein {

inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace skein
