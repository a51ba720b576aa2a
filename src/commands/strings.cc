// GET and SET. The rest of the string family stands in files of its own beside this one.
#include "families.h"

#include <skein/base/text.h>
#include <skein/command/call.h>

namespace skein {

namespace {

void get(Call& call) {
  Entry* entry = call.db().read(call.key(1));
  if (entry == nullptr) {
    call.reply.null();
    return;
  }
  if (entry->type() != ValueType::kString) {
    call.reply.error(errors::kWrongType);
    return;
  }
  Entry::Scratch scratch;
  call.reply.bulk(entry->bytes(scratch));
}

constexpr ArgSpec kGetArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0}};
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
    .args = kGetArgs,
    .handler = get,
};

void set(Call& call) {
  if (call.size() == 3) [[likely]] {
    call.db().set_string(call.key(1), call.arg(2));
    call.reply.ok();
    return;
  }
  call.reply.error(errors::kSyntax);
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
    .keys = {key_at(1, key_use::kReadWrite | key_use::kAccess | key_use::kUpdate)},
    .handler = set,
};

}  // namespace

SpecList string_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kGet, &kSet};
  return kSpecs;
}

}  // namespace skein
