#include "lines.h"

#include <skein/base/text.h>

namespace skein {

namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

// One past the end of the word that starts at `at`, by the same rules as split_words.
std::size_t word_end(std::string_view line, std::size_t at) {
  char open = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (open == 0) {
      if (is_blank(c) && c != '\v' && c != '\f') return at;
      if (c == '"' || c == '\'') open = c;
    } else if (c == open) {
      return at + 1;
    } else if (c == '\\' && at + 1 < line.size() && (open == '"' || line[at + 1] == '\'')) {
      ++at;
    }
  }
  return at;
}

// How many words the line needs, its name included. The settings of Sentinel have names
// of two words.
std::size_t needed_words(std::string_view name, std::string_view second) {
  const Directive* row = find_directive(name);
  if (row == nullptr) return 2;
  if (row->name == "sentinel") {
    if (const Directive* setting = find_directive("sentinel " + std::string(second))) {
      return 2 + static_cast<std::size_t>(setting->needed_words);
    }
  }
  return 1 + static_cast<std::size_t>(row->needed_words);
}

}  // namespace

std::size_t comment_start(std::string_view line) {
  std::string_view first;
  std::string_view second;
  std::size_t count = 0;
  for (std::size_t at = 0; at < line.size();) {
    if (is_blank(line[at])) {
      ++at;
      continue;
    }
    // A line of one or two words has no comment: the value itself may begin with '#'.
    if (line[at] == '#' && count >= 2 && count >= needed_words(first, second)) return at;
    const std::size_t end = word_end(line, at);
    if (count == 0) first = line.substr(at, end - at);
    if (count == 1) second = line.substr(at, end - at);
    ++count;
    at = end;
  }
  return std::string_view::npos;
}

std::string_view trim(std::string_view line) {
  const std::size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

std::optional<ConfigLine> split_config_line(std::string_view line) {
  ConfigLine out;
  const std::size_t comment = comment_start(line);
  auto words = split_words(line.substr(0, comment));
  if (!words || words->empty()) return std::nullopt;
  if (comment != std::string_view::npos) out.comment = line.substr(comment);
  out.words = std::move(*words);
  out.row = find_directive(out.words[0]);
  return out;
}

}  // namespace skein
