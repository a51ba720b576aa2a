// ROLE, and FAILOVER, which exchanges two nodes' roles.
#include <skein/commands/services.h>

#include "followed_primary.h"
#include "grammar.h"
#include "server_specs.h"

namespace skein {

namespace {

using Primary = ReplicationFacts::Primary;

std::string_view state_of(Primary::Link link) {
  switch (link) {
    case Primary::Link::kNone:
    case Primary::Link::kConnect: return "connect";
    case Primary::Link::kConnecting: return "connecting";
    case Primary::Link::kHandshake: return "handshake";
    case Primary::Link::kSyncing: return "sync";
    case Primary::Link::kConnected: return "connected";
  }
  return "unknown";
}

void role_of_replica(ReplyWriter& reply, const Primary& primary) {
  const bool connected = primary.link == Primary::Link::kConnected;
  reply.array(5);
  reply.bulk("slave");
  reply.bulk(primary.host);
  reply.integer(primary.port);
  reply.bulk(state_of(primary.link));
  reply.integer(connected ? primary.offset.value : -1);
}

void role(Call& call) {
  const ReplicationFacts facts = call.services.replication->replication_facts();
  if (const auto primary = followed_primary(facts, call.services)) {
    role_of_replica(call.reply, *primary);
    return;
  }
  call.reply.array(3);
  call.reply.bulk("master");
  call.reply.integer(facts.offset.value);
  std::vector<const ReplicationFacts::Replica*> online;
  for (const auto& replica : facts.replicas) {
    if (replica.is_online) online.push_back(&replica);
  }
  call.reply.array(online.size());
  for (const auto* replica : online) {
    call.reply.array(3);
    call.reply.bulk(replica->ip);
    call.reply.bulk(fmt::format("{}", replica->port));
    call.reply.bulk(fmt::format("{}", replica->offset.value));
  }
}

// Longer than this is for ever, and would not fit the clock.
constexpr std::int64_t kLongestMillis = std::int64_t{100} * 365 * 24 * 3600 * 1000;

// FAILOVER [TO host port [FORCE]] [TIMEOUT ms]; nothing when a refusal was written.
std::optional<FailoverRequest> parse_failover(Call& call) {
  FailoverRequest request;
  bool has_target = false;
  bool has_timeout = false;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (!has_timeout && call.is_word(i, "timeout") && i + 1 < call.size()) {
      const auto timeout = call.integer(++i);
      if (!timeout) return std::nullopt;
      if (*timeout <= 0) {
        call.reply.error("ERR FAILOVER timeout must be greater than 0");
        return std::nullopt;
      }
      request.timeout = milliseconds{std::min(*timeout, kLongestMillis)};
      has_timeout = true;
    } else if (!has_target && call.is_word(i, "to") && i + 2 < call.size()) {
      const auto port = call.integer(i + 2);
      if (!port) return std::nullopt;
      request.host = call.arg(i + 1);
      // No replica has another one, so that it is refused as unknown.
      request.port = *port > 0 && *port <= 65535 ? static_cast<std::uint16_t>(*port) : std::uint16_t{0};
      has_target = true;
      i += 2;
    } else if (!request.force && call.is_word(i, "force")) {
      request.force = true;
    } else {
      call.reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return request;
}

void failover(Call& call) {
  if (call.services.config->cluster_enabled) {
    call.reply.error("ERR FAILOVER not allowed in cluster mode.");
    return;
  }
  Result<void> done;
  if (call.size() == 2 && call.is_word(1, "abort")) {
    done = call.services.replication->abort_failover();
  } else {
    const auto request = parse_failover(call);
    if (!request) return;
    done = call.services.replication->begin_failover(*request);
  }
  if (done) {
    call.reply.status("OK");
  } else {
    call.reply.error(done.error().message());
  }
}

constexpr ArgSpec kTarget[] = {text_arg("host"), int_arg("port"), optional(word_arg("force", "FORCE"))};
constexpr ArgSpec target_arg() {
  ArgSpec target = block_arg("target", kTarget);
  target.token = "TO";
  return target;
}
constexpr ArgSpec kFailoverArgs[] = {optional(target_arg()), optional(word_arg("abort", "ABORT")),
                                     optional(int_arg("milliseconds", "TIMEOUT"))};

}  // namespace

constexpr CommandSpec kRole{
    .name = "ROLE",
    .summary = "Tells whether the server is a primary or a replica, and of whom.",
    .complexity = "O(1)",
    .since = "2.8.12",
    .group = Group::kServer,
    .arity = exactly(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast,
    .acl_also = category::kAdmin | category::kDangerous,
    .handler = role,
};

constexpr CommandSpec kFailover{
    .name = "FAILOVER",
    .summary = "Hands the role of primary over to a replica and becomes its replica.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kAdmin | flag::kNoScript | flag::kStale,
    .args = kFailoverArgs,
    .handler = failover,
};

}  // namespace skein
