// REPLICAOF and its old name: whose replica this node is, changed while it runs. How one
// becomes a replica is the node's.
#include "families.h"

#include <fmt/format.h>

#include <skein/base/host_text.h>
#include <skein/commands/services.h>

#include "client_lines.h"
#include "grammar.h"

namespace skein {

namespace {

// Who asked, as the log shows it.
std::string asked_by(const Call& call) {
  std::size_t argument_bytes = 0;
  for (const std::string_view argument : call.arguments) argument_bytes += argument.size();
  std::string line = describe_session(call.session, call.now.mono, argument_bytes);
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

void become_primary(Call& call) {
  ReplicationActions& replication = *call.services.replication;
  if (!replication.is_replica()) return;
  replication.stop_following();
  call.services.actions.log_notice(fmt::format("MASTER MODE enabled (user request from '{}')", asked_by(call)));
}

void replicaof(Call& call) {
  ReplicationActions& replication = *call.services.replication;
  // There a node's primary is the cluster's to decide.
  if (call.services.config->cluster_enabled) {
    call.reply.error("ERR REPLICAOF not allowed in cluster mode.");
    return;
  }
  if (replication.is_failing_over()) {
    call.reply.error("ERR REPLICAOF not allowed while failing over.");
    return;
  }
  if (call.is_word(1, "no") && call.is_word(2, "one")) {
    become_primary(call);
    call.reply.ok();
    return;
  }
  if (call.session.replica != nullptr && call.session.replica->is_replica()) {
    call.reply.error("ERR Command is not valid when client is a replica.");
    return;
  }
  constexpr std::string_view kInvalidPort = "ERR Invalid master port";
  const auto port = call.integer(2, kInvalidPort);
  if (!port) return;
  if (*port < 0 || *port > 65535) {
    call.reply.error(kInvalidPort);
    return;
  }
  if (!is_host_text(call.arg(1))) {
    call.reply.error("ERR Invalid master host");
    return;
  }
  if (!replication.follow(call.arg(1), static_cast<std::uint16_t>(*port))) {
    call.services.actions.log_notice(
        "REPLICAOF would result into synchronization with the master we are already connected with. No operation "
        "performed.");
    replication.hurry_link();
    call.reply.status("OK Already connected to specified master");
    return;
  }
  call.services.actions.log_notice(
      fmt::format("REPLICAOF {}:{} enabled (user request from '{}')", call.arg(1), *port, asked_by(call)));
  call.reply.ok();
}

constexpr ArgSpec kAddress[] = {text_arg("host"), int_arg("port")};
constexpr ArgSpec kNobody[] = {word_arg("no", "NO"), word_arg("one", "ONE")};
constexpr ArgSpec kWhom[] = {block_arg("host-port", kAddress), block_arg("no-one", kNobody)};
constexpr ArgSpec kReplicaofArgs[] = {{.name = "args", .type = ArgType::kOneOf, .arguments = kWhom}};

constexpr CommandSpec kReplicaof{
    .name = "REPLICAOF",
    .summary = "Makes the server a replica of another one, or a primary again.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kServer,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kStale | flag::kNoAsyncLoading,
    .args = kReplicaofArgs,
    .handler = replicaof,
};

constexpr CommandSpec kSlaveof{
    .name = "SLAVEOF",
    .summary = "REPLICAOF by its old name.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kStale | flag::kNoAsyncLoading,
    .args = kReplicaofArgs,
    .doc_flags = doc_flag::kDeprecated,
    .deprecated_since = "5.0.0",
    .replaced_by = "`REPLICAOF`",
    .handler = replicaof,
};

}  // namespace

SpecList replicaof_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kReplicaof, &kSlaveof};
  return kSpecs;
}

}  // namespace skein
