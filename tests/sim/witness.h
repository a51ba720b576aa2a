// Sees everything each member hears, says and saves, and knows the rules none may break.
//
// Checked after every step:
//  - no member votes for two candidates in one epoch, whatever it went through between;
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

#include "journal.h"
#include "network.h"
#include "wire.h"

namespace skein::sim {

class Host;
struct HostId;

class Witness {
 public:
  // With a thousand members there is no room to remember what each of them has heard.
  enum class Depth { kFull, kLight };

  explicit Witness(Journal& journal, Depth depth = Depth::kFull) : journal_(journal), depth_(depth) {}

  void learn_address(const std::string& ip, std::uint16_t port) { addresses_.insert({ip, port}); }

  void learn_id(const NodeId& id) { ids_.insert(id); }

  void on_started(const Host& host);
  void before_packet(const Host& host, const Peer::Arrival& arrival);
  void after_packet(const Host& host, const Peer::Arrival& arrival);
  void on_sent(const Host& host, const SendPacket& effect);
  void on_save(const Host& host, std::string_view text);
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
  void check_table(const Host& host);
  void check_entry(const Host& host, NodeIndex index, const Node& node);
  void check_quorum(const Host& host, const Node& failed);
  void check_claims(const Host& host);
  void broken(const Host& host, const std::string& what);

  Journal& journal_;
  Depth depth_;
  std::map<std::uint32_t, Record> records_;
  std::set<std::pair<std::string, std::uint16_t>> addresses_;
  std::set<NodeId> ids_;
  std::map<std::pair<NodeId, Epoch>, MachineId> votes_;  // voter and epoch to candidate
  std::optional<Before> before_;
};

}  // namespace skein::sim
