#include "packet_drops.h"

#include <algorithm>

namespace skein {

bool PacketDrops::note(std::string_view peer, bool is_member, std::string_view reason, MonoTime now) {
  std::erase_if(drops_, [&](const Drop& drop) { return now - drop.last > kMemory; });
  for (Drop& drop : drops_) {
    if (drop.peer != peer || drop.reason != reason) continue;
    drop.last = now;
    return false;
  }
  if (drops_.size() >= kKept) {
    const auto oldest = std::find_if(drops_.begin(), drops_.end(), [](const Drop& drop) { return !drop.is_member; });
    if (oldest == drops_.end()) return false;
    drops_.erase(oldest);
  }
  drops_.push_back({std::string(peer), is_member, reason, now});
  return true;
}

}  // namespace skein
