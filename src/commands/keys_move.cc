// Keys under other names and in other databases: RENAME, RENAMENX, COPY, MOVE, SWAPDB.
#include <skein/commands/services.h>

#include "grammar.h"
#include "keys.h"
#include "room.h"

namespace skein {

namespace {

// A number that fits 32 bits; writes a refusal and returns nothing if it does not.
std::optional<std::int64_t> int32_argument(Call& call, std::size_t position) {
  const auto value = call.integer(position);
  if (!value || (*value >= INT32_MIN && *value <= INT32_MAX)) return value;
  call.reply.error(errors::kNotInt32);
  return std::nullopt;
}

bool is_database(const Call& call, std::int64_t index) { return index >= 0 && index < call.keyspace.count(); }

std::optional<int> database_argument(Call& call, std::size_t position) {
  const auto index = int32_argument(call, position);
  if (!index) return std::nullopt;
  if (is_database(call, *index)) return static_cast<int>(*index);
  call.reply.error(errors::kDbOutOfRange);
  return std::nullopt;
}

void rename_unless(Call& call, bool only_if_missing) {
  const KeyRef from = call.key(1);
  const KeyRef to = call.key(2);
  Database& db = call.db();
  if (db.find_to_change(from) == nullptr) {
    call.reply.error(errors::kNoSuchKey);
    return;
  }
  const bool same = from.bytes == to.bytes;
  if (only_if_missing && (same || db.find(to) != nullptr)) {
    call.reply.integer(0);
    return;
  }
  if (!same) db.rename(from, to);
  if (only_if_missing) {
    call.reply.integer(1);
  } else {
    call.reply.ok();
  }
}

void rename(Call& call) { rename_unless(call, false); }
void renamenx(Call& call) { rename_unless(call, true); }

constexpr ArgSpec kRenameArgs[] = {key_arg(), key_arg("newkey", 1)};
constexpr CommandSpec kRename{
    .name = "RENAME",
    .summary = "Gives a key another name, whatever had that name before.",
    .complexity = "O(1), unless a large value is replaced",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kWrite,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kAccess | key_use::kDelete),
             key_at(2, key_use::kOverwrite | key_use::kUpdate)},
    .args = kRenameArgs,
    .handler = rename,
};

constexpr HistoryEntry kRenamenxHistory[] = {{"3.2.0", "The same name twice is no error any more."}};
constexpr CommandSpec kRenamenx{
    .name = "RENAMENX",
    .summary = "Gives a key another name that no key has yet.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kAccess | key_use::kDelete),
             key_at(2, key_use::kOverwrite | key_use::kInsert)},
    .args = kRenameArgs,
    .history = kRenamenxHistory,
    .handler = renamenx,
};

struct CopyOptions {
  int db = 0;
  bool replace = false;
};

// Nothing after a refusal was written.
std::optional<CopyOptions> parse_copy_options(Call& call) {
  CopyOptions options{.db = call.session.db};
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is_word(i, "replace")) {
      options.replace = true;
    } else if (call.is_word(i, "db") && i + 1 < call.size()) {
      const auto db = database_argument(call, ++i);
      if (!db) return std::nullopt;
      options.db = *db;
    } else {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

void copy(Call& call) {
  const auto options = parse_copy_options(call);
  if (!options) return;
  if (call.keyspace.context().cluster_mode && (call.session.db != 0 || options->db != 0)) {
    call.reply.error(errors::kCopyInCluster);
    return;
  }
  const KeyRef from = call.key(1);
  const KeyRef to = call.key(2);
  if (options->db == call.session.db && from.bytes == to.bytes) {
    call.reply.error(errors::kSameObject);
    return;
  }
  Database& target = call.keyspace.db(options->db);
  const Entry* entry = call.db().read(from);
  const bool copied = entry != nullptr && (target.find(to) == nullptr || options->replace);
  if (copied && !has_room(call, entry->memory(), entry->size())) return;
  if (copied) target.copy_from(call.db(), from, to);
  call.reply.integer(copied ? 1 : 0);
}

constexpr ArgSpec kCopyArgs[] = {key_arg("source", 0), key_arg("destination", 1),
                                 optional(int_arg("destination-db", "DB")), optional(word_arg("replace", "REPLACE"))};
constexpr CommandSpec kCopy{
    .name = "COPY",
    .summary = "Copies what a key holds, and its expiry, to another key.",
    .complexity = "O(N), N being the size of the value",
    .since = "6.2.0",
    .group = Group::kGeneric,
    .arity = at_least(3),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess), key_at(2, key_use::kOverwrite | key_use::kUpdate)},
    .args = kCopyArgs,
    .handler = copy,
};

void move(Call& call) {
  if (call.keyspace.context().cluster_mode) {
    call.reply.error(errors::kMoveInCluster);
    return;
  }
  const auto db = database_argument(call, 2);
  if (!db) return;
  if (*db == call.session.db) {
    call.reply.error(errors::kSameObject);
    return;
  }
  const KeyRef key = call.key(1);
  Database& target = call.keyspace.db(*db);
  const bool moved = call.db().find_to_change(key) != nullptr && target.find(key) == nullptr;
  if (moved) target.move_from(call.db(), key);
  call.reply.integer(moved ? 1 : 0);
}

constexpr ArgSpec kMoveArgs[] = {key_arg(), int_arg("db")};
constexpr CommandSpec kMove{
    .name = "MOVE",
    .summary = "Moves a key to another database where no key has its name.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kAccess | key_use::kUpdate)},
    .args = kMoveArgs,
    .handler = move,
};

std::optional<std::int64_t> swap_argument(Call& call, std::size_t position, std::string_view refusal) {
  const auto index = call.integer(position, refusal);
  if (!index || (*index >= INT32_MIN && *index <= INT32_MAX)) return index;
  call.reply.error(refusal);
  return std::nullopt;
}

void swapdb(Call& call) {
  if (call.keyspace.context().cluster_mode) {
    call.reply.error(errors::kSwapdbInCluster);
    return;
  }
  const auto a = swap_argument(call, 1, errors::kInvalidFirstDb);
  if (!a) return;
  const auto b = swap_argument(call, 2, errors::kInvalidSecondDb);
  if (!b) return;
  if (!is_database(call, *a) || !is_database(call, *b)) {
    call.reply.error(errors::kDbOutOfRange);
    return;
  }
  const int first = static_cast<int>(*a);
  const int second = static_cast<int>(*b);
  call.keyspace.swap(first, second);
  if (first != second) call.services.watch.on_swapped(first, second);
  call.reply.ok();
}

constexpr ArgSpec kSwapdbArgs[] = {int_arg("index1"), int_arg("index2")};
constexpr CommandSpec kSwapdb{
    .name = "SWAPDB",
    .summary = "Exchanges the content of two databases.",
    .complexity = "O(N), N being the number of keys that clients watch in them",
    .since = "4.0.0",
    .group = Group::kServer,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kFast,
    .acl_also = category::kKeyspace | category::kDangerous,
    .args = kSwapdbArgs,
    .handler = swapdb,
};

}  // namespace

SpecList key_move_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kRename, &kRenamenx, &kCopy, &kMove, &kSwapdb};
  return kSpecs;
}

}  // namespace skein
