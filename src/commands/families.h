// Each family's list of specs; table.cc joins them.
#pragma once

#include <span>

#include <skein/command/spec.h>

namespace skein {

using SpecList = std::span<const CommandSpec* const>;

[[nodiscard]] SpecList string_commands();
[[nodiscard]] SpecList key_commands();
[[nodiscard]] SpecList dump_commands();
[[nodiscard]] SpecList migrate_commands();
[[nodiscard]] SpecList connection_commands();
[[nodiscard]] SpecList transaction_commands();
[[nodiscard]] SpecList server_commands();
[[nodiscard]] SpecList introspection_commands();
[[nodiscard]] SpecList cluster_commands();
[[nodiscard]] SpecList replication_stream_commands();
[[nodiscard]] SpecList replicaof_commands();
[[nodiscard]] SpecList persistence_commands();

}  // namespace skein
