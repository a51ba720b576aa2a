// A session as CLIENT LIST shows it, and what sessions are sorted into.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <skein/base/time.h>
#include <skein/session/session.h>

namespace skein {

enum class ClientClass : std::uint8_t { kNormal, kReplica, kPubsub, kPrimary };

// By the word TYPE takes, in any case.
[[nodiscard]] std::optional<ClientClass> parse_client_class(std::string_view word);
[[nodiscard]] ClientClass class_of(const Session& session);

// Bytes the session holds beyond its own object.
[[nodiscard]] std::size_t memory_of(const Session& session);

// One line, with its end. `argument_bytes` of the call it is executing, if it is.
[[nodiscard]] std::string describe_session(const Session& session, MonoTime now, std::size_t argument_bytes);

}  // namespace skein
