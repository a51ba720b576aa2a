// Values as bytes: DUMP gives one out, RESTORE takes it in. The payload itself is
// skein/persist/dump_payload.h.
#include <algorithm>

#include <skein/commands/services.h>
#include <skein/persist/dump_payload.h>

#include "expiry_options.h"
#include "families.h"
#include "grammar.h"
#include "room.h"

namespace skein {

namespace {

void dump(Call& call) {
  const Entry* entry = call.db().read(call.key(1));
  if (entry == nullptr) {
    call.reply.null();
  } else {
    call.reply.bulk(dump_value(*entry, call.services.config->rdbcompression));
  }
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  Database::KnownUse use;
};

// Nothing after a refusal was written. The two kinds of use exclude each other.
std::optional<RestoreOptions> parse_restore_options(Call& call) {
  RestoreOptions options;
  for (std::size_t i = 4; i < call.size(); ++i) {
    const bool more = i + 1 < call.size();
    if (call.is_word(i, "replace")) {
      options.replace = true;
    } else if (call.is_word(i, "absttl")) {
      options.absolute = true;
    } else if (call.is_word(i, "idletime") && more && !options.use.frequency) {
      const auto idle = call.integer(++i);
      if (!idle) return std::nullopt;
      if (*idle < 0) {
        call.reply.error(errors::kBadIdleTime);
        return std::nullopt;
      }
      options.use.idle = seconds{*idle};
    } else if (call.is_word(i, "freq") && more && !options.use.idle) {
      const auto frequency = call.integer(++i);
      if (!frequency) return std::nullopt;
      if (*frequency < 0 || *frequency > UINT8_MAX) {
        call.reply.error(errors::kBadFrequency);
        return std::nullopt;
      }
      options.use.frequency = static_cast<std::uint8_t>(*frequency);
    } else {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

// When the key shall expire: 0 as an argument means never. A time to live that 64 bits cannot hold
// comes out in the past, as with redis.
std::optional<UnixMillis> expiry_of(const Call& call, std::int64_t ttl, bool absolute) {
  if (ttl == 0) return std::nullopt;
  if (absolute) return UnixMillis{ttl};
  return UnixMillis{static_cast<std::int64_t>(static_cast<std::uint64_t>(ttl) +
                                              static_cast<std::uint64_t>(call.now.wall.value))};
}

// Replicas are told the moment, and nothing of the time that has passed on the way.
void propagate_restore(Call& call, UnixMillis expiry) {
  std::vector<std::string_view> effect(call.arguments.begin(), call.arguments.end());
  const Digits moment{expiry.value};
  effect[2] = moment;
  effect.emplace_back("ABSTTL");
  call.propagated = true;
  if (call.effects == nullptr) return;
  tell_owed_removals(call.keyspace.context(), *call.effects);
  call.effects->add(call.session.db, effect);
}

void restore(Call& call) {
  const auto options = parse_restore_options(call);
  if (!options) return;
  const KeyRef key = call.key(1);
  if (!options->replace && call.db().find_to_change(key) != nullptr) {
    call.reply.error(errors::kBusyKey);
    return;
  }
  const auto ttl = call.integer(2);
  if (!ttl) return;
  if (*ttl < 0) {
    call.reply.error(errors::kBadTtl);
    return;
  }
  if (!is_dump_payload(call.arg(3))) {
    call.reply.error(errors::kBadPayload);
    return;
  }
  // Twice, as it is unpacked first.
  const std::size_t unpacked = unpacked_size(call.arg(3));
  if (unpacked > call.arg(3).size() && !has_room(call, unpacked, 2 * unpacked)) return;
  const auto expiry = expiry_of(call, *ttl, options->absolute);
  auto entry = restore_value(call.arg(3), key.bytes, expiry);
  if (!entry) {
    call.reply.error(errors::kBadValue);
    return;
  }
  if (expiry && is_over(call, *expiry)) {
    if (options->replace && call.db().erase(key)) {
      call.propagate({"DEL", key.bytes});
    } else {
      call.propagate_nothing();
    }
  } else {
    (*entry)->set_access_clock(call.db().access_clock(options->use));
    call.db().adopt(key, std::move(*entry), KeyEvent::kRestore);
    if (expiry && !options->absolute) propagate_restore(call, *expiry);
  }
  call.reply.ok();
}

// Whoever brings keys here deletes his once he hears that they have arrived: they must not get lost with this node.
void restore_asking(Call& call) {
  if (call.origin == CallOrigin::kClient) call.services.replication->hold_replies(call.session);
  restore(call);
}

constexpr ArgSpec kDumpArgs[] = {key_arg()};
constexpr CommandSpec kDump{
    .name = "DUMP",
    .summary = "Returns what a key holds as bytes that RESTORE understands.",
    .complexity = "O(N), N being the size of the value",
    .since = "2.6.0",
    .group = Group::kGeneric,
    .arity = exactly(2),
    .flags = flag::kReadOnly,
    .acl_also = category::kKeyspace,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kDumpArgs,
    .tips = {"nondeterministic_output"},
    .handler = dump,
};

constexpr ArgSpec kRestoreArgs[] = {key_arg(),
                                    int_arg("ttl"),
                                    text_arg("serialized-value"),
                                    since("3.0.0", optional(word_arg("replace", "REPLACE"))),
                                    since("5.0.0", optional(word_arg("absttl", "ABSTTL"))),
                                    since("5.0.0", optional(int_arg("seconds", "IDLETIME"))),
                                    since("5.0.0", optional(int_arg("frequency", "FREQ")))};
constexpr HistoryEntry kRestoreHistory[] = {{"3.0.0", "REPLACE overwrites a key that is there."},
                                            {"5.0.0", "ABSTTL takes the time to live as a moment."},
                                            {"5.0.0", "IDLETIME and FREQ say how the key has been used."}};
constexpr CommandSpec kRestore{
    .name = "RESTORE",
    .summary = "Makes a key of bytes that DUMP has returned.",
    .complexity = "O(N), N being the size of the value",
    .since = "2.6.0",
    .group = Group::kGeneric,
    .arity = at_least(4),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kKeyspace | category::kDangerous,
    .keys = {key_at(1, key_use::kOverwrite | key_use::kUpdate)},
    .args = kRestoreArgs,
    .history = kRestoreHistory,
    .handler = restore,
};

constexpr CommandSpec kRestoreAsking{
    .name = "RESTORE-ASKING",
    .summary = "RESTORE into a slot that is being imported, as MIGRATE sends it.",
    .complexity = "O(N), N being the size of the value",
    .since = "3.0.0",
    .group = Group::kServer,
    .arity = at_least(4),
    .flags = flag::kWrite | flag::kDenyOom | flag::kAsking,
    .acl_also = category::kKeyspace | category::kDangerous,
    .keys = {key_at(1, key_use::kOverwrite | key_use::kUpdate)},
    .args = kRestoreArgs,
    .history = kRestoreHistory,
    .doc_flags = doc_flag::kSysCmd,
    .handler = restore_asking,
};

}  // namespace

SpecList dump_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kDump, &kRestore, &kRestoreAsking};
  return kSpecs;
}

}  // namespace skein
