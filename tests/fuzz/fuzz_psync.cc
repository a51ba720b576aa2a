// What a primary sends: the link's machine, the payload's loader and the stream's parser, as
// a replica runs them one behind the other.
#include <skein/base/checksums.h>
#include <skein/base/random.h>
#include <skein/persist/rdb_loader.h>
#include <skein/replication/replica_link.h>
#include <skein/resp/request_parser.h>

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "targets.h"

namespace skein::fuzz {

namespace {

using namespace link_effect;
using Stage = ReplicaLink::Stage;

// A replica without a node: what became of the bytes, as text to be compared.
class Replica {
 public:
  explicit Replica(bool has_place) {
    if (has_place) place_ = ReplicaLink::Place{*ReplicationId::parse(std::string(40, 'a')), ReplOffset{7}};
    take(link_.follow("primary", now_));
    take(link_.on_connected(now_));
  }

  void feed(std::string_view bytes) {
    const ExactBytes exact(bytes);
    if (!closed_) take(link_.on_bytes(exact.view(), place_, now_));
    // Whatever comes, time passes, and nothing hangs.
    if (link_.stage() == Stage::kSyncing) {
      expect(link_.payload_received() >= 0, "a count of bytes");
      expect(link_.payload_total() >= -1 && link_.payload_total() <= (1LL << 44), "no absurd length is believed");
    }
  }
  // The outcome of everything, but for time.
  [[nodiscard]] std::string outcome() {
    note("stage", static_cast<int>(link_.stage()));
    if (loader_) note("loaded", loader_->loaded());
    return std::move(outcome_) + stream_error_;
  }
  // However it ended, it comes back.
  void expect_return() {
    if (link_.stage() != Stage::kWaiting && link_.stage() != Stage::kConnecting) take(link_.on_lost("over", now_));
    for (int i = 0; i < 200 && link_.stage() != Stage::kConnecting; ++i) {
      now_ += milliseconds{100};
      take(link_.on_tick(now_));
      if (link_.is_installing()) take(link_.on_sync_failed(SyncTrouble::kDamaged, "over", now_));
    }
    expect(link_.stage() == Stage::kConnecting, "a failed link is made again");
  }

 private:
  template <typename T>
  void note(std::string_view what, const T& value) {
    outcome_ += fmt::format("{} {}\n", what, value);
  }
  void take(const ReplicaLink::Effects& effects) {
    for (const LinkEffect& effect : effects) {
      if (failed_ && !std::holds_alternative<Close>(effect)) continue;
      std::visit([this](const auto& one) { carry_out(one); }, effect);
    }
  }
  void carry_out(const Connect&) { failed_ = false; }
  void carry_out(const Close&) { closed_ = true; }
  void carry_out(const Send& effect) { expect(effect.bytes.size() < 4096, "what is said is short"); }
  void carry_out(const BeginFullSync& effect) {
    note("begin", effect.offset.value);
    loader_.emplace(&keyspace_, RdbLoadOptions{.now = UnixMillis{1}, .drop_expired = false, .verify_checksum = true});
  }
  void carry_out(const Payload& effect) {
    expect(loader_.has_value(), "a payload has a beginning");
    if (!loader_->feed(effect.bytes)) fail_sync();
  }
  void carry_out(const PayloadComplete&) {
    if (!loader_->finish()) {
      fail_sync();
      return;
    }
    note("complete", loader_->loaded());
    take(link_.on_installed(now_));
  }
  void carry_out(const AbandonFullSync&) { (void)keyspace_.flush(-1); }
  void carry_out(const Continue& effect) { note("continue", effect.id ? effect.id->view() : std::string_view()); }
  void carry_out(const Stream& effect) {
    expect(link_.is_streaming(), "no stream before its time");
    stream_ += effect.bytes;
    parse();
  }
  void carry_out(const Acknowledge&) { expect(link_.acknowledges(), "somebody takes acknowledgements"); }
  void carry_out(const TakeOverAnswered&) {}
  void carry_out(const Say& effect) {
    expect(std::none_of(effect.text.begin(), effect.text.end(), [](char c) { return c == '\n' || c == 0x1b; }),
           "the log is shown plain text");
  }

  void fail_sync() {
    note("failed at", 0);
    failed_ = true;
    const auto effects = link_.on_sync_failed(SyncTrouble::kDamaged, "damaged", now_);
    failed_ = false;
    take(effects);
    failed_ = true;
  }
  void parse() {
    std::string_view rest = stream_;
    while (!rest.empty() && stream_error_.empty()) {
      Arguments arguments;
      const auto status = parser_.parse(rest, {}, arguments);
      if (status == RequestParser::Status::kNeedMore) break;
      if (status == RequestParser::Status::kError || parser_.was_inline()) {
        stream_error_ = "damaged stream";
        take(link_.on_stream_broken("damaged", now_));
        return;
      }
      if (status == RequestParser::Status::kRequest) note("call", arguments.size());
      rest.remove_prefix(parser_.consumed());
    }
    stream_.erase(0, stream_.size() - rest.size());
  }

  ReplicaLink link_{{.user = {}, .password = "p", .listening_port = 1, .announced_ip = {}, .timeout = seconds{60}}};
  std::optional<ReplicaLink::Place> place_;
  MonoTime now_{seconds{1000}};
  Keyspace keyspace_{4, false, 1};
  std::optional<RdbLoader> loader_;
  RequestParser parser_;
  std::string stream_;
  std::string stream_error_;
  std::string outcome_;
  bool failed_ = false;
  bool closed_ = false;
};

// What is behind the first damage is not compared: a machine that was told of it at once
// has not seen what one that got all bytes together has.
std::string run(std::string_view bytes, bool has_place, std::size_t longest, Random* random) {
  Replica replica(has_place);
  while (!bytes.empty()) {
    const std::size_t piece = random == nullptr ? longest : 1 + random->below(longest);
    replica.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  const std::string outcome = replica.outcome();
  replica.expect_return();
  return outcome;
}

}  // namespace

void fuzz_psync(Input input) {
  const std::string_view bytes = text_of(input);
  Random random(crc64(0, bytes));
  for (const bool has_place : {true, false}) {
    const std::string whole = run(bytes, has_place, bytes.size() + 1, nullptr);
    for (const std::uint64_t longest : {std::uint64_t{3}, 1 + bytes.size() / 2}) {
      if (bytes.size() / longest > 4096) continue;  // work grows with the pieces
      expect(run(bytes, has_place, longest, &random) == whole, "the same outcome however the bytes arrive");
    }
  }
}

}  // namespace skein::fuzz
