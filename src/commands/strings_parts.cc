// Strings in part: APPEND, STRLEN, GETRANGE, SUBSTR, SETRANGE.
#include <cstring>

#include <skein/commands/services.h>

#include "grammar.h"
#include "room.h"
#include "string_family.h"

namespace skein {

namespace {

// No string may become longer than what a client may send in one piece.
bool may_be_as_long(Call& call, std::uint64_t before, std::uint64_t more) {
  std::uint64_t total = 0;
  if (__builtin_add_overflow(before, more, &total) || total > call.services.config->proto_max_bulk_len) {
    call.reply.error(errors::kStringTooLong);
    return false;
  }
  return true;
}

// Whether the string can become so long. Where it has to move to grow it is there twice meanwhile.
bool can_become(Call& call, const Entry* entry, std::size_t size) {
  const std::size_t before = entry != nullptr ? entry->size() : 0;
  const std::size_t memory = entry != nullptr ? entry->memory() : 0;
  return size <= before || has_room(call, size - before, size > memory ? size : 0);
}

void append(Call& call) {
  const KeyRef key = call.key(1);
  const std::string_view tail = call.arg(2);
  const Entry* entry = call.db().find_to_change(key);
  if (entry == nullptr) {
    call.db().set_string(key, tail, Database::Expiry::kDrop, KeyEvent::kAppend);
    call.reply.integer(static_cast<std::int64_t>(tail.size()));
    return;
  }
  if (!is_string(call, *entry)) return;
  const std::size_t before = entry->size();
  if (!may_be_as_long(call, before, tail.size()) || !can_become(call, entry, before + tail.size())) return;
  char* bytes = call.db().resize_string(key, before + tail.size(), KeyEvent::kAppend);
  std::memcpy(bytes + before, tail.data(), tail.size());
  call.reply.integer(static_cast<std::int64_t>(before + tail.size()));
}

constexpr ArgSpec kAppendArgs[] = {key_arg(), text_arg("value")};
constexpr CommandSpec kAppend{
    .name = "APPEND",
    .summary = "Adds text to the end of the string stored at a key.",
    .complexity = "O(N), N being the length of what is added; room is doubled when it runs out",
    .since = "2.0.0",
    .group = Group::kString,
    .arity = exactly(3),
    .flags = flag::kWrite | flag::kDenyOom | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kInsert)},
    .args = kAppendArgs,
    .handler = append,
};

void strlen(Call& call) {
  const Entry* entry = call.db().read(call.key(1));
  if (entry == nullptr) {
    call.reply.integer(0);
  } else if (is_string(call, *entry)) {
    call.reply.integer(static_cast<std::int64_t>(entry->size()));
  }
}

constexpr ArgSpec kKeyOnly[] = {key_arg()};
constexpr CommandSpec kStrlen{
    .name = "STRLEN",
    .summary = "Returns the length of the string stored at a key.",
    .complexity = "O(1)",
    .since = "2.2.0",
    .group = Group::kString,
    .arity = exactly(2),
    .flags = flag::kReadOnly | flag::kFast,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadOnly)},
    .args = kKeyOnly,
    .handler = strlen,
};

// The bytes from `start` to `end`, both included; negative offsets count from the end.
std::string_view part(std::string_view text, std::int64_t start, std::int64_t end) {
  const auto size = static_cast<std::int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) return {};
  if (start < 0) start = std::max<std::int64_t>(start + size, 0);
  if (end < 0) end = std::max<std::int64_t>(end + size, 0);
  end = std::min(end, size - 1);
  if (start > end) return {};
  return text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start + 1));
}

void getrange(Call& call) {
  const auto start = call.integer(2);
  if (!start) return;
  const auto end = call.integer(3);
  if (!end) return;
  const Entry* entry = call.db().read(call.key(1));
  if (entry == nullptr) {
    call.reply.bulk({});
    return;
  }
  if (!is_string(call, *entry)) return;
  Entry::Scratch scratch;
  call.reply.bulk(part(entry->bytes(scratch), *start, *end));
}

constexpr ArgSpec kGetrangeArgs[] = {key_arg(), int_arg("start"), int_arg("end")};
constexpr CommandSpec kGetrange{
    .name = "GETRANGE",
    .summary = "Returns the part of a string between two offsets.",
    .complexity = "O(N), N being the length of the part returned",
    .since = "2.4.0",
    .group = Group::kString,
    .arity = exactly(4),
    .flags = flag::kReadOnly,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kGetrangeArgs,
    .handler = getrange,
};

constexpr CommandSpec kSubstr{
    .name = "SUBSTR",
    .summary = "Returns the part of a string between two offsets.",
    .complexity = "O(N), N being the length of the part returned",
    .since = "1.0.0",
    .group = Group::kString,
    .arity = exactly(4),
    .flags = flag::kReadOnly,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadOnly | key_use::kAccess)},
    .args = kGetrangeArgs,
    .doc_flags = doc_flag::kDeprecated,
    .deprecated_since = "2.0.0",
    .replaced_by = "`GETRANGE`",
    .handler = getrange,
};

void setrange(Call& call) {
  const auto offset = call.integer(2);
  if (!offset) return;
  if (*offset < 0) {
    call.reply.error(errors::kOffsetOutOfRange);
    return;
  }
  const KeyRef key = call.key(1);
  const std::string_view piece = call.arg(3);
  const Entry* entry = call.db().find_to_change(key);
  if (entry != nullptr && !is_string(call, *entry)) return;
  const std::size_t before = entry != nullptr ? entry->size() : 0;
  if (piece.empty()) {
    call.reply.integer(static_cast<std::int64_t>(before));
    return;
  }
  const auto at = static_cast<std::size_t>(*offset);
  if (!may_be_as_long(call, at, piece.size())) return;
  const std::size_t after = std::max(before, at + piece.size());
  if (!can_become(call, entry, after)) return;
  char* bytes = call.db().resize_string(key, after, KeyEvent::kSetrange);
  std::memcpy(bytes + at, piece.data(), piece.size());
  call.reply.integer(static_cast<std::int64_t>(after));
}

constexpr ArgSpec kSetrangeArgs[] = {key_arg(), int_arg("offset"), text_arg("value")};
constexpr CommandSpec kSetrange{
    .name = "SETRANGE",
    .summary = "Overwrites a string from an offset on; what is missing before it becomes zero bytes.",
    .complexity = "O(N), N being the length of the new piece and of the gap before it",
    .since = "2.2.0",
    .group = Group::kString,
    .arity = exactly(4),
    .flags = flag::kWrite | flag::kDenyOom,
    .acl_also = category::kString,
    .keys = {key_at(1, key_use::kReadWrite | key_use::kUpdate)},
    .args = kSetrangeArgs,
    .handler = setrange,
};

}  // namespace

SpecList string_part_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kAppend, &kStrlen, &kGetrange, &kSubstr, &kSetrange};
  return kSpecs;
}

}  // namespace skein
