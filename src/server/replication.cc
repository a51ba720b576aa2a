#include "replication.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <skein/base/clock.h>

namespace skein {

Replication::Replication(Parts parts, Hooks hooks)
    : parts_(parts),
      hooks_(std::move(hooks)),
      random_(Random::from_system()),
      history_(History::begin(random_)),
      log_(parts.config->repl_backlog_size),
      feed_(log_),
      replicas_({.loop = parts.loop,
                 .config = parts.config,
                 .sessions = parts.sessions,
                 .turns = parts.turns,
                 .snapshots = parts.snapshots,
                 .log = log_,
                 .feed = feed_,
                 .history = history_,
                 .logger = parts.logger},
                replicas_hooks()),
      link_({.loop = parts.loop,
             .config = parts.config,
             .keyspace = parts.keyspace,
             .dispatcher = parts.dispatcher,
             .log = log_,
             .history = history_,
             .snapshots = parts.snapshots,
             .loading = parts.loading,
             .logger = parts.logger,
             .facts = parts.facts,
             .sessions = &parts.sessions},
            link_hooks()) {}

Replication::~Replication() = default;

Replicas::Hooks Replication::replicas_hooks() {
  return {.changed =
              [this] {
                refresh_feed();
                hooks_.changed();
              },
          .on_takeover_request = [this](const SyncRequest& request) { return hand_over_to(request); },
          .has_data = [this] { return link_.is_up() && !parts_.loading.shuts_gate(); },
          .is_replica = [this] { return is_replica(); },
          .on_backlog_freed = [this] { begin_new_history(); },
          .stream_is_held =
              [this] { return handover_.is_under_way() || (hooks_.writers_wait && hooks_.writers_wait()); },
          .refuses_replicas = hooks_.refuses_replicas};
}

PrimaryLink::Hooks Replication::link_hooks() {
  return {.on_new_data = [this](const ReplicationId& id, ReplOffset offset,
                                const RdbFacts& facts) { on_new_data(id, offset, facts); },
          .on_renamed =
              [this](const ReplicationId& id) {
                history_.rename(id, log_.end());
                // Only those who ask again learn the new name.
                replicas_.disconnect_all("the replication history has a new id");
              },
          .on_history_lost = [this] { begin_new_history(); },
          .changed = [this] { on_link_changed(); },
          .may_leave = [this] { stop_following(); },
          .free_later = hooks_.free_later,
          .begin_turn = hooks_.begin_turn,
          .end_turn =
              [this] {
                on_end_of_turn();
                if (hooks_.stream_applied) hooks_.stream_applied();
              }};
}

void Replication::start() {
  const PrimaryAddress& primary = parts_.config->replicaof;
  if (!primary.host.empty()) (void)follow(primary.host, primary.port);
}

void Replication::on_loaded(const RdbFacts& facts, bool as_replica) {
  if (!facts.replication) return;
  const auto& stood = *facts.replication;
  log_.restart(stood.offset);
  log_.open();
  if (as_replica) {
    history_ = {.id = stood.id, .former = std::nullopt};
    link_.select_db(stood.selected_db);
  } else {
    // Its writes from here on are a history of their own: others may have seen more of the old one
    // than was saved. Who saw no more may go on.
    history_.former = History::Former{stood.id, stood.offset};
  }
  refresh_feed();
}

bool Replication::tells_effects() const { return !is_replica() && (log_.is_open() || log_.readers() != 0); }

// Effects are told only where somebody may read them.
void Replication::refresh_feed() {
  const bool tell = tells_effects();
  parts_.dispatcher.set_effects(tell ? &feed_ : nullptr);
  parts_.keyspace.context().collect_removals = tell;
  if (!tell) parts_.keyspace.context().owed_removals.clear();
}

void Replication::begin_new_history() {
  replicas_.disconnect_all("the replication history ends");
  history_ = History::begin(random_);
  refresh_feed();
}

void Replication::change_id() { history_ = History::begin(random_); }

bool Replication::follow(std::string_view host, std::uint16_t port) {
  if (is_replica() && link_.host() == host && link_.port() == port) {
    link_.stay();
    return false;
  }
  const bool was_primary = !is_replica();
  // A replica keeps a backlog too: it may be promoted, and others may follow it.
  log_.open();
  if (was_primary) {
    replicas_.break_off_waits();
    parts_.logger.notice(fmt::format("Turning into a replica of {}:{}; it is offered to continue from offset {} of history {}",
                                     host, port, log_.end().value, history_.id.view()));
  }
  parts_.logger.set_role('S');
  link_.follow(std::string(host), port);
  hooks_.following({.host = std::string(host), .port = port});
  refresh_feed();
  hooks_.changed();
  return true;
}

void Replication::stop_following() {
  if (!is_replica()) return;
  const int database = link_.selected_db();
  if (!link_.stop()) return;  // later
  hooks_.following({});
  history_.branch(random_, log_.end());
  parts_.logger.notice(fmt::format("This node is a master now. It leaves history {} behind at offset {}; its own is {}",
                                   history_.former->id.view(), history_.former->until.value, history_.id.view()));
  feed_.set_database(database);
  // They come back and are told the new name.
  replicas_.disconnect_all("this node is a primary now");
  refresh_feed();
  hooks_.changed();
}

void Replication::on_new_data(const ReplicationId& id, ReplOffset offset, const RdbFacts& facts) {
  replicas_.disconnect_all("a new data set came from the primary");
  history_ = {.id = id, .former = std::nullopt};
  log_.restart(offset);
  log_.open();
  hooks_.new_data(facts);
}

void Replication::on_link_changed() {
  if (handover_.state() == Handover::State::kInProgress) {
    if (link_.is_up()) end_failover("");
  }
  hooks_.changed();
}

void Replication::serve_replica(Session& session, const SyncRequest& request) { replicas_.serve(session, request); }

void Replication::on_acknowledged(Session& session, ReplOffset offset, std::optional<ReplOffset>) {
  replicas_.on_acknowledged(session, offset, parts_.facts.now.mono);
  if (hooks_.acknowledged) hooks_.acknowledged();
}

ReplOffset Replication::ask_for_last_acknowledgements() {
  if (is_replica()) return log_.end();
  tell_owed_removals();
  const ReplOffset last = log_.end();
  feed_.ask_acknowledgements();
  replicas_.flush();
  return last;
}

void Replication::acknowledge_to_primary() { link_.acknowledge(); }

std::uint64_t Replication::acknowledged_by(const Session& session) { return replicas_.acknowledged_by(session.written); }

void Replication::await_replicas(Session& session, std::uint64_t wanted, MonoTime until) {
  replicas_.await(session, session.written, wanted, until);
}

void Replication::on_end_of_turn() {
  tell_owed_removals();
  replicas_.flush();
}

void Replication::on_cron(Now now) {
  link_.on_cron(now);
  replicas_.on_cron(now);
  if (handover_.is_under_way()) judge_failover(now.mono);
  input_rate_.sample(link_.bytes_in(), now.mono);
  output_rate_.sample(replicas_.bytes_out(), now.mono);
}

void Replication::apply_settings() {
  log_.set_backlog(parts_.config->repl_backlog_size);
  link_.apply_settings();
}

void Replication::tell_removal_of(Slot slot) {
  if (!tells_effects()) return;
  for (const std::string& key : parts_.keyspace.db(0).keys_in_slot(slot, SIZE_MAX)) {
    const std::string_view removal[] = {"DEL", key};
    feed_.add(0, removal);
  }
}

void Replication::tell_owed_removals() { skein::tell_owed_removals(parts_.keyspace.context(), feed_); }

// The backlog is counted: it comes to stay. What slow replicas hold beyond it goes with them.
std::size_t Replication::memory_beyond_backlog() const {
  constexpr std::size_t kSlack = 64 * 1024;  // blocks that are begun, and their list
  const std::size_t counted = log_.is_open() ? log_.backlog_limit() + log_.backlog_limit() / 256 + kSlack : 0;
  const std::size_t held = log_.memory();
  return held > counted ? held - counted : 0;
}

void Replication::stop() {
  link_.end();
  replicas_.end_waits();
  replicas_.disconnect_all("this node stops");
}

bool Replication::has_enough_replicas(Now now) const {
  const Settings& settings = parts_.config.settings();
  if (settings.min_replicas_to_write == 0 || settings.min_replicas_max_lag.count() == 0 || is_replica()) return true;
  return replicas_.good_count(now) >= static_cast<std::uint64_t>(settings.min_replicas_to_write);
}

std::optional<std::size_t> Replication::replicas_in_sync(Now now) const {
  // With a limit of 0 nobody counts as heard lately.
  if (is_replica() || parts_.config->min_replicas_max_lag.count() == 0) return std::nullopt;
  return replicas_.good_count(now);
}

std::optional<RdbFacts::Replication> Replication::facts_for_snapshot() const {
  if (is_replica()) {
    return RdbFacts::Replication{history_.id, log_.end(), std::max(link_.selected_db(), 0)};
  }
  if (!log_.is_open()) return std::nullopt;
  return RdbFacts::Replication{history_.id, log_.end(), std::max(feed_.database(), 0)};
}

ReplicationFacts Replication::replication_facts() {
  const Now now = parts_.facts.now;
  ReplicationFacts facts;
  facts.id = history_.id;
  if (history_.former) {
    facts.former_id = history_.former->id;
    facts.former_until = history_.former->until.value + 1;
  }
  facts.offset = log_.end();
  facts.backlog_active = log_.is_open();
  facts.backlog_size = parts_.config->repl_backlog_size;
  facts.backlog_first_byte = log_.is_open() ? log_.backlog_start().value + 1 : 0;
  facts.backlog_length = log_.is_open() ? log_.backlog_length() : 0;
  facts.log_memory = log_.memory();
  facts.failover_state = name_of(handover_.state());
  if (is_replica()) {
    ReplicationFacts::Primary primary;
    primary.host = link_.host();
    primary.port = link_.port();
    link_.fill(primary, now);
    facts.primary = std::move(primary);
  }
  replicas_.fill(facts, now);
  facts.net_input_bytes = link_.bytes_in();
  facts.input_kbps = input_rate_.per_second() / 1024;
  facts.output_kbps = output_rate_.per_second() / 1024;
  return facts;
}

Result<void> Replication::begin_failover(const FailoverRequest& request) {
  if (handover_.is_under_way()) return Error("ERR FAILOVER already in progress.");
  if (is_replica()) return Error("ERR FAILOVER is not valid when server is a replica.");
  if (replicas_.count() == 0) return Error("ERR FAILOVER requires connected replicas.");
  if (request.force && (request.host.empty() || request.timeout.count() == 0)) {
    return Error("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  }
  if (!request.host.empty()) {
    const ReplicationFacts facts = replication_facts();
    const auto found = std::find_if(facts.replicas.begin(), facts.replicas.end(), [&](const auto& replica) {
      return replica.ip == request.host && replica.port == request.port;
    });
    if (found == facts.replicas.end()) return Error("ERR FAILOVER target HOST and PORT is not a replica.");
    if (!found->is_online) return Error("ERR FAILOVER target replica is not online.");
  }
  parts_.logger.notice("FAILOVER requested: writers wait until a replica has everything");
  hooks_.pause_writers(true);
  feed_.ask_acknowledgements();
  handover_.begin({.host = request.host, .port = request.port, .force = request.force, .timeout = request.timeout},
                  parts_.facts.now.mono);
  return {};
}

Result<void> Replication::abort_failover() {
  if (!handover_.is_under_way()) return Error("ERR No failover in progress.");
  const bool demoted = handover_.state() == Handover::State::kInProgress;
  end_failover("Failover manually aborted");
  if (demoted) stop_following();
  return {};
}

void Replication::judge_failover(MonoTime now) {
  if (handover_.state() == Handover::State::kInProgress) {
    // The replica does not take over: it is gone, refuses, or wants a full sync.
    if (!link_.is_asking_to_take_over() && !link_.is_up()) {
      end_failover("Failover target rejected psync request");
      stop_following();
    }
    return;
  }
  ReplicationFacts facts;
  replicas_.fill(facts, {now, parts_.facts.now.wall});
  std::vector<HandoverCandidate> candidates;
  for (auto& replica : facts.replicas) {
    candidates.push_back({std::move(replica.ip), replica.port, replica.is_online, replica.offset});
  }
  switch (handover_.judge(candidates, log_.end(), now)) {
    case HandoverVerdict::kWait: return;
    case HandoverVerdict::kTimedOut: end_failover("Replica never caught up before timeout"); return;
    case HandoverVerdict::kGo: break;
  }
  const HandoverCandidate& target = handover_.target();
  parts_.logger.notice(fmt::format("Failover target {}:{} is to take over", target.host, target.port));
  (void)follow(target.host, target.port);
  link_.ask_to_take_over();
}

// Writers go on: as clients of a primary again, or refused by a replica.
void Replication::end_failover(std::string_view why) {
  if (!why.empty()) parts_.logger.notice(fmt::format("Failover aborted: {}", why));
  handover_.end();
  hooks_.pause_writers(false);
}

bool Replication::hand_over_to(const SyncRequest& request) {
  if (request.id != history_.id.view()) return false;
  parts_.logger.notice("MASTER MODE enabled (failover request from its primary)");
  stop_following();
  return !is_replica();
}

}  // namespace skein
