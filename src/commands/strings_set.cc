// SET with all its options, and the older commands that are SET with one of them: SETNX,
// SETEX, PSETEX.
#include <algorithm>

#include "expiry_options.h"
#include "grammar.h"
#include "string_family.h"

namespace skein {

namespace {

struct SetOptions {
  bool if_missing = false;
  bool if_present = false;
  bool get = false;
  bool keep_expiry = false;
  std::optional<TimeArgument> expiry;
};

// Nothing after a refusal was written.
std::optional<SetOptions> parse_set_options(Call& call) {
  SetOptions options;
  std::size_t expiry_word = 0;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "nx") && !options.if_present) {
      options.if_missing = true;
    } else if (call.is_word(i, "xx") && !options.if_missing) {
      options.if_present = true;
    } else if (call.is_word(i, "get")) {
      options.get = true;
    } else if (call.is_word(i, "keepttl") && !options.expiry) {
      options.keep_expiry = true;
    } else {
      const auto form = expiry_form(call, i);
      const bool repeats = !options.expiry || equals_ignore_case(call.arg(expiry_word), call.arg(i));
      if (!form || options.keep_expiry || !repeats || i + 1 == call.size()) {
        call.reply.error(errors::kSyntax);
        return std::nullopt;
      }
      expiry_word = i++;
      options.expiry = TimeArgument{i, *form};
    }
  }
  return options;
}

void set_until(Call& call, const KeyRef& key, std::size_t position, UnixMillis expiry) {
  const std::string_view value = call.arg(position);
  call.db().set_string_until(key, value, expiry, call.take(position));
  call.propagate({"SET", key.bytes, value, "PXAT", Digits{expiry.value}});
}

void set_with_options(Call& call) {
  const auto options = parse_set_options(call);
  if (!options) return;
  std::optional<UnixMillis> expiry;
  if (options->expiry) {
    expiry = positive_moment(call, *options->expiry);
    if (!expiry) return;
  }
  const KeyRef key = call.key(1);
  const std::string_view value = call.arg(2);
  if (options->get && !reply_value(call, key)) return;
  if (options->if_missing || options->if_present) {
    const bool present = call.db().find_to_change(key) != nullptr;
    if (present == options->if_missing) {
      if (!options->get) call.reply.null();
      return;
    }
  }
  if (expiry) {
    set_until(call, key, 2, *expiry);
  } else if (options->keep_expiry) {
    call.db().set_string(key, value, Database::Expiry::kKeep, KeyEvent::kSet, call.take(2));
    if (options->get) call.propagate({"SET", key.bytes, value, "KEEPTTL"});
  } else {
    call.db().set_string(key, value, Database::Expiry::kDrop, KeyEvent::kSet, call.take(2));
    if (options->get) call.propagate({"SET", key.bytes, value});
  }
  if (!options->get) call.reply.ok();
}

void set(Call& call) {
  if (call.size() == 3) [[likely]] {
    call.db().set_string(call.key(1), call.arg(2), Database::Expiry::kDrop, KeyEvent::kSet, call.take(2));
    call.reply.ok();
    return;
  }
  set_with_options(call);
}

constexpr ArgSpec kConditions[] = {word_arg("nx", "NX"), word_arg("xx", "XX")};
constexpr ArgSpec kExpirations[] = {
    since("2.6.12", int_arg("seconds", "EX")), since("2.6.12", int_arg("milliseconds", "PX")),
    since("6.2.0", time_arg("unix-time-seconds", "EXAT")), since("6.2.0", time_arg("unix-time-milliseconds", "PXAT")),
    since("6.0.0", word_arg("keepttl", "KEEPTTL"))};
constexpr ArgSpec kSetArgs[] = {key_arg(), text_arg("value"), optional(since("2.6.12", one_of("condition", kConditions))),
                                optional(since("6.2.0", word_arg("get", "GET"))),
                                optional(one_of("expiration", kExpirations))};
constexpr HistoryEntry kSetHistory[] = {{"2.6.12", "`EX`, `PX`, `NX` and `XX`."},
                                        {"6.0.0", "`KEEPTTL`."},
                                        {"6.2.0", "`GET`, `EXAT` and `PXAT`."},
                                        {"7.0.0", "`NX` and `GET` may be given together."}};
constexpr KeySpec kSetKey{.use = key_use::kReadWrite | key_use::kAccess | key_use::kUpdate | key_use::kVariable,
                          .index = 1,
                          .notes = "RW and ACCESS due to the optional `GET` argument"};
// Only with GET is the old value looked at.
std::uint32_t set_use(std::span<const std::string_view> arguments) {
  const bool get = std::any_of(arguments.begin() + 3, arguments.end(),
                               [](std::string_view word) { return equals_ignore_case(word, "get"); });
  return get ? key_use::kReadWrite | key_use::kAccess | key_use::kUpdate : key_use::kOverwrite | key_use::kUpdate;
}

constexpr CommandSpec kSet{
    .name = "SET",
    .summary = "Stores a string at a key, whatever was there before.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kString,
    .keys = {kSetKey},
    .args = kSetArgs,
    .history = kSetHistory,
    .handler = set,
    .variable_use = set_use,
};

void setnx(Call& call) {
  const KeyRef key = call.key(1);
  if (call.db().find_to_change(key) != nullptr) {
    call.reply.integer(0);
    return;
  }
  call.db().set_string(key, call.arg(2), Database::Expiry::kDrop, KeyEvent::kSet, call.take(2));
  call.reply.integer(1);
}

constexpr ArgSpec kSetnxArgs[] = {key_arg(), text_arg("value")};
constexpr CommandSpec kSetnx{
    .name = "SETNX",
    .summary = "Stores a string at a key that does not exist.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kOverwrite | key_use::kInsert)},
    .args = kSetnxArgs,
    .handler = setnx,
};

void set_for(Call& call, bool in_seconds) {
  const auto expiry = positive_moment(call, {.position = 2, .form = {.in_seconds = in_seconds, .from_now = true}});
  if (!expiry) return;
  set_until(call, call.key(1), 3, *expiry);
  call.reply.ok();
}

void setex(Call& call) { set_for(call, true); }
void psetex(Call& call) { set_for(call, false); }

constexpr ArgSpec kSetexArgs[] = {key_arg(), int_arg("seconds"), text_arg("value")};
constexpr CommandSpec kSetex{
    .name = "SETEX",
    .summary = "Stores a string at a key that expires after some seconds.",
    .complexity = "O(1)",
    .since = "2.0.0",
    .group = Group::kString,
    .arity = exactly(4),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kOverwrite | key_use::kUpdate)},
    .args = kSetexArgs,
    .handler = setex,
};

constexpr ArgSpec kPsetexArgs[] = {key_arg(), int_arg("milliseconds"), text_arg("value")};
constexpr CommandSpec kPsetex{
    .name = "PSETEX",
    .summary = "Stores a string at a key that expires after some milliseconds.",
    .complexity = "O(1)",
    .since = "2.6.0",
    .group = Group::kString,
    .arity = exactly(4),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kOverwrite | key_use::kUpdate)},
    .args = kPsetexArgs,
    .handler = psetex,
};

}  // namespace

SpecList string_set_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kSet, &kSetnx, &kSetex, &kPsetex};
  return kSpecs;
}

}  // namespace skein
