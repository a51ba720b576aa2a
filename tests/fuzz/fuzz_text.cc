// Patterns, quoting and numbers: no input makes them slow or loses a byte.
#include <skein/base/text.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "targets.h"

namespace skein::fuzz {

namespace {

// Patterns are bounded by the product of the lengths, so both must be bounded here.
constexpr std::size_t kLongest = 2048;

void check_glob(std::string_view pattern, std::string_view text) {
  pattern = pattern.substr(0, kLongest);
  text = text.substr(0, kLongest);
  const bool matches = glob_match(pattern, text);
  expect(!matches || glob_match("*" + std::string(pattern), text), "a star in front matches what matched without");
  (void)glob_match(pattern, text, true);
  std::string literal;
  for (const char c : text) {
    literal += '\\';
    literal += c;
  }
  expect(glob_match(literal, text), "an escaped text matches itself");
  expect(glob_match(literal, text, true), "in any case");
}

void check_quoting(std::string_view text) {
  const auto unquoted = split_words(quote(text));
  expect(unquoted && unquoted->size() == 1 && unquoted->front() == text, "quoted and split is the same text");
  const auto words = split_words(text);
  if (!words) return;
  std::string line;
  for (const auto& word : *words) line += quote(word) + " ";
  const auto again = split_words(line);
  expect(again && *again == *words, "quoted words are the same words");
}

void check_numbers(std::string_view text) {
  if (const auto number = parse_int64(text)) {
    std::array<char, 20> buffer;
    const std::string_view written(buffer.data(), write_int64(buffer.data(), *number));
    expect(written == text, "a number has one spelling");
  }
  if (const auto number = parse_uint64(text)) {
    const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size() - 1);
    expect(std::to_string(*number) == text.substr(zeros), "an unsigned one may have zeros in front");
  }
  const auto real = parse_double(text);
  expect(!real || !std::isnan(*real), "no number is a NaN");
  if (const auto real_long = parse_long_double(text)) {
    expect(!std::isnan(*real_long), "nor a long one");
    const auto shown = format_human_long_double(*real_long);
    expect(!shown.empty() && (std::isinf(*real_long) || parse_long_double(shown)), "what is printed can be read");
  }
}

}  // namespace

void fuzz_text(Input input) {
  const std::string_view bytes = text_of(input);
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  const std::string_view first = bytes.substr(0, end);
  const std::string_view second = bytes.substr(std::min(end + 1, bytes.size()));
  check_glob(first, second);
  check_glob(second, first);
  check_quoting(bytes);
  check_quoting(first);
  check_numbers(first);
  (void)edit_distance(first.substr(0, 64), second.substr(0, 64));
  expect(equals_ignore_case(to_lower(bytes), to_upper(bytes)), "case is all that differs");
}

}  // namespace skein::fuzz
