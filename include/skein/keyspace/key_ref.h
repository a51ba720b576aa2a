// A key with what finding it takes, computed once per request.
#pragma once

#include <cstdint>
#include <string_view>

#include <skein/base/ids.h>

namespace skein {

struct KeyRef {
  std::string_view bytes;
  std::uint64_t hash = 0;
  Slot slot{};  // zero outside cluster mode
};

}  // namespace skein
