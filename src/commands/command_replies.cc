#include "command_replies.h"

#include <algorithm>
#include <bit>

#include <skein/base/text.h>

#include "command_names.h"

namespace skein {

namespace {

// Where the keys stand, as older clients want it: first, last and step in one.
struct LegacyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};

bool is_plain(const KeySpec& spec) {
  return spec.search == KeySpec::Search::kIndex && spec.find == KeySpec::Find::kRange;
}

int absolute_last(const KeySpec& spec) { return spec.last >= 0 ? spec.index + spec.last : spec.last; }

// Several specs become one range where they lie side by side; otherwise it says "no keys"
// and clients have to ask.
LegacyRange legacy_range(const CommandSpec& command) {
  if (command.keys.size() == 1 && is_plain(*command.keys.begin())) {
    const KeySpec& only = *command.keys.begin();
    return {only.index, absolute_last(only), only.step};
  }
  LegacyRange range;
  for (const KeySpec& spec : command.keys) {
    if (!is_plain(spec)) continue;
    const bool apart = range.first != 0 && range.last != spec.index - 1;
    if (spec.step != 1 || apart) return {};
    if (range.first == 0) range.first = spec.index;
    range.last = absolute_last(spec);
    range.step = 1;
  }
  return range;
}

bool has_movable_keys(const CommandSpec& spec) {
  return spec.movable_keys || !std::all_of(spec.keys.begin(), spec.keys.end(), is_plain);
}

void write_names(ReplyWriter& reply, std::span<const BitName> names, std::uint32_t bits, std::string_view before) {
  for (const auto& [bit, name] : names) {
    if ((bits & bit) != 0) reply.status(fmt::format("{}{}", before, name));
  }
}

std::size_t count_names(std::span<const BitName> names, std::uint32_t bits) {
  return static_cast<std::size_t>(
      std::count_if(names.begin(), names.end(), [&](const BitName& name) { return (bits & name.bit) != 0; }));
}

void write_flags(ReplyWriter& reply, const CommandSpec& spec) {
  const bool movable = has_movable_keys(spec);
  reply.set(count_names(kFlagNames, spec.flags) + (movable ? 1 : 0));
  write_names(reply, kFlagNames, spec.flags, "");
  if (movable) reply.status("movablekeys");
}

void write_field(ReplyWriter& reply, std::string_view name, int value) {
  reply.bulk(name);
  reply.integer(value);
}

void write_search(ReplyWriter& reply, const KeySpec& spec) {
  reply.map(2);
  reply.bulk("type");
  switch (spec.search) {
    case KeySpec::Search::kIndex:
      reply.bulk("index");
      reply.bulk("spec");
      reply.map(1);
      write_field(reply, "index", spec.index);
      break;
    case KeySpec::Search::kKeyword:
      reply.bulk("keyword");
      reply.bulk("spec");
      reply.map(2);
      reply.bulk("keyword");
      reply.bulk(spec.keyword);
      write_field(reply, "startfrom", spec.index);
      break;
    case KeySpec::Search::kUnknown:
      reply.bulk("unknown");
      reply.bulk("spec");
      reply.map(0);
      break;
  }
}

void write_find(ReplyWriter& reply, const KeySpec& spec) {
  reply.map(2);
  reply.bulk("type");
  switch (spec.find) {
    case KeySpec::Find::kRange:
      reply.bulk("range");
      reply.bulk("spec");
      reply.map(3);
      write_field(reply, "lastkey", spec.last);
      write_field(reply, "keystep", spec.step);
      write_field(reply, "limit", spec.limit);
      break;
    case KeySpec::Find::kKeyNum:
      reply.bulk("keynum");
      reply.bulk("spec");
      reply.map(3);
      write_field(reply, "keynumidx", spec.count_at);
      write_field(reply, "firstkey", spec.first_after_count);
      write_field(reply, "keystep", spec.step);
      break;
    case KeySpec::Find::kUnknown:
      reply.bulk("unknown");
      reply.bulk("spec");
      reply.map(0);
      break;
  }
}

void write_key_spec(ReplyWriter& reply, const KeySpec& spec) {
  reply.map(spec.notes.empty() ? 3 : 4);
  if (!spec.notes.empty()) {
    reply.bulk("notes");
    reply.bulk(spec.notes);
  }
  reply.bulk("flags");
  write_key_use(reply, spec.use);
  reply.bulk("begin_search");
  write_search(reply, spec);
  reply.bulk("find_keys");
  write_find(reply, spec);
}

}  // namespace

std::uint32_t find_category(std::string_view name) {
  const auto* at = std::find_if(std::begin(kCategoryNames), std::end(kCategoryNames),
                                [&](const BitName& each) { return equals_ignore_case(each.name, name); });
  return at == std::end(kCategoryNames) ? 0 : at->bit;
}

void write_key_use(ReplyWriter& reply, std::uint32_t use) {
  reply.set(count_names(kKeyUseNames, use));
  write_names(reply, kKeyUseNames, use, "");
}

void write_command_row(ReplyWriter& reply, const Command& command) {
  const CommandSpec& spec = *command.spec;
  const LegacyRange range = legacy_range(spec);
  const std::uint32_t categories = acl_categories(spec);
  reply.array(10);
  reply.bulk(command.name);
  reply.integer(spec.arity);
  write_flags(reply, spec);
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  reply.set(count_names(kCategoryNames, categories));
  write_names(reply, kCategoryNames, categories, "@");
  reply.set(spec.tips.size());
  for (const std::string_view tip : spec.tips) reply.bulk(tip);
  reply.set(spec.keys.size());
  for (const KeySpec& key : spec.keys) write_key_spec(reply, key);
  if (command.subcommands.empty()) {
    reply.set(0);
    return;
  }
  reply.array(command.subcommands.size());
  for (const Command* sub : command.subcommands) write_command_row(reply, *sub);
}

}  // namespace skein
