// Sees everything each member hears, says and saves, and knows the rules none may break.
//
// Checked after every step:
//  - no member votes for two candidates in one epoch, whatever it went through between;
//  - none votes against a primary that it has heard within the node timeout, nor soon after
//    its own start, unless an operator wants it;
//  - no replica is promoted without the votes of most voters, nor with an epoch that is in use;
//  - epochs never go back: a member's current epoch and last vote, its view of every
//    primary's config epoch, and what it has shown others before it was restarted;
//  - no member claims a slot after it has heard a newer claim for it;
//  - nothing is promised (a vote, an epoch, a claim) that its disk would not remember;
//  - FAIL needs the word of most primaries;
//  - a packet that was damaged, or whose sender is unknown, changes nothing;
//  - no table holds an id or an address that never was;
//  - links hold bounded memory.
#pragma once

#include <skein/cluster/node/node.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "disk.h"
#include "journal.h"
#include "network.h"
#include "wire.h"

namespace skein::sim {

class DataWitness;
class Host;
struct HostId;

class Witness {
 public:
  // With a thousand members there is no room to remember what each of them has heard.
  enum class Depth { kFull, kLight };

  Witness(Journal& journal, DataWitness& data, Depth depth = Depth::kFull)
      : journal_(journal), data_(data), depth_(depth) {}

  void learn_address(const std::string& ip, std::uint16_t port) { addresses_.insert({ip, port}); }

  void learn_id(const NodeId& id) { ids_.insert(id); }

  void on_started(const Host& host);
  void before_packet(const Host& host, const Peer::Arrival& arrival);
  void after_packet(const Host& host, const Peer::Arrival& arrival);
  void on_sent(const Host& host, const SendPacket& effect);
  // What the save promises; nothing where it cannot be read.
  std::optional<ConfFacts> on_save(const Host& host, const UnsavedState& state, const Content& content);
  void on_durable(const Host& host);
  void after_step(const Host& host);

 private:
  struct Seen {
    NodeId id;
    Epoch config_epoch;
    NodeFlags flags;
    NodeAddress address;
  };
  struct Claim {
    Epoch epoch;
    std::string slots;
  };
  using ClaimedEpochs = std::array<Epoch, kSlotCount>;
  // What one member has heard and shown. All but `shown` begins anew with its process.
  struct Record {
    std::uint64_t revision = 0;
    std::uint64_t slots_revision = 0;
    Epoch current_epoch;
    Epoch last_vote_epoch;
    std::vector<Seen> seen;                  // by node index
    std::unique_ptr<ClaimedEpochs> claimed;  // the newest claim of another member, by slot
    std::map<NodeId, Claim> claims;          // the last one of each
    bool heard_new_claim = false;
    std::map<NodeId, std::map<NodeId, MonoTime>> reports;  // failed node, who says so, when
    std::set<NodeId> told_failed;                          // by a FAIL, in this step
    const void* last_checked_packet = nullptr;
    MonoTime started{};
    bool was_replica = false;
    Epoch own_epoch;
    std::map<NodeId, MonoTime> last_ping;  // of each other member
    // What its disk has held with one config epoch: packets that waited for a save may leave
    // after the next, which gave some of it up.
    Claim durable;
    Epoch shown_epoch;  // the newest current epoch in any packet it ever sent
  };
  // What a packet that must change nothing found.
  struct Before {
    std::uint64_t revision = 0;
    std::uint64_t slots_revision = 0;
    Epoch current_epoch;
    Epoch last_vote_epoch;
  };

  [[nodiscard]] Record& record(const Host& host);
  void hear(const Host& host, const PacketView& packet);
  void hear_claim(const Host& host, const NodeId& claimant, Epoch epoch, std::string_view slots);
  void hear_reports(const Host& host, const PacketView& packet);
  void check_promises(const Host& host, const PacketView& packet);
  void check_vote(const Host& host, const PacketView& packet, LinkId link);
  void check_cause(const Host& voter, NodeIndex candidate);
  void check_promotion(const Host& winner);
  void check_table(const Host& host);
  void check_entry(const Host& host, NodeIndex index, const Node& node);
  void check_quorum(const Host& host, const Node& failed);
  void check_claims(const Host& host);
  void broken(const Host& host, const std::string& what);

  Journal& journal_;
  DataWitness& data_;
  Depth depth_;
  std::map<std::uint32_t, Record> records_;
  std::set<std::pair<std::string, std::uint16_t>> addresses_;
  std::set<NodeId> ids_;
  std::map<std::pair<NodeId, Epoch>, MachineId> votes_;  // voter and epoch to candidate
  std::map<Epoch, SlotBitmap> won_epochs_;  // and what was won with it first
  std::set<Epoch> epochs_without_votes_;  // taken by an operator's command or by the clash rule
  std::optional<Before> before_;
  std::optional<Epoch> vote_before_;  // when a candidate asks by itself
};

}  // namespace skein::sim
