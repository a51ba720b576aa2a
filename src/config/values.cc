#include "values.h"

#include <skein/base/text.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace skein {

namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kMib = kKib * 1024;
constexpr std::uint64_t kGib = kMib * 1024;

std::optional<std::uint64_t> unit_size(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kUnits{{{"", 1},
                                                                              {"b", 1},
                                                                              {"k", 1000},
                                                                              {"kb", kKib},
                                                                              {"m", 1'000'000},
                                                                              {"mb", kMib},
                                                                              {"g", 1'000'000'000},
                                                                              {"gb", kGib}}};
  for (const auto& [name, size] : kUnits) {
    if (equals_ignore_case(unit, name)) return size;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_memory(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  // 128 is redis's own buffer for the digits.
  if (digits >= 128) return std::nullopt;
  const auto unit = unit_size(text.substr(digits));
  if (!unit) return std::nullopt;
  std::uint64_t value = 0;
  bool too_large = false;
  for (const char c : text.substr(0, digits)) {
    too_large |= __builtin_mul_overflow(value, std::uint64_t{10}, &value);
    too_large |= __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value);
  }
  too_large |= __builtin_mul_overflow(value, *unit, &value);
  if (too_large) return std::nullopt;
  return value;
}

std::string format_memory(std::uint64_t bytes) {
  if (bytes != 0 && bytes % kGib == 0) return std::to_string(bytes / kGib) + "gb";
  if (bytes != 0 && bytes % kMib == 0) return std::to_string(bytes / kMib) + "mb";
  if (bytes != 0 && bytes % kKib == 0) return std::to_string(bytes / kKib) + "kb";
  return std::to_string(bytes);
}

std::optional<std::int64_t> parse_lenient(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (end != text.c_str() + text.size() || errno == ERANGE) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_octal(std::string_view text) {
  // 21 digits of three bits each fit.
  if (text.empty() || text.size() > 20) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::vector<std::string> split_at_blanks(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    words.emplace_back(text.substr(0, blank));
    if (blank == std::string_view::npos) break;
    text.remove_prefix(blank + 1);
    if (text.empty()) words.emplace_back();
  }
  return words;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) out += ' ';
    out += words[i];
  }
  return out;
}

}  // namespace skein
