// Who has been forgotten, and is not to come back through gossip for a while.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/bus/packet.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// A ban of an operator's command typed here is his: it ends with its time, as in redis, and afterwards the node
// comes back only when others tell of it. One that was heard of is anybody's who can send a packet. So there are few
// of them, and who it was is remembered beyond its time: that node may come back by speaking from where it was.
class Bans {
 public:
  static constexpr seconds kTime{60};
  static constexpr std::size_t kMaxHeard = 64;

  // Typed here.
  void command(const NodeId& id, MonoTime now);
  // Heard, for what is left of its time; `address` is where the node was, nothing if it was not known here. False
  // when there are too many: then the node is not to be forgotten either.
  bool hear(const NodeId& id, MonoTime now, seconds left, std::optional<NodeAddress> address);
  [[nodiscard]] bool has(const NodeId& id, MonoTime now) const;
  void erase(const NodeId& id);
  void clear() { bans_.clear(); }

  // A node that is not known says that it is there: whether a ban that was only heard, and is over, is all that
  // keeps it out.
  [[nodiscard]] bool lets_back(const NodeId& id, const NodeAddress& address, MonoTime now) const;
  // Those in force, for heartbeats.
  [[nodiscard]] std::vector<ForgottenNode> to_tell(MonoTime now) const;

 private:
  struct Ban {
    NodeId id;
    MonoTime until;
    bool is_heard = false;
    std::optional<NodeAddress> address;
  };
  [[nodiscard]] const Ban* find(const NodeId& id) const;

  std::vector<Ban> bans_;  // the oldest first
};

}  // namespace skein
