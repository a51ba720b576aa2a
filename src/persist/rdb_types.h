// The value types of RDB files, one row each: its byte, its name, and how it is read and written.
//
// A type that is not built yet has a row with a name alone: a file that holds one is refused by
// name. Building it means filling the row.
#pragma once

#include <optional>
#include <string_view>

#include <skein/keyspace/entry.h>

#include "rdb_encoder.h"
#include "rdb_reader.h"

namespace skein::rdb {

// What finding a value's end has to remember between pieces, beside the place: for a row's
// `find_end` to use as it likes. All zero at the value's beginning.
struct ValueProgress {
  std::uint64_t left = 0;
  std::uint32_t step = 0;
};

struct TypeRow {
  std::uint8_t type;
  std::string_view name;
  // Passes over the value, which `extent` stands before or in, as far as the bytes go.
  Found (*find_end)(Extent& extent, ValueProgress& progress, std::string_view bytes) = nullptr;
  // Makes an entry of a value; null with the reader's `problem` when it is damaged.
  OwnedEntry (*decode)(Reader& reader, std::string_view key, std::optional<UnixMillis> expiry) = nullptr;
  // The same without the entry: whether `decode` would make one.
  bool (*check)(Reader& reader) = nullptr;

  [[nodiscard]] bool is_built() const { return decode != nullptr; }
};

// The row of a type, or null when no version we read has such a type.
[[nodiscard]] const TypeRow* find_type(std::uint8_t type);

// The type byte that a value is written with, and the value behind it.
[[nodiscard]] std::uint8_t type_of(const Entry& entry);
void encode_value(Encoder& encoder, const Entry& entry);

}  // namespace skein::rdb
