#include <skein/base/assert.h>
#include <skein/base/text.h>
#include <skein/config/config.h>

#include <algorithm>
#include <unordered_set>

#include "values.h"

namespace skein {

namespace {

std::string print_number(const Directive& row, std::int64_t value) {
  switch (row.kind) {
    case ValueKind::kBool: return value != 0 ? "yes" : "no";
    case ValueKind::kEnum: return std::string(row.words[static_cast<std::size_t>(value)]);
    case ValueKind::kEnumBits: {
      if (value == 0) return std::string(row.words[0]);
      std::vector<std::string> set;
      for (std::size_t i = 1; i < row.words.size(); ++i) {
        if ((value >> (i - 1) & 1) != 0) set.emplace_back(row.words[i]);
      }
      return join_words(set);
    }
    case ValueKind::kOctal: {
      std::string text;
      for (auto rest = static_cast<std::uint64_t>(value); rest != 0 || text.empty(); rest /= 8) {
        text.insert(text.begin(), static_cast<char>('0' + rest % 8));
      }
      return text;
    }
    case ValueKind::kMemoryOrPercent:
      if (value < 0) return std::to_string(-value) + "%";
      break;
    default: break;
  }
  return row.is(kUnsigned64) ? std::to_string(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

Error one_of(std::span<const std::string_view> words) {
  std::string text = "argument(s) must be one of the following: ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += ", ";
    text += words[i];
  }
  return Error(text);
}

Error out_of_range(const Directive& row) {
  std::string highest = std::to_string(row.highest);
  if (row.kind == ValueKind::kOctal) highest = print_number(row, static_cast<std::int64_t>(row.highest));
  return Error("argument must be between " + std::to_string(row.lowest) + " and " + highest + " inclusive");
}

Result<std::int64_t> in_range(const Directive& row, std::uint64_t value) {
  if (value > row.highest) return out_of_range(row);
  if (row.lowest > 0 && value < static_cast<std::uint64_t>(row.lowest)) return out_of_range(row);
  return static_cast<std::int64_t>(value);
}

Result<std::int64_t> read_integer(const Directive& row, std::string_view text) {
  const auto value = parse_int64(text);
  if (!value) return Error("argument couldn't be parsed into an integer");
  if (*value < row.lowest) return out_of_range(row);
  if (*value > 0 && static_cast<std::uint64_t>(*value) > row.highest) return out_of_range(row);
  return *value;
}

// A percentage is kept as its negative.
Result<std::int64_t> read_memory_or_percent(const Directive& row, std::string_view text) {
  const Error too_much("percentage argument must be less or equal to " + std::to_string(-row.lowest));
  if (text.ends_with('%')) {
    const auto percent = parse_int64(text.substr(0, text.size() - 1));
    if (!percent || *percent < 0) return Error("argument must be a memory or percent value");
    if (*percent > -row.lowest) return too_much;
    return -*percent;
  }
  const auto bytes = parse_memory(text);
  if (!bytes) return Error("argument must be a memory or percent value");
  if (*bytes > row.highest) return too_much;
  return static_cast<std::int64_t>(*bytes);
}

std::optional<std::size_t> word_index(const Directive& row, std::string_view text) {
  for (std::size_t i = 0; i < row.words.size(); ++i) {
    if (equals_ignore_case(row.words[i], text)) return i;
  }
  return std::nullopt;
}

Result<std::int64_t> read_bits(const Directive& row, std::span<const std::string> words) {
  std::int64_t bits = 0;
  if (words.empty()) return one_of(row.words);
  for (const auto& word : words) {
    const auto index = word_index(row, word);
    if (!index) return one_of(row.words);
    if (*index > 0) bits |= std::int64_t{1} << (*index - 1);
  }
  return bits;
}

Result<std::int64_t> read_number(const Directive& row, std::span<const std::string> words) {
  if (row.kind == ValueKind::kEnumBits) return read_bits(row, words);
  const std::string& text = words[0];
  switch (row.kind) {
    case ValueKind::kBool:
      if (equals_ignore_case(text, "yes")) return std::int64_t{1};
      if (equals_ignore_case(text, "no")) return std::int64_t{0};
      return Error("argument must be 'yes' or 'no'");
    case ValueKind::kEnum: {
      const auto index = word_index(row, text);
      if (!index) return one_of(row.words);
      return static_cast<std::int64_t>(*index);
    }
    case ValueKind::kMemory: {
      const auto bytes = parse_memory(text);
      if (!bytes) return Error("argument must be a memory value");
      return in_range(row, *bytes);
    }
    case ValueKind::kOctal: {
      const auto value = parse_octal(text);
      if (!value) return Error("argument couldn't be parsed as an octal number");
      return in_range(row, *value);
    }
    case ValueKind::kMemoryOrPercent: return read_memory_or_percent(row, text);
    default: return read_integer(row, text);
  }
}

Result<void> assign(Settings& settings, const Directive& row, std::span<const std::string> words,
                    bool adding) {
  if (row.kind == ValueKind::kSpecial) return row.special.read(settings, words, adding);
  if (row.kind == ValueKind::kString) {
    // Most are paths and names that the system cuts there. A password may be of any bytes.
    if (!row.is(kSensitive) && words[0].find('\0') != std::string::npos) return Error("argument contains a zero byte");
    settings.*row.string = words[0];
    return {};
  }
  const auto value = read_number(row, words);
  if (!value) return value.error();
  row.number.write(settings, *value);
  return {};
}

}  // namespace

Config::Config() {
  for (const auto& row : all_directives()) {
    // Settings{} is zeros and empty texts, which is what an empty default means.
    if (!row.has_value() || row.default_text.empty()) continue;
    const bool understood = set(row, row.default_text).has_value();
    SKEIN_ASSERT(understood);
  }
}

std::string Config::text(const Directive& row) const {
  SKEIN_ASSERT(row.has_value());
  if (row.kind == ValueKind::kSpecial) return row.special.print(settings_);
  if (row.kind == ValueKind::kString) return settings_.*row.string;
  return print_number(row, row.number.read(settings_));
}

std::optional<std::string> Config::text(std::string_view name) const {
  const Directive* row = find_directive(name);
  if (row == nullptr || !row->has_value()) return std::nullopt;
  return text(*row);
}

bool Config::is_default(const Directive& row) const {
  return text(row) == row.default_text;
}

Result<void> Config::set(const Directive& row, std::span<const std::string> words, bool adding) {
  SKEIN_ASSERT(row.has_value());
  // Several values may also be written as one quoted word; so are empty lists: "".
  std::vector<std::string> apart;
  if (row.is(kManyWords) && words.size() == 1) {
    apart = split_at_blanks(words[0]);
    words = apart;
  }
  if (!row.is(kManyWords) && words.size() != 1) return Error("wrong number of arguments");

  // A refusal must leave what was there; checks come last, as a wrong type is the plainer reason.
  if (row.check == nullptr) return assign(settings_, row, words, adding);
  Settings changed = settings_;
  if (auto result = assign(changed, row, words, adding); !result) return result;
  if (auto result = row.check(join_words({words.begin(), words.end()})); !result) return result;
  settings_ = std::move(changed);
  return {};
}

Result<void> Config::set(const Directive& row, std::string_view text) {
  const std::string word(text);
  return set(row, std::span(&word, 1));
}

Result<void> Config::set(std::string_view name, std::string_view text) {
  const Directive* row = find_directive(name);
  if (row == nullptr || !row->has_value()) return Error("unknown directive");
  return set(*row, text);
}

std::string idle_notice(const Config& config, const Directive& row) {
  if (row.standing != Standing::kAccepted || row.group == "Sentinel") return "";
  if (row.has_value() && config.is_default(row)) return "";
  if (row.holds_anyway && config.text(row) == *row.holds_anyway) return "";
  std::string text(row.name);
  text += " is accepted but does not act yet";
  if (!row.note.empty()) text += " (" + std::string(row.note) + ")";
  return text;
}

std::vector<NamedValue> get_matching(const Config& config, std::span<const std::string_view> patterns) {
  std::vector<NamedValue> found;
  std::unordered_set<std::string> seen;
  const auto add = [&](std::string_view name, const Directive& row) {
    if (seen.insert(to_lower(name)).second) found.emplace_back(name, config.text(row));
  };
  for (const auto pattern : patterns) {
    if (pattern.find_first_of("*?[") == std::string_view::npos) {
      const Directive* row = find_directive(pattern);
      if (row != nullptr && row->has_value()) add(pattern, *row);
      continue;
    }
    for (const auto& row : all_directives()) {
      if (!row.has_value() || row.is(kHidden)) continue;
      if (glob_match(pattern, row.name, true)) add(row.name, row);
      if (!row.alias.empty() && glob_match(pattern, row.alias, true)) add(row.alias, row);
    }
  }
  return found;
}

}  // namespace skein
