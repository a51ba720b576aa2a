#include "candidate.h"

#include <fmt/format.h>
#include <skein/cluster/bus/packet.h>

#include <algorithm>
#include <memory>

#include "host.h"

namespace skein::sim {

namespace {

// Short and alike, so that rivals often ask in the same epoch.
constexpr milliseconds kMostHeadStart{600};
constexpr milliseconds kAskAgain{300};

}  // namespace

bool Candidate::has_reason() const {
  if (!host_.is_running()) return false;
  const Topology& topology = host_.node().topology();
  const Node& self = topology.self();
  if (!self.is_replica() || self.primary.is_none()) return false;
  const Node& primary = topology.node(self.primary);
  return primary.has_failed() && primary.slot_count > 0;
}

void Candidate::on_tick() {
  if (!has_reason()) {
    phase_ = Resting{};
    return;
  }
  const MonoTime now = host_.now().mono;
  if (std::holds_alternative<Resting>(phase_)) {
    phase_ = Waiting{now + draw_between(random_, milliseconds{50}, kMostHeadStart)};
  } else if (const auto* waiting = std::get_if<Waiting>(&phase_)) {
    if (now >= waiting->ask_at) begin_round(std::max(highest_asked_, host_.node().current_epoch()).next());
  } else if (auto* round = std::get_if<Asking>(&phase_)) {
    if (now >= round->give_up_at) {
      phase_ = Waiting{now + draw_between(random_, milliseconds{50}, host_.settings().node_timeout)};
    } else if (now >= round->ask_again_at) {
      round->ask_again_at = now + kAskAgain;
      ask(*round);
    }
  }
}

void Candidate::begin_round(Epoch epoch) {
  const MonoTime now = host_.now().mono;
  highest_asked_ = epoch;
  const auto length = std::max(2 * host_.settings().node_timeout, milliseconds{2000});
  phase_ = Asking{highest_asked_, now + length, now + kAskAgain, {}};
  host_.note(fmt::format("asks for votes in epoch {}", highest_asked_.value));
  ask(std::get<Asking>(phase_));
}

void Candidate::ask(const Asking& round) {
  const Topology& topology = host_.node().topology();
  const Node& self = topology.self();
  const Node& primary = topology.node(self.primary);
  const SlotBitmap slots = topology.slots_of(self.primary);
  const NodeAddress ports = host_.settings().announced_ports();
  PacketHeader header;
  header.type = MessageType::kAuthRequest;
  header.sender = self.id;
  header.current_epoch = round.epoch;
  header.config_epoch = primary.config_epoch;
  header.slots = slots.wire();
  header.replica_of = primary.id;
  header.port = ports.port;
  header.plain_port = ports.plain_port;
  header.bus_port = ports.bus_port;
  header.flags = NodeFlag::kReplica;
  header.understands_extensions = true;
  host_.broadcast(std::make_shared<const std::string>(encode_bare(header, host_.settings().mark_packets)));
}

// As if both had begun at one moment: the dangerous case, and rare by itself.
void Candidate::meet_rival(Epoch epoch) {
  const bool may_ask = std::holds_alternative<Waiting>(phase_) && has_reason() && epoch > highest_asked_;
  if (may_ask && random_.one_in(2)) begin_round(epoch);
}

void Candidate::on_packet(const PacketView& packet) {
  if (packet.type() == MessageType::kAuthRequest) return meet_rival(packet.current_epoch());
  auto* round = std::get_if<Asking>(&phase_);
  if (round == nullptr || !has_reason()) return;
  if (packet.type() != MessageType::kAuthAck || packet.current_epoch() < round->epoch) return;
  const Topology& topology = host_.node().topology();
  const NodeIndex voter = topology.find(packet.sender_id());
  if (voter.is_none() || !topology.node(voter).is_voter()) return;
  round->granted_by.insert(std::string(packet.sender()));
  if (round->granted_by.size() < topology.voter_count() / 2 + 1) return;
  const Epoch epoch = round->epoch;
  phase_ = Resting{};
  host_.take_over(epoch);
}

}  // namespace skein::sim
