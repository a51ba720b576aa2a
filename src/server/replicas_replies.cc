// Replies that must not leave before a replica has what they promise: those to RESTORE-ASKING.
//
// Whoever brings a key here removes it once he hears that it has arrived. If this node died then, with the key on no
// replica yet, it would be gone. All of a turn's replies wait for one answer, and not for ever: a replica that is silent
// must not stop the move of a slot. One that was too late once is not waited for until it has caught up.
#include "replicas_state.h"

#include <algorithm>

#include <skein/base/clock.h>

#include "client_turns.h"

namespace skein {

namespace {
constexpr milliseconds kHeldAtMost{500};
}

bool Replicas::State::is_in_sync(const Follower& follower) const {
  return !follower.doomed && follower.phase() == ReplicaSession::Phase::kOnline && follower.caught_up &&
         follower.facts().acknowledges && follower.facts().acknowledged >= follower.too_late_for;
}

void Replicas::State::hold_replies(Session& session) {
  if (session.held_replies == nullptr) {
    const bool any = std::any_of(followers_.begin(), followers_.end(), [&](const auto& one) { return is_in_sync(*one); });
    if (!any || hooks_.is_replica()) return;
    session.held_replies = std::make_unique<Output>();
    session.held_replies->set_bound(session.output().bound());
    session.writer().redirect(*session.held_replies);
    held_.push_back({.session = &session, .written = std::nullopt});
  } else {
    for (HeldReplies& held : held_) {
      if (held.session == &session) held.written.reset();
    }
  }
  asks_acknowledgements_ = true;
}

// The turn has ended, and its writes are in the log.
void Replicas::State::note_written() {
  for (HeldReplies& held : held_) {
    if (held.written) continue;
    held.written = parts_.log.end();
    if (held.until == MonoTime{}) held.until = read_boot_clock() + kHeldAtMost;
  }
  arm_held_timer();
}

void Replicas::State::release_replies(bool all) {
  const MonoTime now = read_boot_clock();
  std::erase_if(held_, [&](const HeldReplies& held) {
    const bool in_time = held.written && acknowledged_by(*held.written) > 0;
    const bool too_late = held.written && now >= held.until;
    if (!all && !in_time && !too_late) return false;
    if (too_late && !in_time) {
      for (const auto& follower : followers_) follower->too_late_for = *held.written;
    }
    Session& session = *held.session;
    session.writer().redirect(session.output());
    if (session.output().empty()) {
      session.output().swap(*session.held_replies);
    } else {
      session.output().append(*session.held_replies);
    }
    session.held_replies.reset();
    parts_.turns.answered_late(session);
    return true;
  });
}

// Once set it is left alone: that it comes in vain costs less than setting it for each turn.
void Replicas::State::arm_held_timer() {
  if (held_timer_set_) return;
  held_timer_set_ = true;
  MonoTime next = read_boot_clock() + kHeldAtMost;
  for (const HeldReplies& held : held_) {
    if (held.written) next = std::min(next, held.until);
  }
  held_timer_.expires_after(std::max<nanoseconds>(next - read_boot_clock(), nanoseconds{0}));
  held_timer_.async_wait([this, alive = std::weak_ptr(alive_)](const asio::error_code& error) {
    if (error || alive.expired()) return;
    held_timer_set_ = false;
    release_replies(false);
    if (!held_.empty()) arm_held_timer();
  });
}

}  // namespace skein
