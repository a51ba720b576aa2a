// The server family's list, and its small members: DBSIZE, FLUSHALL, FLUSHDB, TIME, LOLWUT. The others have files of their own.
#include "families.h"

#include <skein/commands/services.h>
#include <skein/commands/version.h>

#include "security_words.h"
#include "server_specs.h"

namespace skein {

namespace {

void dbsize(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.db().size())); }

constexpr CommandSpec kDbsize{
    .name = "DBSIZE",
    .summary = "Counts the keys of the database.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = exactly(1),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kKeyspace,
    .tips = {"request_policy:all_shards", "response_policy:agg_sum"},
    .handler = dbsize,
};

// Where the memory is freed; nothing when the arguments are refused.
std::optional<bool> frees_later(Call& call) {
  if (call.size() == 1) return call.services.config->lazyfree_lazy_user_flush;
  if (call.size() == 2 && call.is_word(1, "async")) return true;
  if (call.size() == 2 && call.is_word(1, "sync")) return false;
  call.reply.error(errors::kSyntax);
  return std::nullopt;
}

void flush(Call& call, int db) {
  const auto later = frees_later(call);
  if (!later) return;
  auto tables = call.keyspace.flush(db);
  if (db < 0) call.services.snapshots->on_flushed_all();
  if (*later) call.services.actions.free_later(std::move(tables));
  // Replicas hear of it also when there was nothing to remove here.
  call.propagated = true;
  if (call.effects != nullptr) call.effects->add(call.session.db, call.arguments);
  call.reply.ok();
}

void flushall(Call& call) { flush(call, -1); }

constexpr ArgSpec kFlushallArgsAsync[] = {
    {.name = "async", .type = ArgType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC", .since = "6.2.0"},
};
constexpr ArgSpec kFlushallArgs[] = {
    {.name = "async", .type = ArgType::kOneOf, .flags = arg_flag::kOptional, .arguments = kFlushallArgsAsync},
};
constexpr HistoryEntry kFlushallHistory[] = {
    {"4.0.0", "The mode ASYNC."},
    {"6.2.0", "The mode SYNC."},
};
constexpr CommandSpec kFlushall{
    .name = "FLUSHALL",
    .summary = "Removes all keys of all databases.",
    .complexity = "O(N), N being the keys",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kWrite,
    .acl_also = category::kKeyspace | category::kDangerous,
    .args = kFlushallArgs,
    .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
    .history = kFlushallHistory,
    .handler = flushall,
};

void flushdb(Call& call) { flush(call, call.session.db); }

constexpr ArgSpec kFlushdbArgsAsync[] = {
    {.name = "async", .type = ArgType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC", .since = "6.2.0"},
};
constexpr ArgSpec kFlushdbArgs[] = {
    {.name = "async", .type = ArgType::kOneOf, .flags = arg_flag::kOptional, .arguments = kFlushdbArgsAsync},
};
constexpr HistoryEntry kFlushdbHistory[] = {
    {"4.0.0", "The mode ASYNC."},
    {"6.2.0", "The mode SYNC."},
};
constexpr CommandSpec kFlushdb{
    .name = "FLUSHDB",
    .summary = "Removes all keys of the database.",
    .complexity = "O(N), N being the keys",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kWrite,
    .acl_also = category::kKeyspace | category::kDangerous,
    .args = kFlushdbArgs,
    .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
    .history = kFlushdbHistory,
    .handler = flushdb,
};

void time(Call& call) {
  constexpr std::int64_t kMicros = 1'000'000;
  const std::int64_t now = call.services.actions.wall_micros();
  call.reply.array(2);
  call.reply.bulk_integer(now / kMicros);
  call.reply.bulk_integer(now % kMicros);
}

constexpr CommandSpec kTime{
    .name = "TIME",
    .summary = "Tells the time.",
    .complexity = "O(1)",
    .since = "2.6.0",
    .group = Group::kServer,
    .arity = exactly(1),
    .flags = flag::kLoading | flag::kStale | flag::kFast,
    .tips = {"nondeterministic_output"},
    .handler = time,
};

void lolwut(Call& call) {
  if (call.size() >= 3 && call.is_word(1, "version") && !call.integer(2)) return;
  call.reply.verbatim("txt", fmt::format("Redis ver. {}\n", kRedisVersion));
}

constexpr ArgSpec kLolwutArgs[] = {
    {.name = "version", .type = ArgType::kInteger, .token = "VERSION", .flags = arg_flag::kOptional},
};
constexpr CommandSpec kLolwut{
    .name = "LOLWUT",
    .summary = "Tells the version.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kReadOnly | flag::kFast,
    .args = kLolwutArgs,
    .handler = lolwut,
};

}  // namespace

SpecList server_commands() {
  static constexpr const CommandSpec* kSpecs[] = {
      &kAcl,  &kConfig, &kDbsize, &kDebug,   &kFailover, &kFlushall, &kFlushdb, &kInfo, &kLatency,  &kLolwut,
      &kMemory, &kRole, &kShutdown, &kSlowlog, &kTime,    &kPostWord, &kHostWord,
  };
  return kSpecs;
}

}  // namespace skein
