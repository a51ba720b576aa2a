// The link's life: connecting, trying again, timeouts, and what happens around a full sync.
// What is said and answered is in replica_link_answers.cc, payloads in replica_link_payload.cc.
#include <skein/replication/replica_link.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace skein {

namespace {

using namespace link_effect;

// From this on people are told when the next attempt is.
constexpr seconds kLongWait{10};
constexpr seconds kAcknowledgeEvery{1};
// Tells the primary, which hears nothing else, that we are there.
constexpr seconds kNewlineEvery{1};

void say(ReplicaLink::Effects& effects, Say::Level level, std::string text) {
  effects.emplace_back(Say{level, std::move(text)});
}

std::string_view advice(SyncTrouble trouble) {
  switch (trouble) {
    case SyncTrouble::kInterrupted: break;
    case SyncTrouble::kDamaged: return "The log tells where the data set is damaged.";
    case SyncTrouble::kCannotHold: return "What this node cannot hold has to go from the primary.";
    case SyncTrouble::kStreamBroken:
      return "Primary and replica need the same commands, under the same names (rename-command).";
  }
  return "";
}

}  // namespace

ReplicaLink::Effects ReplicaLink::follow(std::string primary, MonoTime now) {
  Effects effects = stop();
  primary_ = std::move(primary);
  connect(false, now, effects);
  return effects;
}

ReplicaLink::Effects ReplicaLink::stop() {
  Effects effects;
  if (stage() == Stage::kSyncing) effects.emplace_back(AbandonFullSync{});
  if (!std::holds_alternative<Idle>(phase_)) effects.emplace_back(Close{});
  phase_ = Idle{};
  patience_ = {};
  taking_over_ = false;
  line_.clear();
  kept_.clear();
  return effects;
}

void ReplicaLink::connect(bool again, MonoTime now, Effects& effects) {
  say(effects, Say::Level::kNotice, fmt::format("{} to MASTER {}", again ? "Reconnecting" : "Connecting", primary_));
  say(effects, Say::Level::kNotice, "MASTER <-> REPLICA sync started");
  attempted_ = now;
  old_protocol_ = false;
  line_.clear();
  kept_.clear();
  phase_ = Connecting{now};
  effects.emplace_back(Connect{});
}

void ReplicaLink::lose_sync(SyncTrouble trouble, std::string_view why, MonoTime now, Effects& effects) {
  patience_.on_failed(trouble, why, now);
  const nanoseconds gap = patience_.gap(now);
  if (gap < kLongWait) return;
  const int failures = patience_.failures();
  const std::string what =
      failures == 1 ? "The full sync was in vain" : fmt::format("{} full syncs in a row were in vain", failures);
  say(effects, Say::Level::kWarning,
      fmt::format("{}, and each costs the primary a snapshot: the next one is asked for in {} seconds. {}", what,
                  std::chrono::ceil<seconds>(gap).count(), advice(trouble)));
}

void ReplicaLink::retry(MonoTime now, Effects& effects) {
  if (stage() == Stage::kSyncing) effects.emplace_back(AbandonFullSync{});
  effects.emplace_back(Close{});
  // A link that lived long enough is made again at once, but not where it is its primary's data that failed.
  const MonoTime at = std::max(attempted_ + SyncPatience::kShortest, patience_.not_before());
  if (at <= now) {
    connect(true, now, effects);
  } else {
    phase_ = Waiting{at};
  }
}

void ReplicaLink::fail(std::string text, MonoTime now, Effects& effects) {
  const bool syncing = stage() == Stage::kSyncing;
  const std::string why = text;
  say(effects, Say::Level::kWarning, std::move(text));
  if (syncing) lose_sync(SyncTrouble::kInterrupted, why, now, effects);
  retry(now, effects);
}

ReplicaLink::Effects ReplicaLink::on_connected(MonoTime now) {
  Effects effects;
  if (!std::holds_alternative<Connecting>(phase_)) return effects;
  say(effects, Say::Level::kNotice, "Non blocking connect for SYNC fired the event.");
  heard_ = now;
  phase_ = Introducing{.open = {Question::kPing}};
  effects.emplace_back(Send{"*1\r\n$4\r\nPING\r\n"});
  return effects;
}

ReplicaLink::Effects ReplicaLink::on_lost(std::string_view why, MonoTime now) {
  Effects effects;
  switch (stage()) {
    case Stage::kNone:
    case Stage::kWaiting: return effects;
    case Stage::kConnecting:
      say(effects, Say::Level::kWarning, fmt::format("Error condition on socket for SYNC: {}", why));
      break;
    case Stage::kHandshake:
      say(effects, Say::Level::kWarning, fmt::format("Failed to read response from the server: {}", why));
      break;
    case Stage::kSyncing:
      if (auto* installing = std::get_if<Installing>(&phase_)) {
        installing->lost = true;
        effects.emplace_back(Close{});
        return effects;
      }
      fail(std::holds_alternative<AwaitingPayload>(phase_) ? fmt::format("I/O error reading bulk count from MASTER: {}", why)
                                                           : fmt::format("I/O error trying to sync with MASTER: {}", why),
           now, effects);
      return effects;
    case Stage::kConnected:
      say(effects, Say::Level::kWarning, "Connection with master lost.");
      say(effects, Say::Level::kNotice, "Caching the disconnected master state.");
      break;
  }
  retry(now, effects);
  return effects;
}

ReplicaLink::Effects ReplicaLink::on_bytes(std::string_view bytes, const std::optional<Place>& place, MonoTime now) {
  Effects effects;
  heard_ = now;
  while (!bytes.empty()) {
    if (std::holds_alternative<Streaming>(phase_)) {
      effects.emplace_back(Stream{bytes});
      return effects;
    }
    if (std::holds_alternative<Installing>(phase_)) {
      kept_ += bytes;
      return effects;
    }
    if (std::holds_alternative<Receiving>(phase_)) {
      take_payload(bytes, effects);
      continue;
    }
    const bool awaits_payload = std::holds_alternative<AwaitingPayload>(phase_);
    if (!awaits_payload && !std::holds_alternative<Introducing>(phase_)) return effects;
    auto line = take_line(bytes, now, effects);
    if (!line) return effects;
    if (line->empty()) continue;  // keep-alive
    if (awaits_payload) {
      on_payload_head(*line, now, effects);
    } else {
      on_answer(std::move(*line), place, now, effects);
    }
  }
  return effects;
}

ReplicaLink::Effects ReplicaLink::on_installed(MonoTime now) {
  Effects effects;
  if (!is_installing()) return effects;
  say(effects, Say::Level::kNotice, "MASTER <-> REPLICA sync: Finished with success");
  patience_.on_installed(now);
  heard_ = now;
  const bool lost = std::get<Installing>(phase_).lost;
  phase_ = Streaming{now};
  if (lost) {
    Effects more = on_lost("", now);
    std::move(more.begin(), more.end(), std::back_inserter(effects));
    return effects;
  }
  if (!old_protocol_) effects.emplace_back(Acknowledge{});
  given_ = std::exchange(kept_, {});
  if (!given_.empty()) effects.emplace_back(Stream{given_});
  return effects;
}

ReplicaLink::Effects ReplicaLink::on_sync_failed(SyncTrouble trouble, std::string_view why, MonoTime now) {
  Effects effects;
  if (stage() != Stage::kSyncing) return effects;
  say(effects, Say::Level::kWarning, fmt::format("MASTER <-> REPLICA sync failed: {}", why));
  lose_sync(trouble, why, now, effects);
  retry(now, effects);
  return effects;
}

ReplicaLink::Effects ReplicaLink::on_stream_broken(std::string_view why, MonoTime now) {
  Effects effects;
  if (!is_streaming()) return effects;
  lose_sync(SyncTrouble::kStreamBroken, why, now, effects);
  retry(now, effects);
  return effects;
}

void ReplicaLink::hurry() {
  if (auto* waiting = std::get_if<Waiting>(&phase_)) waiting->until = attempted_ + SyncPatience::kShortest;
}

// Every second while the primary waits for us.
void ReplicaLink::stay_known(MonoTime now, Effects& effects) {
  if (now - said_newline_ < kNewlineEvery) return;
  said_newline_ = now;
  effects.emplace_back(Send{"\n"});
}

ReplicaLink::Effects ReplicaLink::on_tick(MonoTime now) {
  Effects effects;
  if (const auto* waiting = std::get_if<Waiting>(&phase_)) {
    if (now >= waiting->until) connect(false, now, effects);
  } else if (const auto* connecting = std::get_if<Connecting>(&phase_)) {
    if (now - connecting->since > settings_.timeout) fail("Timeout connecting to the MASTER...", now, effects);
  } else if (std::holds_alternative<Introducing>(phase_)) {
    if (now - heard_ > settings_.timeout) fail("Timeout connecting to the MASTER...", now, effects);
  } else if (const auto* installing = std::get_if<Installing>(&phase_)) {
    if (!installing->lost) stay_known(now, effects);
  } else if (auto* streaming = std::get_if<Streaming>(&phase_)) {
    if (now - heard_ > settings_.timeout) {
      say(effects, Say::Level::kWarning, "MASTER timeout: no data nor PING received...");
      Effects more = on_lost("timeout", now);
      std::move(more.begin(), more.end(), std::back_inserter(effects));
    } else if (!old_protocol_ && now - streaming->acknowledged >= kAcknowledgeEvery) {
      streaming->acknowledged = now;
      effects.emplace_back(Acknowledge{});
    }
  } else if (stage() == Stage::kSyncing) {
    if (now - heard_ > settings_.timeout) {
      fail("Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' "
           "parameter in redis.conf to a larger value.",
           now, effects);
    } else if (std::holds_alternative<Receiving>(phase_)) {
      stay_known(now, effects);
    }
  }
  return effects;
}

std::optional<MonoTime> ReplicaLink::next_attempt() const {
  const auto* waiting = std::get_if<Waiting>(&phase_);
  return waiting != nullptr ? std::optional(waiting->until) : std::nullopt;
}

ReplicaLink::Stage ReplicaLink::stage() const {
  static constexpr Stage kStages[] = {Stage::kNone,    Stage::kWaiting, Stage::kConnecting, Stage::kHandshake,
                                      Stage::kSyncing, Stage::kSyncing, Stage::kSyncing,    Stage::kConnected};
  static_assert(std::size(kStages) == std::variant_size_v<Phase>);
  return kStages[phase_.index()];
}

}  // namespace skein
