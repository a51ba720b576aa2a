// MGET, MSET and MSETNX: many keys in one call.
#include "grammar.h"
#include "key_batch.h"
#include "string_family.h"

namespace skein {

namespace {

// Another type counts as missing: the reply has a place for each key and none for an error.
void mget(Call& call) {
  call.reply.array(call.size() - 1);
  Database& db = call.db();
  for_each_key(call, 1, 1, [&](const KeyRef& key, std::size_t) {
    const Entry* entry = db.read(key);
    if (entry == nullptr || entry->type() != ValueType::kString) {
      call.reply.null();
      return;
    }
    Entry::Scratch scratch;
    call.reply.bulk(entry->bytes(scratch));
  });
}

constexpr ArgSpec kMgetArgs[] = {multiple(key_arg())};
constexpr CommandSpec kMget{
    .name = "MGET",
    .summary = "Returns the strings stored at several keys.",
    .complexity = "O(N), N being the number of keys",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = at_least(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kString,
    .keys = {keys_from(1, -1, 1, key_use::kReadOnly | key_use::kAccess)},
    .args = kMgetArgs,
    .tips = {"request_policy:multi_shard"},
    .handler = mget,
};

bool has_a_value_for_each_key(Call& call) {
  if (call.size() % 2 == 1) return true;
  call.reply.error(errors::wrong_arity(call.command.name));
  return false;
}

void set_all(Call& call) {
  Database& db = call.db();
  for_each_key(call, 1, 2, [&](const KeyRef& key, std::size_t position) {
    db.set_string(key, call.arg(position + 1));
  });
}

void mset(Call& call) {
  if (!has_a_value_for_each_key(call)) return;
  set_all(call);
  call.reply.ok();
}

constexpr ArgSpec kKeyAndValue[] = {key_arg(), text_arg("value")};
constexpr ArgSpec kMsetArgs[] = {multiple(block_arg("key_value", kKeyAndValue))};
constexpr CommandSpec kMset{
    .name = "MSET",
    .summary = "Stores strings at several keys, in one step.",
    .complexity = "O(N), N being the number of keys",
    .since = "1.0.1",
    .group = Group::kString,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kString,
    .keys = {keys_from(1, -1, 2, key_use::kOverwrite | key_use::kUpdate)},
    .args = kMsetArgs,
    .tips = {"request_policy:multi_shard", "response_policy:all_succeeded"},
    .handler = mset,
};

void msetnx(Call& call) {
  if (!has_a_value_for_each_key(call)) return;
  bool any = false;
  Database& db = call.db();
  for_each_key(call, 1, 2, [&](const KeyRef& key, std::size_t) { any = any || db.find_to_change(key) != nullptr; });
  if (!any) set_all(call);
  call.reply.integer(any ? 0 : 1);
}

constexpr CommandSpec kMsetnx{
    .name = "MSETNX",
    .summary = "Stores strings at several keys, or none when one of the keys exists.",
    .complexity = "O(N), N being the number of keys",
    .since = "1.0.1",
    .group = Group::kString,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kString,
    .keys = {keys_from(1, -1, 2, key_use::kOverwrite | key_use::kInsert)},
    .args = kMsetArgs,
    .tips = {"request_policy:multi_shard", "response_policy:agg_min"},
    .handler = msetnx,
};

}  // namespace

SpecList string_many_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kMget, &kMset, &kMsetnx};
  return kSpecs;
}

}  // namespace skein
