// What happens by time: keep-alives, replicas that fell silent, the backlog's end, WAIT.
#include "replicas_state.h"

#include <algorithm>

#include <fmt/format.h>

#include <skein/base/clock.h>

#include "client_turns.h"
#include "effect_feed.h"

namespace skein {

using Phase = ReplicaSession::Phase;

namespace {
// Between two rounds of the cron: more, and it was us who could not listen.
constexpr seconds kStandstill{2};
}  // namespace

void Replicas::State::on_cron(Now now) {
  // What replicas said while we stood still is yet to be read.
  if (now.mono - now_ > kStandstill) judges_silence_from_ = now.mono + kStandstill;
  now_ = now.mono;
  const std::size_t backlog = parts_.config->repl_backlog_size;
  if (parts_.log.backlog_limit() != backlog) parts_.log.set_backlog(backlog);
  keep_alive(now_);
  if (now_ >= judges_silence_from_) cut_silent(now_);
  plan_for_held(now_);
  start_due();
  flush();
  settle();
  free_backlog(now_);
  if (!waits_.empty()) answer_waits(false);
}

void Replicas::State::keep_alive(MonoTime now) {
  if (followers_.empty()) {
    last_ping_ = now;
    return;
  }
  const bool held = hooks_.stream_is_held && hooks_.stream_is_held();
  // A replica of ours hears our primary's; its own would put its offsets apart from ours.
  if (!hooks_.is_replica() && !held && parts_.log.is_open() &&
      now - last_ping_ >= as_timeout(parts_.config->repl_ping_replica_period)) {
    last_ping_ = now;
    parts_.feed.ping();
  }
  if (now - last_newline_ < seconds{1}) return;
  last_newline_ = now;
  for (const auto& follower : followers_) {
    if (follower->doomed || follower->phase() != Phase::kWaitingForSnapshot || !follower->head.empty()) continue;
    follower->head = "\n";
    push(*follower);
  }
}

// In which part of its life a replica has kept us waiting for too long; empty: in none.
std::string_view Replicas::State::overdue(Follower& follower, MonoTime now) const {
  const auto timeout = as_timeout(parts_.config->repl_timeout);
  const auto heard = std::max(follower.facts().acknowledged_at, follower.session.last_active);
  switch (follower.phase()) {
    case Phase::kIntroducing:
    case Phase::kWaitingForSnapshot: return "";  // it waits for us
    case Phase::kReceivingSnapshot: {
      if (follower.awaits_acknowledgement) {
        return now - std::max(heard, follower.progress_at) > timeout ? "full sync" : "";
      }
      // The child may be slow: that is not the replica's fault.
      const bool has_all_there_is = follower.head.empty() && follower.payload && follower.payload->behind() == 0;
      if (has_all_there_is) follower.progress_at = now;
      return now - follower.progress_at > timeout ? "full sync" : "";
    }
    case Phase::kSnapshotSent: return now - follower.progress_at > timeout ? "snapshot only" : "";
    case Phase::kOnline: return !follower.old_protocol && now - heard > timeout ? "streaming sync" : "";
  }
  return "";
}

void Replicas::State::cut_silent(MonoTime now) {
  for (const auto& follower : followers_) {
    if (follower->doomed) continue;
    const std::string_view during = overdue(*follower, now);
    if (during.empty()) continue;
    warning(fmt::format("Disconnecting timedout replica ({}): {}", during, name_of_replica(follower->session)));
    doom(*follower);
  }
}

void Replicas::State::free_backlog(MonoTime now) {
  const seconds ttl = std::chrono::duration_cast<seconds>(as_timeout(parts_.config->repl_backlog_ttl));
  // Once promoted it has the whole time for those who followed the same primary to come.
  if (hooks_.is_replica()) without_replicas_since_ = now;
  if (!followers_.empty() || !parts_.log.is_open() || hooks_.is_replica() || ttl.count() == 0) return;
  if (now - without_replicas_since_ <= as_timeout(ttl)) return;
  parts_.log.close();
  notice(fmt::format("Replication backlog freed after {} seconds without connected replicas.", ttl.count()));
  if (hooks_.on_backlog_freed) hooks_.on_backlog_freed();
  hooks_.changed();
}

void Replicas::State::await(Session& session, ReplOffset written, std::uint64_t wanted, MonoTime until) {
  // An earlier call of this session was ended by somebody else.
  std::erase_if(waits_, [&](const Wait& wait) { return wait.session == &session; });
  waits_.push_back({.session = &session, .written = written, .wanted = wanted, .until = until});
  asks_acknowledgements_ = true;
  arm_wait_timer();
}

void Replicas::State::answer_waits(bool all) {
  const MonoTime now = read_boot_clock();
  std::erase_if(waits_, [&](Wait& wait) {
    const auto& suspended = wait.session->suspended;
    if (suspended == nullptr || suspended->reason != SuspendReason::kReplicas) return true;
    const std::uint64_t count = acknowledged_by(wait.written);
    const bool over = all || count >= wait.wanted || (wait.until != MonoTime{} && now >= wait.until);
    if (over) answer(wait, count);
    return over;
  });
  arm_wait_timer();
}

void Replicas::State::break_off_waits() {
  for (const Wait& wait : std::exchange(waits_, {})) {
    Session& session = *wait.session;
    if (session.suspended == nullptr || session.suspended->reason != SuspendReason::kReplicas) continue;
    session.suspended.reset();
    session.writer().error(
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)");
    session.peer()->close(true);
    session.peer()->wake();
  }
  arm_wait_timer();
}

void Replicas::State::answer(Wait& wait, std::uint64_t count) {
  Session& session = *wait.session;
  session.suspended.reset();
  session.writer().integer(static_cast<std::int64_t>(count));
  session.peer()->wake();
}

void Replicas::State::arm_wait_timer() {
  MonoTime next{};
  for (const Wait& wait : waits_) {
    if (wait.until != MonoTime{} && (next == MonoTime{} || wait.until < next)) next = wait.until;
  }
  if (next == MonoTime{}) {
    wait_timer_.cancel();
    return;
  }
  wait_timer_.expires_after(std::max<nanoseconds>(next - read_boot_clock(), nanoseconds{0}));
  wait_timer_.async_wait([this, alive = std::weak_ptr(alive_)](const asio::error_code& error) {
    if (!error && !alive.expired()) answer_waits(false);
  });
}

}  // namespace skein
