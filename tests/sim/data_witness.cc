#include "data_witness.h"

#include <fmt/format.h>

#include <algorithm>

#include "host.h"

namespace skein::sim {

namespace {

// Two machines' clocks do not run alike: in a node timeout they may be apart by this part.
constexpr int kClockDrift = 5000;
// For so many node timeouts after a TAKEOVER members may see different voters.
constexpr int kTakeoverDoubt = 8;
// How long a primary that lost its data holds back at most; see failover/cautious_start.h.
constexpr seconds kMostCaution{10};

const Host* find_owner(const std::vector<std::unique_ptr<Host>>& hosts, Slot slot) {
  const Host* best = nullptr;
  for (const auto& host : hosts) {
    if (!host->is_up() || host->node().topology().owner(slot) != kSelf) continue;
    const auto epoch = [](const Host& of) { return of.node().topology().self().config_epoch; };
    if (best == nullptr || epoch(*host) > epoch(*best)) best = host.get();
  }
  return best;
}

}  // namespace

void DataWitness::broken(const Host& host, const std::string& what) {
  journal_.violation(host.name() + " " + what);
}

void DataWitness::on_started(const Host& host) {
  hosts_[host.node().id()] = &host;
  data_of_.erase(&host);  // what it found on its disk may be long out of date
}

NodeId DataWitness::place_of(const NodeId& node) const {
  const auto found = places_.find(node);
  return found == places_.end() ? node : found->second;
}

void DataWitness::on_holds_own(const Host& host) { data_of_[&host] = place_of(host.node().id()); }

void DataWitness::on_holds_that_of(const Host& host, const NodeId& primary) { data_of_[&host] = place_of(primary); }

void DataWitness::on_promoted(const Host& host, PromotionKind kind) {
  const Topology& topology = host.node().topology();
  if (const NodeId& former = host.followed(); !former.is_none()) {
    const NodeId place = place_of(former);
    const auto holds = data_of_.find(&host);
    if (kind == PromotionKind::kElected && (holds == data_of_.end() || holds->second != place)) {
      broken(host, "was elected though it does not hold the data of the place it takes");
    }
    places_[host.node().id()] = place;
  }
  const auto span = kTakeoverDoubt * host.settings().node_timeout;
  if (kind == PromotionKind::kTakenOver) last_takeover_ = queue_.now();
  // Who took a place without votes is a voter to some and unknown to others: two majorities.
  if (kind == PromotionKind::kElected && last_takeover_ && queue_.now() - *last_takeover_ < span) return;
  promotions_.push_back(
      {&host, topology.self().config_epoch, topology.slots_of(kSelf), kind, queue_.now(), false});
}

void DataWitness::on_durable(const Host& host) {
  for (Promotion& promotion : promotions_) {
    if (promotion.winner != &host || promotion.is_saved || !host.durable()->is_primary) continue;
    promotion.is_saved = host.durable()->config_epoch >= promotion.epoch;
  }
}

void DataWitness::on_acknowledged(const Host& host, Slot slot, KeyNumber key, KeyValue value) {
  ++acknowledged_;
  journal_.count(EventKind::kWrite);
  acknowledged_values_[{slot, key}].push_back(value);
  last_acknowledgement_[&host] = queue_.now();
  last_writer_[slot] = &host;
  const Topology& topology = host.node().topology();
  if (!topology.self().is_primary()) broken(host, "acknowledges a write as a replica");
  if (operated_.contains(slot)) return;
  const Epoch epoch = topology.self().config_epoch;
  for (const Promotion& later : promotions_) {
    if (later.winner == &host || later.epoch <= epoch || later.kind != PromotionKind::kElected) continue;
    if (!later.is_saved || !later.slots.has(slot)) continue;
    const nanoseconds after = queue_.now() - later.at;
    if (after <= host.settings().node_timeout / kClockDrift) continue;
    broken(host, fmt::format("acknowledges a write to slot {} with epoch {}, {} us after {} was elected with {}",
                             slot.value, epoch.value,
                             std::chrono::duration_cast<microseconds>(after).count(), later.winner->name(),
                             later.epoch.value));
  }
}

void DataWitness::on_write(Slot slot, KeyNumber key, KeyValue before) {
  const auto found = acknowledged_values_.find({slot, key});
  if (found == acknowledged_values_.end()) return;
  const auto lost = std::erase_if(found->second, [&](KeyValue value) { return value > before; });
  if (lost == 0) return;
  lost_ += lost;
  journal_.detail(fmt::format("{} acknowledged writes to key {} of slot {} were lost", lost, key, slot.value));
}

void DataWitness::on_full_copy_served(const Host& host) {
  journal_.count(EventKind::kFullCopy);
  if (host.node().is_holding_back()) broken(host, "serves a replica while it holds back");
}

void DataWitness::on_full_copy(const Host& replica, const NodeId& primary, const Dataset& before,
                               const std::vector<Change>& contents) {
  const auto from = hosts_.find(primary);
  if (from == hosts_.end() || before.total_keys() == 0 || !contents.empty()) return;
  const Host& source = *from->second;
  if (!source.lost_its_data()) return;
  const auto waited = queue_.now() - source.started_at();
  if (waited >= 2 * source.settings().node_timeout + kMostCaution) return;
  broken(replica, fmt::format("had {} keys and is emptied by {}, which came back without its data {} ms ago",
                              before.total_keys(), source.name(),
                              std::chrono::duration_cast<milliseconds>(waited).count()));
}

std::optional<WorldTime> DataWitness::last_acknowledgement(const Host& host) const {
  const auto found = last_acknowledgement_.find(&host);
  if (found == last_acknowledgement_.end()) return std::nullopt;
  return found->second;
}

const Host* DataWitness::last_writer(Slot slot) const {
  const auto found = last_writer_.find(slot);
  return found == last_writer_.end() ? nullptr : found->second;
}

std::optional<std::string> DataWitness::find_wrong_data(const std::vector<std::unique_ptr<Host>>& hosts) const {
  std::map<SlotKey, const Host*> holders;
  for (const auto& host : hosts) {
    const Topology& topology = host->node().topology();
    const Dataset& data = host->data().data();
    if (topology.self().is_primary()) {
      // TAKEOVER from a primary that has lost its slots: what it holds is nobody's.
      if (topology.self().slot_count == 0) continue;
      for (const auto& [slot, keys] : data.slots()) {
        for (const auto& [key, value] : keys) {
          const auto [other, is_only] = holders.try_emplace({slot, key}, host.get());
          if (is_only) continue;
          return fmt::format("key {} of slot {} is with {} and {}", key, slot.value, other->second->name(),
                             host->name());
        }
        if (topology.owner(slot) != kSelf) {
          return fmt::format("{} holds keys of slot {}, which it does not own", host->name(), slot.value);
        }
      }
      continue;
    }
    if (topology.self().primary.is_none()) return host->name() + " follows nobody";
    const auto primary = hosts_.find(topology.node(topology.self().primary).id);
    if (primary == hosts_.end()) return host->name() + " follows a stranger";
    if (!host->data().is_in_sync()) return host->name() + " does not copy from its primary";
    if (const auto difference = find_difference(data, primary->second->data().data())) {
      return fmt::format("{} and its primary {} differ: {}", host->name(), primary->second->name(), *difference);
    }
  }
  for (const auto& [at, value] : resting_) {
    const Host* owner = find_owner(hosts, at.slot);
    const KeyValue held = owner == nullptr ? 0 : owner->data().data().value(at.slot, at.key);
    if (held != value) return fmt::format("key {} of slot {}, at rest, is lost", at.key, at.slot.value);
  }
  return std::nullopt;
}

std::uint64_t DataWitness::count_lost_writes(const std::vector<std::unique_ptr<Host>>& hosts) const {
  std::uint64_t lost = lost_;
  for (const auto& [at, values] : acknowledged_values_) {
    const Host* owner = find_owner(hosts, at.slot);
    const KeyValue held = owner == nullptr ? 0 : owner->data().data().value(at.slot, at.key);
    lost += static_cast<std::uint64_t>(
        std::count_if(values.begin(), values.end(), [&](KeyValue value) { return value > held; }));
  }
  return lost;
}

}  // namespace skein::sim
