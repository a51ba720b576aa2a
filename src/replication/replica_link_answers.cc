// What is said to the primary before its data comes, and what its answers mean.
#include <skein/replication/replica_link.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include <skein/base/text.h>

namespace skein {

namespace {

using namespace link_effect;

// The longest of redis's own lines, that of protected mode, has about a thousand characters.
constexpr std::size_t kMaxLine = 4096;
// No stream has been that long, and sums with it do not overflow.
constexpr std::int64_t kMaxOffset = std::int64_t{1} << 62;

void append_request(std::string& to, std::initializer_list<std::string_view> words) {
  to += fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) to += fmt::format("${}\r\n{}\r\n", word.size(), word);
}

void say(ReplicaLink::Effects& effects, Say::Level level, std::string text) {
  effects.emplace_back(Say{level, std::move(text)});
}

bool starts_with_any(std::string_view line, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view b) { return line.starts_with(b); });
}

// The primary has no password, which is no reason to stay away: 7.0's words, and those before 6.0.
bool says_no_password_needed(std::string_view line) {
  return line.find("without any password configured") != std::string_view::npos ||
         line.find("no password is set") != std::string_view::npos;
}

}  // namespace

std::optional<std::string> ReplicaLink::take_line(std::string_view& bytes, MonoTime now, Effects& effects) {
  const std::size_t end = bytes.find('\n');
  const std::size_t size = std::min(end, bytes.size());
  if (line_.size() + size > kMaxLine) {
    bytes = {};
    fail("The primary sent a line without end; this is no reply.", now, effects);
    return std::nullopt;
  }
  line_ += bytes.substr(0, size);
  if (end == std::string_view::npos) {
    bytes = {};
    return std::nullopt;
  }
  bytes.remove_prefix(end + 1);
  std::string line = std::exchange(line_, {});
  if (line.ends_with('\r')) line.pop_back();
  // It will be shown in the log.
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return line;
}

void ReplicaLink::on_answer(std::string line, const std::optional<Place>& place, MonoTime now, Effects& effects) {
  auto& introducing = std::get<Introducing>(phase_);
  const Question question = introducing.open.front();
  introducing.open.erase(introducing.open.begin());
  const auto not_critical = [&](std::string_view option) {
    if (!line.starts_with('-')) return;
    say(effects, Say::Level::kNotice,
        fmt::format("(Non critical) Master does not understand REPLCONF {}: {}", option, line));
  };
  switch (question) {
    case Question::kPing: on_pong(line, now, effects); return;
    case Question::kAuth: on_auth_answer(line, now, effects); break;
    case Question::kPort: not_critical("listening-port"); break;
    case Question::kIp: not_critical("ip-address"); break;
    case Question::kCapabilities: not_critical("capa"); break;
    case Question::kPsync: on_psync_answer(line, place, now, effects); return;
  }
  const auto* still = std::get_if<Introducing>(&phase_);
  if (still != nullptr && still->open.empty()) ask(place, effects);
}

void ReplicaLink::on_pong(const std::string& line, MonoTime now, Effects& effects) {
  // One that knows no PING by that name (rename-command) answers, which is all that is asked.
  if (!line.starts_with('+') &&
      !starts_with_any(line, {"-NOAUTH", "-NOPERM", "-ERR operation not permitted", "-ERR unknown command"})) {
    fail(fmt::format("Error reply to PING from master: '{}'", line), now, effects);
    return;
  }
  say(effects, Say::Level::kNotice, "Master replied to PING, replication can continue...");
  introduce(effects);
}

void ReplicaLink::introduce(Effects& effects) {
  std::vector<Question> open;
  std::string bytes;
  if (!settings_.password.empty()) {
    if (settings_.user.empty()) {
      append_request(bytes, {"AUTH", settings_.password});
    } else {
      append_request(bytes, {"AUTH", settings_.user, settings_.password});
    }
    open.push_back(Question::kAuth);
  }
  append_request(bytes, {"REPLCONF", "listening-port", fmt::format("{}", settings_.listening_port)});
  open.push_back(Question::kPort);
  if (!settings_.announced_ip.empty()) {
    append_request(bytes, {"REPLCONF", "ip-address", settings_.announced_ip});
    open.push_back(Question::kIp);
  }
  append_request(bytes, {"REPLCONF", "capa", "eof", "capa", "psync2"});
  open.push_back(Question::kCapabilities);
  phase_ = Introducing{.open = std::move(open)};
  effects.emplace_back(Send{std::move(bytes)});
}

void ReplicaLink::on_auth_answer(const std::string& line, MonoTime now, Effects& effects) {
  if (!line.starts_with('-')) return;
  if (says_no_password_needed(line)) {
    say(effects, Say::Level::kWarning,
        fmt::format("masterauth is set, but the primary needs no password; going on without ({}).", line));
    return;
  }
  fail(fmt::format("Unable to AUTH to MASTER: {}", line), now, effects);
}

void ReplicaLink::ask(const std::optional<Place>& place, Effects& effects) {
  const std::string id = place ? place->id.str() : "?";
  const std::string next = place ? fmt::format("{}", place->offset.value + 1) : "-1";
  if (place) {
    say(effects, Say::Level::kNotice, fmt::format("Trying a partial resynchronization (request {}:{}).", id, next));
  } else {
    say(effects, Say::Level::kNotice, "Partial resynchronization not possible (no cached master)");
  }
  std::string bytes;
  if (taking_over_) {
    append_request(bytes, {"PSYNC", id, next, "FAILOVER"});
  } else {
    append_request(bytes, {"PSYNC", id, next});
  }
  phase_ = Introducing{.open = {Question::kPsync}, .asked_for_more = place.has_value()};
  effects.emplace_back(Send{std::move(bytes)});
}

void ReplicaLink::on_psync_answer(const std::string& line, const std::optional<Place>& place, MonoTime now,
                                  Effects& effects) {
  constexpr std::string_view kFullResync = "+FULLRESYNC";
  constexpr std::string_view kContinue = "+CONTINUE";
  const std::string_view text = line;
  if (taking_over_) {
    taking_over_ = false;
    // Either answer says that it has become a primary.
    const bool taken = text.starts_with(kFullResync) || text.starts_with(kContinue);
    effects.emplace_back(TakeOverAnswered{taken});
    if (!taken) {
      fail(fmt::format("The replica that was to take over refused: {}", line), now, effects);
      return;
    }
  }
  if (text.starts_with(kFullResync)) {
    on_full_resync(text.substr(kFullResync.size()), now, effects);
  } else if (text.starts_with(kContinue)) {
    on_continue(text.substr(kContinue.size()), place, now, effects);
  } else if (text.starts_with('-')) {
    on_psync_refused(line, now, effects);
  } else {
    fail(fmt::format("Unexpected reply to PSYNC from master: {}", line), now, effects);
  }
}

// " <id> <offset>"
void ReplicaLink::on_full_resync(std::string_view rest, MonoTime now, Effects& effects) {
  constexpr std::size_t kIdEnd = 1 + ReplicationId::kSize;
  if (rest.size() > kIdEnd + 1 && rest[0] == ' ' && rest[kIdEnd] == ' ') {
    const auto id = ReplicationId::parse(rest.substr(1, ReplicationId::kSize));
    const auto offset = parse_int64(rest.substr(kIdEnd + 1));
    if (id && offset && *offset >= 0 && *offset <= kMaxOffset) {
      say(effects, Say::Level::kNotice, fmt::format("Full resync from master: {}:{}", id->view(), *offset));
      phase_ = AwaitingPayload{*id, ReplOffset{*offset}};
      return;
    }
  }
  fail("Master replied with wrong +FULLRESYNC syntax.", now, effects);
}

// "" or " <id>"
void ReplicaLink::on_continue(std::string_view rest, const std::optional<Place>& place, MonoTime now, Effects& effects) {
  if (!std::get<Introducing>(phase_).asked_for_more) {
    fail("The primary wants to continue where nothing was begun.", now, effects);
    return;
  }
  std::optional<ReplicationId> id;
  if (!rest.empty()) {
    if (rest[0] == ' ') id = ReplicationId::parse(rest.substr(1));
    if (!id) {
      fail("Master replied with wrong +CONTINUE syntax.", now, effects);
      return;
    }
    if (place && *id == place->id) id.reset();
  }
  say(effects, Say::Level::kNotice, "Successful partial resynchronization with master.");
  if (id) say(effects, Say::Level::kNotice, fmt::format("Master replication ID changed to {}", id->view()));
  say(effects, Say::Level::kNotice, "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
  phase_ = Streaming{now};
  effects.emplace_back(Continue{id});
  effects.emplace_back(Acknowledge{});
}

void ReplicaLink::on_psync_refused(const std::string& line, MonoTime now, Effects& effects) {
  if (starts_with_any(line, {"-NOMASTERLINK", "-LOADING"})) {
    say(effects, Say::Level::kNotice,
        fmt::format("Master is currently unable to PSYNC but should be in the future: {}", line));
    retry(now, effects);
    return;
  }
  // Nothing that another command would change.
  if (starts_with_any(line, {"-NOAUTH", "-NOPERM", "-DENIED"})) {
    fail(fmt::format("The primary does not let us replicate: {} (see masteruser and masterauth here, and what that user "
                     "may do there)",
                     line),
         now, effects);
    return;
  }
  say(effects, Say::Level::kNotice,
      fmt::format("Master does not support PSYNC or is in error state (reply: {})", line));
  say(effects, Say::Level::kNotice, "Retrying with SYNC...");
  old_protocol_ = true;
  phase_ = AwaitingPayload{};
  effects.emplace_back(Send{"*1\r\n$4\r\nSYNC\r\n"});
}

}  // namespace skein
