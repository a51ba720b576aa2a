// What leaves for replicas, and how far one may fall behind.
#include "replicas_state.h"

#include <algorithm>

#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/command/command.h>

#include "client_turns.h"
#include "effect_feed.h"

namespace skein {

using Phase = ReplicaSession::Phase;

namespace {

// Gathered in one write.
constexpr std::size_t kPieces = 32;
// What one replica is sent before everybody else gets their turn.
constexpr std::size_t kAtATime = 1024 * 1024;
constexpr std::size_t kAtMostAtLast = 64 * kAtATime;
// A replica this near the end of the log has caught up.
constexpr std::size_t kNearEnd = 256 * 1024;
// What is moved from the log to a file before everybody else gets their turn.
constexpr std::size_t kSpillStep = 4 * 1024 * 1024;
// A replica that has this many times its limit on disk writes slower than we do for good.
constexpr std::uint64_t kSpillLimits = 16;

LagLimit limit_of(const Config& config) {
  const OutputLimit& limit = config->client_output_buffer_limit[kReplicaClients];
  return {.hard = limit.hard, .soft = limit.soft, .soft_for = limit.soft_for};
}

}  // namespace

void Replicas::State::flush() {
  if (!held_.empty()) note_written();
  const bool held = hooks_.stream_is_held && hooks_.stream_is_held();
  if (!held && std::exchange(asks_acknowledgements_, false) && !followers_.empty() && !hooks_.is_replica()) {
    parts_.feed.ask_acknowledgements();
  }
  if (followers_.empty()) return;
  for (const auto& follower : followers_) {
    if (follower->doomed) continue;
    push(*follower);
    hold_to_limit(*follower);
    note_owed(*follower);
  }
  settle();
}

void Replicas::State::on_writable(Session& session) {
  Follower* follower = find(session);
  if (follower == nullptr) return;
  push(*follower);
  note_owed(*follower);
  settle();
}

void Replicas::State::push(Follower& follower) {
  if (follower.doomed) return;
  const Output& replies = follower.session.output();
  if (!replies.empty() || replies.has_passed_bound()) {
    // A reply would stand in the middle of the stream.
    const Command* command = follower.session.last_command;
    warning(fmt::format("Replica generated a reply to command '{}', disconnecting it: {}",
                        command != nullptr ? std::string_view(command->called) : "",
                        ClientTurns::describe(follower.session)));
    doom(follower);
    return;
  }
  std::size_t sent = 0;
  while (!follower.doomed && !follower.session.closing && !follower.connection.waits_to_send()) {
    const std::size_t step = send_some(follower);
    if (step == 0) break;
    sent += step;
    if (sent < kAtATime) continue;
    follower.connection.send_later();
  }
  if (sent == 0) return;
  bytes_sent_ += sent;
  follower.progress_at = read_boot_clock();
}

// As much as the socket takes, before the link is closed: what it gets now it need not ask for again,
// and with all of it it can go on where the node stood.
void Replicas::State::send_last(Follower& follower) {
  if (follower.phase() != Phase::kOnline) return;
  std::size_t sent = 0;
  while (sent < kAtMostAtLast && !follower.doomed && !follower.connection.waits_to_send()) {
    const std::size_t step = send_some(follower);
    if (step == 0) break;
    sent += step;
  }
  bytes_sent_ += sent;
}

// One write. Zero: there is nothing to send, or the socket takes nothing.
std::size_t Replicas::State::send_some(Follower& follower) {
  if (!follower.head.empty()) {
    const std::string_view piece = follower.head;
    const std::size_t sent = follower.connection.send({&piece, 1});
    follower.head.erase(0, sent);
    return sent;
  }
  if (follower.phase() == Phase::kReceivingSnapshot && follower.snapshot != nullptr) {
    return follower.payload ? send_payload(follower) : send_file(follower);
  }
  if (follower.phase() != Phase::kOnline) return 0;
  if (follower.spill && !follower.spill->empty()) return send_spill(follower);
  return send_pieces(follower, *follower.stream);
}

std::size_t Replicas::State::send_file(Follower& follower) {
  const FileReader& file = *follower.snapshot->file;
  const std::uint64_t left = file.size() - follower.file_sent;
  if (left == 0) {
    finish_snapshot(follower);
    return send_some(follower);
  }
  const std::size_t wanted = std::min<std::uint64_t>(left, kBuffer);
  const auto got = file.read_at(follower.file_sent, {buffer_.get(), wanted});
  if (!got || *got == 0) {
    warning(fmt::format("Read error sending DB to replica: {}", got ? "premature EOF" : got.error().message()));
    doom(follower);
    return 0;
  }
  const std::string_view piece{buffer_.get(), *got};
  const std::size_t sent = follower.connection.send({&piece, 1});
  follower.file_sent += sent;
  if (follower.file_sent == file.size()) finish_snapshot(follower);
  return sent;
}

std::size_t Replicas::State::send_payload(Follower& follower) {
  const std::size_t sent = send_pieces(follower, *follower.payload);
  const bool complete = follower.snapshot->complete && follower.payload->behind() == 0;
  if (complete) finish_snapshot(follower);
  resume_stream_later();
  return sent;
}

std::size_t Replicas::State::send_spill(Follower& follower) {
  const auto got = follower.spill->peek({buffer_.get(), kBuffer});
  if (!got) {
    warning(fmt::format("What replica {} has still to be sent cannot be read back: {}", name_of_replica(follower.session),
                        got.error().message()));
    doom(follower);
    return 0;
  }
  const std::string_view piece{buffer_.get(), *got};
  const std::size_t sent = follower.connection.send({&piece, 1});
  follower.spill->consume(sent);
  return sent;
}

std::size_t Replicas::State::send_pieces(Follower& follower, ReplicationLog::Reader& reader) {
  if (reader.behind() == 0) return 0;
  reader.pieces(kPieces, pieces_);
  const std::size_t sent = follower.connection.send(pieces_);
  reader.advance(sent);
  return sent;
}

// What a replica holds back of the log is bounded always: while its full sync is under way, and until
// it has caught up after it, by moving its part to a file. Cutting it then would only make it
// come back for another full sync. After that by cutting it.
void Replicas::State::hold_to_limit(Follower& follower) {
  if (follower.doomed || !follower.stream) return;
  const LagLimit limit = limit_of(parts_.config);
  const std::size_t behind = follower.stream->behind();
  if (!follower.caught_up) {
    const bool spilled = follower.spill && !follower.spill->empty();
    follower.caught_up = follower.phase() == Phase::kOnline && !spilled && behind <= kNearEnd;
    if (follower.caught_up) {
      backoff_.on_caught_up(origin_of_replica(follower.session));
      follower.spill.reset();
    } else {
      spill(follower, limit);
    }
    return;
  }
  MonoTime& above_since = follower.session.above_soft_limit;
  const MonoTime now = read_boot_clock();
  const LagVerdict verdict = judge_lag(behind, limit, parts_.log.backlog_limit(), above_since, now);
  if (is_over(verdict)) {
    cut_by_limit(follower);
  } else if (verdict == LagVerdict::kWithin) {
    above_since = {};
  } else if (above_since == MonoTime{}) {
    above_since = now;
  }
}

void Replicas::State::cut_by_limit(Follower& follower) {
  note_owed(follower);
  warning(fmt::format("Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                      ClientTurns::describe(follower.session)));
  parts_.turns.note_output_limit_disconnection();
  if (!follower.caught_up) backoff_.on_given_up(origin_of_replica(follower.session), read_boot_clock());
  doom(follower);
}

void Replicas::State::spill(Follower& follower, const LagLimit& limit) {
  const std::uint64_t hard = limit.hard == 0 ? 0 : std::max<std::uint64_t>(limit.hard, parts_.log.backlog_limit());
  // Well before the hard limit, in steps: moving all of it at once would keep everybody waiting.
  std::uint64_t begin_at = hard / 2;
  if (limit.soft != 0 && (begin_at == 0 || limit.soft < begin_at)) begin_at = limit.soft;
  if (begin_at == 0) return;
  const std::uint64_t keep = follower.spill ? std::min<std::uint64_t>(begin_at, kSpillStep) : begin_at;
  if (follower.stream->behind() < keep) return;
  const std::string name = name_of_replica(follower.session);
  const auto fail = [&](const Error& error) {
    warning(fmt::format("Replica {} is behind by more than its limit allows, and what it has still to be sent cannot be "
                        "put into a file: {}",
                        name, error.message()));
    cut_by_limit(follower);
  };
  if (!follower.spill) {
    auto created = SpillFile::create(".");
    if (!created) return fail(created.error());
    follower.spill.emplace(std::move(*created));
    notice(fmt::format("Replica {} takes its full sync slower than we write: what is to follow it waits in a file", name));
  }
  std::size_t moved = 0;
  while (follower.stream->behind() > 0 && (moved < kSpillStep || (hard != 0 && follower.stream->behind() >= hard))) {
    follower.stream->pieces(kPieces, pieces_);
    for (const std::string_view piece : pieces_) {
      if (const auto written = follower.spill->append(piece); !written) return fail(written.error());
      follower.stream->advance(piece.size());
      moved += piece.size();
    }
  }
  const std::uint64_t bound = kSpillLimits * std::max<std::uint64_t>(hard, limit.soft);
  if (follower.spill->size() > bound) cut_by_limit(follower);
  // All of them together take no more than one may: whoever has the most is cut, until the rest fits.
  while (Follower* largest = largest_spill_above(bound)) cut_by_limit(*largest);
}

Follower* Replicas::State::largest_spill_above(std::uint64_t bound) const {
  Follower* largest = nullptr;
  std::uint64_t sum = 0;
  for (const auto& follower : followers_) {
    if (follower->doomed || !follower->spill) continue;
    sum += follower->spill->size();
    if (largest == nullptr || follower->spill->size() > largest->spill->size()) largest = follower.get();
  }
  return sum > bound ? largest : nullptr;
}

void Replicas::State::note_owed(Follower& follower) const {
  if (follower.doomed) return;
  std::size_t owed = follower.head.size();
  if (follower.stream) owed += follower.stream->behind();
  if (follower.payload) owed += follower.payload->behind();
  follower.facts().owed = owed;
}

}  // namespace skein
