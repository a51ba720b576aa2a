// CONFIG SET: several at once, all or none.
#include <skein/base/text.h>
#include <skein/config/config.h>

#include <algorithm>

namespace skein {

namespace {

struct Wanted {
  const Directive* row;
  std::string name;  // lower case: two names of one directive count as two
  std::string_view value;
};

SetRefusal invalid(std::string_view name, std::string reason) {
  return {SetRefusal::Kind::kInvalid, std::string(name), std::move(reason)};
}

// Everything that can be said before a value is looked at. The first complaint wins,
// except that a name nobody knows is told before a value of a known one is even read.
std::variant<std::vector<Wanted>, SetRefusal> find_all(std::span<const std::string_view> names_and_values,
                                                       const SetContext& context) {
  std::vector<Wanted> wanted;
  for (std::size_t i = 0; i + 1 < names_and_values.size(); i += 2) {
    const std::string_view name = names_and_values[i];
    const Directive* row = find_directive(name);
    if (row == nullptr || !row->has_value()) {
      return SetRefusal{SetRefusal::Kind::kUnknown, std::string(name), {}};
    }
    if (row->change == Change::kAtStartOnly) return invalid(name, "can't set immutable config");
    if (row->is(kProtected) && !context.may_set_protected) return invalid(name, "can't set protected config");
    if (row->is(kNotWhileLoading) && context.loading) {
      return SetRefusal{SetRefusal::Kind::kLoading, std::string(name), {}};
    }
    std::string lower = to_lower(name);
    const bool twice =
        std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& w) { return w.name == lower; });
    if (twice) return invalid(name, "duplicate parameter");
    wanted.push_back({row, std::move(lower), names_and_values[i + 1]});
  }
  return wanted;
}

}  // namespace

std::string SetRefusal::message() const {
  if (kind == Kind::kUnknown) return "Unknown option or number of arguments for CONFIG SET - '" + name + "'";
  const std::string head = "CONFIG SET failed (possibly related to argument '" + name + "')";
  return reason.empty() ? head : head + " - " + reason;
}

bool SettingsChange::changes(std::string_view name) const {
  return std::any_of(changed_.begin(), changed_.end(),
                     [&](const Directive* row) { return row->name == name; });
}

std::variant<SettingsChange, SetRefusal> set_all(Config& config,
                                                 std::span<const std::string_view> names_and_values,
                                                 const SetContext& context) {
  if (names_and_values.size() % 2 != 0) return SetRefusal{SetRefusal::Kind::kSyntax, {}, {}};
  auto found = find_all(names_and_values, context);
  if (auto* refusal = std::get_if<SetRefusal>(&found)) return std::move(*refusal);

  SettingsChange change(config.settings());
  const auto refuse = [&](const Wanted& item, std::string reason) {
    undo(config, change);
    return invalid(item.name, std::move(reason));
  };
  for (const auto& item : std::get<std::vector<Wanted>>(found)) {
    const std::string before = config.text(*item.row);
    if (auto result = config.set(*item.row, item.value); !result)
      return refuse(item, result.error().message());
    // What would stop the next start must not get in by the back door.
    if (item.row->standing == Standing::kRefused && !config.is_default(*item.row)) {
      return refuse(item, "Unable to update TLS configuration. Check server logs.");
    }
    if (item.row->refused_while_running && config.text(*item.row) == *item.row->refused_while_running) {
      return refuse(item, std::string(item.row->note));
    }
    if (config.text(*item.row) != before) change.add(item.row);
  }
  return change;
}

void undo(Config& config, const SettingsChange& change) {
  config.restore(change.before());
}

SetRefusal failed_to_apply(const Directive& row, std::string reason) {
  return invalid(row.name, std::move(reason));
}

std::vector<std::size_t> sensitive_positions(std::span<const std::string_view> names_and_values) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i + 1 < names_and_values.size(); i += 2) {
    const Directive* row = find_directive(names_and_values[i]);
    // What is nearly the name of one was meant as one.
    if (row == nullptr) row = find_directive(nearest_directive(names_and_values[i]));
    if (row != nullptr && row->is(kSensitive)) positions.push_back(i + 1);
  }
  return positions;
}

}  // namespace skein
