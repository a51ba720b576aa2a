// Whether one more client is let in.
#pragma once

#include <algorithm>
#include <cstddef>

namespace skein {

enum class RoomVerdict { kRoom, kTooManyClients, kTooManyWithLinks };

// So many clients of this machine are let in where links of the bus take places that others may have none of any
// more: an operator must be able to look at a node whose bus is crowded.
inline constexpr std::size_t kPlacesForLocal = 8;

// `links` are the connections of the cluster bus that there are: each takes a descriptor, and so a client's place.
[[nodiscard]] constexpr RoomVerdict judge_room(std::size_t clients, std::size_t links, std::size_t maxclients,
                                               bool is_local) {
  if (clients >= maxclients) return RoomVerdict::kTooManyClients;
  const std::size_t kept = is_local ? std::min(links, kPlacesForLocal) : 0;
  return clients + links >= maxclients + kept ? RoomVerdict::kTooManyWithLinks : RoomVerdict::kRoom;
}

}  // namespace skein
