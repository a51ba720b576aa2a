#include "client_lines.h"

#include <fmt/format.h>

#include <skein/base/text.h>
#include <skein/command/command.h>

namespace skein {

namespace {

// What redis gives a reply buffer before it begins a list of them.
constexpr std::size_t kReplyBlock = 16 * 1024;

bool is_replica(const Session& session) { return session.replica != nullptr && session.replica->is_replica(); }

// Bytes that a replica has still to be sent. They are in the replication log.
std::size_t owed_to(const Session& session) { return is_replica(session) ? session.replica->owed : 0; }

std::string flags_of(const Session& session) {
  std::string flags;
  if (is_replica(session)) flags += 'S';
  if (session.is_primary_link) flags += 'M';
  if (session.transaction != nullptr) flags += 'x';
  if (session.suspended != nullptr) flags += 'b';
  if (session.dirty_watch) flags += 'd';
  if (session.closing) flags += 'c';
  if (session.unix_socket) flags += 'U';
  if (session.readonly) flags += 'r';
  if (session.no_evict) flags += 'e';
  return flags.empty() ? "N" : flags;
}

std::size_t queue_memory(const Session& session) {
  if (session.transaction == nullptr) return 0;
  return session.transaction->bytes + session.transaction->calls.size() * sizeof(OwnedCall);
}

std::int64_t seconds_since(MonoTime then, MonoTime now) { return std::chrono::duration_cast<seconds>(now - then).count(); }

}  // namespace

std::optional<ClientClass> parse_client_class(std::string_view word) {
  if (equals_ignore_case(word, "normal")) return ClientClass::kNormal;
  if (equals_ignore_case(word, "slave") || equals_ignore_case(word, "replica")) return ClientClass::kReplica;
  if (equals_ignore_case(word, "pubsub")) return ClientClass::kPubsub;
  if (equals_ignore_case(word, "master")) return ClientClass::kPrimary;
  return std::nullopt;
}

// Nobody subscribes yet.
ClientClass class_of(const Session& session) {
  if (session.is_primary_link) return ClientClass::kPrimary;
  return is_replica(session) ? ClientClass::kReplica : ClientClass::kNormal;
}

std::size_t memory_of(const Session& session) {
  std::size_t bytes = session.output().memory() + session.name.capacity() + queue_memory(session);
  if (session.peer() != nullptr) bytes += session.peer()->input_figures().memory;
  for (const WatchedKey& watched : session.watched) bytes += sizeof watched + watched.key.size();
  return bytes;
}

std::string describe_session(const Session& session, MonoTime now, std::size_t argument_bytes) {
  const Peer::InputFigures input = session.peer() != nullptr ? session.peer()->input_figures() : Peer::InputFigures{};
  const Output& output = session.output();
  const std::size_t owed = owed_to(session);
  const bool writes = !output.empty() || owed != 0;
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={} qbuf={} "
      "qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={} cmd={} user={} "
      "redir=-1 resp={}\n",
      session.id(), session.address, session.local_address, session.descriptor, session.name,
      seconds_since(session.created, now), seconds_since(session.last_active, now), flags_of(session), session.db,
      session.transaction != nullptr ? static_cast<std::int64_t>(session.transaction->calls.size()) : -1, input.unread,
      input.memory - std::min(input.memory, input.unread), argument_bytes, queue_memory(session), output.memory(),
      output.memory(), output.size(), (output.size() + owed) / kReplyBlock, output.memory() + owed,
      sizeof session + memory_of(session) + owed + argument_bytes, writes && argument_bytes == 0 ? "rw" : "r",
      session.last_command != nullptr ? std::string_view(session.last_command->name) : "NULL", session.user,
      session.protocol());
}

}  // namespace skein
