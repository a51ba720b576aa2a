// What the node does by time: figures, expiry, limits, the end of a pause.
#include "daemon.h"

#include <skein/base/clock.h>
#include <skein/base/memory.h>

namespace skein {

namespace {
// Of each cron period, what looking for expired keys may take at most: a quarter, as redis.
constexpr double kExpireShare = 0.25;
constexpr std::size_t kExpireStep = 512;  // buckets between two looks at the clock
}  // namespace

void Daemon::cron_later() {
  cron_timer_.expires_after(std::chrono::milliseconds(1000 / std::max(config_->hz, 1)));
  cron_timer_.async_wait([this](const asio::error_code& error) {
    if (error) return;
    cron();
    cron_later();
  });
}

void Daemon::cron() {
  begin_turn();
  ++cron_rounds_;
  const MonoTime now = facts_.now.mono;
  peak_memory_ = std::max<std::uint64_t>(peak_memory_, allocated_bytes());
  rates_.operations.sample(stats_.total_calls(), now);
  rates_.input.sample(turns_.net().bytes_in, now);
  rates_.output.sample(turns_.net().bytes_out, now);
  if (cron_rounds_ % static_cast<std::uint64_t>(std::max(config_->hz, 1)) == 1) {
    tick_clock_.refine();
    facts_.ticks_per_micro = tick_clock_.per_micro();
    apply_limits();
    log_.tell_left_out();
  }
  turns_.check_limits(now);
  if (active_expire_ && !loading_.is_loading() && keyspace_.context().delete_expired) expire_keys();
  snapshots_.on_cron(now);
  replication_.on_cron(facts_.now);
  judge_ending();
  if (turns_.has_lease_waiters()) follow_lease();
  refresh_gates();
  end_turn();
}

// Sweeps on while it finds much and has time. How fast a round through a database goes
// follows from its size: a tenth of its buckets each second at least.
void Daemon::expire_keys() {
  const MonoTime start = read_boot_clock();
  const auto budget = std::chrono::duration<double, std::micro>(1e6 / std::max(config_->hz, 1) * kExpireShare);
  for (int i = 0; i < keyspace_.count(); ++i) {
    Database& db = keyspace_.db(i);
    if (db.expiring() == 0) continue;
    const std::size_t least = db.bucket_count() / (10 * static_cast<std::size_t>(std::max(config_->hz, 1))) + kExpireStep;
    std::size_t looked = 0;
    for (;;) {
      const std::size_t found = db.expire_some(kExpireStep);
      looked += kExpireStep;
      if (read_boot_clock() - start > budget) {
        ++expire_time_cap_reached_;
        break;
      }
      // A twentieth of a step's keys being dead is worth going on for.
      if (looked >= least && found * 20 < kExpireStep * 4) break;
      if (looked >= db.bucket_count() + kExpireStep) break;
    }
  }
  expire_cycle_micros_ += static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(read_boot_clock() - start).count());
}

void Daemon::pause_clients(PauseKind kind, MonoTime until) {
  if (kind == PauseKind::kNone) {
    end_pause();
    return;
  }
  // A longer or stricter pause is not cut short by another one.
  pause_ = std::max(pause_, kind);
  facts_.pause_until = std::max(facts_.pause_until, until);
  refresh_gates();
  pause_timer_.expires_after(facts_.pause_until - read_boot_clock());
  pause_timer_.async_wait([this](const asio::error_code& error) {
    if (!error) end_pause();
  });
}

void Daemon::end_pause() {
  pause_timer_.cancel();
  pause_ = PauseKind::kNone;
  facts_.pause_until = {};
  refresh_gates();
  // Not from inside the command that ended it.
  asio::post(loop_, [this] { turns_.resume(SuspendReason::kPaused); });
}

}  // namespace skein
