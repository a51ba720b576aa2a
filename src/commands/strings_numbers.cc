// Strings as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
#include <cmath>

#include <skein/base/text.h>

#include "grammar.h"
#include "string_family.h"

namespace skein {

namespace {

constexpr std::uint32_t kChangesNumber = key_use::kReadWrite | key_use::kAccess | key_use::kUpdate;

// A missing key counts from zero.
void add(Call& call, std::int64_t amount) {
  const KeyRef key = call.key(1);
  Entry* entry = call.db().find(key);
  std::int64_t value = 0;
  if (entry != nullptr) {
    if (!is_string(call, *entry)) return;
    if (entry->is_integer()) [[likely]] {
      value = entry->integer();
    } else {
      Entry::Scratch scratch;
      const auto parsed = parse_int64(entry->bytes(scratch));
      if (!parsed) {
        call.reply.error(errors::kNotInteger);
        return;
      }
      value = *parsed;
    }
  }
  if (__builtin_add_overflow(value, amount, &value)) {
    call.reply.error(errors::kOverflow);
    return;
  }
  if (entry != nullptr && entry->is_integer()) [[likely]] {
    call.db().set_integer(key, *entry, value);
  } else {
    call.db().set_integer(key, value);
  }
  call.reply.integer(value);
}

void incr(Call& call) { add(call, 1); }
void decr(Call& call) { add(call, -1); }

void incrby(Call& call) {
  if (const auto amount = call.integer(2)) add(call, *amount);
}

void decrby(Call& call) {
  const auto amount = call.integer(2);
  if (!amount) return;
  if (*amount == INT64_MIN) {
    call.reply.error(errors::kDecrementOverflow);
    return;
  }
  add(call, -*amount);
}

constexpr ArgSpec kKeyOnly[] = {key_arg()};
constexpr CommandSpec kIncr{
    .name = "INCR",
    .summary = "Adds one to the number stored at a key.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(2),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, kChangesNumber)},
    .args = kKeyOnly,
    .handler = incr,
};

constexpr CommandSpec kDecr{
    .name = "DECR",
    .summary = "Takes one from the number stored at a key.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(2),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, kChangesNumber)},
    .args = kKeyOnly,
    .handler = decr,
};

constexpr ArgSpec kIncrbyArgs[] = {key_arg(), int_arg("increment")};
constexpr CommandSpec kIncrby{
    .name = "INCRBY",
    .summary = "Adds a whole number to the number stored at a key.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, kChangesNumber)},
    .args = kIncrbyArgs,
    .handler = incrby,
};

constexpr ArgSpec kDecrbyArgs[] = {key_arg(), int_arg("decrement")};
constexpr CommandSpec kDecrby{
    .name = "DECRBY",
    .summary = "Takes a whole number from the number stored at a key.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, kChangesNumber)},
    .args = kDecrbyArgs,
    .handler = decrby,
};

// The sum is stored as text, and replicas get the sum: floating point differs between machines.
void incrbyfloat(Call& call) {
  const KeyRef key = call.key(1);
  Entry* entry = call.db().find(key);
  std::optional<long double> value = 0.0L;
  if (entry != nullptr) {
    if (!is_string(call, *entry)) return;
    Entry::Scratch scratch;
    value = parse_long_double(entry->bytes(scratch));
  }
  const auto amount = value ? parse_long_double(call.arg(2)) : std::nullopt;
  if (!amount) {
    call.reply.error(errors::kNotFloat);
    return;
  }
  const long double sum = *value + *amount;
  if (std::isnan(sum) || std::isinf(sum)) {
    call.reply.error(errors::kNotFinite);
    return;
  }
  const std::string text = format_human_long_double(sum);
  call.db().set_text(key, text, KeyEvent::kIncrbyfloat);
  call.propagate({"SET", key.bytes, text, "KEEPTTL"});
  call.reply.bulk(text);
}

constexpr ArgSpec kIncrbyfloatArgs[] = {key_arg(), {.name = "increment", .type = ArgType::kDouble}};
constexpr CommandSpec kIncrbyfloat{
    .name = "INCRBYFLOAT",
    .summary = "Adds a number with a fraction to the number stored at a key.",
    .complexity = "O(1)",
    .since = "2.6.0",
    .group = Group::kString,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, kChangesNumber)},
    .args = kIncrbyfloatArgs,
    .handler = incrbyfloat,
};

}  // namespace

SpecList string_number_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kIncr, &kDecr, &kIncrby, &kDecrby, &kIncrbyfloat};
  return kSpecs;
}

}  // namespace skein
