// MIGRATE: what is brought to another node, and what becomes of it here. Sending it is the node's
// (migration_actions.h).
#include <algorithm>
#include <charconv>
#include <limits>

#include <skein/base/host_text.h>
#include <skein/base/text.h>
#include <skein/commands/services.h>
#include <skein/persist/dump_payload.h>

#include "families.h"
#include "grammar.h"

namespace skein {

namespace {

constexpr std::string_view kKeyGivenTwice =
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";
constexpr milliseconds kUsualTimeout{1000};
constexpr std::size_t kFirstOption = 6;

struct MigrateOptions {
  bool copy = false;
  bool replace = false;
  std::size_t user = 0;      // positions; 0: not there
  std::size_t password = 0;
  KeyPositions keys{3, 3};   // `last` before `first`: none
};

// What keeps the options from being read.
enum class OptionFault : std::uint8_t { kNone, kSyntax, kKeyBesideKeys };

// KEYS is the last of them, as everything behind it is a key.
OptionFault read_options(std::span<const std::string_view> arguments, MigrateOptions& options) {
  for (std::size_t i = kFirstOption; i < arguments.size(); ++i) {
    const std::size_t behind = arguments.size() - 1 - i;
    if (equals_ignore_case(arguments[i], "copy")) {
      options.copy = true;
    } else if (equals_ignore_case(arguments[i], "replace")) {
      options.replace = true;
    } else if (equals_ignore_case(arguments[i], "auth") && behind >= 1) {
      options.password = ++i;
    } else if (equals_ignore_case(arguments[i], "auth2") && behind >= 2) {
      options.user = ++i;
      options.password = ++i;
    } else if (equals_ignore_case(arguments[i], "keys")) {
      if (!arguments[3].empty()) return OptionFault::kKeyBesideKeys;
      options.keys = {i + 1, arguments.size() - 1};
      return OptionFault::kNone;
    } else {
      return OptionFault::kSyntax;
    }
  }
  return OptionFault::kNone;
}

// Before anything can be refused: the words behind AUTH and AUTH2 are nobody's to read in SLOWLOG.
void keep_secrets(Call& call) {
  for (std::size_t i = kFirstOption; i < call.size(); ++i) {
    if (call.is_word(i, "keys")) return;
    const std::size_t secrets = call.is_word(i, "auth") ? 1 : call.is_word(i, "auth2") ? 2 : 0;
    for (std::size_t n = 0; n < secrets && i + 1 < call.size(); ++n) call.keep_secret(++i);
  }
}

// As redis's: words that are no options are passed over, and without KEYS there is the key in its place. A KEYS that is
// the last word counts only beside another one, be that a password.
std::optional<KeyPositions> find_keys_to_migrate(std::span<const std::string_view> arguments) {
  const auto is_keys = [](std::string_view word) { return equals_ignore_case(word, "keys"); };
  const KeyPositions in_its_place{3, 3};
  const auto options = arguments.subspan(std::min(kFirstOption, arguments.size() - 1));
  if (std::none_of(options.begin(), options.end() - 1, is_keys)) return in_its_place;
  for (std::size_t i = kFirstOption; i < arguments.size(); ++i) {
    if (equals_ignore_case(arguments[i], "auth")) {
      ++i;
    } else if (equals_ignore_case(arguments[i], "auth2")) {
      i += 2;
    } else if (is_keys(arguments[i])) {
      if (!arguments[3].empty() || i + 1 == arguments.size()) return std::nullopt;
      return KeyPositions{i + 1, arguments.size() - 1};
    }
  }
  return in_its_place;
}

void add_bulk(std::string& out, std::string_view word) {
  std::array<char, 24> head;
  head[0] = '$';
  const std::size_t digits = write_int64(head.data() + 1, static_cast<std::int64_t>(word.size()));
  out.append(head.data(), 1 + digits).append("\r\n").append(word).append("\r\n");
}

// Writes one RESTORE after the other, and remembers where the keys are in it.
class RequestWriter {
 public:
  RequestWriter(const Call& call, bool replace)
      : now_(call.now.wall),
        head_(call.keyspace.context().cluster_mode
                  ? (replace ? "*5\r\n$14\r\nRESTORE-ASKING\r\n" : "*4\r\n$14\r\nRESTORE-ASKING\r\n")
                  : (replace ? "*5\r\n$7\r\nRESTORE\r\n" : "*4\r\n$7\r\nRESTORE\r\n")),
        tail_(replace ? "$7\r\nREPLACE\r\n" : ""),
        dumper_(call.services.config->rdbcompression) {}

  void add(const KeyRef& key, const Entry& entry) {
    out_ += head_;
    add_bulk(out_, key.bytes);
    keys_.push_back({key, out_.size() - 2 - key.bytes.size()});
    std::array<char, 20> digits;
    const std::size_t size = write_int64(digits.data(), entry.has_expiry() ? time_to_live(entry) : 0);
    add_bulk(out_, {digits.data(), size});
    add_bulk(out_, dumper_.dump(entry));
    out_ += tail_;
  }
  [[nodiscard]] bool empty() const { return keys_.empty(); }

  void put_into(Migration& migration) {
    migration.requests = std::move(out_);
    migration.keys.reserve(keys_.size());
    for (const Placed& placed : keys_) {
      const std::string_view bytes(migration.requests.data() + placed.at, placed.key.bytes.size());
      migration.keys.push_back({bytes, placed.key.hash, placed.key.slot});
    }
  }

 private:
  struct Placed {
    KeyRef key;
    std::size_t at;
  };

  // 0 would mean for ever.
  [[nodiscard]] std::int64_t time_to_live(const Entry& entry) const {
    return std::max<std::int64_t>((entry.expiry() - now_).count(), 1);
  }

  UnixMillis now_;
  std::string_view head_;
  std::string_view tail_;
  ValueDumper dumper_;
  std::string out_;
  std::vector<Placed> keys_;
};

// The misses of some keys overlap.
void dump_keys(Call& call, const KeyPositions& positions, RequestWriter& requests) {
  constexpr std::size_t kBatch = 16;
  Database& db = call.db();
  std::array<KeyRef, kBatch> refs;
  for (std::size_t from = positions.first; from <= positions.last; from += kBatch) {
    const std::size_t count = std::min(kBatch, positions.last + 1 - from);
    for (std::size_t i = 0; i < count; ++i) db.prefetch_head(refs[i] = db.ref(call.arg(from + i)));
    for (std::size_t i = 0; i < count; ++i) db.prefetch_bucket(refs[i]);
    for (std::size_t i = 0; i < count; ++i) db.prefetch_entry(refs[i]);
    for (std::size_t i = 0; i < count; ++i) {
      if (const Entry* entry = db.read(refs[i])) requests.add(refs[i], *entry);
    }
  }
}

void remove_arrived(Call& call, const Migrated& migrated) {
  std::vector<std::string_view> effect{"DEL"};
  for (const KeyRef& key : migrated.arrived) {
    if (call.db().erase(key)) effect.push_back(key.bytes);
  }
  if (effect.size() == 1 || call.effects == nullptr) return;
  tell_owed_removals(call.keyspace.context(), *call.effects);
  call.effects->add(call.session.db, effect);
}

// A transaction must be over when its replies are written. A replica that takes writes gets others' too, which no
// flight can keep waiting.
bool must_be_over_now(const Call& call) {
  return call.origin != CallOrigin::kClient || call.services.replication->is_replica();
}

void migrate(Call& call) {
  keep_secrets(call);
  MigrateOptions options;
  switch (read_options(call.arguments, options)) {
    case OptionFault::kNone: break;
    case OptionFault::kSyntax: call.reply.error(errors::kSyntax); return;
    case OptionFault::kKeyBesideKeys: call.reply.error(kKeyGivenTwice); return;
  }
  const auto timeout = call.integer(5);
  if (!timeout) return;
  const auto target_db = call.integer(4);
  if (!target_db) return;
  if (!call.arg(1).empty() && !is_host_text(call.arg(1))) {
    call.reply.error("ERR Invalid host");
    return;
  }
  const auto port = parse_int64(call.arg(2));
  if (!port || *port < 0 || *port > UINT16_MAX) {
    call.reply.error("ERR Invalid port");
    return;
  }

  RequestWriter requests(call, options.replace);
  if (options.keys.first <= options.keys.last) dump_keys(call, options.keys, requests);
  // What is removed leaves as an effect of its own.
  call.propagate_nothing();
  if (requests.empty()) {
    call.reply.status("NOKEY");
    return;
  }
  Migration migration;
  migration.host = call.arg(1);
  migration.port = call.arg(2);
  if (options.user != 0) migration.user = call.arg(options.user);
  if (options.password != 0) migration.password = call.arg(options.password);
  migration.source_db = call.session.db;
  migration.target_db = *target_db;
  // Longer than a day is for ever, and would not fit the clock.
  constexpr std::int64_t kLongest = std::int64_t{24} * 3600 * 1000 * 365;
  migration.timeout = *timeout > 0 ? milliseconds{std::min(*timeout, kLongest)} : kUsualTimeout;
  migration.copies = options.copy;
  migration.secrets = call.secrets;
  requests.put_into(migration);

  MigrationActions& migrations = *call.services.migrations;
  if (!must_be_over_now(call)) {
    call.suspend(SuspendReason::kMigrating);
    migrations.launch(call.session, std::move(migration));
    return;
  }
  const Migrated migrated = migrations.bring_over(migration);
  if (!options.copy) remove_arrived(call, migrated);
  if (migrated.error.empty()) {
    call.reply.ok();
  } else {
    call.reply.error(migrated.error);
  }
}

constexpr ArgSpec kKeyOrEmpty[] = {key_arg(), word_arg("empty_string", "")};
constexpr ArgSpec kUserAndPassword[] = {text_arg("username"), text_arg("password")};
constexpr ArgSpec kAuthentication[] = {
    optional(since("4.0.7", text_arg("password", "AUTH"))),
    {.name = "username_password",
     .type = ArgType::kBlock,
     .token = "AUTH2",
     .flags = arg_flag::kOptional,
     .since = "6.0.0",
     .arguments = kUserAndPassword}};
constexpr ArgSpec kMigrateArgs[] = {
    text_arg("host"),
    int_arg("port"),
    one_of("key_or_empty_string", kKeyOrEmpty),
    int_arg("destination-db"),
    int_arg("timeout"),
    optional(since("3.0.0", word_arg("copy", "COPY"))),
    optional(since("3.0.0", word_arg("replace", "REPLACE"))),
    optional(one_of("authentication", kAuthentication)),
    {.name = "key",
     .type = ArgType::kKey,
     .token = "KEYS",
     .flags = arg_flag::kOptional | arg_flag::kMultiple,
     .key_spec = 1,
     .since = "3.0.6"}};
constexpr HistoryEntry kMigrateHistory[] = {{"3.0.0", "COPY leaves the keys here, REPLACE takes the place of those there."},
                                            {"3.0.6", "KEYS names several keys."},
                                            {"4.0.7", "AUTH gives the target's password."},
                                            {"6.0.0", "AUTH2 gives a user of the target, and its password."}};
constexpr CommandSpec kMigrate{
    .name = "MIGRATE",
    .summary = "Brings keys to another node, and removes them here once they are there.",
    .complexity = "O(N), N being the size of the values: that of DUMP and DEL here and of RESTORE there",
    .since = "2.6.0",
    .group = Group::kGeneric,
    .arity = at_least(6),
    .flags = flag::kWrite | flag::kMovesSlot,
    .acl_also = category::kKeyspace | category::kDangerous,
    .keys = {key_at(3, key_use::kReadWrite | key_use::kAccess | key_use::kDelete),
             KeySpec{.use = key_use::kReadWrite | key_use::kAccess | key_use::kDelete | key_use::kIncomplete,
                     .search = KeySpec::Search::kKeyword,
                     .index = -2,
                     .keyword = "KEYS",
                     .last = -1}},
    .args = kMigrateArgs,
    .tips = {"nondeterministic_output"},
    .history = kMigrateHistory,
    .handler = migrate,
    .movable_keys = true,
    .find_movable_keys = find_keys_to_migrate,
    .unroutable = kKeyGivenTwice,
};

}  // namespace

SpecList migrate_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kMigrate};
  return kSpecs;
}

}  // namespace skein
