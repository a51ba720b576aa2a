#include <skein/command/key_finder.h>

#include <algorithm>

#include <skein/base/text.h>

namespace skein {

namespace {

// Where the search of a spec ends up, or 0 when its keyword is not there.
std::size_t begin_of(const KeySpec& spec, std::span<const std::string_view> arguments) {
  const auto size = static_cast<std::ptrdiff_t>(arguments.size());
  if (spec.search == KeySpec::Search::kIndex) return static_cast<std::size_t>(spec.index);
  const bool backwards = spec.index < 0;
  const std::ptrdiff_t start = backwards ? size + spec.index : spec.index;
  for (std::ptrdiff_t i = start; i > 0 && i < size; i += backwards ? -1 : 1) {
    if (equals_ignore_case(arguments[static_cast<std::size_t>(i)], spec.keyword)) return static_cast<std::size_t>(i) + 1;
  }
  return 0;
}

bool find_with(const KeySpec& spec, std::span<const std::string_view> arguments, std::vector<FoundKey>& keys) {
  if (spec.search == KeySpec::Search::kUnknown || spec.find == KeySpec::Find::kUnknown) return false;
  const std::size_t size = arguments.size();
  std::size_t first = begin_of(spec, arguments);
  if (first == 0) return true;  // an optional keyword that is not there brings no keys
  std::size_t last = 0;
  if (spec.find == KeySpec::Find::kRange) {
    if (first >= size) return false;
    if (spec.last >= 0) {
      last = first + static_cast<std::size_t>(spec.last);
    } else if (spec.limit <= 1) {
      last = size - static_cast<std::size_t>(-spec.last);
    } else {
      last = first + (size - first) / static_cast<std::size_t>(spec.limit) + static_cast<std::size_t>(spec.last + 1) - 1;
    }
  } else {
    const std::size_t count_at = first + static_cast<std::size_t>(spec.count_at);
    if (count_at >= size) return false;
    const auto count = parse_int64(arguments[count_at]);
    if (!count || *count < 0 || static_cast<std::uint64_t>(*count) > size) return false;
    if (*count == 0) return true;
    first += static_cast<std::size_t>(spec.first_after_count);
    last = first + (static_cast<std::size_t>(*count) - 1) * static_cast<std::size_t>(spec.step);
  }
  if (last >= size || last < first) return false;
  for (std::size_t i = first; i <= last; i += static_cast<std::size_t>(spec.step)) keys.push_back({i, spec.use});
  return true;
}

}  // namespace

bool find_keys(const Command& command, std::span<const std::string_view> arguments, std::vector<FoundKey>& keys) {
  if (command.spec->find_movable_keys != nullptr) {
    const auto positions = command.spec->find_movable_keys(arguments);
    if (!positions) return false;
    for (std::size_t i = positions->first; i <= positions->last; ++i) keys.push_back({i, command.spec->keys.begin()->use});
    return true;
  }
  const auto all = std::all_of(command.spec->keys.begin(), command.spec->keys.end(),
                               [&](const KeySpec& spec) { return find_with(spec, arguments, keys); });
  if (command.spec->variable_use != nullptr) {
    for (FoundKey& key : keys) {
      if ((key.use & key_use::kVariable) != 0) key.use = command.spec->variable_use(arguments);
    }
  }
  return all;
}

bool may_have_keys(const Command& command) { return !command.spec->keys.empty(); }

}  // namespace skein
