#include "rdb_types.h"

#include <array>

#include <skein/base/assert.h>

namespace skein::rdb {

namespace {

constexpr std::uint8_t kString = 0;

Found find_string_end(Extent& extent, ValueProgress&, std::string_view bytes) { return extent.pass_string(bytes); }

OwnedEntry decode_string(Reader& reader, std::string_view key, std::optional<UnixMillis> expiry) {
  const auto value = reader.string();
  if (!value) return nullptr;
  if (value->integer) return OwnedEntry(Entry::create_integer(key, *value->integer, expiry));
  return OwnedEntry(Entry::create(key, value->bytes, expiry));
}

bool check_string(Reader& reader) { return reader.string().has_value(); }

constexpr std::array kRows{
    TypeRow{kString, "string", find_string_end, decode_string, check_string},
    TypeRow{1, "list"},
    TypeRow{2, "set"},
    TypeRow{3, "sorted set, scores as text"},
    TypeRow{4, "hash"},
    TypeRow{5, "sorted set"},
    TypeRow{6, "module value, before Redis 4.0"},
    TypeRow{7, "module value"},
    TypeRow{9, "hash as a zipmap"},
    TypeRow{10, "list as a ziplist"},
    TypeRow{11, "set as an intset"},
    TypeRow{12, "sorted set as a ziplist"},
    TypeRow{13, "hash as a ziplist"},
    TypeRow{14, "list of ziplists"},
    TypeRow{15, "stream, before Redis 7.0"},
    TypeRow{16, "hash as a listpack"},
    TypeRow{17, "sorted set as a listpack"},
    TypeRow{18, "list of listpacks"},
    TypeRow{19, "stream"},
    TypeRow{20, "set as a listpack"},
    TypeRow{21, "stream, since Redis 7.2"},
};

// Row numbers by type byte, so that a key costs no search.
constexpr auto kRowOf = [] {
  std::array<std::int8_t, 32> rows{};
  rows.fill(-1);
  for (std::size_t i = 0; i < kRows.size(); ++i) rows[kRows[i].type] = static_cast<std::int8_t>(i);
  return rows;
}();

}  // namespace

const TypeRow* find_type(std::uint8_t type) {
  if (type >= kRowOf.size() || kRowOf[type] < 0) return nullptr;
  return &kRows[static_cast<std::size_t>(kRowOf[type])];
}

std::uint8_t type_of(const Entry& entry) {
  SKEIN_ASSERT(entry.type() == ValueType::kString);
  return kString;
}

void encode_value(Encoder& encoder, const Entry& entry) {
  SKEIN_ASSERT(entry.type() == ValueType::kString);
  if (entry.is_integer()) {
    encoder.integer(entry.integer());
    return;
  }
  Entry::Scratch scratch;
  encoder.string(entry.bytes(scratch));
}

}  // namespace skein::rdb
