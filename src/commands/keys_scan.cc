// Which keys there are: KEYS, SCAN, RANDOMKEY.
#include <vector>

#include "grammar.h"
#include "keys.h"
#include "scan_options.h"

namespace skein {

namespace {

// Expired keys are left out and left alone: removing them is not this command's work.
void keys(Call& call) {
  const std::string_view pattern = call.arg(1);
  const bool all = pattern == "*";
  std::vector<const Entry*> found;
  call.db().for_each([&](const Entry& entry) {
    if ((all || glob_match(pattern, entry.key())) && !entry.expired_at(call.now.wall)) found.push_back(&entry);
  });
  call.reply.array(found.size());
  for (const Entry* entry : found) call.reply.bulk(entry->key());
}

constexpr ArgSpec kKeysArgs[] = {pattern_arg("pattern")};
constexpr CommandSpec kKeys{
    .name = "KEYS",
    .summary = "Returns all keys that match a pattern.",
    .complexity = "O(N), N being the number of keys in the database",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace | category::kDangerous,
    .args = kKeysArgs,
    .tips = {"request_policy:all_shards", "nondeterministic_output_order"},
    .handler = keys,
};

// Whether SCAN shows a key. With TYPE the key is looked up, which counts as in redis.
bool is_shown(Database& db, std::string_view name, const ScanOptions& options) {
  const KeyRef key = db.ref(name);
  const Entry* entry = options.type ? db.inspect(key) : db.find(key);
  return entry != nullptr && (!options.type || equals_ignore_case(*options.type, type_name(entry->type())));
}

void scan(Call& call) {
  const auto cursor = parse_cursor(call.arg(1));
  if (!cursor) {
    call.reply.error(errors::kInvalidCursor);
    return;
  }
  const auto options = parse_scan_options(call, 2, true);
  if (!options) return;
  // Looking at a key may remove it because it has expired, so names are taken first.
  Database& db = call.db();
  std::vector<std::string> names;
  const std::uint64_t next = db.scan(*cursor, options->count, [&](const Entry& entry) {
    if (options->wants(entry.key())) names.emplace_back(entry.key());
  });
  std::erase_if(names, [&](const std::string& name) { return !is_shown(db, name, *options); });
  call.reply.array(2);
  call.reply.bulk(fmt::format_int(next).c_str());
  call.reply.array(names.size());
  for (const auto& name : names) call.reply.bulk(name);
}

constexpr ArgSpec kScanArgs[] = {int_arg("cursor"), optional(pattern_arg("pattern", "MATCH")),
                                 optional(int_arg("count", "COUNT")),
                                 optional(since("6.0.0", text_arg("type", "TYPE")))};
constexpr HistoryEntry kScanHistory[] = {{"6.0.0", "`TYPE`."}};
constexpr CommandSpec kScan{
    .name = "SCAN",
    .summary = "Walks over the keys of a database step by step; what is there all the time is returned at least once.",
    .complexity = "O(1) a step, O(N) for the whole walk, N being the number of keys",
    .since = "2.8.0",
    .group = Group::kGeneric,
    .arity = at_least(2),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .args = kScanArgs,
    .tips = {"nondeterministic_output", "request_policy:special"},
    .history = kScanHistory,
    .handler = scan,
};

void randomkey(Call& call) {
  const Entry* entry = call.db().random_entry();
  if (entry == nullptr) {
    call.reply.null();
  } else {
    call.reply.bulk(entry->key());
  }
}

constexpr CommandSpec kRandomkey{
    .name = "RANDOMKEY",
    .summary = "Returns one of the keys, chosen by chance.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(1),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .tips = {"request_policy:all_shards", "nondeterministic_output"},
    .handler = randomkey,
};

}  // namespace

SpecList key_scan_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kKeys, &kScan, &kRandomkey};
  return kSpecs;
}

}  // namespace skein
