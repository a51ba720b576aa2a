#include "log_line.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace skein {

namespace {

// Room for "... (18446744073709551615 bytes)".
constexpr std::size_t kTail = 34;

bool is_plain(char c) { return c >= 0x20 && c < 0x7f; }

// The length of the character beyond ASCII that begins here, if it is one that may be shown; else 0. U+0080 to
// U+009F are control characters too.
std::size_t shown_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const auto within = [first](unsigned least, unsigned most) { return first >= least && first <= most; };
  const std::size_t size = within(0xf0, 0xf4) ? 4 : within(0xe0, 0xef) ? 3 : within(0xc2, 0xdf) ? 2 : 0;
  if (size == 0 || size > text.size()) return 0;
  char32_t code = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0xa0, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[size] || code > 0x10ffff || is_surrogate ? 0 : size;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
  }
}

}  // namespace

bool is_plain_log_line(std::string_view text) {
  return text.size() <= kLongestLogLine && std::all_of(text.begin(), text.end(), is_plain);
}

std::string log_line(std::string_view text) {
  std::string out;
  std::size_t fits = 0;  // so much of `out` leaves room for the tail
  std::size_t at = 0;
  while (at < text.size() && out.size() <= kLongestLogLine) {
    const std::size_t size = is_plain(text[at]) ? 1 : shown_character(text.substr(at));
    if (size == 0) {
      append_escaped(out, text[at++]);
    } else {
      out += text.substr(at, size);
      at += size;
    }
    if (out.size() <= kLongestLogLine - kTail) fits = out.size();
  }
  if (at == text.size() && out.size() <= kLongestLogLine) return out;
  out.resize(fits);
  return out + fmt::format("... ({} bytes)", text.size());
}

}  // namespace skein
