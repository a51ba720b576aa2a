// OBJECT: how a value is kept and how often it is used.
#include <skein/commands/services.h>

#include "grammar.h"
#include "help.h"
#include "keys.h"
#include "object_facts.h"

namespace skein {

namespace {

// The live entry; writes null and returns null when there is none.
const Entry* object(Call& call) {
  const Entry* entry = call.db().inspect(call.key(2));
  if (entry == nullptr) call.reply.null();
  return entry;
}

void object_encoding(Call& call) {
  if (const Entry* entry = object(call)) call.reply.bulk(encoding_name(entry->encoding()));
}

void object_refcount(Call& call) {
  const Entry* entry = object(call);
  if (entry == nullptr) return;
  call.reply.integer(reference_count(*entry, call.services.config.settings()));
}

void object_idletime(Call& call) {
  const Entry* entry = object(call);
  if (entry == nullptr) return;
  if (counts_frequency(call.services.config->maxmemory_policy)) {
    call.reply.error(errors::kNotLru);
  } else {
    call.reply.integer(call.db().idle_time(*entry).count());
  }
}

void object_freq(Call& call) {
  const Entry* entry = object(call);
  if (entry == nullptr) return;
  if (counts_frequency(call.services.config->maxmemory_policy)) {
    call.reply.integer(call.db().frequency(*entry));
  } else {
    call.reply.error(errors::kNotLfu);
  }
}

constexpr ArgSpec kKeyOnly[] = {key_arg()};
constexpr CommandSpec kEncoding{
    .name = "ENCODING",
    .summary = "Tells how a key's value is kept in memory.",
    .complexity = "O(1)",
    .since = "2.2.3",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .keys = {key_at(2, key_use::kReadOnly)},
    .args = kKeyOnly,
    .tips = {"nondeterministic_output"},
    .handler = object_encoding,
};

constexpr CommandSpec kFreq{
    .name = "FREQ",
    .summary = "Tells how often a key is used, on a logarithmic scale.",
    .complexity = "O(1)",
    .since = "4.0.0",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .keys = {key_at(2, key_use::kReadOnly)},
    .args = kKeyOnly,
    .tips = {"nondeterministic_output"},
    .handler = object_freq,
};

constexpr CommandSpec kHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kKeyspace,
    .handler = reply_help,
};

constexpr CommandSpec kIdletime{
    .name = "IDLETIME",
    .summary = "Tells for how many seconds a key has not been used.",
    .complexity = "O(1)",
    .since = "2.2.3",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .keys = {key_at(2, key_use::kReadOnly)},
    .args = kKeyOnly,
    .tips = {"nondeterministic_output"},
    .handler = object_idletime,
};

constexpr CommandSpec kRefcount{
    .name = "REFCOUNT",
    .summary = "Tells how many references there are to a key's value.",
    .complexity = "O(1)",
    .since = "2.2.3",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .keys = {key_at(2, key_use::kReadOnly)},
    .args = kKeyOnly,
    .tips = {"nondeterministic_output"},
    .handler = object_refcount,
};

constexpr const CommandSpec* kSubcommands[] = {&kEncoding, &kFreq, &kHelp, &kIdletime, &kRefcount};
constexpr CommandSpec kObject{
    .name = "OBJECT",
    .summary = "How a value is kept and how often it is used.",
    .complexity = "Depends on the subcommand.",
    .since = "2.2.3",
    .group = Group::kGeneric,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace

SpecList key_object_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kObject};
  return kSpecs;
}

}  // namespace skein
