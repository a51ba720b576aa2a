#include "replicas_state.h"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <skein/base/clock.h>

#include "client_turns.h"
#include "effect_feed.h"

namespace skein {

using Phase = ReplicaSession::Phase;

namespace {

std::string ip_of(const Session& session) {
  std::string ip = session.address.substr(0, session.address.rfind(':'));
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  return ip;
}

}  // namespace

std::string ip_of_replica(const Session& session) {
  if (session.replica != nullptr && !session.replica->announced_ip.empty()) return session.replica->announced_ip;
  return ip_of(session);
}

std::string origin_of_replica(const Session& session) {
  return fmt::format("{}:{}", ip_of(session), session.replica != nullptr ? session.replica->listening_port : 0);
}

std::string name_of_replica(const Session& session) {
  const std::uint16_t port = session.replica != nullptr ? session.replica->listening_port : 0;
  return port != 0 ? fmt::format("{}:{}", ip_of_replica(session), port)
                   : fmt::format("{}:<unknown-replica-port>", ip_of_replica(session));
}

Replicas::State::State(Parts parts, Hooks hooks)
    : parts_(parts), hooks_(std::move(hooks)), wait_timer_(parts.loop), held_timer_(parts.loop) {}

void Replicas::State::serve(Session& session, const SyncRequest& request) {
  if (session.is_primary_link) return;  // our primary's stream is no client
  if (session.replica == nullptr) session.replica = std::make_unique<ReplicaSession>();
  if (session.replica->is_replica()) return;
  ReplyWriter& reply = session.writer();
  if (request.takes_over && !take_over(session, request)) return;
  if (hooks_.is_replica() && !hooks_.has_data()) {
    reply.error("NOMASTERLINK Can't SYNC while not connected with my master");
    return;
  }
  if (hooks_.refuses_replicas && hooks_.refuses_replicas()) {
    reply.error(errors::kLoading);
    return;
  }
  // Replies under way would end up inside the snapshot.
  if (!session.output().empty()) {
    reply.error("ERR SYNC and PSYNC are invalid with pending output");
    return;
  }
  // What is filtered is streamed only.
  if (!(session.replica->wants_keys && session.replica->wants_functions) && !session.replica->capable_of_eof) {
    reply.error("ERR Filtered replica requires EOF capability");
    return;
  }
  notice(fmt::format("Replica {} asks for synchronization", name_of_replica(session)));
  if (!request.old_protocol) {
    const SyncVerdict verdict = judge_sync(request.id, request.next_byte, parts_.history, parts_.log);
    if (verdict == SyncVerdict::kContinue) {
      go_on(session, ReplOffset{request.next_byte - 1});
      settle();
      return;
    }
    tell_refusal(session, request, verdict);
    if (verdict != SyncVerdict::kNoHistory) ++partial_refusals_;
  }
  begin_full_sync(session, request.old_protocol);
  settle();
}

bool Replicas::State::take_over(Session& session, const SyncRequest& request) {
  // There the member says whose replica this node is; whoever may speak to the port must not undo it.
  if (parts_.config->cluster_enabled) {
    session.writer().error("ERR PSYNC FAILOVER not allowed in cluster mode.");
    return false;
  }
  warning(fmt::format("Failover request received for replid {}.", request.id));
  if (!hooks_.is_replica()) {
    session.writer().error("ERR PSYNC FAILOVER can't be sent to a master.");
    return false;
  }
  if (!hooks_.on_takeover_request(request)) {
    session.writer().error("ERR PSYNC FAILOVER replid must match my replid.");
    return false;
  }
  return true;
}

void Replicas::State::tell_refusal(const Session& session, const SyncRequest& request, SyncVerdict verdict) {
  const std::string name = name_of_replica(session);
  const History& history = parts_.history;
  switch (verdict) {
    case SyncVerdict::kContinue: return;
    case SyncVerdict::kNoHistory: notice(fmt::format("Full resync requested by replica {}", name)); return;
    case SyncVerdict::kUnknownId:
      notice(fmt::format("Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '{}', my "
                         "replication IDs are '{}' and '{}')",
                         request.id.substr(0, ReplicationId::kSize), history.id.view(),
                         history.former ? history.former->id.view() : ReplicationId{}.view()));
      return;
    case SyncVerdict::kBeyondFormer:
      notice(fmt::format("Partial resynchronization not accepted: Requested offset for second ID was {}, but I can reply "
                         "up to {}",
                         request.next_byte, history.former->until.value + 1));
      return;
    case SyncVerdict::kNoBacklog:
    case SyncVerdict::kTooOld:
    case SyncVerdict::kAhead:
      notice(fmt::format("Unable to partial resync with replica {} for lack of backlog (Replica request was: {}).", name,
                         request.next_byte));
      if (verdict == SyncVerdict::kAhead) {
        warning(fmt::format("Warning: replica {} tried to PSYNC with an offset that is greater than the master "
                            "replication offset.",
                            name));
      }
      return;
  }
}

void Replicas::State::go_on(Session& session, ReplOffset at) {
  Follower& follower = add(session);
  follower.caught_up = true;  // it was let in by the backlog, within which its limit never is
  follower.stream.emplace(parts_.log.read_from(at));
  session.replica->acknowledged = at;
  follower.head = session.replica->capable_of_psync2 ? fmt::format("+CONTINUE {}\r\n", parts_.history.id.view())
                                                     : std::string("+CONTINUE\r\n");
  ++partial_syncs_;
  synchronized(fmt::format("Partial resynchronization request from {} accepted. Sending {} bytes of backlog starting from "
                           "offset {}.",
                           name_of_replica(session), follower.stream->behind(), at.value + 1));
  go_online(follower);
  push(follower);
}

void Replicas::State::go_online(Follower& follower) {
  follower.facts().phase = Phase::kOnline;
  follower.facts().acknowledged_at = follower.progress_at = read_boot_clock();
  follower.awaits_acknowledgement = false;
  changed_ = true;
}

Follower& Replicas::State::add(Session& session) {
  auto follower = std::make_unique<Follower>(session, Client::of(session).connection());
  follower->progress_at = read_boot_clock();
  Follower& added = *followers_.emplace_back(std::move(follower));
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(kBuffer);
  without_replicas_since_ = {};
  changed_ = true;
  if (parts_.config->repl_disable_tcp_nodelay && !session.unix_socket) {
    const int off = 0;
    (void)::setsockopt(added.connection.descriptor(), IPPROTO_TCP, TCP_NODELAY, &off, sizeof off);
  }
  return added;
}

Follower* Replicas::State::find(const Session& session) const {
  for (const auto& follower : followers_) {
    if (&follower->session == &session && !follower->doomed) return follower.get();
  }
  return nullptr;
}

void Replicas::State::doom(Follower& follower) {
  if (follower.doomed) return;
  follower.doomed = true;
  changed_ = true;
  plan_.on_left(follower.session.id());
  follower.stream.reset();
  follower.payload.reset();
  follower.snapshot.reset();
  follower.spill.reset();
  follower.session.replica->owed = 0;
  follower.session.peer()->close(false);
}

void Replicas::State::settle() {
  const std::size_t gone = std::erase_if(followers_, [](const auto& follower) { return follower->doomed; });
  if (gone > 0) resume_stream_later();  // the slowest may have been among them
  if (followers_.empty()) {
    buffer_.reset();
    if (without_replicas_since_ == MonoTime{}) without_replicas_since_ = read_boot_clock();
  }
  abandon_unneeded_snapshot();
  if (std::exchange(changed_, false)) hooks_.changed();
}

void Replicas::State::on_acknowledged(Session& session, ReplOffset offset, MonoTime now) {
  Follower* follower = find(session);
  if (follower == nullptr) return;
  // Before it has our data its offset is one of another history.
  if (follower->phase() != Phase::kOnline && !follower->awaits_acknowledgement) return;
  ReplicaSession& facts = follower->facts();
  // Nobody has what was never written: believed, it would make WAIT and handovers true for ever.
  if (offset > parts_.log.end()) offset = facts.acknowledged;
  facts.acknowledged = std::max(facts.acknowledged, offset);
  facts.acknowledged_at = now;
  if (follower->awaits_acknowledgement) {
    go_online(*follower);
    synchronized(fmt::format("Synchronization with replica {} succeeded", name_of_replica(session)));
    push(*follower);
  }
  facts.acknowledges = true;
  if (!waits_.empty()) answer_waits(false);
  if (!held_.empty()) release_replies(false);
  settle();
}

void Replicas::State::on_closed(Session& session) {
  if (!waits_.empty()) std::erase_if(waits_, [&](const Wait& wait) { return wait.session == &session; });
  if (!held_.empty()) std::erase_if(held_, [&](const HeldReplies& held) { return held.session == &session; });
  if (session.replica == nullptr || !session.replica->is_replica()) return;
  Follower* follower = find(session);
  if (follower != nullptr) {
    warning(fmt::format("Connection with replica {} lost.", name_of_replica(session)));
    doom(*follower);
  }
  settle();
}

void Replicas::State::disconnect_all(std::string_view why) {
  if (current_ != nullptr) current_->joinable = false;
  for (const auto& follower : followers_) {
    if (follower->doomed) continue;
    send_last(*follower);
    notice(fmt::format("Closing the connection with replica {}: {}", name_of_replica(follower->session), why));
    doom(*follower);
  }
  settle();
}

std::size_t Replicas::State::count() const {
  return static_cast<std::size_t>(
      std::count_if(followers_.begin(), followers_.end(), [](const auto& follower) { return !follower->doomed; }));
}

std::uint64_t Replicas::State::good_count(Now now) const {
  std::uint64_t good = 0;
  for (const auto& follower : followers_) {
    if (follower->doomed || follower->phase() != Phase::kOnline) continue;
    const auto lag = std::chrono::duration_cast<seconds>(now.mono - follower->facts().acknowledged_at);
    if (lag <= parts_.config->min_replicas_max_lag) ++good;
  }
  return good;
}

std::uint64_t Replicas::State::acknowledged_by(ReplOffset written) const {
  return static_cast<std::uint64_t>(std::count_if(followers_.begin(), followers_.end(), [&](const auto& follower) {
    return !follower->doomed && follower->phase() == Phase::kOnline && follower->facts().acknowledged >= written;
  }));
}

namespace {

// In redis's words: while a stream is being made its readers still wait for the child.
std::string_view state_word(const Follower& follower) {
  switch (follower.phase()) {
    case Phase::kIntroducing:
    case Phase::kWaitingForSnapshot: return "wait_bgsave";
    case Phase::kReceivingSnapshot:
      return follower.snapshot != nullptr && follower.snapshot->kind == FullSyncPlan::Kind::kStream ? "wait_bgsave"
                                                                                                    : "send_bulk";
    case Phase::kOnline: return "online";
    case Phase::kSnapshotSent: break;
  }
  return "";
}

}  // namespace

void Replicas::State::fill(ReplicationFacts& facts, Now now) const {
  facts.replicas.clear();
  std::size_t farthest = 0;
  facts.replicas_memory = 0;
  for (const auto& follower : followers_) {
    if (follower->doomed) continue;
    const ReplicaSession& replica = follower->facts();
    if (replica.phase == Phase::kSnapshotSent) continue;  // a tool that has what it wanted
    const bool online = replica.phase == Phase::kOnline;
    facts.replicas.push_back(
        {.ip = ip_of_replica(follower->session),
         .port = replica.listening_port,
         .state = std::string(state_word(*follower)),
         .offset = replica.acknowledged,
         .lag_seconds =
             online ? std::chrono::duration_cast<seconds>(now.mono - replica.acknowledged_at).count() : std::int64_t{0},
         .is_online = online});
    if (follower->stream) farthest = std::max(farthest, follower->stream->behind());
    facts.replicas_memory += sizeof(Session) + sizeof(Client) + follower->session.peer()->input_figures().memory;
    if (follower->payload) facts.replicas_memory += follower->payload->behind();
  }
  // What is within the backlog would be there without them.
  const std::size_t backlog = parts_.log.is_open() ? parts_.log.backlog_limit() : 0;
  if (farthest > backlog) facts.replicas_memory += farthest - backlog;
  facts.log_memory = parts_.log.memory();
  facts.good_replicas = good_count(now);
  facts.full_syncs = full_syncs_;
  facts.partial_syncs = partial_syncs_;
  facts.partial_refusals = partial_refusals_;
  facts.net_output_bytes = bytes_sent_;
}

Replicas::Replicas(Parts parts, Hooks hooks) : state_(std::make_unique<State>(parts, std::move(hooks))) {}
Replicas::~Replicas() = default;
void Replicas::serve(Session& session, const SyncRequest& request) { state_->serve(session, request); }
void Replicas::on_acknowledged(Session& session, ReplOffset offset, MonoTime now) {
  state_->on_acknowledged(session, offset, now);
}
void Replicas::on_closed(Session& session) { state_->on_closed(session); }
void Replicas::flush() { state_->flush(); }
void Replicas::on_writable(Session& session) { state_->on_writable(session); }
void Replicas::on_cron(Now now) { state_->on_cron(now); }
void Replicas::disconnect_all(std::string_view why) { state_->disconnect_all(why); }
std::uint64_t Replicas::acknowledged_by(ReplOffset written) const { return state_->acknowledged_by(written); }
void Replicas::await(Session& session, ReplOffset written, std::uint64_t wanted, MonoTime until) {
  state_->await(session, written, wanted, until);
}
void Replicas::hold_replies(Session& session) { state_->hold_replies(session); }
void Replicas::end_waits() {
  state_->answer_waits(true);
  state_->release_replies(true);
}
void Replicas::break_off_waits() {
  state_->break_off_waits();
  state_->release_replies(true);
}
std::size_t Replicas::count() const { return state_->count(); }
std::uint64_t Replicas::bytes_out() const { return state_->bytes_sent_; }
std::uint64_t Replicas::good_count(Now now) const { return state_->good_count(now); }
void Replicas::fill(ReplicationFacts& facts, Now now) const { state_->fill(facts, now); }
void Replicas::reset_statistics() {
  state_->full_syncs_ = state_->partial_syncs_ = state_->partial_refusals_ = state_->bytes_sent_ = 0;
}

}  // namespace skein
