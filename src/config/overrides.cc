#include "overrides.h"

#include <skein/base/checksums.h>
#include <skein/base/text.h>

#include <fmt/format.h>

#include "lines.h"

namespace skein {

namespace {

constexpr std::string_view kComment = "# Instead of the option on the command line: ";

template <typename Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    visit(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string options_of(const CommandLine& command_line, const std::optional<std::string>& standard_input) {
  return standard_input.value_or("") + "\n" + command_line.options;
}

OptionPrints fingerprints(std::string_view options) {
  OptionPrints prints;
  each_line(options, [&](std::string_view line) {
    if (line.empty() || line[0] == '#') return;
    const auto parts = split_config_line(line);
    if (!parts || parts->row == nullptr || !parts->row->has_value()) return;
    std::uint64_t& print = prints[parts->row];
    for (std::size_t i = 1; i < parts->words.size(); ++i) print = crc64(print, parts->words[i] + '\0');
    print = crc64(print, "\n");
  });
  return prints;
}

std::string overruling_comment(const Directive& row, std::uint64_t fingerprint) {
  return fmt::format("{}{} {:x}", kComment, row.name, fingerprint);
}

bool is_overruling_comment(std::string_view line) { return line.starts_with(kComment); }

Overrides overruled_options(std::string_view file_text, std::string_view options) {
  Overrides overruled;
  if (file_text.find(kComment) == std::string_view::npos) return overruled;
  const OptionPrints prints = fingerprints(options);
  each_line(file_text, [&](std::string_view line) {
    if (!is_overruling_comment(line)) return;
    for (const auto& [row, print] : prints) {
      if (line == overruling_comment(*row, print)) overruled.insert(row);
    }
  });
  return overruled;
}

}  // namespace skein
