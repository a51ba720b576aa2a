#include "network.h"

#include <skein/cluster/bus/packet.h>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace skein::sim {

namespace {

// A lost segment is sent again after this, then after twice as long, and so on.
constexpr milliseconds kFirstRetry{200};
constexpr int kMaxRetryDoublings = 4;
// A SYN without an answer is repeated after one, two, four... seconds, six times.
constexpr int kConnectAttempts = 6;

// The header without its bitmap of slots, and where that would be.
constexpr std::size_t kFieldBytes = 208;
constexpr std::size_t kSlotsAt = 80;
constexpr std::size_t kSlotsBytes = 2048;

}  // namespace

MachineId Network::add_machine(std::string ip, std::uint16_t bus_port) {
  const MachineId id{static_cast<std::uint32_t>(machines_.size())};
  addresses_[{ip, bus_port}] = id;
  Machine machine;
  machine.ip = std::move(ip);
  machine.bus_port = bus_port;
  machine.body = id;
  machines_.push_back(std::move(machine));
  return id;
}

MachineId Network::add_port(MachineId machine, std::uint16_t port) {
  const MachineId id = add_machine(at(machine).ip, port);
  at(id).body = machine;
  at(machine).ports.push_back(id);
  return id;
}

void Network::move_machine(MachineId machine, std::string ip, std::uint16_t bus_port) {
  addresses_.erase({at(machine).ip, at(machine).bus_port});
  addresses_[{ip, bus_port}] = machine;
  at(machine).ip = std::move(ip);
  at(machine).bus_port = bus_port;
}

void Network::process_starts(MachineId machine, Peer& peer) {
  at(machine).peer = &peer;
  at(machine).has_power = true;
}

void Network::process_ends(MachineId machine) {
  for (const auto port : at(machine).ports) process_ends(port);
  auto ends = std::move(at(machine).ends);
  at(machine).ends.clear();
  at(machine).peer = nullptr;
  for (const auto& [link, ref] : ends) {
    Connection* connection = find(ref.connection);
    if (connection == nullptr) continue;
    connection->ends[ref.side].is_open = false;
    connection->flows[ref.side].is_closing = true;
    pump_later(ref.connection, ref.side, draw_delay(machine));
  }
}

void Network::power_fails(MachineId machine) {
  for (const auto port : at(machine).ports) power_fails(port);
  auto ends = std::move(at(machine).ends);
  at(machine).ends.clear();
  at(machine).peer = nullptr;
  at(machine).has_power = false;
  for (const auto& [link, ref] : ends) {
    Connection* connection = find(ref.connection);
    if (connection == nullptr) continue;
    connection->ends[ref.side].is_open = false;
    // What it had not sent is gone; its peers only find out by what they send themselves.
    connection->flows[ref.side].parcels.clear();
    connection->flows[ref.side].bytes = 0;
    forget_if_over(ref.connection);
  }
}

void Network::open(MachineId machine, LinkId link, std::string ip, std::uint16_t bus_port) {
  const ConnectionId id{next_connection_++};
  Connection connection;
  connection.ends[0] = {machine, link, true};
  connections_.emplace(id.value, std::move(connection));
  at(machine).ends[link] = {id, 0};
  queue_.after(draw_delay(machine),
               [this, id, ip = std::move(ip), bus_port] { try_connect(id, ip, bus_port, 0); });
}

void Network::try_connect(ConnectionId id, std::string ip, std::uint16_t bus_port, int attempt) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (!connection->ends[0].is_open) {
    connections_.erase(id.value);
    return;
  }
  const MachineId from = connection->ends[0].machine;
  const auto to = listener_at(ip, bus_port);
  const bool is_answered = to && is_passable(from, *to) && is_passable(*to, from);
  if (!is_answered) {
    if (attempt + 1 == kConnectAttempts) return drop_end(id, 0);
    queue_.after(seconds{1 << attempt}, [this, id, ip = std::move(ip), bus_port, attempt] {
      try_connect(id, ip, bus_port, attempt + 1);
    });
    return;
  }
  if (at(*to).peer == nullptr) {  // the machine is there, nobody listens
    queue_.after(draw_delay(*to), [this, id] { drop_end(id, 0); });
    return;
  }
  const LinkId inbound = LinkId::inbound(at(*to).next_inbound++);
  connection->ends[1] = {*to, inbound, true};
  connection->was_accepted = true;
  at(*to).ends[inbound] = {id, 1};
  queue_.after(draw_delay(*to), [this, id] { tell_opened(id); });
}

void Network::tell_opened(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr || !connection->ends[0].is_open) return;
  journal_.count(EventKind::kLinkOpened);
  repeat_last(*connection, id);
  const End opener = connection->ends[0];
  at(opener.machine).peer->link_up(opener.link);
}

void Network::repeat_last(Connection& connection, ConnectionId id) {
  Machine& from = at(connection.ends[0].machine);
  if (from.weather.repeat_one_in == 0 || !random_.one_in(from.weather.repeat_one_in)) return;
  const auto last = from.last_sent.find(connection.ends[1].machine);
  if (last == from.last_sent.end()) return;
  journal_.count(FaultKind::kRepeat);
  push(connection, id, 0, last->second);
}

void Network::close(MachineId machine, LinkId link) {
  const auto found = at(machine).ends.find(link);
  if (found == at(machine).ends.end()) return;
  const EndRef ref = found->second;
  at(machine).ends.erase(found);
  Connection* connection = find(ref.connection);
  if (connection == nullptr) return;
  connection->ends[ref.side].is_open = false;
  Flow& flow = connection->flows[ref.side];
  flow.is_closing = true;
  // Closing with unread input resets the connection: what was on its way may be lost.
  if (random_.one_in(2)) {
    flow.parcels.clear();
    flow.bytes = 0;
  }
  if (connection->ends[1].is_open || connection->ends[0].is_open) {
    pump_later(ref.connection, ref.side, draw_delay(machine));
  } else {
    forget_if_over(ref.connection);
  }
}

void Network::send(MachineId machine, LinkId link, PacketBytes bytes) {
  const auto found = at(machine).ends.find(link);
  if (found == at(machine).ends.end()) return;
  Connection* connection = find(found->second.connection);
  if (connection == nullptr) return;
  const int side = found->second.side;
  if (at(machine).weather.repeat_one_in != 0) {
    at(machine).last_sent[connection->ends[1 - side].machine] = bytes;
  }
  push(*connection, found->second.connection, side, std::move(bytes));
}

void Network::push(Connection& connection, ConnectionId id, int side, PacketBytes bytes) {
  Flow& flow = connection.flows[side];
  flow.bytes += bytes->size();
  flow.last_arrival = std::max(flow.last_arrival, queue_.now() + draw_delay(connection.ends[side].machine));
  flow.parcels.push_back({std::move(bytes), flow.last_arrival});
  if (!flow.is_pumping) pump_later(id, side, flow.last_arrival - queue_.now());
}

std::size_t Network::bytes_queued(MachineId machine, LinkId link) const {
  const auto found = at(machine).ends.find(link);
  if (found == at(machine).ends.end()) return 0;
  const auto connection = connections_.find(found->second.connection.value);
  if (connection == connections_.end()) return 0;
  return connection->second.flows[found->second.side].bytes;
}

std::optional<MachineId> Network::other_end(MachineId machine, LinkId link) const {
  const auto found = at(machine).ends.find(link);
  if (found == at(machine).ends.end()) return std::nullopt;
  const auto connection = connections_.find(found->second.connection.value);
  if (connection == connections_.end()) return std::nullopt;
  return connection->second.ends[1 - found->second.side].machine;
}

void Network::pump_later(ConnectionId id, int side, nanoseconds delay) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->flows[side].is_pumping) return;
  connection->flows[side].is_pumping = true;
  queue_.after(delay, [this, id, side] { pump(id, side); });
}

void Network::pump(ConnectionId id, int side) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  Flow& flow = connection->flows[side];
  flow.is_pumping = false;
  const End& from = connection->ends[side];
  const End& to = connection->ends[1 - side];
  if (flow.parcels.empty() && !flow.is_closing) return;
  if (flow.stalled_until > queue_.now()) return pump_later(id, side, flow.stalled_until - queue_.now());
  if (!is_passable(from.machine, to.machine)) {
    const auto wait = kFirstRetry * (1 << std::min(flow.retries++, kMaxRetryDoublings));
    return pump_later(id, side, wait);
  }
  flow.retries = 0;
  if (!to.is_open) {
    // Its process is gone: a machine with power answers with a reset.
    flow.parcels.clear();
    flow.bytes = 0;
    if (is_passable(to.machine, from.machine)) return drop_end(id, side);
    return pump_later(id, side, kFirstRetry);
  }
  if (flow.parcels.empty()) return drop_end(id, 1 - side);

  if (flow.parcels.front().arrives > queue_.now()) {
    return pump_later(id, side, flow.parcels.front().arrives - queue_.now());
  }
  const PacketBytes bytes = std::move(flow.parcels.front().bytes);
  flow.parcels.erase(flow.parcels.begin());
  flow.bytes -= bytes->size();
  if (!flow.parcels.empty() || flow.is_closing) {
    const auto next =
        flow.parcels.empty() ? queue_.now() : std::max(queue_.now(), flow.parcels.front().arrives);
    pump_later(id, side, next - queue_.now());
  }
  deliver(*connection, id, 1 - side, bytes);
}

void Network::deliver(Connection& connection, ConnectionId id, int side, const PacketBytes& bytes) {
  const End to = connection.ends[side];
  const End from = connection.ends[1 - side];
  Peer* peer = at(to.machine).peer;
  if (peer == nullptr) return;
  const bool is_bus = at(from.machine).body == from.machine;
  const Weather& weather = at(from.machine).weather;
  Peer::Arrival arrival{to.link, at(from.machine).ip, at(to.machine).ip, bytes, false};
  if (is_bus && weather.corrupt_one_in != 0 && random_.one_in(weather.corrupt_one_in)) {
    journal_.count(FaultKind::kCorrupt);
    arrival.bytes = flip_bits(*bytes);
    arrival.is_corrupted = true;
    // Bytes of a length that does not fit throw the whole stream out of step: the owner
    // of the link closes it.
    const Frame frame = judge_frame(*arrival.bytes);
    if (frame.kind == Frame::Kind::kSkip && frame.bytes == arrival.bytes->size()) return;
    if (frame.kind != Frame::Kind::kComplete || frame.bytes != arrival.bytes->size()) {
      drop_end(id, side);
      return;
    }
  }
  if (is_bus) {
    journal_.count(EventKind::kPacket);
    bytes_delivered_ += arrival.bytes->size();
  }
  peer->packet(arrival);
}

PacketBytes Network::flip_bits(const std::string& bytes) {
  auto changed = std::make_shared<std::string>(bytes);
  for (std::uint64_t flips = 1 + random_.below(3); flips > 0; --flips) {
    // Most of a header is a bitmap: every other flip goes to the fields around it.
    auto at = random_.below(bytes.size());
    if (random_.one_in(2)) {
      at = random_.below(kFieldBytes);
      if (at >= kSlotsAt) at += kSlotsBytes;
    }
    (*changed)[at] = static_cast<char>((*changed)[at] ^ (1 << random_.below(8)));
    journal_.detail(fmt::format("a bit of byte {} flips", at));
  }
  if (*changed == bytes) (*changed)[100] = static_cast<char>((*changed)[100] ^ 1);
  return changed;
}

void Network::drop_end(ConnectionId id, int side) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  const End end = connection->ends[side];
  const auto kind = connection->was_accepted ? EventKind::kLinkLost : EventKind::kLinkRefused;
  connection->ends[side].is_open = false;
  // The other direction has nobody left to write into it.
  connection->flows[side].parcels.clear();
  connection->flows[side].bytes = 0;
  connection->flows[side].is_closing = true;
  if (connection->ends[1 - side].is_open) {
    pump_later(id, side, draw_delay(end.machine));
  } else {
    forget_if_over(id);
  }
  if (!end.is_open) return;
  at(end.machine).ends.erase(end.link);
  journal_.count(kind);
  if (Peer* peer = at(end.machine).peer) peer->link_down(end.link);
}

void Network::forget_if_over(ConnectionId id) {
  const Connection* connection = find(id);
  if (connection != nullptr && !connection->ends[0].is_open && !connection->ends[1].is_open) {
    connections_.erase(id.value);
  }
}

void Network::break_links(MachineId machine) {
  for (const auto port : at(machine).ports) break_links(port);
  std::vector<EndRef> refs;
  for (const auto& [link, ref] : at(machine).ends) refs.push_back(ref);
  for (const auto& ref : refs) {
    drop_end(ref.connection, ref.side);
    drop_end(ref.connection, 1 - ref.side);
  }
}

void Network::inject(MachineId to, std::string from_ip, PacketBytes bytes, bool is_damaged) {
  if (at(to).peer == nullptr) return;
  const LinkId link = LinkId::inbound(at(to).next_inbound++);
  at(to).peer->packet({link, std::move(from_ip), at(to).ip, std::move(bytes), is_damaged});
  if (at(to).peer != nullptr) at(to).peer->link_down(link);
}

void Network::stall_links(MachineId machine, nanoseconds span) {
  for (const auto port : at(machine).ports) stall_links(port, span);
  for (const auto& [link, ref] : at(machine).ends) {
    if (!random_.one_in(2)) continue;
    if (Connection* connection = find(ref.connection)) {
      connection->flows[random_.below(2)].stalled_until = queue_.now() + span;
    }
  }
}

Network::Connection* Network::find(ConnectionId id) {
  const auto found = connections_.find(id.value);
  return found == connections_.end() ? nullptr : &found->second;
}

bool Network::is_passable(MachineId from, MachineId to) const {
  // A port may be out of reach while the machine's others are not.
  return body(from).has_power && body(to).has_power && !is_cut(at(from).body, at(to).body) && !is_cut(from, to);
}

nanoseconds Network::draw_delay(MachineId from) {
  const Weather& weather = body(from).weather;
  const auto usual = draw_between(random_, weather.least_delay, weather.most_delay);
  // A long tail: one in fifty takes ten times as long, one in a thousand a hundred times.
  if (random_.one_in(1000)) return usual * 100;
  return random_.one_in(50) ? usual * 10 : usual;
}

std::optional<MachineId> Network::listener_at(const std::string& ip, std::uint16_t bus_port) const {
  const auto found = addresses_.find({ip, bus_port});
  if (found == addresses_.end()) return std::nullopt;
  return found->second;
}

}  // namespace skein::sim
