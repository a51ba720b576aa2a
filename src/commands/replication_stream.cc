// What replicas and those who wait for them say: REPLCONF, PSYNC, SYNC, WAIT. REPLICAOF and
// what describes replication are elsewhere.
#include "families.h"

#include <algorithm>

#include <skein/base/host_text.h>
#include <skein/base/text.h>
#include <skein/commands/services.h>

namespace skein {

namespace {

constexpr std::size_t kLongestFilter = 4096;
constexpr std::size_t kShownOfFilter = 128;
// Longer than this is for ever, and would not fit the clock.
constexpr std::int64_t kLongestMillis = std::int64_t{100} * 365 * 24 * 3600 * 1000;

ReplicaSession& introduced(Call& call) {
  if (call.session.replica == nullptr) call.session.replica = std::make_unique<ReplicaSession>();
  return *call.session.replica;
}

// What reading one option led to.
enum class Option : std::uint8_t { kTaken, kRefused, kEndsCall };

Option read_port(Call& call, std::size_t at) {
  const auto port = call.integer(at);
  if (!port) return Option::kRefused;
  introduced(call).listening_port = *port > 0 && *port <= 65535 ? static_cast<std::uint16_t>(*port) : std::uint16_t{0};
  return Option::kTaken;
}

Option read_address(Call& call, std::size_t at) {
  const std::string_view address = call.arg(at);
  if (address.size() > kLongestHost) {
    call.reply.error(fmt::format("ERR REPLCONF ip-address provided by replica instance is too long: {} bytes", address.size()));
    return Option::kRefused;
  }
  if (!address.empty() && !is_host_text(address)) {
    call.reply.error("ERR REPLCONF ip-address provided by replica instance is no address");
    return Option::kRefused;
  }
  introduced(call).announced_ip = address;
  return Option::kTaken;
}

// Words we do not know are of later versions: what they offer is not used.
Option read_capability(Call& call, std::size_t at) {
  if (call.is_word(at, "eof")) introduced(call).capable_of_eof = true;
  if (call.is_word(at, "psync2")) introduced(call).capable_of_psync2 = true;
  return Option::kTaken;
}

// Never answered: it stands between a replica's reads of the stream.
Option read_acknowledgement(Call& call, std::size_t at) {
  const auto offset = parse_int64(call.arg(at));
  if (!offset || call.session.replica == nullptr || !call.session.replica->is_replica()) return Option::kEndsCall;
  std::optional<ReplOffset> aof;
  if (at + 2 < call.size() && call.is_word(at + 1, "fack")) {
    if (const auto stored = parse_int64(call.arg(at + 2))) aof = ReplOffset{*stored};
  }
  call.services.replication->on_acknowledged(call.session, ReplOffset{*offset}, aof);
  return Option::kEndsCall;
}

Option read_question(Call& call) {
  if (call.services.replication->is_replica()) call.services.replication->acknowledge_to_primary();
  return Option::kEndsCall;
}

Option read_rdb_only(Call& call, std::size_t at) {
  const auto value = call.integer(at);
  if (!value) return Option::kRefused;
  if (*value < 0 || *value > 1) {
    call.reply.error("ERR value is out of range, value must between 0 and 1");
    return Option::kRefused;
  }
  introduced(call).rdb_only = *value == 1;
  return Option::kTaken;
}

// The words say what is wanted; none of them, nothing but the frame.
Option read_filter(Call& call, std::size_t at) {
  // One word is known: what is longer than people write holds another one, and would be cut into millions of pieces.
  if (call.arg(at).size() > kLongestFilter) {
    call.reply.error(fmt::format("ERR Unsupported rdb-filter-only option: {}", call.arg(at).substr(0, kShownOfFilter)));
    return Option::kRefused;
  }
  const auto words = split_words(call.arg(at));
  if (!words || call.arg(at).find('\0') != std::string_view::npos) {
    call.reply.error("ERR Missing rdb-filter-only values");
    return Option::kRefused;
  }
  ReplicaSession& replica = introduced(call);
  replica.wants_keys = replica.wants_functions = false;
  for (const std::string& word : *words) {
    if (!equals_ignore_case(word, "functions")) {
      call.reply.error(fmt::format("ERR Unsupported rdb-filter-only option: {}", word));
      return Option::kRefused;
    }
    replica.wants_functions = true;
  }
  return Option::kTaken;
}

Option read_option(Call& call, std::size_t at) {
  if (call.is_word(at, "listening-port")) return read_port(call, at + 1);
  if (call.is_word(at, "ip-address")) return read_address(call, at + 1);
  if (call.is_word(at, "capa")) return read_capability(call, at + 1);
  if (call.is_word(at, "ack")) return read_acknowledgement(call, at + 1);
  if (call.is_word(at, "getack")) return read_question(call);
  if (call.is_word(at, "rdb-only")) return read_rdb_only(call, at + 1);
  if (call.is_word(at, "rdb-filter-only")) return read_filter(call, at + 1);
  call.reply.error(fmt::format("ERR Unrecognized REPLCONF option: {}", call.arg(at)));
  return Option::kRefused;
}

void replconf(Call& call) {
  if (call.size() % 2 == 0) {
    call.reply.error(errors::kSyntax);
    return;
  }
  for (std::size_t i = 1; i < call.size(); i += 2) {
    if (read_option(call, i) != Option::kTaken) return;
  }
  call.reply.ok();
}

constexpr CommandSpec kReplconf{
    .name = "REPLCONF",
    .summary = "Between servers: a replica introduces itself and says how far it is.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale | flag::kAllowBusy | flag::kNeverPaused |
             flag::kSaidByReplicas,
    .doc_flags = doc_flag::kSysCmd,
    .handler = replconf,
};

void psync(Call& call) {
  const auto next_byte = call.integer(2);
  if (!next_byte) return;
  const bool takes_over = call.size() > 3 && call.is_word(3, "failover");
  call.services.replication->serve_replica(
      call.session, {.old_protocol = false, .id = call.arg(1), .next_byte = *next_byte, .takes_over = takes_over});
}

constexpr ArgSpec kPsyncArgs[] = {{.name = "replicationid"}, {.name = "offset", .type = ArgType::kInteger}};
constexpr CommandSpec kPsync{
    .name = "PSYNC",
    .summary = "Between servers: makes the connection a replica that goes on from an offset.",
    .since = "2.8.0",
    .group = Group::kServer,
    .arity = at_least(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kNoAsyncLoading | flag::kNoMulti | flag::kChangesConnection,
    .args = kPsyncArgs,
    .handler = psync,
};

void sync(Call& call) {
  call.services.replication->serve_replica(call.session, {.old_protocol = true, .id = "?", .next_byte = -1});
}

constexpr CommandSpec kSync{
    .name = "SYNC",
    .summary = "Between servers: makes the connection a replica, from the beginning.",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = exactly(1),
    .flags = flag::kAdmin | flag::kNoScript | flag::kNoAsyncLoading | flag::kNoMulti | flag::kChangesConnection,
    .handler = sync,
};

void wait(Call& call) {
  ReplicationActions& replication = *call.services.replication;
  if (replication.is_replica()) {
    call.reply.error(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
        "to be writable (which is not the default) writes to replicas are just local and are not propagated.");
    return;
  }
  const auto wanted = call.integer(1);
  if (!wanted) return;
  const auto timeout = call.integer(2, "ERR timeout is not an integer or out of range");
  if (!timeout) return;
  if (*timeout < 0) {
    call.reply.error("ERR timeout is negative");
    return;
  }
  const std::uint64_t acknowledged = replication.acknowledged_by(call.session);
  const bool enough = *wanted <= 0 || acknowledged >= static_cast<std::uint64_t>(*wanted);
  if (enough || call.origin != CallOrigin::kClient) {
    call.reply.integer(static_cast<std::int64_t>(acknowledged));
    return;
  }
  const MonoTime until =
      *timeout == 0 ? MonoTime{} : call.now.mono + milliseconds{std::min(*timeout, kLongestMillis)};
  call.suspend(SuspendReason::kReplicas);
  replication.await_replicas(call.session, static_cast<std::uint64_t>(*wanted), until);
}

constexpr ArgSpec kWaitArgs[] = {
    {.name = "numreplicas", .type = ArgType::kInteger},
    {.name = "timeout", .type = ArgType::kInteger},
};
constexpr CommandSpec kWait{
    .name = "WAIT",
    .summary = "Waits until so many replicas have acknowledged what this connection wrote.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kGeneric,
    .arity = exactly(3),
    .flags = flag::kNoScript | flag::kChangesConnection,
    .acl_also = category::kConnection,
    .args = kWaitArgs,
    .tips = {"request_policy:all_shards", "response_policy:agg_min"},
    .handler = wait,
};

}  // namespace

SpecList replication_stream_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kPsync, &kReplconf, &kSync, &kWait};
  return kSpecs;
}

}  // namespace skein
