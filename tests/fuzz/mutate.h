// Small damage to an input, the same for the same seed on every machine.
#pragma once

#include <skein/base/random.h>

#include <string>
#include <string_view>

namespace skein::fuzz {

// One to four changes: bits, bytes, ranges, numbers at the edges of their types, words of
// the formats, and parts of `other`, another input of the same target.
[[nodiscard]] std::string mutate(std::string_view input, std::string_view other, Random& random);

}  // namespace skein::fuzz
