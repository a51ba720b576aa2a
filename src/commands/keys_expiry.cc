// When keys expire: the EXPIRE family, PERSIST, the TTL family.
#include <algorithm>

#include "expiry_options.h"
#include "grammar.h"
#include "keys.h"

namespace skein {

namespace {

// Under which condition an expiry is set; all off: always.
struct Condition {
  bool if_none = false;   // NX
  bool if_some = false;   // XX
  bool if_later = false;  // GT: a key without expiry lives for ever, and nothing is later
  bool if_sooner = false; // LT

  [[nodiscard]] bool allows(const Entry& entry, UnixMillis expiry) const {
    if (if_none && entry.has_expiry()) return false;
    if (if_some && !entry.has_expiry()) return false;
    if (if_later && (!entry.has_expiry() || expiry <= entry.expiry())) return false;
    return !(if_sooner && entry.has_expiry() && expiry >= entry.expiry());
  }
};

// Nothing after a refusal was written.
std::optional<Condition> parse_condition(Call& call) {
  Condition condition;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "nx")) {
      condition.if_none = true;
    } else if (call.is_word(i, "xx")) {
      condition.if_some = true;
    } else if (call.is_word(i, "gt")) {
      condition.if_later = true;
    } else if (call.is_word(i, "lt")) {
      condition.if_sooner = true;
    } else {
      call.reply.error(errors::unsupported_option(call.arg(i)));
      return std::nullopt;
    }
  }
  if (condition.if_none && (condition.if_some || condition.if_later || condition.if_sooner)) {
    call.reply.error(errors::kNxExcludesOthers);
    return std::nullopt;
  }
  if (condition.if_later && condition.if_sooner) {
    call.reply.error(errors::kGtExcludesLt);
    return std::nullopt;
  }
  return condition;
}

void set_expiry(Call& call, TimeForm form) {
  const auto condition = parse_condition(call);
  if (!condition) return;
  const auto expiry = moment(call, {.position = 2, .form = form});
  if (!expiry) return;
  const KeyRef key = call.key(1);
  const Entry* entry = call.db().find_to_change(key);
  if (entry == nullptr || !condition->allows(*entry, *expiry)) {
    call.reply.integer(0);
    return;
  }
  if (is_over(call, *expiry)) {
    call.db().erase(key);
    call.propagate({"DEL", key.bytes});
  } else {
    call.db().set_expiry(key, expiry);
    call.propagate({"PEXPIREAT", key.bytes, Digits{expiry->value}});
  }
  call.reply.integer(1);
}

void expire(Call& call) { set_expiry(call, {.in_seconds = true, .from_now = true}); }
void pexpire(Call& call) { set_expiry(call, {.in_seconds = false, .from_now = true}); }
void expireat(Call& call) { set_expiry(call, {.in_seconds = true, .from_now = false}); }
void pexpireat(Call& call) { set_expiry(call, {.in_seconds = false, .from_now = false}); }

constexpr ArgSpec kConditions[] = {word_arg("nx", "NX"), word_arg("xx", "XX"), word_arg("gt", "GT"),
                                   word_arg("lt", "LT")};
constexpr ArgSpec kCondition = optional(since("7.0.0", one_of("condition", kConditions)));
constexpr ArgSpec kExpireArgs[] = {key_arg(), int_arg("seconds"), kCondition};
constexpr ArgSpec kPexpireArgs[] = {key_arg(), int_arg("milliseconds"), kCondition};
constexpr ArgSpec kExpireatArgs[] = {key_arg(), time_arg("unix-time-seconds"), kCondition};
constexpr ArgSpec kPexpireatArgs[] = {key_arg(), time_arg("unix-time-milliseconds"), kCondition};
constexpr HistoryEntry kConditionsCame[] = {{"7.0.0", "`NX`, `XX`, `GT` and `LT`."}};

constexpr CommandSpec kExpire{
    .name = "EXPIRE",
    .summary = "Lets a key expire after some seconds.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kUpdate)},
    .args = kExpireArgs,
    .history = kConditionsCame,
    .handler = expire,
};

constexpr CommandSpec kPexpire{
    .name = "PEXPIRE",
    .summary = "Lets a key expire after some milliseconds.",
    .complexity = "O(1)",
    .since = "2.6.0",
    .group = Group::kGeneric,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kUpdate)},
    .args = kPexpireArgs,
    .history = kConditionsCame,
    .handler = pexpire,
};

constexpr CommandSpec kExpireat{
    .name = "EXPIREAT",
    .summary = "Lets a key expire at a Unix time in seconds.",
    .complexity = "O(1)",
    .since = "1.2.0",
    .group = Group::kGeneric,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kUpdate)},
    .args = kExpireatArgs,
    .history = kConditionsCame,
    .handler = expireat,
};

constexpr CommandSpec kPexpireat{
    .name = "PEXPIREAT",
    .summary = "Lets a key expire at a Unix time in milliseconds.",
    .complexity = "O(1)",
    .since = "2.6.0",
    .group = Group::kGeneric,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kUpdate)},
    .args = kPexpireatArgs,
    .history = kConditionsCame,
    .handler = pexpireat,
};

void persist(Call& call) {
  const KeyRef key = call.key(1);
  const Entry* entry = call.db().find_to_change(key);
  const bool expires = entry != nullptr && entry->has_expiry();
  if (expires) call.db().set_expiry(key, std::nullopt);
  call.reply.integer(expires ? 1 : 0);
}

constexpr ArgSpec kKeyOnly[] = {key_arg()};
constexpr CommandSpec kPersist{
    .name = "PERSIST",
    .summary = "Takes a key's expiry away.",
    .complexity = "O(1)",
    .since = "2.2.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kUpdate)},
    .args = kKeyOnly,
    .handler = persist,
};

// -2 without a key, -1 without an expiry; seconds are rounded.
void tell_expiry(Call& call, TimeForm form) {
  const Entry* entry = call.db().inspect(call.key(1));
  if (entry == nullptr || !entry->has_expiry()) {
    call.reply.integer(entry == nullptr ? -2 : -1);
    return;
  }
  std::int64_t millis = entry->expiry().value;
  if (form.from_now) millis = std::max<std::int64_t>(millis - call.now.wall.value, 0);
  // Divided before it is rounded: the last half second of 64 bits would overflow.
  call.reply.integer(form.in_seconds ? millis / 1000 + (millis % 1000 >= 500 ? 1 : 0) : millis);
}

void ttl(Call& call) { tell_expiry(call, {.in_seconds = true, .from_now = true}); }
void pttl(Call& call) { tell_expiry(call, {.in_seconds = false, .from_now = true}); }
void expiretime(Call& call) { tell_expiry(call, {.in_seconds = true, .from_now = false}); }
void pexpiretime(Call& call) { tell_expiry(call, {.in_seconds = false, .from_now = false}); }

constexpr HistoryEntry kMissingKeyIsTold[] = {{"2.8.0", "Answers -2 for a key that does not exist."}};
constexpr CommandSpec kTtl{
    .name = "TTL",
    .summary = "Returns how many seconds a key has left.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kKeyOnly,
    .tips = {"nondeterministic_output"},
    .history = kMissingKeyIsTold,
    .handler = ttl,
};

constexpr CommandSpec kPttl{
    .name = "PTTL",
    .summary = "Returns how many milliseconds a key has left.",
    .complexity = "O(1)",
    .since = "2.6.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kKeyOnly,
    .tips = {"nondeterministic_output"},
    .history = kMissingKeyIsTold,
    .handler = pttl,
};

constexpr CommandSpec kExpiretime{
    .name = "EXPIRETIME",
    .summary = "Returns the Unix time in seconds at which a key expires.",
    .complexity = "O(1)",
    .since = "7.0.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kKeyOnly,
    .handler = expiretime,
};

constexpr CommandSpec kPexpiretime{
    .name = "PEXPIRETIME",
    .summary = "Returns the Unix time in milliseconds at which a key expires.",
    .complexity = "O(1)",
    .since = "7.0.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kKeyOnly,
    .handler = pexpiretime,
};

}  // namespace

SpecList key_expiry_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kExpire, &kPexpire, &kExpireat,   &kPexpireat,  &kPersist,
                                                  &kTtl,    &kPttl,    &kExpiretime, &kPexpiretime};
  return kSpecs;
}

}  // namespace skein
