#include "wire.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <vector>

namespace skein::sim {

namespace {

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto end = text.find(by);
    if (end != 0) words.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void read_slots(std::string_view word, SlotBitmap& slots) {
  if (word.starts_with('[')) return;  // open slots are not owned by this
  const auto dash = word.find('-');
  const auto first = to_number(word);
  const auto last = dash == std::string_view::npos ? first : to_number(word.substr(dash + 1));
  for (auto slot = first; slot <= last && slot < kSlotCount; ++slot)
    slots.set(Slot{static_cast<std::uint16_t>(slot)});
}

std::string ranges_text(const Topology& topology, NodeIndex index) {
  std::string text;
  for (const auto& [first, last] : topology.slot_ranges_of(index)) {
    text += first == last ? fmt::format(" {}", first.value) : fmt::format(" {}-{}", first.value, last.value);
  }
  return text;
}

}  // namespace

bool is_subset(std::string_view some, std::string_view all) {
  for (std::size_t at = 0; at + 8 <= some.size(); at += 8) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, some.data() + at, 8);
    std::memcpy(&b, all.data() + at, 8);
    if ((a & ~b) != 0) return false;
  }
  return true;
}

std::optional<ConfFacts> read_conf(std::string_view text) {
  ConfFacts facts;
  bool has_self = false;
  bool has_vars = false;
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with("vars ") && line.find("myself") == std::string_view::npos) continue;
    const auto words = split(line, ' ');
    if (words[0] == "vars") {
      for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
        if (words[i] == "currentEpoch") facts.current_epoch = {to_number(words[i + 1])};
        if (words[i] == "lastVoteEpoch") facts.last_vote_epoch = {to_number(words[i + 1])};
      }
      has_vars = true;
    } else if (words.size() >= 8 && words[2].find("myself") != std::string_view::npos) {
      facts.id = NodeId::parse(words[0]).value_or(NodeId{});
      facts.is_primary = words[2].find("master") != std::string_view::npos;
      facts.config_epoch = {to_number(words[6])};
      for (std::size_t i = 8; i < words.size(); ++i) read_slots(words[i], facts.slots);
      has_self = true;
    }
  }
  if (!has_self || !has_vars) return std::nullopt;
  return facts;
}

ConfFacts promised(const SavedState& state) {
  const Node& self = state.topology.self();
  return {.id = self.id,
          .is_primary = self.is_primary(),
          .config_epoch = self.config_epoch,
          .current_epoch = state.current_epoch,
          .last_vote_epoch = state.last_vote_epoch,
          .slots = state.topology.slots_of(kSelf)};
}

std::string write_conf(const Topology& topology, Epoch current_epoch, Epoch last_vote_epoch) {
  std::string text;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (node.in_handshake()) return;
    const auto primary = node.primary.is_none() ? std::string("-") : topology.node(node.primary).id.str();
    text += fmt::format("{} {}:{}@{} {} {} 0 0 {} connected{}\n", node.id.view(), node.address.ip,
                        node.address.port, node.address.bus_port, format_node_flags(node.flags), primary,
                        node.config_epoch.value, ranges_text(topology, index));
  });
  text += fmt::format("vars currentEpoch {} lastVoteEpoch {}\n", current_epoch.value, last_vote_epoch.value);
  return text;
}

}  // namespace skein::sim
