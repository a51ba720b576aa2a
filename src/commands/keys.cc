// DEL, UNLINK, EXISTS, TOUCH, TYPE. Joins the family's other files: keys_expiry.cc and so on.
#include "keys.h"

#include "grammar.h"
#include "key_batch.h"

namespace skein {

std::string_view type_name(ValueType type) {
  switch (type) {
    case ValueType::kString: return "string";
    case ValueType::kList: return "list";
    case ValueType::kSet: return "set";
    case ValueType::kZset: return "zset";
    case ValueType::kHash: return "hash";
    case ValueType::kStream: return "stream";
  }
  return "none";
}

namespace {

constexpr ArgSpec kManyKeys[] = {multiple(key_arg())};
constexpr FixedList<std::string_view, 4> kSummedOverShards{"request_policy:multi_shard", "response_policy:agg_sum"};

// Answers for how many of the keys `counts` says yes.
template <typename Counts>
void count_keys(Call& call, Counts&& counts) {
  std::int64_t found = 0;
  Database& db = call.db();
  for_each_key(call, 1, 1, [&](const KeyRef& key, std::size_t) { found += counts(db, key) ? 1 : 0; });
  call.reply.integer(found);
}

void del(Call& call) {
  count_keys(call, [](Database& db, const KeyRef& key) { return db.erase(key); });
}

constexpr CommandSpec kDel{
    .name = "DEL",
    .summary = "Deletes keys.",
    .complexity = "O(N), N being the number of keys and of the elements in their collections",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = at_least(2),
    .flags = flag::kWrite,
    .acl_also = category::kKeyspace,
    .keys = {keys_from(1, -1, 1, key_use::kRemove | key_use::kDelete)},
    .args = kManyKeys,
    .tips = kSummedOverShards,
    .handler = del,
};

// A string is freed in one step, so there is nothing to leave to another thread.
constexpr CommandSpec kUnlink{
    .name = "UNLINK",
    .summary = "Deletes keys without waiting until the memory of large values is free.",
    .complexity = "O(N), N being the number of keys; elements of collections are freed in the background",
    .since = "4.0.0",
    .group = Group::kGeneric,
    .arity = at_least(2),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {keys_from(1, -1, 1, key_use::kRemove | key_use::kDelete)},
    .args = kManyKeys,
    .tips = kSummedOverShards,
    .handler = del,
};

void exists(Call& call) {
  count_keys(call, [](Database& db, const KeyRef& key) { return db.inspect(key) != nullptr; });
}

constexpr HistoryEntry kExistsHistory[] = {{"3.0.3", "Takes several keys."}};
constexpr CommandSpec kExists{
    .name = "EXISTS",
    .summary = "Counts how many of the keys exist; a key named twice counts twice.",
    .complexity = "O(N), N being the number of keys",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = at_least(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {keys_from(1, -1, 1, key_use::kReadOnly)},
    .args = kManyKeys,
    .tips = kSummedOverShards,
    .history = kExistsHistory,
    .handler = exists,
};

void touch(Call& call) {
  count_keys(call, [](Database& db, const KeyRef& key) { return db.read(key) != nullptr; });
}

constexpr CommandSpec kTouch{
    .name = "TOUCH",
    .summary = "Marks keys as used just now; returns how many of them exist.",
    .complexity = "O(N), N being the number of keys",
    .since = "3.2.1",
    .group = Group::kGeneric,
    .arity = at_least(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {keys_from(1, -1, 1, key_use::kReadOnly)},
    .args = kManyKeys,
    .tips = kSummedOverShards,
    .handler = touch,
};

void type(Call& call) {
  const Entry* entry = call.db().inspect(call.key(1));
  call.reply.status(entry != nullptr ? type_name(entry->type()) : "none");
}

constexpr ArgSpec kKeyOnly[] = {key_arg()};
constexpr CommandSpec kType{
    .name = "TYPE",
    .summary = "Tells what kind of value a key holds.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly)},
    .args = kKeyOnly,
    .handler = type,
};

}  // namespace

SpecList key_commands() {
  static const std::vector<const CommandSpec*> all = [] {
    std::vector<const CommandSpec*> specs{&kDel, &kUnlink, &kExists, &kTouch, &kType};
    for (const SpecList more : {key_expiry_commands(), key_move_commands(), key_scan_commands(), key_object_commands()}) {
      specs.insert(specs.end(), more.begin(), more.end());
    }
    return specs;
  }();
  return all;
}

}  // namespace skein
