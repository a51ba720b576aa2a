// Reading nodes.conf. Whatever cannot be put back exactly as it was is refused: guessing
// would mean lost slots, a second identity or a vote given twice.
#include <skein/cluster/node/saved_state.h>

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include <skein/base/text.h>
#include <skein/cluster/bus/packet.h>

namespace skein {

namespace {

constexpr std::uint64_t kMaxEpoch = std::uint64_t{1} << 56;  // as on the bus

struct OpenMark {
  Slot slot;
  bool leaves = false;
  NodeId other;
};

struct NodeLine {
  std::size_t number = 0;
  Node node;
  NodeId primary;
  SlotBitmap slots;
  std::vector<OpenMark> open;
};

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    const auto blank = std::min(line.find(' '), line.size());
    if (blank > 0) fields.push_back(line.substr(0, blank));
    line.remove_prefix(std::min(blank + 1, line.size()));
  }
  return fields;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_uint64(text);
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::optional<Slot> parse_slot(std::string_view text) {
  const auto number = parse_uint64(text);
  if (!number || *number >= kSlotCount) return std::nullopt;
  return Slot{static_cast<std::uint16_t>(*number)};
}

std::optional<Epoch> parse_epoch(std::string_view text) {
  const auto number = parse_uint64(text);
  if (!number || *number > kMaxEpoch) return std::nullopt;
  return Epoch{*number};
}

// The host name, then name=value pairs of later versions, which say nothing this one needs.
Result<void> parse_names(std::string_view text, Node& node) {
  const auto end = std::min(text.find(','), text.size());
  node.hostname = text.substr(0, end);
  if (!is_hostname(node.hostname)) return Error(fmt::format("malformed host name '{}'", node.hostname));
  for (std::size_t at = end; at < text.size();) {
    const auto next = std::min(text.find(',', at + 1), text.size());
    const auto pair = text.substr(at + 1, next - at - 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) return Error(fmt::format("malformed pair '{}'", pair));
    at = next;
  }
  return {};
}

// ip:port[@bus-port][,host name[,name=value]...]
Result<void> parse_address(std::string_view text, Node& node) {
  const auto comma = text.find(',');
  if (comma != std::string_view::npos) {
    if (auto names = parse_names(text.substr(comma + 1), node); !names) return names;
    text = text.substr(0, comma);
  }
  const auto malformed = [&] { return Error(fmt::format("malformed address '{}'", text)); };
  const auto at = text.find('@');
  const auto colon = text.substr(0, at).rfind(':');  // an IPv6 address has colons of its own
  if (colon == std::string_view::npos) return malformed();
  const auto ip = text.substr(0, colon);
  const auto port = parse_port(text.substr(0, at).substr(colon + 1));
  if (!port || (!ip.empty() && !is_host(ip))) return malformed();
  // Before 4.0 the bus port was not written.
  const auto bus_port = at == std::string_view::npos ? parse_port(std::to_string(*port + kBusPortAbove))
                                                     : parse_port(text.substr(at + 1));
  if (!bus_port) return malformed();
  node.address = {std::string(ip), *port, 0, *bus_port};
  return {};
}

Result<void> parse_flags(std::string_view text, Node& node) {
  const auto flags = parse_node_flags(text);
  if (!flags) return flags.error();
  node.flags = *flags;
  if (node.is_primary() && node.is_replica()) return Error("both master and slave");
  if (node.in_handshake()) return Error("a node in handshake is never saved");
  if (node.flags.has(NodeFlag::kMyself) && !node.is_primary() && !node.is_replica()) {
    return Error("myself is neither master nor slave");
  }
  return {};
}

// [slot->-id] or [slot-<-id]
Result<void> parse_open_mark(std::string_view text, NodeLine& line) {
  const auto malformed = [&] { return Error(fmt::format("malformed open slot '{}'", text)); };
  if (text.size() < 2 || text.back() != ']') return malformed();
  const auto inner = text.substr(1, text.size() - 2);
  const auto dash = inner.find('-');
  if (dash == std::string_view::npos || inner.size() < dash + 3) return malformed();
  const auto arrow = inner.substr(dash, 3);
  const auto slot = parse_slot(inner.substr(0, dash));
  const auto other = NodeId::parse(inner.substr(dash + 3));
  if (!slot || !other || (arrow != "->-" && arrow != "-<-")) return malformed();
  if (!line.node.flags.has(NodeFlag::kMyself)) return Error("open slots of another node");
  line.open.push_back({*slot, arrow == "->-", *other});
  return {};
}

Result<void> parse_slots(std::string_view text, NodeLine& line) {
  if (text.starts_with('[')) return parse_open_mark(text, line);
  const auto dash = text.find('-');
  const auto first = parse_slot(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_slot(text.substr(dash + 1));
  if (!first || !last || *last < *first) return Error(fmt::format("malformed slots '{}'", text));
  if (!line.node.is_primary()) return Error("slots of a node that is no master");
  for (std::uint16_t s = first->value; s <= last->value; ++s) {
    if (line.slots.has({s})) return Error(fmt::format("slot {} twice", s));
    line.slots.set({s});
  }
  return {};
}

Result<NodeLine> parse_node_line(const std::vector<std::string_view>& fields) {
  if (fields.size() < 8) return Error("too few fields");
  NodeLine line;
  const auto id = NodeId::parse(fields[0]);
  if (!id || id->is_none()) return Error(fmt::format("malformed node id '{}'", fields[0]));
  line.node.id = *id;
  if (auto parsed = parse_address(fields[1], line.node); !parsed) return parsed.error();
  if (auto parsed = parse_flags(fields[2], line.node); !parsed) return parsed.error();
  if (fields[3] != "-") {
    const auto primary = NodeId::parse(fields[3]);
    if (!primary || *primary == *id) return Error(fmt::format("malformed master id '{}'", fields[3]));
    if (!line.node.is_replica()) return Error("a master of a node that is no slave");
    line.primary = *primary;
  }
  if (!parse_uint64(fields[4]) || !parse_uint64(fields[5])) return Error("malformed ping or pong time");
  const auto epoch = parse_epoch(fields[6]);
  if (!epoch) return Error(fmt::format("malformed epoch '{}'", fields[6]));
  line.node.config_epoch = *epoch;
  if (fields[7] != "connected" && fields[7] != "disconnected") {
    return Error(fmt::format("neither connected nor disconnected but '{}'", fields[7]));
  }
  for (std::size_t i = 8; i < fields.size(); ++i) {
    if (auto parsed = parse_slots(fields[i], line); !parsed) return parsed.error();
  }
  return line;
}

struct Vars {
  Epoch current_epoch;
  Epoch last_vote_epoch;
};

Result<Vars> parse_vars_line(const std::vector<std::string_view>& fields) {
  Vars vars;
  if (fields.size() % 2 == 0) return Error("a variable without a value");
  for (std::size_t i = 1; i < fields.size(); i += 2) {
    const bool current = fields[i] == "currentEpoch";
    if (!current && fields[i] != "lastVoteEpoch") continue;  // of a later version
    const auto epoch = parse_epoch(fields[i + 1]);
    if (!epoch) return Error(fmt::format("malformed epoch '{}'", fields[i + 1]));
    (current ? vars.current_epoch : vars.last_vote_epoch) = *epoch;
  }
  return vars;
}

struct Parsed {
  std::vector<NodeLine> lines;  // this node's own first
  std::optional<Vars> vars;
};

Error at_line(std::size_t number, const Error& error) { return error.within(fmt::format("line {}", number)); }

Result<Parsed> parse_lines(std::string_view text) {
  Parsed parsed;
  bool own_found = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return at_line(number, Error("cut short: the line does not end"));
    const auto fields = split_fields(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (fields.empty()) continue;
    if (fields[0] == "vars") {
      if (parsed.vars) return at_line(number, Error("a second vars line"));
      auto vars = parse_vars_line(fields);
      if (!vars) return at_line(number, vars.error());
      parsed.vars = *vars;
      continue;
    }
    auto line = parse_node_line(fields);
    if (!line) return at_line(number, line.error());
    line->number = number;
    if (line->node.flags.has(NodeFlag::kMyself)) {
      if (own_found) return at_line(number, Error("a second node is myself"));
      own_found = true;
      parsed.lines.insert(parsed.lines.begin(), std::move(*line));
    } else {
      parsed.lines.push_back(std::move(*line));
    }
  }
  if (!own_found) return Error("no node is myself");
  return parsed;
}

Result<void> put_slots(const NodeLine& line, NodeIndex index, Topology& topology) {
  std::optional<Error> error;
  line.slots.for_each([&](Slot slot) {
    if (!topology.owner(slot).is_none() && !error) {
      error = Error(fmt::format("slot {} has an owner already", slot.value));
    }
    topology.set_owner(slot, index);
  });
  if (error) return *error;
  return {};
}

Result<void> put_references(const NodeLine& line, NodeIndex index, Topology& topology) {
  if (!line.primary.is_none()) {
    const NodeIndex primary = topology.find(line.primary);
    if (primary.is_none()) return Error(fmt::format("unknown master {}", line.primary.view()));
    topology.edit(index, [&](Node& node) { node.primary = primary; });
    topology.edit(primary, [](Node& node) { node.flags.set(NodeFlag::kMigrateTo); });
  }
  for (const auto& mark : line.open) {
    const NodeIndex other = topology.find(mark.other);
    if (other.is_none()) return Error(fmt::format("an open slot with the unknown node {}", mark.other.view()));
    mark.leaves ? topology.set_migrating(mark.slot, other) : topology.set_importing(mark.slot, other);
  }
  return {};
}

}  // namespace

Result<SavedState> parse_nodes_conf(std::string_view text) {
  auto parsed = parse_lines(text);
  if (!parsed) return parsed.error();

  auto& lines = parsed->lines;
  SavedState state{Topology(lines.front().node), {}, {}};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) {
      if (!state.topology.find(lines[i].node.id).is_none()) {
        return at_line(lines[i].number, Error(fmt::format("node {} twice", lines[i].node.id.view())));
      }
      if (!state.topology.add(lines[i].node)) return at_line(lines[i].number, Error("too many nodes"));
    }
    const NodeIndex index = state.topology.find(lines[i].node.id);
    if (auto put = put_slots(lines[i], index, state.topology); !put) return at_line(lines[i].number, put.error());
  }
  for (const auto& line : lines) {
    const NodeIndex index = state.topology.find(line.node.id);
    if (auto put = put_references(line, index, state.topology); !put) return at_line(line.number, put.error());
  }

  const Vars vars = parsed->vars.value_or(Vars{});
  state.current_epoch = vars.current_epoch;
  state.last_vote_epoch = vars.last_vote_epoch;
  for (const auto& line : lines) state.current_epoch = std::max(state.current_epoch, line.node.config_epoch);
  if (state.last_vote_epoch > state.current_epoch) return Error("lastVoteEpoch is greater than currentEpoch");
  return state;
}

}  // namespace skein
