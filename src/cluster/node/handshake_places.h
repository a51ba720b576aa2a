// Who may begin a handshake with this node by MEET, where anybody can send one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/cluster/topology/topology.h>

namespace skein {

// From where a MEET has come, as far as places are shared out: the address of the connection (of IPv6 the network,
// which is one house's), and whether it names another address as its own. Those who do have places of their own, as
// anybody can make up addresses.
[[nodiscard]] std::string handshake_origin(std::string_view remote_ip, std::string_view named_ip);

// Places of handshakes that strangers have begun. When an origin has all of its places, its oldest handshake gives
// way; when there are none at all, the oldest of the origin that has most. A true one takes a moment, and comes
// through beside any number of invented ones from elsewhere.
class HandshakePlaces {
 public:
  static constexpr std::size_t kInAll = 256;
  static constexpr std::size_t kPerOrigin = 32;

  // Which handshake has to end so that one of this origin may begin.
  [[nodiscard]] std::optional<NodeIndex> choose_to_end(std::string_view origin) const;
  void add(NodeIndex index, std::string origin);
  void remove(NodeIndex index);
  [[nodiscard]] bool has(NodeIndex index) const;
  [[nodiscard]] std::size_t size() const { return places_.size(); }

 private:
  struct Place {
    NodeIndex index;
    std::string origin;
  };
  [[nodiscard]] std::size_t count(std::string_view origin) const;

  std::vector<Place> places_;  // the oldest first
};

}  // namespace skein
