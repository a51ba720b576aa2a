#include "handshake_places.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

namespace skein {

std::string handshake_origin(std::string_view remote_ip, std::string_view named_ip) {
  constexpr std::size_t kNetworkBytes = 8;
  std::string origin(remote_ip);
  in6_addr address{};
  if (::inet_pton(AF_INET6, origin.c_str(), &address) == 1) {
    origin.assign(reinterpret_cast<const char*>(&address), kNetworkBytes);
  }
  if (remote_ip != named_ip) origin += '*';
  return origin;
}

std::size_t HandshakePlaces::count(std::string_view origin) const {
  return static_cast<std::size_t>(
      std::count_if(places_.begin(), places_.end(), [&](const Place& place) { return place.origin == origin; }));
}

std::optional<NodeIndex> HandshakePlaces::choose_to_end(std::string_view origin) const {
  const auto oldest_of = [&](std::string_view of) {
    return std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return place.origin == of; })->index;
  };
  if (count(origin) >= kPerOrigin) return oldest_of(origin);
  if (places_.size() < kInAll) return std::nullopt;
  std::string_view greatest;
  std::size_t most = 0;
  for (const Place& place : places_) {
    if (place.origin == greatest) continue;
    if (const std::size_t has = count(place.origin); has > most) {
      most = has;
      greatest = place.origin;
    }
  }
  return oldest_of(greatest);
}

void HandshakePlaces::add(NodeIndex index, std::string origin) { places_.push_back({index, std::move(origin)}); }

void HandshakePlaces::remove(NodeIndex index) {
  std::erase_if(places_, [&](const Place& place) { return place.index == index; });
}

bool HandshakePlaces::has(NodeIndex index) const {
  return std::any_of(places_.begin(), places_.end(), [&](const Place& place) { return place.index == index; });
}

}  // namespace skein
