#include "slot_moves.h"

#include <fmt/format.h>

#include <utility>

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

constexpr nanoseconds kKeyLimit = 5s;

}  // namespace

const Dataset::Keys* SlotMoves::keys_at(HostId host, Slot slot) const {
  const Host& asked = sim_.host(host);
  if (!asked.is_running() || asked.node().is_holding_back()) return nullptr;
  return &asked.data().data().keys(slot);
}

void SlotMoves::later(const MovePtr& move, void (SlotMoves::*step)(const MovePtr&)) {
  sim_.queue().after(draw_between(random_, 500us, 20ms), [this, move, step] { (this->*step)(move); });
}

void SlotMoves::begin(Slot slot, HostId from, HostId to) {
  ++under_way_;
  sim_.journal().note(fmt::format("slot {} begins to move from {} to {}", slot.value, sim_.host(from).name(),
                                  sim_.host(to).name()));
  later(std::make_shared<Move>(Move{slot, from, to}), &SlotMoves::open);
}

void SlotMoves::open(const MovePtr& move) {
  if (!sim_.open_slot(move->slot, move->from, move->to)) return end(move, "is refused");
  later(move, &SlotMoves::move_next_key);
}

void SlotMoves::move_next_key(const MovePtr& move) {
  const auto* keys = keys_at(move->from, move->slot);
  if (keys == nullptr) return end(move, "stops: its source does not answer");
  if (keys->empty()) return later(move, &SlotMoves::give_to_target);
  const KeyNumber key = keys->begin()->first;
  const auto& target = sim_.host(move->to);
  sim_.host(move->from)
      .data()
      .migrate(move->slot, key, {target.ip(), target.settings().port, 0, 0}, [this, move](bool is_done) {
        if (!is_done && --move->attempts_left == 0) return end(move, "stops: a key did not arrive");
        later(move, &SlotMoves::move_next_key);
      });
}

void SlotMoves::give_to_target(const MovePtr& move) {
  if (!sim_.set_slot(move->to, move->slot, "node", move->to)) return end(move, "stops: its target refuses it");
  move->target_starts = sim_.host(move->to).starts();
  later(move, &SlotMoves::await_target);
}

void SlotMoves::await_target(const MovePtr& move) {
  const Host& target = sim_.host(move->to);
  if (!target.is_up() || target.starts() != move->target_starts) return end(move, "stops: its target does not answer");
  later(move, target.is_paused() || target.is_saving() ? &SlotMoves::await_target : &SlotMoves::give_at_source);
}

void SlotMoves::give_at_source(const MovePtr& move) {
  if (!sim_.set_slot(move->from, move->slot, "node", move->to)) return end(move, "was not told to its source");
  later(move, &SlotMoves::give_at_others);
}

void SlotMoves::give_at_others(const MovePtr& move) {
  for (const auto& host : sim_.hosts()) {
    if (!host->is_running() || host->id() == move->from || host->id() == move->to) continue;
    if (!host->node().topology().self().is_primary()) continue;
    static_cast<void>(sim_.set_slot(host->id(), move->slot, "node", move->to));
  }
  sim_.journal().count(EventKind::kSlotMoved);
  end(move, "has moved");
}

void SlotMoves::end(const MovePtr& move, const char* how) {
  --under_way_;
  sim_.journal().note(fmt::format("the move of slot {} {}", move->slot.value, how));
}

bool SlotMoves::take_keys_home(Slot slot, Host& owner) {
  for (const auto& host : sim_.hosts()) {
    if (host.get() == &owner || !host->is_running() || !host->node().topology().self().is_primary()) continue;
    const auto keys = host->data().data().keys(slot);
    for (const auto& [key, value] : keys) {
      if (owner.data().data().value(slot, key) != 0) {
        host->data().erase(slot, key);
        continue;
      }
      const auto outcome = std::make_shared<std::optional<bool>>();
      host->data().migrate(slot, key, {owner.ip(), owner.settings().port, 0, 0},
                           [outcome](bool is_done) { *outcome = is_done; });
      if (!sim_.run_until([&] { return outcome->has_value(); }, kKeyLimit) || !**outcome) return false;
    }
  }
  return true;
}

bool SlotMoves::close_slot(Slot slot, Host& host) {
  if (!host.is_running()) return false;
  const Topology& topology = host.node().topology();
  if (topology.migrating_to(slot).is_none() && topology.importing_from(slot).is_none()) return true;
  if (topology.self().is_replica()) return true;
  const auto number = std::to_string(slot.value);
  const std::string_view args[] = {number, "stable"};
  return host.operate([&](ClusterNode& node, Now now) { return node.set_slot(args, now); });
}

bool SlotMoves::fix() {
  bool all_is_well = true;
  for (const Slot slot : sim_.data().operated()) {
    const HostId owner = sim_.find_owner(slot);
    if (owner == kNobody || !sim_.host(owner).is_running()) return false;
    // The owner first, so that it sends nobody elsewhere any more.
    all_is_well = close_slot(slot, sim_.host(owner)) && take_keys_home(slot, sim_.host(owner)) && all_is_well;
    for (const auto& host : sim_.hosts()) all_is_well = close_slot(slot, *host) && all_is_well;
  }
  return all_is_well;
}

}  // namespace skein::sim
