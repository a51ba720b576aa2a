// Where a full sync's payload begins and ends.
#include <skein/replication/replica_link.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <skein/base/text.h>

namespace skein {

namespace {

using namespace link_effect;

// More than any machine's memory: 16 TiB.
constexpr std::uint64_t kMaxPayload = 1ULL << 44;
constexpr std::size_t kMarkSize = 40;

// How many bytes at the end of `bytes` are the beginning of `mark`. Not all of it.
std::size_t begun_at_end(std::string_view bytes, std::string_view mark) {
  for (std::size_t size = std::min(bytes.size(), mark.size() - 1); size > 0; --size) {
    if (bytes.ends_with(mark.substr(0, size))) return size;
  }
  return 0;
}

void give(ReplicaLink::Effects& effects, std::string_view bytes) {
  if (!bytes.empty()) effects.emplace_back(Payload{bytes});
}

}  // namespace

void ReplicaLink::on_payload_head(const std::string& line, MonoTime now, Effects& effects) {
  constexpr std::string_view kEof = "$EOF:";
  const auto awaiting = std::get<AwaitingPayload>(phase_);
  const std::string_view text = line;
  if (text.starts_with('-')) {
    fail(fmt::format("MASTER aborted replication with an error: {}", text.substr(1)), now, effects);
    return;
  }
  if (text.starts_with(kEof) && text.size() == kEof.size() + kMarkSize) {
    phase_ = Receiving{.length = std::nullopt, .received = 0, .mark = std::string(text.substr(kEof.size())), .held = {}};
    effects.emplace_back(BeginFullSync{awaiting.id, awaiting.offset, std::nullopt});
    return;
  }
  const auto length = text.starts_with('$') ? parse_uint64(text.substr(1)) : std::nullopt;
  if (!length) {
    fail(fmt::format("Bad protocol from MASTER, the first byte is not '$' (we received '{}'), are you sure the host "
                     "and port are right?",
                     text),
         now, effects);
    return;
  }
  if (*length == 0 || *length > kMaxPayload) {
    fail(fmt::format("The primary announces a data set of {} bytes, which cannot be.", *length), now, effects);
    return;
  }
  phase_ = Receiving{.length = *length, .received = 0, .mark = {}, .held = {}};
  effects.emplace_back(BeginFullSync{awaiting.id, awaiting.offset, *length});
}

void ReplicaLink::take_payload(std::string_view& bytes, Effects& effects) {
  auto& receiving = std::get<Receiving>(phase_);
  if (receiving.length) {
    take_counted(receiving, bytes, effects);
  } else {
    take_marked(receiving, bytes, effects);
  }
}

void ReplicaLink::take_counted(Receiving& receiving, std::string_view& bytes, Effects& effects) {
  const std::size_t part = std::min<std::uint64_t>(bytes.size(), *receiving.length - receiving.received);
  give(effects, bytes.substr(0, part));
  bytes.remove_prefix(part);
  receiving.received += part;
  if (receiving.received == *receiving.length) complete(effects);
}

void ReplicaLink::take_marked(Receiving& receiving, std::string_view& bytes, Effects& effects) {
  const std::string_view mark = receiving.mark;
  if (!receiving.held.empty()) {
    // The mark may lie across what was held back and what has come; as many bytes as it has
    // are enough to tell.
    const std::size_t part = std::min(bytes.size(), mark.size());
    const std::string joined = receiving.held + std::string(bytes.substr(0, part));
    const std::size_t at = joined.find(mark);
    const bool all_seen = part == bytes.size();
    const std::size_t end = at != std::string::npos ? at
                            : all_seen              ? joined.size() - begun_at_end(joined, mark)
                                                    : receiving.held.size();
    given_ = joined.substr(0, end);
    give(effects, given_);
    receiving.received += end;
    if (at != std::string::npos) {
      bytes.remove_prefix(at + mark.size() - receiving.held.size());
      complete(effects);
      return;
    }
    receiving.held = all_seen ? joined.substr(end) : std::string();
    if (all_seen) {
      bytes = {};
      return;
    }
  }
  const std::size_t at = bytes.find(mark);
  const std::size_t end = at != std::string_view::npos ? at : bytes.size() - begun_at_end(bytes, mark);
  give(effects, bytes.substr(0, end));
  receiving.received += end;
  if (at != std::string_view::npos) {
    bytes.remove_prefix(at + mark.size());
    complete(effects);
    return;
  }
  receiving.held = std::string(bytes.substr(end));
  bytes = {};
}

void ReplicaLink::complete(Effects& effects) {
  const std::uint64_t received = std::get<Receiving>(phase_).received;
  const std::int64_t total = payload_total();
  phase_ = Installing{.received = received, .total = total};
  effects.emplace_back(PayloadComplete{});
}

std::int64_t ReplicaLink::payload_total() const {
  if (const auto* receiving = std::get_if<Receiving>(&phase_)) {
    return receiving->length ? static_cast<std::int64_t>(*receiving->length) : 0;
  }
  if (const auto* installing = std::get_if<Installing>(&phase_)) return installing->total;
  return -1;
}

std::int64_t ReplicaLink::payload_received() const {
  if (const auto* receiving = std::get_if<Receiving>(&phase_)) return static_cast<std::int64_t>(receiving->received);
  if (const auto* installing = std::get_if<Installing>(&phase_)) return static_cast<std::int64_t>(installing->received);
  return 0;
}

}  // namespace skein
