// Cursor and options of SCAN, and later of its relatives for collections.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <skein/base/text.h>
#include <skein/command/call.h>

namespace skein {

// A cursor as strtoul reads it, which is what clients have come to rely on: an empty text
// is 0, a sign is taken, a minus wraps round, a zero byte ends it.
inline std::optional<std::uint64_t> parse_cursor(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  const auto value = parse_uint64(text);
  if (!value) return std::nullopt;
  return negative ? ~*value + 1 : *value;
}

struct ScanOptions {
  std::size_t count = 10;
  std::optional<std::string_view> pattern;  // none: everything
  std::optional<std::string_view> type;

  [[nodiscard]] bool wants(std::string_view key) const { return !pattern || glob_match(*pattern, key); }
};

// Options from argument `first` on. Nothing after a refusal was written.
inline std::optional<ScanOptions> parse_scan_options(Call& call, std::size_t first, bool with_type) {
  ScanOptions options;
  for (std::size_t i = first; i < call.size(); i += 2) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is_word(i, "count")) {
      const auto count = call.integer(i + 1);
      if (!count) return std::nullopt;
      if (*count < 1) {
        call.reply.error(errors::kSyntax);
        return std::nullopt;
      }
      options.count = static_cast<std::size_t>(*count);
    } else if (has_value && call.is_word(i, "match")) {
      options.pattern = call.arg(i + 1) == "*" ? std::nullopt : std::optional(call.arg(i + 1));
    } else if (has_value && with_type && call.is_word(i, "type")) {
      options.type = call.arg(i + 1);
    } else {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace skein
