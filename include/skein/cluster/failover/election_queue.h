// Whose election comes first when several primaries have failed.
//
// A voter has one vote in an epoch: replicas of different primaries that ask at one moment
// take it from each other. So they ask one after the other, in the order of the failed
// primaries' ids. Each follows as soon as the one before it has asked, in a later epoch:
// nobody has to wait for an election to end.
//
// Where many have failed each leaves the one before it a moment. Of hundreds of packets a few are
// late, and a voter that hears the later epoch first refuses the earlier one; with half of the
// voters gone a single refusal loses an election.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// Primaries that seem to have failed and that a replica could replace, by id. `seems_failed`
// is asked for primaries with slots; it may be ahead of PFAIL.
template <typename SeemsFailed>
[[nodiscard]] std::vector<NodeIndex> primaries_to_replace(const Topology& topology, SeemsFailed&& seems_failed);

class ElectionQueue {
 public:
  struct Turn {
    bool is_ours = false;
    NodeIndex waits_for = kNoNode;
    // Failed ones before ours that are not replaced yet, and those of them that have let their
    // turn go by: who asks then leaves them an epoch each, should they ask at this moment.
    std::size_t ahead = 0;
    std::size_t silent = 0;
    // Nobody is before us, but for the moment that is left to who asked last.
    MonoTime not_before{};
    [[nodiscard]] bool has_come(MonoTime now) const { return !is_ours && not_before != MonoTime{} && now >= not_before; }
  };
  struct Asker {
    NodeIndex primary;         // ours
    bool again = false;        // it has asked before: those who have not go first
    nanoseconds prepares{0};   // so long its request takes to leave: the save before it
  };
  // `failed` as primaries_to_replace gives it, ours in it or not.
  Turn judge(const std::vector<NodeIndex>& failed, const Asker& us, MonoTime now);
  // A replica of this primary asks for votes in this epoch.
  void note_asked(NodeIndex primary, Epoch epoch, MonoTime now);
  void clear();

 private:
  enum class Place : std::uint8_t { kInLine, kHasAsked, kHasLetPass };
  [[nodiscard]] Place place_of(NodeIndex primary) const;
  void move(NodeIndex primary, Place to);
  [[nodiscard]] MonoTime after_the_last(const std::vector<NodeIndex>& failed, const Asker& us) const;
  [[nodiscard]] std::size_t asked_since_the_last(const std::vector<NodeIndex>& failed, NodeIndex ours) const;

  std::vector<Place> places_;      // by index
  NodeIndex head_ = kNoNode;       // the one whose turn it is
  MonoTime head_since_{};
  Epoch last_asked_;               // the greatest epoch somebody has asked in
  NodeIndex last_asker_ = kNoNode;
  MonoTime last_asked_at_{};       // when that was heard
};

template <typename SeemsFailed>
std::vector<NodeIndex> primaries_to_replace(const Topology& topology, SeemsFailed&& seems_failed) {
  std::vector<bool> has_replica(topology.index_limit(), false);
  topology.for_each_node([&](NodeIndex, const Node& node) {
    const bool may_stand = node.is_replica() && !node.primary.is_none() && !node.has_failed() && !node.is_suspected() &&
                           !node.flags.has(NodeFlag::kNoFailover);
    if (may_stand) has_replica[node.primary.value] = true;
  });
  std::vector<NodeIndex> failed;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index != kSelf && node.is_voter() && has_replica[index.value] && seems_failed(index)) failed.push_back(index);
  });
  std::sort(failed.begin(), failed.end(),
            [&](NodeIndex a, NodeIndex b) { return topology.node(a).id < topology.node(b).id; });
  return failed;
}

}  // namespace skein
