// Single values between text and number: memory sizes, octal, whole numbers as the C
// library reads them, and the words of one value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

// Digits and a unit in any case: none or b, k (1000), kb (1024), m, mb, g, gb. No digits
// are zero. What does not fit is no size.
[[nodiscard]] std::optional<std::uint64_t> parse_memory(std::string_view text);
// The shortest exact form with gb, mb or kb.
[[nodiscard]] std::string format_memory(std::uint64_t bytes);

// As strtoll in base 10 over the whole text: a plus sign and zeros in front are fine, and
// an empty text is zero.
[[nodiscard]] std::optional<std::int64_t> parse_lenient(const std::string& text);

[[nodiscard]] std::optional<std::uint64_t> parse_octal(std::string_view text);

// Apart at each single blank: two blanks leave an empty word between them. Nothing at all
// has no words.
[[nodiscard]] std::vector<std::string> split_at_blanks(std::string_view text);
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);

}  // namespace skein
