#include <skein/base/text.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>

namespace skein {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

// One pattern element against one character. `next` is where the element ends; a class
// without its bracket ends with the pattern, as in redis.
bool element_matches(std::string_view pattern, std::size_t at, char c, bool ignore_case, std::size_t& next) {
  const auto same = [&](char a, char b) { return ignore_case ? lower(a) == lower(b) : a == b; };
  if (pattern[at] == '?') {
    next = at + 1;
    return true;
  }
  if (pattern[at] == '[') {
    std::size_t i = at + 1;
    const bool negate = i < pattern.size() && pattern[i] == '^';
    if (negate) ++i;
    bool found = false;
    for (;;) {
      if (i >= pattern.size()) break;
      if (pattern[i] == '\\' && i + 1 < pattern.size()) {
        if (pattern[i + 1] == c) found = true;
        i += 2;
        continue;
      }
      if (pattern[i] == ']') break;
      if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
        auto from = static_cast<unsigned char>(pattern[i]);
        auto to = static_cast<unsigned char>(pattern[i + 2]);
        if (from > to) std::swap(from, to);
        auto what = static_cast<unsigned char>(c);
        if (ignore_case) {
          from = static_cast<unsigned char>(lower(static_cast<char>(from)));
          to = static_cast<unsigned char>(lower(static_cast<char>(to)));
          what = static_cast<unsigned char>(lower(c));
        }
        if (what >= from && what <= to) found = true;
        i += 3;
        continue;
      }
      if (same(pattern[i], c)) found = true;
      ++i;
    }
    next = std::min(i + 1, pattern.size());
    return found != negate;
  }
  if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
  next = at + 1;
  return same(pattern[at], c);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Vertical tab and form feed stand between words but do not end one.
bool ends_word(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0'; }

}  // namespace

// Only the last star ever needs to be widened again, so one place to go back to is enough.
bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    std::size_t next = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && element_matches(pattern, p, text[t], ignore_case, next)) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<std::int64_t> parse_int64(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  const bool negative = text[0] == '-';
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
  if (digits[0] == '0' && (digits.size() > 1 || negative)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto d = static_cast<unsigned>(c - '0');
    if (d > 9) return std::nullopt;
    if (value > (UINT64_MAX - d) / 10) return std::nullopt;
    value = value * 10 + d;
  }
  const std::uint64_t limit = static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (value > limit) return std::nullopt;
  return negative ? static_cast<std::int64_t>(~value + 1) : static_cast<std::int64_t>(value);
}

std::optional<std::uint64_t> parse_uint64(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<long double> parse_long_double(std::string_view text) {
  // 5 KiB is redis's own buffer: longer texts are no numbers there either.
  std::array<char, 5 * 1024> buffer;
  if (text.empty() || text.size() >= buffer.size() || is_blank(text[0])) return std::nullopt;
  std::memcpy(buffer.data(), text.data(), text.size());
  buffer[text.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const long double value = std::strtold(buffer.data(), &end);
  if (end != buffer.data() + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  std::array<char, 5 * 1024> buffer;
  if (text.empty() || text.size() >= buffer.size() || is_blank(text[0])) return std::nullopt;
  std::memcpy(buffer.data(), text.data(), text.size());
  buffer[text.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(buffer.data(), &end);
  if (end != buffer.data() + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

std::string format_human_long_double(long double value) {
  std::array<char, 5 * 1024> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.17Lf", value);
  if (size <= 0 || size >= static_cast<int>(buffer.size())) return {};
  std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
  if (text.find('.') != std::string_view::npos) {
    while (text.back() == '0') text.remove_suffix(1);
    if (text.back() == '.') text.remove_suffix(1);
  }
  if (text == "-0") text = "0";
  return std::string(text);
}

std::size_t write_int64(char* out, std::int64_t value) {
  return static_cast<std::size_t>(std::to_chars(out, out + 20, value).ptr - out);
}

bool equals_ignore_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), upper);
  return out;
}

std::string quote(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
        break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\a': out += "\\a"; break;
      case '\b': out += "\\b"; break;
      default:
        if (c >= 32 && c < 127) {
          out += c;
        } else {
          const auto byte = static_cast<unsigned char>(c);
          out += "\\x";
          out += kDigits[byte >> 4];
          out += kDigits[byte & 15];
        }
    }
  }
  return out + '"';
}

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::size_t i = 0;
  for (;;) {
    while (i < line.size() && is_blank(line[i])) ++i;
    if (i >= line.size()) return words;
    std::string word;
    char open = 0;
    for (; i < line.size(); ++i) {
      const char c = line[i];
      if (open == 0) {
        if (ends_word(c)) break;
        if (c == '"' || c == '\'') {
          open = c;
        } else {
          word += c;
        }
      } else if (c == open) {
        if (i + 1 < line.size() && !is_blank(line[i + 1])) return std::nullopt;
        open = 0;
        ++i;
        break;
      } else if (open == '\'' && c == '\\' && i + 1 < line.size() && line[i + 1] == '\'') {
        word += '\'';
        ++i;
      } else if (open == '"' && c == '\\' && i + 1 < line.size()) {
        const char e = line[++i];
        if (e == 'x' && i + 2 < line.size() && hex_value(line[i + 1]) >= 0 && hex_value(line[i + 2]) >= 0) {
          word += static_cast<char>(hex_value(line[i + 1]) * 16 + hex_value(line[i + 2]));
          i += 2;
        } else {
          switch (e) {
            case 'n': word += '\n'; break;
            case 'r': word += '\r'; break;
            case 't': word += '\t'; break;
            case 'b': word += '\b'; break;
            case 'a': word += '\a'; break;
            default: word += e;
          }
        }
      } else {
        word += c;
      }
    }
    if (open != 0) return std::nullopt;
    words.push_back(std::move(word));
    if (i < line.size() && line[i] == '\0') return words;
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace skein
