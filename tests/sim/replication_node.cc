#include "replication_node.h"

#include <skein/base/text.h>
#include <skein/replication/sync_verdict.h>

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <utility>

namespace skein::sim {

namespace {

constexpr std::size_t kPiece = 4096;

int database_of(Write write) { return static_cast<int>(write / 4 % 3); }

std::uint64_t digest_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

// The writes, and the database the stream behind them stands in; 9 for none.
std::string snapshot_of(const Writes& data, int database) {
  const std::string text = fmt::format("{} {}", database < 0 ? 9 : database, fmt::join(data, " "));
  return fmt::format("{} {} {}", digest_of(text), data.size(), text);
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

struct Snapshot {
  Writes data;
  int database = -1;
};

// Nothing when a byte of it is not what was sent.
std::optional<Snapshot> read_snapshot(std::string_view text) {
  const auto digest = take_number(text);
  const auto count = take_number(text);
  if (!digest || !count || *digest != digest_of(text)) return std::nullopt;
  Snapshot snapshot;
  const auto database = take_number(text);
  if (!database) return std::nullopt;
  if (*database != 9) snapshot.database = static_cast<int>(*database);
  while (!text.empty()) {
    const auto write = take_number(text);
    if (!write) return std::nullopt;
    snapshot.data.push_back(*write);
  }
  if (snapshot.data.size() != *count) return std::nullopt;
  return snapshot;
}

ReplicaLink::Settings link_settings() {
  return {.user = {}, .password = {}, .listening_port = 1, .announced_ip = {}, .timeout = seconds{5}};
}

}  // namespace

ReplicationNode::ReplicationNode(std::uint32_t number, ReplicationNet& net, HistoryWitness& witness, Random& random,
                                 std::size_t backlog)
    : number_(number), net_(net), witness_(witness), random_(random), history_(History::begin(random)), log_(backlog),
      writer_(log_), link_(link_settings()) {
  log_.open();
  witness_.begins(history_.id, {}, data_, log_.end());
}

void ReplicationNode::start_with(const Saved& saved, bool as_replica) {
  data_ = saved.data;
  history_ = {.id = saved.id, .former = std::nullopt};
  writer_.set_database(saved.database);
  log_.restart(saved.offset);
  log_.open();
  judge(true);
  if (!as_replica) promote();
}

void ReplicationNode::follow(std::uint32_t primary, MonoTime now) {
  if (!is_replica()) selected_ = parsed_selected_ = writer_.database();
  primary_ = primary;
  carry_out(link_.follow(fmt::format("node {}", primary), now), now);
}

void ReplicationNode::promote() {
  carry_out(link_.stop(), MonoTime{});
  primary_.reset();
  stream_.clear();
  group_.reset();
  const ReplicationId former = history_.id;
  history_.branch(random_, log_.end());
  if (history_lost_) history_.former.reset();
  history_lost_ = false;
  witness_.begins(history_.id, former, data_, log_.end());
  writer_.forget_database();
  drop_guests();
}

void ReplicationNode::write(Write first, std::size_t count) {
  if (count > 1) writer_.begin_unit();
  for (Write write = first; write < first + count; ++write) {
    const std::string number = fmt::format("{}", write);
    // Long enough that a backlog does not hold all there ever was.
    const std::string filling(random_.below(1000), 'x');
    const std::string_view words[] = {"W", number, filling};
    writer_.add(database_of(write), words);
    data_.push_back(write);
  }
  if (count > 1) writer_.end_unit();
  witness_.grows(history_.id, data_, log_.end());
}

void ReplicationNode::ping() {
  if (is_replica()) return;
  const std::string_view words[] = {"PING"};
  writer_.add_bare(words);
  witness_.grows(history_.id, data_, log_.end());
}

void ReplicationNode::tick(MonoTime now) {
  if (is_replica()) carry_out(link_.on_tick(now), now);
  std::vector<std::string_view> pieces;
  for (auto& [connection, guest] : guests_) {
    if (!guest.reader) continue;
    pieces.clear();
    guest.reader->pieces(2, pieces);
    // Not all of it at once, and cut anywhere: inside a command, inside a group.
    for (const std::string_view piece : pieces) {
      const std::string_view part = piece.substr(0, 1 + random_.below(kPiece));
      net_.send(number_, connection, std::string(part));
      guest.reader->advance(part.size());
      if (part.size() < piece.size()) break;
    }
  }
}

void ReplicationNode::on_link_up(ConnectionNumber connection, MonoTime now) {
  connection_ = connection;
  carry_out(link_.on_connected(now), now);
}

void ReplicationNode::on_link_lost(MonoTime now) {
  connection_.reset();
  carry_out(link_.on_lost("the connection ended", now), now);
}

void ReplicationNode::on_link_bytes(std::string_view bytes, MonoTime now) {
  std::optional<ReplicaLink::Place> place;
  if (!history_lost_) place = ReplicaLink::Place{history_.id, log_.end()};
  carry_out(link_.on_bytes(bytes, place, now), now);
}

void ReplicationNode::carry_out(ReplicaLink::Effects effects, MonoTime now) {
  using namespace link_effect;
  for (const LinkEffect& effect : effects) {
    if (std::holds_alternative<Connect>(effect)) {
      stream_.clear();
      group_.reset();
      parsed_selected_ = selected_;
      net_.connect(number_, *primary_);
    } else if (std::holds_alternative<Close>(effect)) {
      if (const auto gone = std::exchange(connection_, std::nullopt)) net_.close(number_, *gone);
    } else if (const auto* send = std::get_if<Send>(&effect)) {
      if (connection_) net_.send(number_, *connection_, send->bytes);
    } else if (const auto* begin = std::get_if<BeginFullSync>(&effect)) {
      arriving_ = Arriving{begin->id, begin->offset, {}};
    } else if (const auto* payload = std::get_if<Payload>(&effect)) {
      arriving_->payload += payload->bytes;
    } else if (std::holds_alternative<AbandonFullSync>(effect)) {
      arriving_.reset();
    } else if (std::holds_alternative<PayloadComplete>(effect)) {
      install(now);
      return;  // nothing comes behind it, and views are no longer good
    } else if (const auto* renamed = std::get_if<Continue>(&effect)) {
      ++tally_.partial_syncs;
      if (renamed->id && *renamed->id != history_.id) {
        history_.rename(*renamed->id, log_.end());
        drop_guests();
      }
      judge(true);
    } else if (const auto* stream = std::get_if<Stream>(&effect)) {
      if (take_stream(stream->bytes)) continue;
      ++tally_.damaged_streams;
      history_lost_ = true;
      stream_.clear();
      group_.reset();
      drop_guests();
      carry_out(link_.on_stream_broken("damaged", now), now);
      return;
    } else if (std::holds_alternative<Acknowledge>(effect)) {
      if (connection_) net_.send(number_, *connection_, fmt::format("REPLCONF ACK {}\r\n", log_.end().value));
    }
  }
}

void ReplicationNode::install(MonoTime now) {
  const auto arrived = std::exchange(arriving_, std::nullopt);
  auto snapshot = read_snapshot(arrived->payload);
  if (!snapshot) {
    ++tally_.failed_syncs;
    carry_out(link_.on_sync_failed(SyncTrouble::kDamaged, "damaged", now), now);
    return;
  }
  ++tally_.full_syncs;
  drop_guests();
  data_ = std::move(snapshot->data);
  selected_ = parsed_selected_ = snapshot->database;
  history_ = {.id = *arrived->id, .former = std::nullopt};
  history_lost_ = false;
  log_.restart(arrived->offset);
  log_.open();
  judge(true);
  carry_out(link_.on_installed(now), now);
}

// Whole commands, and whole groups, are executed and become ours; the rest waits.
bool ReplicationNode::take_stream(std::string_view bytes) {
  stream_ += bytes;
  std::size_t parsed = 0;
  std::size_t executed = 0;
  bool sound = true;
  while (parsed < stream_.size()) {
    RequestParser parser;
    Arguments words;
    if (stream_[parsed] != '*') {
      sound = false;
      break;
    }
    const auto status = parser.parse(std::string_view{stream_}.substr(parsed), {}, words);
    if (status == RequestParser::Status::kNeedMore) break;
    if (status != RequestParser::Status::kRequest || !apply(words)) {
      sound = false;
      break;
    }
    parsed += parser.consumed();
    if (group_) continue;
    executed = parsed;
    selected_ = parsed_selected_;
  }
  log_.append(std::string_view{stream_}.substr(0, executed));
  stream_.erase(0, executed);
  // A group is read again from its beginning when more has come.
  group_.reset();
  parsed_selected_ = selected_;
  if (executed > 0) judge(false);
  return sound;
}

bool ReplicationNode::apply(const Arguments& words) {
  if (words[0] == "PING") return words.size() == 1;
  if (words[0] == "SELECT" && words.size() == 2) {
    const auto database = parse_int64(words[1]);
    if (!database) return false;
    parsed_selected_ = static_cast<int>(*database);
    return true;
  }
  if (words[0] == "MULTI" && !group_) {
    group_.emplace();
    return true;
  }
  if (words[0] == "EXEC" && group_) {
    data_.insert(data_.end(), group_->begin(), group_->end());
    group_.reset();
    return true;
  }
  if (words[0] != "W" || words.size() != 3 || words[2].find_first_not_of('x') != std::string_view::npos) return false;
  std::string_view text = words[1];
  const auto write = take_number(text);
  if (!write || !text.empty()) return false;
  if (database_of(*write) != parsed_selected_ && !broken_) {
    broken_ = fmt::format("node {} was sent write {} in database {}", number_, *write, parsed_selected_);
  }
  (group_ ? *group_ : data_).push_back(*write);
  return true;
}

void ReplicationNode::on_guest_bytes(ConnectionNumber connection, std::string_view bytes) {
  Guest& guest = guests_[connection];
  guest.input += bytes;
  for (;;) {
    RequestParser parser;
    Arguments words;
    const auto status = parser.parse(guest.input, {}, words);
    if (status == RequestParser::Status::kRequest) answer(connection, guest, words);
    if (status == RequestParser::Status::kNeedMore || status == RequestParser::Status::kError) return;
    guest.input.erase(0, parser.consumed());
  }
}

void ReplicationNode::answer(ConnectionNumber connection, Guest& guest, const Arguments& words) {
  if (words[0] == "PING") {
    net_.send(number_, connection, "+PONG\r\n");
  } else if (words[0] == "REPLCONF") {
    if (words[1] != "ACK") net_.send(number_, connection, "+OK\r\n");
  } else if (words[0] == "PSYNC" && words.size() == 3) {
    serve_sync(connection, guest, words[1], words[2]);
  }
}

void ReplicationNode::serve_sync(ConnectionNumber connection, Guest& guest, std::string_view id,
                                 std::string_view next_byte) {
  // Without a primary of its own a replica has nothing that is sure to go on.
  if (is_replica() && !link_.is_streaming()) {
    net_.send(number_, connection, "-NOMASTERLINK Can't SYNC while not connected with my master\r\n");
    return;
  }
  const std::int64_t next = parse_int64(next_byte).value_or(-1);
  if (judge_sync(id, next, history_, log_) == SyncVerdict::kContinue) {
    guest.reader.emplace(log_.read_from(ReplOffset{next - 1}));
    net_.send(number_, connection, fmt::format("+CONTINUE {}\r\n", history_.id.view()));
    return;
  }
  net_.send(number_, connection, fmt::format("+FULLRESYNC {} {}\r\n", history_.id.view(), log_.end().value));
  // A replica's stream is not its own to say SELECT in: the snapshot tells.
  if (!is_replica()) writer_.forget_database();
  guest.reader.emplace(log_.read_from(log_.end()));
  const std::string snapshot = snapshot_of(data_, database());
  const std::string mark = random_.one_in(2) ? random_.hex(40) : "";
  std::string all = mark.empty() ? fmt::format("${}\r\n", snapshot.size()) : fmt::format("$EOF:{}\r\n", mark);
  all += snapshot + mark;
  for (std::size_t at = 0; at < all.size(); at += kPiece) net_.send(number_, connection, all.substr(at, kPiece));
}

void ReplicationNode::drop_guests() {
  for (const auto& [connection, guest] : std::exchange(guests_, {})) net_.close(number_, connection);
}

void ReplicationNode::judge(bool whole) {
  if (broken_ || history_lost_) return;
  if (auto wrong = witness_.judge(history_.id, data_, log_.end(), whole)) {
    broken_ = fmt::format("node {} holds {}", number_, *wrong);
  }
}

}  // namespace skein::sim
