// Sees every acknowledged write, every promotion and every copy, and knows what must not be.
//
//  - Once a replica has won its election, a primary with an older config epoch acknowledges
//    no write for the slots it took. FORCE and TAKEOVER are excepted, as they do not ask
//    the primary, elections soon after a TAKEOVER, as that gives a vote which not everybody
//    knows of, and slots that an operator moves.
//  - A replica that stands by itself holds data of the place it stands for: of its primary, or of one who had that
//    place before, whatever nodes it has followed and whichever of them it has reached. It has known so since its start.
//  - A primary that lost its data does not empty a replica that has it, but for the risk
//    it has to take at last.
//  - At the end replicas hold what their primaries hold, no key is with two primaries, and
//    none that was at rest is lost.
//
// Acknowledged writes that a failover lost are counted: replication is asynchronous.
#pragma once

#include <skein/cluster/node/node.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataset.h"
#include "event_queue.h"
#include "journal.h"

namespace skein::sim {

class Host;

enum class PromotionKind { kElected, kForced, kTakenOver };

class DataWitness {
 public:
  DataWitness(const EventQueue& queue, Journal& journal) : queue_(queue), journal_(journal) {}

  void on_started(const Host& host);
  void on_promoted(const Host& host, PromotionKind kind);
  // What it holds is what its place holds: it serves as a primary, or is in sync with the one it follows.
  void on_holds_own(const Host& host);
  void on_holds_that_of(const Host& host, const NodeId& primary);
  void on_emptied(const Host& host) { data_of_.erase(&host); }
  void on_durable(const Host& host);
  void on_acknowledged(const Host& host, Slot slot, KeyNumber key, KeyValue value);
  // A key is about to be overwritten: what it holds now is what is left of earlier writes.
  void on_write(Slot slot, KeyNumber key, KeyValue before);
  void on_full_copy_served(const Host& host);
  void on_full_copy(const Host& replica, const NodeId& primary, const Dataset& before,
                    const std::vector<Change>& contents);
  void on_key_moved() { journal_.count(EventKind::kKeyMoved); }
  void on_operated(Slot slot) { operated_.insert(slot); }
  [[nodiscard]] const std::set<Slot>& operated() const { return operated_; }

  // This key is not written any more and must not get lost.
  void put_to_rest(Slot slot, KeyNumber key, KeyValue value) { resting_[{slot, key}] = value; }

  [[nodiscard]] std::optional<WorldTime> last_acknowledgement(const Host& host) const;
  // Who last acknowledged a write to the slot; null when nobody did.
  [[nodiscard]] const Host* last_writer(Slot slot) const;
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] const std::map<NodeId, const Host*>& hosts() const { return hosts_; }

  // What is not as it has to be once all is calm and clients are silent, in words.
  [[nodiscard]] std::optional<std::string> find_wrong_data(const std::vector<std::unique_ptr<Host>>& hosts) const;
  // How many acknowledged writes were lost, with those that the owners lack now.
  [[nodiscard]] std::uint64_t count_lost_writes(const std::vector<std::unique_ptr<Host>>& hosts) const;

 private:
  struct Promotion {
    const Host* winner = nullptr;
    Epoch epoch;
    SlotBitmap slots;
    PromotionKind kind = PromotionKind::kElected;
    WorldTime at;
    bool is_saved = false;  // before that a power loss undoes it
  };
  struct SlotKey {
    Slot slot;
    KeyNumber key = 0;
    friend auto operator<=>(const SlotKey&, const SlotKey&) = default;
  };

  // A place is a primary's, and goes to whom takes over from it.
  [[nodiscard]] NodeId place_of(const NodeId& node) const;

  void broken(const Host& host, const std::string& what);

  const EventQueue& queue_;
  Journal& journal_;
  std::vector<Promotion> promotions_;
  std::optional<WorldTime> last_takeover_;
  std::map<NodeId, const Host*> hosts_;
  std::map<NodeId, NodeId> places_;  // by node, named after the first that had it
  std::map<const Host*, NodeId> data_of_;  // which place's data it holds
  std::set<Slot> operated_;
  std::map<SlotKey, KeyValue> resting_;
  std::map<SlotKey, std::vector<KeyValue>> acknowledged_values_;
  std::map<const Host*, WorldTime> last_acknowledgement_;
  std::map<Slot, const Host*> last_writer_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace skein::sim
