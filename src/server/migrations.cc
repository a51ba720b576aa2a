#include "migrations.h"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>
#include <fmt/format.h>

#include <skein/base/clock.h>

#include "migration_exchange.h"

namespace skein {

namespace {

using Step = MigrationLink::Step;

// As in redis: a connection that was not used for so long is closed, and there are never more.
constexpr seconds kKeptFor{10};
constexpr std::size_t kMostKept = 64;
// How often a flight that may not land yet looks again.
constexpr milliseconds kLandingRetry{10};

std::string io_error(Step step) {
  switch (step) {
    case Step::kFinding: return "IOERR error or timeout connecting to the client";
    case Step::kWriting: return "IOERR error or timeout writing to target instance";
    case Step::kReading: break;
  }
  return "IOERR error or timeout reading to target instance";
}

std::string outcome_of(const MigrationExchange& exchange) {
  if (exchange.refusal().empty()) return {};
  return fmt::format("ERR Target instance replied with error: {}", exchange.refusal());
}

}  // namespace

struct Migrations::Flight final : MigrationLink::User {
  Flight(Migrations& its_owner, FlyingKeys::FlightId its_id, Migration its_what)
      : owner(its_owner), id(its_id), what(std::move(its_what)) {}

  void on_link_up() override { owner.send(*this); }
  void on_link_written() override { heard = read_boot_clock(); }
  void on_link_read(std::string_view bytes) override { owner.on_answer(*this, bytes); }
  void on_link_failed(Step step) override { owner.on_failure(*this, step); }

  Migrations& owner;
  FlyingKeys::FlightId id;
  Migration what;
  Session* session = nullptr;  // null: its client has gone
  const Command* command = nullptr;
  Ticks began = 0;
  std::shared_ptr<MigrationLink> link;  // null once it has come down
  std::optional<MigrationExchange> exchange;
  bool may_retry = true;
  MonoTime heard{};  // the last sign of life of the target
  std::string error;
};

Migrations::Migrations(Parts parts, Hooks hooks) : parts_(parts), hooks_(std::move(hooks)), timer_(parts.loop) {
  parts_.keyspace.context().flying.on_taken = [this](FlyingKeys::FlightId id) {
    cancel(id, "the keys have been removed meanwhile");
  };
}

Migrations::~Migrations() {
  parts_.keyspace.context().flying.on_taken = nullptr;
  for (const auto& flight : flights_) {
    if (flight->link != nullptr) flight->link->close();
  }
}

void Migrations::launch(Session& session, Migration migration) {
  Flight& flight = *flights_.emplace_back(std::make_unique<Flight>(*this, ++last_id_, std::move(migration)));
  flight.session = &session;
  flight.command = session.last_command;
  flight.began = parts_.dispatcher.ticks();
  parts_.keyspace.context().flying.add(flight.id, flight.what.source_db, flight.what.keys);
  // Also for the requests behind this one in its turn.
  parts_.facts.gates |= gate::kFlight;
  begin(flight);
}

void Migrations::begin(Flight& flight) {
  flight.heard = read_boot_clock();
  flight.link = link_to(flight.what);
  if (flight.link->is_up()) {
    flight.link->use(flight);
    send(flight);
  } else {
    flight.link->connect(flight, parts_.config->bind_source_addr);
  }
  arm_timer(give_up_at(flight));
}

void Migrations::send(Flight& flight) {
  flight.exchange.emplace(flight.what, flight.link->selected_db);
  flight.link->send(flight.exchange->head(), flight.what.requests);
}

void Migrations::on_answer(Flight& flight, std::string_view bytes) {
  flight.heard = read_boot_clock();
  switch (flight.exchange->read(bytes)) {
    case MigrationExchange::State::kGoesOn: return;
    case MigrationExchange::State::kNotUnderstood:
      flight.link->close();
      touch_down(flight, io_error(Step::kReading));
      return;
    case MigrationExchange::State::kComplete: break;
  }
  flight.link->selected_db = flight.exchange->selected();
  flight.link->release();
  flight.link->last_used = flight.heard;
  keep(std::move(flight.link));
  touch_down(flight, outcome_of(*flight.exchange));
}

// A kept connection may have ended long ago: as long as no key has been answered, another one is tried.
void Migrations::on_failure(Flight& flight, Step step) {
  const bool lost_nothing = !flight.exchange || flight.exchange->answered() == 0;
  if (step != Step::kFinding && lost_nothing && std::exchange(flight.may_retry, false)) {
    flight.exchange.reset();
    begin(flight);
    return;
  }
  const bool refused = flight.exchange && !flight.exchange->refusal().empty();
  touch_down(flight, refused ? outcome_of(*flight.exchange) : io_error(step));
}

bool Migrations::writers_wait() const {
  return (parts_.facts.gates & (gate::kPauseAll | gate::kPauseWrite | gate::kLease)) != 0;
}

void Migrations::touch_down(Flight& flight, std::string error) {
  flight.link.reset();
  flight.error = std::move(error);
  // The lease may have lapsed since the last turn.
  hooks_.begin_turn();
  if (writers_wait()) {
    arm_timer(read_boot_clock() + kLandingRetry);
  } else {
    land(flight);
  }
}

void Migrations::land(Flight& landing) {
  const auto flight = take_out(landing);
  if (flight->exchange && !flight->what.copies) remove_arrived(*flight);
  answer(*flight, flight->error);
  hooks_.end_turn();
  if (parts_.dispatcher.take_flight_awaited()) parts_.turns.resume(SuspendReason::kKeysInFlight);
}

std::unique_ptr<Migrations::Flight> Migrations::take_out(Flight& flight) {
  const auto at = std::find_if(flights_.begin(), flights_.end(), [&](const auto& one) { return one.get() == &flight; });
  auto taken = std::move(*at);
  flights_.erase(at);
  FlyingKeys& flying = parts_.keyspace.context().flying;
  flying.remove(taken->id);
  if (flying.empty()) parts_.facts.gates &= ~std::uint32_t{gate::kFlight};
  return taken;
}

// One effect for all of them.
void Migrations::remove_arrived(Flight& flight) {
  Database& db = parts_.keyspace.db(flight.what.source_db);
  effect_.assign({"DEL"});
  for (const KeyRef& key : flight.exchange->arrived()) {
    if (db.erase(key)) effect_.push_back(key.bytes);
  }
  if (effect_.size() > 1) parts_.dispatcher.tell(flight.what.source_db, effect_, flight.session);
}

void Migrations::answer(Flight& flight, std::string_view error) {
  std::unique_ptr<SuspendedCall> call;
  if (flight.session != nullptr) {
    call = std::move(flight.session->suspended);
    ReplyWriter& reply = flight.session->writer();
    if (error.empty()) {
      reply.ok();
    } else {
      reply.error(error);
    }
    parts_.turns.answered_late(*flight.session);
  }
  std::vector<std::string_view> words;
  if (call != nullptr) words.assign(call->call.arguments.begin(), call->call.arguments.end());
  parts_.dispatcher.conclude({.command = *flight.command,
                              .arguments = words,
                              .secrets = flight.what.secrets,
                              .began = flight.began,
                              .session = flight.session,
                              .error_code = error.substr(0, error.find(' '))});
}

void Migrations::cancel(FlyingKeys::FlightId id, std::string_view why) {
  const auto at = std::find_if(flights_.begin(), flights_.end(), [id](const auto& one) { return one->id == id; });
  if (at == flights_.end()) return;
  const auto flight = take_out(**at);
  // What is under way on it is nobody's answer any more.
  if (flight->link != nullptr) flight->link->close();
  answer(*flight, fmt::format("IOERR MIGRATE was given up: {}", why));
  if (!parts_.dispatcher.take_flight_awaited() || std::exchange(resume_posted_, true)) return;
  // The call that takes the keys away ends first.
  asio::post(parts_.loop, [this] {
    resume_posted_ = false;
    parts_.turns.resume(SuspendReason::kKeysInFlight);
  });
}

void Migrations::end_flights(Slot slot) {
  std::vector<FlyingKeys::FlightId> ending;
  for (const auto& flight : flights_) {
    const auto& keys = flight->what.keys;
    if (std::any_of(keys.begin(), keys.end(), [slot](const KeyRef& key) { return key.slot == slot; })) {
      ending.push_back(flight->id);
    }
  }
  for (const auto id : ending) cancel(id, "the state of the slot has changed");
}

void Migrations::end_all() {
  while (!flights_.empty()) cancel(flights_.back()->id, "this node is a replica now");
}

void Migrations::on_closed(const Session& session) {
  for (const auto& flight : flights_) {
    if (flight->session == &session) flight->session = nullptr;
  }
}

std::size_t Migrations::cached_connections() const {
  const auto used = std::count_if(flights_.begin(), flights_.end(),
                                  [](const auto& flight) { return flight->link != nullptr && flight->link->is_up(); });
  return idle_.size() + static_cast<std::size_t>(used);
}

std::shared_ptr<MigrationLink> Migrations::link_to(const Migration& migration) {
  const auto at = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& link) {
    return link->leads_to(migration.host, migration.port);
  });
  if (at == idle_.rend()) return std::make_shared<MigrationLink>(parts_.loop, migration.host, migration.port);
  auto link = std::move(*at);
  idle_.erase(std::next(at).base());
  return link;
}

void Migrations::keep(std::shared_ptr<MigrationLink> link) {
  if (idle_.size() >= kMostKept) {
    idle_.front()->close();
    idle_.erase(idle_.begin());
  }
  arm_timer(link->last_used + kKeptFor);
  idle_.push_back(std::move(link));
}

MonoTime Migrations::give_up_at(const Flight& flight) const { return flight.heard + flight.what.timeout; }

// Set again only when it would come too late: that it comes too early costs less than setting it for each flight.
void Migrations::arm_timer(MonoTime when) {
  if (timer_at_ != MonoTime{} && timer_at_ <= when) return;
  timer_at_ = when;
  timer_.expires_after(std::max<nanoseconds>(when - read_boot_clock(), nanoseconds{0}));
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) on_timer();
  });
}

void Migrations::on_timer() {
  timer_at_ = {};
  const MonoTime now = read_boot_clock();
  while (!idle_.empty() && now - idle_.front()->last_used >= kKeptFor) {
    idle_.front()->close();
    idle_.erase(idle_.begin());
  }
  if (!idle_.empty()) arm_timer(idle_.front()->last_used + kKeptFor);
  // Landing changes the list.
  std::vector<FlyingKeys::FlightId> ids;
  for (const auto& flight : flights_) ids.push_back(flight->id);
  for (const auto id : ids) {
    const auto at = std::find_if(flights_.begin(), flights_.end(), [id](const auto& one) { return one->id == id; });
    if (at == flights_.end()) continue;
    Flight& flight = **at;
    if (flight.link == nullptr) {
      hooks_.begin_turn();
      if (writers_wait()) {
        arm_timer(now + kLandingRetry);
      } else {
        land(flight);
      }
    } else if (now < give_up_at(flight)) {
      arm_timer(give_up_at(flight));
    } else {
      const Step step = !flight.link->is_up() ? Step::kFinding : flight.link->has_unsent() ? Step::kWriting : Step::kReading;
      const bool refused = flight.exchange && !flight.exchange->refusal().empty();
      flight.link->close();
      touch_down(flight, refused ? outcome_of(*flight.exchange) : io_error(step));
    }
  }
}

// In a transaction nothing may happen in between, so everybody waits: for no longer than the others in the cluster wait
// for this node.
Migrated Migrations::bring_over(const Migration& migration) {
  const Settings& settings = parts_.config.settings();
  const milliseconds limit = settings.cluster_enabled ? std::min(migration.timeout, settings.cluster_node_timeout / 2)
                                                      : migration.timeout;
  const MonoTime deadline = read_boot_clock() + limit;
  for (bool may_retry = true;; may_retry = false) {
    const auto link = link_to(migration);
    std::optional<Step> failed;
    if (!link->is_up()) failed = link->connect_now(settings.bind_source_addr, deadline);
    MigrationExchange exchange(migration, link->selected_db);
    if (!failed) failed = link->send_now(exchange.head(), migration.requests, deadline);
    auto state = MigrationExchange::State::kGoesOn;
    while (!failed && state == MigrationExchange::State::kGoesOn) {
      const std::string_view bytes = link->read_now(deadline);
      if (bytes.empty()) {
        failed = Step::kReading;
      } else {
        state = exchange.read(bytes);
      }
    }
    if (state == MigrationExchange::State::kComplete) {
      link->selected_db = exchange.selected();
      link->last_used = read_boot_clock();
      keep(link);
      return {exchange.take_arrived(), outcome_of(exchange)};
    }
    link->close();
    const bool in_time = read_boot_clock() < deadline;
    if (failed && failed != Step::kFinding && in_time && may_retry && exchange.answered() == 0) continue;
    const std::string refusal = outcome_of(exchange);
    return {exchange.take_arrived(), refusal.empty() ? io_error(failed.value_or(Step::kReading)) : refusal};
  }
}

}  // namespace skein
