#include <skein/command/command.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include <skein/base/text.h>
#include <skein/session/gates.h>

namespace skein {

namespace {

// A name's first sixteen bytes as two words with the letters' case folded. Other bytes of
// command names (digits, `-`, `:`, `_`) survive the fold or are told apart by the full compare.
struct Folded {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

Folded fold(std::string_view name) {
  constexpr std::uint64_t kLower = 0x2020202020202020;
  Folded f;
  if (name.size() >= 8) {
    std::memcpy(&f.low, name.data(), 8);
    std::memcpy(&f.high, name.data() + 8, std::min<std::size_t>(name.size() - 8, 8));
  } else if (name.size() >= 4) {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::memcpy(&a, name.data(), 4);
    std::memcpy(&b, name.data() + name.size() - 4, 4);
    f.low = a;
    f.high = b;
  } else {
    for (std::size_t i = 0; i < name.size(); ++i) f.low |= std::uint64_t{static_cast<unsigned char>(name[i])} << (8 * i);
  }
  f.low |= kLower;
  f.high |= kLower;
  return f;
}

// Whether a name's folded words tell it from every other text of its size: a letter can
// only come from its two cases, other bytes from several.
bool is_whole(std::string_view called) {
  return called.size() <= 16 && std::all_of(called.begin(), called.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::uint64_t mix(const Folded& f, std::size_t size) {
  std::uint64_t h = (f.low ^ (f.high * 0x9e3779b97f4a7c15) ^ size) * 0xff51afd7ed558ccd;
  return h ^ (h >> 32);
}

// Which gates a command has to pass, from its flags.
std::uint32_t gates_of(const CommandSpec& spec) {
  std::uint32_t gates = gate::kReplyMode | gate::kOneShot;
  const auto has = [&](std::uint32_t f) { return (spec.flags & f) != 0; };
  if (!has(flag::kNoAuth)) gates |= gate::kAuth;
  if (!has(flag::kRunsInMulti)) gates |= gate::kMulti;
  if (!spec.keys.empty() || spec.movable_keys) gates |= gate::kCluster | gate::kFlight;
  if (!has(flag::kNeverPaused)) gates |= gate::kPauseAll;
  if (has(flag::kWrite | flag::kMayReplicate)) gates |= gate::kPauseWrite | gate::kLease;
  if (has(flag::kDenyOom)) gates |= gate::kMemory;
  if (has(flag::kWrite)) gates |= gate::kReadOnly | gate::kDisk | gate::kFewReplicas;
  if (has(flag::kTellsDiskTrouble)) gates |= gate::kDisk;
  if (!has(flag::kStale)) gates |= gate::kStale;
  if (!has(flag::kLoading)) gates |= gate::kLoading;
  if (has(flag::kDebug)) gates |= gate::kDebug;
  if (has(flag::kExecutes)) gates |= gate::kCluster | gate::kFlight | gate::kJudgedByCalls;
  return gates;
}

}  // namespace

std::uint32_t acl_categories(const CommandSpec& spec) {
  std::uint32_t c = spec.acl_also;
  const auto has = [&](std::uint32_t f) { return (spec.flags & f) != 0; };
  if (has(flag::kWrite)) c |= category::kWrite;
  // Reading commands without keys (as scripts' containers) are no @read; redis excludes @scripting.
  if (has(flag::kReadOnly) && (c & category::kScripting) == 0) c |= category::kRead;
  if (has(flag::kAdmin)) c |= category::kAdmin | category::kDangerous;
  if (has(flag::kPubsub)) c |= category::kPubsub;
  if (has(flag::kFast)) c |= category::kFast;
  if (has(flag::kBlocking)) c |= category::kBlocking;
  if ((c & category::kFast) == 0) c |= category::kSlow;
  return c;
}

CommandTable::CommandTable(std::span<const CommandSpec* const> specs) {
  for (const CommandSpec* spec : specs) top_level_.push_back(add(*spec, nullptr));
  rebuild_index();
}

Command* CommandTable::add(const CommandSpec& spec, Command* container) {
  all_.push_back(std::make_unique<Command>());
  Command* command = all_.back().get();
  command->spec = &spec;
  command->handler = spec.handler;
  command->arity = spec.arity;
  command->gates = gates_of(spec);
  command->index = static_cast<std::uint16_t>(all_.size() - 1);
  command->changes_connection = (spec.flags & (flag::kChangesConnection | flag::kBlocking)) != 0;
  command->container = container;
  command->name = (container != nullptr ? container->name + "|" : "") + to_lower(spec.name);
  command->called = to_lower(spec.name);
  if (!spec.keys.empty() && !spec.movable_keys) {
    const KeySpec& first = *spec.keys.begin();
    if (first.search == KeySpec::Search::kIndex && first.find == KeySpec::Find::kRange) {
      command->first_key = static_cast<std::uint16_t>(first.index);
      command->single_key = spec.keys.size() == 1 && first.last == 0;
    }
  }
  for (const CommandSpec* sub : spec.subcommands) command->subcommands.push_back(add(*sub, command));
  return command;
}

void CommandTable::rebuild_index() {
  const std::size_t size = std::bit_ceil(top_level_.size() * 4 + 16);
  cells_.assign(size, {});
  cell_mask_ = size - 1;
  for (const Command* command : top_level_) {
    if (command->called.empty()) continue;
    const Folded f = fold(command->called);
    std::uint64_t at = mix(f, command->called.size()) & cell_mask_;
    while (cells_[at].command != nullptr) at = (at + 1) & cell_mask_;
    cells_[at] = {f.low, f.high, static_cast<std::uint32_t>(command->called.size()), is_whole(command->called), command};
  }
}

const Command* CommandTable::find(std::string_view name) const {
  const Folded f = fold(name);
  for (std::uint64_t at = mix(f, name.size()) & cell_mask_;; at = (at + 1) & cell_mask_) {
    const Cell& cell = cells_[at];
    if (cell.command == nullptr) return nullptr;
    if (cell.low == f.low && cell.high == f.high && cell.size == name.size() &&
        (cell.whole || equals_ignore_case(name, cell.command->called))) {
      return cell.command;
    }
  }
}

const Command* CommandTable::find_sub(const Command& container, std::string_view name) {
  for (const Command* sub : container.subcommands) {
    if (equals_ignore_case(sub->called, name)) return sub;
  }
  return nullptr;
}

const Command* CommandTable::within(const Command* command, std::span<const std::string_view> arguments) {
  if (command == nullptr || command->subcommands.empty() || arguments.size() < 2) return command;
  return find_sub(*command, arguments[1]);
}

const Command* CommandTable::resolve(std::span<const std::string_view> arguments) const {
  return within(find(arguments[0]), arguments);
}

const Command* CommandTable::resolve_original(std::span<const std::string_view> arguments) const {
  const Command* command = find(arguments[0]);
  if (command == nullptr) {
    const auto known = std::find_if(renamed_.begin(), renamed_.end(),
                                    [&](const Command* c) { return equals_ignore_case(c->name, arguments[0]); });
    if (known != renamed_.end()) command = *known;
  }
  return within(command, arguments);
}

const Command* CommandTable::find_full(std::string_view full_name) const {
  const std::size_t bar = full_name.find('|');
  const Command* command = find(full_name.substr(0, bar));
  if (bar == std::string_view::npos || command == nullptr) return command;
  return find_sub(*command, full_name.substr(bar + 1));
}

Result<void> CommandTable::rename(std::string_view name, std::string_view to) {
  const Command* found = find(name);
  if (found == nullptr) return Error("No such command in rename-command");
  if (!to.empty() && find(to) != nullptr) return Error("Target command name already exists");
  const auto at = std::find_if(all_.begin(), all_.end(), [&](const auto& c) { return c.get() == found; });
  (*at)->called = to_lower(to);
  std::erase(renamed_, found);
  if (found->called != found->name) renamed_.push_back(found);
  rebuild_index();
  return {};
}

}  // namespace skein
