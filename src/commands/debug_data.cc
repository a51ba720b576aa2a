// DEBUG OBJECT and DEBUG POPULATE: looking into the keyspace, and filling it.
#include "debug.h"

#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "object_facts.h"

namespace skein {

namespace {

// What a number takes in a snapshot; nothing when it is written as text.
std::optional<std::size_t> encoded_size(std::int64_t number) {
  if (number >= INT8_MIN && number <= INT8_MAX) return 2;
  if (number >= INT16_MIN && number <= INT16_MAX) return 3;
  if (number >= INT32_MIN && number <= INT32_MAX) return 5;
  return std::nullopt;
}

// What a string takes in a snapshot that is not compressed.
std::size_t encoded_size(std::string_view text) {
  constexpr std::size_t kLongestNumber = 11;
  if (text.size() <= kLongestNumber) {
    const auto number = parse_int64(text);
    if (number && encoded_size(*number)) return *encoded_size(*number);
  }
  constexpr std::size_t kShort = 1U << 6;
  constexpr std::size_t kMedium = 1U << 14;
  return text.size() + (text.size() < kShort ? 1 : text.size() < kMedium ? 2 : 5);
}

}  // namespace

void debug_object(Call& call) {
  const Entry* entry = call.db().peek(call.key(2));
  if (entry == nullptr) {
    call.reply.error(errors::kNoSuchKey);
    return;
  }
  Entry::Scratch scratch;
  call.reply.status(fmt::format("Value at:{} refcount:{} encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
                                fmt::ptr(entry), reference_count(*entry, call.services.config.settings()),
                                encoding_name(entry->encoding()), encoded_size(entry->bytes(scratch)),
                                entry->access_clock(), call.db().idle_time(*entry).count()));
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
