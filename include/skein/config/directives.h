// One row per directive: its name, type, default and range, whether it may change while
// the server runs, and whether it has its effect yet.
//
// Everything else that is said about directives is derived from these rows: CONFIG GET
// and SET, the file parser, CONFIG REWRITE and docs/configuration.md.
#pragma once

#include <skein/base/result.h>
#include <skein/config/settings.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  kAccepted,  // stored, shown and rewritten; named in a warning at start
  kRefused,   // stops the start: without it the server would be less protected than its file says
  kIgnored,   // an old name that has no meaning any more; accepted in files, otherwise unknown
};

enum DirectiveTrait : std::uint16_t {
  kHidden = 1,     // CONFIG GET shows it by its full name only
  kSensitive = 2,  // its value must not reach SLOWLOG, MONITOR or logs
  kProtected = 4,  // CONFIG SET needs enable-protected-configs
  kNotWhileLoading = 8,
  kManyWords = 16,      // takes several words on a line
  kUnsigned64 = 32,     // the whole unsigned range
  kRepeats = 64,        // several lines add up
  kEmptyIsValue = 128,  // an empty text is written by CONFIG REWRITE; otherwise it means "not set"
};

// How a number-like member (bool, integer, span of time, enumeration) is reached.
struct NumberField {
  std::int64_t (*read)(const Settings&) = nullptr;
  void (*write)(Settings&, std::int64_t) = nullptr;
};
// A line CONFIG REWRITE writes, without the directive's name.
struct FileLine {
  std::string text;
  bool add = true;  // also to a file that has no line of this directive left to change
};
// A directive with a syntax of its own. `read` takes the words of one line: `adding` is
// true while a file is read and an earlier line of the same directive has been taken.
struct SpecialField {
  std::string (*print)(const Settings&) = nullptr;
  Result<void> (*read)(Settings&, std::span<const std::string> words, bool adding) = nullptr;
  std::vector<FileLine> (*lines)(const Settings&) = nullptr;
  // A line that takes back what lines before it have said, where a new value alone does not; without the name.
  std::string_view reset = {};
};

struct Directive {
  std::string_view name;
  std::string_view alias = {};
  std::string_view group = {};  // the heading it stands under in docs/configuration.md
  ValueKind kind = ValueKind::kString;
  std::string_view default_text = {};  // as CONFIG GET prints it
  std::int64_t lowest = 0;
  std::uint64_t highest = 0;
  std::span<const std::string_view> words = {};  // of an enumeration, in the order of its enumerators
  std::uint16_t traits = 0;                      // DirectiveTrait
  Change change = Change::kWhileRunning;
  Standing standing = Standing::kAccepted;
  // While it does not act: the value by which the server behaves, besides the default no warning for it.
  std::optional<std::string_view> holds_anyway = {};
  // While it does not act: the value CONFIG SET refuses, as saying yes to it would be a promise.
  std::optional<std::string_view> refused_while_running = {};
  std::string_view consequence = {};  // of acting otherwise than the file says, where it is refused
  std::string_view note = {};  // why it is refused, or what is special; printed in docs and errors
  // The words a line needs at least after the name; an unquoted #word behind them is a comment.
  int needed_words = 1;
  // What a text must satisfy beyond its type; the error is the reason to refuse it.
  Result<void> (*check)(std::string_view) = nullptr;
  // Where its value is: one of these three, by `kind`.
  NumberField number = {};
  std::string Settings::*string = nullptr;
  SpecialField special = {};

  [[nodiscard]] constexpr bool is(DirectiveTrait trait) const { return (traits & trait) != 0; }
  // Whether it has a value: CONFIG GET shows it.
  [[nodiscard]] constexpr bool has_value() const { return kind != ValueKind::kFileOnly; }
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
