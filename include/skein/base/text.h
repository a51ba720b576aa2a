// Text as the protocol and its files know it: glob patterns, numbers, quoting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/result.h>

namespace skein {

// Redis's glob: `*`, `?`, `[a-c]`, `[^a]`, backslash escapes. Work is bounded by the
// product of the lengths: a run of stars costs no more than one.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case = false);

// A whole signed 64-bit decimal: no blanks, no leading zeros or plus, nothing after it.
[[nodiscard]] std::optional<std::int64_t> parse_int64(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_uint64(std::string_view text);

// A whole floating point number as strtold takes it, blanks in front refused; no NaN.
[[nodiscard]] std::optional<long double> parse_long_double(std::string_view text);
[[nodiscard]] std::optional<double> parse_double(std::string_view text);

// As INCRBYFLOAT prints: 17 digits after the point, trailing zeros cut, no exponent.
[[nodiscard]] std::string format_human_long_double(long double value);

// Writes `value` in decimal before nothing but itself; returns the length. `out` has 20 bytes of room.
std::size_t write_int64(char* out, std::int64_t value);

[[nodiscard]] bool equals_ignore_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);

// "text" with \n, \r, \t, \a, \b, \\, \" and \xHH for what does not print.
[[nodiscard]] std::string quote(std::string_view text);
// The words of a line: blanks apart, "double quotes" with escapes, 'single quotes' with \'.
// Nothing when quotes do not balance or a closing quote is followed by more text.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view line);

// How many single-character edits lead from one word to the other: for "did you mean".
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace skein
