#include <skein/dispatch/cluster_router.h>

#include <fmt/format.h>

#include <skein/base/checksums.h>
#include <skein/resp/reply_errors.h>

namespace skein {

void ClusterRouter::update(const Topology& topology, bool cluster_ok) {
  const bool same_slots = topology_ && topology_->slots_revision() == topology.slots_revision();
  const bool same_state = topology_ && cluster_ok_ == cluster_ok;
  if (topology_ && !same_slots) note_left_slots(topology);
  if (!topology_ || topology_->revision() != topology.revision()) topology_ = topology;
  cluster_ok_ = cluster_ok;
  if (!same_slots || !same_state) fill_served_slots(served_, *topology_, cluster_ok_);
}

void ClusterRouter::note_left_slots(const Topology& next) {
  for (std::uint16_t s = 0; s < kSlotCount; ++s) {
    if (topology_->owner({s}) == kSelf && next.owner({s}) != kSelf) left_.push_back({s});
  }
}

std::optional<std::string> ClusterRouter::refuse(const Command& command, std::span<const std::string_view> arguments,
                                                 const Session& session) {
  begin();
  if (!gather(command, arguments)) return std::string(command.spec->unroutable);
  return judge(session);
}

std::optional<std::string> ClusterRouter::refuse_transaction(const Transaction& transaction, const Session& session) {
  begin();
  for (const OwnedCall& call : transaction.calls) {
    views_.assign(call.arguments.begin(), call.arguments.end());
    if (!gather(*call.command, views_)) return std::string(call.command->spec->unroutable);
  }
  return judge(session);
}

void ClusterRouter::begin() {
  query_ = {};
  keys_.clear();
}

bool ClusterRouter::gather(const Command& command, std::span<const std::string_view> arguments) {
  query_.writes = query_.writes || command.is(flag::kWrite);
  query_.asking = query_.asking || command.is(flag::kAsking);
  query_.moves_slot = query_.moves_slot || command.is(flag::kMovesSlot);
  found_.clear();
  if (!find_keys(command, arguments, found_)) return false;
  for (const FoundKey& found : found_) {
    const std::string_view key = arguments[found.position];
    const Slot slot = slot_of_key(key);
    if (keys_.empty()) {
      query_.slot = slot;
      query_.shard_channels = (found.use & key_use::kNotKey) != 0;
    } else {
      query_.crosses_slots = query_.crosses_slots || slot != query_.slot;
      query_.several_keys = query_.several_keys || key != keys_.front();
    }
    keys_.push_back(key);
  }
  return true;
}

KeyPresence ClusterRouter::count_keys() const {
  const Database& db = keyspace_.db(0);
  KeyPresence presence;
  for (const std::string_view key : keys_) {
    const Entry* entry = db.peek(db.ref(key));
    const bool lives = entry != nullptr && !entry->expired_at(keyspace_.context().now);
    ++(lives ? presence.present : presence.missing);
  }
  return presence;
}

std::optional<std::string> ClusterRouter::judge(const Session& session) {
  if (keys_.empty()) return std::nullopt;
  if (!topology_) return std::string(errors::kClusterDown);
  query_.asking = query_.asking || session.asking;
  query_.readonly = session.readonly;
  const RouteFacts facts{.cluster_ok = cluster_ok_,
                         .allow_reads_when_down = settings_.cluster_allow_reads_when_down,
                         .allow_shard_channels_when_down = settings_.cluster_allow_pubsubshard_when_down};
  const Route route = judge_route(query_, *topology_, facts, [this] { return count_keys(); });
  const auto redirect = [&](std::string_view word) {
    constexpr bool kClientUsesTls = false;
    const auto target =
        format_target(topology_->node(route.target), settings_.cluster_preferred_endpoint_type, kClientUsesTls);
    // As if the slot had no owner: a client asks again, and by then where it is may be known.
    return target ? fmt::format("{} {} {}", word, query_.slot.value, *target) : std::string(errors::kSlotUnbound);
  };
  switch (route.verdict) {
    case RouteVerdict::kServe: break;
    case RouteVerdict::kMoved: return redirect("MOVED");
    case RouteVerdict::kAsk: return redirect("ASK");
    case RouteVerdict::kTryAgain: return std::string(errors::kTryAgain);
    case RouteVerdict::kCrossSlot: return std::string(errors::kCrossSlot);
    case RouteVerdict::kUnbound: return std::string(errors::kSlotUnbound);
    case RouteVerdict::kDown: return std::string(errors::kClusterDown);
    case RouteVerdict::kDownReadOnly: return std::string(errors::kClusterDownReadOnly);
  }
  return std::nullopt;
}

}  // namespace skein
