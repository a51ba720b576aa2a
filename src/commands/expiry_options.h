// When a key shall expire, as arguments of commands tell it.
//
// SET and its relatives refuse a time that is not after 1970; EXPIRE and its relatives take
// any time, and what lies in the past deletes. Both refuse what 64 bits of milliseconds
// cannot hold.
#pragma once

#include <cstdint>
#include <optional>

#include <skein/base/text.h>
#include <skein/command/call.h>

namespace skein {

// How a time is written: in which unit, and from now on or from 1970.
struct TimeForm {
  bool in_seconds = true;
  bool from_now = true;
};

// An argument that tells a time.
struct TimeArgument {
  std::size_t position = 0;
  TimeForm form;
};

// The form that the option word at `position` announces, if it is one of EX, PX, EXAT, PXAT.
inline std::optional<TimeForm> expiry_form(const Call& call, std::size_t position) {
  if (call.is_word(position, "ex")) return TimeForm{.in_seconds = true, .from_now = true};
  if (call.is_word(position, "px")) return TimeForm{.in_seconds = false, .from_now = true};
  if (call.is_word(position, "exat")) return TimeForm{.in_seconds = true, .from_now = false};
  if (call.is_word(position, "pxat")) return TimeForm{.in_seconds = false, .from_now = false};
  return std::nullopt;
}

inline std::optional<UnixMillis> refuse_expire_time(Call& call) {
  call.reply.error(errors::invalid_expire_time(call.command.name));
  return std::nullopt;
}

// The moment, or nothing after a refusal was written.
inline std::optional<UnixMillis> moment(Call& call, const TimeArgument& time) {
  auto value = call.integer(time.position);
  if (!value) return std::nullopt;
  if (time.form.in_seconds && __builtin_mul_overflow(*value, 1000, &*value)) return refuse_expire_time(call);
  if (time.form.from_now && __builtin_add_overflow(*value, call.now.wall.value, &*value)) {
    return refuse_expire_time(call);
  }
  return UnixMillis{*value};
}

// The same for SET: spans and times must be positive.
inline std::optional<UnixMillis> positive_moment(Call& call, const TimeArgument& time) {
  const auto value = call.integer(time.position);
  if (!value) return std::nullopt;
  if (*value <= 0) return refuse_expire_time(call);
  return moment(call, time);
}

// Where a past expiry deletes at once. A replica leaves that to its primary.
inline bool is_over(const Call& call, UnixMillis expiry) {
  return expiry <= call.now.wall && call.keyspace.context().delete_expired;
}

// A number as an argument of an effect.
class Digits {
 public:
  explicit Digits(std::int64_t value) : size_(write_int64(text_.data(), value)) {}
  operator std::string_view() const { return {text_.data(), size_}; }  // NOLINT(google-explicit-constructor)

 private:
  Entry::Scratch text_;
  std::size_t size_;
};

}  // namespace skein
