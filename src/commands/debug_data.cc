// DEBUG OBJECT and DEBUG POPULATE: looking into the keyspace, and filling it.
#include "debug.h"

#include <skein/base/text.h>
#include <skein/commands/services.h>
#include <skein/persist/dump_payload.h>

#include "object_facts.h"

namespace skein {

namespace {

// What the value alone takes in a snapshot: of a payload without its type, version and checksum.
std::size_t serialized_length(const Entry& entry, bool compress) {
  constexpr std::size_t kAround = 1 + 2 + 8;
  return dump_value(entry, compress).size() - kAround;
}

}  // namespace

void debug_object(Call& call) {
  const Entry* entry = call.db().peek(call.key(2));
  if (entry == nullptr) {
    call.reply.error(errors::kNoSuchKey);
    return;
  }
  call.reply.status(fmt::format("Value at:{} refcount:{} encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
                                fmt::ptr(entry), reference_count(*entry, call.services.config.settings()),
                                encoding_name(entry->encoding()), serialized_length(*entry, call.services.config->rdbcompression),
                                entry->access_clock().value, call.db().idle_time(*entry).count()));
}

namespace {

// A number that may be nothing but positive; writes the refusal.
std::optional<std::size_t> read_count(Call& call, std::size_t position) {
  const auto count = parse_int64(call.arg(position));
  if (count && *count >= 0) return static_cast<std::size_t>(*count);
  call.reply.error("ERR value is out of range, must be positive");
  return std::nullopt;
}

}  // namespace

void debug_populate(Call& call) {
  constexpr std::size_t kMost = std::size_t{1} << 32;
  const auto count = read_count(call, 2);
  if (!count) return;
  if (*count > kMost) {
    call.reply.error("ERR value is out of range");
    return;
  }
  const std::string_view prefix = call.size() > 3 ? call.arg(3) : "key";
  std::size_t size = 0;
  if (call.size() == 5) {
    const auto given = read_count(call, 4);
    if (!given) return;
    size = *given;
  }
  if (size > call.services.config->proto_max_bulk_len) {
    call.reply.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return;
  }
  call.propagate_nothing();
  Database& db = call.db();
  for (std::size_t i = 0; i < *count; ++i) {
    const std::string name = fmt::format("{}:{}", prefix, i);
    const KeyRef key = db.ref(name);
    if (db.find(key) != nullptr) continue;
    std::string value = fmt::format("value:{}", i);
    if (size != 0) value.resize(size, '\0');
    db.set_string(key, value);
  }
  call.reply.ok();
}

}  // namespace skein
