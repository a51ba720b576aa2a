// GET and the commands that return a value and do something to its key: GETDEL, GETEX,
// GETSET. Joins the family's other files: strings_set.cc and so on.
#include "string_family.h"

#include "expiry_options.h"
#include "grammar.h"

namespace skein {

bool reply_value(Call& call, const KeyRef& key) {
  Entry* entry = call.db().read(key);
  if (entry == nullptr) {
    call.reply.null();
    return true;
  }
  if (!is_string(call, *entry)) return false;
  Entry::Scratch scratch;
  call.reply.bulk(entry->bytes(scratch));
  return true;
}

namespace {

constexpr ArgSpec kKeyOnly[] = {key_arg()};

void get(Call& call) { (void)reply_value(call, call.key(1)); }

constexpr CommandSpec kGet{
    .name = "GET",
    .summary = "Returns the string stored at a key.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kKeyOnly,
    .handler = get,
};

void getdel(Call& call) {
  const KeyRef key = call.key(1);
  if (!reply_value(call, key) || !call.db().erase(key)) return;
  call.propagate({"DEL", key.bytes});
}

constexpr CommandSpec kGetdel{
    .name = "GETDEL",
    .summary = "Returns the string stored at a key and deletes the key.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kString,
    .arity = exactly(2),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kAccess | key_use::kDelete)},
    .args = kKeyOnly,
    .handler = getdel,
};

void getset(Call& call) {
  const KeyRef key = call.key(1);
  if (!reply_value(call, key)) return;
  call.db().set_string(key, call.arg(2), Database::Expiry::kDrop, KeyEvent::kSet, call.take(2));
  call.propagate({"SET", key.bytes, call.arg(2)});
}

constexpr ArgSpec kGetsetArgs[] = {key_arg(), text_arg("value")};
constexpr CommandSpec kGetset{
    .name = "GETSET",
    .summary = "Stores a string at a key and returns the one it replaces.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kAccess | key_use::kUpdate)},
    .args = kGetsetArgs,
    .doc_flags = doc_flag::kDeprecated,
    .deprecated_since = "6.2.0",
    .replaced_by = "`SET` with the `!GET` argument",
    .handler = getset,
};

struct GetexOptions {
  bool persist = false;
  std::optional<TimeArgument> expiry;
};

// Nothing after a refusal was written.
std::optional<GetexOptions> parse_getex_options(Call& call) {
  GetexOptions options;
  std::size_t expiry_word = 0;
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (call.is_word(i, "persist") && !options.expiry) {
      options.persist = true;
      continue;
    }
    const auto form = expiry_form(call, i);
    // The same word again is taken, and the last time counts; two different words are not.
    const bool repeats = !options.expiry || equals_ignore_case(call.arg(expiry_word), call.arg(i));
    if (!form || options.persist || !repeats || i + 1 == call.size()) {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
    expiry_word = i++;
    options.expiry = TimeArgument{i, *form};
  }
  return options;
}

void getex(Call& call) {
  const auto options = parse_getex_options(call);
  if (!options) return;
  const KeyRef key = call.key(1);
  Entry* entry = call.db().read(key);
  if (entry == nullptr) {
    call.reply.null();
    return;
  }
  if (!is_string(call, *entry)) return;
  std::optional<UnixMillis> expiry;
  if (options->expiry) {
    expiry = positive_moment(call, *options->expiry);
    if (!expiry) return;
  }
  Entry::Scratch scratch;
  call.reply.bulk(entry->bytes(scratch));
  if (!expiry) {
    if (!options->persist || !entry->has_expiry()) return;
    call.db().set_expiry(key, std::nullopt);
    call.propagate({"PERSIST", key.bytes});
  } else if (!options->expiry->form.from_now && is_over(call, *expiry)) {
    call.db().erase(key);
    call.propagate({"DEL", key.bytes});
  } else {
    call.db().set_expiry(key, expiry);
    call.propagate({"PEXPIREAT", key.bytes, Digits{expiry->value}});
  }
}

constexpr ArgSpec kGetexExpirations[] = {
    int_arg("seconds", "EX"), int_arg("milliseconds", "PX"), time_arg("unix-time-seconds", "EXAT"),
    time_arg("unix-time-milliseconds", "PXAT"), word_arg("persist", "PERSIST")};
constexpr ArgSpec kGetexArgs[] = {key_arg(), optional(one_of("expiration", kGetexExpirations))};
constexpr KeySpec kGetexKey{.use = key_use::kReadWrite | key_use::kAccess | key_use::kUpdate,
                            .index = 1,
                            .notes = "RW and UPDATE because it changes the TTL"};
constexpr CommandSpec kGetex{
    .name = "GETEX",
    .summary = "Returns the string stored at a key and sets, changes or removes the key's expiry.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kString,
    .arity = at_least(2),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kString,
    .keys = {kGetexKey},
    .args = kGetexArgs,
    .handler = getex,
};

}  // namespace

SpecList string_commands() {
  static const std::vector<const CommandSpec*> all = [] {
    std::vector<const CommandSpec*> specs{&kGet, &kGetdel, &kGetex, &kGetset};
    for (const SpecList more : {string_set_commands(), string_many_commands(), string_number_commands(),
                                string_part_commands(), string_lcs_commands()}) {
      specs.insert(specs.end(), more.begin(), more.end());
    }
    return specs;
  }();
  return all;
}

}  // namespace skein
