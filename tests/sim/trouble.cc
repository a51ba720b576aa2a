#include "trouble.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "hostile_packets.h"

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

// What leads to failovers, or makes them hard.
constexpr FaultKind kFailoverKinds[] = {
    FaultKind::kKill,         FaultKind::kPowerLoss,        FaultKind::kTornSave,
    FaultKind::kPause,        FaultKind::kKillAfterVote,    FaultKind::kCut,
    FaultKind::kOneWayCut,    FaultKind::kClockJump,        FaultKind::kSlowDisk,
    FaultKind::kSlow,         FaultKind::kSeveralPrimaries, FaultKind::kLaggingReplica,
    FaultKind::kFailover,     FaultKind::kHandover,         FaultKind::kEmptyRestart,
    FaultKind::kMinority,     FaultKind::kSlotMove};

constexpr FaultKind kStormKinds[] = {FaultKind::kKill,    FaultKind::kPowerLoss,        FaultKind::kPause,
                                     FaultKind::kCut,     FaultKind::kSeveralPrimaries, FaultKind::kLaggingReplica,
                                     FaultKind::kMinority, FaultKind::kFailover,        FaultKind::kHandover};

constexpr FaultKind kHeirKinds[] = {FaultKind::kKill,           FaultKind::kPowerLoss, FaultKind::kSeveralPrimaries,
                                    FaultKind::kReplicationCut, FaultKind::kReplicate, FaultKind::kFailover,
                                    FaultKind::kHandover,       FaultKind::kSlowDisk};

std::vector<FaultKind> kinds_of(Trouble::Mixture mixture) {
  if (mixture == Trouble::Mixture::kStorm) return {std::begin(kStormKinds), std::end(kStormKinds)};
  if (mixture == Trouble::Mixture::kFailovers) return {std::begin(kFailoverKinds), std::end(kFailoverKinds)};
  if (mixture == Trouble::Mixture::kHeirs) return {std::begin(kHeirKinds), std::end(kHeirKinds)};
  std::vector<FaultKind> all;
  // What came later has mixtures of its own: the seeds of this one stay what they are.
  for (std::size_t i = 0; i < static_cast<std::size_t>(FaultKind::kReplicationCut); ++i) all.push_back(static_cast<FaultKind>(i));
  return all;
}

std::vector<FaultKind> draw_kinds(Random& random, Trouble::Mixture mixture) {
  std::vector<FaultKind> kinds;
  while (kinds.size() < 4) {
    kinds.clear();
    for (const FaultKind kind : kinds_of(mixture)) {
      if (random.one_in(2)) kinds.push_back(kind);
    }
  }
  return kinds;
}

}  // namespace

Trouble::Trouble(Sim& sim, std::uint64_t seed, Mixture mixture)
    : sim_(sim),
      random_(seed),
      prefers_primaries_(mixture != Mixture::kAnything),
      kinds_(draw_kinds(random_, mixture)),
      moves_(sim, random_.next()) {}

Trouble::Trouble(Sim& sim, std::uint64_t seed, std::vector<FaultKind> kinds)
    : sim_(sim), random_(seed), kinds_(std::move(kinds)), moves_(sim, random_.next()) {}

void Trouble::plan(std::uint32_t count, nanoseconds span) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const FaultKind kind = kinds_[random_.below(kinds_.size())];
    sim_.queue().after(draw_between(random_, 0ns, span), [this, kind] { strike(kind); });
  }
}

void Trouble::strike(FaultKind kind) {
  sim_.journal().note(fmt::format("fault: {}", fault_name(kind)));
  switch (kind) {
    case FaultKind::kKill:
    case FaultKind::kPowerLoss:
    case FaultKind::kPause: return stop_for_a_while(kind, any_victim());
    case FaultKind::kTornSave: return lose_power_amid_save();
    case FaultKind::kKillAfterVote: return kill_after_vote();
    case FaultKind::kCut:
    case FaultKind::kOneWayCut:
    case FaultKind::kPairCut: return cut_for_a_while(kind);
    case FaultKind::kBreakLinks: return break_links();
    case FaultKind::kStall: return stall_links();
    case FaultKind::kSlow:
    case FaultKind::kCorrupt:
    case FaultKind::kRepeat: return worsen_weather(kind);
    case FaultKind::kClockJump: return jump_clock();
    case FaultKind::kSlowDisk:
    case FaultKind::kFullDisk: return hamper_disk(kind);
    case FaultKind::kMove: return move();
    case FaultKind::kBumpEpochs: return bump_epochs();
    case FaultKind::kStranger: return send_strange_packets();
    case FaultKind::kHostile: return send_malformed_packets();
    case FaultKind::kSeveralPrimaries: return stop_several_primaries();
    case FaultKind::kLaggingReplica: return stop_before_lagging_replica();
    case FaultKind::kFailover: return fail_over();
    case FaultKind::kHandover: return hand_over();
    case FaultKind::kEmptyRestart: return restart_empty();
    case FaultKind::kMinority: return cut_minority();
    case FaultKind::kSlotMove: return move_slot();
    case FaultKind::kReplicationCut: return cut_replication();
    case FaultKind::kReplicate: return move_replica();
    case FaultKind::kCount: return;
  }
}

// Whom a failure hits.
Host& Trouble::any_victim() {
  Host* primary = prefers_primaries_ && !random_.one_in(4) ? any_primary() : nullptr;
  return primary == nullptr ? any_host() : *primary;
}

Host& Trouble::any_host() {
  return *sim_.hosts()[random_.below(sim_.hosts().size())];
}

std::vector<Host*> Trouble::running_primaries() {
  std::vector<Host*> found;
  for (const auto& host : sim_.hosts()) {
    if (host->is_running() && host->node().topology().self().is_voter()) found.push_back(host.get());
  }
  return found;
}

Host* Trouble::any_primary() {
  const auto found = running_primaries();
  return found.empty() ? nullptr : found[random_.below(found.size())];
}

// From hardly noticed to long enough for an election and a new order.
nanoseconds Trouble::draw_span() {
  const auto timeout = sim_.hosts().front()->settings().node_timeout;
  if (random_.one_in(3)) return draw_between(random_, 50ms, timeout / 2);
  return draw_between(random_, timeout / 2, 6 * timeout);
}

void Trouble::start_later(Host& host, nanoseconds delay) {
  sim_.queue().after(delay, [&host] { host.start(); });
}

void Trouble::stop_for_a_while(FaultKind kind, Host& victim) {
  sim_.journal().count(kind);
  const auto span = draw_span();
  if (kind == FaultKind::kPause) {
    victim.pause();
    sim_.queue().after(span, [&victim] { victim.resume(); });
    return;
  }
  if (kind == FaultKind::kKill) victim.kill();
  if (kind == FaultKind::kPowerLoss) victim.lose_power();
  start_later(victim, span);
}

void Trouble::lose_power_amid_save() {
  Host& victim = any_host();
  if (!victim.is_running()) return;
  sim_.journal().count(FaultKind::kTornSave);
  victim.operate([](ClusterNode& node, Now now) { return node.bump_epoch(now); });
  // A save takes four steps of up to three milliseconds.
  sim_.queue().after(draw_between(random_, 0ns, 8ms), [&victim] { victim.lose_power(); });
  start_later(victim, draw_span());
}

// An election, and voters that lose their memory as soon as they have voted: what they
// remember afterwards is what they had saved.
void Trouble::kill_after_vote() {
  Host* failing = any_primary();
  if (failing == nullptr) return;
  const auto timeout = failing->settings().node_timeout;
  sim_.journal().count(FaultKind::kKillAfterVote);
  failing->kill();
  start_later(*failing, draw_between(random_, 4 * timeout, 8 * timeout));
  for (const auto& host : sim_.hosts()) {
    if (!host->is_running() || random_.one_in(3)) continue;
    Host& voter = *host;
    const bool by_power = random_.one_in(2);
    const auto back = draw_between(random_, 5ms, 300ms);
    voter.after_next_vote([this, &voter, by_power, back] {
      if (by_power) {
        voter.lose_power();
      } else {
        voter.kill();
      }
      start_later(voter, back);
    });
  }
}

void Trouble::cut_for_a_while(FaultKind kind) {
  sim_.journal().count(kind);
  const auto& hosts = sim_.hosts();
  std::vector<std::pair<MachineId, MachineId>> cuts;
  if (kind == FaultKind::kPairCut) {
    const MachineId a = any_host().machine();
    const MachineId b = any_host().machine();
    if (a != b) cuts = {{a, b}, {b, a}};
  } else {
    // One machine or many; the larger part need not be the one with most primaries.
    std::vector<bool> is_inside(hosts.size());
    for (auto left = 1 + random_.below(random_.one_in(2) ? 1 : hosts.size() / 2 + 1); left > 0; --left) {
      is_inside[random_.below(hosts.size())] = true;
    }
    const bool outward = random_.one_in(2);
    for (std::size_t a = 0; a < hosts.size(); ++a) {
      for (std::size_t b = 0; b < hosts.size(); ++b) {
        if (is_inside[a] == is_inside[b]) continue;
        if (kind == FaultKind::kOneWayCut && is_inside[a] != outward) continue;
        cuts.emplace_back(hosts[a]->machine(), hosts[b]->machine());
      }
    }
  }
  for (const auto& [from, to] : cuts) sim_.network().cut(from, to);
  sim_.queue().after(draw_span(), [this, cuts] {
    for (const auto& [from, to] : cuts) sim_.network().mend(from, to);
    sim_.journal().note("a cut is mended");
  });
}

void Trouble::worsen_weather(FaultKind kind) {
  Host& victim = any_host();
  Weather worse;
  if (kind == FaultKind::kSlow) {
    worse.least_delay = draw_between(random_, 1ms, 50ms);
    worse.most_delay = draw_between(random_, 50ms, 400ms);
    sim_.journal().count(kind);
  } else if (kind == FaultKind::kCorrupt) {
    // Without the mark, as from redis, nobody can tell.
    if (!victim.settings().mark_packets) return;
    worse.corrupt_one_in = 2 + random_.below(20);
  } else {
    worse.repeat_one_in = 1;
    // Repeats need a connection that breaks after something has gone over it.
    sim_.queue().after(500ms, [this, &victim] { sim_.network().break_links(victim.machine()); });
  }
  sim_.network().weather(victim.machine()) = worse;
  sim_.queue().after(draw_span(), [this, &victim] { sim_.network().weather(victim.machine()) = Weather{}; });
}

void Trouble::break_links() {
  sim_.journal().count(FaultKind::kBreakLinks);
  sim_.network().break_links(any_host().machine());
}

void Trouble::stall_links() {
  sim_.journal().count(FaultKind::kStall);
  sim_.network().stall_links(any_host().machine(), draw_span());
}

void Trouble::jump_clock() {
  sim_.journal().count(FaultKind::kClockJump);
  constexpr std::int64_t kHour = 3'600'000;
  const auto by = milliseconds{static_cast<std::int64_t>(random_.below(2 * kHour)) - kHour};
  const bool on_all = random_.one_in(4);
  Host& victim = any_host();
  for (const auto& host : sim_.hosts()) {
    if (on_all || host.get() == &victim) host->jump_wall_clock(by);
  }
}

void Trouble::hamper_disk(FaultKind kind) {
  sim_.journal().count(kind);
  Host& victim = any_host();
  if (kind == FaultKind::kFullDisk) {
    victim.fill_disk(true);
    sim_.queue().after(draw_span(), [&victim] { victim.fill_disk(false); });
  } else {
    victim.slow_disk(20ms, draw_between(random_, 50ms, 1500ms));
    sim_.queue().after(draw_span(), [&victim] { victim.slow_disk(50us, 3ms); });
  }
}

void Trouble::move() {
  Host& victim = any_host();
  if (!victim.is_up()) return;
  sim_.journal().count(FaultKind::kMove);
  victim.kill();
  sim_.queue().after(draw_between(random_, 50ms, 2s), [this, &victim] {
    if (victim.is_up()) return;
    victim.move(address_of(next_address_++), victim.settings().port);
    victim.start();
  });
}

void Trouble::bump_epochs() {
  sim_.journal().count(FaultKind::kBumpEpochs);
  for (const auto& host : sim_.hosts()) {
    if (!host->is_running() || !host->node().topology().self().is_voter() || random_.one_in(3)) continue;
    host->operate([](ClusterNode& node, Now now) { return node.bump_epoch(now); });
  }
}

void Trouble::send_strange_packets() {
  Host& victim = any_host();
  if (!victim.is_running()) return;
  sim_.journal().count(FaultKind::kStranger);
  const auto stranger = *NodeId::parse(random_.hex(NodeId::kSize));
  for (auto& bytes : strange_packets(stranger, any_host().node_or_null(), random_)) {
    sim_.queue().after(draw_between(random_, 0ns, 1s), [this, &victim, packet = std::move(bytes)] {
      sim_.network().inject(victim.machine(), "192.0.2.77", packet, false);
    });
  }
}

void Trouble::send_malformed_packets() {
  Host& victim = any_host();
  Host& sender = any_host();
  if (!victim.is_running() || !sender.is_running() || &victim == &sender) return;
  sim_.journal().count(FaultKind::kHostile);
  for (auto& bytes : malformed_packets(sender, random_)) {
    sim_.queue().after(draw_between(random_, 0ns, 1s),
                       [this, &victim, ip = sender.ip(), packet = std::move(bytes)] {
                         sim_.network().inject(victim.machine(), ip, packet, true);
                       });
  }
}

// As many as leave a majority, at one moment.
void Trouble::stop_several_primaries() {
  auto primaries = running_primaries();
  if (primaries.size() < 3) return;
  sim_.journal().count(FaultKind::kSeveralPrimaries);
  const auto most = (primaries.size() - 1) / 2;
  const auto count = most < 2 ? most : 2 + random_.below(most - 1);
  const FaultKind kinds[] = {FaultKind::kKill, FaultKind::kPowerLoss, FaultKind::kPause};
  const FaultKind kind = kinds[random_.below(3)];
  const auto timeout = primaries.front()->settings().node_timeout;
  for (std::size_t i = 0; i < count; ++i) {
    const auto chosen = random_.below(primaries.size());
    Host& victim = *primaries[chosen];
    primaries.erase(primaries.begin() + static_cast<std::ptrdiff_t>(chosen));
    const auto span = draw_between(random_, 2 * timeout, 6 * timeout);
    if (kind == FaultKind::kPause) {
      victim.pause();
      sim_.queue().after(span, [&victim] { victim.resume(); });
      continue;
    }
    if (kind == FaultKind::kKill) victim.kill();
    if (kind == FaultKind::kPowerLoss) victim.lose_power();
    start_later(victim, span);
  }
}

// One replica's stream stands still for a while, and then its primary is gone.
void Trouble::stop_before_lagging_replica() {
  Host& replica = any_host();
  if (!replica.is_running() || !replica.node().topology().self().is_replica()) return;
  const Topology& topology = replica.node().topology();
  const NodeIndex index = topology.self().primary;
  if (index.is_none()) return;
  const auto primary = sim_.data().hosts().find(topology.node(index).id);
  if (primary == sim_.data().hosts().end()) return;
  sim_.journal().count(FaultKind::kLaggingReplica);
  Host& victim = sim_.host(primary->second->id());
  const auto lag = draw_between(random_, 200ms, 3s);
  sim_.network().stall_links(replica.data().machine(), lag + 1s);
  const bool by_power = random_.one_in(2);
  sim_.queue().after(lag, [&victim, by_power] { by_power ? victim.lose_power() : victim.kill(); });
  start_later(victim, lag + draw_span());
}

void Trouble::fail_over() {
  Host& replica = any_host();
  if (!replica.is_running() || !replica.node().topology().self().is_replica()) return;
  sim_.journal().count(FaultKind::kFailover);
  constexpr std::string_view kOptions[] = {"", "", "force", "takeover"};
  static_cast<void>(replica.fail_over(kOptions[random_.below(4)]));
}

void Trouble::hand_over() {
  Host* victim = random_.one_in(4) ? &any_host() : any_primary();
  if (victim == nullptr || !victim->is_running()) return;
  sim_.journal().count(FaultKind::kHandover);
  victim->shut_down();
  start_later(*victim, draw_span());
}

// One, or now and then all at once.
void Trouble::restart_empty() {
  Host* chosen = any_primary();
  if (chosen == nullptr) return;
  sim_.journal().count(FaultKind::kEmptyRestart);
  const bool all = random_.one_in(8);
  for (const auto& host : sim_.hosts()) {
    if (!all && host.get() != chosen) continue;
    Host& victim = *host;
    victim.kill();
    victim.lose_data();
    start_later(victim, draw_between(random_, 50ms, victim.settings().node_timeout / 2));
  }
}

// Some of the primaries, fewer than half, and some replicas, whosever they are.
void Trouble::cut_minority() {
  const auto primaries = running_primaries();
  if (primaries.size() < 3) return;
  sim_.journal().count(FaultKind::kMinority);
  std::set<const Host*> inside;
  for (auto left = 1 + random_.below((primaries.size() - 1) / 2); left > 0; --left) {
    inside.insert(primaries[random_.below(primaries.size())]);
  }
  for (const auto& host : sim_.hosts()) {
    if (host->is_up() && host->node().topology().self().is_replica() && random_.one_in(3)) inside.insert(host.get());
  }
  // Not all primaries outside need be out of reach: one that owns no majority may be heard.
  const Host* heard = random_.one_in(2) ? primaries[random_.below(primaries.size())] : nullptr;
  std::vector<std::pair<MachineId, MachineId>> cuts;
  for (const auto& a : sim_.hosts()) {
    for (const auto& b : sim_.hosts()) {
      if (!inside.contains(a.get()) || inside.contains(b.get()) || b.get() == heard) continue;
      cuts.emplace_back(a->machine(), b->machine());
      cuts.emplace_back(b->machine(), a->machine());
    }
  }
  for (const auto& [from, to] : cuts) sim_.network().cut(from, to);
  sim_.queue().after(draw_between(random_, 1s, 5 * sim_.hosts().front()->settings().node_timeout), [this, cuts] {
    for (const auto& [from, to] : cuts) sim_.network().mend(from, to);
    sim_.journal().note("the minority is back");
  });
}

// One that cannot copy from anybody, as with a wrong masterauth: whom it follows may change meanwhile, and more than once.
void Trouble::cut_replication() {
  sim_.journal().count(FaultKind::kReplicationCut);
  const MachineId lonely = any_host().data().machine();
  std::vector<std::pair<MachineId, MachineId>> cuts;
  for (const auto& other : sim_.hosts()) {
    if (other->data().machine() == lonely) continue;
    cuts.emplace_back(lonely, other->data().machine());
    cuts.emplace_back(other->data().machine(), lonely);
  }
  for (const auto& [from, to] : cuts) sim_.network().cut(from, to);
  sim_.queue().after(draw_span() + draw_span(), [this, cuts] {
    for (const auto& [from, to] : cuts) sim_.network().mend(from, to);
    sim_.journal().note("replication is mended");
  });
}

// CLUSTER REPLICATE, to any primary: it has nothing of that one's data yet.
void Trouble::move_replica() {
  const auto primaries = running_primaries();
  Host& replica = any_host();
  if (primaries.empty() || !replica.is_running() || !replica.node().topology().self().is_replica()) return;
  sim_.journal().count(FaultKind::kReplicate);
  const NodeId id = primaries[random_.below(primaries.size())]->node().id();
  static_cast<void>(replica.operate([&](ClusterNode& node, Now now) { return node.replicate(id.view(), now); }));
}

// The second slot of somebody's: the first ones stay where elections leave them.
void Trouble::move_slot() {
  const auto primaries = running_primaries();
  if (primaries.size() < 2) return;
  const auto& from = *primaries[random_.below(primaries.size())];
  const auto& to = *primaries[random_.below(primaries.size())];
  const auto ranges = from.node().topology().slot_ranges_of(kSelf);
  const auto [first, last] = ranges.front();
  const Slot slot{static_cast<std::uint16_t>(first.value + 1)};
  if (&from == &to || slot > last) return;
  sim_.journal().count(FaultKind::kSlotMove);
  moves_.begin(slot, from.id(), to.id());
}

}  // namespace skein::sim
