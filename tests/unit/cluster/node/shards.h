// Primaries 0..p-1, each with r replicas that have all of its data: host p + i follows
// primary i % p.
#pragma once

#include "loopback.h"

namespace skein {

class Shards : public Loopback {
 public:
  Shards(std::size_t primaries, std::size_t replicas_each, milliseconds node_timeout = milliseconds{2000})
      : Loopback(primaries * (1 + replicas_each), node_timeout), primaries_(primaries), hosts_(primaries * (1 + replicas_each)) {
    form(primaries);
    for (std::size_t i = 0; i < hosts_; ++i) {
      host(i).data = DataFacts{.offset = {1000}, .primary_link_up = true, .primary_silence = milliseconds{0}};
      if (i < primaries) continue;
      EXPECT_TRUE(node(i).replicate(id(i % primaries), now()));
    }
    pump();
    run_for(milliseconds{4000});
    epoch_at_start_ = node(0).current_epoch().value;
  }

  [[nodiscard]] std::uint64_t epoch_at_start() const { return epoch_at_start_; }

  // The process ends: its connections break and nothing comes up again.
  void kill(std::size_t i) {
    killed_id_ = node(i).id();
    crash(i);
    for (std::size_t other = 0; other < hosts_; ++other) {
      if (host(other).data && host(other).node && follows(other, killed_id_)) host(other).data->primary_link_up = false;
    }
  }

  [[nodiscard]] bool serves(std::size_t i, std::size_t share) {
    if (!host(i).node || !node(i).topology().self().is_primary()) return false;
    const bool promoted = !node(i).is_saving() && node(i).state() == ClusterState::kOk;
    const bool may_write = node(i).write_lease_end() > now().mono;
    return promoted && may_write && node(i).topology().owner(slot_of(share)) == kSelf;
  }

  // From the death of a primary to the moment its heir serves; nothing when it takes longer than `limit`.
  std::optional<milliseconds> kill_and_wait(std::size_t victim, std::size_t heir, milliseconds limit = milliseconds{15000}) {
    const MonoTime at = now().mono;
    kill(victim);
    if (!run_finely(limit, [&] { return serves(heir, victim); })) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(now().mono - at);
  }

  // Who serves the slots that primary `share` had at first; the number of hosts when nobody does.
  [[nodiscard]] std::size_t owner_of(std::size_t share) {
    for (std::size_t i = 0; i < hosts_; ++i) {
      if (serves(i, share)) return i;
    }
    return hosts_;
  }

  [[nodiscard]] Slot slot_of(std::size_t share) const {
    return {static_cast<std::uint16_t>(share * (kSlotCount / primaries_))};
  }

  [[nodiscard]] std::size_t primary_of(std::size_t replica) {
    const Topology& topology = node(replica).topology();
    if (topology.self().primary.is_none()) return hosts_;
    for (std::size_t i = 0; i < hosts_; ++i) {
      if (host(i).node && node(i).id() == topology.node(topology.self().primary).id) return i;
    }
    return hosts_;
  }

  [[nodiscard]] std::size_t times_logged(std::size_t i, std::string_view text) const {
    std::size_t times = 0;
    for (const auto& event : seen<LogEvent>(i)) times += event.text.find(text) != std::string::npos ? 1 : 0;
    return times;
  }
  [[nodiscard]] bool logged(std::size_t i, std::string_view text) const { return times_logged(i, text) > 0; }

  // Every live host sees the same owner of every slot.
  void expect_one_view() {
    std::size_t judge = 0;
    while (!host(judge).node) ++judge;
    const Topology& theirs = node(judge).topology();
    for (std::size_t i = judge + 1; i < hosts_; ++i) {
      if (!host(i).node) continue;
      const Topology& ours = node(i).topology();
      for (std::uint16_t s = 0; s < kSlotCount; s += 64) {
        ASSERT_FALSE(ours.owner({s}).is_none());
        ASSERT_EQ(ours.node(ours.owner({s})).id, theirs.node(theirs.owner({s})).id) << "slot " << s << " as " << i << " sees it";
      }
    }
  }

 private:
  bool follows(std::size_t i, const NodeId& primary) {
    const Topology& topology = node(i).topology();
    const NodeIndex index = topology.self().primary;
    return !index.is_none() && topology.node(index).id == primary;
  }

  std::size_t primaries_;
  std::size_t hosts_;
  std::uint64_t epoch_at_start_ = 0;
  NodeId killed_id_;
};

}  // namespace skein
