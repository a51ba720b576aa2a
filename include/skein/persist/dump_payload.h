// DUMP's payload: one value as in an RDB file, the format's version and a checksum. What
// MIGRATE sends and RESTORE takes.
#pragma once

#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/keyspace/database.h>

namespace skein {

[[nodiscard]] std::string dump_value(const Entry& entry);

// Version and checksum agree with the bytes; nothing is said of the value inside.
[[nodiscard]] bool is_dump_payload(std::string_view payload);

// Creates `key`, which is not there, from a payload. An error, and nothing created, when the
// value is damaged or of a type that is not built yet. The payload passed is_dump_payload.
[[nodiscard]] Result<void> restore_value(std::string_view payload, Database& db, const KeyRef& key,
                                         std::optional<UnixMillis> expiry);

}  // namespace skein
