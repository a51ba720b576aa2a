// How the rows of the directive table are written down: one builder per type of value,
// and what differs from the usual said by name behind it.
#pragma once

#include <skein/config/directives.h>

#include <climits>
#include <cstdint>
#include <type_traits>

namespace skein {

inline constexpr std::uint64_t kIntMax = INT_MAX;
inline constexpr std::uint64_t kUintMax = UINT_MAX;
inline constexpr std::uint64_t kLongMax = INT64_MAX;
inline constexpr std::uint64_t kPortMax = 65535;
inline constexpr std::int64_t kMebibyte = 1024 * 1024;

inline constexpr std::string_view kLessProtected = "a server less protected than its configuration says must not run";

template <typename T>
concept TimeSpan = requires(T span) {
  span.count();
};

template <auto Member>
constexpr NumberField number_field() {
  using T = std::remove_cvref_t<decltype(std::declval<Settings&>().*Member)>;
  NumberField field;
  if constexpr (TimeSpan<T>) {
    field.read = [](const Settings& s) -> std::int64_t { return (s.*Member).count(); };
  } else {
    field.read = [](const Settings& s) { return static_cast<std::int64_t>(s.*Member); };
  }
  field.write = [](Settings& s, std::int64_t value) { s.*Member = static_cast<T>(value); };
  return field;
}

// A Directive that is being described: each word changes it and hands it on.
struct Row : Directive {
  constexpr Row acts() {
    standing = Standing::kActs;
    return *this;
  }
  constexpr Row at_start() {
    change = Change::kAtStartOnly;
    return *this;
  }
  constexpr Row trait(int more) {
    traits = static_cast<std::uint16_t>(traits | more);
    return *this;
  }
  constexpr Row noted(std::string_view text) {
    note = text;
    return *this;
  }
  constexpr Row holds(std::string_view text) {
    holds_anyway = text;
    return *this;
  }
  constexpr Row also(std::string_view old_name) {
    alias = old_name;
    return *this;
  }
  constexpr Row needs(int count) {
    needed_words = count;
    return *this;
  }
  constexpr Row checked(Result<void> (*how)(std::string_view)) {
    check = how;
    return *this;
  }
  constexpr Row refused(std::string_view why, std::string_view then = kLessProtected) {
    standing = Standing::kRefused;
    consequence = then;
    return noted(why);
  }
  constexpr Row not_while_running(std::string_view value) {
    refused_while_running = value;
    return *this;
  }
};

template <auto Member>
constexpr Row boolean(std::string_view name, std::string_view default_text) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kBool;
  row.default_text = default_text;
  row.number = number_field<Member>();
  return row;
}

template <auto Member>
constexpr Row integer(std::string_view name, std::string_view default_text, std::int64_t lowest,
                      std::uint64_t highest) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kInteger;
  row.default_text = default_text;
  row.lowest = lowest;
  row.highest = highest;
  row.number = number_field<Member>();
  return row;
}

// `default_text` in bytes.
template <auto Member>
constexpr Row memory(std::string_view name, std::string_view default_text, std::int64_t lowest,
                     std::uint64_t highest) {
  Row row = integer<Member>(name, default_text, lowest, highest);
  row.kind = ValueKind::kMemory;
  if (highest > kLongMax) row.traits = kUnsigned64;
  return row;
}

template <auto Member>
constexpr Row choice(std::string_view name, std::string_view default_text,
                     std::span<const std::string_view> words) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kEnum;
  row.default_text = default_text;
  row.words = words;
  row.number = number_field<Member>();
  return row;
}

template <auto Member>
constexpr Row text(std::string_view name, std::string_view default_text) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kString;
  row.default_text = default_text;
  row.string = Member;
  return row;
}

constexpr Row special(std::string_view name, std::string_view default_text, SpecialField field) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kSpecial;
  row.default_text = default_text;
  row.special = field;
  return row;
}

constexpr Row file_only(std::string_view name, int needed_words) {
  Row row;
  row.name = name;
  row.kind = ValueKind::kFileOnly;
  row.change = Change::kAtStartOnly;
  row.needed_words = needed_words;
  return row;
}

// A name from the past: read and forgotten.
constexpr Row ignored(std::string_view name) {
  Row row = file_only(name, 1);
  row.standing = Standing::kIgnored;
  return row;
}

}  // namespace skein
