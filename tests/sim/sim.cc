#include "sim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

constexpr nanoseconds kLookAround = milliseconds{250};
constexpr std::uint16_t kPort = 6379;

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

std::string address_of(std::uint32_t host) {
  return fmt::format("10.0.{}.{}", host / 256, host % 256);
}

HostId Sim::find_owner(Slot slot) const {
  HostId best = kNobody;
  std::optional<Epoch> newest;
  for (const auto& host : hosts_) {
    if (!host->is_up() || host->node().topology().owner(slot) != kSelf) continue;
    const Epoch epoch = host->node().topology().self().config_epoch;
    if (newest && epoch <= *newest) continue;
    newest = epoch;
    best = host->id();
  }
  return best;
}

HostId Cluster::primary(Shard shard) const {
  return sim_.find_owner(slots(shard).first);
}

std::vector<HostId> Cluster::replicas(Shard shard) const {
  const NodeId primary_id = sim_.host(primary(shard)).node().id();
  std::vector<HostId> found;
  for (const auto& host : sim_.hosts()) {
    if (!host->is_up()) continue;
    const Topology& topology = host->node().topology();
    const NodeIndex primary = topology.self().primary;
    if (!primary.is_none() && topology.node(primary).id == primary_id) found.push_back(host->id());
  }
  return found;
}

std::vector<HostId> Cluster::primaries() const {
  std::vector<HostId> found;
  for (const auto& host : sim_.hosts()) {
    if (host->is_up() && host->node().topology().self().is_voter()) found.push_back(host->id());
  }
  return found;
}

std::pair<Slot, Slot> Cluster::slots(Shard shard) const {
  const auto edge = [this](std::uint32_t number) {
    return static_cast<std::uint16_t>(std::uint64_t{number} * kSlotCount / shape_.primaries);
  };
  return {Slot{edge(shard.value)}, Slot{static_cast<std::uint16_t>(edge(shard.value + 1) - 1)}};
}

Sim::Sim(Seed seed, Witness::Depth depth)
    : seed_(seed),
      random_(seed.value),
      journal_(queue_, is_set("SKEIN_SIM_TRACE")),
      data_witness_(queue_, journal_),
      witness_(journal_, data_witness_, depth),
      network_(queue_, journal_, Random(random_.next())),
      watches_isolation_(depth == Witness::Depth::kFull) {
  queue_.after(kLookAround, [this] { look_around(); });
}

Sim::~Sim() {
  if (journal_.broken() && !violation_is_expected_) {
    ADD_FAILURE() << "seed " << seed_.value << ": " << *journal_.broken() << "\n"
                  << journal_.last_lines() << "Again: SKEIN_SIM_FIRST_SEED=" << seed_.value
                  << " SKEIN_SIM_SEEDS=1, with SKEIN_SIM_TRACE=1 for every line";
  }
}

std::optional<std::string> Sim::take_violation() {
  violation_is_expected_ = true;
  return journal_.broken();
}

void Sim::look_around() {
  if (watches_isolation_) isolation_.look(hosts_, network_, queue_.now(), journal_);
  // One link each way with every member, and what handshakes and reopening leave for a moment.
  for (const auto& host : hosts_) {
    if (host->open_links() > 4 * hosts_.size() + 8)
      journal_.violation(host->name() + " keeps ever more links");
  }
  queue_.after(kLookAround, [this] { look_around(); });
}

void Sim::set_up_hosts(const ClusterShape& shape) {
  NodeSettings settings;
  settings.port = kPort;
  settings.node_timeout = shape.node_timeout;
  settings.mark_packets = shape.marks_packets;
  settings.bugs = shape.bugs;
  settings.replica_no_failover = !shape.elections;
  for (std::uint32_t i = 0; i < shape.nodes(); ++i) {
    HostClocks clocks;
    clocks.up_before = draw_between(random_, 1s, 1000h);
    // Crystals differ by some fifty parts in a million.
    clocks.rate = 1.0 + (static_cast<double>(random_.below(101)) - 50.0) / 1e6;
    clocks.wall_ahead = milliseconds{static_cast<std::int64_t>(random_.below(400)) - 200};
    hosts_.push_back(std::make_unique<Host>(World{queue_, journal_, network_, witness_, data_witness_}, HostId{i},
                                            address_of(i), settings, clocks, random_.next()));
  }
}

Cluster Sim::cluster(ClusterShape shape) {
  Cluster cluster(*this, shape);
  set_up_hosts(shape);
  for (const auto& host : hosts_) host->start();
  run_for(100ms);
  for (std::uint32_t i = 0; i < shape.nodes() && shape.gives_epochs; ++i) {
    const auto epoch = std::to_string(i + 1);
    hosts_[i]->operate([&](ClusterNode& node, Now now) { return node.set_config_epoch(epoch, now); });
  }
  give_slots(cluster);
  const std::string port = std::to_string(kPort);
  for (std::uint32_t i = 1; i < shape.nodes(); ++i) {
    const std::string_view target[] = {hosts_.front()->ip(), port};
    hosts_[i]->operate([&](ClusterNode& node, Now now) { return node.meet(target, now); });
  }
  if (!await(Agreement::kMembers, 30s)) return cluster;
  for (std::uint32_t i = shape.primaries; i < shape.nodes(); ++i) {
    const auto primary = hosts_[i % shape.primaries]->node().id();
    hosts_[i]->operate([&](ClusterNode& node, Now now) { return node.replicate(primary.view(), now); });
  }
  if (await(Agreement::kHealth, 30s)) await_data(30s);
  return cluster;
}

void Sim::give_slots(const Cluster& cluster) {
  for (std::uint32_t i = 0; i < cluster.shape().primaries; ++i) {
    const auto [first, last] = cluster.slots(Shard{i});
    const auto from = std::to_string(first.value);
    const auto to = std::to_string(last.value);
    const std::string_view range[] = {from, to};
    hosts_[i]->operate([&](ClusterNode& node, Now now) { return node.add_slot_ranges(range, now); });
  }
}

Cluster Sim::restored_cluster(ClusterShape shape) {
  Cluster cluster(*this, shape);
  set_up_hosts(shape);
  std::vector<Node> nodes;
  for (std::uint32_t i = 0; i < shape.nodes(); ++i) {
    Node node;
    node.id = *NodeId::parse(random_.hex(NodeId::kSize));
    node.address = {address_of(i), kPort, 0, static_cast<std::uint16_t>(kPort + 10000)};
    node.flags = i < shape.primaries ? NodeFlag::kPrimary : NodeFlag::kReplica;
    node.config_epoch = {i % shape.primaries + 1};
    nodes.push_back(std::move(node));
  }
  for (std::uint32_t i = 0; i < shape.nodes(); ++i) {
    Node self = nodes[i];
    self.flags.set(NodeFlag::kMyself);
    Topology topology(std::move(self));
    for (std::uint32_t other = 0; other < shape.nodes(); ++other) {
      if (other != i) static_cast<void>(topology.add(nodes[other]));
    }
    for (std::uint32_t other = 0; other < shape.nodes(); ++other) {
      const NodeIndex index = topology.find(nodes[other].id);
      if (other >= shape.primaries) {
        const NodeIndex primary = topology.find(nodes[other % shape.primaries].id);
        topology.edit(index, [&](Node& node) { node.primary = primary; });
        continue;
      }
      const auto [first, last] = cluster.slots(Shard{other});
      for (Slot slot = first; slot <= last; ++slot.value) topology.set_owner(slot, index);
    }
    hosts_[i]->install_conf(write_conf(topology, Epoch{shape.primaries}, Epoch{0}));
    witness_.learn_id(nodes[i].id);
  }
  // One after the other: all at once, each would greet all others in the same millisecond.
  for (const auto& host : hosts_) {
    host->start();
    run_for(shape.node_timeout / (2 * shape.nodes()));
  }
  return cluster;
}

bool Sim::open_slot(Slot slot, HostId from, HostId to) {
  return set_slot(to, slot, "importing", from) && set_slot(from, slot, "migrating", to);
}

bool Sim::give_slot(Slot slot, HostId from, HostId to) {
  return set_slot(to, slot, "node", to) && set_slot(from, slot, "node", to);
}

bool Sim::set_slot(HostId at, Slot slot, std::string_view action, HostId other) {
  data_witness_.on_operated(slot);
  if (!host(other).is_up()) return false;
  const auto number = std::to_string(slot.value);
  const auto id = host(other).node().id();
  const std::string_view args[] = {number, action, id.view()};
  // There it would wait; this operator does not.
  if (!host(at).is_running()) return false;
  const MonoTime asked_at = host(at).now().mono;
  if (!host(at).node().may_assign_slots(asked_at < host(at).node().write_lease_end(), asked_at)) return false;
  return host(at).operate([&](ClusterNode& node, Now now) { return node.set_slot(args, now); });
}

void Sim::run_for(nanoseconds span) {
  const WorldTime end = queue_.now() + span;
  while (!violation() && queue_.next_at() <= end) queue_.step();
  if (!violation()) queue_.advance_to(end);
}

bool Sim::run_until(const std::function<bool()>& condition, nanoseconds limit, nanoseconds step) {
  const WorldTime end = queue_.now() + limit;
  while (!violation()) {
    if (condition()) return true;
    if (queue_.now() >= end) return false;
    run_for(step);
  }
  return false;
}

bool Sim::await(Agreement wanted, nanoseconds limit) {
  std::optional<std::string> lacking;
  const bool is_so = run_until(
      [&] {
        lacking = find_disagreement(hosts_, wanted);
        return !lacking;
      },
      limit);
  if (!is_so && !violation()) {
    journal_.violation(fmt::format("no agreement after {} s: {}",
                                   std::chrono::duration_cast<seconds>(limit).count(),
                                   lacking.value_or("?")));
  }
  return is_so;
}

bool Sim::await_data(nanoseconds limit) {
  std::optional<std::string> lacking;
  const bool is_so = run_until(
      [&] {
        lacking = data_witness_.find_wrong_data(hosts_);
        return !lacking;
      },
      limit);
  if (!is_so && !violation()) journal_.violation("the data is not as it should be: " + lacking.value_or("?"));
  return is_so;
}

void Sim::cut_off(HostId host) {
  cut_apart({host});
}

void Sim::cut_apart(const std::vector<HostId>& group) {
  const auto is_inside = [&](HostId id) { return std::find(group.begin(), group.end(), id) != group.end(); };
  for (const auto inside : group) {
    for (const auto& host : hosts_) {
      if (!is_inside(host->id())) cut(inside, host->id());
    }
  }
}

void Sim::cut(HostId a, HostId b) {
  cut_one_way(a, b);
  cut_one_way(b, a);
}

void Sim::cut_one_way(HostId from, HostId to) {
  network_.cut(host(from).machine(), host(to).machine());
}

void Sim::heal() {
  journal_.note("all faults end");
  network_.mend_all();
  for (const auto& host : hosts_) {
    network_.weather(host->machine()) = Weather{};
    host->slow_disk(microseconds{50}, milliseconds{3});
    host->fill_disk(false);
    host->resume();
    host->start();
  }
}

}  // namespace skein::sim
