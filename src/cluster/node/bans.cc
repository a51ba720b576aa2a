#include "bans.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace skein {

void Bans::command(const NodeId& id, MonoTime now) {
  erase(id);
  std::erase_if(bans_, [&](const Ban& ban) { return !ban.is_heard && ban.until <= now; });
  bans_.push_back({id, now + kTime, false, std::nullopt});
}

bool Bans::hear(const NodeId& id, MonoTime now, seconds left, std::optional<NodeAddress> address) {
  // Those that are over are remembered as long as there is room.
  const auto is_useless = [&](const Ban& ban) { return ban.is_heard && ban.until <= now && !ban.address; };
  std::erase_if(bans_, is_useless);
  const auto heard = std::count_if(bans_.begin(), bans_.end(), [](const Ban& ban) { return ban.is_heard; });
  if (static_cast<std::size_t>(heard) >= kMaxHeard) {
    const auto oldest =
        std::find_if(bans_.begin(), bans_.end(), [&](const Ban& ban) { return ban.is_heard && ban.until <= now; });
    if (oldest == bans_.end()) return false;
    bans_.erase(oldest);
  }
  erase(id);
  bans_.push_back({id, now + std::min(left, kTime), true, std::move(address)});
  return true;
}

const Bans::Ban* Bans::find(const NodeId& id) const {
  const auto at = std::find_if(bans_.begin(), bans_.end(), [&](const Ban& ban) { return ban.id == id; });
  return at == bans_.end() ? nullptr : &*at;
}

bool Bans::has(const NodeId& id, MonoTime now) const {
  const Ban* ban = find(id);
  return ban != nullptr && ban->until > now;
}

void Bans::erase(const NodeId& id) {
  std::erase_if(bans_, [&](const Ban& ban) { return ban.id == id; });
}

bool Bans::lets_back(const NodeId& id, const NodeAddress& address, MonoTime now) const {
  const Ban* ban = find(id);
  return ban != nullptr && ban->is_heard && ban->until <= now && ban->address && ban->address->ip == address.ip &&
         ban->address->bus_port == address.bus_port;
}

std::vector<ForgottenNode> Bans::to_tell(MonoTime now) const {
  std::vector<ForgottenNode> told;
  for (const Ban& ban : bans_) {
    const auto left = std::chrono::duration_cast<seconds>(ban.until - now).count();
    if (left > 0) told.push_back({ban.id, static_cast<std::uint64_t>(left)});
  }
  return told;
}

}  // namespace skein
