#include "primary_link_state.h"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>
#include <skein/base/random.h>

namespace skein {

namespace {

constexpr std::size_t kRead = 64 * 1024;
// A turn executes this long before everybody else gets theirs.
constexpr microseconds kTurn{1000};
// A primary that does not read is told nothing more: acknowledgements replace each other.
constexpr std::size_t kMaxUnsent = 64 * 1024;

std::string name_of(const std::string& host, std::uint16_t port) { return fmt::format("{}:{}", host, port); }

}  // namespace

PrimaryLink::State::State(Parts parts, Hooks hooks)
    : parts_(parts),
      hooks_(std::move(hooks)),
      link_(settings_of_link()),
      stream_({.settings = parts.config.settings(),
               .keyspace = parts.keyspace,
               .dispatcher = parts.dispatcher,
               .log = parts.log,
               .facts = parts.facts,
               .logger = parts.logger},
              [this] { close_later(); }) {}

PrimaryLink::State::~State() = default;

ReplicaLink::Settings PrimaryLink::State::settings_of_link() const {
  const Settings& settings = parts_.config.settings();
  return {.user = settings.masteruser,
          .password = settings.masterauth,
          .listening_port = settings.replica_announce_port != 0 ? settings.replica_announce_port : settings.port,
          .announced_ip = settings.replica_announce_ip,
          .timeout = as_timeout(settings.repl_timeout)};
}

std::optional<ReplicaLink::Place> PrimaryLink::State::place() const {
  if (history_lost_ || parts_.history.id.is_none()) return std::nullopt;
  return ReplicaLink::Place{parts_.history.id, parts_.log.end()};
}

void PrimaryLink::State::follow(std::string host, std::uint16_t port) {
  const bool later = leave_later(Leaving::kForAnother);
  if (!later) end();
  host_ = std::move(host);
  port_ = port;
  if (later) return;
  history_lost_ = false;
  has_had_data_ = false;
  link_.set(settings_of_link());
  handle(link_.follow(name_of(host_, port_), read_boot_clock()));
}

bool PrimaryLink::State::stop() {
  if (leave_later(Leaving::kForNobody)) return false;
  end();
  return true;
}

void PrimaryLink::State::stay() {
  // Where it leads to now nobody remembers: anew.
  if (leaving_ != Leaving::kNot) leaving_ = Leaving::kForAnother;
}

bool PrimaryLink::State::leave_later(Leaving how) {
  if (sync_ == nullptr || !sync_->is_loading()) return false;
  if (leaving_ == Leaving::kNot) {
    parts_.logger.notice("The primary is left as soon as its data set, which is being loaded, is here as a whole.");
  }
  leaving_ = how;
  return true;
}

void PrimaryLink::State::end() {
  leaving_ = Leaving::kNot;
  asking_to_take_over_ = false;
  handle(link_.stop());
  host_.clear();
  port_ = 0;
}

void PrimaryLink::State::shut() {
  shut_ = true;
  end_session();
  if (socket_ != nullptr) socket_->drop();
  socket_.reset();
  sync_.reset();
  jobs_.reset();
  stream_.reset();
}

void PrimaryLink::State::ask_to_take_over() {
  asking_to_take_over_ = true;
  link_.ask_to_take_over();
}

void PrimaryLink::State::select_db(int db) {
  if (db >= 0 && db < parts_.keyspace.count()) stream_.session().db = db;
}

void PrimaryLink::State::acknowledge() {
  if (!link_.acknowledges() || socket_ == nullptr || socket_->unsent() > kMaxUnsent) return;
  stream_.note_executed();
  const std::string offset = fmt::format("{}", parts_.log.end().value);
  socket_->send(fmt::format("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n${}\r\n{}\r\n", offset.size(), offset));
}

void PrimaryLink::State::on_cron(Now now) { handle(link_.on_tick(now.mono)); }

void PrimaryLink::State::on_socket_up() {
  connected_ = true;
  if (buffer_.empty()) buffer_.resize(kRead);
  handle(link_.on_connected(read_boot_clock()));
}

void PrimaryLink::State::on_socket_read(std::size_t bytes) {
  reading_ = false;
  bytes_in_ += bytes;
  const MonoTime now = read_boot_clock();
  if (link_.is_streaming()) {
    stream_.commit(bytes);
    link_.note_heard(now);
    go_on();
    return;
  }
  handle(link_.on_bytes({buffer_.data(), bytes}, place(), now));
}

void PrimaryLink::State::on_socket_down(const std::string& why) { handle(link_.on_lost(why, read_boot_clock())); }

void PrimaryLink::State::handle(ReplicaLink::Effects effects) {
  if (shut_) return;
  carry_out(std::move(effects));
  tell_changes();
  go_on();
}

void PrimaryLink::State::carry_out(ReplicaLink::Effects effects) {
  const std::uint64_t round = round_;
  for (const LinkEffect& effect : effects) {
    // What was carried out has ended what the rest is about.
    if (round != round_) return;
    std::visit([this](const auto& one) { carry_out(one); }, effect);
  }
}

void PrimaryLink::State::carry_out(const link_effect::Connect&) {
  socket_ = std::make_shared<PrimarySocket>(parts_.loop, *this);
  const Settings& settings = parts_.config.settings();
  socket_->connect(host_, port_, settings.bind_source_addr, settings.tcp_keepalive);
}

void PrimaryLink::State::carry_out(const link_effect::Close&) {
  if (socket_ != nullptr) socket_->drop();
  socket_.reset();
  connected_ = reading_ = false;
  end_session();
  stream_.reset();
}

void PrimaryLink::State::carry_out(const link_effect::Send& effect) {
  if (socket_ != nullptr && socket_->unsent() <= kMaxUnsent) socket_->send(effect.bytes);
}

void PrimaryLink::State::carry_out(const link_effect::BeginFullSync& effect) {
  // A primary that knows SYNC alone has no histories: this state of its gets a name of ours.
  sync_id_ = effect.id ? *effect.id : History::begin(*std::make_unique<Random>(Random::from_system())).id;
  sync_offset_ = effect.offset;
  if (jobs_ == nullptr) jobs_ = std::make_unique<JobThread>(parts_.loop);
  sync_ = std::make_shared<FullSync>(FullSync::Parts{.config = parts_.config,
                                                     .keyspace = parts_.keyspace,
                                                     .snapshots = parts_.snapshots,
                                                     .loading = parts_.loading,
                                                     .logger = parts_.logger,
                                                     .jobs = *jobs_,
                                                     .free_later = hooks_.free_later},
                                     effect.length, effect.id && *effect.id == parts_.history.id && !history_lost_,
                                     read_wall_clock());
  if (const auto begun = sync_->begin(); !begun) fail_sync(SyncTrouble::kInterrupted, begun.error().message());
}

void PrimaryLink::State::carry_out(const link_effect::Payload& effect) {
  if (sync_ == nullptr) return;
  if (const auto taken = sync_->take(effect.bytes); !taken) fail_sync(sync_->trouble(), taken.error().message());
}

void PrimaryLink::State::carry_out(const link_effect::PayloadComplete&) {
  if (sync_ == nullptr) return;
  payload_complete_ = read_boot_clock();
  const auto sync = sync_;  // it may be over when this returns
  sync->complete([this](FullSync::Installed installed) { on_installed(std::move(installed)); });
}

void PrimaryLink::State::carry_out(const link_effect::AbandonFullSync&) { sync_.reset(); }

void PrimaryLink::State::fail_sync(SyncTrouble trouble, const std::string& why) {
  ++round_;
  carry_out(link_.on_sync_failed(trouble, why, read_boot_clock()));
}

void PrimaryLink::State::on_installed(FullSync::Installed installed) {
  // It ends here, whatever became of it; this is called from inside of it.
  const auto sync = std::exchange(sync_, nullptr);
  if (installed.data_lost) {
    data_lost_ = true;
    forget_history();
  }
  if (leaving_ != Leaving::kNot) {
    if (installed.outcome) {
      new_data(installed.facts);
    } else {
      parts_.logger.warning(fmt::format("The data set could not be loaded: {}", installed.outcome.error().message()));
    }
    if (leaving_ == Leaving::kForNobody) {
      hooks_.may_leave();
    } else {
      follow(std::string(host_), port_);
    }
    tell_changes();
    return;
  }
  if (!installed.outcome) {
    fail_sync(installed.trouble, installed.outcome.error().message());
    tell_changes();
    return;
  }
  new_data(installed.facts);
  handle(link_.on_installed(read_boot_clock()));
}

void PrimaryLink::State::new_data(const RdbFacts& facts) {
  history_lost_ = data_lost_ = false;
  // Should the connection have ended while the set was loaded, it is as old as its last byte.
  if (!has_had_data_) down_since_ = payload_complete_;
  has_had_data_ = true;
  stream_.session().db = 0;
  if (facts.replication) select_db(facts.replication->selected_db);
  hooks_.on_new_data(sync_id_, sync_offset_, facts);
}

void PrimaryLink::State::forget_history() {
  history_lost_ = true;
  hooks_.on_history_lost();
}

void PrimaryLink::State::carry_out(const link_effect::Continue& effect) {
  if (effect.id) hooks_.on_renamed(*effect.id);
}

void PrimaryLink::State::carry_out(const link_effect::Stream& effect) { stream_.append(effect.bytes); }
void PrimaryLink::State::carry_out(const link_effect::Acknowledge&) { acknowledge(); }

void PrimaryLink::State::carry_out(const link_effect::TakeOverAnswered& effect) {
  // Taken, the answer is complete when the link is up; a full sync may come before that.
  if (!effect.taken) asking_to_take_over_ = false;
}

void PrimaryLink::State::carry_out(const link_effect::Say& effect) {
  if (effect.level == link_effect::Say::Level::kWarning) {
    parts_.logger.warning(effect.text);
  } else {
    parts_.logger.notice(effect.text);
  }
}

void PrimaryLink::State::go_on() {
  if (shut_ || !connected_ || reading_ || executing_later_ || link_.is_installing()) return;
  if (link_.is_streaming()) {
    if (stream_.has_work()) {
      execute();
      return;
    }
    reading_ = true;
    socket_->read(stream_.room());
    return;
  }
  reading_ = true;
  socket_->read(buffer_);
}

void PrimaryLink::State::execute_later() {
  executing_later_ = true;
  asio::post(parts_.loop, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->shut_) return;
    self->executing_later_ = false;
    self->go_on();
  });
}

void PrimaryLink::State::execute() {
  hooks_.begin_turn();
  const auto outcome = stream_.run(kTurn);
  hooks_.end_turn();
  if (shut_ || !link_.is_streaming()) return;
  switch (outcome) {
    case PrimaryStream::Outcome::kHungry: go_on(); return;
    case PrimaryStream::Outcome::kMore: execute_later(); return;
    case PrimaryStream::Outcome::kAbandoned:
      if (stream_.is_closed()) handle(link_.on_lost("a command of its stream closed it", read_boot_clock()));
      return;
    case PrimaryStream::Outcome::kDamaged:
      parts_.logger.warning(fmt::format(
          "Protocol error in the stream of the primary ({}). Forgetting the history and taking a full sync.",
          stream_.damage()));
      forget_history();
      handle(link_.on_stream_broken(stream_.damage(), read_boot_clock()));
      return;
  }
}

void PrimaryLink::State::tell_changes() {
  if (was_up_ == is_up() && was_syncing_ == is_syncing()) return;
  if (was_up_ && !is_up()) down_since_ = read_boot_clock();
  if (is_up() && !was_up_) {
    has_had_data_ = true;
    begin_session();
  }
  was_up_ = is_up();
  was_syncing_ = is_syncing();
  if (was_up_) asking_to_take_over_ = false;
  hooks_.changed();
}

// A client like others for who looks at them: CLIENT LIST shows it, CLIENT KILL ends it.
void PrimaryLink::State::begin_session() {
  end_session();
  stream_.begin_session(parts_.sessions != nullptr ? parts_.sessions->next_id() : 0);
  Session& session = stream_.session();
  session.address = socket_->remote();
  session.local_address = socket_->local();
  session.descriptor = socket_->descriptor();
  session.created = session.last_active = read_boot_clock();
  if (parts_.sessions == nullptr) return;
  parts_.sessions->add(session);
  registered_ = true;
}

void PrimaryLink::State::end_session() {
  if (std::exchange(registered_, false)) parts_.sessions->remove(stream_.session());
}

// Somebody walks the sessions: the link ends when they have finished.
void PrimaryLink::State::close_later() {
  asio::post(parts_.loop, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->shut_ || !self->stream_.is_closed()) return;
    self->handle(self->link_.on_lost("closed by a command", read_boot_clock()));
  });
}

// Names of keys may stand in it: nothing of them ends the field of INFO.
std::string PrimaryLink::State::one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string PrimaryLink::State::sync_trouble(MonoTime now) const {
  return link_.patience().is_over(now) ? std::string() : one_line(link_.patience().why());
}

milliseconds PrimaryLink::State::silence(MonoTime now) const {
  // While one is left whose data set is being loaded, what was heard was heard of that one.
  if (!has_had_data_ || leaving_ == Leaving::kForAnother) return milliseconds::max();
  return std::chrono::duration_cast<milliseconds>(now - (is_up() ? link_.heard() : down_since_));
}

void PrimaryLink::State::fill(ReplicationFacts::Primary& facts, Now now) const {
  using Link = ReplicationFacts::Primary::Link;
  using Stage = ReplicaLink::Stage;
  const auto seconds_since = [&](MonoTime then) { return std::chrono::duration_cast<seconds>(now.mono - then).count(); };
  switch (link_.stage()) {
    case Stage::kNone: facts.link = Link::kNone; break;
    case Stage::kWaiting: facts.link = Link::kConnect; break;
    case Stage::kConnecting: facts.link = Link::kConnecting; break;
    case Stage::kHandshake: facts.link = Link::kHandshake; break;
    case Stage::kSyncing: facts.link = Link::kSyncing; break;
    case Stage::kConnected: facts.link = Link::kConnected; break;
  }
  const std::int64_t silence = std::max<std::int64_t>(seconds_since(link_.heard()), 0);
  if (is_up()) facts.seconds_since_io = silence;
  facts.offset = parts_.log.end();
  facts.read_offset = parts_.log.end() + static_cast<std::int64_t>(stream_.pending());
  if (is_syncing()) {
    facts.sync_total = link_.payload_total();
    facts.sync_read = link_.payload_received();
    facts.seconds_since_sync_io = silence;
  }
  if (!is_up() && down_since_ != MonoTime{}) facts.link_down_seconds = seconds_since(down_since_);
  const SyncPatience& patience = link_.patience();
  if (patience.is_over(now.mono)) return;
  facts.sync_failures = patience.failures();
  facts.sync_failure = one_line(patience.why());
  if (const auto next = link_.next_attempt()) {
    facts.retry_seconds = std::max<std::int64_t>(std::chrono::ceil<seconds>(*next - now.mono).count(), 0);
  }
}

}  // namespace skein
