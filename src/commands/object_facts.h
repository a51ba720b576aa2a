// How a value is held, in the words OBJECT and DEBUG OBJECT have for it.
#pragma once

#include <cstdint>
#include <string_view>

#include <skein/config/settings.h>
#include <skein/keyspace/entry.h>

namespace skein {

[[nodiscard]] inline std::string_view encoding_name(Encoding encoding) {
  switch (encoding) {
    case Encoding::kInt:
    case Encoding::kCopiedInt: return "int";
    case Encoding::kEmbstr: return "embstr";
    case Encoding::kRaw: return "raw";
  }
  return "unknown";
}

// Redis keeps one object for each of the first numbers and says so by an endless count. It
// shares none with policies for which each value needs its own clock.
[[nodiscard]] inline std::int64_t reference_count(const Entry& entry, const Settings& settings) {
  constexpr std::int64_t kSharedNumbers = 10000;
  const bool own_clock = settings.maxmemory != 0 && (settings.maxmemory_policy == MaxmemoryPolicy::kVolatileLru ||
                                                     settings.maxmemory_policy == MaxmemoryPolicy::kAllkeysLru ||
                                                     counts_frequency(settings.maxmemory_policy));
  const bool shared = !own_clock && entry.type() == ValueType::kString && entry.is_integer() &&
                      entry.encoding() != Encoding::kCopiedInt && entry.integer() >= 0 && entry.integer() < kSharedNumbers;
  return shared ? INT32_MAX : 1;
}

}  // namespace skein
