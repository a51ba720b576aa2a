// One row per directive: its name, type, default and range, whether it may change while
// the server runs, and whether it has its effect yet.
//
// Everything else that is said about directives is derived from these rows: CONFIG GET
// and SET, the file parser, CONFIG REWRITE and docs/configuration.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <skein/base/result.h>
#include <skein/config/settings.h>

namespace skein {

enum class ValueKind {
  kBool,             // yes or no
  kInteger,          // decimal
  kMemory,           // bytes, or with a unit: k, kb, m, mb, g, gb
  kMemoryOrPercent,  // the same, or a percentage
  kOctal,
  kEnum,      // one of `words`
  kEnumBits,  // several of `words`, the first of which stands for none
  kString,
  kSpecial,   // its own syntax, see SpecialField
  kFileOnly,  // means something to the file parser alone: include, rename-command, sentinel...
};

enum class Change { kWhileRunning, kAtStartOnly };

// What setting a directive to other than its default does today.
enum class Standing {
  kActs,
  kAccepted,      // stored, shown and rewritten; named in a warning at start
  kRefused,       // stops the start: without it the server would be less protected than its file says
  kIgnored,       // an old name that has no meaning any more; accepted in files, otherwise unknown
};

enum DirectiveTrait : std::uint16_t {
  kHidden = 1,          // CONFIG GET shows it by its full name only
  kSensitive = 2,       // its value must not reach SLOWLOG, MONITOR or logs
  kProtected = 4,       // CONFIG SET needs enable-protected-configs
  kNotWhileLoading = 8,
  kManyWords = 16,      // takes several words on a line
  kUnsigned64 = 32,     // the whole unsigned range
  kRepeats = 64,        // several lines add up
};

// How a number-like member (bool, integer, span of time, enumeration) is reached.
struct NumberField {
  std::int64_t (*read)(const Settings&) = nullptr;
  void (*write)(Settings&, std::int64_t) = nullptr;
};
struct TextField {
  std::string Settings::*member = nullptr;
};
// A directive with a syntax of its own. `read` takes the words of one line: `adding` is
// true while a file is read and an earlier line of the same directive has been taken.
struct SpecialField {
  std::string (*print)(const Settings&) = nullptr;
  Result<void> (*read)(Settings&, std::span<const std::string> words, bool adding) = nullptr;
  // The lines CONFIG REWRITE writes, without the directive's name.
  std::vector<std::string> (*lines)(const Settings&) = nullptr;
};

struct Directive {
  std::string_view name;
  std::string_view alias = {};
  ValueKind kind = ValueKind::kString;
  std::string_view default_text = {};
  std::int64_t lowest = 0;
  std::uint64_t highest = 0;
  std::span<const std::string_view> words = {};  // of an enumeration, in the order of its enumerators
  std::uint16_t traits = 0;                      // DirectiveTrait
  Change change = Change::kWhileRunning;
  Standing standing = Standing::kAccepted;
  std::string_view note = {};  // why it is refused, or what is special; printed in docs and errors
  // The words a line needs at least after the name; an unquoted #word behind them is a comment.
  int needed_words = 1;
  // What a string must satisfy beyond being one; the message of a refusal.
  Result<void> (*check)(std::string_view) = nullptr;
  std::variant<std::monostate, NumberField, TextField, SpecialField> field = {};

  [[nodiscard]] constexpr bool is(DirectiveTrait trait) const { return (traits & trait) != 0; }
  // Whether it has a value: CONFIG GET shows it.
  [[nodiscard]] bool has_value() const { return field.index() != 0; }
};

// In the order of docs/configuration.md.
[[nodiscard]] std::span<const Directive> all_directives();

// By name or alias, in any case; null when there is none.
[[nodiscard]] const Directive* find_directive(std::string_view name);
// The row of the setting with this exact name; asserts that there is one.
[[nodiscard]] const Directive& directive(std::string_view name);

// The known name that was probably meant; empty when none is near.
[[nodiscard]] std::string_view nearest_directive(std::string_view name);

}  // namespace skein
