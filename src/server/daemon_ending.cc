// The end of the node: SHUTDOWN, and the signals that ask for it.
//
// What comes next is Ending's to say; here it is done. Handing over comes before the last save: the
// service stands still for the one alone, and what is saved is the data as they were handed over.
#include "daemon.h"

#include <algorithm>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>

#include "process.h"
#include "stop_signals.h"

namespace skein {

namespace {

// They tell how far they are once a second.
constexpr std::int64_t kFreshSeconds = 2;
constexpr std::string_view kCalledOff = "ERR Errors trying to SHUTDOWN. Check logs.";

}  // namespace

Result<void> Daemon::shut_down(const ShutdownRequest& request) {
  if (stopping_) return {};
  if (ending_.is_under_way()) {
    // Whoever asks again wants to wait as well, or no longer.
    return request.now ? end(request) : Result<void>{};
  }
  log_.warning("User requested shutdown...");
  last_offset_ = replication_.offset();
  return take_step(ending_.begin(request, ending_facts(), facts_.now.mono));
}

bool Daemon::abort_shutdown() {
  if (!ending_.is_under_way() || handed_over_ || stopping_) return false;
  call_off_ending();
  log_.notice("Shutdown manually aborted.");
  return true;
}

EndingFacts Daemon::ending_facts() {
  EndingFacts facts;
  facts.timeout = std::chrono::duration_cast<milliseconds>(as_timeout(config_->shutdown_timeout));
  const auto replicas = replication_.replication_facts().replicas;
  facts.replicas_lag = std::any_of(replicas.begin(), replicas.end(),
                                   [&](const auto& replica) { return replica.offset < last_offset_; });
  const bool in_sync = std::any_of(replicas.begin(), replicas.end(), [](const auto& replica) {
    return replica.is_online && replica.lag_seconds <= kFreshSeconds;
  });
  facts.can_hand_over = config_->cluster_handover_on_shutdown && in_sync && cluster_ != nullptr &&
                        cluster_->node().state() == ClusterState::kOk && cluster_->node().topology().self().is_voter();
  return facts;
}

Result<void> Daemon::take_step(Ending::Step step) {
  switch (step) {
    case Ending::Step::kNothing: return {};
    case Ending::Step::kHandOver: hand_over(); return {};
    case Ending::Step::kWait: wait_for_replicas(); return {};
    case Ending::Step::kEnd: return end(ending_.request());
  }
  return {};
}

// Not from inside of what led to it. Whoever asked for the end hears of a failure when it is called off.
void Daemon::take_step_later(Ending::Step step) {
  if (step == Ending::Step::kNothing) return;
  asio::post(loop_, [this, step] {
    begin_turn();
    abandon_handover();
    if (ending_.is_under_way()) (void)take_step(step);
  });
}

void Daemon::judge_ending() {
  if (!ending_.is_under_way() || handed_over_) return;
  const bool hands_over = ending_.stage() == Ending::Stage::kHandingOver;
  const Ending::Step step = ending_.judge(ending_facts(), read_boot_clock());
  if (hands_over && step != Ending::Step::kNothing) log_.warning("No replica has taken over in time.");
  take_step_later(step);
}

// With the end of this turn everything is in the stream that a replica has to have.
void Daemon::hand_over() {
  log_.notice("A replica is to take over before this node ends.");
  asio::post(loop_, [this] {
    if (ending_.stage() != Ending::Stage::kHandingOver) return;
    handover_begun_ = true;
    cluster_->tell_data();
    std::vector<AcknowledgedOffset> acknowledged;
    for (const auto& replica : replication_.replication_facts().replicas) {
      // Who follows the stream has the data it began with, even before it has acknowledged any of it.
      if (replica.is_online) acknowledged.push_back({replica.ip, replica.port, std::max(replica.offset, ReplOffset{1})});
    }
    cluster_->node().begin_handover(read_clocks(), acknowledged);
    cluster_->carry_out_effects(false);
  });
}

void Daemon::on_handover_ended(const HandoverEnded& outcome) {
  if (ending_.stage() != Ending::Stage::kHandingOver) return;
  if (outcome.handed_over) {
    on_handed_over();
  } else if (outcome.ask_as_client) {
    ask_to_take_over(*outcome.ask_as_client);
  } else {
    on_not_handed_over(outcome.why);
  }
}

void Daemon::ask_to_take_over(const HandoverEnded::AskAsClient& whom) {
  const std::string name = fmt::format("{}:{}", whom.ip, whom.port);
  log_.notice(fmt::format("Asking {} to take over", name));
  takeover_request_ = TakeoverRequest::send(loop_,
                                            {.host = whom.ip,
                                             .port = whom.port,
                                             .source = config_->bind_source_addr,
                                             .user = config_->masteruser,
                                             .password = config_->masterauth},
                                            [this, name](const std::string& why) {
                                              on_not_handed_over(fmt::format("{}: {}", name, why));
                                            });
}

// The others are to remember this node as a primary that has gone: nothing is said any more. Writers
// that waited are told where to go, and only then it ends.
void Daemon::on_handed_over() {
  if (std::exchange(handed_over_, true)) return;
  handover_begun_ = false;
  takeover_request_.reset();
  cluster_->fall_silent(true);
  log_.notice("A replica owns the slots of this node now.");
  hold_writers(kTakeover, false);
  resume_later(SuspendReason::kPaused);
  asio::post(loop_, [this] {
    asio::post(loop_, [this] {
      begin_turn();
      if (ending_.is_under_way()) (void)end(ending_.request());
    });
  });
}

void Daemon::on_not_handed_over(std::string_view why) {
  log_.warning(fmt::format("No replica takes over: {}", why));
  take_step_later(ending_.on_not_handed_over(ending_facts(), read_boot_clock()));
}

void Daemon::abandon_handover() {
  takeover_request_.reset();
  if (!std::exchange(handover_begun_, false)) return;
  cluster_->node().abandon_handover(read_clocks());
  cluster_->carry_out_effects(false);
}

void Daemon::wait_for_replicas() {
  hold_writers(kEnding, true);
  last_offset_ = replication_.ask_for_last_acknowledgements();
  log_.notice("Waiting for replicas before shutting down.");
}

void Daemon::tell_lagging_replicas() {
  const auto replicas = replication_.replication_facts().replicas;
  std::size_t lagging = 0;
  for (const auto& replica : replicas) {
    if (replica.offset >= last_offset_) continue;
    ++lagging;
    log_.warning(fmt::format("Lagging replica {}:{} reported offset {} behind master, lag={}, state={}.", replica.ip,
                             replica.port, last_offset_ - replica.offset, replica.lag_seconds, replica.state));
  }
  if (replicas.empty()) return;
  log_.notice(fmt::format("{} of {} replicas are in sync when shutting down.", replicas.size() - lagging, replicas.size()));
}

Result<void> Daemon::end(const ShutdownRequest& request) {
  if (stopping_) return {};
  if (!handed_over_) tell_lagging_replicas();
  save_to_stop();
  if (auto saved = save_before_the_end(request); !saved) {
    call_off_ending();
    return saved;
  }
  stop_for_good();
  stopping_ = true;
  exit_code_ = 0;
  // The turn that asked for it ends first.
  asio::post(loop_, [this] { finish(); });
  return {};
}

// The node goes on: as a primary, or as the replica of the one that has taken over.
void Daemon::call_off_ending() {
  serve_on();
  ending_.end();
  abandon_handover();
  if (std::exchange(handed_over_, false)) {
    cluster_->fall_silent(false);
    cluster_->node().abandon_handover(read_clocks());
    cluster_->carry_out_effects(false);
    follow_cluster_role();
    refresh_gates();
  }
  hold_writers(kEnding, false);
  for (Session* session : sessions_.all()) {
    if (session->suspended == nullptr || session->suspended->reason != SuspendReason::kHandover) continue;
    session->suspended.reset();
    session->writer().error(kCalledOff);
    session->peer()->wake();
  }
}

void Daemon::finish() {
  notify_supervisor(process_.supervised, "STOPPING=1\n");
  // As whose replica it comes back is on disk before it goes.
  if (handed_over_) cluster_->carry_out_effects(true);
  stop_serving();
  if (!config_->pidfile.empty()) log_.notice("Removing the pid file.");
  log_.warning("Skein is now ready to exit, bye bye...");
}

}  // namespace skein
