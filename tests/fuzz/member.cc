#include "member.h"

#include <skein/cluster/bus/packet.h>

#include <algorithm>

#include "targets.h"

namespace skein::fuzz {

const std::string_view kClusterOfThree =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8000 "
    "[77->-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]\n"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 127.0.0.1:7001@17001,host-b master - 0 0 2 connected 8001-16383\n"
    "cccccccccccccccccccccccccccccccccccccccc 127.0.0.1:7002@17002 slave bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb "
    "0 0 2 connected\n"
    "vars currentEpoch 4 lastVoteEpoch 3\n";

namespace {

NodeSettings settings() {
  NodeSettings settings;
  settings.port = 7000;
  settings.node_timeout = milliseconds(2000);
  return settings;
}

void check_node(const Node& node) {
  expect(!node.id.is_none(), "a node has an id");
  expect(node.address.ip.empty() || is_host(node.address.ip), "an address is one, or a name");
  expect(is_hostname(node.hostname), "a host name is one");
  expect(!node.is_primary() || !node.is_replica(), "one role at most");
}

// The lines a restart would read; nodes still in handshake are shown but never saved.
std::string without_handshakes(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    expect(end != std::string_view::npos, "a line ends");
    const auto line = text.substr(0, end + 1);
    if (line.find("handshake") == std::string_view::npos) kept += line;
    text.remove_prefix(end + 1);
  }
  return kept;
}

}  // namespace

Member::Member(SavedState saved) : node_(settings(), std::move(saved), Random(1), keys_, now_) { carry_out(); }

void Member::tick() {
  now_.mono += kClusterTick;
  now_.wall = now_.wall + kClusterTick;
  node_.on_tick(now_);
  carry_out();
}

void Member::receive(LinkId link, std::string_view bytes) {
  node_.on_packet({link, "127.0.0.1", "127.0.0.1"}, bytes, now_);
}

bool Member::carry_out() {
  bool acted = false;
  // A save that is done, or a link that is up, has consequences of its own.
  for (Effects effects = node_.take_effects(); !effects.empty(); effects = node_.take_effects()) {
    for (const Effect& effect : effects) {
      acted = acted || !std::holds_alternative<LogEvent>(effect);
      if (const auto* save = std::get_if<SaveTopology>(&effect)) {
        last_saved_ = save->state->text();
        const auto read = parse_nodes_conf(last_saved_);
        if (!read) throw Finding("saved and not readable: " + read.error().message());
        node_.on_saved(save->ticket, now_);
      } else if (const auto* send = std::get_if<SendPacket>(&effect)) {
        expect(std::holds_alternative<Packet>(decode_packet(*send->bytes)), "what is sent is a packet");
      } else if (const auto* open = std::get_if<OpenLink>(&effect)) {
        expect(is_ip_address(open->ip) && open->bus_port != 0, "a link leads somewhere");
        if (open->node.view() == kKnownId) link_to_known_ = open->link;
        node_.on_link_up(open->link, now_);
      } else if (const auto* close = std::get_if<CloseLink>(&effect)) {
        if (close->link == link_to_known_) link_to_known_ = {};
      }
    }
  }
  return acted;
}

void Member::check_views() {
  node_.topology().for_each_node([](NodeIndex, const Node& node) { check_node(node); });
  const auto text = without_handshakes(node_.nodes_text(now_)) + "vars currentEpoch " +
                    std::to_string(node_.current_epoch().value) + " lastVoteEpoch " +
                    std::to_string(node_.last_vote_epoch().value) + "\n";
  const auto read = parse_nodes_conf(text);
  if (!read) throw Finding("CLUSTER NODES is not readable: " + read.error().message());
  expect(read->topology.assigned_slots() == node_.topology().assigned_slots(), "all slots are shown");
  (void)node_.slots_view();
  (void)node_.shards_view();
  (void)node_.links_view(now_);
  (void)node_.info();
}

std::string Member::saved_text() {
  last_saved_.clear();
  node_.save_config(now_);
  carry_out();
  expect(!last_saved_.empty(), "a save was asked for");
  return last_saved_;
}

}  // namespace skein::fuzz
